"""The list of customers, as its readers see it."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories import CustomerFactory, RelationshipFactory
from tests.pages import Page, signed_in

HELPDESK = "helpdesk@nordlicht.example"
SOMETHING_ELSE = "Check the spelling, or search for a part of the name or domain."


def customers(email, query=""):
    page = Page(signed_in(email).get(f"/customers/{query}"))
    assert page.heading == "Customers"
    return page


def names(page):
    return [row["Name"] for row in page.table]


@pytest.mark.parametrize(
    ("email", "expected"),
    [
        (HELPDESK, ["Backhaus Petersen", "Reederei Albers"]),
        ("sales@nordlicht.example", ["Backhaus Petersen", "Reederei Albers"]),
        ("global@suedwind.example", ["Reederei Albers", "Weingut Huber"]),
        ("global@brandt.example", ["Praxis Dr. Yılmaz"]),
        ("global@hafen.example", ["Reederei Albers"]),
        ("global@elbe.example", ["Backhaus Petersen", "Reederei Albers"]),
        ("global@moewe.example", ["Reederei Albers", "Weingut Huber"]),
    ],
)
def test_T1_each_partner_sees_its_own_customers(demo, email, expected):
    assert names(customers(email)) == expected


@pytest.mark.parametrize("email", ["global@kranich.example", "global@pacific.example"])
def test_a_partner_without_customers_reads_how_one_gets_here(demo, email):
    page = customers(email)
    assert page.table == []
    assert "You have no customers yet." in page.text
    assert "A customer appears here once it has a relationship with your company." in page.text


def test_the_list_says_domain_country_and_dap(demo):
    page = customers("global@elbe.example")
    assert page.table == [
        {
            "Name": "Backhaus Petersen",
            "Primary domain": "petersen.example",
            "Country": "Germany",
            "Delegated admin privileges": "Yes",
        },
        {
            "Name": "Reederei Albers",
            "Primary domain": "albers.example",
            "Country": "Germany",
            "Delegated admin privileges": "No",
        },
    ]
    assert page.all_text("caption") == ["2 customers"]


def test_a_customer_opens_its_subscriptions(demo):
    page = customers(HELPDESK, "?q=albers")
    [link] = page.find("tbody//a")
    albers = demo.customer("Reederei Albers")
    assert link.get("href") == f"/customers/{albers.pk}/"
    assert Page(signed_in(HELPDESK).get(link.get("href"))).heading == "Reederei Albers"


def test_a_relationship_that_ended_takes_the_customer_from_the_list(demo):
    demo.relationship("Reederei Albers", "Hafen IT").end(by=None)
    assert customers("global@hafen.example").table == []
    # Ended once and started anew, it is there once.
    hafen, albers = demo.partner("Hafen IT"), demo.customer("Reederei Albers")
    RelationshipFactory(partner=hafen, customer=albers, has_dap=False)
    [row] = customers("global@hafen.example").table
    assert row["Delegated admin privileges"] == "No"


# Search


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("Reederei Albers", ["Reederei Albers"]),
        ("REEDEREI", ["Reederei Albers"]),
        ("eder", ["Reederei Albers"]),
        ("albers reederei", ["Reederei Albers"]),
        ("  albers  ", ["Reederei Albers"]),
        ("e", ["Backhaus Petersen", "Reederei Albers"]),
        ("petersen.example", ["Backhaus Petersen"]),
        ("SEN.EXAM", ["Backhaus Petersen"]),
        ("albers petersen", []),
        ("%", []),
        ("_", []),
        ("\\", []),
        ("'", []),
        ('"', []),
        ("Weingut", []),
        ("", ["Backhaus Petersen", "Reederei Albers"]),
        ("   ", ["Backhaus Petersen", "Reederei Albers"]),
    ],
)
def test_the_search_looks_in_names_and_domains_of_ones_own(demo, search, found):
    page = Page(signed_in(HELPDESK).get("/customers/", {"q": search}))
    assert names(page) == found


@pytest.mark.parametrize("search", ["yilmaz", "Yılmaz", "YILMAZ", "yılmaz", "Dr. Y", "PRAXİS"])
def test_accents_and_the_turkish_i_do_not_matter(demo, search):
    page = Page(signed_in("global@brandt.example").get("/customers/", {"q": search}))
    assert names(page) == ["Praxis Dr. Yılmaz"]


@pytest.mark.parametrize(
    "search",
    ["Müller & Söhne", "MULLER", "muller sohne", "u\u0308ller", "straße", "STRASSE", "łódź"],
)
def test_umlauts_and_sharp_s_do_not_matter(demo, search):
    customer = CustomerFactory(name="Müller & Söhne Straße Łódź")
    RelationshipFactory(partner=demo.partner("Nordlicht Distribution"), customer=customer)
    page = Page(signed_in(HELPDESK).get("/customers/", {"q": search}))
    assert names(page) == ["Müller & Söhne Straße Łódź"]


def test_a_search_without_a_result_says_what_was_looked_for(demo):
    page = Page(signed_in(HELPDESK).get("/customers/", {"q": "<b>Möwe</b> & Co"}))
    assert page.table == []
    assert "No customer found for “<b>Möwe</b> & Co”." in page.text
    assert SOMETHING_ELSE in page.text
    assert [link.text for link in page.find("form/a")] == ["Show all"]
    assert page.find("input[@name='q']")[0].get("value") == "<b>Möwe</b> & Co"


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("q=%00", "Null characters are not allowed."),
        ("q=al%00bers", "Null characters are not allowed."),
        ("q=" + "x" * 300, "Ensure this value has at most 200 characters (it has 300)."),
    ],
)
def test_a_search_that_cannot_be_looks_for_nothing_and_says_why(demo, query, sentence):
    answer = signed_in(HELPDESK).get(f"/customers/?{query}")
    assert answer.status_code == 200
    assert b"\x00" not in answer.content
    page = Page(answer)
    assert page.field_errors == [sentence]
    assert page.table == []
    assert "No customer found for" not in page.text  # it was not looked for


@pytest.mark.parametrize(
    "query",
    [
        "q=%ED%A0%80",  # a lone surrogate
        "q=%FF",
        "q=%F0%9F%A6%8B",
        "q=%E2%80%AE",
        "q=" + "%20".join(["a"] * 100),
        "q=albers&q=%ED%B0%80",
        "%00=%00",
        "q[]=x&page=%00",
        "&".join(f"a{number}=1" for number in range(1200)),
    ],
)
def test_no_search_is_an_error_of_the_server(demo, query):
    answer = signed_in(HELPDESK).get(f"/customers/?{query}")
    assert answer.status_code in (200, 400)
    Page(answer)


# Pages


@pytest.fixture
def sixty(demo):
    nordlicht = demo.partner("Nordlicht Distribution")
    for number in range(60):
        customer = CustomerFactory(name=f"Werft {number:02}")
        RelationshipFactory(partner=nordlicht, customer=customer, has_dap=False)


def test_a_long_list_comes_in_pages(sixty):
    first, second, third = (
        customers(HELPDESK, query) for query in ("?q=werft", "?q=werft&page=2", "?q=werft&page=3")
    )
    assert [len(page.table) for page in (first, second, third)] == [25, 25, 10]
    assert names(first) + names(second) + names(third) == [f"Werft {n:02}" for n in range(60)]
    assert first.all_text("caption") == second.all_text("caption") == ["60 customers"]
    pages = second.find("ul[@class='pagination']//a")
    assert [(link.text, link.get("href")) for link in pages] == [
        ("Previous", "?q=werft&page=1"),
        ("Next", "?q=werft&page=3"),
    ]
    assert "Page 2 of 3" in second.text


@pytest.mark.parametrize(
    ("page", "rows"),
    [
        ("4", 10),
        ("99999999999999999999", 10),
        ("last", 25),
        ("x", 25),
        ("", 25),
        ("%00", 25),
        ("1.5", 25),
        ("1" * 5000, 10),
    ],
)
def test_a_page_that_does_not_exist_leads_to_the_nearest(sixty, page, rows):
    answer = signed_in(HELPDESK).get(f"/customers/?q=werft&page={page}")
    assert answer.status_code == 200
    assert len(Page(answer).table) == rows


def test_a_page_past_the_end_of_nothing_is_empty(demo):
    assert "No customer found" in customers(HELPDESK, "?q=nothing&page=7").text


# Cost


def test_the_list_costs_the_same_with_1_row_and_with_20(demo):
    browser = signed_in("global@brandt.example")
    costs = []
    for more in (0, 19):
        for _ in range(more):
            RelationshipFactory(partner=demo.partner("Brandt Direkt"))
        with CaptureQueriesContext(connection) as queries:
            page = Page(browser.get("/customers/"))
        costs.append(len(queries))
        assert len(page.table) == 1 + more
    assert costs == [6, 6]
