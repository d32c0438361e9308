"""The pages of errors: in the portal's look and language, and with nothing but what they need."""

import threading
from contextlib import contextmanager

import psycopg
import pytest
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.models import Session
from django.db import (
    DatabaseError,
    IntegrityError,
    InternalError,
    OperationalError,
    connection,
    transaction,
)
from django.http import HttpResponse, StreamingHttpResponse
from django.test import Client, RequestFactory
from django.utils.translation import override

from portal.database_faults import fault_of
from portal.middleware import ConflictMiddleware, UnderWayMiddleware
from portal.models import User
from portal.views import too_many_requests
from tests.pages import Page, signed_in
from tests.races import LONG_ENOUGH

HELPDESK = "helpdesk@nordlicht.example"


class Unreachable(DatabaseError):
    pass


def no_database(execute, sql, params, many, context):
    raise Unreachable("anna@firm.example")


@pytest.mark.parametrize(
    ("language", "heading"), [("en", "Something went wrong"), ("de", "Etwas ist schiefgegangen")]
)
def test_the_page_of_a_500_needs_no_database(demo, language, heading):
    browser = signed_in(HELPDESK, **{"accept-language": language})
    browser.raise_request_exception = False
    with connection.execute_wrapper(no_database):
        answer = browser.get("/customers/")
    assert answer.status_code == 500
    page = Page(answer)
    assert (page.heading, page.language) == (heading, language)
    assert answer["X-Request-ID"] in page.text
    assert "Unreachable" not in page.source
    assert "anna" not in page.source


def test_the_page_of_a_500_asks_no_context_processor(demo, settings, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError

    monkeypatch.setattr("portal.context_processors.menu_for", fail)
    browser = signed_in(HELPDESK)
    browser.raise_request_exception = False
    answer = browser.get("/customers/")
    assert answer.status_code == 500
    assert Page(answer).heading == "Something went wrong"


def test_the_language_of_the_page_is_that_of_the_user_not_of_the_one_before(demo, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError

    User.objects.filter(email=HELPDESK).update(language="de")
    signed_in(HELPDESK).get("/customers/")
    monkeypatch.setattr(
        "django.contrib.sessions.middleware.SessionMiddleware.process_request", fail
    )
    browser = Client(raise_request_exception=False, headers={"accept-language": "en"})
    assert Page(browser.get("/")).language == "en"


class _Cause(Exception):
    def __init__(self, **code):
        super().__init__("anna@firm.example")
        self.__dict__.update(code)


def failing(error, **code):
    """What Django makes of the database's own error with this code."""
    error = error("anna@firm.example")
    error.__cause__ = _Cause(**code)

    def fail(execute, sql, params, many, context):
        if context["connection"].in_atomic_block or sql.startswith(("SELECT", "INSERT", "UPDATE")):
            raise error
        return execute(sql, params, many, context)

    return fail


FULL = "The portal has no room left to store anything."
READ_ONLY = "The portal can be read at present, but nothing can be changed."
UNREACHABLE = "The portal's database can't be reached at present."


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (OperationalError, {"sqlite_errorname": "SQLITE_FULL"}, FULL),
        (OperationalError, {"sqlstate": "53100"}, FULL),
        (OperationalError, {"sqlite_errorname": "SQLITE_READONLY_DIRECTORY"}, READ_ONLY),
        (InternalError, {"sqlstate": "25006"}, READ_ONLY),
        (OperationalError, {"sqlite_errorname": "SQLITE_CANTOPEN"}, UNREACHABLE),
        (OperationalError, {"sqlstate": "57P01"}, UNREACHABLE),
        (OperationalError, {"sqlstate": "08006"}, UNREACHABLE),
        (OperationalError, {"sqlstate": "53300"}, UNREACHABLE),
    ],
)
def test_a_fault_of_the_database_is_told_as_what_it_is(demo, caplog, error, code, sentence):
    browser = signed_in(HELPDESK)
    browser.raise_request_exception = False
    with connection.execute_wrapper(failing(error, **code)):
        answer = browser.get("/customers/")
    assert (answer.status_code, Page(answer).heading) == (503, "Not available at present")
    assert sentence in Page(answer).text
    assert int(answer["Retry-After"]) > 0
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert browser.get("/customers/").status_code == 200  # it recovers by itself


def test_a_connection_that_can_not_be_made_has_no_code():
    error = OperationalError()
    error.__cause__ = psycopg.OperationalError("connection refused")
    assert fault_of(error).sentence == UNREACHABLE
    assert fault_of(RuntimeError()) is None
    assert fault_of(OperationalError()) is None


@contextmanager
def only_reading():
    """The database takes no changes, as on a disk that only reads, or of a primary that became a replica."""
    is_sqlite = connection.vendor == "sqlite"
    # Of the library itself: Django refuses statements once one has failed.
    execute = connection.connection.execute
    if is_sqlite:
        execute("PRAGMA query_only = ON")
    else:
        execute("SET CONSTRAINTS ALL IMMEDIATE")  # what is due at the end of the test writes locks
        execute("SET TRANSACTION READ ONLY")
    try:
        yield
    finally:
        if is_sqlite:
            execute("PRAGMA query_only = OFF")


@pytest.mark.parametrize(
    ("path", "data"),
    [
        # The count of attempts can't be written, and neither can the session.
        ("/accounts/login/", {"username": HELPDESK, "password": "demo-portal"}),
        ("/accounts/password/reset/", {"email": HELPDESK}),
        ("/settings/profile/", {"name": "Someone", "language": ""}),
    ],
)
def test_a_database_that_takes_no_changes_is_told_as_that(demo, path, data):
    browser = signed_in(HELPDESK) if path.startswith("/settings") else Client()
    browser.raise_request_exception = False
    with only_reading():
        answer = browser.post(path, data)
    assert (answer.status_code, Page(answer).heading) == (503, "Not available at present")
    assert READ_ONLY in Page(answer).text


def test_a_session_that_can_not_be_saved_does_not_say_that_the_user_has_left(demo):
    browser = signed_in(HELPDESK)
    session = browser.session
    Session.objects.all().delete()
    with pytest.raises(UpdateError):
        session.save()
    with only_reading(), pytest.raises((OperationalError, InternalError)) as caught:
        session.save()
    assert fault_of(caught.value).sentence == READ_ONLY


@pytest.mark.parametrize(
    ("language", "heading"), [("en", "Too many attempts"), ("de", "Zu viele Versuche")]
)
def test_too_many_attempts_get_a_page(demo, language, heading):
    """The limit on attempts calls this view by its name in the URLconf."""
    request = RequestFactory().get("/accounts/login/")
    with override(language):
        answer = too_many_requests(request)
    assert (answer.status_code, Page(answer).heading) == (429, heading)


def conflicting(demo):
    """The error of the one who comes too late with an email that must be unique."""
    try:
        with transaction.atomic():
            User.objects.create(email=HELPDESK)
    except IntegrityError as error:
        return error


@pytest.mark.parametrize(
    ("language", "heading"),
    [("en", "Changed at the same time"), ("de", "Zur gleichen Zeit geändert")],
)
def test_who_comes_too_late_reads_so(demo, monkeypatch, language, heading, nothing_written):
    error = conflicting(demo)

    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr("portal.views.ProfileView.form_valid", fail)
    browser = signed_in(HELPDESK, **{"accept-language": language})
    with nothing_written():
        answer = browser.post("/settings/profile/", {"name": "Someone", "language": ""})
    assert (answer.status_code, Page(answer).heading) == (409, heading)


@pytest.mark.parametrize("kind", [OperationalError, IntegrityError, ValueError])
def test_what_is_no_conflict_stays_an_error(kind):
    middleware = ConflictMiddleware(lambda request: None)
    assert middleware.process_exception(RequestFactory().get("/"), kind("x")) is None


def test_a_value_that_is_missing_is_no_conflict(demo):
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        User.objects.filter(email=HELPDESK).update(name=None)
    middleware = ConflictMiddleware(lambda request: None)
    assert middleware.process_exception(RequestFactory().get("/"), caught.value) is None


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_a_deadlock_is_a_conflict(demo):
    """Two that lock the same rows in opposite order: the database ends one of them."""
    one, other = User.objects.order_by("pk")[:2]
    barrier, caught = threading.Barrier(2, timeout=20), []

    def lock(first, second):
        try:
            with transaction.atomic():
                User.objects.select_for_update().get(pk=first.pk)
                barrier.wait()
                User.objects.select_for_update().get(pk=second.pk)
        except OperationalError as error:
            caught.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=lock, args=pair) for pair in ((one, other), (other, one))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    [error] = caught
    answer = ConflictMiddleware(lambda request: None).process_exception(
        RequestFactory().get("/"), error
    )
    assert answer.status_code == 409


# What browsers and caches are told


def test_what_a_signed_in_user_reads_is_kept_nowhere(demo):
    browser = signed_in("global@nordlicht.example")
    for path in ("/", "/customers/", "/activity/", "/activity/export/", "/settings/company/", "/x"):
        assert browser.get(path)["Cache-Control"] == "private, no-store", path


def test_neither_is_what_a_personal_link_opens(demo):
    assert Client().get("/invitations/x/")["Cache-Control"] == "private, no-store"


def test_a_message_about_a_customer_stands_in_no_cookie(demo):
    browser = signed_in(HELPDESK)
    answer = browser.post("/settings/profile/", {"name": "Someone", "language": ""})
    assert set(answer.cookies) <= {"sessionid", "csrftoken"}
    assert "Your profile was saved." in browser.get("/customers/").content.decode()


class TestChangesUnderWay:
    """One user can't take all threads of a process: beyond two changes at one time the answer is 429."""

    @pytest.fixture
    def asked(self, demo):
        """Ask a middleware whose view waits for ``leave``; ``entered`` counts who got there."""
        entered, leave = threading.Semaphore(0), threading.Event()

        def view(request):
            entered.release()
            assert leave.wait(LONG_ENOUGH)
            return HttpResponse("done")

        middleware = UnderWayMiddleware(view)

        def ask(user, method="POST"):
            request = RequestFactory().generic(method, "/")
            request.user = user
            return middleware(request)

        ask.entered, ask.leave, ask.middleware = entered, leave, middleware
        yield ask
        leave.set()

    def test_beyond_two_at_one_time_the_answer_is_429_at_once(self, asked, demo):
        one, other = demo.user(HELPDESK), demo.user("agent@nordlicht.example")
        threads = [threading.Thread(target=asked, args=[user]) for user in (one, one, other)]
        for thread in threads:
            thread.start()
            assert asked.entered.acquire(timeout=LONG_ENOUGH)
        refused = asked(one)
        assert refused.status_code == 429
        assert "Other changes of yours are under way." in refused.content.decode()
        asked.leave.set()
        for thread in threads:
            thread.join(LONG_ENOUGH)
        assert asked(one).status_code == 200
        assert not asked.middleware.under_way

    def test_reading_is_not_counted_and_neither_is_who_is_not_signed_in(self, asked, demo):
        asked.leave.set()
        asked.middleware.under_way[demo.user(HELPDESK).pk] = 2
        assert asked(demo.user(HELPDESK), "GET").status_code == 200
        assert asked(AnonymousUser()).status_code == 200

    def test_a_page_that_is_sent_while_it_is_made_is_under_way_until_its_end(self, demo):
        middleware = UnderWayMiddleware(lambda request: StreamingHttpResponse(iter(["a", "b"])))
        request = RequestFactory().post("/")
        request.user = demo.user(HELPDESK)
        sent, given_up = middleware(request), middleware(request)
        assert middleware(request).status_code == 429
        assert b"".join(sent) == b"ab"
        sent.close()
        given_up.close()  # without a piece of it read
        assert not middleware.under_way

    def test_what_fails_is_over(self, demo):
        def fail(request):
            raise ZeroDivisionError

        middleware = UnderWayMiddleware(fail)
        request = RequestFactory().post("/")
        request.user = demo.user(HELPDESK)
        with pytest.raises(ZeroDivisionError):
            middleware(request)
        assert not middleware.under_way
