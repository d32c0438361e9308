"""What the customer's admin sees: whom to call for each product, on the screen, on paper, as a contact."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from time_machine import travel

from portal.models import Action, Actor
from subscriptions.models import SupportContactAssignment
from tests.factories import (
    CustomerFactory,
    MembershipFactory,
    PartnerFactory,
    RelationshipFactory,
    SubscriptionFactory,
)
from tests.pages import Page, signed_in, words

HELPDESK = "helpdesk@nordlicht.example"
ALBERS = "admin@albers.example"
PETERSEN = "admin@petersen.example"
HUBER = "admin@huber.example"
YILMAZ = "admin@yilmaz.example"
OFFICE = "Office 365 Business Standard"
NOBODY = "No partner designated"
LONG = "W" * 200
HEBREW = "שירות ותמיכה"


def opened(email=ALBERS, query="", **headers):
    answer = signed_in(email, **headers).get(f"/support/{query}")
    assert answer.status_code == 200
    return Page(answer)


def groups(page):
    """The products by the heading they stand under; each a dictionary by its column's heading."""
    found = {}
    for section in page.find("section"):
        if "support-group" not in section.get("class"):
            continue
        labels = [words(cell) for cell in section.findall(".//thead/tr/th")]
        found[words(section.find("h2"))] = [
            dict(zip(labels, map(words, row), strict=True))
            for row in section.findall(".//tbody/tr")
        ]
    return found


def names(page):
    return {
        heading: [row["Product"] for row in products] for heading, products in groups(page).items()
    }


@pytest.mark.parametrize(
    ("email", "seen"),
    [
        (
            ALBERS,
            {
                "Nordlicht Distribution answers for 3 products": [
                    "Azure plan",
                    "Microsoft 365 E3",
                    OFFICE,
                ],
                "Südwind Cloud answers for 1 product": ["Dynamics 365 Sales"],
                NOBODY: ["Visio Plan 2"],
            },
        ),
        (
            PETERSEN,
            {
                "Nordlicht Distribution answers for 2 products": [
                    "Exchange Online (Plan 1)",
                    "Microsoft 365 Business Basic",
                ]
            },
        ),
        (YILMAZ, {"Brandt Direkt answers for 1 product": ["Microsoft 365 Business Premium"]}),
        (HUBER, {"Südwind Cloud answers for 2 products": [OFFICE, "Power BI Pro"]}),
    ],
)
def test_the_customer_sees_for_every_product_whom_to_call(demo, email, seen):
    page = opened(email)
    assert page.heading == "Support"
    assert names(page) == seen
    assert list(names(page)) == list(seen)


def test_the_customer_can_call_write_and_save_from_the_page(demo, office, hafen):
    with travel(datetime(2100, 12, 24, 9, 5, tzinfo=UTC), tick=False):
        office.designate(hafen, by=demo.user(HELPDESK))
    page = opened(query="?q=office")
    assert groups(page) == {
        "Hafen IT answers for 1 product": [
            {
                "Product": OFFICE,
                "Status": "Active",
                "Since": "24 December 2100",
                "History": f"History: {OFFICE}",
            }
        ]
    }
    assert page.all_text("div[@class='support-details']") == [
        "Hafen IT Phone: 040 5550400 Email: support@hafen.example "
        "Website: https://support.hafen.example/ Hours: Mon–Sun 00:00–24:00 "
        "Languages: German, English, Danish"
    ]
    assert [link.get("href") for link in page.find("div[@id='results']//section//a")] == [
        "tel:+49405550400",
        "mailto:support@hafen.example",
        "https://support.hafen.example/",
        f"/support/{hafen.pk}/vcard/",
        f"/support/{office.pk}/history/",
    ]


def test_the_details_of_a_contact_stand_once_however_many_products_it_has(demo):
    page = opened(PETERSEN)
    assert len(page.find("div[@class='support-details']")) == 1


def test_a_suspended_product_is_shown_as_such(demo):
    [rows] = groups(opened(query="?q=e3")).values()
    assert rows[0]["Status"] == "Suspended"


def test_C4_where_nobody_is_designated_the_customer_reads_what_to_do(demo):
    page = opened(query="?q=visio")
    assert names(page) == {NOBODY: ["Visio Plan 2"]}
    assert "Turn to where you bought them, or ask one of your partners" in page.text
    assert "/support/partners/" in [link.get("href") for link in page.find("section//a")]
    assert page.find("div[@class='support-details']") == []


def test_the_change_reaches_the_customer_at_once(demo, office, hafen):
    browser = signed_in(ALBERS)

    def answering():
        page = Page(browser.get("/support/?q=office"))
        [details] = page.all_text("div[@class='support-details']")
        return details

    assert answering().startswith("Nordlicht Distribution Phone: 040 5550100")
    office.designate(hafen, by=demo.user(HELPDESK))
    assert answering().startswith("Hafen IT Phone: 040 5550400")
    demo.relationship("Reederei Albers", "Hafen IT").remove_dap(by=demo.user(ALBERS))
    assert answering().startswith("Nordlicht Distribution Phone: 040 5550100")


def test_T1_the_customer_sees_no_product_of_another(demo):
    page = opened(PETERSEN)
    assert OFFICE not in page.source
    assert "Albers" not in page.source


def test_a_customer_without_products_reads_how_they_get_here(demo):
    user = MembershipFactory(customer=CustomerFactory(name="Neu")).user
    page = opened(user.email)
    assert groups(page) == {}
    assert "Your company has no products here yet." in page.text
    assert "Print view" not in page.text
    assert "There is no product to print." in opened(user.email, "?print=1").text


def test_there_is_a_search_where_there_are_many_products(demo):
    assert opened(PETERSEN).find("form[@role='search']") == []
    customer = demo.customer("Backhaus Petersen")
    for number in range(8):
        SubscriptionFactory(customer=customer, friendly_name=f"Nr. {number}")
    assert len(opened(PETERSEN).find("form[@role='search']")) == 1
    page = opened(PETERSEN, "?q=exchange")
    assert len(page.find("form[@role='search']")) == 1
    assert names(page) == {
        "Nordlicht Distribution answers for 1 product": ["Exchange Online (Plan 1)"]
    }


def test_a_list_leads_to_each_of_many_products(demo):
    """On a phone; a wide screen shows it not."""
    assert opened(PETERSEN).find("nav[@class='jump-list no-print']") == []
    customer = demo.customer("Backhaus Petersen")
    for number in range(89):
        SubscriptionFactory(customer=customer, friendly_name=f"Nr. {number}", seller=None)
    page = opened(PETERSEN)
    [nav] = page.find("nav[@class='jump-list no-print']")
    assert words(nav).startswith("Jump to a product (91) Nordlicht Distribution")
    links = {link.get("href"): words(link) for link in nav.findall(".//a")}
    assert len(links) == 91 + 2
    for href, label in links.items():
        [target] = page.find(f"*[@id='{href[1:]}']")
        assert label in words(target)
    assert page.find("nav[@class='jump-list no-print']/details[@open]") == []
    assert opened(PETERSEN, "?q=exchange").find("nav[@class='jump-list no-print']") == []


@pytest.mark.parametrize("query", ["?q=nothing", "?q=%00", "?q=" + "x" * 300, "?q=%ED%A0%80"])
def test_no_search_in_the_products_is_an_error_of_the_server(demo, query):
    page = opened(query=query)
    assert groups(page) == {}
    assert len(page.find("form[@role='search']")) == 1
    assert groups(opened(query=f"{query}&print=1")) == {}


def test_the_customer_cannot_write_with_get_or_post(demo, nothing_written):
    with nothing_written():
        assert signed_in(ALBERS).post("/support/").status_code == 405


def test_the_page_costs_the_same_with_1_product_and_with_25(demo):
    browser = signed_in(YILMAZ)

    def cost():
        browser.get("/support/")
        with CaptureQueriesContext(connection) as queries:
            page = Page(browser.get("/support/"))
        return len(queries), sum(map(len, groups(page).values()))

    assert cost() == (6, 1)
    for _ in range(24):
        seller = PartnerFactory(support_languages=["de"])
        SubscriptionFactory(customer=demo.customer("Praxis Dr. Yılmaz"), seller=seller)
    assert cost() == (6, 25)


def test_names_of_any_length_and_direction_stand_for_themselves(demo):
    customer = demo.customer("Backhaus Petersen")
    for name in (LONG, HEBREW):
        seller = PartnerFactory(name=name)
        SubscriptionFactory(customer=customer, seller=seller, friendly_name=name)
    page = opened(PETERSEN)
    for name in (LONG, HEBREW):
        assert names(page)[f"{name} answers for 1 product"] == [name]
        isolated = [words(element) for element in page.find("bdi")]
        assert isolated.count(name) >= 3  # heading, details, product


class TestPrintView:
    def test_it_has_the_contacts_and_nothing_around_them(self, demo):
        with travel("2100-12-24 09:05Z", tick=False):
            page = opened(query="?print=1")
        assert page.heading == "Support contacts of Reederei Albers"
        assert "As of 24 December 2100." in page.text
        assert {heading: list(rows[0]) for heading, rows in groups(page).items()} == {
            "Nordlicht Distribution answers for 3 products": ["Product", "Status", "Since"],
            "Südwind Cloud answers for 1 product": ["Product", "Status", "Since"],
            NOBODY: ["Product", "Status", "Since"],
        }
        assert page.menu == []
        assert page.tree.find(".//header") is None
        assert page.tree.find(".//footer") is None
        assert page.find("form") == []
        assert page.find("a[@download]") == []

    def test_it_prints_what_was_searched_for(self, demo):
        page = opened(query="?q=visio&print=1")
        assert names(page) == {NOBODY: ["Visio Plan 2"]}
        assert "Only products with “visio” in their name." in page.text
        back = [link.get("href") for link in page.find("a") if words(link) == "Back"]
        assert back == ["?q=visio"]

    def test_the_page_leads_there(self, demo):
        page = opened(query="?q=visio")
        links = {words(link): link.get("href") for link in page.find("a")}
        assert links["Print view"] == "?q=visio&print=1"

    def test_the_button_needs_a_script_and_is_hidden_without(self, demo):
        [button] = opened(query="?print=1").find("button")
        assert "hidden" in button.attrib


class TestHistory:
    def address(self, subscription):
        return f"/support/{subscription.pk}/history/"

    def test_C10_the_customer_reads_who_answered_when_and_why(self, demo, office, hafen):
        with travel("2100-12-24 09:05Z", tick=False):
            office.designate(hafen, by=demo.user(HELPDESK))
        page = Page(signed_in(ALBERS).get(self.address(office)))
        assert page.heading == "History of support contacts"
        assert page.all_text("caption") == [OFFICE]
        assert [
            [row["Support contact"], row["To"], row["Changed by"], row["Reason"]]
            for row in page.table
        ] == [
            ["Hafen IT", "now", "Nordlicht Distribution", "Support contact designated"],
            [
                "Nordlicht Distribution",
                "24 December 2100, 09:05 UTC",
                "the portal",
                "Subscription added",
            ],
        ]
        assert "Helpdesk" not in page.source

    def test_T1_not_that_of_another(self, demo, office):
        assert signed_in(PETERSEN).get(self.address(office)).status_code == 404

    def test_it_costs_the_same_with_1_row_and_with_20(self, demo):
        premium = demo.subscription("Praxis Dr. Yılmaz", "Microsoft 365 Business Premium")
        browser = signed_in(YILMAZ)

        def cost():
            with CaptureQueriesContext(connection) as queries:
                page = Page(browser.get(self.address(premium)))
            return len(queries), len(page.table)

        assert cost() == (5, 1)
        premium.support_contact_history.update(ended_at=premium.created_at)
        for number in range(19):
            someone = MembershipFactory()
            SupportContactAssignment.objects.create(
                subscription=premium,
                partner=someone.partner,
                changed_by=Actor.objects.of(someone.user),
                reason=Action.SUPPORT_CONTACT_DESIGNATED,
                ended_at=None if number == 18 else datetime(2100, 1, 1, tzinfo=UTC),
            )
        assert cost() == (5, 20)


class TestPartners:
    def test_R8_the_list_costs_the_same_with_1_partner_and_with_20(self, demo):
        browser = signed_in(YILMAZ)

        def cost():
            with CaptureQueriesContext(connection) as queries:
                page = Page(browser.get("/support/partners/"))
            return len(queries), len(page.table)

        assert cost() == (6, 1)
        for _ in range(19):
            RelationshipFactory(customer=demo.customer("Praxis Dr. Yılmaz"))
        assert cost() == (6, 20)

    def test_R8_it_says_for_how_many_products_each_answers(self, demo):
        page = Page(signed_in(ALBERS).get("/support/partners/"))
        assert {row["Partner"]: row["Answers for"] for row in page.table} == {
            "Elbe Support": "–",
            "Hafen IT": "–",
            "Möwe Systems": "–",
            "Nordlicht Distribution": "3 products",
            "Südwind Cloud": "1 product",
        }

    def test_it_shows_what_partners_read_of_the_company_and_who_corrects_it(self, demo):
        page = Page(signed_in(ALBERS).get("/support/partners/"))
        assert page.facts == {
            "Company": "Reederei Albers",
            "Primary domain": "albers.example (proved)",
            "Country": "Germany",
            "Address": "Am Sandtorkai 12 20457 Hamburg",
            "Contact person": "Jonas Albers admin@albers.example",
        }
        assert "ask one of them to correct it" in page.text

    def test_names_of_any_length_and_direction_stand_for_themselves(self, demo):
        for name in (LONG, HEBREW):
            RelationshipFactory(
                customer=demo.customer("Backhaus Petersen"), partner__name=name, has_dap=False
            )
        page = Page(signed_in(PETERSEN).get("/support/partners/"))
        assert {LONG, HEBREW} <= {row["Partner"] for row in page.table}


def test_the_activity_of_a_customer_is_its_own_and_names_no_customer(demo, office, hafen):
    office.designate(hafen, by=demo.user(HELPDESK))
    page = Page(signed_in(ALBERS).get("/activity/"))
    assert page.table[0]["Action"] == f"Support contact designated {OFFICE}"
    assert page.table[0]["Changed by"] == "Nordlicht Distribution"
    assert "Customer" not in page.table[0]
    assert page.all_text("label") == ["From", "To", "Action"]


def test_the_paths_are_the_promised_ones():
    assert reverse("support:list") == "/support/"
    assert reverse("support_partners:list") == "/support/partners/"
