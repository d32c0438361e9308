"""Rules R1 and R7 to R9: a partner acts for a customer, with or without delegated admin privileges."""

from datetime import UTC, datetime

import pytest
import time_machine
from django.core import mail
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from portal.authority import PORTAL, Refusal
from portal.models import Action, ActivityEntry, User
from portal.permissions import Role
from relationships.models import Relationship
from subscriptions.models import Subscription
from tests.factories import (
    CustomerFactory,
    MembershipFactory,
    PartnerFactory,
    RelationshipFactory,
)


def suspend_all(demo, customer, seller, email):
    for subscription in demo.customer(customer).subscriptions.sold_by(demo.partner(seller)):
        subscription.suspend(by=demo.user(email))


class TestR1:
    def test_R1_the_database_refuses_a_second_active_relationship(self, demo):
        with pytest.raises(IntegrityError), transaction.atomic():
            Relationship.objects.create(
                partner=demo.partner("Hafen IT"), customer=demo.customer("Reederei Albers")
            )

    def test_R1_starting_it_again_is_refused_with_a_sentence(self, demo, nothing_written):
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            Relationship.objects.start(
                demo.partner("Hafen IT"),
                demo.customer("Reederei Albers"),
                has_dap=False,
                by=PORTAL,
            )
        assert refusal.value.messages == ["This partner has a relationship with this customer."]

    def test_R1_after_the_end_a_new_one_may_start(self, demo):
        first = demo.relationship("Reederei Albers", "Hafen IT")
        first.end(by=PORTAL)
        again = Relationship.objects.start(
            demo.partner("Hafen IT"), demo.customer("Reederei Albers"), has_dap=True, by=PORTAL
        )
        assert again != first
        assert demo.relationship("Reederei Albers", "Hafen IT") == again
        assert Relationship.objects.filter(pk=first.pk, ended_at__isnull=False).exists()

    def test_R1_any_number_of_them_may_lie_in_the_past(self, demo):
        for _ in range(3):
            demo.relationship("Reederei Albers", "Hafen IT").end(by=PORTAL)
            RelationshipFactory(
                partner=demo.partner("Hafen IT"), customer=demo.customer("Reederei Albers")
            )
        assert (
            demo.partner("Hafen IT")
            .relationships.filter(customer=demo.customer("Reederei Albers"))
            .count()
            == 4
        )

    def test_R1_others_are_not_in_the_way(self, demo):
        Relationship.objects.start(
            demo.partner("Hafen IT"), demo.customer("Weingut Huber"), has_dap=True, by=PORTAL
        )
        Relationship.objects.start(
            demo.partner("Kranich Consulting"),
            demo.customer("Reederei Albers"),
            has_dap=True,
            by=PORTAL,
        )


def test_starting_one_is_logged_for_both_sides(demo):
    by = demo.user("admin@albers.example")
    relationship = Relationship.objects.start(
        demo.partner("Kranich Consulting"), demo.customer("Reederei Albers"), has_dap=True, by=by
    )
    assert str(relationship) == "Kranich Consulting – Reederei Albers"
    entry = demo.log(action=Action.RELATIONSHIP_STARTED)[-1]
    assert (entry.person, entry.subject, entry.customer.name) == (
        by,
        "Kranich Consulting",
        "Reederei Albers",
    )
    assert entry.after == {"has_dap": True}
    assert [partner.name for partner in entry.partners.all()] == ["Kranich Consulting"]


@pytest.mark.parametrize(
    "state",
    [
        {"has_dap": True, "ended_at": datetime(2026, 1, 1, tzinfo=UTC)},
        {"has_dap": True, "dap_removed_at": datetime(2026, 1, 1, tzinfo=UTC)},
    ],
    ids=["after-the-end", "after-its-removal"],
)
def test_dap_without_what_it_rests_on_is_impossible(db, state):
    with pytest.raises(IntegrityError), transaction.atomic():
        RelationshipFactory(**state)


class TestR7:
    def test_R7_dap_can_be_granted_to_who_has_none(self, demo):
        by = demo.user("admin@albers.example")
        relationship = demo.relationship("Reederei Albers", "Elbe Support")
        relationship.grant_dap(by=by)
        assert relationship.has_dap
        stored = demo.relationship("Reederei Albers", "Elbe Support")
        assert (stored.has_dap, stored.dap_removed_at) == (True, None)
        entry = demo.log()[-1]
        assert (entry.action, entry.person) == (Action.DAP_GRANTED, by)
        assert (entry.before, entry.after) == ({"has_dap": False}, {"has_dap": True})

    def test_R7_restored_it_knows_no_removal_any_more(self, demo):
        demo.relationship("Reederei Albers", "Hafen IT").remove_dap(by=PORTAL)
        demo.relationship("Reederei Albers", "Hafen IT").grant_dap(by=PORTAL)
        stored = demo.relationship("Reederei Albers", "Hafen IT")
        assert (stored.has_dap, stored.dap_removed_at) == (True, None)

    def test_R7_granting_what_is_there_writes_nothing(self, demo, nothing_written):
        with nothing_written():
            demo.relationship("Reederei Albers", "Hafen IT").grant_dap(by=PORTAL)

    def test_R7_a_relationship_that_ended_gets_none(self, demo, nothing_written):
        ended = demo.relationship("Reederei Albers", "Hafen IT")
        Relationship.objects.get(pk=ended.pk).end(by=PORTAL)
        with nothing_written():
            ended.grant_dap(by=PORTAL)


class TestR8:
    @pytest.mark.parametrize("email", ["admin@albers.example", "global@nordlicht.example"])
    def test_R8_removing_dap_leaves_relationship_and_subscriptions(self, demo, email):
        relationship = demo.relationship("Reederei Albers", "Nordlicht Distribution")
        before = Subscription.objects.order_by("pk").values("pk", "status", "seller", "quantity")
        expected = list(before)
        noon = datetime(2027, 1, 2, 12, 0, tzinfo=UTC)
        with time_machine.travel(noon, tick=False):
            relationship.remove_dap(by=demo.user(email))
        stored = demo.relationship("Reederei Albers", "Nordlicht Distribution")
        assert (stored.has_dap, stored.dap_removed_at, stored.ended_at) == (False, noon, None)
        assert list(before.all()) == expected
        entry = demo.log(action=Action.DAP_REMOVED)[-1]
        assert (entry.actor.email, entry.subject, entry.customer.name) == (
            email,
            "Nordlicht Distribution",
            "Reederei Albers",
        )
        assert (entry.before, entry.after) == ({"has_dap": True}, {"has_dap": False})

    def test_R8_removing_it_again_writes_nothing(self, demo, nothing_written):
        stale = demo.relationship("Reederei Albers", "Hafen IT")
        demo.relationship("Reederei Albers", "Hafen IT").remove_dap(by=PORTAL)
        with nothing_written():
            stale.remove_dap(by=PORTAL)

    def test_R8_where_there_was_none_no_date_of_removal_appears(self, demo, nothing_written):
        with nothing_written():
            demo.relationship("Reederei Albers", "Elbe Support").remove_dap(by=PORTAL)

    def test_R8_the_partner_still_sees_the_customer(self, demo):
        demo.relationship("Reederei Albers", "Hafen IT").remove_dap(by=PORTAL)
        membership = demo.user("global@hafen.example").membership
        assert demo.customer("Reederei Albers") in type(
            demo.customer("Reederei Albers")
        ).objects.visible_to(membership)


class TestR9:
    def test_R9_active_subscriptions_sold_by_the_partner_block_it(self, demo, nothing_written):
        relationship = demo.relationship("Reederei Albers", "Nordlicht Distribution")
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            relationship.end(by=demo.user("global@nordlicht.example"))
        assert refusal.value.code == "active_subscriptions"
        assert refusal.value.messages == [
            "Suspend the active subscriptions that Nordlicht Distribution sold to "
            "Reederei Albers first."
        ]
        assert (relationship.has_dap, relationship.ended_at) == (True, None)

    def test_R9_one_left_is_enough_to_block_it(self, demo):
        by = demo.user("global@nordlicht.example")
        demo.subscription("Reederei Albers", "Office 365 Business Standard").suspend(by=by)
        with pytest.raises(ValidationError):
            demo.relationship("Reederei Albers", "Nordlicht Distribution").end(by=by)

    def test_R9_once_they_are_suspended_it_ends_and_dap_with_it(self, demo):
        suspend_all(demo, "Reederei Albers", "Nordlicht Distribution", "global@nordlicht.example")
        relationship = demo.relationship("Reederei Albers", "Nordlicht Distribution")
        by = demo.user("global@nordlicht.example")
        noon = datetime(2027, 1, 2, 12, 0, tzinfo=UTC)
        with time_machine.travel(noon, tick=False):
            relationship.end(by=by)
        stored = Relationship.objects.get(pk=relationship.pk)
        assert (stored.has_dap, stored.ended_at) == (False, noon)
        entry = demo.log()[-1]
        assert (entry.action, entry.person) == (Action.RELATIONSHIP_ENDED, by)
        assert entry.before == {"has_dap": True}

    def test_R9_the_log_says_what_was_in_force_even_if_the_page_was_old(self, demo):
        stale = demo.relationship("Reederei Albers", "Hafen IT")
        demo.relationship("Reederei Albers", "Hafen IT").remove_dap(by=PORTAL)
        stale.end(by=PORTAL)
        assert demo.log(action=Action.RELATIONSHIP_ENDED)[-1].before == {"has_dap": False}

    def test_R9_what_others_sold_does_not_block_it(self, demo):
        demo.relationship("Reederei Albers", "Möwe Systems").end(by=PORTAL)
        demo.relationship("Reederei Albers", "Hafen IT").end(by=PORTAL)

    def test_R9_the_customer_leaves_the_partners_list(self, demo):
        membership = demo.user("global@hafen.example").membership
        customers = type(demo.customer("Reederei Albers")).objects.visible_to(membership)
        assert [customer.name for customer in customers] == ["Reederei Albers"]
        demo.relationship("Reederei Albers", "Hafen IT").end(by=PORTAL)
        assert list(customers.all()) == []

    def test_R9_the_past_stays_readable_in_the_log(self, demo):
        demo.relationship("Reederei Albers", "Hafen IT").end(by=PORTAL)
        for email in ("global@hafen.example", "admin@albers.example"):
            seen = ActivityEntry.objects.visible_to(demo.user(email).membership)
            actions = set(
                seen.filter(subject="Hafen IT", customer__name="Reederei Albers").values_list(
                    "action", flat=True
                )
            )
            assert actions == {Action.RELATIONSHIP_STARTED, Action.RELATIONSHIP_ENDED}

    def test_R9_ending_it_again_writes_nothing(self, demo, nothing_written):
        stale = demo.relationship("Reederei Albers", "Hafen IT")
        demo.relationship("Reederei Albers", "Hafen IT").end(by=PORTAL)
        with nothing_written():
            stale.end(by=PORTAL)

    def test_R9_the_seller_that_left_still_answers_for_what_it_sold(self, demo):
        """C9 gives subscriptions back to the seller, so it can't lose them to anybody."""
        suspend_all(demo, "Reederei Albers", "Nordlicht Distribution", "global@nordlicht.example")
        demo.relationship("Reederei Albers", "Nordlicht Distribution").end(by=PORTAL)
        office = demo.subscription("Reederei Albers", "Office 365 Business Standard")
        assert office.support_contact.name == "Nordlicht Distribution"


def test_each_side_sees_its_own_relationships_only(demo):
    def seen(email):
        found = Relationship.objects.visible_to(demo.user(email).membership)
        return {str(relationship) for relationship in found}

    assert seen("global@hafen.example") == {"Hafen IT – Reederei Albers"}
    assert seen("global@pacific.example") == set()
    assert seen("admin@albers.example") == {
        f"{partner} – Reederei Albers"
        for partner in (
            "Nordlicht Distribution",
            "Hafen IT",
            "Elbe Support",
            "Möwe Systems",
            "Südwind Cloud",
        )
    }
    assert list(Relationship.objects.visible_to(None)) == []


def test_what_is_active_and_what_has_dap(db):
    partner, customers = PartnerFactory(), [CustomerFactory() for _ in range(3)]
    active = RelationshipFactory(partner=partner, customer=customers[0])
    without = RelationshipFactory(partner=partner, customer=customers[1], has_dap=False)
    RelationshipFactory(partner=partner, customer=customers[2]).end(by=PORTAL)
    assert set(Relationship.objects.active()) == {active, without}
    assert set(Relationship.objects.with_dap()) == {active}


# Who may, of all the people there are; who is not named may not.
EVERYBODY = [
    "global@nordlicht.example",
    "global@hafen.example",
    "agent@hafen.example",
    "sales@hafen.example",
    "helpdesk@hafen.example",
    "users@hafen.example",
    "global@moewe.example",
    "admin@albers.example",
    "admin@petersen.example",
    "operator@portal.example",
]
BY_THE_CUSTOMER = {"admin@albers.example", "operator@portal.example"}
DOORS = [
    pytest.param(
        lambda demo, by: Relationship.objects.start(
            demo.partner("Kranich Consulting"),
            demo.customer("Reederei Albers"),
            has_dap=True,
            by=by,
        ),
        BY_THE_CUSTOMER,
        id="start",
    ),
    pytest.param(
        lambda demo, by: Relationship.objects.grant(
            demo.partner("Kranich Consulting"),
            demo.customer("Reederei Albers"),
            with_dap=True,
            by=by,
        ),
        BY_THE_CUSTOMER,
        id="grant",
    ),
    pytest.param(
        lambda demo, by: demo.relationship("Reederei Albers", "Elbe Support").grant_dap(by=by),
        BY_THE_CUSTOMER,
        id="grant_dap",
    ),
    pytest.param(
        lambda demo, by: demo.relationship("Reederei Albers", "Hafen IT").remove_dap(by=by),
        BY_THE_CUSTOMER | {"global@hafen.example", "agent@hafen.example"},
        id="remove_dap",
    ),
    pytest.param(
        lambda demo, by: demo.relationship("Reederei Albers", "Hafen IT").end(by=by),
        {"global@hafen.example", "operator@portal.example"},
        id="end",
    ),
]


@pytest.fixture
def everybody(demo):
    """Hafen has one person in each role, too."""
    for role in Role:
        if role not in (Role.GLOBAL_ADMIN, Role.CUSTOMER_ADMIN):
            MembershipFactory(
                partner=demo.partner("Hafen IT"), user__email=f"{role}@hafen.example", roles=[role]
            )


class TestTheDoors:
    """Sections 3 and 4: whatever calls them, they check who acts."""

    @pytest.mark.parametrize("email", EVERYBODY)
    @pytest.mark.parametrize(("door", "allowed"), DOORS)
    def test_who_may(self, demo, everybody, door, allowed, email, nothing_written):
        if email in allowed:
            before = len(demo.log())
            door(demo, demo.user(email))
            assert demo.log()[before].actor.email == email
        else:
            with nothing_written(), pytest.raises(ValidationError) as refusal:
                door(demo, demo.user(email))
            has_a_say = email.endswith("@hafen.example") and "global@hafen.example" in allowed
            assert refusal.value.code == (Refusal.ROLE if has_a_say else Refusal.ELSEWHERE)
            assert mail.outbox == []

    @pytest.mark.parametrize(("door", "allowed"), DOORS)
    def test_nobody_who_was_deactivated(self, demo, everybody, door, allowed, nothing_written):
        for email in ("admin@albers.example", "global@hafen.example"):
            membership = demo.user(email).membership
            MembershipFactory(partner=membership.partner, customer=membership.customer)
            demo.user(email).deactivate(by=PORTAL)
            with nothing_written(), pytest.raises(ValidationError) as refusal:
                door(demo, demo.user(email))
            assert refusal.value.code in Refusal.values

    def test_who_may_not_is_not_told_what_blocks(self, demo, nothing_written):
        """T1: not even that there are subscriptions."""
        relationship = demo.relationship("Reederei Albers", "Nordlicht Distribution")
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            relationship.end(by=demo.user("admin@albers.example"))
        assert refusal.value.code in Refusal.values


class TestGrant:
    """R2, R7: what a customer accepts, whatever is there before."""

    def grant(self, demo, partner, *, with_dap):
        Relationship.objects.grant(
            demo.partner(partner),
            demo.customer("Reederei Albers"),
            with_dap=with_dap,
            by=demo.user("admin@albers.example"),
        )
        return demo.relationship("Reederei Albers", partner)

    @pytest.mark.parametrize("with_dap", [True, False])
    def test_R2_it_starts_one(self, demo, with_dap):
        assert self.grant(demo, "Kranich Consulting", with_dap=with_dap).has_dap == with_dap

    def test_R7_it_adds_dap(self, demo):
        assert self.grant(demo, "Elbe Support", with_dap=True).has_dap

    @pytest.mark.parametrize("with_dap", [True, False])
    def test_R7_it_takes_nothing_away(self, demo, with_dap, nothing_written):
        with nothing_written():
            assert self.grant(demo, "Hafen IT", with_dap=with_dap).has_dap

    def test_R7_without_dap_it_leaves_what_is_there(self, demo, nothing_written):
        with nothing_written():
            assert not self.grant(demo, "Elbe Support", with_dap=False).has_dap


class TestMail:
    """Both sides are told that DAP was removed, each in its language; who did it knows."""

    @pytest.mark.parametrize(
        ("by", "told"),
        [
            ("admin@albers.example", ["global@hafen.example"]),
            ("global@hafen.example", ["admin@albers.example"]),
            ("operator@portal.example", ["admin@albers.example", "global@hafen.example"]),
            (PORTAL, ["admin@albers.example", "global@hafen.example"]),
        ],
    )
    def test_R8_dap_removed(self, demo, by, told):
        relationship = demo.relationship("Reederei Albers", "Hafen IT")
        relationship.remove_dap(by=by if by is PORTAL else demo.user(by))
        assert sorted(address for sent in mail.outbox for address in sent.to) == told
        subjects = {
            "admin@albers.example": "Delegierte Administratorrechte von Hafen IT entfernt",
            "global@hafen.example": "Delegierte Administratorrechte für Reederei Albers entfernt",
        }
        for sent in mail.outbox:
            assert sent.subject == subjects[sent.to[0]]

    def test_R8_in_the_language_that_a_user_chose(self, demo):
        User.objects.filter(email="admin@albers.example").update(language="en")
        relationship = demo.relationship("Reederei Albers", "Hafen IT")
        with time_machine.travel(datetime(2027, 3, 4, 12, tzinfo=UTC), tick=False):
            relationship.remove_dap(by=PORTAL)
        sent = {sent.to[0]: sent for sent in mail.outbox}
        assert sent["admin@albers.example"].subject == (
            "Delegated admin privileges of Hafen IT removed"
        )
        assert "4 March 2027: Delegated" in sent["admin@albers.example"].body
        assert "4. März 2027: Delegierte" in sent["global@hafen.example"].body

    def test_R8_removing_it_again_tells_nobody(self, demo):
        stale = demo.relationship("Reederei Albers", "Hafen IT")
        demo.relationship("Reederei Albers", "Hafen IT").remove_dap(by=PORTAL)
        mail.outbox.clear()
        stale.remove_dap(by=PORTAL)
        assert mail.outbox == []

    def test_R8_every_admin_is_told_and_nobody_else(self, demo):
        hafen = demo.partner("Hafen IT")
        MembershipFactory(partner=hafen, user__email="second@hafen.example")
        MembershipFactory(partner=hafen, user__email="left@hafen.example", user__is_active=False)
        MembershipFactory(
            partner=hafen, user__email="agent@hafen.example", roles=[Role.ADMIN_AGENT]
        )
        MembershipFactory(
            partner=hafen,
            user__email="both@hafen.example",
            roles=[Role.GLOBAL_ADMIN, Role.SALES_AGENT],
        )
        demo.relationship("Reederei Albers", "Hafen IT").remove_dap(
            by=demo.user("admin@albers.example")
        )
        assert sorted(sent.to for sent in mail.outbox) == [
            ["both@hafen.example"],
            ["global@hafen.example"],
            ["second@hafen.example"],
        ]
