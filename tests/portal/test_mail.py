"""Mail: in the reader's language, as text and HTML, queued with the change and delivered by a worker."""

from datetime import timedelta

import pytest
import time_machine
from django.core import mail as django_mail
from django.core.mail.backends.base import BaseEmailBackend
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone
from post_office.mail import send_queued
from post_office.models import STATUS, Email

from portal import mail
from portal.models import User
from tests.factories import MembershipFactory, UserFactory


class DownBackend(BaseEmailBackend):
    """A mail server that does not answer."""

    def send_messages(self, email_messages):
        raise ConnectionRefusedError("Connection refused")


def deliver(subject="A subject", body="A text", language="en"):
    mail.deliver("anna@firm.example", subject, body, language=language)


def delivered():
    """What the worker delivers of the queue."""
    django_mail.outbox.clear()
    send_queued()
    return django_mail.outbox


def remove_dap(demo):
    demo.relationship("Reederei Albers", "Hafen IT").remove_dap(
        by=demo.user("admin@albers.example")
    )


class TestOneMail:
    def test_it_has_text_and_html(self):
        deliver("Hello", "Dear Anna,\n\nsee https://portal.example/support/ & call.")
        [sent] = django_mail.outbox
        assert (sent.subject, sent.to, sent.from_email) == (
            "Hello",
            ["anna@firm.example"],
            "portal@portal.example",
        )
        assert sent.body == "Dear Anna,\n\nsee https://portal.example/support/ & call."
        [(html, kind)] = sent.alternatives
        assert kind == "text/html"
        assert "<title>Hello</title>" in html
        assert "<p>Dear Anna,</p>" in html
        assert '<a href="https://portal.example/support/"' in html
        assert "&amp; call." in html

    @pytest.mark.parametrize("language", ["en", "de"])
    def test_the_html_says_its_language(self, language):
        deliver(language=language)
        assert f'<html lang="{language}">' in django_mail.outbox[0].alternatives[0][0]

    def test_what_a_user_wrote_is_no_markup(self):
        deliver("<b>Hello</b>", "<script>alert(1)</script>\n<img src=x onerror=alert(1)>")
        html = django_mail.outbox[0].alternatives[0][0]
        assert "<script>" not in html
        assert "<img" not in html
        assert "<b>" not in html
        assert django_mail.outbox[0].body.startswith("<script>")

    @pytest.mark.parametrize(
        "subject",
        [
            "Hello\nBcc: all@firm.example",
            "Hello\r\nBcc: all@firm.example",
            "Hello\rBcc: all@firm.example",
            " Hello \n Bcc: all@firm.example ",
        ],
    )
    def test_a_subject_adds_no_header(self, subject):
        deliver(subject)
        [sent] = django_mail.outbox
        assert sent.subject == "Hello Bcc: all@firm.example"
        assert sent.recipients() == ["anna@firm.example"]
        assert sent.message()["Bcc"] is None

    def test_a_name_of_a_firm_adds_none_either(self, demo):
        """Names stand in the subject of most mails."""
        hafen = demo.relationship("Reederei Albers", "Hafen IT")
        hafen.partner.name = "Hafen\nBcc: all@firm.example\n\nIT"
        hafen.remove_dap(by=demo.user("admin@albers.example"))
        for sent in django_mail.outbox:
            assert sent.message()["Bcc"] is None
            assert sent.recipients() == ["global@hafen.example"]


class TestLanguage:
    @pytest.mark.parametrize(
        ("picked", "country", "language"),
        [
            ("en", "DE", "en"),
            ("de", "US", "de"),
            ("", "DE", "de"),
            ("", "AT", "de"),
            ("", "CH", "de"),
            ("", "US", "en"),
            ("", "FR", "en"),
        ],
    )
    def test_the_picked_one_else_that_of_the_country(self, db, picked, country, language):
        membership = MembershipFactory(partner__country=country, user__language=picked)
        assert membership.user.mail_language == language

    def test_english_for_who_belongs_nowhere(self, db):
        assert UserFactory().mail_language == "en"

    def test_whoever_acts_does_not_decide_it(self, demo, settings):
        settings.LANGUAGE_CODE = "en"
        User.objects.filter(email="admin@albers.example").update(language="en")
        remove_dap(demo)
        assert "delegierten Administratorrechte" in django_mail.outbox[0].subject


class TestTheQueue:
    """C9 and issue: nothing is sent for what was rolled back, nothing is lost when the server is down."""

    def test_what_is_mailed_waits_in_the_database(self, demo, queue):
        remove_dap(demo)
        assert django_mail.outbox == []
        [waiting] = queue.all()
        assert (waiting.to, waiting.status) == (["global@hafen.example"], STATUS.queued)
        [sent] = delivered()
        assert sent.to == ["global@hafen.example"]
        assert sent.subject == waiting.subject
        assert sent.alternatives[0][0] == waiting.html_message
        assert queue.get().status == STATUS.sent
        assert delivered() == []

    def test_the_mail_of_what_is_rolled_back_is_rolled_back(self, demo, queue):
        with transaction.atomic():
            remove_dap(demo)
            assert queue.exists()
            transaction.set_rollback(True)
        assert not queue.exists()
        assert delivered() == []

    def test_a_mail_server_that_is_down_loses_nothing(self, demo, queue, settings):
        remove_dap(demo)
        works = settings.POST_OFFICE
        settings.POST_OFFICE = {
            **works,
            "BACKENDS": {"default": f"{DownBackend.__module__}.{DownBackend.__qualname__}"},
        }
        assert delivered() == []
        waiting = queue.get()
        assert (waiting.status, waiting.number_of_retries) == (STATUS.requeued, 1)
        assert waiting.logs.get().exception_type == "ConnectionRefusedError"
        settings.POST_OFFICE = works
        later = timezone.now() + timedelta(minutes=16)
        with time_machine.travel(later):
            assert [sent.to for sent in delivered()] == [["global@hafen.example"]]
        assert queue.get().status == STATUS.sent

    def test_not_even_one_that_is_down_for_three_days(self, demo, queue, settings):
        """A weekend with a holiday: whatever comes after it, the mail is still to be delivered."""
        remove_dap(demo)
        settings.POST_OFFICE = {
            **settings.POST_OFFICE,
            "BACKENDS": {"default": f"{DownBackend.__module__}.{DownBackend.__qualname__}"},
        }
        tries = timedelta(days=3) // settings.POST_OFFICE["RETRY_INTERVAL"]
        queue.update(number_of_retries=tries, status=STATUS.requeued)
        assert delivered() == []
        assert queue.get().status == STATUS.requeued

    @pytest.mark.parametrize(
        "text",
        [
            "{{ customer }} gets 100 % of {{ it }}",
            "{% now 'Y' %}",
            "{% include 'base.html' %}",
            "{% not a tag",
            "{% endif %}",
            "{# a comment #}",
            "{{{ braces }}} {%% %}",
            "{% verbatim %}{{ x }}{% endverbatim %}",
            "curly { and } alone",
        ],
    )
    def test_what_people_write_arrives_as_they_wrote_it(self, queue, text):
        """Texts, names and reasons are never read as templates."""
        deliver(text, f"Reason: {text}")
        [sent] = delivered()
        assert sent.subject == text
        assert sent.body == f"Reason: {text}"
        assert "Reason: " in sent.alternatives[0][0]
        for sign in ("{", "%", "}"):
            assert sent.alternatives[0][0].count(sign) == 2 * text.count(sign)


@pytest.mark.django_db(transaction=True)
def test_the_command_delivers_what_waits(demo, queue, tmp_path):
    remove_dap(demo)
    call_command("send_queued_mail", lockfile=str(tmp_path / "lock"))
    assert [sent.to for sent in django_mail.outbox] == [["global@hafen.example"]]
    assert set(Email.objects.values_list("status", flat=True)) == {STATUS.sent}
