"""The page of a bulk assignment while it runs: how far it is, and how it ended, whatever happens."""

import threading

import pytest
from django.db import DatabaseError, OperationalError, connection, transaction
from django.http import HttpResponse
from django.urls import reverse

from portal.authority import NotAllowed, Refusal
from portal.models import Action, ActivityEntry, Mail, Notice
from portal.models.notices import NoticeQuerySet
from subscriptions.models import BulkAssignment, Subscription
from subscriptions.models import bulk as bulk_models
from subscriptions.models import telling as telling_models
from tests.demo import HELPDESK
from tests.pages import Page, signed_in
from tests.races import LONG_ENOUGH, finish, wait_until_blocked

GO_BACK = "Nothing was changed. Go back, look at what is there now, and submit it again."
MEANWHILE = "Someone else was changing the same at this moment."


@pytest.fixture
def browser(demo):
    return signed_in(HELPDESK)


@pytest.fixture
def made(demo, hafen):
    """The preview of a bulk assignment that changes four subscriptions of Reederei Albers."""
    helpdesk = demo.user(HELPDESK)
    made = BulkAssignment.objects.start(
        demo.customer("Reederei Albers").subscriptions.all(), by=helpdesk
    )
    made.choose(hafen, by=helpdesk)
    return made


def page_of(answer):
    assert answer.status_code == 200
    return Page(HttpResponse(answer.getvalue()))


def only():
    return BulkAssignment.objects.get()


def address(name="bulk"):
    return reverse(f"coverage:{name}", args=[only().pk])


def test_sent_twice_it_shows_the_result_of_the_first(demo, browser, hafen, nothing_written):
    browser.post("/subscriptions/assign/", {"all": "1"})
    browser.post(address("contact"), {"contact": str(hafen.pk)})
    page_of(browser.post(address("submit")))
    with nothing_written():
        assert browser.post(address("submit")).url == address()
        assert browser.get(address("contact")).url == address()
        answer = browser.post(address("contact"), {"contact": str(hafen.pk)})
        assert "This was submitted already." in page_of(answer).text


def test_two_that_submit_at_the_same_time_get_the_same_result(demo, browser, hafen):
    """The second waited for the lock, and finds it done."""
    browser.post("/subscriptions/assign/", {"all": "1"})
    browser.post(address("contact"), {"contact": str(hafen.pk)})
    second = browser.post(address("submit"))
    page_of(browser.post(address("submit")))
    count = ActivityEntry.objects.count()
    page = page_of(second)
    assert page.all_text("div[@role='log']/p") == []
    assert page.all_text("p[@role='status']") == ["All of it is done."]
    assert ActivityEntry.objects.count() == count


def test_whoever_leaves_while_it_runs_has_changed_nothing(
    demo, browser, hafen, nothing_written, monkeypatch
):
    monkeypatch.setattr(bulk_models, "CHUNK", 1)
    browser.post("/subscriptions/assign/", {"all": "1"})
    browser.post(address("contact"), {"contact": str(hafen.pk)})
    with nothing_written():
        answer = browser.post(address("submit"))
        pieces = iter(answer)
        assert b"<h1>" in next(pieces)
        assert not any(b"1 of" in next(pieces) for _piece in range(2))
        assert b"1 of" in next(pieces)
        assert ActivityEntry.objects.first().action == Action.SUPPORT_CONTACT_DESIGNATED
        # What a server does when nobody reads on; the rest of it would end the test's connection too.
        answer._iterator.close()
    assert not only().is_submitted


def steps_of(page):
    return page.all_text("div[@role='log']/p")


def test_it_says_how_far_it_is_while_the_notices_are_written(browser, made, monkeypatch):
    monkeypatch.setattr(bulk_models, "CHUNK", 3)
    monkeypatch.setattr(telling_models, "CHUNK", 2)
    assert steps_of(page_of(browser.post(address("submit")))) == [
        "The rows are checked once more …",
        "0 of 4 subscriptions",
        "3 of 4 subscriptions",
        "4 of 4 subscriptions",
        "Notices and mails: 0 of 3 partners and customers",
        "Notices and mails: 2 of 3 partners and customers",
        "Everything is being stored …",
    ]
    assert Notice.objects.count() == 3


def test_what_the_page_says_is_true_at_each_moment(browser, made):
    """That it is done stands there once it is stored, and not a piece before."""
    pieces = [piece.decode() for piece in browser.post(address("submit"))]
    done = [number for number, piece in enumerate(pieces) if "All of it is done." in piece]
    stored = [number for number, piece in enumerate(pieces) if "being stored" in piece]
    assert stored[0] < done[0]
    assert "Everything is changed or nothing." in pieces[0]
    assert not [piece for piece in pieces[: done[0]] if "refresh" in piece]


class _Cause(Exception):
    def __init__(self, **code):
        super().__init__()
        self.__dict__.update(code)


def fault(error, **code):
    """What Django makes of the database's own error with this code."""
    error.__cause__ = _Cause(**code) if code else None
    return error


def failing_at(place, error):
    """The statements of the act up to ``place`` are run, and the first of those there fails."""

    def wrapper(execute, sql, params, many, context):
        if place in sql:
            raise error
        return execute(sql, params, many, context)

    return connection.execute_wrapper(wrapper)


PLACES = [
    'INSERT INTO "subscriptions_supportcontactassignment"',
    'INSERT INTO "portal_activityentry"',
    'INSERT INTO "portal_notice"',
    'INSERT INTO "portal_mail"',
    'UPDATE "subscriptions_bulkassignment" SET "submitted_at"',
]


@pytest.mark.parametrize("place", PLACES)
def test_a_deadlock_at_any_step_undoes_all_and_is_told(
    browser, made, queue, nothing_written, lines, place
):
    error = fault(OperationalError("deadlock detected"), sqlstate="40P01")
    with nothing_written(), failing_at(place, error):
        answer = browser.post(address("submit"))
        page = page_of(answer)
    assert page.all_text("div[@role='alert']/p") == [
        MEANWHILE,
        GO_BACK,
        "If it happens again, tell the operator of the portal this number: "
        + answer["X-Request-ID"],
    ]
    assert "All of it is done." not in page.text
    assert not page.tree.findall(".//meta[@http-equiv='refresh']")
    [line] = lines.of(level="ERROR")
    assert (line["request_id"], "deadlock" in line["exc_info"]) == (answer["X-Request-ID"], True)
    [line] = lines.of(logger="portal.access")
    assert (line["status_code"], line["outcome"]) == (200, "failed")
    assert line["request_id"] == answer["X-Request-ID"]
    # It can be submitted again, and then is done.
    assert "All of it is done." in page_of(browser.post(address("submit"))).text


ERRORS = pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (fault(OperationalError(), sqlstate="55P03"), MEANWHILE),
        (fault(OperationalError(), sqlite_errorname="SQLITE_BUSY"), MEANWHILE),
        (
            fault(OperationalError(), sqlite_errorname="SQLITE_FULL"),
            "The portal has no room left to store anything. Its operator has to see to it.",
        ),
        (
            fault(OperationalError(), sqlstate="57P01"),
            "The portal's database can't be reached at present.",
        ),
        (fault(DatabaseError()), "The portal could not do this."),
        (RuntimeError("anna@firm.example"), "The portal could not do this."),
    ],
)


@ERRORS
def test_whatever_fails_is_told_in_words(browser, made, nothing_written, lines, error, sentence):
    with nothing_written(), failing_at('INSERT INTO "portal_notice"', error):
        page = page_of(browser.post(address("submit")))
    assert page.all_text("div[@role='alert']/p")[:2] == [sentence, GO_BACK]
    assert page.all_text("a")[-1] == "Go back"
    assert "anna" not in page.source
    assert len(lines.of(level="ERROR")) == 1


def test_in_german_too(demo, made, monkeypatch):
    browser = signed_in(HELPDESK, **{"accept-language": "de"})
    with failing_at('INSERT INTO "portal_notice"', RuntimeError()):
        page = page_of(browser.post(address("submit")))
    assert page.all_text("div[@role='alert']/p")[0] == "Das Portal konnte das nicht tun."


def test_where_the_database_can_not_say_what_it_did_the_page_says_so(browser, made):
    """A connection may break after the database has stored it all and before it says so."""
    broken = []

    def wrapper(execute, sql, params, many, context):
        if broken or 'INSERT INTO "portal_notice"' in sql:
            broken.append(sql)
            raise fault(OperationalError(), sqlstate="57P01")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(wrapper):
        page = page_of(browser.post(address("submit")))
    assert page.all_text("div[@role='alert']/p")[1] == (
        "Whether it was done can't be said now. Go back in a moment: the page shows it."
    )


def test_what_was_stored_is_told_as_done_even_if_the_answer_to_it_was_lost(
    browser, made, monkeypatch, lines
):
    submitting = BulkAssignment.submitting

    def losing_the_answer(self, *, by):
        yield from submitting(self, by=by)
        raise fault(OperationalError(), sqlstate="08006")

    monkeypatch.setattr(BulkAssignment, "submitting", losing_the_answer)
    page = page_of(browser.post(address("submit")))
    assert page.all_text("p[@role='status']") == ["All of it is done."]
    assert len(lines.of(level="ERROR")) == 1


def test_who_may_no_longer_is_told_and_that_is_no_fault(
    browser, made, nothing_written, lines, monkeypatch
):
    def require(*args, **kwargs):
        raise NotAllowed(Refusal.INACTIVE)

    monkeypatch.setattr(bulk_models, "require", require)
    with nothing_written():
        page = page_of(browser.post(address("submit")))
    assert page.all_text("div[@role='alert']/p") == ["This account is deactivated."]
    assert lines.of(level="ERROR") == []
    assert [line["outcome"] for line in lines.of(logger="portal.access")] == ["refused"]


def test_the_log_tells_how_each_page_ended(browser, made, lines):
    answer = browser.post(address("submit"))
    next(iter(answer))
    assert lines.of(logger="portal.access") == []
    answer._iterator.close()  # what a server does when nobody reads on
    page_of(browser.post(address("submit")))
    told = [(line["status_code"], line["outcome"]) for line in lines.of(logger="portal.access")]
    assert told == [(200, "left"), (200, "done")]


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
class TestLocks:
    """The faults as PostgreSQL makes them, with someone else in a connection of its own."""

    @pytest.fixture
    def holding(self, demo):
        """``holding(act)`` runs ``act`` in a transaction of its own, and leaves it open until ``let_go``."""
        let_go, holds = threading.Event(), threading.Event()
        threads = []

        def start(act, process_ids=None):
            def run():
                try:
                    with transaction.atomic(), connection.cursor() as cursor:
                        cursor.execute("SELECT pg_backend_pid()")
                        if process_ids is not None:
                            process_ids.extend(cursor.fetchone())
                        act(holds)
                        let_go.wait(LONG_ENOUGH)
                finally:
                    connection.close()

            threads.append(threading.Thread(target=run, daemon=True))
            threads[-1].start()
            assert holds.wait(LONG_ENOUGH)
            return threads[-1]

        yield start
        let_go.set()
        for thread in threads:
            finish(thread)

    def require_undone(self, page, made, lines):
        assert page.all_text("div[@role='alert']/p")[:2] == [MEANWHILE, GO_BACK]
        assert not BulkAssignment.objects.get(pk=made.pk).is_submitted
        assert not ActivityEntry.objects.filter(action=Action.SUPPORT_CONTACT_DESIGNATED).exists()
        assert not Mail.objects.exists()
        assert len(lines.of(level="ERROR")) == 1
        assert [line["outcome"] for line in lines.of(logger="portal.access")] == ["failed"]

    def test_a_lock_that_someone_keeps_is_told(self, browser, made, lines, holding):
        def lock(holds):
            list(Subscription.objects.select_for_update().order_by("pk"))
            holds.set()

        holding(lock)
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '100ms'")
        try:
            page = page_of(browser.post(address("submit")))
        finally:
            connection.close()
        self.require_undone(page, made, lines)

    def test_a_deadlock_is_told(self, browser, made, lines, holding):
        answer = browser.post(address("submit"))
        pieces = iter(answer)
        read = [next(pieces), next(pieces)]  # the bulk assignment is locked now
        process_ids = []

        def lock_both(holds):
            list(Subscription.objects.select_for_update().order_by("pk"))
            holds.set()
            list(BulkAssignment.objects.select_for_update())

        thread = holding(lock_both, process_ids)
        wait_until_blocked(thread, process_ids)
        with connection.cursor() as cursor:
            # Of the two, this one looks first whether there is a deadlock, and gives way.
            cursor.execute("SET deadlock_timeout = '10ms'")
        page = Page(HttpResponse(b"".join([*read, *pieces])))
        self.require_undone(page, made, lines)


def test_the_list_of_places_is_that_of_the_act(browser, made, queue):
    """Each of ``PLACES`` is passed, in this order."""
    passed = []

    def wrapper(execute, sql, params, many, context):
        passed.extend(place for place in PLACES if place in sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(wrapper):
        page_of(browser.post(address("submit")))
    assert list(dict.fromkeys(passed)) == PLACES


def test_errors_of_the_notices_are_those_of_the_act(browser, made, monkeypatch, nothing_written):
    def tell(self, notices, *, by):
        raise RuntimeError

    monkeypatch.setattr(NoticeQuerySet, "tell", tell)
    with nothing_written():
        page = page_of(browser.post(address("submit")))
    assert page.all_text("div[@role='alert']/p")[1] == GO_BACK
