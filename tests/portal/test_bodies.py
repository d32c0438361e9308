"""No client fills the disk or the memory: large bodies are refused before they are read."""

import io
import secrets
from wsgiref.util import is_hop_by_hop

import pytest
from django.contrib.sessions.models import Session
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, RequestFactory
from django.urls import get_resolver

from portal.bodies import PAGE_BYTES, UPLOAD_BYTES, BodyLimitMiddleware, MeasuredBodies
from portal.session_store import MOST_LETTERS, SessionStore, SessionTooLarge
from tests.pages import Page, signed_in

FORM = "application/x-www-form-urlencoded"
UPLOAD = "/subscriptions/assign/file/"


class Unread:
    """A body that nobody may read."""

    def read(self, *args):
        raise AssertionError("The body was read.")

    readline = read


def send(browser, path, size):
    """Announce a body of ``size`` bytes that must not be read."""
    environ = {"CONTENT_LENGTH": str(size), "wsgi.input": Unread(), "CONTENT_TYPE": FORM}
    return browser.generic("POST", path, **environ)


@pytest.mark.parametrize("path", ["/accounts/login/", "/accounts/password/reset/"])
def test_a_large_body_is_refused_before_it_is_read_and_before_csrf(demo, path):
    browser = Client(enforce_csrf_checks=True)
    answer = send(browser, path, PAGE_BYTES + 1)
    assert answer.status_code == 413
    assert "What was sent is larger than 1 MB." in Page(answer).text
    # What concerns the connection is the server's: WSGI forbids to name it.
    assert not any(is_hop_by_hop(name) for name in answer.headers)


@pytest.mark.parametrize("size", ["-1", "1e9", "²"])
def test_a_length_that_is_none_is_refused(demo, size):
    request = RequestFactory().generic("POST", "/accounts/login/")
    request.META["CONTENT_LENGTH"] = size
    request.user = demo.user("global@nordlicht.example")
    view = get_resolver().resolve("/accounts/login/").func
    refused = BodyLimitMiddleware(None).process_view(request, view, (), {})
    assert refused.status_code == 413


def test_a_file_may_be_larger_for_those_who_may_send_it(demo):
    content = b"Subscription ID;MPN ID of the contact\n" + b";\n" * 600_000
    browser = signed_in("helpdesk@nordlicht.example")
    with_file = {"file": _file(content)}
    assert browser.post(UPLOAD, with_file).status_code == 200
    assert send(browser, UPLOAD, UPLOAD_BYTES + 1).status_code == 413
    for email in ("sales@nordlicht.example", "admin@albers.example"):
        assert send(signed_in(email), UPLOAD, PAGE_BYTES + 1).status_code == 413, email
    assert send(Client(), UPLOAD, PAGE_BYTES + 1).status_code == 413


def _file(content):
    return SimpleUploadedFile("contacts.csv", content, content_type="text/csv")


class Endless:
    """A body in chunks without an end; ``asked`` is how much of it was wanted."""

    asked = 0

    def read(self, size):
        self.asked += size
        return b"x" * size


def passed_on(body):
    seen = {}

    def application(environ, start_response):
        seen.update(environ)
        return []

    MeasuredBodies(application)({"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input": body}, None)
    return seen


def test_of_a_body_in_chunks_no_more_is_read_than_a_page_can_need():
    endless = Endless()
    assert int(passed_on(endless)["CONTENT_LENGTH"]) == endless.asked == PAGE_BYTES + 1


def test_a_small_body_in_chunks_is_read_like_any_other():
    seen = passed_on(io.BytesIO(b"name=value"))
    assert (seen["CONTENT_LENGTH"], seen["wsgi.input"].read()) == ("10", b"name=value")


def test_a_session_does_not_grow_without_end(demo):
    store = SessionStore()
    store["typed"] = "a" * 1000
    store.save()
    store["typed"] = "".join(map(str, range(MOST_LETTERS)))
    with pytest.raises(SessionTooLarge):
        store.save()
    assert SessionStore(store.session_key)["typed"] == "a" * 1000


def test_what_is_typed_on_the_way_to_a_customer_is_kept_within_limits(demo):
    browser = signed_in("global@nordlicht.example")
    browser.get("/customers/add/", follow=True)
    junk = {f"account-{number}": secrets.token_hex(500) for number in range(400)}
    answer = browser.post("/customers/add/account/", {"goto": "account", **junk})
    assert answer.status_code == 400
    assert "This is more than the portal keeps for you between two pages." in Page(answer).text
    assert max(len(one.session_data) for one in Session.objects.all()) <= MOST_LETTERS


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/accounts/login/"])
def test_HEAD_is_answered_as_GET_without_a_body(db, path):
    browser = Client()
    got, head = browser.get(path), browser.head(path)
    assert (head.status_code, head.content) == (got.status_code, b"")
    assert int(head["Content-Length"]) > 0


def test_HEAD_of_an_export_sends_nothing(demo):
    answer = signed_in("global@nordlicht.example").head("/customers/export/")
    assert (answer.status_code, answer.getvalue()) == (200, b"")
