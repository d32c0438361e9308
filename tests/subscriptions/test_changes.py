"""Changing what was sold: who may, within which limits, and nobody overwrites a colleague (S1, S2, S4)."""

import pytest
from django.core.exceptions import ValidationError

from portal.authority import PORTAL, Refusal
from portal.models import Action, StaleRow
from subscriptions.models import Offer, Subscription

ALL = ["friendly_name", "quantity", "auto_renew", "reseller_of_record"]


def refusal(subscription, fields, **how):
    with pytest.raises(ValidationError) as refused:
        subscription.change(fields, **how)
    return refused.value


@pytest.mark.parametrize("person", ["global", "agent", "sales", "helpdesk"])
def test_S1_the_sellers_staff_changes_it_and_the_log_says_from_what_to_what(demo, office, person):
    by = demo.user(f"{person}@nordlicht.example")
    office.friendly_name, office.quantity, office.auto_renew = "Office der Flotte", 30, False
    office.reseller_of_record = demo.partner("Hafen IT")
    assert office.change(ALL, by=by) == ALL
    stored = demo.subscription("Reederei Albers", "Office der Flotte")
    assert (stored.quantity, stored.auto_renew, stored.reseller_of_record.name) == (
        30,
        False,
        "Hafen IT",
    )
    assert list(Subscription.objects.search("flotte")) == [stored]
    entry = demo.log()[-1]
    assert (entry.action, entry.person, entry.customer.name) == (
        Action.SUBSCRIPTION_CHANGED,
        by,
        "Reederei Albers",
    )
    assert {(one.label, one.before, one.after) for one in entry.changes} == {
        ("friendly name", "Office 365 Business Standard", "Office der Flotte"),
        ("quantity", "25", "30"),
        ("renews automatically", "Yes", "No"),
        ("reseller of record", "", "Hafen IT"),
    }
    assert {one.name for one in entry.partners.all()} == {"Nordlicht Distribution", "Hafen IT"}


@pytest.mark.parametrize(
    "email",
    [
        "users@nordlicht.example",
        "global@suedwind.example",
        "global@hafen.example",
        "admin@albers.example",
    ],
)
def test_S1_nobody_else_does(demo, office, email, nothing_written):
    office.quantity = 30
    with nothing_written():
        assert refusal(office, ["quantity"], by=demo.user(email)).code in Refusal.values


def test_the_operator_puts_it_right(demo, office):
    office.quantity = 30
    assert office.change(["quantity"], by=demo.user("operator@portal.example")) == ["quantity"]


def test_what_already_is_changes_and_logs_nothing(office, helpdesk, nothing_written):
    office.friendly_name = ""
    with nothing_written():
        assert office.change(ALL, by=helpdesk, seen="whatever") == []


def test_only_the_named_fields_are_written(office, helpdesk):
    office.friendly_name, office.quantity = "Not this", 30
    assert office.change(["quantity"], by=helpdesk) == ["quantity"]
    assert Subscription.objects.get(pk=office.pk).friendly_name == "Office 365 Business Standard"


def test_S2_no_other_quantity_while_suspended(demo, helpdesk, nothing_written):
    e3 = demo.subscription("Reederei Albers", "Microsoft 365 E3")
    e3.quantity = 11
    with nothing_written():
        assert refusal(e3, ["quantity"], by=helpdesk).message_dict == {
            "quantity": ["The quantity can't be changed while the subscription is suspended."]
        }
    e3.refresh_from_db()
    e3.friendly_name = "E3 of the crew"
    assert e3.change(ALL, by=helpdesk) == ["friendly_name"]


def test_S2_whoever_still_sees_it_active_is_refused_too(office, helpdesk, nothing_written):
    stale = Subscription.objects.get(pk=office.pk)
    office.suspend(by=helpdesk)
    stale.quantity = 30
    with nothing_written():
        [error] = refusal(stale, ["quantity"], by=helpdesk).error_dict["quantity"]
    assert error.code == "suspended"


def test_the_limits_of_the_offer_hold(office, helpdesk, nothing_written):
    office.quantity = 301
    with nothing_written():
        assert refusal(office, ["quantity"], by=helpdesk).message_dict == {
            "quantity": ["This offer is sold in quantities up to 300."]
        }


def test_below_a_limit_that_came_later_the_rest_can_still_be_changed(office, helpdesk):
    Offer.objects.filter(pk=office.offer_id).update(minimum_quantity=50)
    office = Subscription.objects.get(pk=office.pk)
    office.auto_renew = False
    assert office.change(ALL, by=helpdesk) == ["auto_renew"]


def test_S4_the_reseller_of_record_has_a_partnership_with_the_seller(
    demo, office, helpdesk, nothing_written
):
    office.reseller_of_record = demo.partner("Möwe Systems")
    with nothing_written():
        [error] = refusal(office, ALL, by=helpdesk).error_dict["reseller_of_record"]
    assert error.code == "S4"


def test_R10_one_that_is_on_record_stays_so_when_the_partnership_ends(demo, helpdesk):
    """Ending it leaves the subscriptions as they are, and they can still be changed."""
    basic = demo.subscription("Backhaus Petersen", "Microsoft 365 Business Basic")
    demo.partnership("Nordlicht Distribution", "Elbe Support").end(by=PORTAL)
    basic.quantity = 9
    assert basic.change(ALL, by=helpdesk) == ["quantity"]


def test_nobody_overwrites_what_a_colleague_changed_meanwhile(
    demo, office, helpdesk, nothing_written
):
    seen, agent = office.version, demo.user("agent@nordlicht.example")
    colleagues = Subscription.objects.get(pk=office.pk)
    colleagues.quantity = 40
    colleagues.change(["quantity"], by=agent, seen=seen)
    office.friendly_name = "Mine"
    with nothing_written(), pytest.raises(StaleRow) as refused:
        office.change(ALL, by=helpdesk, seen=seen)
    assert (refused.value.code, refused.value.entry.person) == ("stale", agent)
    assert refused.value.entry.after == {"quantity": "40"}


def test_sending_the_same_change_twice_is_no_conflict(office, helpdesk, nothing_written):
    seen = office.version
    office.quantity = 40
    office.change(ALL, by=helpdesk, seen=seen)
    with nothing_written():
        assert office.change(ALL, by=helpdesk, seen=seen) == []


def test_a_change_that_the_log_does_not_tell_of_is_noticed_too(office, helpdesk):
    seen = office.version
    Subscription.objects.filter(pk=office.pk).update(quantity=40)
    office.quantity = 30
    with pytest.raises(StaleRow) as refused:
        office.change(ALL, by=helpdesk, seen=seen)
    assert refused.value.entry is None
