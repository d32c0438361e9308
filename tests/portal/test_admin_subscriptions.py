"""Subscriptions in Django admin: C1, C2, C4, R9 and S4 hold for the operator too."""

import pytest

from portal.authority import PORTAL
from portal.models import Action
from relationships.models import Relationship
from subscriptions.models import Subscription
from tests.admin import add, change, errors
from tests.factories import OfferFactory


class TestSubscriptions:
    @pytest.fixture
    def planner(self, demo):
        """What the operator fills in to enter a subscription that Nordlicht sold."""
        return {
            "customer": demo.customer("Reederei Albers").pk,
            "offer": OfferFactory(name="Planner").pk,
            "friendly_name": "",
            "quantity": "5",
            "started_on": "2026-11-01",
            "auto_renew": "on",
            "seller": demo.partner("Nordlicht Distribution").pk,
        }

    def test_C1_an_added_one_starts_with_its_seller_and_is_logged(
        self, admin_client, operator, demo, planner
    ):
        assert add(admin_client, Subscription, **planner).status_code == 302
        subscription = demo.subscription("Reederei Albers", "Planner")
        assert subscription.support_contact.name == "Nordlicht Distribution"
        [start] = subscription.support_contact_history.all()
        assert start.reason == Action.SUBSCRIPTION_ADDED
        entry = demo.log()[-1]
        assert (entry.action, entry.person, entry.subject) == (
            Action.SUBSCRIPTION_ADDED,
            operator,
            "Planner",
        )
        assert entry.customer.name == "Reederei Albers"
        assert [partner.name for partner in entry.partners.all()] == ["Nordlicht Distribution"]

    def test_R9_nothing_is_sold_without_an_active_relationship(
        self, admin_client, demo, planner, nothing_written
    ):
        data = {**planner, "customer": demo.customer("Weingut Huber").pk}
        with nothing_written():
            answer = add(admin_client, Subscription, **data)
        assert errors(answer) == {
            "seller": ["Nordlicht Distribution has no relationship with Weingut Huber."]
        }

    def test_C4_one_bought_elsewhere_starts_with_nobody(self, admin_client, demo, planner):
        assert add(admin_client, Subscription, **{**planner, "seller": ""}).status_code == 302
        subscription = demo.subscription("Reederei Albers", "Planner")
        assert subscription.support_contact is None
        assert subscription.contact_in_force.partner is None

    def test_C2_the_contact_is_not_set_by_the_form(self, admin_client, demo, planner):
        hafen = demo.partner("Hafen IT").pk
        add(admin_client, Subscription, **planner, support_contact=hafen)
        office = demo.subscription("Reederei Albers", "Office 365 Business Standard")
        change(admin_client, office, support_contact=hafen, friendly_name="Office")
        for name in ("Planner", "Office"):
            subscription = demo.subscription("Reederei Albers", name)
            assert subscription.support_contact.name == "Nordlicht Distribution"

    @pytest.mark.parametrize(
        ("field", "partner", "expected"),
        [
            (
                "reseller_of_record",
                "Möwe Systems",
                {
                    "reseller_of_record": [
                        "Möwe Systems has no partnership with Nordlicht Distribution."
                    ]
                },
            ),
            (
                "seller",
                "Hafen IT",
                {"seller": ["An indirect reseller sells through its provider."]},
            ),
        ],
    )
    def test_S4_who_may_not_sell_or_be_on_record_is_refused(
        self, admin_client, demo, planner, field, partner, expected, nothing_written
    ):
        with nothing_written():
            answer = add(admin_client, Subscription, **{**planner, field: demo.partner(partner).pk})
        assert errors(answer) == expected

    def test_S4_a_reseller_of_record_needs_a_seller(
        self, admin_client, demo, planner, nothing_written
    ):
        data = {**planner, "seller": "", "reseller_of_record": demo.partner("Hafen IT").pk}
        with nothing_written():
            answer = add(admin_client, Subscription, **data)
        assert errors(answer) == {"__all__": ["Without a seller there is no reseller of record."]}

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("quantity", ""),
            ("quantity", "-1"),
            ("quantity", "1" + "0" * 30),
            ("quantity", "many"),
            ("customer", ""),
            ("customer", "00000000-0000-0000-0000-000000000000"),
            ("customer", "albers"),
            ("offer", ""),
            ("started_on", "yesterday"),
            ("friendly_name", "\x00"),
        ],
    )
    def test_a_bad_value_is_an_error_at_its_field(
        self, admin_client, planner, field, value, nothing_written
    ):
        with nothing_written():
            answer = add(admin_client, Subscription, **{**planner, field: value})
        assert set(errors(answer)) == {field}

    def test_the_log_names_what_was_changed_as_people_read_it(self, admin_client, demo):
        """Names, not keys; and nothing where nothing was."""
        basic = demo.subscription("Backhaus Petersen", "Microsoft 365 Business Basic")
        Relationship.objects.start(
            demo.partner("Hafen IT"), basic.customer, has_dap=True, by=PORTAL
        )
        answer = change(
            admin_client,
            basic,
            reseller_of_record=demo.partner("Hafen IT").pk,
            quantity="9",
            auto_renew=False,
            renews_on="",
        )
        assert answer.status_code == 302
        entry = demo.log()[-1]
        assert entry.action == Action.SUBSCRIPTION_CHANGED
        renews_on = str(basic.renews_on)
        assert entry.before == {
            "reseller_of_record": "Elbe Support",
            "quantity": "8",
            "auto_renew": "True",
            "renews_on": renews_on,
        }
        assert entry.after == {
            "reseller_of_record": "Hafen IT",
            "quantity": "9",
            "auto_renew": "False",
            "renews_on": "",
        }
        change(admin_client, basic, renews_on=renews_on, quantity="4")
        entry = demo.log()[-1]
        assert entry.before == {"renews_on": "", "quantity": "9"}
        assert entry.after == {"renews_on": renews_on, "quantity": "4"}

    def test_customer_offer_and_seller_stay(self, admin_client, demo):
        office = demo.subscription("Reederei Albers", "Office 365 Business Standard")
        change(
            admin_client,
            office,
            seller=demo.partner("Südwind Cloud").pk,
            customer=demo.customer("Weingut Huber").pk,
        )
        assert demo.subscription("Reederei Albers", "Office 365 Business Standard").seller == (
            demo.partner("Nordlicht Distribution")
        )
