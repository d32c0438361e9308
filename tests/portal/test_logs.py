"""What the logs say, and what they keep to themselves."""

import errno
import logging
import sys

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, OperationalError, connection, transaction
from django.http import StreamingHttpResponse
from django.test import Client, RequestFactory

from portal.logs import FIELDS, scrub
from portal.middleware import AccessLogMiddleware
from portal.models import User
from relationships.models import RelationshipRequest
from tests.pages import signed_in

EMAIL = "global@nordlicht.example"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Not Found: /customers/", "Not Found: /customers/"),
        ("mail to Anna <anna@firm.example>, twice", "mail to Anna <<email>>, twice"),
        ("GET /customers/?q=anna&x=1 failed", "GET /customers/?… failed"),
        (
            "Gone: /invitations/6f0b93c77c3f4a0d9a27-1.x9cVtF2mGzPq8sYw7uL3/accept/",
            "Gone: /invitations/<token>/accept/",
        ),
        (
            "/accounts/password/reset/key/2-d0x9xl-1f0b93c77c3f4a0d9a271f0b93c77c3f/",
            "/accounts/password/reset/key/<token>/",
        ),
        (
            "/customers/6f0b93c7-7c3f-4a0d-9a27-0b93c77c3f4a/subscriptions/",
            "/customers/6f0b93c7-7c3f-4a0d-9a27-0b93c77c3f4a/subscriptions/",
        ),
        (
            "/invitations/6f0b93c7-7c3f-4a0d-9a27-0b93c77c3f4a-1.xyz/",
            "/invitations/<token>/",
        ),
    ],
)
def test_a_message_is_scrubbed(text, expected):
    assert scrub(text) == expected


@pytest.mark.parametrize("path", ["/invitations/SECRET:abc/foo/", "/accounts/SECRET/x-1/"])
def test_a_refused_request_is_named_by_its_area(db, lines, path):
    """However a personal link was cut or mangled, no part of it stands in the log."""
    Client().get(path)
    Client(enforce_csrf_checks=True).post(f"/accounts/login/?next={path}", {"username": "SECRET"})
    assert "SECRET" not in lines.text
    messages = [line["message"] for line in lines.parsed]
    assert f"Not Found: /{path.split('/')[1]}/…" in messages


@pytest.mark.parametrize("sign", ["a", "a.", "?", "/a", "a@"])
def test_scrubbing_goes_through_a_text_once(sign):
    """Looked at again from each letter, a text of this length would take hours."""
    assert scrub(f"{sign * 1_000_000} anna@firm.example").endswith(("<email>", "?…"))


def test_a_line_is_one_object_whatever_is_in_the_message(lines):
    logging.getLogger("somewhere").warning('a\n{"level": "INFO"}\r\u2028"b', extra={"request": "x"})
    [line] = lines.parsed
    assert lines.raw[0].splitlines() == [lines.raw[0]]
    assert line["message"] == 'a\n{"level": "INFO"}\r\u2028"b'
    assert (line["level"], line["logger"]) == ("WARNING", "somewhere")
    assert set(line) <= {*FIELDS, "at", "level", "logger"}


def raised(error, cause=None):
    try:
        raise error from cause
    except type(error):
        return sys.exc_info()


def errors(name, address):
    """Errors that quote what someone typed or stored."""
    try:
        int(address)
    except ValueError:
        yield sys.exc_info()
    yield raised(ValidationError(f"{name} is no customer."), KeyError(name))
    try:
        with transaction.atomic():
            User.objects.create(email=address, name=name)
    except IntegrityError:
        yield sys.exc_info()
    yield raised(AttributeError(f"'NoneType' has no 'x' for {address}"))


def test_an_error_tells_where_it_happened_and_not_what_it_quotes(demo, lines):
    name = demo.user(EMAIL).name
    for error in errors(name, EMAIL):
        logging.getLogger("django.request").error("Internal Server Error", exc_info=error)
        told = lines.parsed[-1]["exc_info"]
        assert f"{error[0].__module__}.{error[0].__qualname__}" in told
        assert "test_logs.py" in told
        assert EMAIL not in lines.raw[-1]
        assert name not in lines.raw[-1]
    assert len(lines.raw) == 4
    assert "django.db.utils.IntegrityError" in lines.parsed[2]["exc_info"]
    assert "'NoneType' has no 'x' for <email>" in lines.parsed[3]["exc_info"]


def test_a_database_that_does_not_answer_is_told_in_its_own_words(lines):
    error = raised(OperationalError("connection to server at 10.0.0.5 failed: refused"))
    logging.getLogger("django.request").error("Internal Server Error", exc_info=error)
    assert "connection to server at 10.0.0.5 failed: refused" in lines.parsed[0]["exc_info"]


def test_what_people_do_leaves_no_personal_data_in_the_log(demo, lines, queue):
    boss = signed_in(EMAIL)
    firm = {"recipient_name": "Werft Neu", "recipient_email": "anna@werft.example"}
    boss.post("/relationships/requests/new/", firm | {"language": "de", "with_dap": "on"})
    made = RelationshipRequest.objects.get()
    boss.post(f"/relationships/requests/{made.pk}/", {"subject": "Hi", "text": "x", "send": "1"})
    nobody = Client(raise_request_exception=False)
    nobody.get(made.path)
    nobody.get(made.path + "nowhere/")
    nobody.get(f"/customers/?q={EMAIL}")
    nobody.post("/accounts/login/", {"username": EMAIL, "password": "not-the-word"})
    Client(enforce_csrf_checks=True).post("/accounts/login/", {"username": EMAIL})
    signed_in("users@nordlicht.example").get("/customers/?q=anna")
    boss.get("/settings/users/anna@werft.example/")
    assert len(lines.raw) >= 10
    for secret in (EMAIL, "anna", "werft", "Werft", made.token, "not-the-word", "Nordlicht"):
        assert secret.lower() not in lines.text.lower(), secret
    access = [line for line in lines.parsed if line["logger"] == "portal.access"]
    assert [(line["method"], line["route"], line["status_code"]) for line in access][:3] == [
        ("POST", "/relationships/requests/new/", 302),
        ("POST", "/relationships/requests/<uuid:pk>/", 302),
        ("GET", "/invitations/<str:token>/", 200),
    ]
    assert all(line["request_id"] and line["milliseconds"] >= 0 for line in access)


def test_what_is_refused_is_a_warning_with_the_id_of_its_request(demo, lines):
    boss, colleague, nobody = signed_in(EMAIL), signed_in("users@nordlicht.example"), Client()
    answers = [
        colleague.get("/customers/"),
        boss.get("/customers/6f0b93c7-7c3f-4a0d-9a27-0b93c77c3f4a/account/"),
        Client(enforce_csrf_checks=True).post("/accounts/login/", {"username": EMAIL}),
        boss.post("/settings/profile/", content_type="text/plain", data="x" * 1_000_001),
        nobody.get("/", headers={"host": "elsewhere.example"}),
    ]
    assert [answer.status_code for answer in answers] == [403, 404, 403, 413, 400]
    warned = {line["request_id"] for line in lines.parsed if line["level"] in ("WARNING", "ERROR")}
    assert {answer["X-Request-ID"] for answer in answers} == warned


def test_the_page_of_an_error_shows_the_id_of_its_lines(demo, lines, monkeypatch):
    def fail(*args, **kwargs):
        raise ValueError(EMAIL)

    monkeypatch.setattr("portal.views.HomeView.get", fail)
    browser = signed_in(EMAIL)
    browser.raise_request_exception = False
    answer = browser.get("/")
    [line] = [line for line in lines.parsed if "exc_info" in line]
    assert f"<code>{line['request_id']}</code>" in answer.content.decode()
    assert answer["X-Request-ID"] == line["request_id"]
    assert EMAIL not in lines.text


@pytest.mark.parametrize("odd", ["x", "a" * 31, "<script>", "a" * 300, "anna@firm.example"])
def test_an_id_that_is_none_is_not_taken_from_outside(demo, lines, odd):
    answer = Client().get("/accounts/login/", headers={"x-request-id": odd})
    assert odd not in answer["X-Request-ID"]
    assert odd not in lines.text or odd == "x"


def test_a_slow_query_or_a_lost_one_does_not_write_its_values(demo, lines):
    """At the level of production Django's own log of SQL stays silent."""
    logging.getLogger("django.db.backends").setLevel(logging.NOTSET)
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s", [EMAIL])
    assert lines.raw == []


def test_an_answer_that_breaks_off_is_told_once_with_its_request(demo, lines):
    """Any answer that is sent while it is made; a page that tells its reader of it raises nothing."""

    def pieces():
        yield "half"
        raise ValueError(EMAIL)

    request = RequestFactory().get("/")
    request.resolver_match = None
    answer = AccessLogMiddleware(lambda request: StreamingHttpResponse(pieces()))(request)
    told = iter(answer)
    assert next(told) == b"half"
    assert lines.raw == []
    with pytest.raises(ConnectionResetError) as caught:
        next(told)
    assert (
        caught.value.errno == errno.ECONNRESET
    )  # which the server takes for a reader that has left
    answer.close()
    answer.close()
    error, access = lines.parsed
    assert (error["level"], "ValueError" in error["exc_info"]) == ("ERROR", True)
    assert (access["logger"], access["outcome"]) == ("portal.access", "failed")
    assert EMAIL not in lines.text


def test_a_file_and_a_page_have_no_outcome_but_their_status(demo, lines):
    boss = signed_in(EMAIL)
    boss.get("/customers/export/")
    boss.get("/customers/")
    access = lines.of(logger="portal.access")
    assert [("outcome" in line, line["status_code"]) for line in access] == [(False, 200)] * 2
