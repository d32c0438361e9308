"""The subscriptions of a customer: filter, sort, what can be added by whom, and the export."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from portal.authority import PORTAL
from tests.factories import OfferFactory, PartnerFactory, SubscriptionFactory
from tests.pages import Page, read_csv, signed_in

GLOBAL = "global@nordlicht.example"
HELPDESK = "helpdesk@nordlicht.example"


@pytest.fixture
def albers(demo):
    return demo.customer("Reederei Albers")


def listed(albers, query="", email=HELPDESK):
    return Page(signed_in(email).get(reverse("subscriptions:list", args=[albers.pk]) + query))


def names(page):
    return [row["Subscription"].removesuffix(" Bought elsewhere") for row in page.table]


def export(albers, query="", email=GLOBAL):
    answer = signed_in(email).get(reverse("subscriptions:export", args=[albers.pk]) + query)
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    return read_csv(answer)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?status=suspended", ["Microsoft 365 E3"]),
        ("?status=active&q=PLAN", ["Azure plan", "Visio Plan 2"]),
        ("?status=suspended&q=plan", []),
        (
            "?sort=-name",
            ["Visio Plan 2", "Office 365 Business Standard", "Microsoft 365 E3", "Azure plan"],
        ),
        (
            "?sort=-status",
            ["Microsoft 365 E3", "Azure plan", "Office 365 Business Standard", "Visio Plan 2"],
        ),
    ],
)
def test_it_is_filtered_and_sorted(albers, query, expected):
    found = names(listed(albers, query))
    assert sorted(found) == sorted(expected)
    if "sort=-name" in query:
        assert found == expected
    if "sort=-status" in query:
        assert found[0] == expected[0]


def test_what_matches_nothing_says_so(albers):
    page = listed(albers, "?status=suspended&q=plan")
    assert "No subscription found for “plan”." in page.text
    for visio in albers.subscriptions.exclude(friendly_name="Microsoft 365 E3"):
        assert visio.is_active
    page = listed(albers, "?status=suspended", "global@suedwind.example")
    assert "No subscription matches. Choose fewer conditions." in page.text


def test_a_status_that_is_none_is_an_error_at_its_field(albers):
    page = listed(albers, "?status=gone")
    assert page.table == []
    assert page.field_errors == ["Select a valid choice. gone is not one of the available choices."]


@pytest.mark.parametrize(
    ("email", "links", "reason"),
    [
        (GLOBAL, ["Add subscriptions", "Export (CSV)", "CSV with semicolons"], ""),
        (HELPDESK, ["Add subscriptions"], ""),
        (
            "global@hafen.example",
            ["Export (CSV)", "CSV with semicolons"],
            "An indirect reseller sells through its provider.",
        ),
    ],
)
def test_T2_what_can_be_done_here_by_whom(albers, email, links, reason):
    page = listed(albers, email=email)
    actions = page.main.find(".//div[@class='page-head']/div")
    assert ["".join(link.itertext()) for link in actions.findall(".//a")] == links
    disabled = [button for button in actions.findall(".//button") if "disabled" in button.attrib]
    assert bool(disabled) == bool(reason)
    assert reason in page.text


def test_the_export_says_what_the_seller_knows(albers, demo):
    azure = demo.subscription("Reederei Albers", "Azure plan")
    azure.reseller_of_record = demo.partner("Hafen IT")
    azure.save()
    rows = export(albers)
    assert [row["Friendly name"] for row in rows] == [
        "Azure plan",
        "Microsoft 365 E3",
        "Office 365 Business Standard",
        "Visio Plan 2",
    ]
    assert rows[0] == {
        "Subscription ID": str(azure.pk),
        "Friendly name": "Azure plan",
        "Offer": "Azure plan",
        "Publisher": "Microsoft",
        "Quantity": "",
        "Status": "Active",
        "Suspended since": "",
        "Started on": str(azure.started_on),
        "Term ends on": str(azure.renews_on),
        "Renews automatically": "Yes",
        "Seller": "Nordlicht Distribution",
        "Reseller of record": "Hafen IT",
        "MPN ID": "5200100",
        "Designated support contact": "Nordlicht Distribution",
        "MPN ID of the contact": "4100100",
    }
    e3, visio = rows[1], rows[3]
    assert (e3["Quantity"], e3["Status"]) == ("10", "Suspended")
    assert e3["Suspended since"]
    assert (visio["Seller"], visio["Designated support contact"]) == ("Bought elsewhere", "")


def test_the_export_holds_what_matches_and_no_more(albers):
    assert [row["Friendly name"] for row in export(albers, "?q=plan&status=active")] == [
        "Azure plan",
        "Visio Plan 2",
    ]
    assert export(albers, "?status=gone") == []


def test_T1_the_export_holds_no_ones_else(albers):
    rows = export(albers, email="global@suedwind.example")
    assert [row["Friendly name"] for row in rows] == ["Dynamics 365 Sales"]


def test_no_cell_of_the_export_is_a_formula(albers, demo):
    SubscriptionFactory(
        customer=albers,
        seller=demo.partner("Nordlicht Distribution"),
        friendly_name="=HYPERLINK(1)",
        offer=OfferFactory(name="@offer", publisher="+publisher"),
    )
    [row] = [row for row in export(albers) if "HYPERLINK" in row["Friendly name"]]
    assert (row["Friendly name"], row["Offer"], row["Publisher"]) == (
        "'=HYPERLINK(1)",
        "'@offer",
        "'+publisher",
    )


def test_the_export_speaks_german(albers):
    browser = signed_in(GLOBAL, **{"accept-language": "de"})
    answer = browser.get(reverse("subscriptions:export", args=[albers.pk]))
    rows = read_csv(answer, delimiter=";")
    assert {row["Status"] for row in rows} == {"Aktiv", "Ausgesetzt"}


def test_the_export_costs_the_same_with_1_row_and_with_20(demo):
    praxis, brandt = demo.customer("Praxis Dr. Yılmaz"), demo.partner("Brandt Direkt")
    browser = signed_in("global@brandt.example")
    path = reverse("subscriptions:export", args=[praxis.pk])

    def cost():
        with CaptureQueriesContext(connection) as queries:
            rows = read_csv(browser.get(path))
        return len(queries), len(rows)

    (few, count) = cost()
    assert count == 1
    for _ in range(19):
        SubscriptionFactory(customer=praxis, seller=brandt)
    assert cost() == (few, 20)


def test_long_and_right_to_left_names_and_no_licenses_are_shown(demo, albers):
    seller = demo.partner("Nordlicht Distribution")
    long, hebrew = "Ü" * 200, "חבילת משרד"
    SubscriptionFactory(customer=albers, seller=seller, friendly_name=long, quantity=0)
    SubscriptionFactory(customer=albers, seller=seller, friendly_name=hebrew, quantity=1)
    rows = {row["Subscription"]: row for row in listed(albers).table}
    assert rows[long]["Quantity"] == "0"
    assert rows[hebrew]["Quantity"] == "1"


def test_R9_a_partner_that_is_gone_keeps_its_name_in_the_export(demo, albers):
    """Names come from dictionaries, not from joins: every partner that a row names must be in them."""
    record = PartnerFactory(reseller=True, name="Gone GmbH", mpn_id="5299999")
    azure = demo.subscription("Reederei Albers", "Azure plan")
    azure.reseller_of_record = record
    azure.save()
    record.deactivate(by=PORTAL)
    assert export(albers)[0]["Reseller of record"] == "Gone GmbH"
