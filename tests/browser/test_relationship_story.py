"""Relationships in a real browser: asked for, accepted, used, taken back; and a firm that is new."""

import re

import pytest
from playwright.sync_api import expect

from relationships.models import RelationshipRequest
from tests.pages import link_in_mail

OFFICE = "Office 365 Business Standard"


def sign_in(page, email, path="/", password="demo-portal", words=("Email", "Password", "Sign in")):
    """Go to ``path``, by way of the sign-in."""
    page.goto(path)
    page.get_by_label(words[0]).fill(email)
    page.get_by_label(words[1]).fill(password)
    page.get_by_role("button", name=words[2]).click()


def arrived(page, heading):
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)


def menu(page, name):
    """Follow a link of the menu, which is a drawer on a phone."""
    if page.viewport_size["width"] < 768:
        page.get_by_role("button", name="Menu", exact=True).click()
    page.locator("nav.site-menu").get_by_role("link", name=name, exact=True).click()
    arrived(page, name)


def ask(page, name, email, provider=None, language="de"):
    """Create a request with DAP, look at its draft, and return the personal link."""
    menu(page, "Relationship requests")
    page.get_by_role("link", name="Request a relationship").click()
    page.get_by_label("Firm").fill(name)
    page.get_by_label("Email of its admin").fill(email)
    page.locator("#id_language").select_option(language)
    expect(page.get_by_label("Ask for delegated admin privileges")).to_be_checked()
    if provider:
        page.get_by_label("Together with the indirect provider").select_option(provider)
    page.get_by_role("button", name="Create the request").click()
    arrived(page, f"Request to {name}")
    return page.get_by_label("Personal link").input_value()


def open_office(page):
    menu(page, "Customers")
    page.get_by_role("link", name="Reederei Albers").first.click()
    page.get_by_role("link", name=OFFICE).click()
    arrived(page, OFFICE)
    return page.get_by_label("Designated support contact")


def test_the_story_of_kranich_and_albers(demo, open_browser):
    # Kranich asks for a relationship with DAP, and has the portal send the mail.
    kranich = open_browser()
    sign_in(kranich, "global@kranich.example")
    arrived(kranich, "Customers")
    link = ask(kranich, "Reederei Albers", "admin@albers.example")
    kranich.get_by_label("Text", exact=True).fill("Moin, please let us help you.")
    kranich.get_by_role("button", name="Send from the portal").click()
    expect(kranich.get_by_role("status")).to_have_text(
        "The request is on its way to its recipient."
    )
    expect(kranich.get_by_label("Saved text with the link")).to_have_value(
        f"Moin, please let us help you.\n\n{link}"
    )
    kranich.get_by_role("link", name="Done").click()
    arrived(kranich, "Relationship requests")
    expect(kranich.get_by_role("row", name="Reederei Albers")).to_contain_text("Open")

    # Nordlicht reads that the request is open, and whom to remind.
    nordlicht = open_browser()
    sign_in(nordlicht, "helpdesk@nordlicht.example")
    arrived(nordlicht, "Customers")
    open_office(nordlicht)
    reason = nordlicht.get_by_role("listitem").filter(has_text="Kranich Consulting")
    expect(reason).to_contain_text("its request to the customer has been open since")
    expect(reason.get_by_role("link", name="Remind the customer")).to_be_visible()

    # Albers opens the link, signs in, comes back, and accepts. It speaks German.
    albers = open_browser("de")
    albers.goto(link)
    arrived(albers, re.compile("Kranich Consulting"))
    albers.get_by_role("main").get_by_role("link", name="Anmelden").click()
    albers.get_by_label("E-Mail").fill("admin@albers.example")
    albers.get_by_label("Passwort").fill("demo-portal")
    albers.get_by_role("button", name="Anmelden").click()
    expect(albers.get_by_role("main")).to_contain_text("Reederei Albers")
    albers.get_by_role("button", name="Annehmen", exact=True).click()
    arrived(albers, "Support")
    expect(albers.get_by_role("status")).to_contain_text("Kranich Consulting")

    # Kranich is among Nordlicht's possible contacts now, and is designated.
    choice = open_office(nordlicht)
    expect(choice.get_by_role("option")).to_have_text(
        ["Hafen IT", "Kranich Consulting", "Nordlicht Distribution"]
    )
    choice.select_option("Kranich Consulting")
    nordlicht.get_by_role("button", name="Submit").click()
    arrived(nordlicht, "Review the support contact")
    nordlicht.get_by_role("link", name="Close").click()
    arrived(nordlicht, OFFICE)
    albers.goto("/support/")
    product = albers.locator(".support-group").filter(has_text=OFFICE)
    expect(product).to_contain_text("Kranich Consulting")

    # Albers takes the privileges away; before, it is asked whether it wants that.
    menu(albers, "Partnerbeziehungen")
    row = albers.get_by_role("row").filter(has_text="Kranich Consulting")
    row.get_by_role("button").first.click()
    dialog = albers.get_by_role("dialog")
    expect(dialog).to_contain_text("Kranich Consulting")
    expect(dialog).to_contain_text("es geht an Nordlicht Distribution")
    dialog.get_by_role("button", name="Abbrechen").click()
    expect(dialog).to_be_hidden()
    row.get_by_role("button").first.click()
    dialog.get_by_role("button").first.click()
    expect(albers.get_by_role("status")).to_be_visible()
    expect(row).to_contain_text("Nein, entfernt am")

    # All three see that Nordlicht answers, and why.
    menu(albers, "Support")
    expect(product).to_contain_text("Nordlicht Distribution")
    notice = albers.get_by_role("listitem").filter(has_text=OFFICE)
    expect(notice.first).to_contain_text(
        "Delegierte Administratorrechte von Kranich Consulting entfernt: "
        f"Nordlicht Distribution ist jetzt für {OFFICE} zuständig"
    )
    for page, begin, end in (
        (nordlicht, "of Kranich Consulting for Reederei Albers", "now with you"),
        (kranich, "for Reederei Albers", "no longer with you"),
    ):
        menu(page, "Customers")
        expect(page.get_by_role("region", name="Notices")).to_contain_text(
            f"Delegated admin privileges {begin} removed: {OFFICE} of Reederei Albers {end}"
        )
    choice = open_office(nordlicht)
    expect(choice.get_by_role("option")).to_have_text(["Hafen IT", "Nordlicht Distribution"])
    reason = nordlicht.get_by_role("listitem").filter(has_text="Kranich Consulting")
    expect(reason).to_contain_text("its delegated admin privileges were removed on")
    nordlicht.get_by_role("link", name="History").click()
    rows = nordlicht.get_by_role("row")
    expect(rows.nth(1)).to_contain_text("Delegated admin privileges removed")
    expect(rows.nth(2)).to_contain_text("Kranich Consulting")

    # Each dismisses the notice for itself.
    menu(kranich, "Customers")
    kranich.get_by_role("button", name="Dismiss all").click()
    arrived(kranich, "Customers")
    expect(kranich.get_by_role("button", name="Dismiss")).to_have_count(0)
    menu(nordlicht, "Customers")
    expect(nordlicht.get_by_role("button", name="Dismiss all")).to_be_visible()


@pytest.mark.parametrize("javascript", [True, False])
def test_R12_a_new_firm_registers_through_a_joint_invitation(demo, open_browser, javascript):
    hafen = open_browser(javascript=javascript)
    sign_in(hafen, "global@hafen.example")
    arrived(hafen, "Customers")
    link = ask(hafen, "Werft Neu", "anna@werft-neu.example", "Nordlicht Distribution", "en")
    expect(hafen.get_by_label("Text", exact=True)).to_have_value(
        re.compile("Hafen IT and Nordlicht Distribution")
    )
    hafen.get_by_role("link", name="Done").click()
    arrived(hafen, "Relationship requests")

    # The firm names its address, and goes on from the mail; it sees what it grants to whom.
    anna = open_browser(javascript=javascript, width=320)
    anna.goto(link)
    arrived(anna, "Hafen IT asks to work with your company")
    expect(anna.get_by_role("main")).not_to_contain_text("Werft")
    anna.get_by_role("link", name="My company is new here: register").click()
    arrived(anna, "Register your company")
    anna.get_by_label("Your email").fill("Anna@werft-neu.example")
    anna.get_by_role("button", name="Send the mail").click()
    arrived(anna, "Look into your mailbox")
    anna.goto(link_in_mail("anna@werft-neu.example"))
    arrived(anna, "Register your company")
    for partner in ("Hafen IT", "Nordlicht Distribution"):
        expect(anna.locator("dl.facts")).to_contain_text(partner)
    expect(anna.get_by_label("Primary domain")).to_have_value("werft-neu.example")
    expect(anna.get_by_label("Email", exact=True)).to_have_value("anna@werft-neu.example")
    anna.get_by_label("Firm").fill("Werft Neu GmbH")
    anna.get_by_label("Your name").fill("Anna Neu")
    for password in ("12345678", "barrel-of-apples"):
        anna.get_by_label("Password", exact=True).fill(password)
        anna.get_by_label("Password, again").fill(password)
        anna.get_by_label("My company accepts the customer agreement.").check()
        anna.get_by_role("button", name="Register and accept").click()
        if password == "12345678":
            expect(anna.get_by_role("alert")).to_contain_text("This password is too common.")
            expect(anna.get_by_label("Firm")).to_have_value("Werft Neu GmbH")
            expect(anna.get_by_label("Password", exact=True)).to_have_value("")
    arrived(anna, "Support")
    expect(anna.get_by_role("status")).to_contain_text("Your company is registered")
    menu(anna, "Partner relationships")
    for partner in ("Hafen IT", "Nordlicht Distribution"):
        row = anna.get_by_role("row").filter(has_text=partner)
        expect(row.get_by_role("button", name="Remove delegated admin").first).to_be_visible()
    anna.goto(link)
    arrived(anna, "This link no longer works")

    # Both partners see the customer, with DAP.
    menu(hafen, "Customers")
    nordlicht = open_browser(javascript=javascript)
    sign_in(nordlicht, "helpdesk@nordlicht.example")
    for page in (hafen, nordlicht):
        arrived(page, "Customers")
        row = page.get_by_role("row").filter(has_text="Werft Neu GmbH")
        expect(row.locator("[data-label='Delegated admin privileges']")).to_have_text("Yes")
    assert RelationshipRequest.objects.get().customer == demo.customer("Werft Neu GmbH")


def test_a_link_opened_in_the_wrong_name_is_answered_after_the_switch(demo, open_browser):
    link = RelationshipRequest.objects.ask(
        by=demo.user("global@kranich.example"),
        recipient_name="Reederei Albers",
        recipient_email="admin@albers.example",
        language="en",
    ).path
    page = open_browser()
    sign_in(page, "admin@petersen.example")
    arrived(page, "Support")
    page.goto(link)
    expect(page.get_by_role("main")).to_contain_text("You are signed in as admin@petersen.example")
    expect(page.get_by_role("main")).not_to_contain_text("Albers")
    expect(page.get_by_role("button", name="Accept")).to_have_count(0)
    page.get_by_role("button", name="Sign out and switch").click()
    page.get_by_role("link", name="Sign in to answer").click()
    page.get_by_label("Email").fill("admin@albers.example")
    page.get_by_label("Password").fill("demo-portal")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("main")).to_contain_text("You answer in the name of Reederei Albers.")
    page.get_by_label("Reason for declining").fill("We have a partner.")
    page.get_by_role("button", name="Decline").click()
    arrived(page, "Support")
    assert RelationshipRequest.objects.get().decline_reason == "We have a partner."


def test_R9_what_blocks_is_suspended_then_the_relationship_removed(demo, open_browser):
    page = open_browser()
    sign_in(page, "global@nordlicht.example")
    page.get_by_role("link", name="Reederei Albers").click()
    page.get_by_role("link", name="Account").click()
    remove = page.get_by_role("button", name="Remove the relationship").first
    expect(remove).to_be_disabled()
    page.get_by_label("Choose Azure plan").check()
    expect(page.get_by_text("Chosen: 1")).to_be_visible()
    page.get_by_role("button", name="Suspend the chosen ones").click()
    page.get_by_role("dialog").get_by_role("button", name="Suspend the chosen ones").click()
    expect(page.get_by_role("status")).to_have_text("1 subscription was suspended.")
    page.get_by_role("button", name="Suspend all").click()
    page.get_by_role("dialog").get_by_role("button", name="Suspend all").click()
    expect(remove).to_be_enabled()
    remove.click()
    page.get_by_role("dialog").get_by_role("button", name="Remove the relationship").click()
    # The notice to print, in the customer's language; on paper it stands alone.
    done = page.get_by_role("status")
    expect(done).to_have_text("The relationship was removed.")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    letter = page.get_by_role("article")
    expect(letter).to_have_attribute("lang", "de")
    expect(letter).to_contain_text("Reederei Albers")
    page.emulate_media(media="print")
    for around in (page.get_by_role("navigation"), page.get_by_role("banner"), done):
        expect(around).to_be_hidden()
    expect(letter).to_be_visible()
    page.emulate_media(media="screen")
    page.goto("/customers/")
    arrived(page, "Customers")
    expect(page.get_by_role("link", name="Reederei Albers")).to_have_count(0)
