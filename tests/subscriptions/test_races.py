"""Two admins at once: whatever the order, the rules hold afterwards.

Every race has two connections to a real PostgreSQL, see ``tests.races``.
"""

from itertools import pairwise

import pytest
from django.core.exceptions import ValidationError

from portal.authority import PORTAL, Refusal
from portal.models import Action, Membership, Partner, User
from portal.permissions import Role
from relationships.models import Partnership, Relationship
from subscriptions.models import StaleSupportContact, Subscription
from tests.factories import MembershipFactory, OfferFactory, PartnershipFactory
from tests.races import ORDERS, Outcome, at_once

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]


def designate(subscription, partner, email, **seen):
    """An act: what the page of ``email`` does on Submit, with rows of its own."""

    def act():
        return Subscription.objects.get(pk=subscription.pk).designate(
            Partner.objects.get(name=partner), by=User.objects.get(email=email), **seen
        )

    return act


def check_rules(demo, subscription):
    """The contact fulfils C2 or is the seller, and history (C10) and log tell the same story."""
    subscription = Subscription.objects.get(pk=subscription.pk)
    contact, seller = subscription.support_contact, subscription.seller
    stretches = list(subscription.support_contact_history.order_by("id"))

    in_force = [stretch for stretch in stretches if stretch.ended_at is None]
    assert [stretch.partner for stretch in in_force] == [contact]
    assert in_force == stretches[-1:]
    assert in_force[0].started_at == subscription.contact_changed_at
    for before, after in pairwise(stretches):
        assert before.ended_at == after.started_at
        assert before.partner != after.partner

    if contact != seller and contact is not None:
        provider = seller or in_force[0].designated_for
        assert contact.is_active
        assert contact == provider or Partnership.objects.between(provider, contact).exists()
        assert Relationship.objects.with_dap().filter(
            partner=contact, customer=subscription.customer
        )

    names = [str(stretch.partner or "") for stretch in stretches]
    log = demo.log(subject_id=subscription.pk, action__startswith="support_contact.")
    assert [entry.before["support_contact"] for entry in log] == names[:-1]
    assert [entry.after["support_contact"] for entry in log] == names[1:]


def remove_dap(demo):
    demo.relationship("Reederei Albers", "Hafen IT").remove_dap(
        by=demo.user("admin@albers.example")
    )


def end_relationship(demo):
    demo.relationship("Reederei Albers", "Hafen IT").end(by=demo.user("global@hafen.example"))


def end_partnership(demo):
    demo.partnership("Nordlicht Distribution", "Hafen IT").end(by=demo.user("global@hafen.example"))


def deactivate_partner(demo):
    demo.partner("Hafen IT").deactivate(by=demo.user("operator@portal.example"))


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    "take_away", [remove_dap, end_relationship, end_partnership, deactivate_partner]
)
@pytest.mark.parametrize(
    ("name", "afterwards"),
    [
        pytest.param("Office 365 Business Standard", "Nordlicht Distribution", id="sold"),
        pytest.param("Visio Plan 2", "", id="bought-elsewhere"),
    ],
)
def test_C9_who_is_designated_while_it_loses_its_right_does_not_stay(
    demo, order, take_away, name, afterwards
):
    """Either it is refused, or it is accepted and falls back. It never stays the contact."""
    subscription = demo.subscription("Reederei Albers", name)
    designated, taken = order(
        designate(subscription, "Hafen IT", "helpdesk@nordlicht.example"),
        lambda: take_away(demo),
    )
    assert taken.error is None
    if designated.error:
        assert designated.error.code == "not_eligible"
    check_rules(demo, subscription)
    subscription.refresh_from_db()
    assert str(subscription.support_contact or "") == afterwards


@pytest.mark.parametrize("order", ORDERS)
def test_C4_who_loses_dap_while_it_designates_itself_does_not_stay(demo, order):
    visio = demo.subscription("Reederei Albers", "Visio Plan 2")
    designated, taken = order(
        designate(visio, "Hafen IT", "global@hafen.example"), lambda: remove_dap(demo)
    )
    assert taken.error is None
    if designated.error:
        assert designated.error.code in Refusal.values
    check_rules(demo, visio)
    visio.refresh_from_db()
    assert visio.support_contact is None


@pytest.mark.parametrize("order", ORDERS)
def test_C8_of_two_who_saw_the_same_exactly_one_wins(demo, order):
    demo.relationship("Reederei Albers", "Elbe Support").grant_dap(by=PORTAL)
    office = demo.subscription("Reederei Albers", "Office 365 Business Standard")
    seen = office.contact_in_force.pk
    one, other = order(
        designate(office, "Hafen IT", "helpdesk@nordlicht.example", seen=seen),
        designate(office, "Elbe Support", "agent@nordlicht.example", seen=seen),
    )
    [winner] = [outcome for outcome in (one, other) if outcome.error is None]
    [loser] = [outcome for outcome in (one, other) if outcome.error]
    assert isinstance(loser.error, StaleSupportContact)
    assert loser.error.assignment == winner.value == office.contact_in_force
    check_rules(demo, office)


@pytest.mark.parametrize("order", ORDERS)
def test_C7_of_two_who_choose_the_same_one_is_told_of_the_other(demo, order):
    office = demo.subscription("Reederei Albers", "Office 365 Business Standard")
    seen = office.contact_in_force.pk
    outcomes = order(
        designate(office, "Hafen IT", "helpdesk@nordlicht.example", seen=seen),
        designate(office, "Hafen IT", "agent@nordlicht.example", seen=seen),
    )
    assert sorted(type(outcome.error).__name__ for outcome in outcomes) == [
        "NoneType",
        "StaleSupportContact",
    ]
    check_rules(demo, office)
    assert len(demo.log(action=Action.SUPPORT_CONTACT_DESIGNATED)) == 1


def test_C7_a_double_click_is_one_designation(demo):
    office = demo.subscription("Reederei Albers", "Office 365 Business Standard")
    click = designate(
        office, "Hafen IT", "helpdesk@nordlicht.example", seen=office.contact_in_force.pk
    )
    outcomes = at_once(click, click)
    assert [outcome.error for outcome in outcomes] == [None, None]
    check_rules(demo, office)
    assert len(demo.log(action=Action.SUPPORT_CONTACT_DESIGNATED)) == 1


@pytest.mark.parametrize("order", ORDERS)
def test_C8_without_what_was_seen_the_last_word_counts(demo, order):
    demo.relationship("Reederei Albers", "Elbe Support").grant_dap(by=PORTAL)
    office = demo.subscription("Reederei Albers", "Office 365 Business Standard")
    outcomes = order(
        designate(office, "Hafen IT", "helpdesk@nordlicht.example"),
        designate(office, "Elbe Support", "agent@nordlicht.example"),
    )
    assert [outcome.error for outcome in outcomes] == [None, None]
    check_rules(demo, office)


def test_C9_losing_everything_at_once_falls_back_once(demo):
    office = demo.subscription("Reederei Albers", "Office 365 Business Standard")
    office.designate(demo.partner("Hafen IT"), by=demo.user("helpdesk@nordlicht.example"))
    outcomes = at_once(lambda: remove_dap(demo), lambda: end_partnership(demo))
    assert [outcome.error for outcome in outcomes] == [None, None]
    check_rules(demo, office)
    assert len(demo.log(action=Action.SUPPORT_CONTACT_FELL_BACK)) == 1


@pytest.mark.parametrize("order", ORDERS)
def test_R1_of_two_relationships_started_at_once_one_is_refused_with_a_sentence(demo, order):
    def start():
        return Relationship.objects.start(
            demo.partner("Kranich Consulting"),
            demo.customer("Reederei Albers"),
            has_dap=True,
            by=PORTAL,
        )

    outcomes = order(start, start)
    demo.relationship("Reederei Albers", "Kranich Consulting")
    [refused] = [outcome.error for outcome in outcomes if outcome.error]
    assert isinstance(refused, ValidationError)
    assert refused.messages == ["This partner has a relationship with this customer."]
    started = demo.log(
        action=Action.RELATIONSHIP_STARTED, partners=demo.partner("Kranich Consulting")
    )
    assert len(started) == 1


@pytest.mark.parametrize("order", ORDERS)
def test_R10_of_two_partnerships_started_at_once_one_is_refused_with_a_sentence(demo, order):
    def start():
        return Partnership.objects.start(
            demo.partner("Nordlicht Distribution"), demo.partner("Möwe Systems"), by=PORTAL
        )

    outcomes = order(start, start)
    demo.partnership("Nordlicht Distribution", "Möwe Systems")
    [refused] = [outcome.error for outcome in outcomes if outcome.error]
    assert isinstance(refused, ValidationError)
    assert refused.messages == ["These two partners work together already."]


@pytest.mark.parametrize("order", ORDERS)
def test_R9_a_relationship_does_not_end_under_a_subscription_that_is_reactivated(demo, order):
    for name in ("Office 365 Business Standard", "Azure plan"):
        demo.subscription("Reederei Albers", name).suspend(by=demo.user("global@nordlicht.example"))
    reactivated, ended = order(
        lambda: demo.subscription("Reederei Albers", "Azure plan").reactivate(
            by=demo.user("global@nordlicht.example")
        ),
        lambda: demo.relationship("Reederei Albers", "Nordlicht Distribution").end(by=PORTAL),
    )
    codes = {outcome.error and outcome.error.code for outcome in (reactivated, ended)}
    assert codes in ({None, Refusal.SELLER}, {None, "active_subscriptions"})
    is_related = Relationship.objects.active().filter(
        partner__name="Nordlicht Distribution", customer__name="Reederei Albers"
    )
    azure = demo.subscription("Reederei Albers", "Azure plan")
    assert azure.is_active == is_related.exists()


@pytest.mark.parametrize("order", ORDERS)
def test_R9_nothing_is_sold_under_a_relationship_that_ends(demo, order):
    """Either the subscription stands in the way of the end, or nothing is sold after it."""
    for name in ("Office 365 Business Standard", "Azure plan"):
        demo.subscription("Reederei Albers", name).suspend(by=demo.user("global@nordlicht.example"))
    planner = OfferFactory(name="Planner")

    def add():
        return Subscription.objects.add(
            customer=demo.customer("Reederei Albers"),
            offer=planner,
            quantity=1,
            by=demo.user("sales@nordlicht.example"),
        )

    def end():
        relationship = demo.relationship("Reederei Albers", "Nordlicht Distribution")
        relationship.end(by=demo.user("global@nordlicht.example"))

    added, ended = order(add, end)
    is_related = Relationship.objects.active().filter(
        partner__name="Nordlicht Distribution", customer__name="Reederei Albers"
    )
    if added.error is None:
        assert ended.error.code == "active_subscriptions"
        assert is_related.exists()
        check_rules(demo, added.value)
    else:
        assert ended.error is None
        [refusal] = added.error.error_dict["seller"]
        assert refusal.code == "no_relationship"
        assert not is_related.exists()
    assert Subscription.objects.filter(offer=planner).exists() == is_related.exists()
    assert len(demo.log(action=Action.RELATIONSHIP_ENDED)) == (not is_related.exists())
    added_entries = demo.log(action=Action.SUBSCRIPTION_ADDED, subject="Planner")
    assert len(added_entries) == is_related.exists()


@pytest.mark.parametrize("order", ORDERS)
def test_two_global_admins_who_remove_each_other_are_not_both_gone(demo, order):
    hafen = demo.partner("Hafen IT")
    second = MembershipFactory(partner=hafen, user__email="second@hafen.example")

    def demote():
        Membership.objects.get(pk=second.pk).set_roles([Role.SALES_AGENT], by=PORTAL)

    def deactivate():
        demo.user("global@hafen.example").deactivate(by=PORTAL)

    outcomes = order(demote, deactivate)
    assert sorted(str(outcome.error and outcome.error.code) for outcome in outcomes) == [
        "None",
        "last_global_admin",
    ]
    left = hafen.memberships.filter(role_rows__role=Role.GLOBAL_ADMIN, user__is_active=True)
    assert left.count() == 1


def test_many_changes_at_once_neither_block_each_other_for_good_nor_break_a_rule(demo):
    """Locks are taken in the same order everywhere, so no two can wait for each other."""
    PartnershipFactory(provider=demo.partner("Südwind Cloud"), reseller=demo.partner("Hafen IT"))
    office = demo.subscription("Reederei Albers", "Office 365 Business Standard")
    visio = demo.subscription("Reederei Albers", "Visio Plan 2")

    def designate_and_give_back():
        for partner in ("Hafen IT", "Nordlicht Distribution") * 3:
            for subscription in (office, visio):
                outcome = Outcome().of(
                    designate(subscription, partner, "helpdesk@nordlicht.example")
                )
                assert outcome.error is None or outcome.error.code == "not_eligible"

    def remove_and_grant():
        for _ in range(3):
            remove_dap(demo)
            demo.relationship("Reederei Albers", "Hafen IT").grant_dap(by=PORTAL)
            end_partnership(demo)
            Partnership.objects.start(
                demo.partner("Nordlicht Distribution"), demo.partner("Hafen IT"), by=PORTAL
            )

    outcomes = at_once(designate_and_give_back, remove_and_grant)
    assert [outcome.error for outcome in outcomes] == [None, None]
    check_rules(demo, office)
    check_rules(demo, visio)
