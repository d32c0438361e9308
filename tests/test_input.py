"""Whatever is thrown at a page: never an error of the server, and never a row written on refusal.

Driven by the table of paths in ``test_access``: a new path is thrown at without a word here. What to throw is
learnt from the page: the names that its view asks for, and the fields of its forms with what they hold.
The same is thrown in every run; ``--hypothesis-profile=explore`` looks for more.
"""

import copy
import re
from contextlib import contextmanager
from functools import partial
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlencode, urlsplit

import hypothesis
import pytest
from django.contrib import admin
from django.contrib.messages import constants
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.http import QueryDict
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.urls import reverse
from hypothesis import strategies as st

from tests import test_access
from tests.conftest import rows
from tests.pages import routes, signed_in

keys, asked, sent = test_access.keys, test_access.asked, test_access.sent

SUITE = hypothesis.settings(
    deadline=None,
    database=None,
    derandomize=True,
    max_examples=6,
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
    suppress_health_check=list(hypothesis.HealthCheck),
)
hypothesis.settings.register_profile(
    "explore", SUITE, derandomize=False, max_examples=300, phases=hypothesis.Phase
)


def throwing(function, times=SUITE.max_examples):
    """Let hypothesis call ``function``: as the suite does, or as the profile of this run says."""
    if hypothesis.settings.get_current_profile_name() == "explore":
        return hypothesis.settings.get_profile("explore")(function)
    return hypothesis.settings(SUITE, max_examples=times)(function)


# What is thrown

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
ODD = st.sampled_from(
    [
        "", " ", "\x00", "a\x00b", "x" * 6000, "'", "' OR 1=1 --", '"', "%", "_", "\\", "%s", "{0}",
        "../../etc/passwd", "<script>alert(1)</script>", "{{ 7|add:7 }}", "{% load x %}", "\r\nX: y",
        "\u202e", "\ud7ff", "🏴‍☠️", "İ", "ß" * 300, "Ω@Ω.example", "a@b.example\nBcc: c@d.example",
        "0", "-1", "1", "²", "١٢", "1_000", "9" * 30, "9223372036854775808", "1e309", "NaN", "-0",
        "0001-01-01", "9999-12-31", "10000-01-01", "2026-02-30", "2026-11-25T03:04", "12/31/2026",
        "on", "true", "null", "None", "[]", '{"a": 1}', "-name", "name", "-", "all", "de", "xx",
        "00000000-0000-4000-8000-000000000000", "javascript:alert(1)", "//elsewhere.example",
        "https://elsewhere.example/", "=1+1", "+49 40 5550000",
    ]
)  # fmt: skip
FILE = st.builds(
    SimpleUploadedFile,
    st.sampled_from(["x.csv", "../../x.csv", "x" * 300, "ü\u202e.exe", "x.xlsx", ".csv"]),
    st.binary(max_size=200) | st.just(b"PK\x03\x04" + b"\x00" * 99) | st.just(b"a;b\n" * 9000),
    st.sampled_from(["text/csv", "application/zip", "x", ""]),
)
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            "accept", "accept-language", "if-modified-since", "if-none-match", "origin", "range",
            "referer", "user-agent", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto",
            "x-request-id", "x-requested-with", "x-http-method-override", "authorization",
        ]
    ),
    st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\x00"), max_size=60)
    | st.sampled_from(["de,en;q=" + "9" * 40, "xx" * 400, "bytes=0-,-1", "127.0.0.1, ::1%lo", "é"]),
    max_size=3,
)  # fmt: skip
RAW = st.tuples(
    st.binary(max_size=100)
    | st.sampled_from([b"%ff%fe=%00&&=&a", b"\xff\xfe=1", b'{"a": [', b"--x\r\n\r\n", b"a=1;b=2&" * 99]),
    st.sampled_from(
        [
            "application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=utf-16",
            "multipart/form-data; boundary=x", "multipart/form-data", "application/json", "text/xml",
            "", "x" * 300, "multipart/form-data; boundary=" + "é" * 80,
        ]
    ),
)  # fmt: skip


def pairs(names, values):
    """Some of ``names`` with what they hold, some with anything, some twice, some left out."""
    held = [
        st.tuples(st.just(name), value | value | ODD | TEXT)
        for name, value in ((name, st.sampled_from(values.get(name) or [""])) for name in names)
    ]
    anything = st.tuples(st.sampled_from([*names, "x", "x[]", "_"]) | TEXT, ODD | TEXT)
    return st.lists(st.one_of(*held, anything), max_size=len(names) + 3)


def complete(names, values):
    """Every name with what it holds, but for one or two of them: what gets past the first checks."""
    good = {name: values[name][0] for name in names if values.get(name)}
    odd = st.dictionaries(st.sampled_from(names), ODD | TEXT, min_size=1, max_size=2)
    return odd.map(lambda changed: list({**good, **changed}.items()))


# What a page asks for


class Fields(HTMLParser):
    """The names of a page's fields and links, with the values that it offers for each."""

    def __init__(self, source):
        super().__init__()
        self.values, self.select = {}, None
        self.feed(source)

    def offer(self, name, value):
        self.values.setdefault(name, []).append(value or "")

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "a":
            for name, value in parse_qsl(urlsplit(attrs.get("href") or "").query):
                self.offer(name, value)
        elif tag in ("input", "textarea", "button", "select") and attrs.get("name"):
            self.offer(attrs["name"], attrs.get("value"))
            self.select = attrs["name"] if tag == "select" else None
        elif tag == "option" and self.select:
            self.offer(self.select, attrs.get("value"))


@contextmanager
def asked_for():
    """The names that views look up in what was sent."""
    names = set()

    class Spying(QueryDict):
        def __getitem__(self, key):
            names.add(key)
            return super().__getitem__(key)

        def __contains__(self, key):
            names.add(key)
            return super().__contains__(key)

        def getlist(self, key, default=None):
            names.add(key)
            return super().getlist(key, default)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.core.handlers.wsgi.QueryDict", Spying)
        patch.setattr("django.http.request.QueryDict", Spying)
        yield names


def learn(browser, path, example):
    """What to send to ``path``: names with the values that they may hold."""
    with asked_for() as names, transaction.atomic():
        page = browser.get(path)
        browser.post(path, example)
        transaction.set_rollback(True)
    values = {} if page.streaming else Fields(page.content.decode()).values
    for name, value in example.items():
        values.setdefault(name, []).insert(0, value)
    ignored = {"csrfmiddlewaretoken", "_method"}
    return sorted((names | set(values)) - ignored), values


# What must hold


@contextmanager
def written():
    """The statements that write rows of the portal; sessions are no such rows."""
    statements = []

    def watch(execute, sql, params, many, context):
        if re.match(r"\s*(INSERT|UPDATE|DELETE)", sql) and "django_session" not in sql:
            statements.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        yield statements


class Target:
    """One person's browser before one path."""

    def __init__(self, browser, path):
        self.browser, self.path = browser, path
        self.cookies = copy.deepcopy(browser.cookies)
        self.before = rows()

    def throw(self, method, query="", body=b"", content_type="", headers=None):
        """Send it, check what must hold, and undo what it did."""
        self.browser.cookies = copy.deepcopy(self.cookies)
        with transaction.atomic(), written() as statements:
            answer = self.browser.generic(
                method,
                f"{self.path}?{query}" if query else self.path,
                body,
                content_type,
                headers=headers,
            )
            answer.getvalue()
            self.check(method, answer, statements)
            transaction.set_rollback(True)
        return answer

    def check(self, method, answer, statements):
        # An identity provider that can't be reached is nobody's bad input: no test reaches one.
        is_unreachable = answer.status_code == 502 and "/oidc/" in self.path
        assert answer.status_code < 500 or is_unreachable
        # A conflict is for races; alone, nobody comes too late.
        templates = {template.name for template in answer.templates or []}
        assert "409.html" not in templates
        queued = getattr(answer.wsgi_request, "_messages", None)
        is_refused = (
            answer.status_code >= 400
            or (
                answer.status_code == 200
                and not answer.streaming  # an assignment that runs
                and "admin/popup_response.html" not in templates
            )
            or any(one.level >= constants.ERROR for one in getattr(queued, "_queued_messages", []))
        )
        if statements and (method == "GET" or is_refused):
            assert rows() == self.before, statements


def who_may(method, name):
    """Someone who gets somewhere there, so that what is thrown reaches the view."""
    row = dict(zip(test_access.PEOPLE, test_access.TABLE[method, name], strict=True))
    for wanted in (200, 302, "back", 405):
        for column, status in row.items():
            if status == wanted:
                return test_access.PEOPLE[column]
    return None


def throw_everything(target, method, names, values):
    query = (pairs(names, values) if method == "GET" else st.just([])).map(urlencode)

    @throwing
    @hypothesis.given(
        query=query, junk=st.sampled_from(["", "&%ff=%C3%28&&=", "&" * 9]), headers=HEADERS
    )
    def get(query, junk, headers):
        target.throw("GET", query + junk, headers=headers)

    bodies = pairs(names, values) | complete(names, values) if names else st.just([])
    encoded = bodies.map(lambda sent: (urlencode(sent), test_access.FORM))
    files = st.dictionaries(st.sampled_from([*names, "file"]), FILE, max_size=2)
    parts = st.tuples(bodies, files).map(
        lambda sent: (encode_multipart(BOUNDARY, {**dict(sent[0]), **sent[1]}), MULTIPART_CONTENT)
    )

    @throwing
    @hypothesis.given(
        body=encoded | encoded | parts | RAW, query=st.just("") | TEXT, headers=HEADERS
    )
    def post(body, query, headers):
        target.throw("POST", urlencode({"next": query}) if query else "", *body, headers)

    get() if method == "GET" else post()


@pytest.mark.parametrize(("method", "name"), test_access.TABLE)
def test_whatever_is_thrown_at_a_page(demo, keys, sent, method, name):
    path = reverse(name, kwargs=keys(name))
    email = who_may(method, name)
    browser = signed_in(email) if email else Client()
    names, values = learn(browser, path, sent.get(name, {}))
    throw_everything(Target(browser, path), method, names, values)


ADMIN = [
    *((name, None) for name in ("index", "password_change", "autocomplete", "jsi18n")),
    *((None, model) for model in admin.site._registry),
]


@pytest.mark.parametrize(
    ("name", "model"), ADMIN, ids=lambda one: getattr(one, "__name__", one) or "-"
)
def test_whatever_is_thrown_at_django_admin(demo, keys, name, model):
    browser = signed_in(test_access.PEOPLE["operator"])
    if model is None:
        addresses = [reverse(f"admin:{name}")]
    else:
        made = model._base_manager.first()
        addresses = [
            reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)
            for page, args in [
                ("changelist", []),
                ("add", []),
                *((page, [made.pk]) for page in ("change", "delete", "history") if made),
            ]
        ]
    for path in addresses:
        names, values = learn(browser, path, {})
        target = Target(browser, path)
        for method in ("GET", "POST"):
            throw_everything(target, method, names, values)


@pytest.mark.parametrize("column", ["global", "customer", "operator", "nobody"])
def test_whatever_stands_in_a_path(demo, column):
    """Keys of rows that are someone else's, of no row, and no keys at all."""
    email = test_access.PEOPLE[column]
    target = Target(signed_in(email) if email else Client(), "/")
    patterns = [path for _name, path, _view in routes() if "<" in path]
    stored = [
        str(row["id"]) for table in target.before.values() for row in table[:3] if "id" in row
    ]
    key = (
        st.sampled_from(stored)
        | st.uuids().map(str)
        | TEXT.map(lambda text: urlencode({"": text})[1:])
    )
    key |= st.sampled_from(["0", "-1", "9" * 40, "%00", "%ff", "..", "%2e%2e%2f", "a" * 500])

    @partial(throwing, times=100)
    @hypothesis.given(
        pattern=st.sampled_from(patterns), some=st.lists(key, min_size=3, max_size=3),
        method=st.sampled_from(["GET", "POST"]),
    )  # fmt: skip
    def visit(pattern, some, method):
        keys = iter(some)
        target.path = "/" + re.sub(r"<[^>]*>", lambda _found: next(keys), pattern)
        target.throw(method)

    visit()


def test_it_would_notice_an_error_and_a_row(demo, monkeypatch):
    """A page that fails, and one that writes although it refuses, do not get past it."""
    profile = Target(signed_in("sales@nordlicht.example"), "/settings/profile/")
    profile.throw("POST", body="language=de", content_type=test_access.FORM)

    def write(self, form):
        self.request.user.save(update_fields=["notices_dismissed", "name"])
        return self.render_to_response(self.get_context_data(form=form))

    monkeypatch.setattr("portal.views.ProfileView.form_invalid", write)
    with pytest.raises(AssertionError):
        profile.throw("POST", body="name=x&language=fr", content_type=test_access.FORM)
    monkeypatch.setattr("portal.views.ProfileView.form_invalid", lambda self, form: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        profile.throw("POST", body="language=fr", content_type=test_access.FORM)


def test_it_learns_what_a_page_asks_for(demo, keys, sent):
    browser = signed_in("global@nordlicht.example")
    names, values = learn(browser, "/customers/", {})
    assert {"q", "sort", "after", "before", "page"} <= set(names)
    names, values = learn(browser, "/settings/company/", {})
    assert {"support_email", "support_languages"} <= set(names)
    assert "de" in values["support_languages"]
