"""A passkey from its making to the sign-in with it alone, in a browser with an authenticator."""

import pytest
from playwright.sync_api import Page

from portal.authority import PORTAL
from tests.demo import HELPDESK

WORDS = {
    "en": {
        "email": "Email",
        "password": "Password",
        "sign in": "Sign in",
        "profile": "Second factor",
        "add": "Add a passkey",
        "name": "Name",
        "make": "Add",
        "use": "Use a passkey",
        "sign out": "Sign out",
        "codes": "Recovery codes",
        "failed": "No passkey was given.",
    },
    "de": {
        "email": "E-Mail",
        "password": "Passwort",
        "sign in": "Anmelden",
        "profile": "Zweiter Faktor",
        "add": "Passkey hinzufügen",
        "name": "Name",
        "make": "Hinzufügen",
        "use": "Passkey verwenden",
        "sign out": "Abmelden",
        "codes": "Wiederherstellungscodes",
        "failed": "Es wurde kein Passkey übermittelt.",
    },
}


def plug_in(page: Page):
    """Give the browser an authenticator that knows its owner; returns how to take it away."""
    devices = page.context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    made = devices.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    return lambda: devices.send("WebAuthn.removeVirtualAuthenticator", made)


def sign_in(page, words):
    page.get_by_label(words["email"]).fill(HELPDESK)
    page.get_by_label(words["password"]).fill("demo-portal")
    page.get_by_role("button", name=words["sign in"]).click()


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_passkey_is_a_second_factor_and_a_way_in_of_its_own(demo, open_browser, language):
    words = WORDS[language]
    page = open_browser(locale=language)
    unplug = plug_in(page)
    page.goto("/settings/profile/")
    sign_in(page, words)
    page.get_by_role("link", name=words["profile"]).click()
    page.get_by_role("link", name=words["add"]).click()
    page.get_by_label(words["name"]).fill("Office laptop")
    page.get_by_role("button", name=words["make"], exact=True).click()
    page.get_by_role("heading", level=1, name=words["codes"], exact=True).wait_for()
    assert [one.wrap().name for one in demo.user(HELPDESK).second_factors] == ["Office laptop"]

    # Alone, without a password.
    page.get_by_role("button", name=words["sign out"]).click()
    page.get_by_role("button", name=words["use"]).click()
    page.wait_for_url("**/customers/")

    # After the password, as the second factor.
    page.get_by_role("button", name=words["sign out"]).click()
    sign_in(page, words)
    page.wait_for_url("**/second-factor/enter/")
    page.get_by_role("button", name=words["use"]).click()
    page.wait_for_url("**/customers/")

    # Without the device nobody gets on, and the page says so.
    page.get_by_role("button", name=words["sign out"]).click()
    unplug()
    plug_in(page)
    page.get_by_role("button", name=words["use"]).click()
    alert = page.get_by_role("alert").filter(has_text=words["failed"])
    alert.wait_for()
    assert page.url.endswith("/accounts/login/")


def test_T3_the_passkey_of_the_deactivated_opens_nothing(demo, open_browser):
    words = WORDS["en"]
    page = open_browser()
    plug_in(page)
    page.goto("/accounts/login/?next=/accounts/passkeys/add/")
    sign_in(page, words)
    page.get_by_role("button", name=words["make"], exact=True).click()
    page.get_by_role("heading", name=words["codes"]).wait_for()
    page.get_by_role("button", name=words["sign out"]).click()
    demo.user(HELPDESK).deactivate(by=PORTAL)
    page.get_by_role("button", name=words["use"]).click()
    page.get_by_text("This account can't sign in. Ask your admin.").wait_for()
    assert page.get_by_role("button", name=words["sign out"]).count() == 0


def test_without_javascript_the_other_ways_are_there(demo, open_browser):
    page = open_browser(javascript=False)
    page.goto("/accounts/login/?next=/accounts/passkeys/add/")
    assert page.get_by_role("button", name="Use a passkey").count() == 0
    sign_in(page, WORDS["en"])
    page.get_by_text("This browser makes no passkeys, or JavaScript is off.").wait_for()
    page.goto("/accounts/second-factor/app/")
    assert page.get_by_label("Key", exact=True).input_value()
