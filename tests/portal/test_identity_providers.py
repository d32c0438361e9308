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
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from jwt.algorithms import get_default_algorithms

from portal.authority import PORTAL
from portal.models import Action, Membership
from portal.permissions import Role
from portal.sign_in.providers import apps_of, origins_of
from tests.demo import ALBERS, HELPDESK
from tests.pages import Page, code_of, set_up_app, sign_in, signed_in

START = "/accounts/oidc/contoso/"
RETURN = "/accounts/oidc/contoso/return/"
IDENTITIES = "/accounts/identities/"
ISSUER = "https://login.contoso.example/v2.0"


def key_pair(kid="2026", algorithm="ES256"):
    """A key to sign with, and what the provider shows of it."""
    private = {
        "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "RS256": lambda: rsa.generate_private_key(65537, 2048),
        "EdDSA": ed25519.Ed25519PrivateKey.generate,
    }[algorithm]()
    shown = get_default_algorithms()[algorithm].to_jwk(private.public_key())
    return private, json.loads(shown) | {"kid": kid, "use": "sig"}


class Contoso:
    """An identity provider in the place of the network: it answers what the portal asks."""

    def __init__(self):
        self.asked = []
        self.given = []
        self.sent = {}
        self.claims = {}
        self.answers = {}
        self.statuses = {}
        self.key, shown = key_pair()
        self.keys = [shown]
        self.header = {"kid": "2026"}
        self.algorithm = "ES256"
        self.metadata = {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/authorize",
            "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/keys",
            "userinfo_endpoint": f"{ISSUER}/userinfo",
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
        }

    def request(self, session, method, url, **kwargs):
        path = urlsplit(url).path.removeprefix("/v2.0")
        self.asked.append((path, kwargs.get("data") or {}))
        self.given.append(kwargs.get("auth"))
        content = self.answers.get(path)
        if isinstance(content, Exception):
            raise content
        if content is None:
            content = {
                "/.well-known/openid-configuration": self.metadata,
                "/token": {"access_token": "a", "token_type": "Bearer", "id_token": self.token()},
                "/keys": {"keys": self.keys},
            }[path]
        answer = requests.Response()
        answer.status_code = self.statuses.get(path, 200)
        answer.headers["content-type"] = "application/json"
        answer._content = content if isinstance(content, bytes) else json.dumps(content).encode()
        return answer

    def token(self):
        claims = {"iss": ISSUER, "aud": "portal", "exp": int(time.time()) + 300, **self.claims}
        present = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(present, self.key, self.algorithm, headers=self.header)

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


def offer(settings, **entry):
    """Let OIDC_PROVIDERS say this of Contoso, and nothing else."""
    given = {name: value for name, value in entry.items() if value is not None}
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": apps_of([PROVIDER | given])}}


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
    assert found["redirect_uri"] == "https://portal.example" + RETURN
    assert found["code_challenge_method"] == "S256"
    assert set(found["scope"].split()) == {"openid", "profile", "email"}


def test_a_link_does_not_start_it(browser, contoso):
    page = Page(browser.get(START))
    assert page.heading == "Go on to Contoso"
    assert contoso.asked == []


def test_the_code_is_of_use_to_nobody_else(demo, browser, contoso):
    """PKCE: the token is given for the verifier of the challenge that the browser brought."""
    linked(demo, HELPDESK)
    contoso.sign_in(browser, "someone")
    [(_path, posted)] = [asked for asked in contoso.asked if asked[0] == "/token"]
    digest = hashlib.sha256(posted["code_verifier"].encode()).digest()
    assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == contoso.sent["code_challenge"]


def test_a_linked_identity_signs_in(demo, browser, contoso):
    linked(demo, HELPDESK)
    answer = contoso.sign_in(browser, "someone", next="/activity/")
    assert answer.url == "/activity/"
    assert is_in(browser)


def test_the_second_factor_is_asked_for_here_too(demo, browser, contoso, time_machine):
    time_machine.move_to("2026-06-01 12:00:00+00:00", tick=False)
    linked(demo, HELPDESK)
    app = set_up_app(demo.user(HELPDESK))
    assert contoso.sign_in(browser, "someone").url == "/accounts/second-factor/enter/"
    assert not is_in(browser)
    browser.post("/accounts/second-factor/enter/", {"code": code_of(app)})
    assert is_in(browser)


@pytest.mark.parametrize("target", ["https://elsewhere.example/", "//elsewhere.example/"])
def test_next_does_not_lead_out_of_the_portal(demo, browser, contoso, target):
    linked(demo, HELPDESK)
    assert contoso.sign_in(browser, "someone", next=target).url == "/"


# Who is refused


@pytest.mark.parametrize("process", ["login", "redirect", "", "x"])
def test_an_unknown_identity_needs_an_invitation_whatever_email_it_shows(
    demo, browser, contoso, process, nothing_written
):
    with nothing_written():
        answer = contoso.sign_in(browser, "someone", email=HELPDESK, process=process)
    assert answer.status_code == 403
    page = Page(answer)
    assert page.heading == "You need an invitation"
    assert not is_in(browser)
    assert not SocialAccount.objects.exists()


def test_T3_the_deactivated_do_not_come_in_this_way_either(demo, browser, contoso):
    linked(demo, HELPDESK)
    linked(demo, "global@hafen.example", "another")
    demo.user(HELPDESK).deactivate(by=PORTAL)
    demo.partner("Hafen IT").deactivate(by=PORTAL)
    for subject in ("someone", "another"):
        answer = contoso.sign_in(browser, subject)
        assert answer.url == "/accounts/login/"
        assert Page(browser.get(answer.url)).alerts == [
            ("alert", "This account can't sign in. Ask your admin.")
        ]
        assert not is_in(browser)


def test_an_identity_of_another_provider_with_the_same_name_is_another(demo, browser, contoso):
    SocialAccount.objects.create(user=demo.user(HELPDESK), provider="other", uid="someone")
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
    linked(demo, HELPDESK)
    contoso.claims = {"sub": "someone"}
    answer = contoso.send_back(browser, browser.post(START), **parameters)
    assert answer.status_code == 401
    assert Page(answer).heading == "Not signed in"
    assert not is_in(browser)


def test_an_answer_of_another_browser_is_refused(demo, browser, contoso):
    """Else a stranger could sign somebody in to the stranger's own account."""
    linked(demo, HELPDESK)
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
    linked(demo, HELPDESK)
    contoso.claims = claims
    answer = contoso.send_back(browser, browser.post(START))
    assert answer.status_code in (401, 502)
    assert Page(answer).heading == "Not signed in"
    assert not is_in(browser)


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/token", "/keys"])
@pytest.mark.parametrize(
    "content", [requests.ConnectionError("x"), b"<html>", {}, [], b"null", {"error": "x"}]
)
def test_a_provider_that_does_not_answer_is_no_error_of_the_server(
    demo, browser, contoso, path, content
):
    linked(demo, HELPDESK)
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


# How the portal shows itself


@pytest.mark.parametrize(
    ("supported", "chosen", "is_basic"),
    [
        (None, None, True),  # nothing is named: OpenID Connect Discovery 1.0, section 3
        ([], None, True),
        (["client_secret_basic"], None, True),
        (["client_secret_post"], None, False),
        (["client_secret_basic", "client_secret_post"], None, False),
        (None, "client_secret_post", False),
        (["client_secret_post"], "client_secret_basic", True),
    ],
)
def test_the_secret_is_given_in_the_way_that_the_provider_names(
    demo, browser, contoso, settings, supported, chosen, is_basic
):
    linked(demo, HELPDESK)
    contoso.metadata["token_endpoint_auth_methods_supported"] = supported
    if supported is None:
        del contoso.metadata["token_endpoint_auth_methods_supported"]
    offer(settings, token_auth_method=chosen, client_id="por:tal", client_secret="s+/ %ä")
    contoso.claims = {"sub": "someone", "aud": "por:tal"}
    contoso.send_back(browser, browser.post(START))
    assert is_in(browser)
    [(posted, auth)] = [
        (posted, auth)
        for (path, posted), auth in zip(contoso.asked, contoso.given, strict=True)
        if path == "/token"
    ]
    if is_basic:
        # As RFC 6749 has it in section 2.3.1, so that a colon in the id does not end it.
        assert auth == ("por%3Atal", "s%2B%2F%20%25%C3%A4")
        assert "client_secret" not in posted
    else:
        assert auth is None
        assert (posted["client_id"], posted["client_secret"]) == ("por:tal", "s+/ %ä")


def test_a_link_does_not_say_what_is_asked_for_or_where_it_leads_back(browser, contoso):
    asked = "?scope=admin&auth_params=redirect_uri%3Dhttps%3A%2F%2Felsewhere.example"
    start = browser.post(START + asked)
    found = {key: value for key, [value] in parse_qs(urlsplit(start.url).query).items()}
    assert found["redirect_uri"] == "https://portal.example" + RETURN
    assert set(found["scope"].split()) == {"openid", "profile", "email"}


# A provider of many tenants

OURS = "01234567-89ab-cdef-0123-456789abcdef"
THEIRS = "fedcba98-7654-3210-fedc-ba9876543210"
TEMPLATE = "https://login.contoso.example/{tenantid}/v2.0"


@pytest.fixture
def common(contoso, settings):
    """Contoso as it shows itself to people of any tenant; the operator has named ours."""
    contoso.metadata["issuer"] = TEMPLATE
    offer(settings, tenants=[OURS.upper()])
    return contoso


def of_tenant(tenant, **claims):
    issuer = TEMPLATE.replace("{tenantid}", tenant)
    return {"iss": issuer, "tid": tenant, "sub": "someone"} | claims


def test_people_of_a_tenant_that_the_operator_names_sign_in(demo, browser, common):
    linked(demo, HELPDESK, f"{OURS}:someone")
    common.claims = of_tenant(OURS)
    common.send_back(browser, browser.post(START))
    assert is_in(browser)


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        (of_tenant(THEIRS), "of a tenant that OIDC_PROVIDERS does not name (tid)"),
        (of_tenant(OURS, tid=None), "of a tenant that OIDC_PROVIDERS does not name (tid)"),
        (of_tenant(OURS, tid=[OURS]), "of a tenant that OIDC_PROVIDERS does not name (tid)"),
        (of_tenant(THEIRS, tid=OURS), "of another issuer (iss)"),
        (of_tenant(OURS, iss=TEMPLATE), "of another issuer (iss)"),
    ],
)
def test_nobody_of_another_tenant_signs_in(demo, browser, common, caplog, claims, reason):
    for tenant in (OURS, THEIRS):
        linked(demo, HELPDESK, f"{tenant}:someone")
    common.claims = claims
    common.send_back(browser, browser.post(START))
    assert not is_in(browser)
    assert f"Sign-in by contoso failed: the ID token is {reason}" in caplog.messages


def test_a_key_of_one_tenant_signs_for_no_other(demo, browser, common, caplog):
    linked(demo, HELPDESK, f"{OURS}:someone")
    common.keys[0]["issuer"] = TEMPLATE.replace("{tenantid}", THEIRS)
    common.claims = of_tenant(OURS)
    common.send_back(browser, browser.post(START))
    assert not is_in(browser)
    common.keys[0]["issuer"] = TEMPLATE
    common.send_back(browser, browser.post(START))
    assert is_in(browser)


def test_without_named_tenants_nobody_is_sent_there(browser, contoso, caplog):
    contoso.metadata["issuer"] = TEMPLATE
    answer = browser.post(START)
    assert answer.status_code == 502
    assert (
        "Sign-in by contoso failed: it signs in people of any tenant: name yours as “tenants” in "
        "OIDC_PROVIDERS"
    ) in caplog.messages


def test_a_named_tenant_counts_where_the_issuer_is_one_too(demo, browser, contoso, settings):
    linked(demo, HELPDESK)
    offer(settings, tenants=[OURS])
    for tenant, comes_in in ((THEIRS, False), (OURS, True)):
        contoso.claims = {"sub": "someone", "tid": tenant}
        contoso.send_back(browser, browser.post(START))
        assert is_in(browser) == comes_in


# Signatures


def test_ASVS_6_8_2_a_token_that_the_provider_has_not_signed_is_refused(demo, browser, contoso):
    linked(demo, HELPDESK)
    contoso.claims = {"sub": "someone"}
    own, contoso.key = contoso.key, key_pair()[0]
    assert contoso.send_back(browser, browser.post(START)).status_code == 401
    assert not is_in(browser)
    contoso.key = own
    contoso.send_back(browser, browser.post(START))
    assert is_in(browser)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_a_provider_signs_with_a_key_pair_of_its_choice(demo, browser, contoso, algorithm):
    linked(demo, HELPDESK)
    contoso.algorithm = algorithm
    contoso.key, shown = key_pair(algorithm=algorithm)
    contoso.keys = [shown]
    contoso.claims = {"sub": "someone"}
    contoso.send_back(browser, browser.post(START))
    assert is_in(browser)


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_ASVS_9_1_2_only_signatures_of_key_pairs_count(demo, browser, contoso, algorithm):
    linked(demo, HELPDESK)
    claims = {"iss": ISSUER, "aud": "portal", "exp": int(time.time()) + 300, "sub": "someone"}
    key = "" if algorithm == "none" else "only-for-tests-only-for-tests-only-for-tests"
    token = jwt.encode(claims, key, algorithm, headers={"kid": "2026"})
    contoso.answers["/token"] = {"access_token": "a", "id_token": token}
    contoso.keys.append({"kty": "oct", "kid": "2026", "k": base64.b64encode(key.encode()).decode()})
    assert contoso.send_back(browser, browser.post(START)).status_code == 401
    assert not is_in(browser)


def test_ASVS_9_1_3_a_key_that_the_token_brings_along_counts_for_nothing(demo, browser, contoso):
    linked(demo, HELPDESK)
    contoso.key, shown = key_pair()
    contoso.header = {"kid": "2026", "jwk": shown, "jku": "https://elsewhere.example/keys"}
    contoso.claims = {"sub": "someone"}
    assert contoso.send_back(browser, browser.post(START)).status_code == 401
    assert {path for path, _data in contoso.asked if "keys" in path} == {"/keys"}
    assert not is_in(browser)


@pytest.mark.parametrize("header", [{"kid": "2026"}, {}])
def test_the_key_is_found_among_those_that_a_provider_shows(demo, browser, contoso, header):
    """While keys change there are several; a provider need not name them."""
    linked(demo, HELPDESK)
    contoso.header = header
    (private, shown), (_old, old) = key_pair(), key_pair("2025")
    contoso.key = private
    contoso.keys = ["no key", {"kty": "RSA", "kid": "2026", "n": "AQAB", "e": "AQAB"}, old, shown]
    contoso.claims = {"sub": "someone"}
    contoso.send_back(browser, browser.post(START))
    assert is_in(browser)


def test_clocks_that_differ_a_little_do_not_matter(demo, browser, contoso):
    linked(demo, HELPDESK)
    now = int(time.time())
    for seconds, comes_in in ((90, False), (30, True)):
        contoso.claims = {"sub": "someone", "iat": now + seconds, "exp": now + 300}
        contoso.send_back(browser, browser.post(START))
        assert is_in(browser) == comes_in


# Why it failed, in the log

SECRETS = ("someone", "x@y.example", "abc", "only-for-tests")


def refusals():
    """What goes wrong at the provider, each with what the log says of it."""
    metadata, token, keys = "/.well-known/openid-configuration", "/token", "/keys"
    silent = requests.ReadTimeout("x@y.example")
    return [
        ({"claims": {"aud": "another"}}, "the ID token is for another client (aud)"),
        (
            {"claims": {"aud": ["portal", "another"], "azp": "another"}},
            "the ID token is for another client (aud)",
        ),
        ({"claims": {"iss": "https://a.example"}}, "the ID token is of another issuer (iss)"),
        ({"claims": {"exp": 1}}, "the ID token has expired: compare the clocks"),
        (
            {"claims": {"iat": 9999999999, "exp": 99999999999}},
            "the ID token is not valid yet: compare the clocks",
        ),
        ({"claims": {"exp": None}}, "the ID token lacks a claim: exp, aud, iss or sub"),
        ({"claims": {"sub": ""}}, "the subject of the ID token is empty or too long (sub)"),
        ({"claims": {"sub": "x" * 500}}, "the subject of the ID token is empty or too long (sub)"),
        ({"claims": {"sub": 7}}, "the ID token can't be read"),
        ({"key": key_pair()[0]}, "the signature of the ID token is wrong"),
        ({"keys": []}, "none of the provider's keys is the one of the ID token (kid)"),
        (
            {"answers": {token: {"id_token": "a.b.c"}}},
            "the ID token can't be read",
        ),
        ({"answers": {token: {"access_token": "a"}}}, "the token endpoint gave no ID token"),
        (
            {"answers": {token: {"error": "invalid_grant"}}},
            "the token endpoint gave no ID token: invalid_grant",
        ),
        (
            {"answers": {token: {"error": "invalid_client"}}, "statuses": {token: 401}},
            "the token endpoint answered 401, invalid_client",
        ),
        (
            {"answers": {token: {"error": "x@y.example"}}, "statuses": {token: 400}},
            "the token endpoint answered 400, (not readable)",
        ),
        ({"statuses": {token: 302}}, "the token endpoint answered 302, (not readable)"),
        ({"answers": {token: b"<html>"}}, "the token endpoint did not answer with a JSON object"),
        ({"answers": {token: silent}}, "the token endpoint did not answer (ReadTimeout)"),
        (
            {"statuses": {keys: 503}},
            "the address of the provider's keys answered 503, (not readable)",
        ),
        (
            {"answers": {metadata: b"[]"}},
            "the provider's metadata address did not answer with a JSON object",
        ),
        (
            {"metadata": {"token_endpoint": "http://login.contoso.example/token"}},
            "the provider's metadata lack an https:// address as token_endpoint",
        ),
    ]


@pytest.mark.parametrize(("happens", "reason"), refusals())
def test_why_a_sign_in_failed_stands_in_the_log_and_names_nobody(
    demo, browser, contoso, caplog, happens, reason
):
    linked(demo, HELPDESK)
    contoso.claims = {"sub": "someone", "email": "x@y.example"} | happens.get("claims", {})
    start = browser.post(START)
    contoso.answers = happens.get("answers", {})
    contoso.statuses = happens.get("statuses", {})
    contoso.key = happens.get("key", contoso.key)
    contoso.keys = happens.get("keys", contoso.keys)
    contoso.metadata |= happens.get("metadata", {})
    answer = contoso.send_back(browser, start)
    assert answer.status_code in (401, 502)
    assert not is_in(browser)
    said = [record for record in caplog.records if record.name.startswith("portal.sign_in")]
    assert [record.getMessage() for record in said] == [f"Sign-in by contoso failed: {reason}"]
    assert not any(secret in said[0].getMessage() for secret in SECRETS)


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        (
            {"state": "made-up"},
            "this browser began no such sign-in, or more than ten minutes ago (state)",
        ),
        ({"error": "server_error"}, "the provider answered with the error server_error"),
        ({"error": "x@y.example"}, "the provider answered with the error (not readable)"),
        ({"error": "access_denied"}, "the person cancelled there"),
    ],
)
def test_what_the_browser_brings_back_stands_in_the_log(
    browser, contoso, caplog, parameters, reason
):
    contoso.send_back(browser, browser.post(START), **parameters)
    assert f"Sign-in by contoso failed: {reason}" in caplog.messages


def test_that_no_account_is_linked_stands_in_the_log(browser, contoso, caplog):
    contoso.sign_in(browser, "stranger")
    assert (
        "Sign-in by contoso failed: no account of the portal is linked to this identity"
        in caplog.messages
    )


# Linking


def test_the_profile_links_an_identity_and_unlinks_it(demo, browser, contoso, queue):
    sign_in(browser, HELPDESK)
    page = Page(browser.get("/settings/profile/"))
    assert "Identity providers" in page.all_text("a")
    answer = contoso.sign_in(browser, "someone", email="a@contoso.example", process="connect")
    assert answer.url == IDENTITIES
    page = Page(browser.get(IDENTITIES))
    assert "Contoso: a@contoso.example" in page.text
    [account] = SocialAccount.objects.all()
    assert account.user == demo.user(HELPDESK)

    # It asks first, on a page of its own, of its own identities only.
    [asking] = page.find("form[@data-question]")
    question = Page(browser.get(asking.get("action")))
    assert question.heading == "Unlink a@contoso.example?"
    assert "You can no longer sign in as a@contoso.example." in question.text
    assert question.find("form[@method='post']")[0].get("action") == IDENTITIES
    assert question.hidden("account") == str(account.pk)
    assert SocialAccount.objects.get() == account
    assert signed_in(ALBERS).get(asking.get("action")).status_code == 404

    other = Client()
    assert contoso.sign_in(other, "someone").url == "/"
    assert is_in(other)

    browser.post(IDENTITIES, {"account": account.pk})
    assert not SocialAccount.objects.exists()
    assert contoso.sign_in(Client(), "someone").status_code == 403
    assert [entry.action for entry in demo.log(actor__user=demo.user(HELPDESK))] == [
        Action.IDENTITY_LINKED,
        Action.IDENTITY_UNLINKED,
    ]
    assert [queued.recipient for queued in queue.all()] == [HELPDESK, HELPDESK]


def test_a_session_that_was_left_open_confirms_first(demo, contoso):
    left_open = signed_in(HELPDESK)
    answer = contoso.sign_in(left_open, "someone", process="connect")
    assert answer.url == "/accounts/confirm/"
    assert not SocialAccount.objects.exists()
    left_open.post(answer.url, {"password": "demo-portal"})
    assert SocialAccount.objects.get().user == demo.user(HELPDESK)


def test_an_identity_belongs_to_one_account(demo, browser, contoso):
    linked(demo, ALBERS)
    sign_in(browser, HELPDESK)
    contoso.sign_in(browser, "someone", process="connect")
    assert (
        "alert",
        "This identity belongs to another account of the portal. Nothing was linked.",
    ) in (Page(browser.get(IDENTITIES)).alerts)
    assert SocialAccount.objects.get().user == demo.user(ALBERS)


def test_T1_the_identity_of_another_can_t_be_unlinked(demo, browser, contoso):
    theirs = linked(demo, ALBERS)
    sign_in(browser, HELPDESK)
    answer = browser.post(IDENTITIES, {"account": theirs.pk})
    assert answer.status_code == 200
    assert Page(answer).alerts
    assert SocialAccount.objects.get() == theirs


def test_the_last_way_in_stays(demo, browser, contoso):
    mine = linked(demo, HELPDESK)
    user = demo.user(HELPDESK)
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
    assert [entry.action for entry in demo.log(actor__user=invited)] == [
        Action.USER_JOINED,
        Action.ADDRESS_PROVED,
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
        ([PROVIDER | {"tenants": "x"}], "“tenants” of provider 1 must be a list of tenant ids"),
        (
            [PROVIDER | {"tenants": ["contoso.example"]}],
            "“tenants” of provider 1 must be a list of tenant ids",
        ),
        (
            [PROVIDER | {"token_auth_method": "none"}],
            "must be client_secret_basic or client_secret_post",
        ),
    ],
)
def test_a_value_that_can_t_be_used_says_why(value, sentence):
    with pytest.raises(ImproperlyConfigured, match=sentence):
        apps_of(value)


class TestR14:
    """A linked identity proves no address, unless its provider is trusted for that very domain."""

    @pytest.fixture
    def linked(self, demo, contoso):
        person = demo.user(HELPDESK)
        SocialAccount.objects.create(user=person, provider="contoso", uid="123")
        return person

    def trust(self, settings, *domains):
        [app] = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"]
        trusting = {**app, "settings": {**app["settings"], "trusted_domains": [*domains]}}
        settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [trusting]}}

    def test_an_identity_proves_nothing_of_itself(self, linked, contoso):
        answer = contoso.sign_in(Client(), "123", email="helpdesk@contoso.example")
        assert answer.status_code == 302
        assert not linked.has_proved("helpdesk@contoso.example")

    @pytest.mark.parametrize(
        ("claims", "is_proved"),
        [
            ({}, True),
            ({"email": "Helpdesk@CONTOSO.example"}, True),
            ({"email": "helpdesk@sub.contoso.example"}, False),
            ({"email": "helpdesk@xcontoso.example"}, False),
            ({"email_verified": False}, False),
            ({"email_verified": "true"}, False),
            ({"email_verified": None}, False),
            ({"email": None}, False),
            ({"email": ["helpdesk@contoso.example"]}, False),
        ],
    )
    def test_one_of_a_provider_trusted_for_that_very_domain_does(
        self, linked, contoso, settings, claims, is_proved
    ):
        self.trust(settings, "contoso.example")
        browser = Client()
        start = browser.post(START, {"process": "login"})
        known = {"sub": "123", "email": "helpdesk@contoso.example", "email_verified": True}
        contoso.claims = known | claims
        assert contoso.send_back(browser, start).status_code == 302
        proved = linked.proved_addresses.filter(how="provider")
        assert [one.email for one in proved] == ["helpdesk@contoso.example"] * is_proved
