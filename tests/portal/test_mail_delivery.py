"""The worker and a real mail server, which refuses, hangs and drops; and workers that are killed at it."""

import os
import signal
import socket
import time
from collections import Counter
from datetime import timedelta
from io import StringIO

import pytest
from django.core.mail import EmailMessage
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.db.models.functions import Now

from portal import due as portal_due
from portal import settings as portal_settings
from portal.mail.delivery import Courier
from portal.models import Mail, MailStatus, MailTrouble, Worker
from portal.models.mails import GIVE_UP_AFTER, LONGEST_WAIT
from portal.worker import due
from tests.smtp import mail_server
from tests.workers import running_worker, wait_until

# The issue asks for 1,000, which takes a minute: MAILS=1000.
MAILS = int(os.environ.get("MAILS", "80"))


@pytest.fixture
def server(settings, monkeypatch):
    """A mail server that the worker is told to use, and a worker that knows nothing of it yet."""
    with mail_server() as running:
        settings.EMAIL_BACKEND = portal_settings.EMAIL_BACKEND
        settings.MAIL_SERVER_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", running.port
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        settings.EMAIL_TIMEOUT = 1
        courier = Courier()
        monkeypatch.setitem(
            due.queues, "mail", due.queues["mail"]._replace(rows=courier, run=courier.deliver)
        )
        yield running
        courier.close()


def queue(*recipients, subject="A subject"):
    """Queue a mail to each, and return the rows."""
    for recipient in recipients:
        EmailMessage(subject, "A text", to=[recipient]).send()
    return list(Mail.objects.order_by("-pk")[: len(recipients)][::-1])


def work():
    call_command("worker", once=True)


def seen_again(mail):
    """The row as it is now."""
    return Mail.objects.get(pk=mail.pk)


def let_time_pass(**fields):
    Mail.objects.waiting().update(due_at=Now(), **fields)


@pytest.mark.django_db
class TestOneAfterTheOther:
    def test_all_of_a_run_go_over_one_connection(self, server):
        queue("a@firm.example", "b@firm.example", "c@firm.example")
        work()
        assert server.recipients == ["a@firm.example", "b@firm.example", "c@firm.example"]
        assert server.connections == 1
        assert {mail.status for mail in Mail.objects.all()} == {MailStatus.SENT}

    def test_it_arrives_as_it_was_queued(self, server):
        [mail] = queue("anna@firm.example", subject="Grüße")
        work()
        [message] = server.messages
        assert message["Subject"] == "Grüße"
        assert message["From"] == "portal@portal.example"
        assert message["Message-ID"].startswith(f"<{mail.pk}.")
        assert message["Message-ID"].endswith("@portal.example>")
        assert message.get_content().strip() == "A text"

    def test_an_idle_connection_that_the_server_has_closed_costs_no_try(self, server):
        courier = Courier()
        for address in ("a@firm.example", "b@firm.example"):
            queue(address)
            assert courier.deliver(courier.claim()) == "sent"
            # As after its time-out.
            courier._server.connection.sock.shutdown(socket.SHUT_RDWR)
        courier.close()
        assert [mail.tries for mail in Mail.objects.all()] == [1, 1]

    def test_nothing_else_is_held_up_by_one_that_fails(self, server):
        queue("nobody@firm.example", "drop@firm.example", "full@firm.example", "anna@firm.example")
        work()
        assert "anna@firm.example" in server.recipients


@pytest.mark.django_db
class TestRefused:
    @pytest.mark.parametrize(
        ("recipient", "answer"),
        [
            ("nobody@firm.example", "550 5.1.1 No such user here"),
            ("spam@firm.example", "554 5.7.1 Looks like spam"),
        ],
    )
    def test_for_good_is_final(self, server, recipient, answer):
        [mail] = queue(recipient)
        work()
        refused = seen_again(mail)
        assert (refused.status, refused.answer, refused.tries) == (MailStatus.REFUSED, answer, 1)
        assert (refused.text, refused.html, refused.due_at) == ("", "", None)
        work()
        assert seen_again(mail).tries == 1

    def test_for_now_waits_longer_each_time(self, server):
        [mail] = queue("full@firm.example")
        for tries, minutes in [(1, 1), (2, 2), (3, 4), (4, 8), (5, 15), (6, 15)]:
            work()
            waiting = Mail.objects.annotate(now=Now()).get()
            assert (waiting.status, waiting.tries) == (MailStatus.WAITING, tries)
            assert waiting.trouble == MailTrouble.RECIPIENT
            assert waiting.answer == "452 4.2.2 Mailbox full"
            left = waiting.due_at - waiting.now
            assert timedelta(minutes=minutes, seconds=-20) < left <= timedelta(minutes=minutes)
            let_time_pass()
        assert seen_again(mail).text == "A text"
        assert timedelta(minutes=minutes) == LONGEST_WAIT

    def test_one_that_can_not_be_sent_for_five_days_is_given_up(self, server):
        [mail] = queue("full@firm.example")
        Mail.objects.update(created_at=Now() - GIVE_UP_AFTER + timedelta(hours=1))
        work()
        assert seen_again(mail).status == MailStatus.WAITING
        let_time_pass(created_at=Now() - GIVE_UP_AFTER - timedelta(hours=1))
        work()
        given_up = seen_again(mail)
        assert (given_up.status, given_up.text) == (MailStatus.GIVEN_UP, "")
        assert given_up.answer == "452 4.2.2 Mailbox full"

    @pytest.mark.parametrize("sender", ["unwelcome@portal.example", "portal@portal.example"])
    def test_what_refuses_the_portal_itself_is_for_the_operator_to_mend(self, server, sender):
        """Were it final, a wrong password of an hour would lose the mail of that hour."""
        recipient = "anna@firm.example" if "unwelcome" in sender else "private@firm.example"
        EmailMessage("A", "B", from_email=sender, to=[recipient]).send()
        work()
        waiting = Mail.objects.get()
        assert (waiting.status, waiting.trouble) == (MailStatus.WAITING, MailTrouble.SERVER)

    def test_one_that_is_no_mail_is_refused_without_asking(self, server):
        [mail] = queue("anna@firm.example")
        Mail.objects.update(subject="A\nBcc: all@firm.example")
        work()
        assert seen_again(mail).status == MailStatus.REFUSED
        assert server.recipients == []


@pytest.mark.django_db
class TestInTrouble:
    def test_a_server_that_hangs_costs_no_more_than_the_timeout(self, server):
        hanging, other = queue("hang@firm.example", "anna@firm.example")
        before = time.monotonic()
        work()
        assert time.monotonic() - before < 10
        assert (seen_again(hanging).status, seen_again(hanging).tries) == (MailStatus.WAITING, 1)
        assert seen_again(hanging).trouble == MailTrouble.SERVER
        assert seen_again(other).status == MailStatus.SENT

    def test_one_that_drops_after_the_text_is_sent_again_under_the_same_id(self, server):
        """Nobody knows whether it was taken; mail programs of the recipient can tell by the id."""
        [mail] = queue("drop@firm.example")
        work()
        assert seen_again(mail).status == MailStatus.WAITING
        let_time_pass()
        work()
        first, second = server.messages
        assert first["Message-ID"] == second["Message-ID"]

    def test_one_that_is_not_there_is_left_alone_for_a_minute(self, server, settings):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            settings.EMAIL_PORT = free.getsockname()[1]
        first, second = queue("a@firm.example", "b@firm.example")
        work()
        assert [seen_again(mail).tries for mail in (first, second)] == [1, 0]
        assert seen_again(first).answer.startswith("ConnectionRefusedError")
        courier = due.queues["mail"].rows
        assert courier.claim() is None
        settings.EMAIL_PORT = server.port
        let_time_pass()
        courier._rests_until = 0.0
        work()
        assert server.recipients == ["a@firm.example", "b@firm.example"]

    def test_one_that_is_silent_is_left_alone_too(self, server, settings):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            settings.EMAIL_PORT = silent.getsockname()[1]
            [mail] = queue("anna@firm.example")
            work()
        assert seen_again(mail).answer.endswith("timed out")

    @pytest.mark.django_db(transaction=True)
    def test_what_is_sent_is_written_down_though_the_database_was_away(self, server, monkeypatch):
        """Else it would be sent again."""
        monkeypatch.setattr("portal.mail.delivery.MARK_PAUSE", 0)
        tries, succeed = [], Mail.succeed

        def fail_once(mail):
            tries.append(1)
            if len(tries) == 1:
                raise OperationalError("server closed the connection unexpectedly")
            succeed(mail)

        monkeypatch.setattr(Mail, "succeed", fail_once)
        [mail] = queue("anna@firm.example")
        work()
        assert seen_again(mail).status == MailStatus.SENT
        assert server.recipients == ["anna@firm.example"]


@pytest.mark.django_db
class TestWhatOperatorsAreTold:
    def check(self):
        Worker.objects.tell("portal-1")
        output = StringIO()
        try:
            call_command("check_operation", stdout=output)
        except CommandError:
            output.write("failed\n")
        return [line for line in output.getvalue().splitlines() if "ail" in line]

    def test_the_numbers(self, server):
        queue("nobody@firm.example", "full@firm.example", "anna@firm.example")
        work()
        queue("anna@firm.example")
        assert self.check() == [
            "ok    Mail that waits: 2, of which 1 after a try that failed.",
            "ok    Mail that could not be delivered in the last 24 hours: 1.",
        ]
        Mail.objects.undelivered().update(done_at=Now() - timedelta(hours=25))
        assert self.check()[1].endswith("the last 24 hours: 0.")

    def test_a_mailbox_that_is_full_is_no_alarm(self, server):
        queue("full@firm.example")
        work()
        Mail.objects.update(created_at=Now() - timedelta(hours=1))
        assert self.check()[0].startswith("ok")

    def test_a_mail_server_that_fails_is_one(self, server, settings):
        settings.EMAIL_PORT = 1
        queue("anna@firm.example")
        work()
        assert self.check()[0].startswith("ok")
        Mail.objects.update(created_at=Now() - timedelta(minutes=16))
        assert self.check()[0].startswith("ALARM")
        assert self.check()[-1] == "failed"

    def test_mail_that_nobody_fetches_is_one(self, server):
        queue("anna@firm.example")
        Mail.objects.update(due_at=Now() - timedelta(minutes=16))
        assert self.check()[0].startswith("ALARM")


def test_the_ground_floor_has_registered_its_mail():
    assert due.queues["mail"].run == portal_due.courier.deliver


@pytest.mark.django_db(transaction=True)
def test_two_workers_that_are_stopped_and_killed_send_each_mail_once(server):
    """But for one that is sent again for each worker that was killed: the one that it had in hand."""
    server.pause = 0.02
    addresses = [f"user-{number}@firm.example" for number in range(MAILS)]
    Mail.objects.bulk_create(
        mail for address in addresses for mail in Mail.of(EmailMessage("A", "B", to=[address]))
    )
    environment = {
        "EMAIL_URL": f"smtp://127.0.0.1:{server.port}",
        "EMAIL_TIMEOUT": "1",
        "PORTAL_URL": "https://portal.example",
    }

    def got(share):
        return lambda: len(server.recipients) >= share * MAILS

    with running_worker(**environment) as first, running_worker(**environment) as second:
        wait_until(got(0.25), seconds=120)
        first.kill()
        with running_worker(**environment):
            wait_until(got(0.5), seconds=120)
            second.send_signal(signal.SIGTERM)
            assert second.wait(20) == 0
            with running_worker(**environment) as last:
                wait_until(got(0.75), seconds=120)
                connection.close()
                last.kill()
                wait_until(lambda: not Mail.objects.waiting().exists(), seconds=120)
    assert {mail.status for mail in Mail.objects.all()} == {MailStatus.SENT}
    times = Counter(server.recipients)
    assert set(times) == set(addresses)
    repeated = [address for address, count in times.items() if count > 1]
    assert len(repeated) <= 2
    assert sum(times.values()) <= MAILS + 2
