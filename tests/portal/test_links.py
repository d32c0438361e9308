"""The right host: links, providers and passkeys belong to PORTAL_URL, whatever host a request names."""

import json
from hashlib import sha256
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData

from portal.links import is_passkey_origin, passkey_host, read_portal_url
from portal.models import Membership
from portal.permissions import Role
from tests.demo import HELPDESK
from tests.pages import Page, signed_in

OTHER = "support.reseller.example"
HERE = "https://portal.example"
PASSKEY_SIGN_IN = "/accounts/passkeys/sign-in/"


@pytest.fixture(autouse=True)
def _two_hosts(settings):
    settings.ALLOWED_HOSTS = ["portal.example", OTHER, ".sub.example"]


def at_other_host(email=None):
    if email:
        return signed_in(email, host=OTHER)
    return Client(headers={"accept-language": "en", "host": OTHER})


def sent_on(answer):
    """Path and parameters at PORTAL_URL to which an answer leads."""
    parts = urlsplit(answer.url)
    assert (parts.scheme, parts.netloc) == ("https", "portal.example")
    return parts.path, {name: value for name, [value] in parse_qs(parts.query).items()}


# Links


def test_a_mailed_link_leads_there_too(demo, queue):
    at_other_host().post("/accounts/password/reset/", {"email": HELPDESK})
    [sent] = queue.all()
    assert f"{HERE}/accounts/password/reset/" in sent.text
    assert OTHER not in sent.text


# Pages that start what works on one host only


def test_the_sign_in_is_shown_at_the_portal_s_own_host(demo):
    answer = at_other_host().get("/accounts/login/?next=/activity/%3Faction%3Dx")
    assert sent_on(answer) == ("/accounts/login/", {"next": "/activity/?action=x", "moved": "1"})
    assert Client().get("/accounts/login/").status_code == 200


def test_behind_a_proxy_that_changes_the_host_it_goes_round_once(demo):
    browser = at_other_host()
    again = browser.get("/accounts/login/?next=/activity/&moved=1")
    assert again.status_code == 200
    assert Page(again).hidden("next") == "/activity/"


def test_who_is_signed_in_under_another_host_stays_there(demo):
    browser = at_other_host(HELPDESK)
    assert browser.get("/accounts/login/?next=/activity/").url == "/activity/"
    assert browser.get("/customers/").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/accounts/identities/",
        "/accounts/passkeys/add/",
        "/accounts/passkeys/confirm/",
        "/accounts/oidc/contoso/",
    ],
)
def test_what_needs_the_portal_s_own_host_goes_there_first(demo, path):
    answer = at_other_host(HELPDESK).get(f"{path}?next=/settings/profile/")
    assert sent_on(answer) == (path, {"next": "/settings/profile/", "moved": "1"})


def test_the_question_for_a_second_factor_goes_there_first(demo):
    answer = at_other_host().get("/accounts/second-factor/enter/")
    assert sent_on(answer) == ("/accounts/second-factor/enter/", {"moved": "1"})


def test_the_button_of_a_provider_goes_there_first_with_what_it_was_for(demo):
    data = {"process": "login", "next": "/activity/", "scope": "all"}
    answer = at_other_host().post("/accounts/oidc/contoso/", data)
    path, parameters = sent_on(answer)
    assert path == "/accounts/oidc/contoso/"
    assert parameters == {"process": "login", "next": "/activity/", "moved": "1"}
    page = Page(Client().get(path, parameters))
    assert page.hidden("next") == "/activity/"
    assert page.hidden("process") == "login"


def test_an_invitation_goes_there_before_an_identity_is_linked(demo):
    invited = Membership.objects.invite(
        demo.partner("Elbe Support"),
        email="invited@elbe.example",
        name="Invited",
        roles=[Role.GLOBAL_ADMIN],
        by=demo.user("global@elbe.example"),
    ).user
    browser = at_other_host()
    expected = (invited.invitation_path, {"moved": "1"})
    assert sent_on(browser.get(invited.invitation_path)) == expected
    assert sent_on(browser.post(f"{invited.invitation_path}oidc/contoso/")) == expected


def test_a_form_says_itself_that_it_was_sent_from_the_portal_s_own_host(demo, monkeypatch):
    """A proxy may pass on another host name; the way to the provider starts all the same."""
    asked = []
    monkeypatch.setattr("requests.Session.request", lambda *args, **kwargs: asked.append(args))
    at_other_host().post("/accounts/oidc/contoso/", headers={"origin": HERE})
    assert asked


def test_on_a_developer_s_machine_every_local_name_is_as_good(demo, settings):
    settings.ALLOWED_HOSTS = []
    settings.DEBUG = True
    browser = Client(headers={"host": "localhost:8000"})
    assert browser.get("/accounts/login/").status_code == 200


# Passkeys


class SoftPasskey:
    """A passkey whose private half a test holds, in a browser that shows a page of ``origin``."""

    def __init__(self, origin):
        self.origin = origin
        self.key = ec.generate_private_key(ec.SECP256R1())

    def client_data(self, kind, options):
        said = {"type": kind, "challenge": options["challenge"], "origin": self.origin}
        return json.dumps(said).encode()

    def make(self, options):
        key = ES256.from_cryptography_key(self.key.public_key())
        held = AttestedCredentialData.create(bytes(16), b"office laptop", key)
        host = sha256(options["rp"]["id"].encode()).digest()
        data = AuthenticatorData.create(host, 0x45, 0, held)
        made = AttestationObject.create("none", data, {})
        self.handle = options["user"]["id"]
        return self.answer(
            clientDataJSON=self.client_data("webauthn.create", options), attestationObject=made
        )

    def give(self, options):
        data = AuthenticatorData.create(sha256(options["rpId"].encode()).digest(), 0x05, 1)
        client_data = self.client_data("webauthn.get", options)
        signed = bytes(data) + sha256(client_data).digest()
        signature = self.key.sign(signed, ec.ECDSA(hashes.SHA256()))
        return self.answer(
            clientDataJSON=client_data, authenticatorData=data, signature=signature
        ) | {"handle": self.handle}

    def answer(self, **parts):
        response = {name: websafe_encode(bytes(part)) for name, part in parts.items()}
        if "signature" in parts:
            response["userHandle"] = self.handle
        return {
            "id": websafe_encode(b"office laptop"),
            "rawId": websafe_encode(b"office laptop"),
            "type": "public-key",
            "clientExtensionResults": {"credProps": {"rk": True}},
            "response": response,
        }


def add(browser, passkey):
    page = browser.get("/accounts/passkeys/add/")
    options = page.context["js_data"]["creation_options"]["publicKey"]
    data = {"credential": json.dumps(passkey.make(options)), "name": "Office laptop"}
    return browser.post("/accounts/passkeys/add/", data)


def sign_in_with(browser, passkey):
    asked = browser.get(PASSKEY_SIGN_IN, headers={"accept": "application/json"})
    options = asked.json()["request_options"]["publicKey"]
    browser.post(PASSKEY_SIGN_IN, {"credential": json.dumps(passkey.give(options))})
    return browser.get("/activity/").status_code == 200


def test_a_passkey_is_made_and_given_on_pages_of_the_portal_only(demo):
    browser = Client()
    browser.post("/accounts/login/", {"username": HELPDESK, "password": "demo-portal"})
    passkey = SoftPasskey("https://login.portal.example")
    assert add(browser, passkey).status_code == 200
    assert not demo.user(HELPDESK).second_factors.exists()
    passkey.origin = HERE
    assert add(browser, passkey).status_code == 302
    [stored] = demo.user(HELPDESK).second_factors
    assert stored.wrap().name == "Office laptop"

    for origin in ("https://login.portal.example", "http://portal.example", "https://a.example"):
        passkey.origin = origin
        assert not sign_in_with(Client(), passkey)
    passkey.origin = HERE
    assert sign_in_with(Client(), passkey)


def test_a_passkey_belongs_to_the_portal_s_own_host(demo):
    asked = at_other_host().get(PASSKEY_SIGN_IN, headers={"accept": "application/json"})
    assert asked.json()["request_options"]["publicKey"]["rpId"] == "portal.example"
    browser = at_other_host()
    browser.post("/accounts/login/", {"username": HELPDESK, "password": "demo-portal"})
    page = browser.get("/accounts/passkeys/add/?moved=1")
    options = page.context["js_data"]["creation_options"]["publicKey"]
    assert options["rp"] == {"id": "portal.example", "name": "portal.example"}


def test_an_authenticator_app_names_the_portal_s_own_host(demo):
    browser = at_other_host()
    browser.post("/accounts/login/", {"username": HELPDESK, "password": "demo-portal"})
    link = urlsplit(browser.get("/accounts/second-factor/app/").context["totp_url"])
    assert parse_qs(link.query)["issuer"] == ["portal.example"]


def test_on_a_developer_s_machine_passkeys_are_made_for_localhost(settings):
    settings.DEBUG = True
    settings.PORTAL_URL = "http://127.0.0.1:8000"
    assert passkey_host() == "localhost"
    assert is_passkey_origin("http://localhost:8000")
    assert not is_passkey_origin("http://localhost.example:8000")


# What PORTAL_URL may hold


@pytest.mark.parametrize(
    ("text", "hosts", "debug", "found"),
    [
        ("https://portal.example", ["portal.example"], False, HERE),
        ("https://Portal.example/", ["portal.example"], False, HERE),
        ("https://portal.example:443", ["portal.example"], False, HERE),
        ("https://portal.example:8443", ["portal.example"], False, f"{HERE}:8443"),
        ("https://portal.example", [".example"], False, HERE),
        ("https://portal.example", ["*"], False, HERE),
        ("https://[2001:db8::1]", ["[2001:db8::1]"], False, "https://[2001:db8::1]"),
        ("", ["portal.example", "other.example"], False, HERE),
        ("", [".sub.example", "portal.example"], False, HERE),
        ("", [], True, "http://127.0.0.1:8000"),
        ("", ["localhost"], True, "http://localhost"),
        ("http://localhost:8001", [], True, "http://localhost:8001"),
    ],
)
def test_the_address_of_the_portal(text, hosts, debug, found):
    assert read_portal_url(text, hosts=hosts, debug=debug) == found


@pytest.mark.parametrize(
    ("text", "hosts", "sentence"),
    [
        ("portal.example", ["portal.example"], "must be a scheme and a host"),
        ("ftp://portal.example", ["portal.example"], "must be a scheme and a host"),
        ("https://portal.example/portal", ["portal.example"], "must be a scheme and a host"),
        ("https://portal.example?x=1", ["portal.example"], "must be a scheme and a host"),
        ("https://portal.example/#x", ["portal.example"], "must be a scheme and a host"),
        ("https://me@portal.example", ["portal.example"], "must be a scheme and a host"),
        ("https://portal.example:0", ["portal.example"], "must be a scheme and a host"),
        ("https://portal.example:99999", ["portal.example"], "must be a scheme and a host"),
        ("https://portal.example ", ["portal.example"], "must be a scheme and a host"),
        ("https://pörtal.example", ["*"], "must be a scheme and a host"),
        ("http://portal.example", ["portal.example"], "must start with https://"),
        ("https://other.example", ["portal.example"], "does not name its host “other.example”"),
        ("", [".portal.example"], "PORTAL_URL is not set"),
    ],
)
def test_what_can_t_be_the_address_of_the_portal_says_why(text, hosts, sentence):
    with pytest.raises(ImproperlyConfigured, match=sentence) as refused:
        read_portal_url(text, hosts=hosts, debug=False)
    assert str(refused.value).endswith("See .env.example.")
