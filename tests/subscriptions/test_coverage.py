"""All subscriptions across customers: what is found, in which order, at which cost."""

import csv
import io
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.authority import PORTAL
from portal.models import Membership
from portal.text import fold
from subscriptions.models import Coverage, Subscription
from subscriptions.models.coverage_parts import ORDERS
from tests.demo import GLOBAL, HELPDESK
from tests.factories import (
    CustomerFactory,
    PartnerFactory,
    PartnershipFactory,
    RelationshipFactory,
    SubscriptionFactory,
)
from tests.pages import Page, signed_in


def keys(querysets):
    found = [key for one in querysets for key in one.values_list("pk", flat=True)]
    assert len(found) == len(set(found)), "the parts have a row in common"
    return set(found)


def put_odd(demo):
    """Near every line of S3: sold, on record, supported, bought elsewhere, with DAP and without, ended."""
    nordlicht, hafen = demo.partner("Nordlicht Distribution"), demo.partner("Hafen IT")
    elbe, moewe = demo.partner("Elbe Support"), demo.partner("Möwe Systems")
    for has_dap in (True, False):
        customer = CustomerFactory(name=f"Odd {has_dap}")
        for partner in (nordlicht, hafen, moewe):
            RelationshipFactory(partner=partner, customer=customer, has_dap=has_dap)
        RelationshipFactory(partner=elbe, customer=customer, has_dap=True)
        for seller, record in (
            (nordlicht, None),
            (nordlicht, hafen),
            (nordlicht, elbe),
            (None, None),
        ):
            made = SubscriptionFactory(customer=customer, seller=seller, reseller_of_record=record)
            if seller:
                made.designate(elbe, by=demo.user(GLOBAL))
    left = CustomerFactory(name="Odd left")
    for partner in (nordlicht, hafen):
        relationship = RelationshipFactory(partner=partner, customer=left)
        SubscriptionFactory(customer=left, seller=None)
        if partner == nordlicht:
            SubscriptionFactory(
                customer=left,
                seller=partner,
                reseller_of_record=hafen,
                status="suspended",
                suspended_at=timezone.now(),
            )
        relationship.end(by=PORTAL)


@pytest.fixture
def odd(demo, stage):
    stage(put_odd, demo)


@pytest.mark.parametrize("has_few_customers", [True, False])
def test_S3_the_parts_together_are_what_is_visible(demo, odd, has_few_customers):
    for membership in Membership.objects.exclude(partner=None):
        coverage = Coverage(membership.partner, has_few_customers=has_few_customers)
        visible = set(Subscription.objects.visible_to(membership).values_list("pk", flat=True))
        assert keys(coverage.querysets()) == visible, membership


def test_T1_a_seller_finds_its_sales_while_it_looks_after_the_customer(demo):
    suedwind = demo.partner("Südwind Cloud")
    membership = demo.user("global@suedwind.example").membership
    relationship = demo.relationship("Weingut Huber", "Südwind Cloud")
    sold = set(relationship.customer.subscriptions.sold_by(suedwind).values_list("pk", flat=True))

    def listed():
        coverage = Coverage(membership.partner)
        counts, _by_contact = coverage.survey()
        return sold & {
            row.pk for row in coverage.read("product", counts, ORDERS["product"], None, 1000)
        }

    assert listed() == sold != set()
    relationship.customer.subscriptions.update(status="suspended", suspended_at=timezone.now())
    relationship.end(by=demo.user("global@suedwind.example"))
    assert listed() == set()
    RelationshipFactory(partner=suedwind, customer=relationship.customer)
    assert listed() == sold


FILTERS = {
    "contact": lambda demo: (
        {"contact": str(demo.partner("Elbe Support").pk)},
        lambda one: str(one.support_contact) == "Elbe Support",
    ),
    "nobody": lambda demo: (
        {"has_no_contact": True},
        lambda one: one.support_contact is None,
    ),
    "offer": lambda demo: (
        {"offer": str(demo.offer("Azure plan").pk)},
        lambda one: one.offer.name == "Azure plan",
    ),
    "status": lambda demo: ({"status": "suspended"}, lambda one: not one.is_active),
    "still": lambda demo: (
        {"is_still_with_seller": True},
        lambda one: one.seller is not None and one.support_contact == one.seller,
    ),
    "still with someone": lambda demo: (
        {"is_still_with_seller": True, "contact": str(demo.partner("Elbe Support").pk)},
        lambda one: False,
    ),
    "recent": lambda demo: (
        {"since": timezone.now() - timedelta(days=30)},
        lambda one: one.contact_changed_at >= timezone.now() - timedelta(days=30),
    ),
    "customer": lambda demo: (
        {"customer": "ODD true"},
        lambda one: one.customer.name == "Odd True",
    ),
    "still, of a customer": lambda demo: (
        {"is_still_with_seller": True, "customer": "odd"},
        lambda one: (
            "Odd" in one.customer.name
            and one.seller is not None
            and one.support_contact == one.seller
        ),
    ),
    "all": lambda demo: (
        {
            "customer": "odd",
            "contact": str(demo.partner("Elbe Support").pk),
            "status": "active",
            "since": timezone.now() - timedelta(days=30),
        },
        lambda one: (
            "Odd" in one.customer.name
            and str(one.support_contact) == "Elbe Support"
            and one.is_active
        ),
    ),
}


@pytest.mark.parametrize("few", [1000, 1, 0])
@pytest.mark.parametrize("sort", ["product", "customer", "since"])
@pytest.mark.parametrize("name", FILTERS)
def test_every_filter_finds_the_same_however_it_is_read(demo, odd, monkeypatch, name, sort, few):
    """Few rows are found and sorted, many walked in order: what is found is the same."""
    monkeypatch.setattr(Coverage, "MOST_SORTED", few)
    monkeypatch.setattr(Coverage, "FEW_CUSTOMERS", few)
    Subscription.objects.filter(friendly_name="Azure plan").update(
        contact_changed_at=timezone.now() - timedelta(days=31)
    )
    filters, fits = FILTERS[name](demo)
    for email in (GLOBAL, "global@hafen.example", "global@elbe.example"):
        membership = demo.user(email).membership
        expected = {one.pk for one in Subscription.objects.visible_to(membership) if fits(one)}
        coverage = Coverage(membership.partner, **filters)
        counts, by_contact = coverage.survey(limit=None)
        assert sum(counts) == sum(by_contact.values()) == len(expected)
        assert keys(coverage.querysets()) == expected
        for limit in (None, few + 1):
            counts, _by_contact = coverage.survey(limit)
            read = [row.pk for row in coverage.read(sort, counts, ORDERS[sort], None, 1000)]
            assert len(read) == len(expected)
            assert set(read) == expected
            assert sum(counts) == len(expected) or sum(counts) > few


@pytest.mark.parametrize("sort", ["product", "customer", "since"])
@pytest.mark.parametrize("is_descending", [False, True])
def test_with_few_and_many_customers_of_a_name_each_page_is_that_of_the_list(
    demo, odd, monkeypatch, sort, is_descending
):
    """Whichever way is taken: by their keys, the first of them, or walking."""
    order = ORDERS[sort]._replace(is_descending=is_descending)
    membership = demo.user(GLOBAL).membership

    def pages(few):
        monkeypatch.setattr(Coverage, "MOST_SORTED", few)
        monkeypatch.setattr(Coverage, "FEW_CUSTOMERS", few)
        coverage = Coverage(membership.partner, customer="e")
        counts, _by_contact = coverage.survey(few + 1)
        read, position = [], None
        while rows := coverage.read(sort, counts, order, position, 1):
            read += [row.pk for row in rows]
            position = order.position(rows[-1])
        return read

    expected = pages(1000)
    assert len(expected) > 3
    for few in (0, 1, 2, 3):
        assert pages(few) == expected


@pytest.mark.parametrize("is_descending", [False, True])
def test_rows_of_one_product_stand_by_customer(demo, monkeypatch, is_descending):
    """From page to page, found or walked, and whichever filter is set."""
    nordlicht, offer = demo.partner("Nordlicht Distribution"), demo.offer("Azure plan")
    for number, name in enumerate(["Zander", "Aal", "Öl", "Möller", "Mohn", "barsch"]):
        customer = CustomerFactory(name=name)
        RelationshipFactory(partner=nordlicht, customer=customer, has_dap=True)
        for product in ("Backup", "Archive"):
            SubscriptionFactory(
                customer=customer,
                seller=None if number % 2 else nordlicht,
                offer=offer,
                friendly_name=product,
            )
    order = ORDERS["product"]._replace(is_descending=is_descending)
    membership = demo.user(GLOBAL).membership
    for few in (0, 1000):
        monkeypatch.setattr(Coverage, "MOST_SORTED", few)
        for filters in ({"offer": offer.pk}, {"status": "active"}, {"customer": "a"}):
            coverage = Coverage(membership.partner, **filters)
            counts, _by_contact = coverage.survey(few + 1)
            read, position = [], None
            while rows := coverage.read("product", counts, order, position, 2):
                read += [(fold(row.friendly_name), fold(row.customer__name)) for row in rows]
                position = order.position(rows[-1])
            assert len(read) >= 6
            assert read == sorted(read, reverse=is_descending)


class TestPage:
    def read(self, query="", email=HELPDESK, **headers):
        answer = signed_in(email, **headers).get(f"/subscriptions/{query}")
        assert answer.status_code == 200
        return Page(answer)

    def names(self, query="", email=HELPDESK):
        return [row["Subscription"] for row in self.read(query, email).table]

    def test_it_shows_who_answers_for_what_at_all_customers(self, demo):
        page = self.read()
        assert page.heading == "Subscriptions"
        assert page.all_text("caption") == ["6 subscriptions"]
        row = next(one for one in page.table if "Visio" in one["Subscription"])
        assert row["Customer"] == "Reederei Albers"
        assert row["Subscription"] == "Visio Plan 2 Bought elsewhere"
        assert (row["Support contact"], row["Since"]) == ("No partner designated", "–")
        basic = next(one for one in page.table if "Basic" in one["Subscription"])
        assert basic["Reseller of record"] == "Elbe Support (5200200)"
        assert basic["Status"] == "Active"
        assert basic["Since"] != "–"

    def test_S3_a_reseller_sees_its_own(self, demo):
        assert self.names(email="global@hafen.example") == ["Visio Plan 2 Bought elsewhere"]
        assert self.names(email="global@elbe.example") == ["Microsoft 365 Business Basic"]

    def test_it_is_in_the_menu_between_customers_and_requests(self, demo):
        assert self.read().menu[:3] == ["Customers", "Subscriptions", "Relationship requests"]

    def test_sorted_by_customer_and_by_change(self, demo):
        customers = [row["Customer"] for row in self.read("?sort=customer").table]
        assert customers == sorted(customers)
        assert customers[0] == "Backhaus Petersen"
        demo.subscription("Reederei Albers", "Azure plan").designate(
            demo.partner("Hafen IT"), by=demo.user(HELPDESK)
        )
        assert self.names("?sort=since")[0] == "Azure plan"
        assert self.names("?sort=-since")[-1] == "Azure plan"

    def test_a_search_keeps_the_order_and_how_many_are_on_a_page(self, demo):
        page = self.read("?sort=-customer&size=100&status=active")
        kept = page.find("form[@role='search']/input[@type='hidden']")
        assert [(one.get("name"), one.get("value")) for one in kept] == [
            ("sort", "-customer"),
            ("size", "100"),
        ]
        for query in ("?sort=customers&size=1000", "?size=", "?sort=-&size=-100", "?size=1%00"):
            page = self.read(query)
            assert page.find("form[@role='search']/input[@type='hidden']") == []

    def test_renaming_a_customer_moves_its_rows(self, demo):
        petersen = demo.customer("Backhaus Petersen")
        petersen.name = "Zuckerbäcker"
        petersen.save()
        assert [row["Customer"] for row in self.read("?sort=customer").table][-1] == "Zuckerbäcker"
        stale = Subscription.objects.filter(customer=petersen).first()
        stale.customer_key = "a"
        stale.save()
        stale.refresh_from_db()
        assert stale.customer_key == "zuckerbacker"

    def test_the_filters(self, demo):
        azure = demo.subscription("Reederei Albers", "Azure plan")
        azure.designate(demo.partner("Hafen IT"), by=demo.user(HELPDESK))
        hafen, offer = demo.partner("Hafen IT"), demo.offer("Azure plan")
        assert self.names(f"?contact={hafen.pk}") == ["Azure plan"]
        assert self.names(f"?offer={offer.pk}") == ["Azure plan"]
        assert self.names("?status=suspended") == ["Microsoft 365 E3"]
        assert self.names("?contact=none") == ["Visio Plan 2 Bought elsewhere"]
        assert "Azure plan" not in self.names("?still=on")
        assert self.names("?recent=on&q=albers&still=") != []
        assert self.names("?q=PETERSÉN") == [
            "Exchange Online (Plan 1)",
            "Microsoft 365 Business Basic",
        ]
        assert self.names("?q=petersen.example") == []

    def test_what_is_no_choice_is_said_at_the_field(self, demo):
        page = self.read("?contact=nonsense")
        assert page.field_errors
        assert page.find("table") == []
        assert self.read("?q=nobody").find("table") == []

    def test_T1_partners_of_others_are_not_offered(self, demo):
        assert [text for text in self.read().options if "Hafen" in text or "Pacific" in text] == [
            "Hafen IT"
        ]

    def test_the_counts_by_contact(self, demo):
        demo.subscription("Reederei Albers", "Azure plan").designate(
            demo.partner("Hafen IT"), by=demo.user(HELPDESK)
        )
        page = self.read()
        counted = page.all_text("section[@class='counts']/ul/li")
        assert counted == ["Nordlicht Distribution 4", "Hafen IT 1", "No partner designated 1"]
        links = [link.get("href") for link in page.find("section[@class='counts']/ul/li/a")]
        assert self.names(links[1]) == ["Azure plan"]
        assert self.names(links[2]) == ["Visio Plan 2 Bought elsewhere"]

    @pytest.mark.parametrize(
        "email", [GLOBAL, "global@hafen.example", "global@elbe.example", "global@moewe.example"]
    )
    def test_each_count_leads_to_what_was_counted(self, demo, odd, email):
        """Also of a contact that the partner does not work with, as the provider of a reseller."""
        visio = demo.subscription("Reederei Albers", "Visio Plan 2")
        visio.designate(demo.partner("Möwe Systems"), by=demo.user("global@moewe.example"))
        page = self.read("?size=100", email)
        links = page.find("section[@class='counts']/ul/li/a")
        assert len(links) > 1
        for link in links:
            count = int(link.tail)
            found = self.read(f"{link.get('href')}", email)
            assert len(found.table) == count
            assert "".join(link.itertext()) in found.options

    def test_T1_a_contact_of_what_is_not_visible_does_not_exist(self, demo):
        """Südwind answers for what Nordlicht does not see; neither its name nor its key is repeated."""
        suedwind = demo.partner("Südwind Cloud")
        page = self.read(f"?contact={suedwind.pk}")
        assert page.field_errors == ["This partner answers for none of these."]
        assert "Südwind" not in page.text
        assert "Show all" in page.all_text("a")

    def test_of_many_contacts_the_greatest_are_shown_and_the_rest_on_request(self, demo):
        nordlicht, albers = demo.partner("Nordlicht Distribution"), demo.customer("Reederei Albers")
        for number in range(10):
            reseller = PartnerFactory(name=f"Systemhaus {number}", reseller=True)
            PartnershipFactory(provider=nordlicht, reseller=reseller)
            RelationshipFactory(partner=reseller, customer=albers)
            sold = SubscriptionFactory(customer=albers, seller=nordlicht)
            sold.designate(reseller, by=demo.user(HELPDESK))
        page = self.read()
        shown = page.all_text("section[@class='counts']/ul/li")
        assert shown[:2] == ["Nordlicht Distribution 5", "No partner designated 1"]
        assert len(shown) == 8
        assert page.all_text("section[@class='counts']/details/summary") == ["4 more"]
        rest = page.all_text("section[@class='counts']/details/ul/li")
        assert rest == [f"Systemhaus {number} 1" for number in range(6, 10)]

    def test_many_are_counted_exactly_on_request_only(self, demo, monkeypatch):
        monkeypatch.setattr("portal.views.lists.COUNTED", 3)
        monkeypatch.setattr(Coverage.survey, "__defaults__", (4,))
        page = self.read()
        assert page.all_text("caption") == ["More than 3 subscriptions"]
        assert page.find("section[@class='counts']/ul") == []
        assert page.all_text("section[@class='counts']//a") == ["Count all of them"]
        page = self.read("?count=all")
        assert page.all_text("caption") == ["6 subscriptions"]
        assert page.all_text("section[@class='counts']/ul/li")[0] == "Nordlicht Distribution 5"

    @pytest.mark.parametrize("sort", ["product", "-customer", "since"])
    def test_pages_follow_each_other_in_every_order(self, demo, sort):
        """Many with the same time, as after a bulk assignment."""
        nordlicht = demo.partner("Nordlicht Distribution")
        customer = demo.customer("Reederei Albers")
        for number in range(60):
            SubscriptionFactory(
                customer=customer,
                seller=None if number % 3 else nordlicht,
                friendly_name=f"Many {number // 4}",
            )
        at = timezone.now().replace(microsecond=123456)
        Subscription.objects.filter(friendly_name__startswith="Many").update(contact_changed_at=at)
        browser, seen = signed_in(HELPDESK), []
        address = f"?sort={sort}"
        while address:
            page = Page(browser.get(f"/subscriptions/{address}"))
            seen += [link.get("href") for link in page.find("tbody/tr/th/a")]
            following = page.find("a[@rel='next']")
            address = following[0].get("href") if following else ""
        assert len(seen) == len(set(seen)) == 66
        assert len(Page(browser.get("/subscriptions/?size=100")).table) == 66

    def test_it_costs_the_same_queries_with_one_row_and_with_twenty(self, demo):
        browser = signed_in(HELPDESK)

        def queries(address):
            with CaptureQueriesContext(connection) as captured:
                assert browser.get(address).status_code == 200
            return len(captured)

        floor = queries("/settings/profile/")
        few = queries("/subscriptions/")
        nordlicht = demo.partner("Nordlicht Distribution")
        for number in range(20):
            customer = CustomerFactory()
            RelationshipFactory(partner=nordlicht, customer=customer)
            SubscriptionFactory(customer=customer, seller=nordlicht if number % 2 else None)
        assert queries("/subscriptions/") == few <= floor + 4
        assert queries("/subscriptions/?sort=-since&recent=on") == few

    def test_without_the_role_there_is_nothing_to_choose(self, demo):
        page = self.read(email="sales@nordlicht.example")
        assert page.find("input[@type='checkbox'][@name='chosen']") == []
        assert page.find("form[@id='bulk']") == []
        assert "Choose" not in page.all_text("thead/tr/th")

    def test_a_partner_without_customers_reads_why_it_is_empty(self, demo):
        assert (
            "There is no subscription that you may see."
            in self.read(email="global@pacific.example").text
        )

    def test_german(self, demo):
        page = self.read(**{"accept-language": "de"})
        assert page.heading == "Abonnements"
        assert "Abonnements" in page.menu
        assert page.all_text("caption") == ["6 Abonnements"]


class TestExport:
    def rows(self, query="", email=GLOBAL):
        answer = signed_in(email).get(f"/subscriptions/export/{query}")
        text = b"".join(answer.streaming_content).decode("utf-8-sig")
        return list(csv.DictReader(io.StringIO(text)))

    def test_it_has_all_that_match(self, demo):
        rows = self.rows()
        assert len(rows) == 6
        basic = next(row for row in rows if row["Subscription"] == "Microsoft 365 Business Basic")
        assert basic["Customer"] == "Backhaus Petersen"
        assert basic["MPN ID of the reseller of record"] == "5200200"
        assert basic["Support contact"] == "Nordlicht Distribution"
        assert basic["MPN ID of the contact"] == "4100100"
        visio = next(row for row in rows if row["Subscription"] == "Visio Plan 2")
        assert (visio["Seller"], visio["Support contact"], visio["Contact since"]) == ("", "", "")
        assert [row["Subscription"] for row in self.rows("?status=suspended")] == [
            "Microsoft 365 E3"
        ]
        assert self.rows("?contact=nonsense") == []

    def test_no_cell_is_a_formula(self, demo):
        """Each text that people can give is made safe, whichever column it stands in."""
        evil = {"Customer": "+1", "Reseller of record": "@1", "Offer": "-1", "Subscription": "=1+1"}
        reseller = PartnerFactory(reseller=True, name=evil["Reseller of record"])
        customer = CustomerFactory(name=evil["Customer"])
        nordlicht = demo.partner("Nordlicht Distribution")
        PartnershipFactory(provider=nordlicht, reseller=reseller)
        for partner in (nordlicht, reseller):
            RelationshipFactory(partner=partner, customer=customer)
        made = SubscriptionFactory(
            customer=customer,
            seller=nordlicht,
            reseller_of_record=reseller,
            offer__name=evil["Offer"],
            friendly_name=evil["Subscription"],
        )
        made.designate(reseller, by=demo.user(GLOBAL))
        [row] = [row for row in self.rows() if row["Customer"] == "'+1"]
        expected = {**evil, "Support contact": evil["Reseller of record"]}
        assert {name: row[name] for name in expected} == {
            name: f"'{text}" for name, text in expected.items()
        }

    def test_partners_and_offers_that_are_no_choice_any_more_have_their_names(self, demo):
        """The reseller that was deactivated since, and one that the provider no longer works with."""
        albers, nordlicht = demo.customer("Reederei Albers"), demo.partner("Nordlicht Distribution")
        gone = PartnerFactory(reseller=True, name="Gone", deactivated_at=timezone.now())
        SubscriptionFactory(customer=albers, seller=nordlicht, reseller_of_record=gone)
        assert "Gone" in {row["Reseller of record"] for row in self.rows()}
        assert "Gone" in Page(signed_in(GLOBAL).get("/subscriptions/")).text

    def test_the_number_of_queries_does_not_grow(self, demo, monkeypatch):
        monkeypatch.setattr("subscriptions.views.coverage.EXPORT_CHUNK", 2)
        with CaptureQueriesContext(connection) as few:
            self.rows()
        for _number in range(10):
            SubscriptionFactory(
                customer=demo.customer("Reederei Albers"),
                seller=demo.partner("Nordlicht Distribution"),
            )
        with CaptureQueriesContext(connection) as many:
            assert len(self.rows()) == 16
        assert len(many) == len(few)
