"""The list of customers, as its readers see it."""

from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers.models import Customer
from lists.keyset import SortOrder, write_cursor
from portal.authority import PORTAL
from portal.text import words_of
from relationships.models import CustomersOfPartner, Relationship, customer_lists
from tests.factories import CustomerFactory, RelationshipFactory
from tests.pages import Page, read_csv, signed_in, words

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


def test_the_list_says_domain_country_dap_and_since_when(demo):
    elbe = demo.partner("Elbe Support")
    started = datetime(2026, 3, 1, 12, tzinfo=UTC)
    elbe.relationships.update(started_at=started)
    Customer.objects.filter(name="Backhaus Petersen").update(
        contact_name="Ina Petersen",
        contact_email="ina@petersen.example",
        contact_phone="+494611234567",
        city="Flensburg",
    )
    Customer.objects.filter(name="Reederei Albers").update(
        contact_name="", contact_email="", contact_phone="", city=""
    )
    page = customers("global@elbe.example")
    assert page.table == [
        {
            "Name": "Backhaus Petersen",
            "Primary domain": "petersen.example",
            "Country": "Germany",
            "Delegated admin privileges": "Yes",
            "Customer since": "1 March 2026",
            "Details": (
                "Details Contact person: Ina Petersen ina@petersen.example 0461 1234567 City: Flensburg"
                " Subscriptions Account"
            ),
        },
        {
            "Name": "Reederei Albers",
            "Primary domain": "albers.example",
            "Country": "Germany",
            "Delegated admin privileges": "No",
            "Customer since": "1 March 2026",
            "Details": "Details Subscriptions Account",
        },
    ]
    assert page.all_text("caption") == ["2 customers"]


def test_a_customer_opens_its_subscriptions_and_its_account(demo):
    page = customers(HELPDESK, "?q=albers")
    albers = demo.customer("Reederei Albers")
    headings = []
    for link in page.find("tbody//a"):
        if link.get("href").startswith("mailto:"):
            continue
        opened = Page(signed_in(HELPDESK).get(link.get("href")))
        headings.append((words(link), link.get("href"), opened.heading))
    assert headings == [
        ("Reederei Albers", f"/customers/{albers.pk}/", "Reederei Albers"),
        ("Subscriptions", f"/customers/{albers.pk}/", "Reederei Albers"),
        ("Account", f"/customers/{albers.pk}/account/", "Reederei Albers"),
    ]


def test_a_relationship_that_ended_takes_the_customer_from_the_list(demo):
    demo.relationship("Reederei Albers", "Hafen IT").end(by=PORTAL)
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


def link(page, label):
    [found] = [
        one.get("href") for one in page.find("ul[@class='pagination']//a") if one.text == label
    ]
    return found


def test_a_long_list_comes_in_pages_forth_and_back(sixty):
    first = customers(HELPDESK, "?q=werft")
    second = customers(HELPDESK, link(first, "Next"))
    third = customers(HELPDESK, link(second, "Next"))
    assert [len(page.table) for page in (first, second, third)] == [25, 25, 10]
    assert names(first) + names(second) + names(third) == [f"Werft {n:02}" for n in range(60)]
    assert first.all_text("caption") == second.all_text("caption") == ["60 customers"]
    assert first.all_text("ul[@class='pagination']//a") == ["Next"]
    assert second.all_text("ul[@class='pagination']//a") == ["Previous", "Next", "First page"]
    assert third.all_text("ul[@class='pagination']//a") == ["Previous", "First page"]
    back = customers(HELPDESK, link(third, "Previous"))
    assert names(back) == names(second)
    assert names(customers(HELPDESK, link(back, "Previous"))) == names(first)
    assert names(customers(HELPDESK, link(third, "First page"))) == names(first)


def test_rows_that_come_and_go_neither_repeat_nor_hide_others(sixty, demo):
    first = customers(HELPDESK, "?q=werft")
    nordlicht = demo.partner("Nordlicht Distribution")
    RelationshipFactory(partner=nordlicht, customer=CustomerFactory(name="Werft 00a"))
    demo.relationship("Werft 24", "Nordlicht Distribution").end(by=PORTAL)
    second = customers(HELPDESK, link(first, "Next"))
    assert names(second) == [f"Werft {number}" for number in range(25, 50)]
    previous = customers(HELPDESK, link(second, "Previous"))
    assert names(previous) == [
        "Werft 00",
        "Werft 00a",
        *(f"Werft {number:02}" for number in range(1, 24)),
    ]


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("2", range(25, 50)),
        ("3", range(50, 60)),
        # Past the end: the last rows there are.
        ("4", range(35, 60)),
        ("99999999999999999999", range(35, 60)),
        ("1" * 5000, range(35, 60)),
        ("0", range(25)),
        ("last", range(25)),
        ("x", range(25)),
        ("", range(25)),
        ("%00", range(25)),
        ("1.5", range(25)),
    ],
)
def test_an_old_link_by_page_number_leads_to_the_nearest_page(sixty, page, expected):
    found = customers(HELPDESK, f"?q=werft&page={page}")
    assert names(found) == [f"Werft {number:02}" for number in expected]


@pytest.mark.parametrize("way", ["after", "before"])
@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "%00",
        "%ED%A0%80",
        "A" * 3000,
        write_cursor(["werft", "no id"]),
        write_cursor(["w\x00", "x"]),
        write_cursor([1, 2]),
        write_cursor([10**40, 10**40]),
        write_cursor(["werft"]),
        write_cursor({"a": 1, "b": 2}),
        write_cursor([["werft"], None]),
        write_cursor([True, 1.5]),
    ],
)
def test_a_cursor_that_cannot_be_leads_to_the_first_page(sixty, way, cursor):
    for sort in ("name", "since"):
        answer = signed_in(HELPDESK).get(f"/customers/?q=werft&sort={sort}&{way}={cursor}")
        assert answer.status_code == 200
        assert len(Page(answer).table) == 25


def test_a_page_past_the_end_of_nothing_is_empty(demo):
    assert "No customer found" in customers(HELPDESK, "?q=nothing&page=7").text


def test_many_matches_are_counted_on_request(sixty, monkeypatch):
    monkeypatch.setattr("portal.views.lists.COUNTED", 50)
    page = customers(HELPDESK, "?q=werft")
    assert page.all_text("caption") == ["More than 50 customers"]
    [count] = [one.get("href") for one in page.find("a") if one.text == "Count all of them"]
    exact = customers(HELPDESK, count)
    assert exact.all_text("caption") == ["60 customers"]
    assert "Count all of them" not in exact.text


# Sorting


def test_each_sortable_heading_turns_the_order_around(demo):
    albers = demo.relationship("Reederei Albers", "Nordlicht Distribution")
    Relationship.objects.filter(pk=albers.pk).update(started_at=datetime(2020, 1, 1, tzinfo=UTC))
    demo.customer("Reederei Albers").save()
    by_name = ["Backhaus Petersen", "Reederei Albers"]
    page = customers(HELPDESK)
    assert names(page) == by_name
    for heading, rising in (
        ("Name", by_name),
        ("Primary domain", by_name[::-1]),
        ("Customer since", by_name[::-1]),
    ):
        for turn in (rising, rising[::-1]):
            [href] = [one.get("href") for one in page.find("thead//a") if one.text == heading]
            if (heading, turn) == ("Name", by_name):  # so it is already
                assert href == "?sort=-name"
                continue
            page = customers(HELPDESK, href)
            assert names(page) == turn
            [sorted_by] = [one for one in page.find("thead//th") if one.get("aria-sort")]
            assert words(sorted_by) == heading
            assert sorted_by.get("aria-sort") == ("ascending" if turn == rising else "descending")


@pytest.mark.parametrize("kept", ["-name", "domain"])
def test_a_search_keeps_the_chosen_order(demo, kept):
    page = customers(HELPDESK, f"?sort={kept}")
    sent = {
        one.get("name"): one.get("value", "") for one in page.find("form[@role='search']//input")
    }
    assert sent == {"q": "", "sort": kept}
    found = customers(HELPDESK, f"?{urlencode(sent | {'q': 'er'})}")
    assert names(found) == ["Reederei Albers", "Backhaus Petersen"]
    assert found.hidden("sort") == kept


@pytest.mark.parametrize("sort", ["", "--name", "nonsense", '"><script>', "name%00", "%ED%A0%80"])
def test_an_order_that_cannot_be_is_not_kept(demo, sort):
    page = customers(HELPDESK, f"?sort={sort}&size=100")
    assert page.find("form[@role='search']//input[@type='hidden']") == []


def test_umlauts_stand_with_their_letter_and_case_does_not_count(demo):
    brandt = demo.partner("Brandt Direkt")
    for name in ("Zoll", "Ärzte", "apotheke", "Axt", "Öl", "Ofen"):
        RelationshipFactory(partner=brandt, customer=CustomerFactory(name=name))
    page = customers("global@brandt.example")
    assert names(page) == ["apotheke", "Ärzte", "Axt", "Ofen", "Öl", "Praxis Dr. Yılmaz", "Zoll"]


def test_a_renamed_customer_stands_and_is_found_under_its_new_name(demo):
    albers = demo.customer("Reederei Albers")
    albers.name, albers.domain = "Ahlers Schiffe", "Ahlers.example"
    albers.save()
    assert names(customers(HELPDESK)) == ["Ahlers Schiffe", "Backhaus Petersen"]
    assert names(customers(HELPDESK, "?q=ahlers.example")) == ["Ahlers Schiffe"]
    assert names(customers(HELPDESK, "?q=albers")) == []


# Filters


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("reseller=Elbe Support", ["Backhaus Petersen", "Reederei Albers"]),
        ("reseller=Hafen IT", ["Reederei Albers"]),
        ("reseller=Kranich Consulting", []),
        ("dap=yes", ["Backhaus Petersen", "Reederei Albers"]),
        ("dap=no", []),
        ("dap=yes&q=albers&reseller=Elbe Support", ["Reederei Albers"]),
    ],
)
def test_the_list_can_be_filtered_by_reseller_and_dap(demo, query, expected):
    name = query.rpartition("reseller=")[2]
    if "reseller" in query:
        query = query.replace(name, str(demo.partner(name).pk))
    page = customers(HELPDESK, f"?{query}")
    assert names(page) == expected
    if not expected:
        assert "No customer matches." in page.text


def test_without_dap_are_those_that_took_it_back(demo):
    demo.relationship("Reederei Albers", "Nordlicht Distribution").remove_dap(by=PORTAL)
    assert names(customers(HELPDESK, "?dap=no")) == ["Reederei Albers"]
    assert names(customers(HELPDESK, "?dap=yes")) == ["Backhaus Petersen"]


def test_the_filters_say_whose_privileges_they_ask_for(demo):
    labels = customers(HELPDESK).all_text("label")
    assert "Delegated admin privileges of Nordlicht Distribution" in labels
    assert "Admin rights of the reseller" in labels
    labels = customers("global@hafen.example").all_text("label")
    assert "Delegated admin privileges of Hafen IT" in labels
    assert "Admin rights of the reseller" not in labels
    german = Page(signed_in(HELPDESK, **{"accept-language": "de"}).get("/customers/"))
    labels = german.all_text("label")
    assert "Delegierte Administratorrechte von Nordlicht Distribution" in labels


def asked_for(demo, reseller, has_dap, more=""):
    """The list of Nordlicht's customers where a reseller has DAP or has none: name and what is said."""
    page = customers(
        HELPDESK, f"?reseller={demo.partner(reseller).pk}&reseller_dap={has_dap}{more}"
    )
    label = f"Admin rights of {reseller}"
    return [(row["Name"], row.get(label)) for row in page.table]


PETERSEN, ALBERS = "Backhaus Petersen", "Reederei Albers"
WITHOUT, NOTHING = "None: a relationship without them", "None: no relationship"


@pytest.mark.parametrize(
    ("reseller", "has_dap", "more", "expected"),
    [
        ("Hafen IT", "yes", "", [(ALBERS, None)]),
        ("Elbe Support", "yes", "", [(PETERSEN, None)]),
        ("Elbe Support", "yes", "&sort=-since", [(PETERSEN, None)]),
        ("Kranich Consulting", "yes", "", []),
        ("Hafen IT", "no", "", [(PETERSEN, NOTHING)]),
        ("Elbe Support", "no", "", [(ALBERS, WITHOUT)]),
        ("Kranich Consulting", "no", "", [(PETERSEN, NOTHING), (ALBERS, NOTHING)]),
        ("Kranich Consulting", "no", "&sort=-name", [(ALBERS, NOTHING), (PETERSEN, NOTHING)]),
        ("Kranich Consulting", "no", "&q=albers", [(ALBERS, NOTHING)]),
        ("Kranich Consulting", "no", "&dap=no", []),
        ("Elbe Support", "", "", [(PETERSEN, None), (ALBERS, None)]),
    ],
)
def test_customers_where_a_reseller_has_privileges_or_none(demo, reseller, has_dap, more, expected):
    assert asked_for(demo, reseller, has_dap, more) == expected


def test_it_says_since_when_a_reseller_has_none(demo):
    """Removed, ended, both, come back, and come back without."""
    elbe = demo.relationship(PETERSEN, "Elbe Support")
    began = datetime(2026, 1, 1, 12, tzinfo=UTC)
    Relationship.objects.filter(pk=elbe.pk).update(started_at=began)
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False):
        demo.relationship(PETERSEN, "Elbe Support").remove_dap(by=PORTAL)
    removed = (PETERSEN, "None since 1 March 2026: removed")
    assert removed in asked_for(demo, "Elbe Support", "no")
    with time_machine.travel("2026-04-01T12:00:00Z", tick=False):
        demo.relationship(PETERSEN, "Elbe Support").end(by=PORTAL)
    assert removed in asked_for(demo, "Elbe Support", "no")
    petersen, partner = demo.customer(PETERSEN), demo.partner("Elbe Support")
    with time_machine.travel("2026-05-01T12:00:00Z", tick=False):
        again = RelationshipFactory(partner=partner, customer=petersen)
    assert asked_for(demo, "Elbe Support", "no") == [(ALBERS, WITHOUT)]
    with time_machine.travel("2026-06-01T12:00:00Z", tick=False):
        again.end(by=PORTAL)
    ended = "None since 1 June 2026: the relationship ended"
    assert (PETERSEN, ended) in asked_for(demo, "Elbe Support", "no")
    query = f"?reseller={partner.pk}&reseller_dap=no&q=petersen"
    [row] = read_csv(signed_in("agent@nordlicht.example").get(f"/customers/export/{query}"))
    assert row["Admin rights of Elbe Support"] == ("None since 2026-06-01: the relationship ended")
    with time_machine.travel("2026-07-01T12:00:00Z", tick=False):
        RelationshipFactory(partner=partner, customer=petersen, has_dap=False)
    assert (PETERSEN, WITHOUT) in asked_for(demo, "Elbe Support", "no")


def test_whose_none_is_meant_must_be_said(demo):
    page = customers(HELPDESK, "?reseller_dap=no")
    assert page.table == []
    assert page.field_errors == ["Choose the reseller whose rights you ask for."]
    assert customers(HELPDESK, "?reseller_dap=x").table == []
    # Who has no resellers is asked nothing about theirs.
    assert names(customers("global@hafen.example", "?reseller_dap=no")) == [ALBERS]


@pytest.mark.parametrize("reseller_has_dap", [True, False])
@pytest.mark.parametrize("sort", ["listed_key", "listed_domain", "listed_since"])
def test_many_are_found_counted_and_walked_alike(demo, monkeypatch, reseller_has_dap, sort):
    """Whatever way the rows are read, they are those where the reseller has DAP, or has none."""
    monkeypatch.setattr(customer_lists, "MOST_SORTED", 3)
    nordlicht, hafen = demo.partner("Nordlicht Distribution"), demo.partner("Hafen IT")
    expected = []
    for number in range(14):
        customer = CustomerFactory(name=f"Firm {number % 7} {number}")
        RelationshipFactory(partner=nordlicht, customer=customer)
        has_dap = (None, True, False)[number % 3]
        if has_dap is not None:
            RelationshipFactory(partner=hafen, customer=customer, has_dap=has_dap)
        if bool(has_dap) == reseller_has_dap:
            expected.append(customer.pk)
    words = words_of("firm")
    asked = CustomersOfPartner(
        partner=nordlicht.pk, reseller=hafen.pk, reseller_has_dap=reseller_has_dap, words=words
    )
    order = SortOrder(sort, "listed_id")
    found = asked.read((sort, "listed_id"), order, None, 30)
    assert [row[0] for row in found] == sorted(row[0] for row in found)
    assert {row[1] for row in found} == set(expected)
    assert asked.count(order, None, 30) == len(expected)
    first = found[4]
    rest = asked.read((sort, "listed_id"), order, tuple(first), 30)
    assert list(rest) == list(found[5:]) if len(found) > 5 else list(rest) == []


def test_T1_only_ones_own_resellers_can_be_chosen(demo):
    page = customers(HELPDESK)
    assert {"Hafen IT", "Elbe Support", "Kranich Consulting"} <= set(page.options)
    assert not {"Möwe Systems", "Pacific Resale", "Südwind Cloud"} & set(page.options)
    moewe = demo.partner("Möwe Systems")
    page = customers(HELPDESK, f"?reseller={moewe.pk}")
    assert page.table == []
    assert page.field_errors == ["Choose one of your resellers."]
    # A reseller has no resellers of its own.
    assert "Hafen IT" not in customers("global@hafen.example").options


# Export


@time_machine.travel("2026-11-30T23:30:00Z", tick=False)
def test_the_export_is_named_by_the_day_of_its_reader(demo):
    agent = demo.user("agent@nordlicht.example")
    browser = signed_in(agent.email)
    for zone, day in (("", "2026-11-30"), ("Asia/Tokyo", "2026-12-01")):
        type(agent).objects.filter(pk=agent.pk).update(time_zone=zone)
        answer = browser.get("/customers/export/")
        assert answer["Content-Disposition"] == f'attachment; filename="customers-{day}.csv"'


def test_the_export_has_all_that_match_and_is_safe_in_a_spreadsheet(demo):
    petersen = demo.customer("Backhaus Petersen")
    petersen.name, petersen.contact_name = "=Backhaus", "@Petersen"
    petersen.save()
    answer = signed_in("agent@nordlicht.example").get("/customers/export/?q=backhaus")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    [row] = read_csv(answer)
    since = demo.relationship("=Backhaus", "Nordlicht Distribution").started_at
    assert row == {
        "Customer ID": str(petersen.pk),
        "Name": "'=Backhaus",
        "Primary domain": "petersen.example",
        "Country": "Germany",
        "Street": petersen.street,
        "Postal code": petersen.postal_code,
        "City": petersen.city,
        "Contact person": "'@Petersen",
        "Contact email": petersen.contact_email,
        "Contact phone": petersen.contact_phone,
        "Delegated admin privileges": "Yes",
        "Customer since": f"{since:%Y-%m-%d}",
    }


def test_T1_the_export_has_ones_own_customers_only(demo):
    rows = read_csv(signed_in("global@brandt.example").get("/customers/export/"))
    assert [row["Name"] for row in rows] == ["Praxis Dr. Yılmaz"]


def test_a_filter_that_cannot_be_exports_nothing(demo):
    assert read_csv(signed_in("global@nordlicht.example").get("/customers/export/?dap=x")) == []


@pytest.mark.parametrize("person", ["sales", "helpdesk"])
def test_T2_who_may_not_export_sees_no_button(demo, person):
    assert "Export (CSV)" not in customers(f"{person}@nordlicht.example").text
    assert "Export (CSV)" in customers("agent@nordlicht.example").text


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
    assert costs == [5, 5], [one["sql"] for one in queries]
