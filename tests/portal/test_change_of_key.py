"""A new SECRET_KEY with the old one among SECRET_KEY_FALLBACKS: nobody is signed out, no link dies."""

import re

import pytest
from django.test import Client

from portal.models import Membership
from portal.permissions import Role
from tests.demo import HELPDESK
from tests.factories import RelationshipRequestFactory
from tests.pages import Page, sign_in

NEW = "the new one, long enough for anybody to accept it, is it not?"


@pytest.fixture(params=[True, False], ids=["bridged", "at-once"])
def change(request, settings):
    """Change the key. Called, it says whether what was signed before is good."""

    def change():
        old, settings.SECRET_KEY = settings.SECRET_KEY, NEW
        settings.SECRET_KEY_FALLBACKS = [old] if request.param else []
        return request.param

    return change


@pytest.fixture
def browser(demo):
    return Client(headers={"accept-language": "en"})


def is_in(browser):
    return browser.get("/accounts/sessions/").status_code == 200


def test_sessions_go_on_and_are_listed(demo, browser, change):
    other = Client(headers={"user-agent": "Other"})
    for client in (browser, other):
        sign_in(client, HELPDESK)
    good = change()
    assert is_in(browser) == good
    if good:
        rows = Page(browser.get("/accounts/sessions/")).table
        assert {row["Browser"] for row in rows} == {"– this one", "Other"}
        browser.post("/accounts/sessions/")
        assert not is_in(other)


def test_invitations_of_users_go_on(demo, browser, change):
    invited = Membership.objects.invite(
        demo.partner("Nordlicht Distribution"),
        by=demo.user("users@nordlicht.example"),
        email="neu@nordlicht.example",
        name="Änne Neu",
        roles=[Role.SALES_AGENT],
    ).user
    path = invited.invitation_path
    good = change()
    assert browser.get(path).status_code == (200 if good else 404)
    if good:
        assert demo.user(invited.email).invitation_path != path  # a new link has the new key
        assert browser.post(path, {"password1": NEW, "password2": NEW}).url == "/"


def test_an_invitation_that_was_replaced_stays_dead(demo, browser, change):
    invited = Membership.objects.invite(
        demo.partner("Nordlicht Distribution"),
        by=demo.user("users@nordlicht.example"),
        email="neu@nordlicht.example",
        name="Änne Neu",
        roles=[Role.SALES_AGENT],
    ).user
    path = invited.invitation_path
    demo.user(invited.email).send_invitation(by=demo.user("users@nordlicht.example"))
    good = change()
    assert browser.get(path).status_code == (410 if good else 404)


def test_links_of_relationship_requests_go_on(demo, browser, change):
    path = RelationshipRequestFactory().path
    good = change()
    assert browser.get(path).status_code == (200 if good else 404)


def test_links_to_a_new_password_go_on(demo, browser, queue, change):
    browser.post("/accounts/password/reset/", {"email": HELPDESK})
    [link] = re.findall(r"https://portal\.example(/\S+/reset/\S+)", queue.get().text)
    good = change()
    assert (browser.get(link).status_code == 302) == good


def test_a_known_browser_stays_known(demo, browser, change):
    sign_in(browser, HELPDESK)
    browser.post("/accounts/logout/")
    for number in range(5):
        stranger = Client(REMOTE_ADDR=f"198.51.100.{number}")
        for _ in range(5):
            sign_in(stranger, HELPDESK, "wrong")
    good = change()
    sign_in(browser, HELPDESK)
    assert is_in(browser) == good
