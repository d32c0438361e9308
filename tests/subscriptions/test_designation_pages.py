"""C6, C7: a support contact is submitted, reviewed, and taken back."""

import pytest

from portal.models import Action
from tests.demo import ALBERS, HAFEN, HELPDESK, OFFICE, SALES, clock_at
from tests.pages import Page, signed_in
from tests.subscriptions.pages import address, contact, opened, submit


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
