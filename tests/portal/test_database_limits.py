"""Nobody waits for ever in PostgreSQL: what a request may ask of it is limited, transaction by transaction.

The other one is a real second connection that keeps its locks: a transaction that somebody forgot.
"""

from contextlib import contextmanager

import psycopg
import pytest
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import DatabaseError, OperationalError, connection, transaction
from django.test import Client

from portal.database_faults import fault_of, is_conflict
from portal.models import User
from portal.postgresql import base
from portal.views import ProfileView
from tests.pages import Page, sign_in, signed_in
from tests.races import Outcome, elsewhere, finish
from tests.workers import wait_until

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

HELPDESK = "helpdesk@nordlicht.example"
CONFLICT = (409, "Changed at the same time")


@contextmanager
def another():
    """A second connection of the library itself, with a transaction that it leaves open."""
    params = connection.get_connection_params()
    with psycopg.connect(**params | {"context": None, "cursor_factory": None}) as other:
        yield other
        other.rollback()


@pytest.fixture
def short(monkeypatch):
    """The same limits, as fractions of a second."""
    for name in ("_OF_STATEMENT", "_OF_TRANSACTION"):
        shorter = getattr(base, name).replace("'5s'", "'200ms'").replace("'60s'", "'400ms'")
        monkeypatch.setattr(base, name, shorter)


def shown(name):
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW {name}")
        return cursor.fetchone()[0]


LIMITS = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")


def limits():
    return tuple(map(shown, LIMITS))


# What the database is told


def test_each_transaction_of_a_request_has_its_limits_and_nothing_of_them_stays(db):
    without = limits()
    with connection.limited():
        assert limits() == ("5s", "1min", without[2])
        with transaction.atomic():
            assert limits() == ("5s", "1min", "1min")
            with pytest.raises(ZeroDivisionError), transaction.atomic():
                raise ZeroDivisionError
            assert limits() == ("5s", "1min", "1min")
        with transaction.atomic(), transaction.atomic():  # its first statement makes a savepoint
            assert limits() == ("5s", "1min", "1min")
    assert limits() == without == ("0", "0", "0")
    with transaction.atomic():
        assert limits() == without


def test_what_a_statement_finds_or_does_is_the_same(demo):
    expected = list(User.objects.order_by("pk").values_list("email", "name"))
    with connection.limited():
        assert list(User.objects.order_by("pk").values_list("email", "name")) == expected
        assert list(User.objects.order_by("pk").values_list("email", "name").iterator()) == expected
        assert User.objects.filter(name="100%").count() == 0
        assert User.objects.filter(email=HELPDESK).update(name="50 % of %s") == 1
        assert User.objects.get(email=HELPDESK).name == "50 % of %s"
        made = User.objects.create(email="new@nordlicht.example")
        assert User.objects.get(pk=made.pk) == made
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 UNION SELECT 2")
            assert cursor.fetchall() == [(1,), (2,)]
            names = [("a", HELPDESK), ("b", HELPDESK)]
            cursor.executemany("UPDATE portal_user SET name = %s WHERE email = %s", names)
        assert User.objects.get(email=HELPDESK).name == "b"


def test_every_request_is_limited(demo, monkeypatch):
    found = []
    monkeypatch.setattr(
        ProfileView, "form_valid", lambda self, form: found.append(limits()) or self.get("")
    )
    signed_in(HELPDESK).post("/settings/profile/", {"name": "Someone", "language": ""})
    assert [lock for lock, *_rest in found] == ["5s"]


# One forgotten transaction


def test_a_submit_that_waits_in_vain_is_a_conflict_and_nothing_is_written(demo, nothing_written):
    office = demo.subscription("Reederei Albers", "Office 365 Business Standard")
    hafen = demo.partner("Hafen IT")
    path = f"/customers/{office.customer_id}/subscriptions/{office.pk}/"
    browser = signed_in(HELPDESK)
    with another() as other:
        other.execute("SELECT FROM subscriptions_subscription FOR UPDATE")
        with nothing_written():
            answer = browser.post(path, {"support_contact": str(hafen.pk)})
        assert (answer.status_code, Page(answer).heading) == CONFLICT
        assert browser.get(path).status_code == 200  # who reads does not wait
    assert browser.post(path, {"support_contact": str(hafen.pk)}).status_code == 302
    office.refresh_from_db()
    assert office.support_contact == hafen


def test_a_statement_without_a_transaction_does_not_wait_either(demo, short):
    with another() as other:
        other.execute("SELECT FROM portal_user FOR UPDATE")
        with connection.limited(), pytest.raises(OperationalError) as caught:
            User.objects.update(name="Someone")
        assert is_conflict(caught.value)
        with connection.limited():
            assert not User.objects.filter(name="Someone").exists()


@pytest.mark.parametrize(
    ("language", "heading"), [("en", CONFLICT[1]), ("de", "Zur gleichen Zeit geändert")]
)
def test_a_session_that_somebody_holds_is_a_conflict(demo, short, language, heading):
    """It is saved after the view, where no view's error is: not an error of the server, nor signed out."""
    browser = signed_in(HELPDESK, **{"accept-language": language})
    browser.raise_request_exception = False
    with another() as other:
        other.execute("SELECT FROM django_session FOR UPDATE")
        answer = browser.post("/settings/profile/", {"name": "Someone", "language": ""})
        assert (answer.status_code, Page(answer).heading) == (409, heading)
    assert Session.objects.count() == 1
    assert browser.get("/settings/profile/").status_code == 200


def test_counts_of_attempts_that_somebody_holds_are_a_conflict(demo, short):
    """Not "too many attempts": nobody knows how many there were."""
    browser = Client(raise_request_exception=False)
    with another() as other:
        other.execute("LOCK TABLE portal_cache IN EXCLUSIVE MODE")
        answer = sign_in(browser, HELPDESK)
        assert (answer.status_code, Page(answer).heading) == CONFLICT
    assert sign_in(browser, HELPDESK).status_code == 302


def test_a_value_that_somebody_else_has_just_added_is_no_conflict(db):
    assert cache.add("once", 1)
    assert not cache.add("once", 2)


def test_commands_wait_as_long_as_it_takes(demo, short):
    outcome = Outcome()
    with another() as other:
        other.execute("SELECT FROM portal_user FOR UPDATE")
        thread = elsewhere(lambda: User.objects.update(name="Someone"), outcome)
        thread.start()
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        wait_until(lambda: connection.cursor().execute(waiting).fetchone()[0])
        # Longer than a request would wait: this statement alone takes that long.
        connection.cursor().execute("SELECT pg_sleep(0.5)")
        assert thread.is_alive()
    finish(thread)
    assert outcome.value == User.objects.count()


# Statements without an end, transactions that do nothing, servers that do not answer


def sentence(error):
    return str(fault_of(error).sentence)


def test_a_statement_that_takes_too_long_is_told_as_that(demo, short, monkeypatch):
    def sleep(self, form):
        connection.cursor().execute("SELECT pg_sleep(60)")

    monkeypatch.setattr(ProfileView, "form_valid", sleep)
    browser = signed_in(HELPDESK)
    browser.raise_request_exception = False
    answer = browser.post("/settings/profile/", {"name": "Someone", "language": ""})
    assert (answer.status_code, Page(answer).heading) == (503, "Not available at present")
    assert "The portal's database took too long for this." in Page(answer).text
    assert int(answer["Retry-After"]) > 0


def test_a_transaction_that_does_nothing_lets_go_of_its_locks(demo, short):
    with another() as other:
        other.autocommit = True
        count = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s"

        def forget():
            with connection.limited(), transaction.atomic():
                User.objects.update(name="Someone")
                pid = [connection.connection.info.backend_pid]
                wait_until(lambda: other.execute(count, pid).fetchone() == (0,))
                User.objects.count()

        with pytest.raises(DatabaseError) as caught:
            forget()
        assert fault_of(caught.value)
    assert not User.objects.filter(name="Someone").exists()  # by a connection that works


def test_a_server_that_does_not_answer_is_not_waited_for(db):
    with connection.limited():
        assert User.objects.count() == 0
        server = connection.connection
        assert server.patience > base.STATEMENT
        server.patience = 0.2
        with pytest.raises(OperationalError) as caught, connection.wrap_database_errors:
            server.execute("SELECT pg_sleep(60)")
        assert sentence(caught.value) == "The portal's database can't be reached at present."
        assert server.closed
        connection.close_if_unusable_or_obsolete()  # what Django does when a request ends
        assert User.objects.count() == 0
    with another() as other:
        sleeping = (
            "FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)' AND pid <> pg_backend_pid()"
        )
        other.execute(f"SELECT pg_terminate_backend(pid) {sleeping}")


# Connections that last


def test_one_that_was_cut_is_replaced_at_the_next_request(demo):
    browser = signed_in(HELPDESK)
    assert browser.get("/customers/").status_code == 200
    before = connection.connection.info.backend_pid
    with another() as other:
        other.execute("SELECT pg_terminate_backend(%s)", [before])
    connection.close_if_unusable_or_obsolete()  # what Django does when a request starts
    assert browser.get("/customers/").status_code == 200
    assert connection.connection.info.backend_pid != before


@pytest.mark.parametrize(("wanted", "stays"), [("read-write", False), ("any", True)])
def test_a_primary_that_became_read_only_is_left_where_there_are_others(db, wanted, stays):
    connection.ensure_connection()
    connection.settings_dict["OPTIONS"]["target_session_attrs"] = wanted
    try:
        assert connection.is_usable()
        connection.connection.execute("SET default_transaction_read_only = on")
        assert connection.is_usable() is stays
    finally:
        del connection.settings_dict["OPTIONS"]["target_session_attrs"]
        connection.close()


def cursors():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_cursors WHERE name LIKE '_django%'")
        return cursor.fetchone()[0]


def test_no_cursor_outlives_its_transaction(demo):
    """Behind PgBouncer the next statement may run on a connection that does not know it."""
    rows = User.objects.order_by("pk").iterator(chunk_size=2)
    next(rows)
    assert cursors() == 0
    assert len(list(rows)) == User.objects.count() - 1
    with transaction.atomic():
        rows = User.objects.order_by("pk").iterator(chunk_size=2)
        next(rows)
        assert cursors() == 1
    assert cursors() == 0
