"""S3: which subscriptions of a customer each partner reads, and how they are searched."""

import pytest
from django.urls import reverse

from portal.authority import PORTAL
from tests.demo import HAFEN, HELPDESK, OFFICE, SALES
from tests.factories import SubscriptionFactory
from tests.pages import Page, signed_in
from tests.subscriptions.pages import address, cost


def of_albers(demo, email, query=""):
    path = reverse("subscriptions:list", args=[demo.customer("Reederei Albers").pk])
    answer = signed_in(email).get(path + query)
    assert answer.status_code == 200
    page = Page(answer)
    assert page.heading == "Reederei Albers"
    return page


@pytest.mark.parametrize(
    ("email", "seen"),
    [
        (HELPDESK, ["Azure plan", "Microsoft 365 E3", OFFICE, "Visio Plan 2"]),
        (SALES, ["Azure plan", "Microsoft 365 E3", OFFICE, "Visio Plan 2"]),
        (HAFEN, ["Visio Plan 2"]),
        ("global@moewe.example", ["Visio Plan 2"]),
        ("global@elbe.example", []),
        ("global@suedwind.example", ["Dynamics 365 Sales"]),
    ],
)
def test_S3_each_partner_sees_its_part_of_reederei_albers(demo, email, seen):
    page = of_albers(demo, email)
    assert [row["Subscription"].removesuffix(" Bought elsewhere") for row in page.table] == seen
    if seen:
        count = len(seen)
        assert page.all_text("caption") == [f"{count} subscription{'s' if count > 1 else ''}"]
    else:
        assert "There is no subscription of this customer that you may see." in page.text


def test_S3_a_reseller_sees_what_it_supports_and_what_it_is_of_record_for(
    demo, office, hafen, nordlicht
):
    office.designate(hafen, by=demo.user(HELPDESK))
    azure = demo.subscription("Reederei Albers", "Azure plan")
    azure.reseller_of_record = hafen
    azure.save()
    started_on = f"{azure.started_on:%-d %B %Y}"
    page = of_albers(demo, HAFEN)
    assert page.table == [
        {
            "Subscription": "Azure plan",
            "Quantity": "Usage-based",
            "Status": "Active",
            "Started on": started_on,
            "Reseller of record": "Hafen IT (5200100)",
            "Designated support contact": "Nordlicht Distribution",
        },
        {
            "Subscription": OFFICE,
            "Quantity": "25",
            "Status": "Active",
            "Started on": started_on,
            "Reseller of record": "–",
            "Designated support contact": "Hafen IT",
        },
        {
            "Subscription": "Visio Plan 2 Bought elsewhere",
            "Quantity": "3",
            "Status": "Active",
            "Started on": started_on,
            "Reseller of record": "–",
            "Designated support contact": "No partner designated",
        },
    ]


def test_S3_without_dap_nothing_bought_elsewhere_is_seen(demo, visio):
    demo.relationship("Reederei Albers", "Hafen IT").remove_dap(by=PORTAL)
    assert of_albers(demo, HAFEN).table == []
    assert signed_in(HAFEN).get(address(visio)).status_code == 404


def test_T1_no_other_partner_of_the_customer_is_named(demo):
    page = of_albers(demo, HELPDESK)
    for stranger in ("Südwind", "Möwe", "Brandt", "Kranich", "Elbe", "Hafen", "Dynamics"):
        assert stranger not in page.source
    page = of_albers(demo, "global@suedwind.example")
    for stranger in ("Nordlicht", "Möwe", "Hafen", "Elbe", "Office", "Azure", "Visio"):
        assert stranger not in page.source


def test_the_suspended_is_marked_in_the_list(demo):
    states = {row["Subscription"]: row["Status"] for row in of_albers(demo, HELPDESK).table}
    assert states == {
        "Azure plan": "Active",
        "Microsoft 365 E3": "Suspended",
        OFFICE: "Active",
        "Visio Plan 2 Bought elsewhere": "Active",
    }


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?q=office", [OFFICE]),
        ("?q=365 STANDARD", [OFFICE]),
        ("?q=zure", ["Azure plan"]),
        ("?q=dynamics", []),
        ("?q=%25", []),
        ("?page=9", ["Azure plan", "Microsoft 365 E3", OFFICE, "Visio Plan 2 Bought elsewhere"]),
    ],
)
def test_the_search_looks_in_the_names_of_the_subscriptions_one_sees(demo, query, found):
    page = of_albers(demo, HELPDESK, query)
    assert [row["Subscription"] for row in page.table] == found
    if not found:
        assert "No subscription found for" in page.text


@pytest.mark.parametrize("query", ["?q=%00", "?q=" + "x" * 300, "?q=%ED%A0%80", "?page=%00"])
def test_no_search_in_the_subscriptions_is_an_error_of_the_server(demo, query):
    of_albers(demo, HELPDESK, query)


def test_the_list_of_subscriptions_costs_the_same_with_1_row_and_with_20(demo):
    praxis = demo.customer("Praxis Dr. Yılmaz")
    brandt = demo.partner("Brandt Direkt")
    browser = signed_in("global@brandt.example")
    path = reverse("subscriptions:list", args=[praxis.pk])
    assert cost(browser, path) == (5, 1)
    for _ in range(19):
        SubscriptionFactory(customer=praxis, seller=brandt)
    assert cost(browser, path) == (5, 20)
