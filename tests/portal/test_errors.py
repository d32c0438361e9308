"""The pages of errors: in the portal's look and language, and with nothing but what they need."""

import threading

import pytest
from django.db import DatabaseError, IntegrityError, OperationalError, connection, transaction
from django.test import Client, RequestFactory
from django.utils.translation import override

from portal.middleware import ConflictMiddleware
from portal.models import User
from portal.views import too_many_requests
from tests.pages import Page, signed_in

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
