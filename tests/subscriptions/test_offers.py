"""The catalogue: on which conditions an offer can be sold, and to whom."""

from datetime import date, timedelta

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from portal.authority import Refusal
from subscriptions.models import Offer, RefusedOrder, Subscription
from tests.factories import OfferFactory, RelationshipFactory


@pytest.fixture
def sell(demo, helpdesk):
    """``sell(offer)``: Nordlicht's helpdesk adds a subscription at Backhaus Petersen."""

    def add(offer, *, customer="Backhaus Petersen", by=helpdesk, **fields):
        quantity = 5 if offer.is_licensed else None
        return Subscription.objects.add(
            by=by,
            **{
                "customer": demo.customer(customer),
                "offer": offer,
                "quantity": quantity,
                **fields,
            },
        )

    return add


@pytest.fixture
def refused(sell, nothing_written):
    """``refused(offer)``: the code and the text that sell() is refused with, by field."""

    def check(offer, **fields):
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            sell(offer, **fields)
        return {
            field: (errors[0].code, errors[0].messages[0])
            for field, errors in refusal.value.error_dict.items()
        }

    return check


class TestQuantity:
    @pytest.mark.parametrize(
        ("quantity", "expected"),
        [
            (4, ("minimum", "This offer is sold in quantities from 5.")),
            (0, ("minimum", "This offer is sold in quantities from 5.")),
            (11, ("maximum", "This offer is sold in quantities up to 10.")),
            (None, ("required", "Enter how many licenses.")),
        ],
    )
    def test_it_stays_within_the_limits_of_the_offer(self, refused, quantity, expected):
        offer = OfferFactory(minimum_quantity=5, maximum_quantity=10)
        assert refused(offer, quantity=quantity) == {"quantity": expected}

    @pytest.mark.parametrize("quantity", [5, 10])
    def test_the_limits_themselves_are_allowed(self, sell, quantity):
        offer = OfferFactory(minimum_quantity=5, maximum_quantity=10)
        assert sell(offer, quantity=quantity).quantity == quantity

    def test_what_was_sold_stays_valid_when_the_limits_change(self, sell):
        sold = sell(OfferFactory(), quantity=50)
        Offer.objects.filter(pk=sold.offer_id).update(maximum_quantity=10, is_active=False)
        Subscription.objects.get(pk=sold.pk).full_clean()

    def test_what_was_bought_elsewhere_was_bought_on_other_conditions(self, demo, sell):
        offer = OfferFactory(minimum_quantity=5, is_active=False, is_one_per_customer=True)
        operator = demo.user("operator@portal.example")
        for _ in range(2):
            assert sell(offer, by=operator, quantity=1, seller=None).quantity == 1

    @pytest.mark.parametrize(
        "fields", [{"minimum_quantity": 5, "maximum_quantity": 4}, {"term_months": 0}]
    )
    @pytest.mark.django_db
    def test_the_database_refuses_conditions_that_nobody_can_meet(self, fields):
        with pytest.raises(IntegrityError), transaction.atomic():
            OfferFactory(**fields)


class TestOnSale:
    def test_off_sale_it_is_not_sold_any_more(self, demo, refused):
        assert refused(demo.offer("Project Plan 1")) == {
            "offer": ("off_sale", "This offer is no longer on sale.")
        }
        assert demo.offer("Project Plan 1") not in Offer.objects.on_sale()


class TestOnePerCustomer:
    ONCE = {
        "offer": (
            "one_per_customer",
            "The customer has this offer already. It is sold once to each.",
        )
    }

    def test_it_is_sold_once(self, demo, sell, refused):
        sell(demo.offer("Azure plan"))
        assert refused(demo.offer("Azure plan")) == self.ONCE

    def test_a_suspended_one_counts_as_long_as_it_can_come_back(
        self, demo, sell, refused, helpdesk
    ):
        sold = sell(demo.offer("Azure plan"))
        sold.suspend(by=helpdesk)
        assert refused(demo.offer("Azure plan")) == self.ONCE
        with time_machine.travel(timezone.now() + timedelta(days=90)):
            assert refused(demo.offer("Azure plan")) == self.ONCE
        with time_machine.travel(timezone.now() + timedelta(days=92)):
            assert sell(demo.offer("Azure plan")).is_active

    def test_T1_what_another_partner_sold_does_not_count(self, demo, sell):
        """Else the refusal would tell what the customer bought there."""
        suedwind = demo.user("global@suedwind.example")
        assert sell(demo.offer("Azure plan"), customer="Reederei Albers", by=suedwind)

    def test_other_customers_do_not_count(self, demo, sell):
        RelationshipFactory(
            partner=demo.partner("Nordlicht Distribution"),
            customer=demo.customer("Weingut Huber"),
        )
        sell(demo.offer("Azure plan"))
        assert sell(demo.offer("Azure plan"), customer="Weingut Huber")


class TestAddOns:
    NEEDS = {
        "offer": (
            "needs_base",
            "This add-on needs an active subscription to one of: Fjord Endpoint Protection.",
        )
    }

    def test_it_needs_its_base(self, demo, sell, refused):
        assert refused(demo.offer("Fjord Archive")) == self.NEEDS
        sell(demo.offer("Fjord Endpoint Protection"))
        assert sell(demo.offer("Fjord Archive"), quantity=1).is_active

    def test_any_of_its_bases_will_do(self, demo, sell):
        assert sell(demo.offer("Defender for Office 365 (Plan 1)")).is_active

    def test_a_suspended_base_is_none(self, demo, sell, refused, helpdesk):
        sell(demo.offer("Fjord Endpoint Protection")).suspend(by=helpdesk)
        assert refused(demo.offer("Fjord Archive")) == self.NEEDS

    def test_the_base_is_from_the_same_seller(self, demo, sell, refused):
        for by in ("global@suedwind.example", "helpdesk@nordlicht.example"):
            offer = demo.offer("Fjord Endpoint Protection")
            add_on = demo.offer("Fjord Archive")
            assert refused(add_on, customer="Reederei Albers", by=demo.user(by)) == self.NEEDS
            sell(offer, customer="Reederei Albers", by=demo.user(by))

    def test_one_without_bases_is_not_sold(self, refused):
        [(code, _text)] = refused(OfferFactory(is_add_on=True)).values()
        assert code == "needs_base"


class TestTerm:
    @pytest.mark.parametrize(
        ("started_on", "months", "ends_on"),
        [
            (date(2026, 11, 25), 12, date(2027, 11, 25)),
            (date(2027, 1, 31), 1, date(2027, 2, 28)),
            (date(2027, 12, 31), 2, date(2028, 2, 29)),
            (date(2027, 3, 1), None, None),
        ],
    )
    def test_the_first_term_ends_as_the_offer_has_it(self, sell, started_on, months, ends_on):
        sold = sell(OfferFactory(term_months=months), started_on=started_on)
        assert Subscription.objects.get(pk=sold.pk).renews_on == ends_on

    def test_one_that_renews_itself_ends_with_the_term_that_runs(self, sell):
        sold = sell(OfferFactory(term_months=1), started_on=date(2026, 1, 31))
        with time_machine.travel("2026-02-28T12:00Z"):
            assert sold.term_ends_on == date(2026, 2, 28)
        with time_machine.travel("2026-03-01T12:00Z"):
            assert sold.term_ends_on == date(2026, 3, 28)
            sold.auto_renew = False
            assert sold.term_ends_on == date(2026, 2, 28)


class TestSeveralAtOnce:
    def orders(self, demo, *names):
        return [
            {
                "customer": demo.customer("Backhaus Petersen"),
                "offer": demo.offer(name),
                "quantity": 5,
            }
            for name in names
        ]

    def test_bases_go_before_their_add_ons(self, demo, helpdesk):
        orders = self.orders(demo, "Fjord Archive", "Fjord Endpoint Protection")
        added = Subscription.objects.add_all(orders, by=helpdesk)
        assert [one.offer.name for one in added] == ["Fjord Endpoint Protection", "Fjord Archive"]

    def test_all_or_none_and_which_one_it_was(self, demo, helpdesk, nothing_written):
        orders = self.orders(demo, "Power BI Pro", "Project Plan 1")
        with nothing_written(), pytest.raises(RefusedOrder) as refusal:
            Subscription.objects.add_all(orders, by=helpdesk)
        assert refusal.value.offer.name == "Project Plan 1"
        assert refusal.value.message_dict == {"offer": ["This offer is no longer on sale."]}

    def test_who_may_not_is_refused(self, demo, nothing_written):
        orders = self.orders(demo, "Power BI Pro")
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            Subscription.objects.add_all(orders, by=demo.user("users@nordlicht.example"))
        assert refusal.value.code in Refusal.values

    def test_sent_twice_it_is_there_once(self, demo, helpdesk, nothing_written):
        orders = self.orders(demo, "Power BI Pro", "Visio Plan 2")
        key = demo.customer("Reederei Albers").pk
        first = Subscription.objects.add_all(orders, by=helpdesk, key=key)
        with nothing_written():
            again = Subscription.objects.add_all(orders, by=helpdesk, key=key)
        assert again == first


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({"q": "MICROSOFT e5"}, {"Microsoft 365 E5"}),
        ({"publisher": "Fjord Software", "billing": "usage"}, {"Fjord Backup"}),
        ({"category": "Cloud platform"}, {"Azure plan"}),
        ({"q": "e5", "publisher": "Fjord Software"}, set()),
    ],
)
def test_the_catalogue_is_searched_and_filtered(demo, filters, names):
    assert {offer.name for offer in Offer.objects.matching(**filters)} == names


def test_search_does_not_mind_accents(demo):
    OfferFactory(name="Überwachung Größe")
    assert [offer.name for offer in Offer.objects.matching(q="uberwachung grosse")] == [
        "Überwachung Größe"
    ]
