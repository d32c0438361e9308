"""R6, R14: the page behind a personal link, and how little it tells whom it is not for."""

from urllib.parse import parse_qs

import pytest
from django.core import mail
from django.core.cache import cache
from django.test import Client

from tests.demo import ALBERS, GLOBAL, HAFEN, KRANICH, OPERATOR, PETERSEN
from tests.pages import Page, links, opened, signed_in
from tests.relationships.pages import alike


@pytest.mark.parametrize(
    "token", ["x", "%00", "%ED%A0%80", "ü", "a-1.b", "-", ".", "x" * 3000, "null", "%2e%2e"]
)
def test_an_unknown_link_is_not_found(demo, token):
    for end in ("", "accept/", "decline/", "register/"):
        path = f"/invitations/{token}/{end}"
        assert Client().get(path).status_code == 404
        assert Client().post(path).status_code == 404


def test_a_link_cannot_be_made_from_another(demo, ask):
    made, other = ask(), ask(HAFEN, "Werft", "a@werft.example")
    signature = made.token.rpartition(".")[2]
    for forged in (
        f"{other.pk.hex}-1.{signature}",
        f"{made.pk.hex}-2.{signature}",
        f"{made.pk.hex}-1.{signature[:-1]}",
        f"{made.pk.hex}-1",
        str(made.pk),
    ):
        assert Client().get(f"/invitations/{forged}/").status_code == 404


def test_R6_the_first_page_names_the_partner_and_leads_to_the_sign_in(demo, ask):
    made = ask()
    page = opened(None, made.path)
    assert page.heading == "Kranich Consulting asks to work with your company"
    assert page.find("form") == []
    for hidden in ("Albers", "albers", "privileges", "MPN"):
        assert hidden not in page.source
    sign_in = links(page)["Sign in to answer"]
    browser = Client()
    answer = browser.post(
        sign_in,
        {"username": ALBERS, "password": "demo-portal", "next": parse_qs(sign_in)[LOGIN][0]},
    )
    assert answer.url == made.path
    page = Page(browser.get(answer.url))
    assert page.facts["Indirect reseller"] == "Kranich Consulting, Germany (MPN ID 5200300)"
    assert page.facts["To"] == "Reederei Albers, admin@albers.example"
    assert "Delegated admin privileges (DAP): the partner can administer" in page.text
    assert "Accept" in page.all_text("button")


@pytest.mark.parametrize("language", ["en", "de"])
def test_R14_known_or_unknown_each_firms_first_pages_look_alike(demo, ask, language):
    """The partner sees its own link too, and opens it in a private window."""
    known = ask()
    by_domain = ask(KRANICH, "Weingut Huber", "cellar@huber.example")
    unknown = ask(KRANICH, "Werft Neu", "anna@werft.example")
    own = ask(KRANICH, "Someone", "colleague@kranich.example", with_dap=False)

    def seen(made):
        browser = Client(headers={"accept-language": language})
        return [
            alike(browser.get(made.path)),
            alike(browser.get(made.path + "register/")),
            alike(browser.post(made.path + "register/", {"email": "x"})),
            alike(browser.post(made.path + "register/", {"email": "me@kranich-private.example"})),
            alike(browser.post(made.path + "accept/", {"agrees": "on"})),
            alike(browser.post(made.path + "decline/", {"reason": "No"})),
            alike(browser.post(made.path + "prove/")),
        ]

    assert seen(known) == seen(unknown)
    cache.clear()
    assert seen(by_domain) == seen(own)
    cache.clear()
    assert seen(by_domain) == seen(unknown)


def test_R14_a_reseller_signs_in_only(invite):
    known, unknown = invite(), invite("info@elsewhere.example")
    browser = Client(headers={"accept-language": "en"})
    assert alike(browser.get(known.path)) == alike(browser.get(unknown.path))
    page = Page(browser.get(known.path))
    assert "Sign in to answer" in links(page)
    assert "My company is new here: register" not in links(page)


LOGIN = "/accounts/login/?next"


def test_R6_a_request_without_dap_says_so(demo, ask):
    page = opened(ALBERS, ask(with_dap=False).path)
    assert "No delegated admin privileges." in page.text
    assert "can administer" not in page.text


def test_R12_a_joint_request_names_both(demo, ask):
    made = ask(HAFEN, address=PETERSEN, provider=demo.partner("Nordlicht Distribution"))
    page = opened(PETERSEN, made.path)
    assert page.facts["Indirect reseller"].startswith("Hafen IT")
    assert page.facts["Indirect provider"].startswith("Nordlicht Distribution")


def test_opening_a_link_changes_nothing(demo, ask, nothing_written):
    made = ask()
    browsers = [signed_in(ALBERS), signed_in(KRANICH), Client()]
    with nothing_written():
        for browser in browsers:
            browser.get(made.path)
            browser.head(made.path)


ADMINS_ONLY = "Only an admin of the customer that this is addressed to may answer."


@pytest.mark.parametrize(
    ("email", "organisation", "says"),
    [
        (PETERSEN, "Backhaus Petersen", "This was sent to an address that is not yet known"),
        (KRANICH, "Kranich Consulting", ADMINS_ONLY),
        (GLOBAL, "Nordlicht Distribution", ADMINS_ONLY),
        (OPERATOR, None, ADMINS_ONLY),
    ],
)
def test_R6_in_the_wrong_name_nothing_is_read_nor_accepted_and_a_switch_is_offered(
    demo, ask, email, organisation, says, nothing_written
):
    made = ask()
    browser = signed_in(email)
    page = Page(browser.get(made.path))
    assert page.heading == "Kranich Consulting asks to work with your company"
    assert f"You are signed in as {email}" in page.text
    assert says in page.text
    for hidden in ("Albers", "albers", "privileges"):
        assert hidden not in page.text
    if organisation:
        assert f"({organisation})" in page.text
    assert page.all_text("button")[-1] == "Sign out and switch"
    with nothing_written():
        for end, data in (
            ("accept/", {"agrees": "on"}),
            ("decline/", {"reason": "No"}),
            ("register/", {"email": "me@firm.example"}),
        ):
            answer = browser.post(made.path + end, data)
            assert (answer.status_code, answer.url) == (302, made.path)
    assert mail.outbox == []
    # Signed out, the link is there again; signed in as the right one, it can be answered.
    answer = browser.post("/accounts/logout/", {"next": page.hidden("next")})
    assert answer.url == made.path
    assert "Sign in to answer" in links(Page(browser.get(made.path)))
