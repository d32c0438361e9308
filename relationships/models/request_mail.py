from django.db import transaction
from django.template.loader import render_to_string
from django.utils.translation import override

from portal import mail
from portal.authority import PORTAL
from portal.clocks import now_after
from portal.models import Action, Mail


class RequestMail:
    """What the portal mails for the sender (R4): the part of a ``RelationshipRequest`` about its mail."""

    def drafted(self, user):
        """Return the subject and the text that the portal proposes to ``user``, in the request's language."""
        with override(self.language):
            draft = render_to_string("relationships/draft.txt", {"request": self, "user": user})
        subject, _newline, text = draft.strip().partition("\n")
        return subject[:200], text.strip()

    @transaction.atomic
    def draft_anew(self, language, *, by):
        """Put the portal's proposal in ``language`` in the place of the text; the link stays (R4).

        The portal speaks this language to the recipient from then on. Raises ``ValidationError`` like
        ``edit``, and for a language that there is not.
        """
        self._lock_for_sender(by)
        self.require_open()
        self.language = language
        self.clean_fields(exclude={f.name for f in self._meta.fields if f.name != "language"})
        self.subject, self.text = self.drafted(by.person)
        self.save(update_fields=["language", "subject", "text"])

    @transaction.atomic
    def send(self, link, *, by):
        """Have the portal mail it, with the personal ``link``, to the recipient, in the partner's name (R4).

        At most so much goes to one address, or for one user, a day: beyond, the mail waits until the time
        that this returns, and otherwise it returns None. What still waits of an earlier mail is taken
        back. Raises ``ValidationError`` with code ``dead`` where it can't be answered any more.
        """
        self._lock_for_sender(by)
        self.require_open()
        self.withdraw_mail()
        self.sent_at = now_after(self.created_at)
        self.undelivered_at, self.undelivered_answer = None, ""
        self.save(update_fields=["sent_at", "undelivered_at", "undelivered_answer"])
        due_at = Mail.objects.when_allowed(self.recipient_email, by.person)
        mail.deliver(
            self.recipient_email,
            self.subject,
            self.message(link),
            language=self.language,
            partner=self.partner,
            about=self,
            sent_by=by.person,
            due_at=due_at,
        )
        told = {"recipient": self.recipient_email, "subject": self.subject}
        self.record(Action.REQUEST_MAILED, by=by, after=told)
        return due_at

    def withdraw_mail(self):
        """Take back what waits to be sent: its link is dead, or goes out with newer words."""
        Mail.objects.about(self).withdraw()

    @property
    def last_mail(self):
        """What became of the mail that was sent last, or None."""
        return Mail.objects.about(self).order_by("-pk").first()

    def note_undelivered(self, answer):
        """Say that its mail can't be delivered, and tell who sent it; ``answer`` is the mail server's."""
        self.undelivered_at = now_after(self.created_at, self.sent_at)
        self.undelivered_answer = answer
        self.save(update_fields=["undelivered_at", "undelivered_answer"])
        told = {"recipient": self.recipient_email}
        self.record(Action.REQUEST_UNDELIVERED, by=PORTAL, after=told, reason=answer[:200])
        mail.send("request_undelivered", self._sender_to_tell(), request=self)
