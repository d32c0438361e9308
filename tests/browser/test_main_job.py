"""The main job: a provider's helpdesk says who answers, the customer reads it."""

import pytest
from playwright.sync_api import expect

OFFICE = "Office 365 Business Standard"
WORDS = {
    "en": {
        "email": "Email",
        "password": "Password",
        "sign in": "Sign in",
        "sign out": "Sign out",
        "customers": "Customers",
        "name": "Name or domain",
        "search": "Search",
        "contact": "Designated support contact",
        "submit": "Submit",
        "review": "Review the support contact",
        "preview": "What the customer sees",
        "close": "Close",
        "support": "Support",
        "menu": "Menu",
        "content": "Skip to the content",
    },
    "de": {
        "email": "E-Mail",
        "password": "Passwort",
        "sign in": "Anmelden",
        "sign out": "Abmelden",
        "customers": "Kunden",
        "name": "Name oder Domäne",
        "search": "Suchen",
        "contact": "Designierter Supportkontakt",
        "submit": "Senden",
        "review": "Supportkontakt überprüfen",
        "preview": "Das sieht der Kunde",
        "close": "Schließen",
        "support": "Support",
        "menu": "Menü",
        "content": "Zum Inhalt springen",
    },
}


def require_no_sideways_scrolling(page):
    width = page.viewport_size["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width, page.url


def menu(page, words, name):
    """Follow a link of the menu, which is a drawer on a phone."""
    if page.viewport_size["width"] < 768:
        page.get_by_role("button", name=words["menu"], exact=True).click()
    page.get_by_role("navigation").get_by_role("link", name=words[name], exact=True).click()


def sign_in(page, words, email):
    page.goto("/")
    page.get_by_label(words["email"]).fill(email)
    page.get_by_label(words["password"]).fill("demo-portal")
    page.get_by_role("button", name=words["sign in"]).click()


@pytest.mark.parametrize(
    ("language", "javascript", "width"),
    [
        ("en", True, 1280),
        ("de", True, 1280),
        ("en", False, 1280),
        ("de", True, 320),
    ],
)
def test_the_main_job(demo, open_browser, language, javascript, width):
    words = WORDS[language]

    def arrived(page, heading):
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)
        expect(page.locator("html")).to_have_attribute("lang", language)
        if javascript:
            require_no_sideways_scrolling(page)

    # Menu Customers → the customer → the subscription.
    page = open_browser(language, javascript=javascript, width=width)
    page.goto("/")
    arrived(page, words["sign in"])
    sign_in(page, words, "helpdesk@nordlicht.example")
    arrived(page, words["customers"])
    menu(page, words, "customers")
    page.get_by_label(words["name"]).fill("reederei")
    page.get_by_role("button", name=words["search"]).click()
    arrived(page, words["customers"])
    page.get_by_role("link", name="Reederei Albers").click()
    arrived(page, "Reederei Albers")
    page.get_by_role("link", name=OFFICE).click()
    arrived(page, OFFICE)

    # The choice, and Submit.
    choice = page.get_by_label(words["contact"])
    expect(choice.get_by_role("option")).to_have_text(["Hafen IT", "Nordlicht Distribution"])
    expect(choice).to_have_value(str(demo.partner("Nordlicht Distribution").pk))
    choice.select_option("Hafen IT")
    page.get_by_role("button", name=words["submit"]).click()

    # The review, and Close.
    arrived(page, words["review"])
    facts = page.locator("dl.facts")
    for fact in ("Reederei Albers", OFFICE, "Nordlicht Distribution", "Hafen IT"):
        expect(facts).to_contain_text(fact)
    preview = page.get_by_role("region", name=words["preview"])
    expect(preview.get_by_role("link", name="040 5550400")).to_be_visible()
    shown = preview.locator(".support-details").inner_text()
    page.get_by_role("link", name=words["close"]).click()
    arrived(page, OFFICE)
    expect(page.get_by_label(words["contact"])).to_have_value(str(demo.partner("Hafen IT").pk))
    page.get_by_role("button", name=words["sign out"]).click()
    arrived(page, words["sign in"])

    # The customer's admin, at another computer.
    page = open_browser(language, javascript=javascript, width=width)
    sign_in(page, words, "admin@albers.example")
    arrived(page, words["support"])
    menu(page, words, "support")
    arrived(page, words["support"])
    row = page.locator(".support-group").filter(has_text=OFFICE)
    expect(row.locator("strong", has_text="Hafen IT")).to_be_visible()
    expect(row.get_by_role("link", name="040 5550400")).to_have_attribute(
        "href", "tel:+49405550400"
    )
    expect(row.get_by_role("link", name="support@hafen.example")).to_have_attribute(
        "href", "mailto:support@hafen.example"
    )
    # C6: to the letter what the review said.
    assert row.locator(".support-details").inner_text() == shown


def test_the_main_job_by_keyboard_alone(demo, open_browser):
    words = WORDS["en"]
    page = open_browser("en")
    page.goto("/")

    def tab_to(role, name):
        """Press Tab until the focus is there; wherever it is on the way, it can be seen."""
        target = page.get_by_role(role, name=name, exact=True)
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement === document.body"):
                continue
            seen = page.evaluate(
                """() => {
                    const style = getComputedStyle(document.activeElement);
                    const box = document.activeElement.getBoundingClientRect();
                    return (style.outlineStyle !== "none" && style.outlineWidth !== "0px"
                            || style.boxShadow !== "none") && box.width > 0 && box.top >= -1;
                }"""
            )
            assert seen, page.evaluate("document.activeElement.outerHTML")
            if target.evaluate("element => element === document.activeElement"):
                return
        raise AssertionError(f"The keyboard does not reach the {role} {name}.")

    def enter(heading):
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)

    tab_to("textbox", words["email"])
    page.keyboard.type("helpdesk@nordlicht.example")
    tab_to("textbox", words["password"])
    page.keyboard.type("demo-portal")
    enter(words["customers"])
    tab_to("link", words["content"])
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    tab_to("link", "Reederei Albers")
    enter("Reederei Albers")
    tab_to("link", OFFICE)
    enter(OFFICE)
    tab_to("combobox", words["contact"])
    page.keyboard.type("Haf")
    tab_to("button", words["submit"])
    enter(words["review"])
    expect(page.locator("dl.facts")).to_contain_text("Hafen IT")
    tab_to("link", words["close"])
    enter(OFFICE)
    tab_to("button", words["sign out"])
    enter(words["sign in"])
    tab_to("textbox", words["email"])
    page.keyboard.type("admin@albers.example")
    tab_to("textbox", words["password"])
    page.keyboard.type("demo-portal")
    enter(words["support"])
    row = page.locator(".support-group").filter(has_text=OFFICE)
    expect(row).to_contain_text("Hafen IT")
    tab_to("link", "040 5550400")


def test_C8_two_helpdesks_at_once_and_the_second_chooses_again(demo, open_browser):
    words = WORDS["en"]
    pages = [open_browser("en"), open_browser("en")]
    people = ["helpdesk@nordlicht.example", "agent@nordlicht.example"]
    office = demo.subscription("Reederei Albers", OFFICE)
    for page, email in zip(pages, people, strict=True):
        sign_in(page, words, email)
        expect(page.get_by_role("heading", level=1)).to_have_text(words["customers"])
        page.goto(f"/customers/{office.customer_id}/subscriptions/{office.pk}/")
    one, other = pages
    one.get_by_label(words["contact"]).select_option("Hafen IT")
    one.get_by_role("button", name=words["submit"]).click()
    expect(one.get_by_role("heading", level=1)).to_have_text(words["review"])
    other.get_by_label(words["contact"]).select_option("Nordlicht Distribution")
    other.get_by_role("button", name=words["submit"]).click()
    alert = other.get_by_role("alert")
    expect(alert).to_contain_text(
        "Helpdesk agent, Nordlicht Distribution (helpdesk@nordlicht.example) changed"
    )
    expect(alert).to_contain_text("Nothing was overwritten.")
    alert.get_by_role("link", name="Choose again").click()
    other.get_by_label(words["contact"]).select_option("Nordlicht Distribution")
    other.get_by_role("button", name=words["submit"]).click()
    expect(other.get_by_role("heading", level=1)).to_have_text(words["review"])
    office.refresh_from_db()
    assert str(office.support_contact) == "Nordlicht Distribution"


def test_the_language_is_switched_in_the_footer(demo, open_browser):
    page = open_browser("en")
    sign_in(page, WORDS["en"], "helpdesk@nordlicht.example")
    page.get_by_role("button", name="Deutsch").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Kunden")
    expect(page.get_by_role("button", name="Deutsch")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Abmelden").click()
    # It stays for the user, in another browser too.
    page = open_browser("en")
    sign_in(page, WORDS["en"], "helpdesk@nordlicht.example")
    expect(page.get_by_role("heading", level=1)).to_have_text("Kunden")
