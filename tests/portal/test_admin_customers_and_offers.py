"""Django admin: customers, and the catalogue of offers."""

import pytest

from customers.models import Customer
from portal.models import Action, ActivityEntry
from subscriptions.models import Offer
from tests.admin import PLANNER, add, change, errors


class TestCustomersAndOffers:
    def test_adding_a_customer_is_logged(self, admin_client, operator, demo):
        answer = add(admin_client, Customer, name="Werft Ost", domain="Werft.Example", country="DE")
        assert answer.status_code == 302
        assert demo.customer("Werft Ost").domain == "werft.example"
        entry = demo.log()[-1]
        assert (entry.action, entry.person, entry.customer.name) == (
            Action.CUSTOMER_ADDED,
            operator,
            "Werft Ost",
        )
        assert entry.after == {"name": "Werft Ost", "domain": "werft.example", "country": "DE"}

    @pytest.mark.parametrize(
        ("domain", "message"),
        [
            ("werft", "Enter a domain, such as firm.example."),
            ("", "This field is required."),
        ],
    )
    def test_a_bad_domain_is_an_error_at_its_field(
        self, admin_client, domain, message, nothing_written
    ):
        with nothing_written():
            answer = add(admin_client, Customer, name="Werft Ost", domain=domain, country="DE")
        assert errors(answer) == {"domain": [message]}

    def test_changing_a_customer_is_read_by_it_and_its_partners(self, admin_client, operator, demo):
        answer = change(admin_client, demo.customer("Reederei Albers"), city="Bremen")
        assert answer.status_code == 302
        for email in ("admin@albers.example", "global@elbe.example"):
            entry = ActivityEntry.objects.visible_to(demo.user(email).membership).first()
            assert (entry.action, entry.person) == (Action.CUSTOMER_CHANGED, operator)
            assert (entry.before, entry.after) == ({"city": "Hamburg"}, {"city": "Bremen"})

    def test_an_offer_is_added_once(self, admin_client, nothing_written):
        assert add(admin_client, Offer, **PLANNER).status_code == 302
        with nothing_written():
            answer = add(admin_client, Offer, **PLANNER)
        assert errors(answer) == {"__all__": ["This publisher has an offer of this name."]}

    def test_an_add_on_names_its_bases_and_nothing_else_does(self, admin_client, demo):
        e3 = demo.offer("Microsoft 365 E3")
        answer = add(admin_client, Offer, **PLANNER, is_add_on="on", base_offers=[str(e3.pk)])
        assert answer.status_code == 302
        planner = demo.offer("Planner")
        assert list(planner.base_offers.all()) == [e3]
        answer = change(admin_client, planner, base_offers=[str(planner.pk)])
        assert errors(answer) == {"base_offers": ["An offer can't be its own base."]}

    @pytest.mark.parametrize(
        ("is_add_on", "bases", "message"),
        [
            ("on", [], "Choose the offers that this add-on goes with."),
            ("", ["Microsoft 365 E3"], "Only an add-on has base offers."),
        ],
    )
    def test_an_add_on_without_a_base_is_refused(
        self, admin_client, demo, nothing_written, is_add_on, bases, message
    ):
        chosen = [str(demo.offer(name).pk) for name in bases]
        with nothing_written():
            answer = add(admin_client, Offer, **PLANNER, is_add_on=is_add_on, base_offers=chosen)
        assert errors(answer) == {"base_offers": [message]}

    @pytest.mark.parametrize(
        ("fields", "expected"),
        [
            (
                {"minimum_quantity": "5", "maximum_quantity": "4"},
                {"__all__": ["The maximum quantity is below the minimum."]},
            ),
            ({"term_months": "0"}, {"__all__": ["A term has at least one month."]}),
        ],
    )
    def test_conditions_that_nobody_can_meet_are_refused(
        self, admin_client, nothing_written, fields, expected
    ):
        with nothing_written():
            answer = add(admin_client, Offer, **PLANNER | fields)
        assert errors(answer) == expected
