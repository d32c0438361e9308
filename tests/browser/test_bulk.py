"""A helpdesk agent gives many subscriptions another support contact: chosen in the list, or from a file."""

import re

import pytest
from playwright.sync_api import expect

from subscriptions.models import Subscription

from .test_new_customer import require_no_sideways_scrolling, sign_in

OFFICE = "Office 365 Business Standard"


def contacts(*names):
    found = Subscription.objects.filter(
        customer__name="Reederei Albers", friendly_name__in=names
    ).order_by("friendly_name")
    return [str(one.support_contact) for one in found]


@pytest.mark.parametrize(
    "browser", [{"javascript": False}, {"width": 320}], ids=["without-scripts", "phone"]
)
def test_from_the_list_to_the_result(demo, open_browser, browser):
    page = open_browser(**browser)
    sign_in(page, "helpdesk@nordlicht.example")
    page.goto("/subscriptions/")
    for name in ("Azure plan", OFFICE, "Exchange Online (Plan 1)"):
        page.get_by_role("row", name=name).get_by_role("checkbox").check()
    require_no_sideways_scrolling(page)
    page.get_by_role("button", name="Assign the chosen").click()
    require_no_sideways_scrolling(page)
    page.get_by_label("Hafen IT").check()
    page.get_by_role("button", name="Preview").click()
    require_no_sideways_scrolling(page)
    expect(page.get_by_role("main")).to_contain_text(
        "The partner has no relationship with the customer"
    )
    assert contacts("Azure plan", OFFICE) == ["Nordlicht Distribution"] * 2
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Support contacts assigned")
    require_no_sideways_scrolling(page)
    assert contacts("Azure plan", OFFICE) == ["Hafen IT"] * 2


def test_a_file_says_what_is_wrong_by_line_and_then_works(demo, open_browser):
    page = open_browser()
    sign_in(page, "helpdesk@nordlicht.example")
    page.goto("/subscriptions/")
    page.get_by_role("link", name="Assign from a file").click()

    def send(content):
        file = {"name": "contacts.csv", "mimeType": "text/csv", "buffer": content}
        page.locator("input[type=file]").set_input_files(file)
        page.get_by_role("main").get_by_role("button").last.click()

    send("subscription id\n\xff".encode("latin-1"))
    expect(page.get_by_role("alert").first).to_be_visible()
    office = demo.subscription("Reederei Albers", OFFICE)
    hafen = demo.partner("Hafen IT")
    send(f"subscription id,MPN ID of the contact\n{office.pk},{hafen.mpn_id}\nx,1\n".encode())
    expect(page.get_by_role("main")).to_contain_text("This is not the ID of a subscription")
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Support contacts assigned")
    assert contacts(OFFICE) == ["Hafen IT"]


@pytest.mark.parametrize("browser", [{"javascript": False}, {"width": 320}], ids=["plain", "phone"])
def test_a_fault_while_it_runs_is_read_and_nothing_was_changed(
    demo, open_browser, browser, monkeypatch
):
    """The page stays where it tells of the fault; the way back leads to the preview, to submit again."""
    page = open_browser(**browser)
    sign_in(page, "helpdesk@nordlicht.example")
    page.goto("/subscriptions/")
    page.get_by_role("row", name=OFFICE).get_by_role("checkbox").check()
    page.get_by_role("button", name="Assign the chosen").click()
    page.get_by_label("Hafen IT").check()
    page.get_by_role("button", name="Preview").click()
    with monkeypatch.context() as patch:
        patch.setattr("portal.models.notices.NoticeQuerySet.tell", None)
        page.get_by_role("button", name="Submit").click()
        alert = page.get_by_role("alert")
        expect(alert).to_contain_text("Nothing was changed. Go back")
        expect(alert.locator("code")).to_have_text(re.compile("[0-9a-f]{32}"))
        require_no_sideways_scrolling(page)
    assert contacts(OFFICE) == ["Nordlicht Distribution"]
    page.get_by_role("link", name="Go back").click()
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Support contacts assigned")
    assert contacts(OFFICE) == ["Hafen IT"]
