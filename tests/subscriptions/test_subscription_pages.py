"""The page of a subscription: what it is, who can be its contact (C2, C5), and who may say so (C3)."""

import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from portal.authority import PORTAL
from tests.demo import ALBERS, GLOBAL, HAFEN, HELPDESK, OFFICE, SALES, clock_at
from tests.factories import PartnerFactory, PartnershipFactory, RelationshipFactory
from tests.pages import Page, signed_in
from tests.subscriptions.pages import address, contact, opened, submit

# The seller's staff also suspends: the button, and the two of the question that it asks.
SUSPEND = ["Suspend"]
ASK_FOR_DAP = "Ask it to request delegated admin privileges"
ASK_FOR_RELATIONSHIP = "Ask it to request a relationship"


def test_C2_the_choices_are_exactly_nordlicht_and_hafen(office):
    page = opened(HELPDESK, office)
    assert page.heading == OFFICE
    assert page.options == ["Hafen IT", "Nordlicht Distribution"]
    assert page.chosen == "Nordlicht Distribution"
    assert page.all_text("label") == ["Designated support contact"]
    assert page.all_text("button") == ["Submit", *SUSPEND]
    for stranger in ("Möwe", "Südwind", "Brandt", "Pacific"):
        assert stranger not in page.source


def test_C5_those_that_cannot_be_chosen_stand_there_with_the_reason(demo, office):
    page = opened(HELPDESK, office)
    assert "These partners can't be chosen" in page.all_text("h3")
    assert page.all_text("ul[@class='reasons']/li") == [
        f"Elbe Support: has no delegated admin privileges for this customer. {ASK_FOR_DAP}",
        f"Kranich Consulting: has no relationship with this customer. {ASK_FOR_RELATIONSHIP}",
    ]


def test_C5_more_than_a_dozen_that_cannot_be_chosen_stand_by_reason(demo, office, nordlicht):
    def add(count):
        for number in range(count):
            reseller = PartnerFactory(reseller=True, name=f"Müller Systemhaus {number}")
            PartnershipFactory(provider=nordlicht, reseller=reseller)
        return opened(HELPDESK, office)

    page = add(10)
    assert page.find("details") == page.find("form[@role='search']") == []
    assert len(page.find("ul[@class='reasons']/li")) == 12
    page = add(1)
    assert page.all_text("p[@class='found']") == ["13 partners can't be chosen"]
    by_reason = [
        "No relationship with this customer: 12",
        "No delegated admin privileges for this customer: 1",
    ]
    assert page.all_text("details/summary") == by_reason
    assert len(page.find("details/ul[@class='reasons']/li")) == 13
    assert not [one for one in page.find("details") if "open" in one.attrib]


def test_C5_those_that_cannot_be_chosen_are_searched(demo, office, nordlicht):
    """By name as people write it, and by MPN ID; what is found is not folded away."""
    partners = [
        PartnerFactory(reseller=True, name=f"Müller & Co. {number}") for number in range(12)
    ]
    for partner in partners:
        PartnershipFactory(provider=nordlicht, reseller=partner)
    for query, found in (
        ("elbe", ["Elbe Support"]),
        ("mueller%207", ["Müller & Co. 7"]),
        (partners[3].mpn_id, ["Müller & Co. 3"]),
        ("hafen", []),  # it can be chosen
        ("mueller%20elbe", []),
        ("x" * 201, []),
    ):
        page = opened(HELPDESK, office, query=f"?q={query}")
        names = [text.partition(": ")[0] for text in page.all_text("ul[@class='reasons']/li")]
        assert names == found, query
        assert len([one for one in page.find("details") if "open" in one.attrib]) == len(found)
        assert page.chosen == "Nordlicht Distribution"
    assert page.field_errors
    page = opened(HELPDESK, office, query="?q=zzz")
    assert "None of them has “zzz” in its name." in page.text
    everybody = opened(HELPDESK, office, query="?q=%20")
    assert "14 partners can't be chosen" in everybody.text


def test_C5_dap_that_was_removed_says_when(demo, office):
    with clock_at(3, 9, 12):
        demo.relationship("Reederei Albers", "Hafen IT").remove_dap(by=demo.user(ALBERS))
    page = opened(HELPDESK, office)
    assert page.options == ["Nordlicht Distribution"]
    assert page.all_text("ul[@class='reasons']/li") == [
        f"Elbe Support: has no delegated admin privileges for this customer. {ASK_FOR_DAP}",
        f"Hafen IT: its delegated admin privileges were removed on 9 March 2100. {ASK_FOR_DAP}",
        f"Kranich Consulting: has no relationship with this customer. {ASK_FOR_RELATIONSHIP}",
    ]


def test_C5_a_relationship_that_ended_is_none(demo, office):
    demo.relationship("Reederei Albers", "Hafen IT").end(by=PORTAL)
    page = opened(HELPDESK, office)
    assert page.options == ["Nordlicht Distribution"]
    reasons = page.all_text("ul[@class='reasons']/li")
    assert f"Hafen IT: has no relationship with this customer. {ASK_FOR_RELATIONSHIP}" in reasons


@pytest.mark.parametrize("end", ["partnership", "deactivate"])
def test_C2_who_no_longer_works_with_the_seller_is_not_shown_at_all(demo, office, hafen, end):
    if end == "partnership":
        demo.partnership("Nordlicht Distribution", "Hafen IT").end(by=PORTAL)
    else:
        hafen.deactivate(by=PORTAL)
    page = opened(HELPDESK, office)
    assert page.options == ["Nordlicht Distribution"]
    assert "Hafen IT" not in page.source


def test_the_page_says_what_the_subscription_is(office):
    page = opened(HELPDESK, office)
    assert page.facts["Offer"] == f"{OFFICE} (Microsoft)"
    assert page.facts["Quantity"] == "25 licenses"
    assert page.facts["Status"] == "Active"
    assert page.facts["Seller"] == "Nordlicht Distribution"
    assert page.facts["Reseller of record"] == "–"
    assert page.facts["Answers now"] == "Nordlicht Distribution"
    assert page.all_text("nav/ol/li") == ["Customers", "Reederei Albers", OFFICE]


def test_the_reseller_of_record_is_shown_with_its_mpn_id(demo):
    basic = demo.subscription("Backhaus Petersen", "Microsoft 365 Business Basic")
    assert opened(HELPDESK, basic).facts["Reseller of record"] == "Elbe Support (MPN ID 5200200)"


def test_S2_the_suspended_shows_until_when_it_can_be_reactivated(demo, office):
    with clock_at(1, 31, 23, 30):
        office.suspend(by=demo.user(GLOBAL))
        page = opened(HELPDESK, office)
    assert page.facts["Status"] == "Suspended Must be reactivated by 1 May 2100."


@pytest.mark.parametrize("email", [GLOBAL, "agent@nordlicht.example", HELPDESK])
def test_C3_these_roles_of_the_seller_may_change_the_contact(demo, office, hafen, email):
    assert opened(email, office).all_text("button") == ["Submit", *SUSPEND]
    assert submit(email, office, hafen).status_code == 302
    assert contact(office) == "Hafen IT"


def test_T2_a_sales_agent_sees_an_inactive_control_and_the_roles_that_may(office):
    page = opened(SALES, office)
    [select] = page.find("select")
    assert "disabled" in select.attrib
    assert page.options == ["Nordlicht Distribution"]
    assert page.all_text("button") == SUSPEND
    assert page.all_text("p[@id='why-not']") == [
        "Your roles do not include this. These roles may: "
        "Global admin, Admin agent, Helpdesk agent."
    ]


def test_T2_a_sales_agent_who_posts_by_hand_is_told_the_roles_that_may(
    office, hafen, nothing_written
):
    with nothing_written():
        answer = submit(SALES, office, hafen)
    assert answer.status_code == 403
    page = Page(answer)
    assert page.heading == "Not allowed"
    assert page.all_text("li") == ["Global admin", "Admin agent", "Helpdesk agent"]


def test_C3_another_partner_of_the_customer_sees_why_it_may_not(
    demo, office, hafen, nothing_written
):
    office.designate(hafen, by=demo.user(HELPDESK))
    page = opened(HAFEN, office)
    assert page.find("select") == page.find("button") == []
    assert (
        "Only the staff of Nordlicht Distribution, which sold this subscription, "
        "may change its support contact."
    ) in page.text
    assert "Elbe" not in page.source
    with nothing_written():
        answer = submit(HAFEN, office, hafen)
    assert answer.status_code == 403
    sentence = "Only the partner that sold this subscription may change its support contact."
    assert sentence in Page(answer).text


@pytest.mark.parametrize("email", ["global@suedwind.example", "global@moewe.example", HAFEN])
def test_C3_T1_for_a_partner_that_does_not_see_it_the_subscription_does_not_exist(
    office, nordlicht, nothing_written, email
):
    with nothing_written():
        assert signed_in(email).get(address(office)).status_code == 404
        assert submit(email, office, nordlicht).status_code == 404
        assert signed_in(email).get(address(office, "review")).status_code == 404
        assert signed_in(email).get(address(office, "history")).status_code == 404


def test_a_subscription_of_another_customer_is_not_found_below_this_one(demo, office, hafen):
    petersen = demo.customer("Backhaus Petersen")
    for name in ("detail", "review", "history"):
        path = reverse(f"subscriptions:{name}", args=[petersen.pk, office.pk])
        assert signed_in(HELPDESK).get(path).status_code == 404
    path = reverse("subscriptions:detail", args=[petersen.pk, office.pk])
    assert signed_in(HELPDESK).post(path, {"support_contact": hafen.pk}).status_code == 404
    assert contact(office) == "Nordlicht Distribution"


@pytest.mark.parametrize(
    "wrong", [uuid.UUID(int=0), "00000000-0000-4000-8000-000000000000", "1", "x", "%00", "A" * 32]
)
@pytest.mark.parametrize("place", ["customer", "subscription"])
def test_an_unknown_id_is_not_found(office, wrong, place):
    browser = signed_in(HELPDESK)
    keys = {"customer": office.customer_id, "subscription": office.pk, place: wrong}
    path = f"/customers/{keys['customer']}/subscriptions/{keys['subscription']}/"
    for end in ("", "support-contact/review/", "history/"):
        assert browser.get(path + end).status_code == 404
    assert browser.post(path, {"support_contact": "x"}).status_code == 404
    assert browser.get(f"/customers/{wrong}/").status_code == 404


def test_C5_the_choice_costs_the_same_with_few_resellers_and_with_many(demo, office, nordlicht):
    browser = signed_in(HELPDESK)
    browser.get(address(office))
    costs = []
    for more in (0, 20):
        for number in range(more):
            reseller = PartnerFactory(reseller=True)
            PartnershipFactory(provider=nordlicht, reseller=reseller)
            if number % 2:
                RelationshipFactory(partner=reseller, customer=office.customer)
        with CaptureQueriesContext(connection) as queries:
            page = Page(browser.get(address(office)))
        costs.append(len(queries))
    assert len(page.options) == 12
    assert costs[0] == costs[1]
