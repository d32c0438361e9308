"""A bulk assignment and someone else at once: whatever the order, the rules hold afterwards."""

import pytest
from django.db import transaction

from portal.models import Partner, User
from subscriptions.models import BulkAssignment, BulkOutcome, Subscription
from tests.factories import PartnershipFactory, RelationshipFactory
from tests.races import ORDERS, Outcome, elsewhere, finish
from tests.subscriptions.test_races import (
    check_rules,
    deactivate_partner,
    designate,
    end_partnership,
    end_relationship,
    remove_dap,
)

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

HELPDESK = "helpdesk@nordlicht.example"
AGENT = "agent@nordlicht.example"


@pytest.fixture
def albers(demo):
    """What Nordlicht's staff decides on at Reederei Albers: three that it sold, one bought elsewhere."""
    names = ["Azure plan", "Microsoft 365 E3", "Office 365 Business Standard", "Visio Plan 2"]
    return [demo.subscription("Reederei Albers", name) for name in names]


def previewed(subscriptions, email=HELPDESK, contact="Hafen IT"):
    by = User.objects.get(email=email)
    chosen = Subscription.objects.filter(pk__in=[one.pk for one in subscriptions])
    made = BulkAssignment.objects.start(chosen, by=by)
    made.choose(Partner.objects.get(name=contact), by=by)
    return made


def submit(made):
    """An act: what the page does on Submit, with rows of its own."""

    def act():
        found = BulkAssignment.objects.get(pk=made.pk)
        found.submit(by=User.objects.get(pk=made.created_by_id))

    return act


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    "take_away", [remove_dap, end_relationship, end_partnership, deactivate_partner]
)
def test_C9_a_contact_that_loses_its_right_meanwhile_does_not_stay(demo, albers, order, take_away):
    made = previewed(albers)
    submitted, taken = order(submit(made), lambda: take_away(demo))
    assert submitted.error is taken.error is None
    for subscription in albers:
        check_rules(demo, subscription)
        subscription.refresh_from_db()
        assert subscription.support_contact == subscription.seller


@pytest.mark.parametrize("order", ORDERS)
def test_C8_of_a_single_and_a_bulk_designation_the_first_wins(demo, albers, order):
    office = albers[2]
    made = previewed(albers)
    seen = office.contact_in_force.pk
    submitted, single = order(
        submit(made), designate(office, "Hafen IT", "global@nordlicht.example", seen=seen)
    )
    assert submitted.error is None
    check_rules(demo, office)
    [row] = made.rows.filter(subscription=office)
    if single.error:
        assert (single.error.code, row.outcome) == ("stale", BulkOutcome.CHANGE)
    else:
        assert row.outcome == BulkOutcome.STALE
    assert made.counts[BulkOutcome.CHANGE] >= 3


@pytest.mark.parametrize("order", ORDERS)
def test_submitted_twice_at_once_it_is_done_once(demo, albers, order):
    made = previewed(albers)
    for outcome in order(submit(made), submit(made)):
        assert outcome.error is None
    for subscription in albers:
        check_rules(demo, subscription)
        assert subscription.support_contact_history.count() == 2


@pytest.mark.parametrize("order", ORDERS)
def test_C8_of_two_bulk_assignments_of_the_same_exactly_one_wins(demo, albers, order):
    made = [previewed(albers), previewed(reversed(albers), AGENT)]
    for outcome in order(*map(submit, made)):
        assert outcome.error is None
    assert sorted(list(one.counts.items()) for one in made) == [
        [(BulkOutcome.CHANGE, 4)],
        [(BulkOutcome.STALE, 4)],
    ]
    for subscription in albers:
        check_rules(demo, subscription)


def test_others_go_on_with_the_same_reseller_meanwhile(demo, albers):
    """The reseller saves its own details, and another provider designates it."""
    hafen, huber = demo.partner("Hafen IT"), demo.customer("Weingut Huber")
    PartnershipFactory(provider=demo.partner("Südwind Cloud"), reseller=hafen)
    RelationshipFactory(partner=hafen, customer=huber)
    [sold, *_others] = huber.subscriptions.filter(seller__name="Südwind Cloud")

    def save_details():
        firm = Partner.objects.get(pk=hafen.pk)
        firm.support_hours = "always"
        return firm.change(["support_hours"], by=demo.user("global@hafen.example"))

    made = previewed(albers)
    with transaction.atomic():
        submit(made)()
        for act in (save_details, designate(sold, "Hafen IT", "global@suedwind.example")):
            outcome = Outcome()
            thread = elsewhere(act, outcome)
            thread.start()
            finish(thread)  # before the bulk assignment is committed
            assert outcome.error is None
    sold.refresh_from_db()
    assert sold.support_contact == hafen
    check_rules(demo, sold)
