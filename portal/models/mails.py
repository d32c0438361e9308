"""The queue of mail, and what became of it."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.db import models, transaction
from django.db.models.functions import Coalesce, Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from lists.set_statements import lock_text
from portal.links import portal_host

from .due import Due, DueQuerySet

if TYPE_CHECKING:
    from .users import User

logger = logging.getLogger("portal.mail")

# R4: what the portal sends for people, to addresses that they typed.
MOST_TO_ONE_ADDRESS = 3
MOST_OF_ONE_USER = 500
DAY = timedelta(hours=24)
# After a try that failed, twice as long each time.
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(minutes=15)
# As long as mail servers themselves try (RFC 5321, 4.5.4.1).
GIVE_UP_AFTER = timedelta(days=5)
# How long one can look up what became of a mail.
KEPT = timedelta(days=90)

# Whom to tell of mail that can't be delivered, by the kind of what it is about.
_tellers: "dict[str, Callable[[Mail], None]]" = {}


class MailStatus(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    SENT = "sent", _("Sent")
    REFUSED = "refused", _("Refused")
    GIVEN_UP = "given_up", _("Given up")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class MailTrouble(models.TextChoices):
    """Whose fault it is that a mail still waits after a try."""

    SERVER = "server", _("Mail server of the portal")
    RECIPIENT = "recipient", _("Mail server of the recipient")


class MailQuerySet(DueQuerySet["Mail"]):
    def waiting(self) -> Self:
        # As the index has it: only what waits is ever due.
        return self.filter(due_at__isnull=False)

    def about(self, row: models.Model) -> Self:
        """The mail that has told of ``row``."""
        return self.filter(about=row._meta.label_lower, about_id=row.pk)

    def failing(self) -> Self:
        """What waits after a try that failed."""
        return self.waiting().filter(tries__gt=0)

    def stuck(self) -> Self:
        """What waits, for a quarter of an hour, for the worker or for the portal's own mail server."""
        soon = Now() - timedelta(minutes=15)
        return self.waiting().filter(
            models.Q(due_at__lt=soon) | models.Q(trouble=MailTrouble.SERVER, created_at__lt=soon)
        )

    def undelivered(self) -> Self:
        return self.filter(status__in=[MailStatus.REFUSED, MailStatus.GIVEN_UP])

    def withdraw(self) -> None:
        """Take back what waits and nobody is just sending."""
        rows = self.waiting().filter(holder=None)
        keys = list(rows.select_for_update(no_key=True, skip_locked=True).values_list("pk"))
        self.model.objects.filter(pk__in=[key for (key,) in keys]).update(
            **self.model._over(MailStatus.WITHDRAWN)
        )

    def over(self) -> Self:
        """What was done with ``KEPT`` ago, and is told no longer."""
        return self.filter(done_at__lt=Now() - KEPT)

    def when_allowed(self, address: str, user: "User") -> datetime | None:
        """Return when ``user`` may have a mail sent to ``address`` (R4), or None for at once.

        Others who ask for the same address or user wait until the transaction ends.
        """
        lock_text(f"mail to {address}")
        lock_text(f"mail of {user.pk}")
        counted = self.filter(sent_by__isnull=False).exclude(status=MailStatus.WITHDRAWN)
        times = [
            counted.filter(recipient=address)._free_after(MOST_TO_ONE_ADDRESS),
            counted.filter(sent_by=user)._free_after(MOST_OF_ONE_USER),
        ]
        return max(filter(None, times), default=None)

    def _free_after(self, most: int) -> datetime | None:
        """When the last ``most`` of them are no longer all of one day; None if they are not today."""
        # One that waits counts for the day on which it will be sent.
        free_at = models.ExpressionWrapper(
            Coalesce("done_at", "due_at") + DAY, output_field=models.DateTimeField()
        )
        times = self.annotate(free_at=free_at).order_by("-free_at").values_list("free_at")
        found = times.annotate(is_over=models.Q(free_at__lte=Now()))[most - 1 : most]
        for at, is_over in found:
            return None if is_over else at
        return None


class Mail(Due):
    """One mail to one recipient: its words until it is sent or given up, and then what became of it.

    Links in mail open doors, so they are kept no longer than needed, and shown to nobody.
    """

    created_at = models.DateTimeField(_("queued"), db_default=Now(), editable=False)
    recipient = models.CharField(pgettext_lazy("recipient", "to"), max_length=320, editable=False)
    from_email = models.CharField(_("from"), max_length=500, editable=False)
    reply_to = models.CharField(_("answers to"), max_length=500, blank=True, editable=False)
    subject = models.CharField(_("subject"), max_length=998, blank=True, editable=False)
    text = models.TextField(blank=True, editable=False)
    html = models.TextField(blank=True, editable=False)
    status = models.CharField(
        _("status"),
        max_length=10,
        choices=MailStatus,
        default=MailStatus.WAITING,
        editable=False,
    )
    tries = models.PositiveIntegerField(_("tries"), default=0, editable=False)
    trouble = models.CharField(
        _("who failed"), max_length=10, choices=MailTrouble, blank=True, editable=False
    )
    answer = models.CharField(
        _("what the mail server said"), max_length=500, blank=True, editable=False
    )
    done_at = models.DateTimeField(_("done"), null=True, editable=False)
    sent_by = models.ForeignKey(
        "portal.User",
        models.PROTECT,
        related_name="+",
        verbose_name=_("sent by"),
        null=True,
        editable=False,
        help_text=_("Who had the portal send it; empty for what the portal says itself."),
    )
    about = models.CharField(max_length=100, blank=True, editable=False)
    about_id = models.UUIDField(null=True, editable=False)

    objects = MailQuerySet.as_manager()

    class Meta:
        verbose_name = _("mail")
        verbose_name_plural = _("mail")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status=MailStatus.WAITING, due_at__isnull=False)
                | models.Q(
                    ~models.Q(status=MailStatus.WAITING), text="", html="", due_at__isnull=True
                ),
                name="portal_mail_words_only_while_waiting",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                name="portal_mail_due",
                condition=models.Q(due_at__isnull=False),
            ),
            models.Index(
                fields=["recipient"],
                name="portal_mail_limited",
                condition=models.Q(sent_by__isnull=False),
            ),
            models.Index(
                fields=["about_id"],
                name="portal_mail_about",
                condition=models.Q(about_id__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.subject

    @classmethod
    def of(cls, message: EmailMessage) -> list[Self]:
        """Return the rows, not yet saved, for a mail of Django: one for each recipient."""
        if message.attachments:
            raise ValueError("The queue takes no attachments.")
        row = getattr(message, "about", None)
        html = [part for part, kind in getattr(message, "alternatives", []) if kind == "text/html"]
        return [
            cls(
                due_at=getattr(message, "due_at", None) or Now(),
                recipient=address,
                from_email=message.from_email,
                reply_to=", ".join(message.reply_to),
                subject=message.subject[:998],
                text=message.body,
                html=html[0] if html else "",
                sent_by=getattr(message, "sent_by", None),
                about=row._meta.label_lower if row else "",
                about_id=row.pk if row else None,
            )
            for address in message.recipients()
        ]

    @property
    def lease(self) -> timedelta:
        """Longer than sending it can take: each of the few steps of that may take ``EMAIL_TIMEOUT``."""
        return 10 * timedelta(seconds=settings.EMAIL_TIMEOUT)

    def message(self, connection: Any) -> EmailMultiAlternatives:
        """Return it as Django sends it. Sent twice, after a kill, it has the same Message-ID."""
        message = EmailMultiAlternatives(
            self.subject,
            self.text,
            self.from_email,
            [self.recipient],
            reply_to=[self.reply_to] if self.reply_to else None,
            headers={
                "Message-ID": f"<{self.pk}.{self.created_at.timestamp():.6f}@{portal_host()}>"
            },
            connection=connection,
        )
        if self.html:
            message.attach_alternative(self.html, "text/html")
        return message

    @property
    def is_waiting(self) -> bool:
        return self.status == MailStatus.WAITING

    # What became of it, by whoever holds it. Each raises ``LeaseLost`` where another has taken it over.

    def succeed(self) -> None:
        """It is sent: the mail server has taken it."""
        self.let_go(**self._over(MailStatus.SENT), tries=models.F("tries") + 1, trouble="")

    def refuse(self, answer: str) -> None:
        """It is refused for good: whoever sent it is told, and nobody tries again."""
        self._end(MailStatus.REFUSED, answer)

    def postpone(self, answer: str, trouble: MailTrouble) -> None:
        """It could not be sent now. Given up after ``GIVE_UP_AFTER``, else tried again later."""
        old = type(self).objects.filter(pk=self.pk, created_at__lt=Now() - GIVE_UP_AFTER)
        if old.exists():
            self._end(MailStatus.GIVEN_UP, answer, trouble=trouble)
            return
        wait = min(FIRST_WAIT * 2 ** min(self.tries, 10), LONGEST_WAIT)
        self.let_go(
            due_at=Now() + wait, tries=models.F("tries") + 1, answer=answer[:500], trouble=trouble
        )

    def _end(self, status: MailStatus, answer: str, **fields: Any) -> None:
        self.status, self.answer = status, answer[:500]
        with self.held():
            if tell := _tellers.get(self.about):
                self._tell(tell)
            self.let_go(
                **self._over(status), tries=models.F("tries") + 1, answer=self.answer, **fields
            )

    def _tell(self, tell: "Callable[[Mail], None]") -> None:
        try:
            with transaction.atomic():
                tell(self)
        except Exception:
            # The mail stays refused, whatever is wrong with telling of it: else it would be sent again.
            logger.exception("Nobody could be told of undelivered mail")

    @staticmethod
    def _over(status: MailStatus) -> dict[str, Any]:
        return {"status": status, "due_at": None, "done_at": Now(), "text": "", "html": ""}


def tell_undelivered(model: type[models.Model], tell: Callable[[Mail], None]) -> None:
    """Have ``tell(mail)`` called when mail about a row of ``model`` can't be delivered.

    In the transaction that says so; ``mail.answer`` has what the mail server said.
    """
    _tellers[model._meta.label_lower] = tell
