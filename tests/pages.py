"""How tests read the portal: signed in as someone, a page as its reader sees it, and every path."""

import csv
import io
import json
import re
import time
from pathlib import Path

import html5lib
from allauth.account.internal.flows import login
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
)
from allauth.mfa.webauthn.internal.auth import WebAuthn
from django.core import mail
from django.test import Client
from django.urls import URLPattern, get_resolver

from portal.models import User
from portal.sign_in import second_factors

# What a browser sent when it made a passkey for localhost.
PASSKEY = json.loads(Path(__file__).with_name("passkey.json").read_text())
# What people and programs enter that a form has to take or to refuse.
ODD = {
    "NUL": "a\x00b",
    "long": "x" * 5000,
    "newline": "Firm\r\nBcc: everyone@elsewhere.example",
    "emoji": "🦋 Werft 👩‍🚀",
    "right to left": "\u202eشركة الميناء\u202c",
    "markup": "<script>alert(1)</script>{{ 7 }}",
}


def signed_in(email, **headers):
    """A browser in which this person is signed in; it speaks English unless told otherwise."""
    client = Client(headers={"accept-language": "en", **headers})
    user = User.objects.get(email=email)
    last_login = user.last_login
    client.force_login(user)
    # Signing in leaves its mark; a test about what a page writes wants only the page's.
    User.objects.filter(pk=user.pk).update(last_login=last_login)
    return client


def sign_in(browser, email, password="demo-portal", **data):
    """Sign in as people do, by the form; the answer leads on."""
    return browser.post("/accounts/login/", {"username": email, "password": password, **data})


def set_up_app(user):
    """An authenticator app of ``user``, with its recovery codes; ``code_of`` reads it."""
    RecoveryCodes.activate(user)
    return TOTP.activate(user, generate_totp_secret()).instance


def code_of(app, later=0):
    """What the app shows now, or ``later`` periods from now."""
    counter = int(time.time()) // 30 + later
    return format_hotp_value(hotp_value(app.data["secret"], counter))


def set_up_passkey(user, name="Office laptop"):
    """A passkey of ``user`` as it is stored; no browser holds its other half."""
    return WebAuthn.add(user, name, PASSKEY).instance


def show_factor(browser):
    """Let this browser's session have shown a second factor just now, as a sign-in with one does."""
    session = browser.session
    records = session.get(login.AUTHENTICATION_METHODS_SESSION_KEY, [])
    shown = {"method": "mfa", "at": time.time(), "type": "totp"}
    session[login.AUTHENTICATION_METHODS_SESSION_KEY] = [*records, shown]
    user = User.objects.get(pk=session["_auth_user_id"])
    session[login._AUTHENTICATION_METHODS_USER_SESSION_KEY] = login.user_id_to_str(user)
    session.save()


def link_in_mail(address):
    """The path that the newest mail to this address leads to."""
    [body] = [sent.body for sent in mail.outbox if sent.to == [address]][-1:]
    [path] = re.findall(r"https?://[^/\s]+(/(?:invitations|accounts)/\S+/)", body)
    return path


def words(element):
    """The text inside an element, as it reads on the page."""
    return " ".join("".join(element.itertext()).split())


def read_csv(response, delimiter=","):
    """The rows of an exported file, each a dictionary by its column's title."""
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text), delimiter=delimiter))


class Page:
    """A page as a user reads it."""

    def __init__(self, response):
        self.source = response.content.decode()
        self.tree = html5lib.parse(self.source, namespaceHTMLElements=False)
        self.main = self.tree.find(".//main")

    def find(self, path):
        return self.main.findall(f".//{path}")

    def all_text(self, path):
        return [words(element) for element in self.find(path)]

    @property
    def text(self):
        return words(self.main)

    @property
    def title(self):
        return words(self.tree.find(".//title"))

    @property
    def language(self):
        return self.tree.get("lang")

    @property
    def heading(self):
        [heading] = self.all_text("h1")
        return heading

    @property
    def menu(self):
        menu = self.tree.find(".//nav[@class='site-menu']")
        return [] if menu is None else [words(link) for link in menu.findall(".//a")]

    @property
    def alerts(self):
        """The notices at the head of the page: (role, text)."""
        return [
            (element.get("role"), words(element))
            for element in self.main.iter()
            if "alert" in element.get("class", "").split()
        ]

    @property
    def facts(self):
        """What the definition lists say."""
        rows = self.find("dl/div")
        return {words(row.find("dt")): words(row.find("dd")) for row in rows}

    @property
    def table(self):
        """The rows of the table, each a dictionary by its column's heading."""
        headings = self.all_text("thead/tr/th")
        return [dict(zip(headings, map(words, row), strict=True)) for row in self.find("tbody/tr")]

    @property
    def options(self):
        """The choices of the page's list, with the chosen one first."""
        return self.all_text("select/option")

    @property
    def chosen(self):
        """The choice that the list shows: the selected one, else the first, as browsers do."""
        options = self.find("select/option")
        selected = [option for option in options if "selected" in option.attrib]
        return words((selected or options)[0])

    @property
    def field_errors(self):
        return self.all_text("ul[@class='errorlist']/li")

    def hidden(self, name):
        return self.tree.find(f".//main//input[@name='{name}']").get("value")


def opened(email, path, status=200, **headers):
    """The page at ``path`` as ``email`` reads it, or as nobody does who is signed in (``None``)."""
    browser = signed_in(email, **headers) if email else Client(headers={"accept-language": "en"})
    answer = browser.get(path)
    assert answer.status_code == status
    return Page(answer)


def followed(answer):
    """The page that an answer leads to, in the same browser."""
    assert answer.status_code == 302, Page(answer).text
    page = answer.client.get(answer.url)
    while page.status_code == 302:
        page = answer.client.get(page.url)
    assert page.status_code == 200
    return Page(page)


def value(page, name):
    """What a field of the form holds."""
    [field] = [one for one in page.main.iter() if one.get("name") == name]
    if field.tag == "textarea":
        return (field.text or "").removeprefix("\n")
    if field.tag == "select":
        chosen = [one for one in field.findall("option") if "selected" in one.attrib]
        return (chosen or field.findall("option"))[0].get("value")
    if field.get("type") == "checkbox":
        return "checked" in field.attrib
    return field.get("value") or ""


def links(page):
    """Where the links of the page lead to, by their words."""
    return {words(link): link.get("href") for link in page.find("a")}


def errors(page, name):
    """What stands at a field."""
    return [
        text
        for field in page.main.iter("div")
        if any(one.get("name") == name for one in field.iter()) and "field" in field.get("class")
        for one in field.findall("ul[@class='errorlist']/li")
        for text in one.itertext()
    ]


def routes(patterns=None, prefix="", namespace=""):
    """Every path of the project: (name, path as written, view). Without a name the path stands."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield namespace + (pattern.name or path), path, pattern.callback
        else:
            inner = f"{pattern.namespace}:" if pattern.namespace else ""
            yield from routes(pattern.url_patterns, path, namespace + inner)


def behind(view):
    """The view itself, or the one that it imports when it is first asked for."""
    page = getattr(view, "view_initkwargs", {}).get("page")
    return getattr(second_factors, page) if page else view


def own_routes():
    """The paths of the portal itself; Django admin's are left out."""
    return {name: behind(view) for name, path, view in routes() if not path.startswith("admin/")}
