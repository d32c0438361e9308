"""Rules S1 to S4, and which subscriptions there are for whom (T1)."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from customers.models import Customer
from lists.keyset import SortOrder
from portal.authority import PORTAL, Refusal
from portal.models import Action, Membership
from subscriptions.models import Subscription, SubscriptionsOfCustomer
from tests.factories import OfferFactory, SubscriptionFactory


class TestS1:
    @pytest.mark.parametrize("person", ["global", "agent", "sales", "helpdesk"])
    def test_S1_the_sellers_staff_suspends_and_reactivates(self, demo, office, person):
        by = demo.user(f"{person}@nordlicht.example")
        office.suspend(by=by)
        assert not Subscription.objects.get(pk=office.pk).is_active
        office.reactivate(by=by)
        assert Subscription.objects.get(pk=office.pk).is_active
        out, back = demo.log()[-2:]
        assert [out.action, back.action] == [
            Action.SUBSCRIPTION_SUSPENDED,
            Action.SUBSCRIPTION_REACTIVATED,
        ]
        assert (out.person, out.subject, out.customer.name) == (
            by,
            "Office 365 Business Standard",
            "Reederei Albers",
        )
        assert (out.before, out.after) == ({"status": "active"}, {"status": "suspended"})
        assert (back.before, back.after) == ({"status": "suspended"}, {"status": "active"})

    @pytest.mark.parametrize(
        "email",
        [
            "users@nordlicht.example",
            "global@suedwind.example",
            "global@hafen.example",
            "global@moewe.example",
            "global@brandt.example",
            "admin@albers.example",
            "operator@portal.example",
        ],
    )
    def test_S1_nobody_else_does(self, demo, office, email, nothing_written):
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            office.suspend(by=demo.user(email))
        assert refusal.value.code in Refusal.values
        assert office.is_active

    def test_S1_nobody_suspends_what_was_bought_elsewhere(self, demo, helpdesk, nothing_written):
        visio = demo.subscription("Reederei Albers", "Visio Plan 2")
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            visio.suspend(by=helpdesk)
        assert refusal.value.messages == [
            "Only the partner that sold the subscription may do this."
        ]

    def test_S1_without_an_active_relationship_the_seller_may_not(
        self, demo, helpdesk, nothing_written
    ):
        for name in ("Office 365 Business Standard", "Azure plan"):
            demo.subscription("Reederei Albers", name).suspend(by=helpdesk)
        demo.relationship("Reederei Albers", "Nordlicht Distribution").end(by=PORTAL)
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            demo.subscription("Reederei Albers", "Azure plan").reactivate(by=helpdesk)
        assert refusal.value.code in Refusal.values

    def test_S1_doing_it_again_writes_nothing(self, demo, office, helpdesk, nothing_written):
        stale = Subscription.objects.get(pk=office.pk)
        office.suspend(by=helpdesk)
        with nothing_written():
            stale.suspend(by=helpdesk)

    def test_S1_an_add_on_is_reactivated_beside_an_active_base_alone(
        self, demo, office, helpdesk, nothing_written
    ):
        azure = demo.subscription("Reederei Albers", "Azure plan")
        azure.offer.is_add_on = True
        azure.offer.save()
        azure.offer.base_offers.add(office.offer)
        azure.suspend(by=helpdesk)
        office.suspend(by=helpdesk)
        # Another seller's is no base of it.
        SubscriptionFactory(
            customer=azure.customer, seller=demo.partner("Südwind Cloud"), offer=office.offer
        )
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            azure.reactivate(by=helpdesk)
        assert refusal.value.code == "needs_base"
        assert refusal.value.messages == [
            "This add-on needs an active subscription to one of: Office 365 Business Standard."
        ]
        office.reactivate(by=helpdesk)
        azure.reactivate(by=helpdesk)
        assert azure.is_active

    def test_S1_the_support_contact_stays(self, demo, office, helpdesk):
        office.designate(demo.partner("Hafen IT"), by=helpdesk)
        office.suspend(by=helpdesk)
        office.reactivate(by=helpdesk)
        assert Subscription.objects.get(pk=office.pk).support_contact.name == "Hafen IT"


def planner(demo, customer="Reederei Albers", **fields):
    return {
        "customer": demo.customer(customer),
        "offer": OfferFactory(name="Planner"),
        "quantity": 5,
        **fields,
    }


class TestAdd:
    """S1, C1, R9: the one way to sell."""

    @pytest.mark.parametrize("person", ["global", "agent", "sales", "helpdesk"])
    def test_S1_the_partner_of_whoever_adds_it_is_the_seller(self, demo, person):
        by = demo.user(f"{person}@nordlicht.example")
        added = Subscription.objects.add(by=by, **planner(demo))
        stored = demo.subscription("Reederei Albers", "Planner")
        assert stored == added
        assert (stored.seller.name, stored.support_contact.name, stored.quantity) == (
            "Nordlicht Distribution",
            "Nordlicht Distribution",
            5,
        )
        assert stored.contact_in_force.partner == stored.seller
        entry = demo.log()[-1]
        assert (entry.action, entry.person, entry.subject, entry.customer.name) == (
            Action.SUBSCRIPTION_ADDED,
            by,
            "Planner",
            "Reederei Albers",
        )
        assert [partner.name for partner in entry.partners.all()] == ["Nordlicht Distribution"]
        assert entry.before == {}
        assert entry.after == {
            "quantity": "5",
            "started_on": str(stored.started_on),
            "renews_on": str(stored.renews_on),
            "auto_renew": "True",
            "seller": "Nordlicht Distribution",
        }

    def test_S1_nobody_sells_in_the_name_of_another(self, demo, helpdesk):
        added = Subscription.objects.add(
            by=helpdesk, **planner(demo, seller=demo.partner("Südwind Cloud"))
        )
        assert added.seller.name == "Nordlicht Distribution"

    @pytest.mark.parametrize("email", ["users@nordlicht.example", "admin@albers.example"])
    def test_S1_not_without_the_role(self, demo, email, nothing_written):
        fields = planner(demo)
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            Subscription.objects.add(by=demo.user(email), **fields)
        assert refusal.value.code in Refusal.values

    def test_S1_a_reseller_sells_through_its_provider(self, demo, nothing_written):
        fields = planner(demo)
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            Subscription.objects.add(by=demo.user("global@hafen.example"), **fields)
        assert refusal.value.message_dict == {
            "seller": ["An indirect reseller sells through its provider."]
        }

    def test_S1_not_to_a_customer_without_a_relationship(self, demo, helpdesk, nothing_written):
        fields = planner(demo, "Weingut Huber")
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            Subscription.objects.add(by=helpdesk, **fields)
        [error] = refusal.value.error_dict["seller"]
        assert (error.code, error.messages) == (
            "no_relationship",
            ["Nordlicht Distribution has no relationship with Weingut Huber."],
        )

    def test_R9_after_the_end_of_the_relationship_nothing_is_sold(
        self, demo, helpdesk, nothing_written
    ):
        for name in ("Office 365 Business Standard", "Azure plan"):
            demo.subscription("Reederei Albers", name).suspend(by=helpdesk)
        demo.relationship("Reederei Albers", "Nordlicht Distribution").end(
            by=demo.user("global@nordlicht.example")
        )
        fields = planner(demo)
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            Subscription.objects.add(by=helpdesk, **fields)
        assert list(refusal.value.error_dict) == ["seller"]

    def test_R9_a_relationship_without_dap_is_enough_to_sell(self, demo):
        added = Subscription.objects.add(by=demo.user("global@suedwind.example"), **planner(demo))
        assert added.seller.name == "Südwind Cloud"

    def test_C4_the_operator_enters_what_was_bought_elsewhere(self, demo):
        added = Subscription.objects.add(
            by=demo.user("operator@portal.example"), **planner(demo, seller=None)
        )
        assert (added.seller, added.support_contact) == (None, None)

    def test_the_operator_enters_what_a_partner_sold(self, demo, nothing_written):
        operator = demo.user("operator@portal.example")
        brandt = demo.partner("Brandt Direkt")
        fields = planner(demo, "Praxis Dr. Yılmaz", seller=brandt)
        assert Subscription.objects.add(by=operator, **fields).support_contact == brandt
        fields |= {"customer": demo.customer("Reederei Albers")}
        with nothing_written(), pytest.raises(ValidationError):
            Subscription.objects.add(by=operator, **fields)

    def test_C2_nobody_is_designated_on_the_way(self, demo, helpdesk):
        added = Subscription.objects.add(
            by=helpdesk, **planner(demo, support_contact=demo.partner("Hafen IT"))
        )
        assert added.support_contact.name == "Nordlicht Distribution"


class TestS2:
    def test_S2_it_can_be_reactivated_until_90_days_later(self, office, helpdesk):
        assert office.reactivate_by is None
        with time_machine.travel(datetime(2027, 1, 1, 12, tzinfo=UTC), tick=False):
            office.suspend(by=helpdesk)
        assert office.reactivate_by == date(2027, 4, 1)
        with time_machine.travel(datetime(2027, 4, 1, 23, 59, tzinfo=UTC), tick=False):
            office.reactivate(by=helpdesk)
        assert office.is_active
        assert office.reactivate_by is None

    def test_S2_after_that_it_cannot(self, office, helpdesk, nothing_written):
        with time_machine.travel(datetime(2027, 1, 1, 12, tzinfo=UTC), tick=False):
            office.suspend(by=helpdesk)
        with (
            time_machine.travel(datetime(2027, 4, 2, 0, 0, tzinfo=UTC), tick=False),
            nothing_written(),
            pytest.raises(ValidationError) as refusal,
        ):
            office.reactivate(by=helpdesk)
        assert refusal.value.code == "too_late"
        assert refusal.value.messages == ["It could be reactivated until 1 April 2027."]

    def test_S2_suspending_again_does_not_start_the_90_days_anew(self, office, helpdesk):
        with time_machine.travel(datetime(2027, 1, 1, 12, tzinfo=UTC), tick=False):
            office.suspend(by=helpdesk)
        with time_machine.travel(datetime(2027, 2, 1, 12, tzinfo=UTC), tick=False):
            Subscription.objects.get(pk=office.pk).suspend(by=helpdesk)
        assert Subscription.objects.get(pk=office.pk).reactivate_by == date(2027, 4, 1)

    @pytest.mark.parametrize(
        "state",
        [
            {"status": "suspended", "suspended_at": None},
            {"status": "active", "suspended_at": datetime(2027, 1, 1, tzinfo=UTC)},
            {"status": "expired", "suspended_at": None},
        ],
    )
    def test_S2_the_database_refuses_a_status_without_its_date(self, office, state):
        with pytest.raises(IntegrityError), transaction.atomic():
            Subscription.objects.filter(pk=office.pk).update(**state)

    def test_S2_saving_an_old_page_does_not_undo_a_suspension(self, office, helpdesk):
        """As little as it undoes a designation: the status has a door of its own."""
        stale = Subscription.objects.get(pk=office.pk)
        office.suspend(by=helpdesk)
        stale.friendly_name = "Office for the crew"
        stale.save()
        assert not Subscription.objects.get(pk=office.pk).is_active


ALBERS = {
    "Office 365 Business Standard",
    "Microsoft 365 E3",
    "Azure plan",
    "Dynamics 365 Sales",
    "Visio Plan 2",
}
NORDLICHTS = {"Office 365 Business Standard", "Microsoft 365 E3", "Azure plan"}


def seen_at(demo, customer, email):
    found = Subscription.objects.visible_to(demo.user(email).membership)
    found = [subscription.friendly_name for subscription in found.filter(customer__name=customer)]
    assert len(found) == len(set(found))
    return set(found)


class TestS3:
    @pytest.mark.parametrize(
        ("email", "names"),
        [
            ("admin@albers.example", ALBERS),
            ("helpdesk@nordlicht.example", NORDLICHTS | {"Visio Plan 2"}),
            ("global@suedwind.example", {"Dynamics 365 Sales"}),
            ("global@hafen.example", {"Visio Plan 2"}),
            ("global@moewe.example", {"Visio Plan 2"}),
            ("global@elbe.example", set()),
            ("global@kranich.example", set()),
            ("global@brandt.example", set()),
            ("global@pacific.example", set()),
            ("admin@petersen.example", set()),
        ],
    )
    def test_S3_who_sees_what_at_reederei_albers(self, demo, email, names):
        assert seen_at(demo, "Reederei Albers", email) == names

    def test_S3_the_support_contact_sees_it_as_long_as_it_is_one(self, demo, office, helpdesk):
        office.designate(demo.partner("Hafen IT"), by=helpdesk)
        assert seen_at(demo, "Reederei Albers", "global@hafen.example") == {
            "Office 365 Business Standard",
            "Visio Plan 2",
        }
        demo.relationship("Reederei Albers", "Hafen IT").remove_dap(by=PORTAL)
        assert seen_at(demo, "Reederei Albers", "global@hafen.example") == set()

    def test_S3_the_reseller_of_record_sees_it(self, demo):
        assert seen_at(demo, "Backhaus Petersen", "global@elbe.example") == {
            "Microsoft 365 Business Basic"
        }

    def test_S3_what_was_bought_elsewhere_needs_dap(self, demo):
        demo.relationship("Reederei Albers", "Nordlicht Distribution").remove_dap(by=PORTAL)
        assert seen_at(demo, "Reederei Albers", "helpdesk@nordlicht.example") == NORDLICHTS

    def test_T1_after_the_end_of_the_relationship_nothing_is_seen(self, demo, helpdesk):
        for name in ("Office 365 Business Standard", "Azure plan"):
            demo.subscription("Reederei Albers", name).suspend(by=helpdesk)
        demo.relationship("Reederei Albers", "Nordlicht Distribution").end(by=PORTAL)
        assert seen_at(demo, "Reederei Albers", "helpdesk@nordlicht.example") == set()

    def test_T1_dap_for_one_customer_opens_no_other(self, demo):
        """Nordlicht has DAP for Reederei Albers; what Weingut Huber bought elsewhere is not for it."""
        SubscriptionFactory(
            seller=None, customer=demo.customer("Weingut Huber"), friendly_name="CANARY"
        )
        assert seen_at(demo, "Weingut Huber", "helpdesk@nordlicht.example") == set()
        assert "CANARY" in seen_at(demo, "Weingut Huber", "global@suedwind.example")

    def test_T1_who_belongs_nowhere_sees_nothing(self, demo):
        assert list(Subscription.objects.visible_to(None)) == []


def errors(subscription):
    with pytest.raises(ValidationError) as refusal:
        subscription.full_clean()
    return refusal.value.message_dict


class TestS4:
    def test_S4_the_reseller_of_record_needs_a_partnership_with_the_seller(self, demo, office):
        office.reseller_of_record = demo.partner("Hafen IT")
        office.full_clean()
        office.reseller_of_record = demo.partner("Möwe Systems")
        assert errors(office) == {
            "reseller_of_record": ["Möwe Systems has no partnership with Nordlicht Distribution."]
        }

    def test_S4_one_that_ended_does_not_count(self, demo, office):
        demo.partnership("Nordlicht Distribution", "Hafen IT").end(by=PORTAL)
        office.reseller_of_record = demo.partner("Hafen IT")
        assert errors(office) == {
            "reseller_of_record": ["Hafen IT has no partnership with Nordlicht Distribution."]
        }

    def test_S4_without_a_seller_there_is_none(self, demo):
        visio = demo.subscription("Reederei Albers", "Visio Plan 2")
        visio.reseller_of_record = demo.partner("Hafen IT")
        assert errors(visio) == {"__all__": ["Without a seller there is no reseller of record."]}
        with pytest.raises(IntegrityError), transaction.atomic():
            visio.save()


class TestR9:
    def test_R9_an_existing_one_stays_valid_after_the_relationship(self, demo, office, helpdesk):
        """It is history, and its details can still be put right."""
        for name in ("Office 365 Business Standard", "Azure plan"):
            demo.subscription("Reederei Albers", name).suspend(by=helpdesk)
        demo.relationship("Reederei Albers", "Nordlicht Distribution").end(by=PORTAL)
        demo.subscription("Reederei Albers", "Azure plan").full_clean()


class TestWhatCanBeSold:
    def test_a_reseller_sells_through_its_provider(self, demo, office):
        office.seller = demo.partner("Hafen IT")
        assert errors(office) == {"seller": ["An indirect reseller sells through its provider."]}

    def test_license_based_needs_a_number_of_licenses(self, demo):
        subscription = SubscriptionFactory(quantity=1)
        subscription.quantity = None
        assert errors(subscription) == {"quantity": ["Enter how many licenses."]}

    def test_usage_based_has_none(self, demo):
        subscription = SubscriptionFactory(offer=OfferFactory(usage=True), quantity=None)
        subscription.full_clean()
        subscription.quantity = 1
        assert errors(subscription) == {
            "quantity": ["A usage-based offer has no number of licenses."]
        }

    def test_the_database_refuses_less_than_none(self, office):
        with pytest.raises(IntegrityError), transaction.atomic():
            Subscription.objects.filter(pk=office.pk).update(quantity=-1)

    def test_an_offer_stands_once_in_the_list(self, demo):
        with pytest.raises(ValidationError) as refusal:
            OfferFactory.build(name="Azure plan", publisher="Microsoft").full_clean()
        assert refusal.value.messages == ["This publisher has an offer of this name."]
        OfferFactory.build(name="Azure plan", publisher="Microsoft", is_trial=True).full_clean()


def test_search_by_words_of_the_friendly_name(demo):
    def found(text):
        return {one.friendly_name for one in Subscription.objects.search(text)}

    assert found("OFFICE standard") == {"Office 365 Business Standard"}
    assert found("plan") == {"Azure plan", "Visio Plan 2", "Exchange Online (Plan 1)"}
    assert found("plan office") == set()
    assert len(Subscription.objects.search("")) == 10


def test_since_when_the_contact_answers(demo, office, helpdesk):
    start = timezone.now() + timedelta(days=1)
    with time_machine.travel(start, tick=False):
        office.designate(demo.partner("Hafen IT"), by=helpdesk)
    assert office.contact_changed_at == start
    assert Subscription.objects.get(pk=office.pk).contact_changed_at == start
    azure = demo.subscription("Reederei Albers", "Azure plan")
    assert azure.contact_changed_at == azure.created_at
    with time_machine.travel(start + timedelta(days=1), tick=False):
        demo.partner("Hafen IT").deactivate(by=PORTAL)
        office.save()
    assert Subscription.objects.get(pk=office.pk).contact_changed_at == start + timedelta(days=1)


def test_T1_a_list_that_was_composed_for_one_partner_shows_the_next_its_own(demo):
    order, columns = SortOrder("name_key"), ("friendly_name", "name_key", "pk")
    seen = set()
    for filters in ({}, {"status": "active"}, {"status": "suspended"}, {"words": (("365",),)}):
        for membership in Membership.objects.filter(partner__isnull=False):
            visible = Subscription.objects.visible_to(membership)
            if "status" in filters:
                visible = visible.filter(status=filters["status"])
            visible = visible.search(" ".join(word for [word] in filters.get("words", ())))
            for customer in Customer.objects.all():
                question = SubscriptionsOfCustomer(
                    partner=membership.partner_id, customer=customer.pk, **filters
                )
                rows = question.read(columns, order, None, 100)
                theirs = order.sort(visible.filter(customer=customer))
                assert [row.pk for row in rows] == [one.pk for one in theirs]
                assert question.count(order, None, None) == len(rows)
                seen.update(row.pk for row in rows)
    assert len(seen) == Subscription.objects.count()
