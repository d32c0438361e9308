"""How the worker delivers mail: one after the other, over one connection as long as there is some.

What the recipient's mail server refuses for good is final. What refuses the portal itself, its sender or its
password, is for the operator to mend: until then mail waits. So does all that may go better later.
"""

import smtplib
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.mail import get_connection
from django.db import Error, connection

from portal.models import LeaseLost, Mail, MailTrouble

REST = 60  # seconds, after the mail server could not be reached
# How often, and how many seconds apart, the worker tries to write down what it has sent.
MARK_TRIES, MARK_PAUSE = 5, 2

# The mail server refused the portal itself: by these, or by asking it for another password.
_WANTS_PASSWORD = {530, 534, 535, 538}
_PORTAL_REFUSED = (
    smtplib.SMTPAuthenticationError,
    smtplib.SMTPConnectError,
    smtplib.SMTPHeloError,
    smtplib.SMTPNotSupportedError,
    smtplib.SMTPSenderRefused,
)


class Courier:
    """The queue of mail as the worker asks it for the next, with its connection to the mail server."""

    def __init__(self) -> None:
        self._server: Any = None
        self._rests_until = 0.0

    def claim(self) -> Mail | None:
        """Return the mail to deliver next, held by the caller, or None."""
        return None if time.monotonic() < self._rests_until else Mail.objects.claim()

    def deliver(self, mail: Mail) -> str:
        """Send it, or say why not; return what became of it."""
        try:
            self._connect()
        except (OSError, smtplib.SMTPException) as error:
            # Each of the others would wait as long for the same.
            self._rests_until = time.monotonic() + REST
            self._drop()
            return self._postpone(mail, error, MailTrouble.SERVER)
        try:
            self._server.send_messages([mail.message(self._server)])
        except (UnicodeError, ValueError) as error:
            return self._refuse(mail, f"{type(error).__name__}: {error}")
        except (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError) as error:
            code, said = _answer_of(error)
            if 500 <= code <= 599 and code not in _WANTS_PASSWORD:
                return self._refuse(mail, f"{code} {said}")
            wants_password = code in _WANTS_PASSWORD
            trouble = MailTrouble.SERVER if wants_password else MailTrouble.RECIPIENT
            return self._postpone(mail, error, trouble, f"{code} {said}")
        except _PORTAL_REFUSED as error:
            return self._postpone(mail, error, MailTrouble.SERVER)
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            return self._postpone(mail, error, MailTrouble.SERVER)
        _keep_trying(mail.succeed)
        return "sent"

    def close(self) -> None:
        """Take leave of the mail server, while there is nothing to deliver."""
        if self._server is not None:
            try:
                self._server.close()
            except (OSError, smtplib.SMTPException):
                self._drop()
            self._server = None

    def _connect(self) -> None:
        """Have a connection on which the mail server answers."""
        wire = getattr(self._server, "connection", None)
        if wire is not None:
            try:
                if wire.noop()[0] == 250:
                    return
            except (OSError, smtplib.SMTPException):
                pass
            self._drop()
        self._server = get_connection(settings.MAIL_SERVER_BACKEND)
        self._server.open()

    def _drop(self) -> None:
        """Hang up without a word: on a broken connection none would arrive."""
        for name in ("connection", "_partial_connection"):
            if wire := getattr(self._server, name, None):
                wire.close()
                setattr(self._server, name, None)
        self._server = None

    def _refuse(self, mail: Mail, answer: str) -> str:
        _keep_trying(lambda: mail.refuse(answer))
        return "refused for good"

    def _postpone(
        self, mail: Mail, error: Exception, trouble: MailTrouble, answer: str = ""
    ) -> str:
        name = type(error).__name__
        _keep_trying(lambda: mail.postpone(answer or f"{name}: {_said(error)}", trouble))
        return f"waits after {name}"


def _answer_of(
    error: smtplib.SMTPRecipientsRefused | smtplib.SMTPDataError,
) -> tuple[int, str]:
    """Return the code and the words of the mail server that would not take a mail."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        [(code, said)] = error.recipients.values()
        return code, _text(said)
    return error.smtp_code, _text(error.smtp_error)


def _said(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_text(error.smtp_error)}"
    return str(error)


def _text(said: bytes | str) -> str:
    text = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
    return " ".join(text.split())


def _keep_trying(write: Callable[[], None]) -> None:
    """Call ``write``, again after a cut connection or a lock: what is not written down is sent again."""
    for left in reversed(range(MARK_TRIES)):
        try:
            return write()
        except LeaseLost:
            raise
        except Error:
            if connection.in_atomic_block or not left:
                raise
            connection.close()
            time.sleep(MARK_PAUSE)
