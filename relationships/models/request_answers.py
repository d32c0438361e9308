from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from portal import mail
from portal.authority import NotAllowed, Refusal, person_of, require, require_standing
from portal.models import Action, Partner

from .partnerships import Partnership
from .relationships import Relationship
from .request_kinds import RequestKind, RequestStatus


class Answer:
    """What the recipient does: the part of a ``RelationshipRequest`` that is about its answer (R6, R10)."""

    def may_be_answered_by(self, by):
        """Whether ``by`` may answer: for the organisation that the request is for (R6, R10, R14)."""
        try:
            self._require_recipient(by)
        except NotAllowed:
            return False
        return True

    def _require_recipient(self, by):
        anyone = Partner if self.kind == RequestKind.RESELLER else Customer
        acting = require(
            by,
            (anyone, self.permission_to_answer),
            last_resort=False,
            foreign=Refusal.RECIPIENT,
        )
        require_standing(acting == self.bound_to(), Refusal.RECIPIENT)
        return acting

    @transaction.atomic
    def accept(self, *, by, agrees=False):
        """Give the partners what they ask for, in the name of the organisation of ``by`` (R2, R6, R7, R12).

        ``agrees`` says that the customer agreement is accepted, for a customer that has not done so
        before. Works once. Raises ``ValidationError`` with code ``dead`` if it can't be answered any
        more, ``unproved`` while ``by`` has not proved its email (R14), ``agreement`` while the agreement is
        not accepted, and with ``R11`` outside the sales region; and ``NotAllowed`` if not by ``by``.
        Nothing is written then.
        """
        self._lock_for_recipient(by)
        self._require_proved(by)
        self._accept(by=by, agrees=agrees)

    def _accept(self, *, by, agrees):
        if self.kind == RequestKind.RESELLER:
            Partnership.objects.start(self.partner, self.reseller, by=by)
        else:
            self._require_partnership()
            self.customer.accept_agreement(by=by, agrees=agrees)
            for partner in self.partners:
                Relationship.objects.grant(partner, self.customer, with_dap=self.with_dap, by=by)
        self._answer(RequestStatus.ACCEPTED, by=by)
        self.record(Action.REQUEST_ACCEPTED, by=by)
        mail.send("request_accepted", self._sender_to_tell(), request=self)
        if self.provider:
            mail.send("request_accepted", self.provider.memberships.admins(), request=self)

    def _require_partnership(self):
        # R12: whoever ends the partnership waits here, or is seen.
        if self.provider_id and not Partnership.objects.between(self.provider, self.partner).lock():
            raise ValidationError(
                _("%(partner)s and %(provider)s no longer work together."),
                code="dead",
                params={"partner": self.partner, "provider": self.provider},
            )

    @transaction.atomic
    def decline(self, *, by, reason):
        """Refuse it, and tell the partner why (R6). Raises ``ValidationError`` like ``accept``."""
        self._lock_for_recipient(by)
        self._require_proved(by)
        self.decline_reason = reason
        self._answer(RequestStatus.DECLINED, by=by)
        self.record(Action.REQUEST_DECLINED, by=by, reason=reason[:200])
        mail.send("request_declined", self._sender_to_tell(), request=self)

    def _lock_for_recipient(self, by):
        self._lock()
        self.require_open()
        acting = self._require_recipient(by)
        if self.kind == RequestKind.RESELLER:
            self.reseller = acting
        else:
            self.customer = acting

    @staticmethod
    def _require_proved(by):
        if not person_of(by).has_proved():
            raise ValidationError(
                _(
                    "Confirm your email address first: the portal mails you a link. Until then you can't "
                    "answer."
                ),
                code="unproved",
            )

    @property
    def is_answered(self):
        """Whether the recipient accepted or declined; a request that was withdrawn has no answer."""
        return self.status in (RequestStatus.ACCEPTED, RequestStatus.DECLINED)

    @property
    def answered_for(self):
        """The organisation that answered, or None."""
        return (self.customer or self.reseller) if self.is_answered else None

    @property
    def was_forwarded(self):
        """Whether somebody else answered than the partner asked, or for a firm of another name."""
        asked = (self.recipient_email, self.recipient_name.casefold())
        return asked != (self.answered_by.email, self.answered_for.name.casefold())

    def _sender_to_tell(self):
        if not self.created_by.is_active:
            return self.partner.memberships.admins()
        return [self.created_by]
