"""A new colleague in a real browser: invited, let in by the mail, deactivated; and a print-out."""

import re

import pytest
from django.core import mail
from playwright.sync_api import expect

from portal.models import User


def sign_in(page, email, password="demo-portal"):
    page.goto("/")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def arrived(page, heading):
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)


@pytest.mark.parametrize("javascript", [True, False])
def test_a_colleague_is_invited_comes_in_and_is_let_go(demo, open_browser, live_server, javascript):
    admin = open_browser(javascript=javascript)
    sign_in(admin, "users@nordlicht.example")
    admin.get_by_role("link", name="Settings").click()
    admin.get_by_role("link", name="Users", exact=True).click()
    arrived(admin, "Users")
    admin.get_by_role("link", name="Invite a user").click()
    admin.get_by_label("Email").fill("neu@nordlicht.example")
    admin.get_by_label("Name").fill("Änne Neu")
    admin.get_by_label("Helpdesk agent").check()
    admin.get_by_role("button", name="Send the invitation").click()
    arrived(admin, "Users")
    row = admin.get_by_role("row").filter(has_text="neu@nordlicht.example")
    expect(row).to_contain_text("Invited")

    # The colleague opens the link of the mail, at another computer.
    [link] = re.findall(re.escape(live_server.url) + r"(/accounts/\S+)", mail.outbox[-1].body)
    colleague = open_browser(javascript=javascript, width=320)
    colleague.goto(link)
    arrived(colleague, "Set your password")
    expect(colleague.get_by_label("Email")).to_have_value("neu@nordlicht.example")
    colleague.get_by_label("Password", exact=True).fill("barrel-of-apples")
    colleague.get_by_label("Password, again").fill("barrel-of-apples")
    colleague.get_by_role("button", name="Set the password and sign in").click()
    arrived(colleague, "Customers")

    # The link is used up; with the password the colleague comes back.
    stranger = open_browser(javascript=javascript)
    stranger.goto(link)
    arrived(stranger, "This link no longer works")
    sign_in(stranger, "neu@nordlicht.example", "barrel-of-apples")
    arrived(stranger, "Customers")

    # Let go; whatever is open, is closed.
    admin.get_by_role("link", name="Änne Neu").click()
    arrived(admin, "Änne Neu")
    admin.get_by_role("button", name="Deactivate").click()
    # Without scripts the question is a page of its own.
    question = admin.get_by_role("dialog" if javascript else "main")
    expect(question).to_contain_text("is signed out everywhere at once")
    question.get_by_role("button", name="Deactivate").click()
    expect(admin.get_by_role("status")).to_have_text("Änne Neu was deactivated and signed out.")
    colleague.reload()
    arrived(colleague, "Sign in")
    assert not User.objects.get(email="neu@nordlicht.example").is_active


def test_the_customer_prints_and_saves_whom_to_call(demo, open_browser):
    page = open_browser()
    sign_in(page, "admin@albers.example")
    arrived(page, "Support")
    contact = page.get_by_role("region", name="Südwind Cloud")
    with page.expect_download() as download:
        contact.get_by_role("link", name="Save as a contact (vCard)").click()
    assert download.value.suggested_filename == "südwind-cloud.vcf"
    page.get_by_role("link", name="Print view").click()
    arrived(page, "Support contacts of Reederei Albers")
    page.evaluate("window.print = () => { document.title = 'printed' }")
    page.get_by_role("button", name="Print").click()
    expect(page).to_have_title("printed")
    page.emulate_media(media="print")
    expect(page.get_by_role("button", name="Print")).to_be_hidden()
    expect(page.get_by_text("+43 1 5550200")).to_be_visible()
    page.emulate_media(media="screen")
    page.get_by_role("link", name="Back").click()
    arrived(page, "Support")
