"""A question is a dialog that keeps the keyboard inside; without scripts it is a page of its own."""

import pytest
from django.conf import settings
from django.urls import reverse
from playwright.sync_api import expect

from tests.factories import RelationshipRequestFactory
from tests.pages import signed_in

GLOBAL = "global@nordlicht.example"
ALBERS = "admin@albers.example"
OFFICE = "Office 365 Business Standard"
RESELLERS = "/relationships/resellers/"
INSIDE = "document.activeElement.closest('dialog') !== null"


@pytest.fixture
def enter(open_browser, live_server):
    """``enter(email, path)``: a page that this person has opened."""

    def open_as(email, path, **how):
        page = open_browser(**how)
        session = signed_in(email).cookies[settings.SESSION_COOKIE_NAME].value
        cookie = {"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}
        page.context.add_cookies([cookie])
        page.goto(path)
        return page

    return open_as


@pytest.fixture
def partnership(demo):
    """Nordlicht and Hafen IT, which answers for Office 365 and asks for both in one request."""
    demo.subscription("Reederei Albers", OFFICE).designate(
        demo.partner("Hafen IT"), by=demo.user(GLOBAL)
    )
    partnership = demo.partnership("Nordlicht Distribution", "Hafen IT")
    RelationshipRequestFactory(
        partner=partnership.reseller,
        provider=partnership.provider,
        created_by=demo.user("global@hafen.example"),
    )
    return partnership


def ask(page, name="End the partnership", row="Hafen IT"):
    """Press the button of a row with the keyboard; gives the button and the dialog."""
    button = page.get_by_role("row").filter(has_text=row).get_by_role("button", name=name)
    button.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    return button, dialog


def test_the_dialog_names_its_object_and_says_what_follows(partnership, enter):
    page = enter(GLOBAL, RESELLERS)
    _button, dialog = ask(page)
    expect(dialog).to_have_accessible_name("End the partnership with Hafen IT?")
    said = "It answers for 1 subscription of 1 customer, which goes to you. 1 request ends"
    assert said in " ".join(dialog.inner_text().split())
    assert dialog.evaluate("dialog => dialog.matches(':modal')")
    dialog.get_by_role("link", name="Show them in a list").click()
    expect(page.get_by_role("row").filter(has_text=OFFICE)).to_have_count(1)


def test_the_keyboard_begins_on_the_safe_answer_and_stays_inside(partnership, enter):
    page = enter(GLOBAL, RESELLERS)
    _button, dialog = ask(page)
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    for key in ("Tab", "Shift+Tab"):
        met = []
        for _ in range(8):
            page.keyboard.press(key)
            assert page.evaluate(INSIDE), f"{key} left the dialog after {met}"
            met.append(page.evaluate("document.activeElement.textContent.trim()"))
        assert set(met) == {
            "Show them in a list",
            "Export (CSV)",
            "End the partnership",
            "Cancel",
        }
    # Also after a press on its text, which takes the focus from all of them.
    dialog.get_by_role("heading").click()
    page.keyboard.press("Tab")
    assert page.evaluate(INSIDE)


@pytest.mark.parametrize("way", ["Escape", "Cancel"])
def test_who_thinks_better_of_it_is_back_at_the_button(partnership, enter, way):
    page = enter(GLOBAL, RESELLERS)
    for _ in range(2):  # and may ask again
        button, dialog = ask(page)
        if way == "Escape":
            page.keyboard.press("Escape")
        else:
            dialog.get_by_role("button", name="Cancel").click()
        expect(dialog).to_have_count(0)
        expect(button).to_be_focused()
    partnership.refresh_from_db()
    assert partnership.ended_at is None


def test_the_answer_acts(partnership, enter):
    page = enter(GLOBAL, RESELLERS)
    _button, dialog = ask(page)
    dialog.get_by_role("button", name="End the partnership").click()
    expect(page.get_by_role("status")).to_have_text("The partnership was ended.")
    partnership.refresh_from_db()
    assert partnership.ended_at is not None


@pytest.mark.parametrize(
    ("locale", "button", "heading", "sentence", "cancel"),
    [
        (
            "en",
            "End the partnership",
            "End the partnership with Hafen IT?",
            "It answers for 1 subscription of 1 customer, which goes to you.",
            "Cancel",
        ),
        (
            "de",
            "Partnerschaft beenden",
            "Partnerschaft mit Hafen IT beenden?",
            "Er ist für 1 Abonnement von 1 Kunden zuständig; es geht an Sie.",
            "Abbrechen",
        ),
    ],
)
def test_without_scripts_it_is_a_page_of_its_own(
    partnership, enter, locale, button, heading, sentence, cancel
):
    page = enter(GLOBAL, RESELLERS, locale=locale, javascript=False)
    row = page.get_by_role("row").filter(has_text="Hafen IT")
    row.get_by_role("button", name=button).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    main = page.get_by_role("main")
    expect(main).to_contain_text(sentence)
    main.get_by_role("link", name=cancel).click()
    expect(row).to_have_count(1)
    row.get_by_role("button", name=button).click()
    main.get_by_role("button", name=button).click()
    expect(row).to_have_count(0)


def test_a_question_in_german_is_one_in_the_dialog_too(partnership, enter):
    page = enter(ALBERS, "/support/partners/", locale="de")
    _button, dialog = ask(page, "Delegierte Administratorrechte entfernen")
    expect(dialog).to_have_accessible_name("Delegierte Administratorrechte von Hafen IT entfernen?")
    expect(dialog).to_contain_text(
        "Er ist für 1 Ihrer Produkte zuständig; es geht an Nordlicht Distribution."
    )


def test_what_is_over_meanwhile_is_said_in_the_dialog(demo, partnership, enter):
    page = enter(GLOBAL, RESELLERS)
    partnership.end(by=demo.user("global@hafen.example"))
    _button, dialog = ask(page)
    expect(dialog).to_contain_text("This partnership has ended.")
    expect(dialog.get_by_role("button")).to_have_text(["Back"])


def test_where_another_page_answers_that_one_is_opened(demo, partnership, enter):
    """Signed out meanwhile, one signs in first, and is asked then."""
    page = enter(GLOBAL, RESELLERS)
    demo.user(GLOBAL).end_sessions()
    row = page.get_by_role("row").filter(has_text="Hafen IT")
    row.get_by_role("button", name="End the partnership").click()
    page.get_by_label("Email").fill(GLOBAL)
    page.get_by_label("Password").fill("demo-portal")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("End the partnership with Hafen IT?")


def test_chosen_rows_are_asked_about_by_name(demo, enter):
    albers = demo.customer("Reederei Albers")
    page = enter(GLOBAL, reverse("account:detail", args=[albers.pk]))
    button = page.get_by_role("button", name="Suspend the chosen ones")
    expect(button).to_be_disabled()
    page.get_by_label("Choose Azure plan").check()
    button.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_have_accessible_name("Suspend 1 subscription of Reederei Albers?")
    expect(dialog.get_by_role("listitem")).to_have_text(["Azure plan"])
    dialog.get_by_role("button", name="Suspend the chosen ones").click()
    expect(page.get_by_role("status")).to_have_text("1 subscription was suspended.")
