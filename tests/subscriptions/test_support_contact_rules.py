"""Rules C1 to C10: who answers for a subscription, who decides that, and what is kept of it."""

from datetime import UTC, datetime

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from portal.authority import PORTAL, Refusal
from portal.backends import RoleBackend
from portal.models import Action, ActivityEntry, Actor, Partner
from portal.permissions import Role
from subscriptions.models import (
    Candidate,
    StaleSupportContact,
    Subscription,
    SupportContactAssignment,
)
from tests.factories import (
    MembershipFactory,
    OfferFactory,
    PartnershipFactory,
    RelationshipFactory,
    SubscriptionFactory,
)

ALL_PARTNERS = {
    "Nordlicht Distribution",
    "Südwind Cloud",
    "Brandt Direkt",
    "Hafen IT",
    "Elbe Support",
    "Kranich Consulting",
    "Möwe Systems",
    "Pacific Resale",
}


@pytest.fixture
def helpdesk(demo):
    return demo.user("helpdesk@nordlicht.example")


@pytest.fixture
def office(demo):
    """Sold to Reederei Albers by Nordlicht, who answers for it."""
    return demo.subscription("Reederei Albers", "Office 365 Business Standard")


@pytest.fixture
def visio(demo):
    """Reederei Albers bought it elsewhere; nobody answers for it."""
    return demo.subscription("Reederei Albers", "Visio Plan 2")


@pytest.fixture
def hafen(demo):
    return demo.partner("Hafen IT")


@pytest.fixture
def nordlicht(demo):
    return demo.partner("Nordlicht Distribution")


def contact(subscription):
    """The support contact as the database has it, the history agreeing."""
    stored = Subscription.objects.get(pk=subscription.pk).support_contact
    [in_force] = SupportContactAssignment.objects.filter(subscription=subscription, ended_at=None)
    assert in_force.partner == stored
    since = Subscription.objects.get(pk=subscription.pk).contact_changed_at
    assert in_force.started_at == since
    return str(stored or "")


def history(subscription):
    """From the first to the last: contact, who changed it, why."""
    return [
        (str(row.partner or ""), str(row.changed_by and row.changed_by.email), row.reason)
        for row in subscription.support_contact_history.order_by("id")
    ]


def refusal_of(act, *args, **kwargs):
    """The code of the ValidationError that ``act`` raises, or None; nothing of it is kept."""
    with transaction.atomic():
        try:
            act(*args, **kwargs)
        except ValidationError as error:
            return error.code
        finally:
            transaction.set_rollback(True)
    return None


def may_be_chosen(subscription, by):
    """The names of the partners that ``by`` can designate, found by trying every partner there is.

    None is refused for another reason than that it is not eligible.
    """
    codes = {
        partner.name: refusal_of(
            Subscription.objects.get(pk=subscription.pk).designate, partner, by=by
        )
        for partner in Partner.objects.all()
    }
    assert set(codes.values()) <= {None, "not_eligible"}
    return {name for name, code in codes.items() if code is None}


class TestC1:
    def test_C1_a_new_subscription_starts_with_its_seller(self, nordlicht, demo):
        subscription = SubscriptionFactory(
            seller=nordlicht, customer=demo.customer("Reederei Albers")
        )
        assert contact(subscription) == "Nordlicht Distribution"
        assert history(subscription) == [
            ("Nordlicht Distribution", "None", Action.SUBSCRIPTION_ADDED)
        ]
        assert subscription.contact_in_force.started_at == subscription.created_at

    def test_C1_even_if_someone_asks_for_another_contact_from_the_start(self, nordlicht, hafen):
        subscription = SubscriptionFactory(seller=nordlicht, support_contact=hafen)
        assert contact(subscription) == "Nordlicht Distribution"

    def test_C1_the_subscription_takes_the_name_of_its_offer_if_it_has_none(self, demo):
        assert SubscriptionFactory(offer=OfferFactory(name="Planner")).friendly_name == "Planner"

    def test_saving_what_was_open_for_a_while_does_not_undo_a_designation(
        self, office, hafen, helpdesk
    ):
        """C2: there is one door; a stale form is not another."""
        stale = Subscription.objects.get(pk=office.pk)
        office.designate(hafen, by=helpdesk)
        stale.friendly_name = "Office for the crew"
        stale.save()
        assert contact(office) == "Hafen IT"
        assert Subscription.objects.get(pk=office.pk).friendly_name == "Office for the crew"

    def test_saving_a_contact_set_by_hand_does_not_change_it(self, office, hafen):
        office.support_contact = hafen
        office.save()
        assert contact(office) == "Nordlicht Distribution"


class TestC2:
    def test_C2_nordlicht_may_choose_itself_or_hafen_and_nobody_else(self, office, helpdesk):
        assert may_be_chosen(office, helpdesk) == {"Nordlicht Distribution", "Hafen IT"}

    def test_C2_offered_is_exactly_what_is_accepted(self, office, nordlicht):
        offered = office.eligible_support_contacts(nordlicht)
        assert {partner.name for partner in offered} == {"Nordlicht Distribution", "Hafen IT"}

    def test_C2_every_seller_chooses_by_its_own_partnerships(self, demo):
        dynamics = demo.subscription("Reederei Albers", "Dynamics 365 Sales")
        suedwind = demo.user("global@suedwind.example")
        assert may_be_chosen(dynamics, suedwind) == {"Südwind Cloud", "Möwe Systems"}

    def test_C2_a_direct_bill_partner_has_only_itself(self, demo):
        premium = demo.subscription("Praxis Dr. Yılmaz", "Microsoft 365 Business Premium")
        assert may_be_chosen(premium, demo.user("global@brandt.example")) == {"Brandt Direkt"}

    def test_C2_the_new_contact_is_in_force_at_once(self, office, hafen, helpdesk):
        assignment = office.designate(hafen, by=helpdesk)
        assert assignment.partner == hafen
        assert office.support_contact == hafen
        assert contact(office) == "Hafen IT"

    def test_C2_and_can_be_given_back_to_the_seller(self, office, hafen, nordlicht, helpdesk):
        office.designate(hafen, by=helpdesk)
        office.designate(nordlicht, by=helpdesk)
        assert contact(office) == "Nordlicht Distribution"

    def test_C2_the_seller_may_be_chosen_even_without_a_relationship_of_its_own(
        self, demo, hafen, nordlicht, helpdesk
    ):
        """What C2 asks of a reseller it does not ask of the seller."""
        e3 = demo.subscription("Reederei Albers", "Microsoft 365 E3")
        e3.designate(hafen, by=helpdesk)
        demo.relationship("Reederei Albers", "Nordlicht Distribution").remove_dap(by=PORTAL)
        e3.designate(nordlicht, by=helpdesk)
        assert contact(e3) == "Nordlicht Distribution"

    @pytest.mark.parametrize("name", sorted(ALL_PARTNERS - {"Nordlicht Distribution", "Hafen IT"}))
    def test_C2_who_is_not_eligible_is_refused_and_nothing_is_written(
        self, name, demo, office, helpdesk, nothing_written
    ):
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            office.designate(demo.partner(name), by=helpdesk)
        assert refusal.value.code == "not_eligible"
        assert refusal.value.messages == [
            f"{name} can't be the support contact of this subscription."
        ]
        assert office.support_contact.name == "Nordlicht Distribution"

    def test_C2_nobody_is_no_answer_for_what_was_sold_here(self, office, helpdesk, nothing_written):
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            office.designate(None, by=helpdesk)
        assert refusal.value.code == "not_eligible"
        assert refusal.value.messages == [
            "A subscription that was sold here always has a support contact."
        ]

    def test_C2a_without_the_partnership_hafen_is_refused(
        self, demo, office, hafen, helpdesk, nothing_written
    ):
        demo.partnership("Nordlicht Distribution", "Hafen IT").end(by=PORTAL)
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            office.designate(hafen, by=helpdesk)
        assert refusal.value.code == "not_eligible"

    def test_C2b_without_the_relationship_hafen_is_refused(
        self, demo, office, hafen, helpdesk, nothing_written
    ):
        demo.relationship("Reederei Albers", "Hafen IT").end(by=PORTAL)
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            office.designate(hafen, by=helpdesk)
        assert refusal.value.code == "not_eligible"

    def test_C2b_a_relationship_with_another_customer_does_not_count(
        self, demo, helpdesk, hafen, nothing_written
    ):
        exchange = demo.subscription("Backhaus Petersen", "Exchange Online (Plan 1)")
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            exchange.designate(hafen, by=helpdesk)
        assert refusal.value.code == "not_eligible"
        assert may_be_chosen(exchange, helpdesk) == {"Nordlicht Distribution", "Elbe Support"}

    def test_C2c_without_dap_hafen_is_refused(self, demo, office, hafen, helpdesk, nothing_written):
        demo.relationship("Reederei Albers", "Hafen IT").remove_dap(by=PORTAL)
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            office.designate(hafen, by=helpdesk)
        assert refusal.value.code == "not_eligible"

    def test_C2c_with_dap_granted_elbe_is_accepted(self, demo, office, helpdesk):
        demo.relationship("Reederei Albers", "Elbe Support").grant_dap(by=PORTAL)
        office.designate(demo.partner("Elbe Support"), by=helpdesk)
        assert contact(office) == "Elbe Support"

    def test_C2_a_deactivated_reseller_is_refused(self, office, hafen, helpdesk, nothing_written):
        hafen.deactivate(by=PORTAL)
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            office.designate(hafen, by=helpdesk)
        assert refusal.value.code == "not_eligible"

    def test_C2_a_suspended_subscription_has_a_contact_too(self, demo, hafen, helpdesk):
        e3 = demo.subscription("Reederei Albers", "Microsoft 365 E3")
        assert not e3.is_active
        e3.designate(hafen, by=helpdesk)
        assert contact(e3) == "Hafen IT"


class TestC3:
    @pytest.mark.parametrize("person", ["global", "agent", "helpdesk"])
    def test_C3_the_sellers_staff_may_in_a_role_that_may(self, demo, office, hafen, person):
        office.designate(hafen, by=demo.user(f"{person}@nordlicht.example"))
        assert contact(office) == "Hafen IT"

    @pytest.mark.parametrize(
        "email",
        [
            "sales@nordlicht.example",
            "users@nordlicht.example",
            "global@suedwind.example",
            "global@brandt.example",
            "global@hafen.example",
            "global@elbe.example",
            "global@moewe.example",
            "global@pacific.example",
            "admin@albers.example",
            "operator@portal.example",
        ],
    )
    def test_C3_nobody_else_may(self, demo, office, hafen, email, nothing_written):
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            office.designate(hafen, by=demo.user(email))
        assert refusal.value.code in Refusal.values

    def test_C3_not_even_the_contact_itself(self, demo, office, hafen, helpdesk, nordlicht):
        office.designate(hafen, by=helpdesk)
        with pytest.raises(ValidationError) as refusal:
            office.designate(nordlicht, by=demo.user("global@hafen.example"))
        assert refusal.value.code in Refusal.values
        assert contact(office) == "Hafen IT"

    def test_C3_another_provider_of_the_same_customer_may_not(self, demo, office):
        """Multi-partner: Südwind sells to Reederei Albers too, but this is Nordlicht's."""
        with pytest.raises(ValidationError) as refusal:
            office.designate(demo.partner("Möwe Systems"), by=demo.user("global@suedwind.example"))
        assert refusal.value.messages == [
            "Only the staff of the partner that sold the subscription may change this."
        ]

    def test_C3_who_lost_the_role_may_no_longer(self, demo, office, hafen, nothing_written):
        helpdesk = demo.user("helpdesk@nordlicht.example")
        helpdesk.membership.set_roles([Role.SALES_AGENT], by=PORTAL)
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            office.designate(hafen, by=demo.user("helpdesk@nordlicht.example"))
        assert refusal.value.code in Refusal.values
        assert refusal.value.messages == ["Your roles do not include this."]

    def test_C3_a_deactivated_user_may_not(self, demo, office, hafen, nothing_written):
        demo.user("helpdesk@nordlicht.example").deactivate(by=PORTAL)
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            office.designate(hafen, by=demo.user("helpdesk@nordlicht.example"))
        assert refusal.value.code in Refusal.values

    def test_C3_the_staff_of_a_deactivated_seller_may_not(
        self, demo, office, hafen, nordlicht, nothing_written
    ):
        nordlicht.deactivate(by=PORTAL)
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            office.designate(hafen, by=demo.user("helpdesk@nordlicht.example"))
        assert refusal.value.code in Refusal.values

    def test_C3_whoever_may_not_is_not_told_that_it_is_so_already(self, demo, office, nordlicht):
        with pytest.raises(ValidationError) as refusal:
            office.designate(nordlicht, by=demo.user("sales@nordlicht.example"))
        assert refusal.value.code in Refusal.values


class TestC4:
    def test_C4_bought_elsewhere_starts_without_a_contact(self, visio):
        assert visio.is_bought_elsewhere
        assert contact(visio) == ""
        assert history(visio) == [("", "None", Action.SUBSCRIPTION_ADDED)]

    @pytest.mark.parametrize(
        ("email", "partner"),
        [
            ("helpdesk@nordlicht.example", "Nordlicht Distribution"),
            ("helpdesk@nordlicht.example", "Hafen IT"),
            ("global@hafen.example", "Hafen IT"),
            ("global@moewe.example", "Möwe Systems"),
        ],
    )
    def test_C4_a_partner_with_dap_designates_itself_or_a_reseller_of_its_own(
        self, demo, visio, email, partner
    ):
        visio.designate(demo.partner(partner), by=demo.user(email))
        assert contact(visio) == partner

    @pytest.mark.parametrize(
        ("email", "partner"),
        [
            ("helpdesk@nordlicht.example", "Elbe Support"),
            ("helpdesk@nordlicht.example", "Kranich Consulting"),
            ("helpdesk@nordlicht.example", "Möwe Systems"),
            ("helpdesk@nordlicht.example", "Südwind Cloud"),
            ("global@hafen.example", "Nordlicht Distribution"),
            ("global@hafen.example", "Möwe Systems"),
            ("global@moewe.example", "Südwind Cloud"),
        ],
    )
    def test_C4_but_nobody_whom_C2_forbids(self, demo, visio, email, partner, nothing_written):
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            visio.designate(demo.partner(partner), by=demo.user(email))
        assert refusal.value.code == "not_eligible"

    @pytest.mark.parametrize(
        ("email", "partner"),
        [
            ("global@suedwind.example", "Südwind Cloud"),
            ("global@elbe.example", "Elbe Support"),
            ("global@kranich.example", "Kranich Consulting"),
            ("global@brandt.example", "Brandt Direkt"),
            ("sales@nordlicht.example", "Nordlicht Distribution"),
            ("admin@albers.example", "Hafen IT"),
            ("operator@portal.example", "Hafen IT"),
        ],
    )
    def test_C4_without_dap_or_without_the_role_nobody_decides(
        self, demo, visio, email, partner, nothing_written
    ):
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            visio.designate(demo.partner(partner), by=demo.user(email))
        assert refusal.value.code in Refusal.values

    def test_C4_a_direct_bill_partner_with_dap_may_designate_itself(self, demo, visio):
        brandt = demo.partner("Brandt Direkt")
        RelationshipFactory(partner=brandt, customer=visio.customer)
        visio.designate(brandt, by=demo.user("global@brandt.example"))
        assert contact(visio) == "Brandt Direkt"

    def test_C4_dap_that_was_removed_does_not_count(self, demo, visio, hafen, nothing_written):
        demo.relationship("Reederei Albers", "Hafen IT").remove_dap(by=PORTAL)
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            visio.designate(hafen, by=demo.user("global@hafen.example"))
        assert refusal.value.code in Refusal.values

    def test_C4_it_can_go_back_to_nobody(self, visio, hafen, helpdesk):
        visio.designate(hafen, by=helpdesk)
        visio.designate(None, by=helpdesk)
        assert contact(visio) == ""
        assert history(visio) == [
            ("", "None", Action.SUBSCRIPTION_ADDED),
            ("Hafen IT", "helpdesk@nordlicht.example", Action.SUPPORT_CONTACT_DESIGNATED),
            ("", "helpdesk@nordlicht.example", Action.SUPPORT_CONTACT_DESIGNATED),
        ]


def reasons(subscription, partner):
    return [
        (candidate.name, candidate.reason, candidate.since)
        for candidate in subscription.support_contact_candidates(partner)
    ]


class TestC5:
    def test_C5_who_can_be_chosen_comes_first_then_who_cannot_and_why(self, office, nordlicht):
        assert reasons(office, nordlicht) == [
            ("Hafen IT", "", None),
            ("Nordlicht Distribution", "", None),
            ("Elbe Support", Candidate.NO_DAP, None),
            ("Kranich Consulting", Candidate.NO_RELATIONSHIP, None),
        ]

    def test_C5_dap_removed_is_told_with_its_date(self, demo, office, nordlicht):
        day = datetime(2027, 3, 4, 10, 30, tzinfo=UTC)
        with time_machine.travel(day, tick=False):
            demo.relationship("Reederei Albers", "Hafen IT").remove_dap(by=PORTAL)
        assert ("Hafen IT", Candidate.DAP_REMOVED, day) in reasons(office, nordlicht)

    def test_C5_dap_that_came_back_is_no_reason_any_more(self, demo, office, nordlicht):
        relationship = demo.relationship("Reederei Albers", "Hafen IT")
        relationship.remove_dap(by=PORTAL)
        relationship.grant_dap(by=PORTAL)
        assert ("Hafen IT", "", None) in reasons(office, nordlicht)

    def test_C5_a_relationship_that_ended_is_none(self, demo, office, nordlicht):
        relationship = demo.relationship("Reederei Albers", "Hafen IT")
        relationship.remove_dap(by=PORTAL)
        relationship.end(by=PORTAL)
        assert ("Hafen IT", Candidate.NO_RELATIONSHIP, None) in reasons(office, nordlicht)

    def test_C5_who_comes_back_after_the_end_is_listed_once(self, demo, office, nordlicht, hafen):
        demo.relationship("Reederei Albers", "Hafen IT").end(by=PORTAL)
        RelationshipFactory(partner=hafen, customer=office.customer)
        names = [name for name, *_ in reasons(office, nordlicht)]
        assert sorted(names) == [
            "Elbe Support",
            "Hafen IT",
            "Kranich Consulting",
            "Nordlicht Distribution",
        ]

    def test_C5_whom_the_provider_does_not_work_with_is_not_listed_at_all(self, demo):
        """Möwe has DAP for Reederei Albers, Südwind sells there; neither is Nordlicht's business."""
        dynamics = demo.subscription("Reederei Albers", "Dynamics 365 Sales")
        assert reasons(dynamics, demo.partner("Südwind Cloud")) == [
            ("Möwe Systems", "", None),
            ("Südwind Cloud", "", None),
        ]

    def test_C5_nor_are_those_whose_partnership_ended_or_who_are_deactivated(
        self, demo, office, nordlicht
    ):
        demo.partnership("Nordlicht Distribution", "Elbe Support").end(by=PORTAL)
        demo.partner("Kranich Consulting").deactivate(by=PORTAL)
        assert [name for name, *_ in reasons(office, nordlicht)] == [
            "Hafen IT",
            "Nordlicht Distribution",
        ]

    def test_C5_every_candidate_listed_as_eligible_is_accepted(
        self, demo, visio, nordlicht, helpdesk
    ):
        for candidate in visio.support_contact_candidates(nordlicht):
            if candidate.is_eligible:
                visio.designate(demo.partner(candidate.name), by=helpdesk)
                assert contact(visio) == candidate.name


class TestC7:
    def test_C7_designating_who_is_it_already_writes_nothing(
        self, office, nordlicht, helpdesk, nothing_written
    ):
        with nothing_written():
            assert office.designate(nordlicht, by=helpdesk) is None

    def test_C7_nor_does_designating_nobody_where_nobody_is(self, visio, helpdesk, nothing_written):
        with nothing_written():
            assert visio.designate(None, by=helpdesk) is None

    def test_C7_submitting_twice_is_once(self, office, hafen, helpdesk, nothing_written):
        """A double click sends the same form twice, with what was seen before the first."""
        seen = office.contact_in_force.pk
        office.designate(hafen, by=helpdesk, seen=seen)
        with nothing_written():
            assert office.designate(hafen, by=helpdesk, seen=seen) is None

    def test_C7_the_answer_comes_from_the_database_not_from_an_old_page(
        self, office, hafen, nordlicht, helpdesk
    ):
        stale = Subscription.objects.get(pk=office.pk)
        office.designate(hafen, by=helpdesk)
        assert stale.designate(nordlicht, by=helpdesk) is not None
        assert contact(office) == "Nordlicht Distribution"


class TestC8:
    def test_C8_what_someone_else_changed_meanwhile_is_not_overwritten(
        self, demo, office, hafen, nordlicht, helpdesk, nothing_written
    ):
        demo.relationship("Reederei Albers", "Elbe Support").grant_dap(by=PORTAL)
        seen = office.contact_in_force.pk
        agent = demo.user("agent@nordlicht.example")
        office.designate(hafen, by=agent)
        with nothing_written(), pytest.raises(StaleSupportContact) as refusal:
            office.designate(demo.partner("Elbe Support"), by=helpdesk, seen=seen)
        assert refusal.value.code == "stale"
        assert refusal.value.messages == [
            "The support contact was changed in the meantime. Nothing was overwritten."
        ]
        assert refusal.value.assignment.changed_by.user == agent
        assert refusal.value.assignment.partner == hafen
        assert refusal.value.assignment == office.contact_in_force

    def test_C8_also_if_someone_else_chose_the_same(
        self, demo, office, hafen, helpdesk, nothing_written
    ):
        seen = office.contact_in_force.pk
        office.designate(hafen, by=demo.user("agent@nordlicht.example"))
        with nothing_written(), pytest.raises(StaleSupportContact):
            office.designate(hafen, by=helpdesk, seen=seen)

    def test_C8_there_and_back_is_a_change_too(self, demo, office, hafen, nordlicht, helpdesk):
        seen = office.contact_in_force.pk
        agent = demo.user("agent@nordlicht.example")
        office.designate(hafen, by=agent)
        office.designate(nordlicht, by=agent)
        with pytest.raises(StaleSupportContact):
            office.designate(hafen, by=helpdesk, seen=seen)

    def test_C8_a_fall_back_is_a_change_too(self, demo, office, hafen, nordlicht, helpdesk):
        office.designate(hafen, by=helpdesk)
        seen = office.contact_in_force.pk
        demo.relationship("Reederei Albers", "Hafen IT").remove_dap(by=PORTAL)
        with pytest.raises(StaleSupportContact) as refusal:
            office.designate(nordlicht, by=helpdesk, seen=seen)
        assert refusal.value.assignment.reason == Action.DAP_REMOVED

    def test_C8_with_what_is_in_force_it_goes_through(self, office, hafen, helpdesk):
        office.designate(hafen, by=helpdesk, seen=office.contact_in_force.pk)
        assert contact(office) == "Hafen IT"

    def test_C8_who_may_not_learns_nothing_of_the_change(self, demo, office, hafen, helpdesk):
        seen = office.contact_in_force.pk
        office.designate(hafen, by=helpdesk)
        with pytest.raises(ValidationError) as refusal:
            office.designate(hafen, by=demo.user("sales@nordlicht.example"), seen=seen)
        assert refusal.value.code in Refusal.values

    def test_C8_the_key_of_another_subscriptions_assignment_is_stale(
        self, demo, office, visio, hafen, helpdesk, nothing_written
    ):
        with nothing_written(), pytest.raises(StaleSupportContact):
            office.designate(hafen, by=helpdesk, seen=visio.contact_in_force.pk)


def dap_removed(demo):
    demo.relationship("Reederei Albers", "Hafen IT").remove_dap(
        by=demo.user("admin@albers.example")
    )


def relationship_ended(demo):
    demo.relationship("Reederei Albers", "Hafen IT").end(by=demo.user("global@hafen.example"))


def partnership_ended(demo):
    demo.partnership("Nordlicht Distribution", "Hafen IT").end(by=demo.user("global@hafen.example"))


def partner_deactivated(demo):
    demo.partner("Hafen IT").deactivate(by=demo.user("operator@portal.example"))


WAYS_TO_FALL = [
    pytest.param(dap_removed, Action.DAP_REMOVED, "admin@albers.example", id="dap-removed"),
    pytest.param(
        relationship_ended,
        Action.RELATIONSHIP_ENDED,
        "global@hafen.example",
        id="relationship-ended",
    ),
    pytest.param(
        partnership_ended, Action.PARTNERSHIP_ENDED, "global@hafen.example", id="partnership-ended"
    ),
    pytest.param(
        partner_deactivated,
        Action.PARTNER_DEACTIVATED,
        "operator@portal.example",
        id="partner-deactivated",
    ),
]


class TestC9:
    @pytest.mark.parametrize(("fall", "reason", "email"), WAYS_TO_FALL)
    def test_C9_what_was_sold_falls_back_to_its_seller_with_the_reason(
        self, demo, office, hafen, helpdesk, fall, reason, email
    ):
        office.designate(hafen, by=helpdesk)
        fall(demo)
        assert contact(office) == "Nordlicht Distribution"
        assert history(office)[-2:] == [
            ("Hafen IT", "helpdesk@nordlicht.example", Action.SUPPORT_CONTACT_DESIGNATED),
            ("Nordlicht Distribution", email, reason),
        ]
        [entry] = demo.log(action=Action.SUPPORT_CONTACT_FELL_BACK)
        assert entry.subject == "Office 365 Business Standard"
        assert entry.subject_id == office.pk
        assert entry.customer.name == "Reederei Albers"
        assert entry.actor.email == email
        assert entry.before == {"support_contact": "Hafen IT"}
        assert entry.after == {"support_contact": "Nordlicht Distribution"}
        assert entry.reason == reason
        assert {partner.name for partner in entry.partners.all()} == {
            "Hafen IT",
            "Nordlicht Distribution",
        }

    @pytest.mark.parametrize(("fall", "reason", "email"), WAYS_TO_FALL)
    def test_C9_what_was_bought_elsewhere_falls_to_nobody(
        self, demo, visio, hafen, helpdesk, fall, reason, email
    ):
        """Nordlicht designated Hafen; when that rests on nothing any more, nobody is left."""
        visio.designate(hafen, by=helpdesk)
        fall(demo)
        assert contact(visio) == ""
        assert history(visio)[-1] == ("", email, reason)
        [entry] = demo.log(action=Action.SUPPORT_CONTACT_FELL_BACK)
        assert entry.before == {"support_contact": "Hafen IT"}
        assert entry.after == {"support_contact": ""}
        assert entry.reason == reason

    @pytest.mark.parametrize(("fall", "reason", "email"), WAYS_TO_FALL)
    def test_C9_the_fall_back_and_its_cause_are_one_transaction(
        self, demo, office, hafen, helpdesk, fall, reason, email, monkeypatch, nothing_written
    ):
        """The entry about the cause is written last. If that fails, everything else is undone."""
        office.designate(hafen, by=helpdesk)

        def full_disk(*args, **kwargs):
            raise OSError("No space left on device")

        monkeypatch.setattr(type(ActivityEntry.objects), "record", full_disk)
        with nothing_written(), pytest.raises(OSError, match="No space left"):
            fall(demo)
        assert contact(office) == "Hafen IT"

    @pytest.mark.parametrize(("fall", "reason", "email"), WAYS_TO_FALL)
    def test_C9_every_subscription_of_the_contact_falls_each_to_its_own_seller(
        self, demo, office, visio, hafen, helpdesk, fall, reason, email
    ):
        azure = demo.subscription("Reederei Albers", "Azure plan")
        for subscription in (office, visio, azure):
            subscription.designate(hafen, by=helpdesk)
        fall(demo)
        assert [contact(one) for one in (office, visio, azure)] == [
            "Nordlicht Distribution",
            "",
            "Nordlicht Distribution",
        ]
        assert len(demo.log(action=Action.SUPPORT_CONTACT_FELL_BACK)) == 3

    @pytest.mark.parametrize(("fall", "reason", "email"), WAYS_TO_FALL)
    def test_C9_others_keep_theirs(self, demo, office, visio, fall, reason, email, helpdesk):
        dynamics = demo.subscription("Reederei Albers", "Dynamics 365 Sales")
        moewe = demo.partner("Möwe Systems")
        dynamics.designate(moewe, by=demo.user("global@suedwind.example"))
        visio.designate(moewe, by=demo.user("global@moewe.example"))
        exchange = demo.subscription("Backhaus Petersen", "Exchange Online (Plan 1)")
        exchange.designate(demo.partner("Elbe Support"), by=helpdesk)
        fall(demo)
        assert [contact(one) for one in (office, visio, dynamics, exchange)] == [
            "Nordlicht Distribution",
            "Möwe Systems",
            "Möwe Systems",
            "Elbe Support",
        ]
        assert demo.log(action=Action.SUPPORT_CONTACT_FELL_BACK) == []

    def test_C9_a_suspended_subscription_falls_back_too(self, demo, hafen, helpdesk):
        e3 = demo.subscription("Reederei Albers", "Microsoft 365 E3")
        e3.designate(hafen, by=helpdesk)
        dap_removed(demo)
        assert contact(e3) == "Nordlicht Distribution"

    @pytest.mark.parametrize("fall", [dap_removed, relationship_ended, partner_deactivated])
    def test_C9_who_designated_itself_falls_to_nobody(self, demo, visio, hafen, fall):
        visio.designate(hafen, by=demo.user("global@hafen.example"))
        fall(demo)
        assert contact(visio) == ""

    def test_C9_who_designated_itself_needs_no_partnership(self, demo, visio, hafen):
        """Hafen took this on in its own right, so the end of its work with Nordlicht changes nothing."""
        visio.designate(hafen, by=demo.user("global@hafen.example"))
        partnership_ended(demo)
        assert contact(visio) == "Hafen IT"

    def test_C9_a_partnership_with_another_provider_does_not_carry_the_contact(
        self, demo, visio, office, hafen, helpdesk
    ):
        """It was Nordlicht's choice and rests on Nordlicht's partnership."""
        PartnershipFactory(provider=demo.partner("Südwind Cloud"), reseller=hafen)
        visio.designate(hafen, by=helpdesk)
        office.designate(hafen, by=helpdesk)
        partnership_ended(demo)
        assert (contact(visio), contact(office)) == ("", "Nordlicht Distribution")

    def test_C9_and_the_end_of_the_other_one_leaves_it(self, demo, visio, office, hafen, helpdesk):
        other = PartnershipFactory(provider=demo.partner("Südwind Cloud"), reseller=hafen)
        visio.designate(hafen, by=helpdesk)
        office.designate(hafen, by=helpdesk)
        other.end(by=PORTAL)
        assert (contact(visio), contact(office)) == ("Hafen IT", "Hafen IT")

    def test_C9_the_seller_itself_does_not_fall(self, demo, office, visio, nordlicht, helpdesk):
        """It answers for what it sold whatever happens; for what was bought elsewhere it needs DAP."""
        visio.designate(nordlicht, by=helpdesk)
        demo.relationship("Reederei Albers", "Nordlicht Distribution").remove_dap(by=PORTAL)
        assert contact(office) == "Nordlicht Distribution"
        assert len(history(office)) == 1
        assert contact(visio) == ""

    def test_C9_after_coming_back_the_contact_stays_where_it_fell(
        self, demo, office, hafen, helpdesk
    ):
        office.designate(hafen, by=helpdesk)
        hafen.deactivate(by=PORTAL)
        hafen.reactivate(by=PORTAL)
        assert contact(office) == "Nordlicht Distribution"

    def test_C9_whoever_chose_the_contact_reads_in_its_log_that_it_fell(
        self, demo, visio, hafen, helpdesk
    ):
        """T1: Nordlicht reads that it designated Hafen; it has to read the end of that too."""
        visio.designate(hafen, by=helpdesk)
        dap_removed(demo)
        seen = ActivityEntry.objects.visible_to(helpdesk.membership).filter(subject_id=visio.pk)
        assert [entry.action for entry in seen.order_by("id")] == [
            Action.SUPPORT_CONTACT_DESIGNATED,
            Action.SUPPORT_CONTACT_FELL_BACK,
        ]


class TestC10:
    def test_C10_the_history_says_who_from_when_to_when_by_whom_and_why(
        self, demo, office, hafen, helpdesk
    ):
        first = datetime(2030, 5, 1, 9, 0, tzinfo=UTC)
        second = datetime(2030, 5, 2, 9, 0, tzinfo=UTC)
        with time_machine.travel(first, tick=False):
            office.designate(hafen, by=helpdesk)
        with time_machine.travel(second, tick=False):
            dap_removed(demo)
        now, before, start = office.support_contact_history.with_people()
        assert (str(now), now.started_at, now.ended_at) == (
            "Nordlicht Distribution",
            second,
            None,
        )
        assert (str(before), before.started_at, before.ended_at) == ("Hafen IT", first, second)
        assert (str(start), start.started_at, start.ended_at) == (
            "Nordlicht Distribution",
            office.created_at,
            first,
        )
        assert [row.get_reason_display() for row in (start, before, now)] == [
            "Subscription added",
            "Support contact designated",
            "Delegated admin privileges removed",
        ]

    def test_C10_nobody_is_named_as_nobody(self, visio):
        assert str(visio.contact_in_force) == "no partner designated"

    def test_C10_the_log_tells_each_designation(self, demo, office, hafen, helpdesk):
        office.designate(hafen, by=helpdesk)
        [entry] = demo.log(action=Action.SUPPORT_CONTACT_DESIGNATED)
        assert entry.person == helpdesk
        assert entry.customer == office.customer
        assert entry.subject == "Office 365 Business Standard"
        assert entry.before == {"support_contact": "Nordlicht Distribution"}
        assert entry.after == {"support_contact": "Hafen IT"}
        assert {partner.name for partner in entry.partners.all()} == {
            "Hafen IT",
            "Nordlicht Distribution",
        }

    def test_C10_who_is_replaced_reads_of_it_in_its_log(self, demo, office, hafen, helpdesk):
        demo.relationship("Reederei Albers", "Elbe Support").grant_dap(by=PORTAL)
        office.designate(hafen, by=helpdesk)
        office.designate(demo.partner("Elbe Support"), by=helpdesk)
        entry = demo.log(action=Action.SUPPORT_CONTACT_DESIGNATED)[-1]
        assert {partner.name for partner in entry.partners.all()} == {
            "Elbe Support",
            "Hafen IT",
            "Nordlicht Distribution",
        }

    @pytest.mark.parametrize(
        ("email", "reads"),
        [
            (
                "agent@nordlicht.example",
                "Helpdesk agent, Nordlicht Distribution (helpdesk@nordlicht.example)",
            ),
            ("global@hafen.example", "Nordlicht Distribution"),
            ("admin@albers.example", "Nordlicht Distribution"),
        ],
    )
    def test_C10_colleagues_read_the_person_others_the_organisation(
        self, demo, office, hafen, helpdesk, email, reads
    ):
        assignment = office.designate(hafen, by=helpdesk)
        assert assignment.changed_by_for(demo.user(email).membership) == reads

    def test_C10_the_operator_is_named_by_its_office(self, demo, office, hafen, helpdesk):
        office.designate(hafen, by=helpdesk)
        partner_deactivated(demo)
        label = office.contact_in_force.changed_by_for(helpdesk.membership)
        assert str(label) == "The operator of the portal"

    def test_C10_what_the_portal_did_names_nobody(self, office, helpdesk):
        assert office.contact_in_force.changed_by_for(helpdesk.membership) is None

    def test_C10_nothing_of_it_can_be_deleted_with_what_it_names(self, office, hafen, helpdesk):
        office.designate(hafen, by=helpdesk)
        for row in (office, hafen, helpdesk, office.customer, office.offer):
            with pytest.raises(ProtectedError):
                row.delete()

    def test_C10_two_contacts_in_force_are_impossible(self, office, hafen):
        with pytest.raises(IntegrityError), transaction.atomic():
            SupportContactAssignment.objects.create(
                subscription=office, partner=hafen, reason=Action.SUPPORT_CONTACT_DESIGNATED
            )

    def test_C10_an_end_before_the_start_is_impossible(self, office):
        with pytest.raises(IntegrityError), transaction.atomic():
            office.support_contact_history.update(ended_at=datetime(2000, 1, 1, tzinfo=UTC))


def test_two_providers_that_both_have_dap_may_take_over_from_each_other(demo, visio, helpdesk):
    """C4: bought elsewhere belongs to no seller, so the last choice counts and the log tells it."""
    visio.designate(demo.partner("Möwe Systems"), by=demo.user("global@moewe.example"))
    visio.designate(demo.partner("Hafen IT"), by=helpdesk)
    assert contact(visio) == "Hafen IT"
    entry = demo.log(action=Action.SUPPORT_CONTACT_DESIGNATED)[-1]
    assert entry.before == {"support_contact": "Möwe Systems"}
    assert "Möwe Systems" in {partner.name for partner in entry.partners.all()}


def test_a_designation_costs_the_same_whatever_else_there_is(
    demo, office, hafen, nordlicht, helpdesk, django_assert_max_num_queries
):
    for _ in range(20):
        MembershipFactory(partner=nordlicht)
        SubscriptionFactory(seller=nordlicht, customer=office.customer)
    Actor.objects.of(helpdesk)  # that it has acted before
    by = RoleBackend().get_user(helpdesk.pk)
    with django_assert_max_num_queries(25):
        office.designate(hafen, by=by)
