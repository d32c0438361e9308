"""C1, C2, C5: with whom a subscription starts, who can be its contact, and why others can't."""

from datetime import UTC, datetime

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import transaction

from portal.authority import PORTAL
from portal.backends import RoleBackend
from portal.models import Action, Actor, Partner
from subscriptions.models import Candidate, Subscription
from tests.factories import (
    MembershipFactory,
    OfferFactory,
    RelationshipFactory,
    SubscriptionFactory,
)
from tests.subscriptions.contacts import contact, history

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
