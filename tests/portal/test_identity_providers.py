"""Sign-in by an identity provider: linked by an invitation or from the profile, never by email."""

import base64
import hashlib
import json
import time
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
import requests
from allauth.socialaccount.models import SocialAccount
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from portal.authority import PORTAL
from portal.models import Action, Membership
from portal.permissions import Role
from portal.sign_in.providers import apps_of, origins_of
from tests.pages import ALBERS, NORDLICHT, Page, code_of, set_up_app, sign_in, signed_in

START = "/accounts/oidc/contoso/"
RETURN = "/accounts/oidc/contoso/return/"
IDENTITIES = "/accounts/identities/"
ISSUER = "https://login.contoso.example/v2.0"


class Contoso:
    """An identity provider in the place of the network: it answers what the portal asks."""

    def __init__(self):
        self.asked = []
        self.sent = {}
        self.claims = {}
        self.answers = {}

    def request(self, session, method, url, **kwargs):
        path = urlsplit(url).path.removeprefix("/v2.0")
        self.asked.append((path, kwargs.get("data") or {}))
        content = self.answers.get(path)
        if isinstance(content, Exception):
            raise content
        if content is None:
            content = {
                "/.well-known/openid-configuration": {
                    "issuer": ISSUER,
                    "authorization_endpoint": f"{ISSUER}/authorize",
                    "token_endpoint": f"{ISSUER}/token",
                    "jwks_uri": f"{ISSUER}/keys",
                    "userinfo_endpoint": f"{ISSUER}/userinfo",
                    "token_endpoint_auth_methods_supported": ["client_secret_post"],
                },
                "/token": {"access_token": "a", "token_type": "Bearer", "id_token": self.token()},
            }[path]
        answer = requests.Response()
        answer.status_code = 200
        answer.headers["content-type"] = "application/json"
        answer._content = content if isinstance(content, bytes) else json.dumps(content).encode()
        return answer

    def token(self):
        claims = {"iss": ISSUER, "aud": "portal", "exp": int(time.time()) + 300, **self.claims}
        return jwt.encode(claims, "a key that nobody checks, for TLS vouches for it", "HS256")

    def send_back(self, browser, start, **parameters):
        """What the browser asks next, after the person has signed in there."""
        self.sent = {key: value for key, [value] in parse_qs(urlsplit(start.url).query).items()}
        assert start.url.startswith(f"{ISSUER}/authorize?")
        return browser.get(RETURN, {"code": "abc", "state": self.sent["state"]} | parameters)

    def sign_in(self, browser, subject, email="x@y.example", process="login", next=""):
        self.claims = {"sub": subject, "email": email, "email_verified": True}
        data = {"process": process, "next": next}
        return self.send_back(browser, browser.post(START, data))


@pytest.fixture
def contoso(monkeypatch):
    provider = Contoso()
    monkeypatch.setattr(
        requests.Session,
        "request",
        lambda session, method, url, **kwargs: provider.request(session, method, url, **kwargs),
    )
    return provider


@pytest.fixture
def browser(demo):
    return Client(headers={"accept-language": "en"})


def is_in(browser):
    return browser.get("/activity/").status_code == 200


def linked(demo, email, subject="someone"):
    return SocialAccount.objects.create(user=demo.user(email), provider="contoso", uid=subject)


# The way there and back


def test_the_sign_in_offers_the_provider_and_sends_on_to_it(browser, contoso):
    page = Page(browser.get("/accounts/login/"))
    assert page.all_text("button") == ["Sign in", "Use a passkey", "Continue with Contoso"]
    start = browser.post(START)
    found = {key: value for key, [value] in parse_qs(urlsplit(start.url).query).items()}
    assert found["client_id"] == "portal"
    assert found["response_type"] == "code"
    assert found["redirect_uri"] == "http://testserver" + RETURN
    assert found["code_challenge_method"] == "S256"
    assert set(found["scope"].split()) == {"openid", "profile", "email"}


def test_a_link_does_not_start_it(browser, contoso):
    page = Page(browser.get(START))
    assert page.heading == "Go on to Contoso"
    assert contoso.asked == []


def test_the_code_is_of_use_to_nobody_else(demo, browser, contoso):
    """PKCE: the token is given for the verifier of the challenge that the browser brought."""
    linked(demo, NORDLICHT)
    contoso.sign_in(browser, "someone")
    [(_path, posted)] = [asked for asked in contoso.asked if asked[0] == "/token"]
    digest = hashlib.sha256(posted["code_verifier"].encode()).digest()
    assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == contoso.sent["code_challenge"]


def test_a_linked_identity_signs_in(demo, browser, contoso):
    linked(demo, NORDLICHT)
    answer = contoso.sign_in(browser, "someone", next="/activity/")
    assert answer.url == "/activity/"
    assert is_in(browser)


def test_the_second_factor_is_asked_for_here_too(demo, browser, contoso, time_machine):
    time_machine.move_to("2026-06-01 12:00:00+00:00", tick=False)
    linked(demo, NORDLICHT)
    app = set_up_app(demo.user(NORDLICHT))
    assert contoso.sign_in(browser, "someone").url == "/accounts/second-factor/enter/"
    assert not is_in(browser)
    browser.post("/accounts/second-factor/enter/", {"code": code_of(app)})
    assert is_in(browser)


@pytest.mark.parametrize("target", ["https://elsewhere.example/", "//elsewhere.example/"])
def test_next_does_not_lead_out_of_the_portal(demo, browser, contoso, target):
    linked(demo, NORDLICHT)
    assert contoso.sign_in(browser, "someone", next=target).url == "/"


# Who is refused


@pytest.mark.parametrize("process", ["login", "redirect", "", "x"])
def test_an_unknown_identity_needs_an_invitation_whatever_email_it_shows(
    demo, browser, contoso, process, nothing_written
):
    with nothing_written():
        answer = contoso.sign_in(browser, "someone", email=NORDLICHT, process=process)
    assert answer.status_code == 403
    page = Page(answer)
    assert page.heading == "You need an invitation"
    assert not is_in(browser)
    assert not SocialAccount.objects.exists()


def test_T3_the_deactivated_do_not_come_in_this_way_either(demo, browser, contoso):
    linked(demo, NORDLICHT)
    linked(demo, "global@hafen.example", "another")
    demo.user(NORDLICHT).deactivate(by=PORTAL)
    demo.partner("Hafen IT").deactivate(by=PORTAL)
    for subject in ("someone", "another"):
        answer = contoso.sign_in(browser, subject)
        assert answer.url == "/accounts/login/"
        assert Page(browser.get(answer.url)).alerts == [
            ("alert", "This account can't sign in. Ask your admin.")
        ]
        assert not is_in(browser)


def test_an_identity_of_another_provider_with_the_same_name_is_another(demo, browser, contoso):
    SocialAccount.objects.create(user=demo.user(NORDLICHT), provider="other", uid="someone")
    assert contoso.sign_in(browser, "someone").status_code == 403


@pytest.mark.parametrize(
    "parameters",
    [
        {"state": "made-up"},
        {"state": ""},
        {"code": "", "error": "server_error"},
        {"error": "invalid_request", "error_description": "<b>"},
    ],
)
def test_an_answer_that_nobody_asked_for_is_refused(demo, browser, contoso, parameters):
    linked(demo, NORDLICHT)
    contoso.claims = {"sub": "someone"}
    answer = contoso.send_back(browser, browser.post(START), **parameters)
    assert answer.status_code == 401
    assert Page(answer).heading == "Not signed in"
    assert not is_in(browser)


def test_an_answer_of_another_browser_is_refused(demo, browser, contoso):
    """Else a stranger could sign somebody in to the stranger's own account."""
    linked(demo, NORDLICHT)
    contoso.claims = {"sub": "someone"}
    start = browser.post(START)
    victim = Client(headers={"accept-language": "en"})
    assert contoso.send_back(victim, start).status_code == 401
    assert not is_in(victim)


def test_who_cancels_there_is_told_so_here(browser, contoso):
    answer = contoso.send_back(browser, browser.post(START), error="access_denied")
    assert "You cancelled at the identity provider." in Page(browser.get(answer.url)).text


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "someone", "aud": "another"},
        {"sub": "someone", "iss": "https://elsewhere.example"},
        {"sub": "someone", "exp": 1},
        {"sub": ""},
        {"sub": "x" * 500},
        {},
    ],
)
def test_a_token_for_somebody_else_is_refused(demo, browser, contoso, claims):
    linked(demo, NORDLICHT)
    contoso.claims = claims
    answer = contoso.send_back(browser, browser.post(START))
    assert answer.status_code in (401, 502)
    assert Page(answer).heading == "Not signed in"
    assert not is_in(browser)


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/token"])
@pytest.mark.parametrize(
    "content", [requests.ConnectionError("x"), b"<html>", {}, [], b"null", {"error": "x"}]
)
def test_a_provider_that_does_not_answer_is_no_error_of_the_server(
    demo, browser, contoso, path, content
):
    linked(demo, NORDLICHT)
    contoso.claims = {"sub": "someone"}
    start = browser.post(START)
    contoso.answers[path] = content
    for answer in (contoso.send_back(browser, start), browser.post(START)):
        if answer.status_code == 302:
            assert answer.url.startswith(ISSUER)
            continue
        assert answer.status_code in (401, 502)
        assert Page(answer).heading == "Not signed in"
    assert not is_in(browser)


def test_a_provider_that_the_environment_does_not_name_is_not_found(demo, browser, contoso):
    for path in ("/accounts/oidc/fabrikam/", "/accounts/oidc/fabrikam/return/"):
        assert browser.get(path).status_code == 404
        assert browser.post(path).status_code == 404


# Linking


def test_the_profile_links_an_identity_and_unlinks_it(demo, browser, contoso, queue):
    sign_in(browser, NORDLICHT)
    page = Page(browser.get("/settings/profile/"))
    assert "Identity providers" in page.all_text("a")
    answer = contoso.sign_in(browser, "someone", email="a@contoso.example", process="connect")
    assert answer.url == IDENTITIES
    page = Page(browser.get(IDENTITIES))
    assert "Contoso: a@contoso.example" in page.text
    [account] = SocialAccount.objects.all()
    assert account.user == demo.user(NORDLICHT)

    other = Client()
    assert contoso.sign_in(other, "someone").url == "/"
    assert is_in(other)

    browser.post(IDENTITIES, {"account": account.pk})
    assert not SocialAccount.objects.exists()
    assert contoso.sign_in(Client(), "someone").status_code == 403
    assert [entry.action for entry in demo.log(actor=demo.user(NORDLICHT))] == [
        Action.IDENTITY_LINKED,
        Action.IDENTITY_UNLINKED,
    ]
    assert [queued.to for queued in queue.all()] == [[NORDLICHT], [NORDLICHT]]


def test_a_session_that_was_left_open_confirms_first(demo, contoso):
    left_open = signed_in(NORDLICHT)
    answer = contoso.sign_in(left_open, "someone", process="connect")
    assert answer.url == "/accounts/confirm/"
    assert not SocialAccount.objects.exists()
    left_open.post(answer.url, {"password": "demo-portal"})
    assert SocialAccount.objects.get().user == demo.user(NORDLICHT)


def test_an_identity_belongs_to_one_account(demo, browser, contoso):
    linked(demo, ALBERS)
    sign_in(browser, NORDLICHT)
    contoso.sign_in(browser, "someone", process="connect")
    assert (
        "alert",
        "This identity belongs to another account of the portal. Nothing was linked.",
    ) in (Page(browser.get(IDENTITIES)).alerts)
    assert SocialAccount.objects.get().user == demo.user(ALBERS)


def test_T1_the_identity_of_another_can_t_be_unlinked(demo, browser, contoso):
    theirs = linked(demo, ALBERS)
    sign_in(browser, NORDLICHT)
    answer = browser.post(IDENTITIES, {"account": theirs.pk})
    assert answer.status_code == 200
    assert Page(answer).alerts
    assert SocialAccount.objects.get() == theirs


def test_the_last_way_in_stays(demo, browser, contoso):
    mine = linked(demo, NORDLICHT)
    user = demo.user(NORDLICHT)
    user.set_unusable_password()
    user.save()
    contoso.sign_in(browser, "someone")
    answer = browser.post(IDENTITIES, {"account": mine.pk})
    assert "Set a password first, else you could not sign in any more." in Page(answer).text
    assert SocialAccount.objects.get() == mine


def test_nobody_links_without_being_signed_in(demo, browser, contoso):
    answer = contoso.sign_in(browser, "someone", process="connect")
    assert answer.status_code == 302
    assert not SocialAccount.objects.exists()


# By an invitation


@pytest.fixture
def invited(demo):
    return Membership.objects.invite(
        demo.partner("Elbe Support"),
        email="invited@elbe.example",
        name="Invited",
        roles=[Role.GLOBAL_ADMIN],
        by=demo.user("global@elbe.example"),
    ).user


def begin(browser, invited):
    """The button of the invitation's page."""
    page = Page(browser.get(invited.invitation_path))
    assert page.all_text("button")[-1] == "Continue with Contoso"
    return browser.post(invited.invitation_path + "oidc/contoso/")


def test_an_invitation_links_the_identity_to_the_invited_user(demo, browser, contoso, invited):
    contoso.claims = {"sub": "someone", "email": "other@contoso.example"}
    answer = contoso.send_back(browser, begin(browser, invited))
    assert answer.url == "/"
    assert is_in(browser)
    assert SocialAccount.objects.get().user == invited
    assert [entry.action for entry in demo.log(actor=invited)] == [
        Action.USER_JOINED,
        Action.IDENTITY_LINKED,
    ]
    assert not demo.user(invited.email).has_usable_password()
    # The link is used up; from now on it goes without.
    assert Client().get(invited.invitation_path).status_code == 410
    other = Client()
    assert contoso.sign_in(other, "someone").url == "/"


def test_it_does_so_in_this_one_sign_in_only(browser, contoso, invited):
    begin(browser, invited)
    assert contoso.sign_in(browser, "stranger").status_code == 403
    assert not SocialAccount.objects.exists()


def test_an_identity_that_is_another_s_is_not_taken_for_the_invited_user(
    demo, browser, contoso, invited
):
    linked(demo, ALBERS)
    contoso.claims = {"sub": "someone"}
    contoso.send_back(browser, begin(browser, invited))
    assert SocialAccount.objects.get().user == demo.user(ALBERS)
    assert demo.user(invited.email).is_invited


def use(invited):
    invited.opened_invitation = invited._invitation
    invited.accept_invitation("barrel-of-apples")


def renew(invited):
    invited.send_invitation(by=PORTAL)


def lock(invited):
    invited.deactivate(by=PORTAL)


def lock_partner(invited):
    invited.membership.partner.deactivate(by=PORTAL)


@pytest.mark.parametrize("happens", [use, renew, lock, lock_partner])
def test_T3_a_link_that_died_on_the_way_links_nothing(demo, browser, contoso, invited, happens):
    start = begin(browser, invited)
    happens(demo.user(invited.email))
    contoso.claims = {"sub": "someone"}
    assert contoso.send_back(browser, start).status_code == 403
    assert not is_in(browser)
    assert not SocialAccount.objects.exists()
    again = browser.post(invited.invitation_path + "oidc/contoso/")
    assert again.url == invited.invitation_path
    assert browser.get(again.url).status_code == 410


def test_a_provider_that_is_none_is_not_found_from_the_invitation(browser, contoso, invited):
    assert browser.post(invited.invitation_path + "oidc/fabrikam/").status_code == 404
    assert browser.post("/accounts/invitations/made-up/oidc/contoso/").status_code == 404


# The environment


PROVIDER = {
    "id": "contoso",
    "name": "Contoso",
    "server_url": "https://login.contoso.example/v2.0",
    "client_id": "portal",
    "client_secret": "secret",
}


def test_several_providers_come_from_the_environment():
    other = PROVIDER | {"id": "fabrikam", "origins": ["https://sso.fabrikam.example:8443/x"]}
    apps = apps_of([PROVIDER, other])
    assert [app["provider_id"] for app in apps] == ["contoso", "fabrikam"]
    assert origins_of(apps) == [
        "https://login.contoso.example",
        "https://sso.fabrikam.example:8443",
    ]


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ({}, "it must be a JSON list of objects, one for each provider"),
        ([1], "it must be a JSON list of objects, one for each provider"),
        ("contoso", "it must be a JSON list of objects, one for each provider"),
        ([PROVIDER | {"id": ""}], "provider 1 needs “id”, a text"),
        ([PROVIDER | {"id": "A b"}], "the id of provider 1 may have a–z, 0–9 and - only"),
        ([PROVIDER, PROVIDER], "two providers have the same id"),
        ([PROVIDER | {"client_secret": 1}], "provider 1 needs “client_secret”, a text"),
        ([PROVIDER | {"secret": "x"}], "provider 1 has “secret”, which is not known"),
        ([PROVIDER | {"origins": "x"}], "“origins” of provider 1 must be a list of texts"),
        (
            [PROVIDER | {"server_url": "http://x.example"}],
            "must be an address that starts with https",
        ),
        ([PROVIDER | {"origins": ["https://a.example; script-src *"]}], "must be an address"),
        ([PROVIDER | {"origins": ["*"]}], "must be an address that starts with https"),
    ],
)
def test_a_value_that_can_t_be_used_says_why(value, sentence):
    with pytest.raises(ImproperlyConfigured, match=sentence):
        apps_of(value)
