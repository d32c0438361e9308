"""A helpdesk agent gives many subscriptions another support contact: chosen in the list, or from a file."""

import re

import pytest
from playwright.sync_api import expect

from subscriptions.models import Subscription
from tests.factories import SubscriptionFactory

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


@pytest.fixture
def many(demo):
    """30 more subscriptions of Nordlicht at Reederei Albers, the first of the list: two pages in all."""
    albers, nordlicht = demo.customer("Reederei Albers"), demo.partner("Nordlicht Distribution")
    return [
        SubscriptionFactory(customer=albers, seller=nordlicht, friendly_name=f"Any {number:02}")
        for number in range(30)
    ]


def box_of(page, name):
    return page.get_by_role("row", name=name).get_by_role("checkbox")


@pytest.mark.parametrize("javascript", [True, False], ids=["scripts", "without-scripts"])
def test_what_is_chosen_survives_that_pages_are_turned(many, open_browser, javascript):
    page = open_browser(javascript=javascript)
    sign_in(page, "helpdesk@nordlicht.example")
    page.goto("/subscriptions/")
    turn = "link" if javascript else "button"
    box_of(page, "Any 03").check()
    box_of(page, "Any 04").check()
    page.get_by_role(turn, name="Next").click()
    expect(box_of(page, "Any 29")).not_to_be_checked()
    expect(page.locator("[data-selected]")).to_contain_text("on other pages: 2")
    box_of(page, "Any 29").check()
    page.get_by_role(turn, name="Previous").click()
    expect(box_of(page, "Any 03")).to_be_checked()
    box_of(page, "Any 03").uncheck()
    page.get_by_role("button", name="Assign the chosen").click()
    expect(page.get_by_role("main")).to_contain_text("For 2 chosen subscriptions.")
    page.get_by_label("Hafen IT").check()
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Support contacts assigned")
    hafen = Subscription.objects.filter(support_contact__name="Hafen IT")
    assert sorted(one.friendly_name for one in hafen) == ["Any 04", "Any 29"]
    # What was assigned is chosen no more.
    page.get_by_role("link", name="Close").click()
    expect(box_of(page, "Any 04")).not_to_be_checked()


def test_a_choice_is_counted_cleared_and_forgotten_at_sign_out(many, open_browser):
    page = open_browser()
    sign_in(page, "helpdesk@nordlicht.example")
    page.goto("/subscriptions/")
    chosen, assign = (
        page.locator("[data-selected]"),
        page.get_by_role("button", name="Assign the chosen"),
    )
    clear = page.get_by_role("link", name="Clear the choice")
    expect(assign).to_be_disabled()
    expect(assign).to_have_accessible_description("Chosen: 0")
    expect(clear).to_be_hidden()
    page.get_by_label("Choose all on this page").check()
    expect(assign).to_be_enabled()
    page.get_by_role("link", name="Next").click()
    expect(chosen).to_have_text("Chosen: 25 (on other pages: 25)")
    expect(assign).to_be_enabled()
    # It belongs to this list; back from the next step it is there, and so it is sorted otherwise.
    assign.click()
    page.get_by_role("link", name="Cancel").click()
    expect(chosen).to_have_text("Chosen: 25")
    page.get_by_role("link", name="Since").click()
    expect(chosen).to_contain_text("Chosen: 25")
    page.get_by_label("Status").select_option("Suspended")
    expect(chosen).to_have_text("Chosen: 0")
    page.goto("/subscriptions/")
    clear.click()
    expect(chosen).to_have_text("Chosen: 0")
    expect(assign).to_be_disabled()
    box_of(page, "Any 07").check()
    page.reload()
    expect(box_of(page, "Any 07")).to_be_checked()
    # More than can be chosen.
    page.locator("form[data-most]").evaluate("form => form.dataset.most = 1")
    box_of(page, "Any 08").check()
    expect(page.get_by_role("alert")).to_contain_text("can be chosen one by one")
    expect(assign).to_be_disabled()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Password")).to_be_visible()
    assert (
        page.evaluate("Object.keys(sessionStorage).filter(name => name.startsWith('choice '))")
        == []
    )
    sign_in(page, "helpdesk@nordlicht.example")
    page.goto("/subscriptions/")
    expect(chosen).to_have_text("Chosen: 0")


@pytest.mark.parametrize("way", ["mouse", "keyboard"])
def test_a_range_of_rows_is_chosen_with_shift(many, open_browser, way):
    page = open_browser()
    sign_in(page, "helpdesk@nordlicht.example")
    page.goto("/subscriptions/")

    def toggle(name, **modifiers):
        if way == "mouse":
            box_of(page, name).click(**modifiers)
        else:
            box_of(page, name).press("Shift+Space" if modifiers else "Space")

    toggle("Any 02")
    toggle("Any 05", modifiers=["Shift"])
    expect(page.locator("[data-selected]")).to_have_text("Chosen: 4")
    toggle("Any 03", modifiers=["Shift"])
    expect(page.locator("[data-select]:checked")).to_have_count(1)
    expect(box_of(page, "Any 02")).to_be_checked()
    toggle("Any 00", modifiers=["Shift"])
    expect(page.locator("[data-selected]")).to_have_text("Chosen: 4")
    toggle("Any 04")
    expect(page.locator("[data-selected]")).to_have_text("Chosen: 5")


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
