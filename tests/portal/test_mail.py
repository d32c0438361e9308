"""Mail: in the reader's language, as text and HTML, queued with the change and delivered by a worker."""

from datetime import timedelta
from email import message_from_bytes
from email.header import decode_header, make_header

import pytest
from django.core import mail as django_mail
from django.core.mail import EmailMessage
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from portal import mail
from portal.models import MailStatus, User
from tests.factories import MembershipFactory, PartnerFactory, UserFactory


def deliver(subject="A subject", body="A text", language="en"):
    mail.deliver("anna@firm.example", subject, body, language=language)


def delivered():
    """What the worker delivers of the queue."""
    django_mail.outbox.clear()
    call_command("worker", once=True)
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
        assert "Delegierte Administratorrechte" in django_mail.outbox[0].subject


class TestTheQueue:
    """Nothing is sent for what was rolled back, and nothing is lost when the server is down."""

    def test_what_is_mailed_waits_in_the_database(self, demo, queue):
        remove_dap(demo)
        assert django_mail.outbox == []
        [waiting] = queue.all()
        assert (waiting.recipient, waiting.status) == ("global@hafen.example", MailStatus.WAITING)
        [sent] = delivered()
        assert sent.to == ["global@hafen.example"]
        assert (sent.subject, sent.body) == (waiting.subject, waiting.text)
        assert sent.alternatives[0][0] == waiting.html
        assert queue.get().status == MailStatus.SENT
        assert delivered() == []

    def test_the_mail_of_what_is_rolled_back_is_rolled_back(self, demo, queue):
        with transaction.atomic():
            remove_dap(demo)
            assert queue.exists()
            transaction.set_rollback(True)
        assert not queue.exists()
        assert delivered() == []

    def test_its_words_are_gone_once_it_is_sent(self, queue):
        """Links in it open doors: password resets, invitations."""
        deliver(body="https://portal.example/accounts/password/reset/secret/")
        delivered()
        sent = queue.get()
        assert (sent.text, sent.html, sent.due_at) == ("", "", None)
        assert sent.subject == "A subject"
        with pytest.raises(IntegrityError), transaction.atomic():
            queue.update(text="https://portal.example/accounts/password/reset/secret/")

    def test_each_recipient_has_a_row(self, queue):
        message = EmailMessage("A", "B", to=["a@firm.example"], bcc=["b@firm.example"])
        assert message.send() == 1
        assert [mail.recipient for mail in queue.order_by("pk")] == [
            "a@firm.example",
            "b@firm.example",
        ]

    def test_it_takes_no_attachments(self, queue):
        message = EmailMessage("A", "B", to=["a@firm.example"], attachments=[("a.txt", "a")])
        with pytest.raises(ValueError, match="no attachments"):
            message.send()

    def test_what_became_of_it_is_forgotten_after_90_days(self, queue):
        for days in (89, 91):
            queue.create(
                recipient=f"{days}@firm.example",
                status=MailStatus.SENT,
                done_at=Now() - timedelta(days=days),
            )
        call_command("worker", once=True)
        assert [mail.recipient for mail in queue.all()] == ["89@firm.example"]

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


def as_read(header):
    """A header as a mail program shows it."""
    return " ".join(str(make_header(decode_header(header))).replace('"', "").split())


class TestInTheNameOfAPartner:
    """R4: from the name nobody takes it for the portal's own word, and answers go to the partner."""

    def sent(self, name, language="en"):
        partner = PartnerFactory.build(name=name, support_email="help@kranich.example")
        mail.deliver("anna@firm.example", "A", "B", language=language, partner=partner)
        return django_mail.outbox[-1]

    def test_it_says_so_and_answers_go_to_the_partner(self):
        sent = self.sent("Kranich Consulting")
        assert sent.from_email == '"Kranich Consulting via Partner portal" <portal@portal.example>'
        assert sent.reply_to == ['"Kranich Consulting" <help@kranich.example>']

    def test_in_the_language_of_the_mail(self):
        sent = self.sent("Kranich Consulting", language="de")
        assert sent.from_email == '"Kranich Consulting über Partnerportal" <portal@portal.example>'

    def test_the_portal_may_have_a_name_of_its_own(self, settings):
        settings.DEFAULT_FROM_EMAIL = "Vertriebsportal <portal@portal.example>"
        sent = self.sent("Kranich Consulting")
        assert sent.from_email == '"Kranich Consulting via Vertriebsportal" <portal@portal.example>'

    @pytest.mark.parametrize(
        ("name", "told"),
        [
            ("Kranich\r\nBcc: all@firm.example", "Kranich Bcc all firm.example"),
            ('Portal" <portal@portal.example>, "x', "Portal portal portal.example x"),
            ("Kranich\\", "Kranich"),
            ("Kranich\u202egnitlusnoC\u200b", "KranichgnitlusnoC"),
            ("Kranich\u2028Consulting\x00", "Kranich Consulting"),
            ("Kra; nich: (GmbH)", "Kra nich (GmbH)"),
            ("K" * 200, "K" * 60 + "…"),
            ("Öl & Söhne " * 10, ("Öl & Söhne " * 6)[:60].strip() + "…"),
            ("日本" * 50, "日本" * 30 + "…"),
        ],
    )
    def test_a_name_is_no_more_than_a_name(self, name, told):
        sent = self.sent(name)
        read = message_from_bytes(sent.message().as_bytes())
        expected = f"{told} via Partner portal <portal@portal.example>"
        assert as_read(read["From"]) == expected
        assert as_read(read["Reply-To"]) == f"{told} <help@kranich.example>"
        assert read["Bcc"] is None
        assert sent.recipients() == ["anna@firm.example"]


def test_a_subject_is_what_it_reads_as(db):
    """What looks like letters in disguise would be read as others, with line breaks among them."""
    mail.deliver("a@firm.example", "=?utf-8?q?x=0aBcc:_z@z?=", "Text", language="en")
    assert django_mail.outbox[-1].subject == "= ?utf-8?q?x=0aBcc:_z@z?="


def test_operators_can_not_find_a_mail_by_its_words(admin_client, queue):
    """A filter by what stands in it would tell a link, letter by letter."""
    for field in ("text", "html"):
        answer = admin_client.get("/admin/portal/mail/", {f"{field}__contains": "https"})
        assert answer.status_code == 400, field
