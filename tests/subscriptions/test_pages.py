"""The pages about subscriptions and their support contacts, as their readers see them."""

import uuid
from datetime import UTC, datetime

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from time_machine import travel

from portal.authority import PORTAL
from portal.models import Action, Actor
from subscriptions.models import SupportContactAssignment
from tests.factories import (
    MembershipFactory,
    PartnerFactory,
    PartnershipFactory,
    RelationshipFactory,
    SubscriptionFactory,
)
from tests.pages import Page, signed_in

HELPDESK = "helpdesk@nordlicht.example"
GLOBAL = "global@nordlicht.example"
SALES = "sales@nordlicht.example"
HAFEN = "global@hafen.example"
ALBERS = "admin@albers.example"
OFFICE = "Office 365 Business Standard"
# The seller's staff also suspends: the button, and the two of the question that it asks.
SUSPEND = ["Suspend"]
ASK_FOR_DAP = "Ask it to request delegated admin privileges"
ASK_FOR_RELATIONSHIP = "Ask it to request a relationship"
REFUSED = "This partner can't be the support contact. Choose one of the list."


def clock_at(*when):
    """The clock stands still, at a moment after everything that the demo data did."""
    return travel(datetime(2100, *when, tzinfo=UTC), tick=False)


def address(subscription, name="detail"):
    return reverse(f"subscriptions:{name}", args=[subscription.customer_id, subscription.pk])


@pytest.fixture
def office(demo):
    return demo.subscription("Reederei Albers", OFFICE)


@pytest.fixture
def visio(demo):
    return demo.subscription("Reederei Albers", "Visio Plan 2")


@pytest.fixture
def hafen(demo):
    return demo.partner("Hafen IT")


@pytest.fixture
def nordlicht(demo):
    return demo.partner("Nordlicht Distribution")


def opened(email, subscription, name="detail", query=""):
    answer = signed_in(email).get(f"{address(subscription, name)}{query}")
    assert answer.status_code == 200
    return Page(answer)


def submit(email, subscription, choice, **data):
    """Press Submit; ``choice`` is a partner, or whatever else is posted."""
    data["support_contact"] = str(getattr(choice, "pk", choice))
    return signed_in(email).post(address(subscription), data)


def contact(subscription):
    subscription.refresh_from_db()
    return subscription.support_contact and subscription.support_contact.name


# A customer's subscriptions


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


# A subscription


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


# Submit, review, close


def test_C6_submit_leads_to_the_review_and_close_back_to_the_subscription(
    demo, office, hafen, nordlicht
):
    page = opened(HELPDESK, office)
    with clock_at(12, 24, 9, 5):
        answer = submit(HELPDESK, office, hafen, seen=page.hidden("seen"))
        assert answer.status_code == 302
        assert answer.url == address(office, "review")
        page = Page(signed_in(HELPDESK).get(answer.url))
    assert contact(office) == "Hafen IT"
    assert page.heading == "Review the support contact"
    assert page.alerts == [
        ("status", "The change is in force: Hafen IT now answers for this subscription.")
    ]
    assert page.facts == {
        "Customer": "Reederei Albers",
        "Subscription": OFFICE,
        "Support contact before": "Nordlicht Distribution",
        "Support contact now": "Hafen IT",
        "Changed": f"24 December 2100, 09:05 UTC, Helpdesk agent, Nordlicht Distribution ({HELPDESK})",
    }
    [close] = [link for link in page.find("a") if link.text == "Close"]
    assert close.get("href") == address(office)
    assert opened(HELPDESK, office).facts["Answers now"] == "Hafen IT"


def support_details(source):
    """The block of the page with the support details, to the letter."""
    start = source.index('<div class="support-details">')
    return source[start : source.index("</div>", start)]


@pytest.mark.parametrize("language", ["en", "de"])
def test_C6_the_review_shows_the_support_details_exactly_as_the_customer_sees_them(
    office, hafen, language
):
    hafen.support_hours = "Mon–Fri <always> & “ever”"
    hafen.support_email = "o'hara+help@hafen.example"
    hafen.save()
    submit(HELPDESK, office, hafen)
    headers = {"accept-language": language}
    review = signed_in(HELPDESK, **headers).get(address(office, "review")).content.decode()
    answer = signed_in(ALBERS, **headers).get("/support/?q=office")
    assert len(Page(answer).table) == 1
    assert support_details(review) == support_details(answer.content.decode())
    assert "Mon–Fri &lt;always&gt; &amp; “ever”" in support_details(review)


def test_C6_the_change_can_be_taken_back_from_the_review(office, hafen):
    submit(HELPDESK, office, hafen)
    page = opened(HELPDESK, office, "review")
    assert page.all_text("button") == ["Take it back"]
    [form] = page.find("form")
    data = {field.get("name"): field.get("value") for field in form.findall("input")}
    answer = signed_in(HELPDESK).post(form.get("action"), data)
    assert answer.url == address(office, "review")
    assert contact(office) == "Nordlicht Distribution"
    page = opened(HELPDESK, office, "review")
    assert page.facts["Support contact before"] == "Hafen IT"
    assert page.facts["Support contact now"] == "Nordlicht Distribution"


def test_C6_who_may_not_change_the_contact_can_review_but_not_take_back(demo, office, hafen):
    submit(HELPDESK, office, hafen)
    for email in (SALES, HAFEN):
        page = opened(email, office, "review")
        assert page.facts["Support contact now"] == "Hafen IT"
        assert page.all_text("button") == []


def test_C6_what_is_no_longer_allowed_is_not_offered_to_be_taken_back(demo, office, hafen):
    submit(HELPDESK, office, hafen)
    demo.relationship("Reederei Albers", "Hafen IT").remove_dap(by=demo.user(ALBERS))
    page = opened(HELPDESK, office, "review")
    assert page.facts["Support contact before"] == "Hafen IT"
    assert page.facts["Support contact now"] == "Nordlicht Distribution"
    assert page.facts["Changed"].endswith("Reederei Albers")
    assert page.all_text("button") == []


def test_C6_without_a_change_there_is_nothing_to_review(office):
    answer = signed_in(HELPDESK).get(address(office, "review"))
    assert answer.status_code == 302
    assert answer.url == address(office)


def test_C6_reading_a_page_changes_nothing(office, nothing_written):
    with nothing_written():
        for name in ("detail", "review", "history"):
            signed_in(HELPDESK).get(address(office, name))


def test_C7_submitting_what_already_is_changes_nothing_and_says_so(
    demo, office, nordlicht, nothing_written
):
    browser = signed_in(HELPDESK)
    with nothing_written():
        answer = browser.post(address(office), {"support_contact": str(nordlicht.pk)})
    assert answer.status_code == 302
    assert answer.url == address(office)
    assert Page(browser.get(answer.url)).alerts == [
        (
            "status",
            "Nordlicht Distribution already is the designated support contact. Nothing was changed.",
        )
    ]


def test_C7_pressing_submit_twice_makes_one_change(demo, office, hafen):
    seen = opened(HELPDESK, office).hidden("seen")
    first = submit(HELPDESK, office, hafen, seen=seen)
    second = submit(HELPDESK, office, hafen, seen=seen)
    assert first.url == address(office, "review")
    assert second.status_code == 302
    assert office.support_contact_history.count() == 2
    assert len(demo.log(action=Action.SUPPORT_CONTACT_DESIGNATED)) == 1


# Someone else was faster


def test_C8_what_another_changed_is_not_overwritten(
    office, hafen, nordlicht, nothing_written, time_machine
):
    seen = opened(HELPDESK, office).hidden("seen")
    time_machine.move_to(datetime(2100, 12, 24, 9, 5, tzinfo=UTC), tick=False)
    submit(GLOBAL, office, hafen, seen=seen)
    with nothing_written():
        answer = submit(HELPDESK, office, nordlicht, seen=seen)
    assert answer.status_code == 409
    assert contact(office) == "Hafen IT"
    page = Page(answer)
    [(role, text)] = page.alerts
    assert role == "alert"
    assert text.startswith(
        f"Global admin, Nordlicht Distribution ({GLOBAL}) changed the support contact since you "
        "opened this page. Nothing was overwritten."
    )
    assert page.facts["When"] == "24 December 2100, 09:05 UTC"
    assert page.facts["Designated support contact now"] == "Hafen IT"
    assert page.facts["Reason"] == "Support contact designated"
    # The page offers to choose again, from what is now.
    assert [link.get("href") for link in page.find("a") if link.text == "Choose again"] == [
        "#id_support_contact"
    ]
    assert page.chosen == "Hafen IT"
    answer = submit(HELPDESK, office, nordlicht, seen=page.hidden("seen"))
    assert answer.url == address(office, "review")
    assert contact(office) == "Nordlicht Distribution"


def test_C8_the_same_choice_as_the_other_s_is_told_too(office, hafen):
    seen = opened(HELPDESK, office).hidden("seen")
    submit(GLOBAL, office, hafen, seen=seen)
    assert submit(HELPDESK, office, hafen, seen=seen).status_code == 409


def test_C8_a_change_there_and_back_is_a_change(office, hafen, nordlicht):
    seen = opened(HELPDESK, office).hidden("seen")
    submit(GLOBAL, office, hafen)
    submit(GLOBAL, office, nordlicht)
    assert submit(HELPDESK, office, hafen, seen=seen).status_code == 409
    assert contact(office) == "Nordlicht Distribution"


def test_C8_the_customer_s_change_is_told_without_the_person(demo, office, hafen, nordlicht):
    submit(GLOBAL, office, hafen)
    seen = opened(HELPDESK, office).hidden("seen")
    demo.relationship("Reederei Albers", "Hafen IT").remove_dap(by=demo.user(ALBERS))
    answer = submit(HELPDESK, office, hafen, seen=seen)
    # Hafen can't be chosen any more, so the page says that at the field.
    assert answer.status_code == 200
    answer = submit(HELPDESK, office, nordlicht, seen=seen)
    assert answer.status_code == 409
    page = Page(answer)
    assert "Reederei Albers changed the support contact" in page.text
    assert "Jonas Albers" not in page.text
    assert page.facts["Reason"] == "Delegated admin privileges removed"


@pytest.mark.parametrize(
    "seen", ["x", "1.5", "-1", "0", "9" * 30, "9" * 5000, "\x00", "1" * 300_000]
)
def test_C8_a_mark_that_was_made_up_overwrites_nothing(office, hafen, nothing_written, seen):
    with nothing_written():
        answer = submit(HELPDESK, office, hafen, seen=seen)
    assert answer.status_code in (200, 409)
    assert Page(answer).alerts


# Refused values


@pytest.mark.parametrize(
    "partner",
    [
        "Elbe Support",  # no DAP
        "Kranich Consulting",  # no relationship
        "Möwe Systems",  # no partnership
        "Südwind Cloud",  # another provider
        "Brandt Direkt",
        "Pacific Resale",
    ],
)
def test_C2_another_partner_posted_by_hand_is_refused_at_the_field(
    demo, office, nothing_written, partner
):
    with nothing_written():
        answer = submit(HELPDESK, office, demo.partner(partner))
    assert answer.status_code == 200
    page = Page(answer)
    assert page.field_errors == [REFUSED]
    assert page.alerts == [
        (
            "alert",
            f"Nothing was saved. Please check: Designated support contact: {REFUSED}",
        )
    ]
    assert page.find("div[@role='alert']//a")[0].get("href") == "#id_support_contact"
    [select] = page.find("select")
    assert select.get("aria-invalid") == "true"
    assert select.get("id") == "id_support_contact"


@pytest.mark.parametrize(
    "value",
    [
        "x",
        "0",
        "None",
        str(uuid.UUID(int=0)),
        "\x00",
        "Hafen IT",
        "x" * 100_000,
        "<script>alert(1)</script>",
        "🦋",
        "' OR 1=1 --",
    ],
)
def test_a_value_that_is_no_partner_is_refused_at_the_field(office, nothing_written, value):
    with nothing_written():
        answer = submit(HELPDESK, office, value)
    assert answer.status_code == 200
    page = Page(answer)
    assert page.field_errors == [REFUSED]
    assert "<script>alert" not in page.source
    assert "\x00" not in page.source


def test_a_lone_surrogate_is_refused_at_the_field(office, nothing_written):
    with nothing_written():
        answer = signed_in(HELPDESK).post(
            address(office),
            "support_contact=%ED%A0%80",
            content_type="application/x-www-form-urlencoded",
        )
    assert Page(answer).field_errors == [REFUSED]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({}, "Choose a partner."),
        ({"support_contact": ""}, "Choose a partner."),
        ({"support_contact": "   "}, REFUSED),
    ],
)
def test_no_value_is_refused_at_the_field(office, nothing_written, data, sentence):
    with nothing_written():
        answer = signed_in(HELPDESK).post(address(office), data)
    assert answer.status_code == 200
    assert Page(answer).field_errors == [sentence]


def test_several_values_never_reach_past_the_choices(demo, office, hafen, nothing_written):
    moewe = demo.partner("Möwe Systems")
    with nothing_written():
        data = {"support_contact": [str(hafen.pk), str(moewe.pk)]}
        answer = signed_in(HELPDESK).post(address(office), data)
    assert Page(answer).field_errors == [REFUSED]


def test_a_file_in_place_of_a_value_is_refused_at_the_field(office, nothing_written):
    with nothing_written():
        data = {"support_contact": SimpleUploadedFile("x.txt", b"x")}
        answer = signed_in(HELPDESK).post(address(office), data)
    assert Page(answer).field_errors == ["Choose a partner."]


def test_an_id_in_capitals_is_refused_or_taken_but_never_an_error(office, hafen):
    assert submit(HELPDESK, office, str(hafen.pk).upper()).status_code in (200, 302)


def test_a_submit_without_a_csrf_token_changes_nothing(demo, office, hafen, nothing_written):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(demo.user(HELPDESK))
    with nothing_written():
        answer = browser.post(address(office), {"support_contact": str(hafen.pk)})
    assert answer.status_code == 403
    assert Page(answer).heading == "The page was open too long"


def test_an_oversized_submit_changes_nothing(office, hafen, nothing_written):
    with nothing_written():
        answer = submit(HELPDESK, office, hafen, more="x" * 2_700_000)
    assert answer.status_code == 413
    assert Page(answer).heading == "Too much to read"


def test_C2_a_reseller_that_lost_dap_while_the_page_was_open_is_refused_at_the_field(
    demo, office, hafen
):
    seen = opened(HELPDESK, office).hidden("seen")
    demo.relationship("Reederei Albers", "Hafen IT").remove_dap(by=demo.user(ALBERS))
    answer = submit(HELPDESK, office, hafen, seen=seen)
    assert answer.status_code == 200
    page = Page(answer)
    assert page.field_errors == [REFUSED]
    assert page.options == ["Nordlicht Distribution"]
    assert contact(office) == "Nordlicht Distribution"


# Bought elsewhere


def test_C4_who_has_dap_may_designate_itself_or_its_resellers(visio, hafen):
    page = opened(HELPDESK, visio)
    assert page.options == ["No partner designated", "Hafen IT", "Nordlicht Distribution"]
    assert page.chosen == "No partner designated"
    assert page.facts["Seller"] == "Bought elsewhere"
    assert page.facts["Answers now"] == "No partner designated"
    # A reseller, only itself.
    assert opened(HAFEN, visio).options == ["No partner designated", "Hafen IT"]
    assert submit(HAFEN, visio, hafen).url == address(visio, "review")
    assert contact(visio) == "Hafen IT"


def test_C4_nobody_may_be_taken_back_to(visio, hafen):
    submit(HAFEN, visio, hafen)
    page = opened(HAFEN, visio, "review")
    assert page.facts["Support contact before"] == "No partner designated"
    assert page.all_text("button") == ["Take it back"]
    answer = submit(HAFEN, visio, "", seen=page.hidden("seen"))
    assert answer.url == address(visio, "review")
    assert contact(visio) is None
    page = opened(HAFEN, visio, "review")
    assert page.alerts == [
        ("status", "The change is in force: no partner is designated for this subscription now.")
    ]


def test_C4_C7_nobody_again_changes_nothing_and_says_so(visio, nothing_written):
    browser = signed_in(HELPDESK)
    with nothing_written():
        answer = browser.post(address(visio), {"support_contact": ""})
    assert Page(browser.get(answer.url)).alerts == [
        ("status", "There is no designated partner already. Nothing was changed.")
    ]


def test_C4_for_a_partner_without_dap_it_does_not_exist(visio, nothing_written):
    with nothing_written():
        for email in ("global@elbe.example", "global@suedwind.example"):
            assert signed_in(email).get(address(visio)).status_code == 404
            assert submit(email, visio, "").status_code == 404


def test_C4_C7_a_contact_of_another_partner_stays_when_submit_is_pressed_untouched(
    demo, visio, nothing_written
):
    moewe = demo.partner("Möwe Systems")
    visio.designate(moewe, by=demo.user("global@moewe.example"))
    page = opened(HELPDESK, visio)
    assert page.facts["Answers now"] == "Möwe Systems"
    assert page.chosen != "No partner designated"
    [select] = page.find("select")
    [chosen] = [option for option in select if option.text == page.chosen]
    with nothing_written():
        submit(HELPDESK, visio, chosen.get("value", ""), seen=page.hidden("seen"))
    assert contact(visio) == "Möwe Systems"


# History


def test_C10_the_history_says_who_when_by_whom_and_why(demo, office, hafen, nordlicht):
    added = office.created_at
    with clock_at(12, 24, 9, 5):
        submit(HELPDESK, office, hafen)
    with clock_at(12, 31, 23, 59):
        demo.relationship("Reederei Albers", "Hafen IT").remove_dap(by=demo.user(ALBERS))
    page = opened(HELPDESK, office, "history")
    assert page.heading == "History of support contacts"
    assert page.all_text("caption") == [f"Reederei Albers, {OFFICE}"]
    assert [list(row.values()) for row in page.table] == [
        [
            "Nordlicht Distribution",
            "31 December 2100, 23:59 UTC",
            "now",
            "Reederei Albers",
            "Delegated admin privileges removed",
        ],
        [
            "Hafen IT",
            "24 December 2100, 09:05 UTC",
            "31 December 2100, 23:59 UTC",
            f"Helpdesk agent, Nordlicht Distribution ({HELPDESK})",
            "Support contact designated",
        ],
        [
            "Nordlicht Distribution",
            page.table[2]["From"],
            "24 December 2100, 09:05 UTC",
            "the portal",
            "Subscription added",
        ],
    ]
    assert list(page.table[0]) == ["Support contact", "From", "To", "Changed by", "Reason"]
    times = [time.get("datetime") for time in page.find("tbody//time")]
    assert times[0] == "2100-12-31T23:59:00+00:00"
    assert times[-2] == added.isoformat()


def test_C10_outsiders_read_the_organisation_and_no_person(demo, office, hafen):
    submit(HELPDESK, office, hafen)
    page = opened(HAFEN, office, "history")
    assert [row["Changed by"] for row in page.table] == ["Nordlicht Distribution", "the portal"]
    assert "Helpdesk agent" not in page.source
    assert "Helpdesk agent" not in opened(HAFEN, office, "review").source
    assert "Helpdesk agent" not in opened(HAFEN, office).source


def test_C10_the_operator_is_no_person_either(demo, office, hafen):
    submit(HELPDESK, office, hafen)
    demo.relationship("Reederei Albers", "Hafen IT").remove_dap(
        by=demo.user("operator@portal.example")
    )
    page = opened(HELPDESK, office, "history")
    assert page.table[0]["Changed by"] == "The operator of the portal"


# Cost


def cost(browser, path):
    browser.get(path)
    with CaptureQueriesContext(connection) as queries:
        page = Page(browser.get(path))
    return len(queries), len(page.table)


def test_the_list_of_subscriptions_costs_the_same_with_1_row_and_with_20(demo):
    praxis = demo.customer("Praxis Dr. Yılmaz")
    brandt = demo.partner("Brandt Direkt")
    browser = signed_in("global@brandt.example")
    path = reverse("subscriptions:list", args=[praxis.pk])
    assert cost(browser, path) == (5, 1)
    for _ in range(19):
        SubscriptionFactory(customer=praxis, seller=brandt)
    assert cost(browser, path) == (5, 20)


def test_C10_the_history_costs_the_same_with_1_row_and_with_20(demo):
    premium = demo.subscription("Praxis Dr. Yılmaz", "Microsoft 365 Business Premium")
    browser = signed_in("global@brandt.example")
    path = address(premium, "history")
    assert cost(browser, path) == (5, 1)
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
    assert cost(browser, path) == (5, 20)


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
