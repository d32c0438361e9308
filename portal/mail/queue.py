from collections.abc import Sequence

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from portal.models import Mail


class QueueBackend(BaseEmailBackend):
    """Takes every mail that Django is to send into the queue, one for each recipient."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        queued = [mail for message in email_messages for mail in Mail.of(message)]
        Mail.objects.bulk_create(queued)
        return len(email_messages)
