"""Two colleagues who sell and change at once; see ``tests.races``."""

import pytest

from portal.models import Partner, StaleRow, User
from subscriptions.models import Offer, Subscription
from tests.races import ORDERS, at_once

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

HELPDESK, AGENT = "helpdesk@nordlicht.example", "agent@nordlicht.example"
GLOBAL = "global@nordlicht.example"


def sell(customer, offer, email, **fields):
    """An act: ``email`` sells one license of an offer."""

    def act():
        offered = Offer.objects.get(name=offer, is_trial=False)
        return Subscription.objects.add(
            by=User.objects.get(email=email),
            customer=customer,
            offer=offered,
            quantity=5 if offered.is_licensed else None,
            **fields,
        )

    return act


def change(subscription, email, *, seen=None, **fields):
    def act():
        row = Subscription.objects.get(pk=subscription.pk)
        for name, value in fields.items():
            setattr(row, name, value)
        return row.change(list(fields), by=User.objects.get(email=email), seen=seen)

    return act


@pytest.mark.parametrize("order", ORDERS)
def test_one_per_customer_is_sold_once(demo, order):
    petersen = demo.customer("Backhaus Petersen")
    outcomes = order(sell(petersen, "Azure plan", HELPDESK), sell(petersen, "Azure plan", AGENT))
    [error] = [outcome.error for outcome in outcomes if outcome.error]
    assert error.error_dict["offer"][0].code == "one_per_customer"
    assert petersen.subscriptions.filter(offer__name="Azure plan").count() == 1


@pytest.mark.parametrize("order", ORDERS)
def test_an_add_on_and_the_end_of_its_base(demo, order):
    """Whichever is first: an add-on is never sold on a base that was suspended before."""
    petersen = demo.customer("Backhaus Petersen")
    base = sell(petersen, "Fjord Endpoint Protection", HELPDESK)()
    sold, suspended = order(
        sell(petersen, "Fjord Archive", HELPDESK),
        lambda: Subscription.objects.get(pk=base.pk).suspend(by=User.objects.get(email=AGENT)),
    )
    assert suspended.error is None
    if sold.error:
        assert sold.error.error_dict["offer"][0].code == "needs_base"
    else:
        [added] = demo.log(subject_id=sold.value.pk)
        assert added.pk < demo.log(subject_id=base.pk)[-1].pk


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("act", ["add", "change"])
def test_S4_a_reseller_of_record_whose_partnership_ends(demo, order, act):
    petersen = demo.customer("Backhaus Petersen")
    hafen = Partner.objects.get(name="Hafen IT")
    exchange = demo.subscription("Backhaus Petersen", "Exchange Online (Plan 1)")
    sale = (
        sell(petersen, "Power BI Pro", HELPDESK, reseller_of_record=hafen)
        if act == "add"
        else change(exchange, HELPDESK, reseller_of_record=hafen)
    )
    partnership = demo.partnership("Nordlicht Distribution", "Hafen IT")
    sold, ended = order(sale, lambda: partnership.end(by=User.objects.get(email=GLOBAL)))
    assert ended.error is None
    if sold.error:
        assert sold.error.error_dict["reseller_of_record"][0].code == "S4"


@pytest.mark.parametrize("order", ORDERS)
def test_of_two_changes_the_one_that_comes_later_is_told(demo, order):
    exchange = demo.subscription("Backhaus Petersen", "Exchange Online (Plan 1)")
    outcomes = order(
        change(exchange, HELPDESK, seen=exchange.version, quantity=7),
        change(exchange, AGENT, seen=exchange.version, friendly_name="Mail"),
    )
    [error] = [outcome.error for outcome in outcomes if outcome.error]
    assert isinstance(error, StaleRow)
    exchange.refresh_from_db()
    assert (exchange.quantity, exchange.friendly_name) in [
        (7, "Exchange Online (Plan 1)"),
        (4, "Mail"),
    ]


def test_the_same_order_sent_twice_at_once_is_carried_out_once(demo):
    petersen = demo.customer("Backhaus Petersen")
    orders = [{"customer": petersen, "offer": demo.offer("Power BI Pro"), "quantity": 3}]

    def send():
        return Subscription.objects.add_all(
            orders, by=User.objects.get(email=HELPDESK), key=petersen.pk
        )

    one, other = at_once(send, send)
    assert (one.error, other.error) == (None, None)
    assert one.value == other.value
    assert petersen.subscriptions.filter(offer__name="Power BI Pro").count() == 1
