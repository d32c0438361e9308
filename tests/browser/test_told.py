"""What seller, former and new contact and customer read of who answers, in a real browser (C11)."""

import pytest
from django.conf import settings
from playwright.sync_api import expect

from portal.authority import PORTAL
from subscriptions.models import BulkAssignment
from tests.pages import signed_in

OFFICE = "Office 365 Business Standard"
HELPDESK = "helpdesk@nordlicht.example"
READERS = {
    "global@nordlicht.example": "/customers/",
    "global@hafen.example": "/customers/",
    "admin@albers.example": "/support/",
}


def read(open_browser, live_server, email, width=1280):
    """Return the notices of the first page, and that page."""
    page = open_browser(width=width)
    session = signed_in(email).cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}]
    )
    page.goto(READERS[email])
    notices = page.get_by_role("region", name="Notices")
    expect(notices).to_be_visible()
    assert notices.bounding_box()["height"] <= page.viewport_size["height"] / 3
    return notices, page


def choose(demo, name):
    demo.subscription("Reederei Albers", name).designate(
        demo.partner("Hafen IT"), by=demo.user(HELPDESK)
    )


def single(demo):
    choose(demo, OFFICE)


def in_bulk(demo):
    helpdesk = demo.user(HELPDESK)
    sold = demo.customer("Reederei Albers").subscriptions.sold_by(
        demo.partner("Nordlicht Distribution")
    )
    preview = BulkAssignment.objects.start(sold, by=helpdesk)
    preview.choose(demo.partner("Hafen IT"), by=helpdesk)
    preview.submit(by=helpdesk)


def fall_back(demo):
    single(demo)
    demo.relationship("Reederei Albers", "Hafen IT").remove_dap(by=PORTAL)


def ended_partnership(demo):
    in_bulk(demo)
    demo.partnership("Nordlicht Distribution", "Hafen IT").end(by=PORTAL)


DAP = "Delegated admin privileges"
ALL = "3 subscriptions of Reederei Albers"


@pytest.mark.parametrize(
    ("act", "seller", "reseller", "customer"),
    [
        (
            single,
            f"Support contact changed: {OFFICE} of Reederei Albers no longer with you",
            f"Support contact changed: {OFFICE} of Reederei Albers now with you",
            f"Support contact changed: Hafen IT now answers for {OFFICE}",
        ),
        (
            in_bulk,
            f"Support contact changed: {ALL} no longer with you",
            f"Support contact changed: {ALL} now with you",
            "Support contact changed: 3 products have another support contact",
        ),
        (
            fall_back,
            f"{DAP} of Hafen IT for Reederei Albers removed: {OFFICE} of Reederei Albers now with you",
            f"{DAP} for Reederei Albers removed: {OFFICE} of Reederei Albers no longer with you",
            f"{DAP} of Hafen IT removed: Nordlicht Distribution now answers for {OFFICE}",
        ),
        (
            ended_partnership,
            f"Partnership with Hafen IT ended: {ALL} now with you",
            f"Partnership with Nordlicht Distribution ended: {ALL} no longer with you",
            "Partnership ended: 3 products have another support contact",
        ),
    ],
)
def test_C11_each_reads_what_happened_and_opens_it(
    demo, open_browser, live_server, act, seller, reseller, customer
):
    act(demo)
    for email, said in zip(READERS, (seller, reseller, customer), strict=True):
        notices, page = read(open_browser, live_server, email)
        notices.get_by_role("link", name=said, exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(said)
        expect(page.get_by_role("row").filter(has_text=OFFICE)).to_be_visible()


def test_C11_a_former_contact_follows_its_notice_to_what_it_was(demo, open_browser, live_server):
    fall_back(demo)
    notices, page = read(open_browser, live_server, "global@hafen.example")
    notices.get_by_role("link", name="removed").click()
    page.get_by_role("link", name=OFFICE).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(OFFICE)
    expect(page.get_by_text("Your company answered for it until")).to_be_visible()


@pytest.mark.parametrize("width", [360, 1280])
def test_C11_many_notices_leave_most_of_the_screen(demo, open_browser, live_server, width):
    relationship = demo.relationship("Reederei Albers", "Hafen IT")
    for _time in range(3):
        single(demo)
        relationship.remove_dap(by=PORTAL)
        relationship.grant_dap(by=PORTAL)
        relationship.refresh_from_db()
    for email in READERS:
        notices, page = read(open_browser, live_server, email, width)
        notices.get_by_role("button", name="Dismiss").first.click()
        expect(notices.get_by_role("link", name="Further notices")).to_be_visible()
        notices.get_by_role("link", name="Further notices").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Notices")
        page.goto(READERS[email])
        page.get_by_role("button", name="Dismiss all").click()
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(notices).to_have_count(0)
