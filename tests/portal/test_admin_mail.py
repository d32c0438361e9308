"""Django admin: the mail that waits, and why."""

import pytest
from django.test import Client

from portal import mail
from portal.models import Mail, MailStatus
from tests.admin import page


class TestMailQueue:
    @pytest.fixture
    def waiting(self, queue):
        mail.deliver("anna@firm.example", "A subject", "https://portal.example/x", language="en")
        return queue.get()

    def test_the_operator_sees_what_waits_and_why_but_not_its_words(self, admin_client, waiting):
        """Links in it open doors: password resets, invitations."""
        Mail.objects.update(tries=1, answer="451 Try later", trouble="recipient")
        for path in (page(Mail, "changelist"), page(Mail, "change", waiting.pk)):
            content = admin_client.get(path).content.decode()
            assert "anna@firm.example" in content
            assert "A subject" in content
            assert "451 Try later" in content
            assert "portal.example/x" not in content

    def test_what_was_refused_for_good_is_found(self, admin_client, waiting):
        Mail.objects.create(
            recipient="nobody@firm.example", status=MailStatus.REFUSED, answer="550 No such user"
        )
        content = admin_client.get(page(Mail, "changelist"), {"status__exact": "refused"}).content
        assert "550 No such user" in content.decode()
        assert "anna@firm.example" not in content.decode()

    def test_nobody_else_does(self, demo, waiting):
        for email in ("global@nordlicht.example", "admin@albers.example"):
            browser = Client()
            browser.force_login(demo.user(email))
            answer = browser.get(page(Mail, "change", waiting.pk))
            assert answer.status_code == 302
            assert "/login/" in answer.url
