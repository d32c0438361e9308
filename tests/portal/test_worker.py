"""The worker does what is due, each thing once, and says so; where it is missing, operators hear of it."""

import os
import signal
import threading
import time
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import DatabaseError, OperationalError, connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from portal.models import LeaseLost, Task, Worker
from portal.models.due import LATE, LEASE
from portal.worker import Finding
from portal.worker.loop import Loop
from portal.worker.registry import Registry
from tests.races import LONG_ENOUGH
from tests.workers import running_worker, wait_until

MINUTE = timedelta(minutes=1)


@pytest.fixture
def agenda(monkeypatch):
    """What is registered: in these tests nothing but what they register themselves."""
    registry = Registry()
    monkeypatch.setattr("portal.worker.registry.autodiscover_modules", lambda name: None)
    monkeypatch.setattr("portal.worker.loop.due", registry)
    return registry


def work():
    """Let a worker do what is due now, and return it."""
    loop = Loop()
    loop.run(once=True)
    return loop


def in_minutes(**moments):
    """Put moments of every task that many minutes from now, as the database counts."""
    Task.objects.update(
        **{name: Now() + timedelta(minutes=minutes) for name, minutes in moments.items()}
    )


class TestWhatIsDue:
    def test_a_new_task_is_done_at_once_and_then_when_its_time_comes(self, db, agenda):
        done = []
        agenda.register("count", every=timedelta(hours=1), run=lambda task: done.append(1))
        work()
        work()
        assert len(done) == 1
        in_minutes(due_at=-1)
        work()
        assert len(done) == 2

    def test_what_it_did_is_kept_and_stands_in_the_log(self, db, agenda, caplog):
        agenda.register("count", every=MINUTE, run=lambda task: "7 counted")
        with caplog.at_level("INFO", "portal.worker"):
            assert not work().has_failed
        [line] = caplog.records
        assert line.getMessage() == "count: 7 counted"
        assert line.milliseconds >= 0
        task = Task.objects.get()
        assert (task.outcome, task.failures, task.holder, task.held_until) == (
            "7 counted",
            0,
            None,
            None,
        )
        assert task.due_at > task.done_at

    def test_what_there_was_nothing_to_do_for_is_no_line(self, db, agenda, caplog):
        agenda.register("count", every=MINUTE, run=lambda task: None)
        with caplog.at_level("INFO", "portal.worker"):
            work()
        assert caplog.records == []

    def test_one_that_fails_is_told_without_its_words_and_tried_again(self, db, agenda, caplog):
        def fail(task):
            with task.held():
                Worker.objects.tell("half done")
                raise ValueError("Anna Albers")

        agenda.register("count", every=timedelta(hours=1), run=fail)
        agenda.register("other", every=timedelta(hours=1), run=lambda task: "done")
        assert work().has_failed
        assert not Worker.objects.filter(host="half done").exists()
        task = Task.objects.get(name="count")
        assert (task.outcome, task.failures) == ("ValueError", 1)
        assert task.due_at < timezone.now() + 2 * MINUTE
        assert Task.objects.get(name="other").outcome == "done"
        assert "count: failed" in [record.getMessage() for record in caplog.records]

    def test_a_name_that_no_app_knows_any_more_is_left_alone(self, db, agenda):
        Task.objects.know(["of a later version"])
        assert not work().has_failed

    def test_two_apps_can_not_take_the_same_name(self, agenda):
        agenda.register("count", every=MINUTE, run=print)
        with pytest.raises(ValueError, match="count is registered already"):
            agenda.register_queue("count", Task.objects, run=print)

    @pytest.mark.django_db(transaction=True)
    def test_after_a_cut_connection_it_goes_on(self, agenda, monkeypatch):
        """The connection is closed, so that the next turn gets one that works."""
        monkeypatch.setattr("portal.worker.loop.PAUSE_AFTER_ERROR", 0)
        turns, used = [], []
        loop = Loop()

        def turn():
            turns.append(1)
            if len(turns) == 1:
                raise OperationalError("server closed the connection unexpectedly")
            used.append(connection.connection)
            loop.stop()

        connection.ensure_connection()
        cut = connection.connection
        monkeypatch.setattr(loop, "turn", turn)
        loop.run()
        assert len(turns) == 2
        assert used
        assert cut not in used
        assert loop.has_failed

    def test_it_stops_between_two_parts(self, db, agenda):
        loop, parts = Loop(), []

        def run(task):
            while task.goes_on():
                parts.append(1)
                loop.stop()
            return f"{len(parts)} of many"

        agenda.register("long", every=MINUTE, run=run)
        agenda.register("next", every=MINUTE, run=lambda task: parts.append("too many"))
        loop.run()
        assert parts == [1]
        assert Task.objects.get(name="long").outcome == "1 of many"

    def test_a_long_task_is_a_sign_of_life(self, db, agenda, monkeypatch):
        monkeypatch.setattr("portal.worker.loop.TELL_EVERY", 0)

        def run(task):
            Worker.objects.update(seen_at=Now() - 2 * LATE)
            assert task.goes_on()
            assert not Worker.objects.are_late()

        agenda.register("long", every=MINUTE, run=run)
        assert not work().has_failed

    def test_it_ends_with_the_process_that_started_it(self):
        assert not Loop(parent=os.getppid()).is_stopping
        assert Loop(parent=os.getpid()).is_stopping


class TestOneHolder:
    @pytest.fixture
    def task(self, db):
        Task.objects.know(["count"])
        return Task.objects.claim()

    def test_what_is_in_hand_is_nobody_elses(self, task):
        assert task.name == "count"
        assert Task.objects.claim() is None

    def test_after_its_lease_another_takes_it_over(self, task):
        """The first one was killed; if it was only slow, it changes nothing any more."""
        in_minutes(held_until=-1)
        other = Task.objects.claim()
        assert other.holder != task.holder
        with pytest.raises(LeaseLost), task.held():
            pytest.fail("it went on")
        with pytest.raises(LeaseLost):
            task.finish("done twice", again_in=MINUTE)
        other.finish("done", again_in=MINUTE)
        assert Task.objects.get().outcome == "done"

    def test_whoever_is_late_but_was_not_replaced_goes_on(self, task):
        in_minutes(held_until=-5)
        with task.held():
            pass
        held = Task.objects.annotate(now=Now()).get()
        assert LEASE - MINUTE < held.held_until - held.now <= LEASE

    def test_a_lost_lease_is_a_warning_and_not_the_end(self, db, agenda, caplog):
        def lose(task):
            Task.objects.update(holder=None)
            return "done twice"

        agenda.register("count", every=MINUTE, run=lose)
        work()
        assert "count: another worker took it over" in [r.getMessage() for r in caplog.records]
        assert Task.objects.get().outcome == ""

    @pytest.mark.race
    @pytest.mark.django_db(transaction=True)
    def test_nobody_takes_it_over_during_a_transaction_however_long(self):
        Task.objects.know(["count"])
        task = Task.objects.claim()
        in_minutes(held_until=-5)
        found = []

        def claim():
            try:
                found.append(Task.objects.claim())
            finally:
                connection.close()

        with task.held():
            thread = threading.Thread(target=claim)
            thread.start()
            thread.join(LONG_ENOUGH)
        assert found == [None]

    @pytest.mark.django_db(transaction=True)
    def test_two_workers_do_each_thing_once(self, agenda):
        done, lock = [], threading.Lock()

        def run(task):
            with task.held(), lock:
                done.append(task.name)
            time.sleep(0.01)

        names = [f"task-{number}" for number in range(20)]
        for name in names:
            agenda.register(name, every=timedelta(hours=1), run=run)

        def worker():
            try:
                work()
            finally:
                connection.close()

        threads = [threading.Thread(target=worker) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LONG_ENOUGH)
        assert sorted(done) == sorted(names)


def test_sessions_that_are_over_are_forgotten(demo, monkeypatch):
    monkeypatch.setattr("portal.due.CHUNK", 2)
    user = demo.user("helpdesk@nordlicht.example")
    for number, hours in enumerate((-1, -2, -3, -4, -5, 1, 2)):
        ends_at = timezone.now() + timedelta(hours=hours)
        Session.objects.create(session_key=f"session{number}", expire_date=ends_at)
    for key in ("session0", "session5", "signed-out"):
        UserSession.objects.create(user=user, session_key=key, ip="192.0.2.1")
    call_command("worker", once=True)
    assert {session.session_key for session in Session.objects.all()} == {"session5", "session6"}
    assert [listed.session_key for listed in UserSession.objects.all()] == ["session5"]
    assert Task.objects.get(name="sessions").outcome == "5 sessions that were over forgotten"


class TestWhoIsTold:
    def check(self):
        output = StringIO()
        call_command("check_operation", stdout=output)
        return output.getvalue().splitlines()

    def refused(self):
        output = StringIO()
        with pytest.raises(CommandError, match="need someone's attention"):
            call_command("check_operation", stdout=output)
        return [line for line in output.getvalue().splitlines() if line.startswith("ALARM")]

    def test_all_is_well_while_a_worker_is_seen(self, admin_client):
        Worker.objects.tell("portal-1")
        assert "The worker was last seen on" in self.check()[0]
        assert 'role="alert"' not in admin_client.get("/admin/").content.decode()

    def test_a_worker_that_never_ran(self, admin_client):
        sentence = "The worker was never seen. Run manage.py worker."
        assert self.refused() == [f"ALARM {sentence}"]
        assert sentence in admin_client.get("/admin/").content.decode()

    @pytest.mark.parametrize("model", ["task", "worker"])
    def test_a_nul_byte_in_an_address_names_none(self, admin_client, model):
        answer = admin_client.get(f"/admin/portal/{model}/%00a/change/")
        assert answer.status_code == 302
        assert answer.url == "/admin/"

    def test_one_that_was_not_seen_for_ten_minutes(self, admin_client):
        Worker.objects.tell("portal-1")
        Worker.objects.update(seen_at=Now() - timedelta(minutes=9))
        assert self.check()
        Worker.objects.update(seen_at=Now() - timedelta(minutes=11))
        [line] = self.refused()
        assert "Mail and all that is due waits for it." in line
        assert "Mail and all that is due" in admin_client.get("/admin/").content.decode()

    def test_another_host_is_enough(self, db):
        for host in ("portal-1", "portal-2"):
            Worker.objects.tell(host)
        Worker.objects.filter(host="portal-1").update(seen_at=Now() - timedelta(hours=1))
        assert self.check()

    def test_a_host_that_is_long_gone_is_forgotten(self, db):
        Worker.objects.tell("portal-1")
        Worker.objects.update(seen_at=Now() - timedelta(days=2))
        Worker.objects.tell("portal-2")
        assert [worker.host for worker in Worker.objects.all()] == ["portal-2"]

    def test_a_task_that_fails_again_and_again(self, db):
        Worker.objects.tell("portal-1")
        Task.objects.know(["sessions"])
        Task.objects.update(failures=2, outcome="OperationalError")
        assert self.check()
        Task.objects.update(failures=3)
        assert self.refused() == ["ALARM sessions has failed 3 times in a row: OperationalError."]

    def test_what_an_app_watches_is_told_too(self, agenda, monkeypatch):
        agenda.watch(lambda: [Finding("All is well."), Finding("It burns.", is_alarm=True)])
        monkeypatch.setattr("portal.management.commands.check_operation.due", agenda)
        assert self.refused() == ["ALARM It burns."]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGINT])
def test_the_command_works_until_it_is_stopped(kind):
    with running_worker() as process:
        wait_until(Task.objects.filter(name="sessions", holder=None).exclude(done_at=None).exists)
        assert not Worker.objects.are_late()
        process.send_signal(kind)
        assert process.wait(LONG_ENOUGH) == 0


@pytest.mark.django_db(transaction=True)
def test_once_ends_when_nothing_is_due():
    with running_worker("--once") as process:
        assert process.wait(LONG_ENOUGH) == 0
    assert Task.objects.get(name="sessions").done_at


def test_once_fails_where_something_did(db, agenda):
    def fail(task):
        raise DatabaseError

    with transaction.atomic():
        agenda.register("count", every=MINUTE, run=fail)
    with pytest.raises(SystemExit) as ended:
        call_command("worker", once=True)
    assert ended.value.code == 1


def test_the_demo_runs_it():
    recipe = (Path(settings.BASE_DIR) / "Makefile").read_text()
    assert "manage.py worker --parent $$$$ &" in recipe
