"""R15: two records that are one firm are joined by an operator, in one act."""

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import timezone

from customers.models import Customer
from portal.authority import PORTAL, NotAllowed
from portal.models import Action, ActivityEntry, LogOf, Notice, ProofMethod
from relationships.models import Relationship, RelationshipRequest
from subscriptions.models import Subscription
from tests.factories import (
    CustomerFactory,
    MembershipFactory,
    RelationshipFactory,
    RelationshipRequestFactory,
    SubscriptionFactory,
)
from tests.pages import Page, signed_in
from tests.races import ORDERS, in_order
from tests.subscriptions.test_verify_rules import verify

ADMIN = "boss@albers-nord.example"


@pytest.fixture
def albers(demo):
    return demo.customer("Reederei Albers")


@pytest.fixture
def twin(demo):
    """Brandt Direkt typed the same firm, and sold to it; Kranich asks it."""
    customer = CustomerFactory(name="Albers Nord", domain="albers.example")
    brandt = demo.partner("Brandt Direkt")
    RelationshipFactory(customer=customer, partner=brandt)
    RelationshipFactory(
        customer=customer,
        partner=demo.partner("Pacific Resale"),
        has_dap=False,
        ended_at=timezone.now(),
    )
    SubscriptionFactory(customer=customer, seller=brandt, friendly_name="Brandt-Postfach")
    SubscriptionFactory(customer=customer, seller=None, friendly_name="Altes Paket")
    boss = MembershipFactory(customer=customer, user__email=ADMIN).user
    boss.prove(ADMIN, how=ProofMethod.CONFIRMATION)
    RelationshipRequestFactory(
        partner=demo.partner("Kranich Consulting"), customer=customer, recipient_email=ADMIN
    )
    Customer.objects.get(pk=customer.pk).record(Action.CUSTOMER_CHANGED, by=PORTAL, reason="before")
    return customer


def refusals(albers, twin, by):
    with pytest.raises(ValidationError) as refused:
        albers.join(twin, by=by)
    return refused.value.messages


def partners(customer):
    return {one.partner.name for one in customer.relationships.active()}


class TestJoining:
    def test_R15_everything_moves_in_one_act(self, demo, albers, twin, operator):
        albers.join(twin, by=operator)
        assert "Brandt Direkt" in partners(albers)
        assert demo.subscription("Reederei Albers", "Brandt-Postfach").customer == albers
        assert demo.user(ADMIN).organisation == albers
        assert RelationshipRequest.objects.get().customer == albers
        for moved in (twin.relationships, twin.subscriptions, twin.memberships, twin.requests):
            assert not moved.exists()
        twin.refresh_from_db()
        assert twin.joined_into == albers
        assert not twin.is_domain_proved

    def test_R15_the_rules_hold_afterwards(self, demo, albers, twin, operator):
        albers.join(twin, by=operator)
        _lines, broken = verify()
        assert broken is None

    def test_R15_what_refers_to_a_customer_moves_or_is_the_log(self):
        """Whoever lets another table refer to customers decides what becomes of it here."""
        found = {
            (one.related_model._meta.label, one.field.name)
            for one in Customer._meta.get_fields(include_hidden=True)
            if one.auto_created and not one.concrete
        }
        stays = {
            ("portal.ActivityEntry", "customer"),
            ("portal.Actor", "customer"),
            ("portal.ActivityReader", "customer"),
        }
        moves = {
            ("portal.Membership", "customer"),
            ("portal.Notice", "customer"),
            ("relationships.Relationship", "customer"),
            ("relationships.RelationshipRequest", "customer"),
            ("subscriptions.Subscription", "customer"),
            ("customers.Customer", "joined_into"),
        }
        assert found == stays | moves

    def test_C11_what_the_firm_was_told_stays_to_be_read(self, demo, albers, twin, operator):
        twin.relationships.active().get()._remove_dap(by=operator)
        [told] = Notice.objects.for_user(demo.user(ADMIN))
        albers.join(twin, by=operator)
        for email in ("admin@albers.example", ADMIN):
            assert list(Notice.objects.for_user(demo.user(email))) == [told]
            assert signed_in(email).get(told.get_absolute_url()).status_code == 200

    def test_R15_lists_find_it_by_its_new_name(self, demo, albers, twin, operator):
        albers.join(twin, by=operator)
        page = Page(signed_in("global@brandt.example").get("/customers/"))
        assert "Reederei Albers" in page.text
        assert "Albers Nord" not in page.text
        moved = Relationship.objects.get(partner__name="Brandt Direkt", customer=albers)
        assert (
            moved.name_and_domain
            == demo.relationship("Reederei Albers", "Hafen IT").name_and_domain
        )
        assert Subscription.objects.get(friendly_name="Altes Paket").customer_key == albers.name_key

    def test_T1_a_seller_that_looks_after_the_firm_finds_what_it_sold_to_both(
        self, demo, albers, twin, operator
    ):
        nordlicht = demo.partner("Nordlicht Distribution")
        old = SubscriptionFactory(customer=twin, seller=nordlicht, friendly_name="Früher verkauft")
        assert old.visible_seller is None
        albers.join(twin, by=operator)
        old.refresh_from_db()
        assert old.visible_seller == nordlicht

    def test_R15_the_firm_reads_both_logs_and_partners_what_they_read_before(
        self, demo, albers, twin, operator
    ):
        brandt = demo.user("global@brandt.example").membership
        before = set(ActivityEntry.objects.visible_to(brandt).values_list("pk", flat=True))
        albers.join(twin, by=operator)
        for email in ("admin@albers.example", ADMIN):
            membership = demo.user(email).membership
            assert ActivityEntry.objects.visible_to(membership).filter(reason="before").exists()
            page = Page(signed_in(email).get("/activity/?start=&end="))
            assert "before" in page.text
            assert "Customer records joined" in page.text
        seen = set(ActivityEntry.objects.visible_to(brandt).values_list("pk", flat=True))
        assert before < seen
        found = ActivityEntry.objects.visible_to(demo.user("global@hafen.example").membership)
        assert not found.filter(action=Action.CUSTOMER_JOINED).exists()

    def test_R15_the_firm_reads_who_of_its_people_acted(self, demo, albers, twin, operator):
        twin.record(Action.AGREEMENT_ACCEPTED, by=demo.user(ADMIN))
        albers.join(twin, by=operator)
        page = Page(signed_in("admin@albers.example").get("/activity/?start=&end="))
        assert ADMIN in page.text
        assert ADMIN not in Page(signed_in("global@brandt.example").get("/activity/")).text

    def test_R15_the_log_filters_both(self, demo, albers, twin, operator):
        albers.join(twin, by=operator)
        membership = demo.user(ADMIN).membership
        for how in ({}, {"action": Action.CUSTOMER_CHANGED}, {"customer": "albers"}):
            log = LogOf.of(membership, **how)
            rows = log.queryset().values_list("read_id", flat=True)
            assert set(rows) >= set(
                ActivityEntry.objects.filter(reason="before").values_list("pk", flat=True)
            )
            assert len(rows) == len(set(rows))

    def test_R15_a_chain_ends_at_the_record_that_counts(self, demo, albers, twin, operator):
        third = CustomerFactory(name="Albers Süd")
        twin.join(third, by=operator)
        albers.join(twin, by=operator)
        third.refresh_from_db()
        assert third.joined_into == albers
        assert albers.record_keys == [albers.pk, *sorted([twin.pk, third.pk])]

    def test_R15_partners_that_nobody_kept_are_to_be_kept_or_ended(
        self, demo, albers, twin, operator
    ):
        Customer.objects.filter(pk=twin.pk).update(partners_reviewed_at=None)
        albers.join(twin, by=operator)
        assert demo.customer("Reederei Albers").must_review_partners

    def test_R15_a_proved_domain_goes_along(self, demo, albers, twin, operator):
        albers.free_domain(by=operator)
        twin.confirm_domain(by=operator)
        albers.join(twin, by=operator)
        assert demo.customer("Reederei Albers").is_domain_proved

    def test_R15_the_joined_one_is_in_no_list_and_no_choice(
        self, demo, albers, twin, operator, admin_client
    ):
        albers.join(twin, by=operator)
        assert "Albers Nord" not in admin_client.get("/admin/customers/customer/").content.decode()
        choice = admin_client.get(
            "/admin/autocomplete/",
            {
                "app_label": "relationships",
                "model_name": "relationship",
                "field_name": "customer",
                "term": "albers",
            },
        ).json()
        assert [one["text"] for one in choice["results"]] == ["Reederei Albers (albers.example)"]
        shown = admin_client.get(reverse("admin:customers_customer_change", args=[albers.pk]))
        assert f"Albers Nord ({twin.pk})" in shown.content.decode()


class TestRefusals:
    def test_R1_a_partner_on_both_is_named(self, demo, albers, twin, operator, nothing_written):
        RelationshipFactory(customer=twin, partner=demo.partner("Hafen IT"))
        with nothing_written():
            assert refusals(albers, twin, operator) == [
                "Hafen IT has an active relationship with both records. Remove one of them first."
            ]

    def test_R11_so_is_one_of_another_region(self, demo, albers, twin, operator, nothing_written):
        RelationshipFactory(customer=twin, partner=demo.partner("Pacific Resale"))
        with nothing_written():
            [refused] = refusals(albers, twin, operator)
        assert "are not in the same sales region" in refused

    def test_R15_two_proved_domains(self, demo, albers, twin, operator, nothing_written):
        twin.domain = "albers-nord.example"
        twin.save()
        twin.confirm_domain(by=operator)
        with nothing_written():
            assert refusals(albers, twin, operator) == [
                "Albers Nord has proved another domain, albers-nord.example. Free it first."
            ]

    def test_R15_a_record_is_joined_once(self, demo, albers, twin, operator, nothing_written):
        albers.join(twin, by=operator)
        huber = demo.customer("Weingut Huber")
        with nothing_written():
            for stays, joined in ((albers, twin), (huber, twin), (twin, huber), (albers, albers)):
                assert refusals(stays, joined, operator) == [
                    "Choose two records that are not joined."
                ]

    @pytest.mark.parametrize("email", ["admin@albers.example", "global@nordlicht.example"])
    def test_R15_nobody_else_joins_them(self, demo, albers, twin, email, nothing_written):
        with nothing_written(), pytest.raises(NotAllowed):
            albers.join(twin, by=demo.user(email))

    def test_R15_nothing_is_added_to_a_joined_record(self, demo, albers, twin, operator):
        stale = Customer.objects.get(pk=twin.pk)
        albers.join(twin, by=operator)
        kranich = demo.partner("Kranich Consulting")
        for act in (
            lambda: Relationship.objects.start(kranich, stale, has_dap=True, by=operator),
            lambda: stale.confirm_domain(by=operator),
            lambda: stale.change(["name"], by=operator),
            lambda: Subscription.objects.add(
                customer=stale, offer=demo.offer("Power BI Pro"), quantity=1, by=operator
            ),
            lambda: stale.memberships.invite(
                stale, email="x@albers.example", name="X", roles=["customer"], by=operator
            ),
        ):
            with pytest.raises(ValidationError) as refused:
                act()
            assert refused.value.code == "joined"


class TestAdmin:
    def path(self, *records):
        query = "&".join(f"record={one.pk}" for one in records)
        return f"/admin/customers/customer/join/?{query}"

    def test_R15_two_chosen_records_lead_to_what_would_move(self, albers, twin, admin_client):
        data = {"action": "join", "_selected_action": [albers.pk, twin.pk]}
        answer = admin_client.post("/admin/customers/customer/", data)
        shown = admin_client.get(answer.url).content.decode()
        assert "Reederei Albers stays, Albers Nord is joined into it" in shown
        assert "2 subscriptions move" in shown
        assert ADMIN in shown

    def test_R15_one_button_joins_them(self, demo, albers, twin, operator, admin_client):
        answer = admin_client.post(self.path(albers, twin), {"stays": albers.pk})
        assert answer.url == reverse("admin:customers_customer_change", args=[albers.pk])
        entry = demo.log(action=Action.CUSTOMER_JOINED)[-1]
        assert (entry.person, entry.customer) == (operator, albers)
        assert entry.after == {"joined": "Albers Nord (albers.example)"}

    def test_R1_the_reasons_stand_in_place_of_the_button(
        self, demo, albers, twin, admin_client, nothing_written
    ):
        RelationshipFactory(customer=twin, partner=demo.partner("Hafen IT"))
        shown = admin_client.get(self.path(albers, twin)).content.decode()
        assert "Hafen IT has an active relationship with both records." in shown
        assert "Join Albers Nord into it" not in shown
        with nothing_written():
            answer = admin_client.post(self.path(albers, twin), {"stays": albers.pk}, follow=True)
        assert "with both records" in answer.content.decode()

    @pytest.mark.parametrize("query", ["", "?record=x&record=y", "?record=1"])
    def test_a_bad_address_leads_back(self, admin_client, query):
        answer = admin_client.get(f"/admin/customers/customer/join/{query}")
        assert answer.url == "/admin/customers/customer/"

    def test_one_record_is_not_enough(self, albers, admin_client):
        data = {"action": "join", "_selected_action": [albers.pk]}
        shown = admin_client.post("/admin/customers/customer/", data, follow=True)
        assert "Choose two records." in shown.content.decode()


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
class TestRaces:
    @pytest.mark.parametrize("order", ORDERS)
    def test_R15_a_request_is_accepted_before_or_not_at_all(
        self, demo, albers, twin, operator, order
    ):
        made = twin.requests.get()
        boss = demo.user(ADMIN)

        def accept():
            RelationshipRequest.objects.find(made.token).accept(by=boss, agrees=True)

        outcomes = order(accept, lambda: Customer.objects.get(pk=albers.pk).join(twin, by=operator))
        assert outcomes[1].error is None
        if order is in_order:
            assert outcomes[0].error is None
        assert ("Kranich Consulting" in partners(albers)) == (outcomes[0].error is None)
        assert partners(twin) == set()

    @pytest.mark.parametrize("order", ORDERS)
    def test_R15_a_contact_is_designated_before_or_not_at_all(
        self, demo, albers, twin, operator, order
    ):
        brandt = demo.partner("Brandt Direkt")
        package = Subscription.objects.get(friendly_name="Altes Paket")

        def designate():
            Subscription.objects.select_related("customer").get(pk=package.pk).designate(
                brandt, by=demo.user("global@brandt.example")
            )

        outcomes = order(
            designate, lambda: Customer.objects.get(pk=albers.pk).join(twin, by=operator)
        )
        assert outcomes[1].error is None
        package.refresh_from_db()
        assert package.customer == albers
        assert (package.support_contact == brandt) == (outcomes[0].error is None)

    @pytest.mark.parametrize("order", ORDERS)
    def test_R9_a_relationship_does_not_end_past_what_was_joined(
        self, demo, albers, twin, operator, order
    ):
        """Its partner sold an active subscription, which has moved."""
        held = Relationship.objects.active().get(customer=twin)
        outcomes = order(
            lambda: Relationship.objects.get(pk=held.pk).end(by=operator),
            lambda: Customer.objects.get(pk=albers.pk).join(twin, by=operator),
        )
        assert outcomes[0].error.code == "active_subscriptions"
        assert outcomes[1].error is None
