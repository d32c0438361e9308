from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from portal import mail
from portal.models import Action, Membership, Partner, PartnerType
from portal.permissions import Role

from .partnerships import Partnership
from .relationships import Relationship
from .request_kinds import RequestKind, RequestStatus


class Answer:
    """What the recipient does: the part of a ``RelationshipRequest`` that is about its answer (R6, R10)."""

    def bind(self):
        """Tie it to the customer or reseller that the portal knows by the recipient's address (R6, R10)."""
        if self.kind == RequestKind.CUSTOMER and self.customer is None:
            self.customer = Customer.objects.known_by_email(self.recipient_email)
        elif self.kind == RequestKind.RESELLER and self.reseller is None:
            address = self.recipient_email
            self.reseller = Partner.objects.filter(
                type=PartnerType.INDIRECT_RESELLER, memberships__user__email=address
            ).first()

    def may_be_answered_by(self, user):
        """Whether ``user`` may answer for the organisation that the request is addressed to (R6, R10)."""
        membership = getattr(user, "membership", None)
        if membership is None or not user.has_perm(self.permission_to_answer):
            return False
        self.bind()
        if self.kind == RequestKind.RESELLER:
            own = membership.partner
            return own.is_reseller and self.reseller_id in (None, own.pk)
        return self.customer_id in (None, membership.customer_id)

    @transaction.atomic
    def accept(self, *, by, agrees=False):
        """Give the partners what they ask for, in the name of the organisation of ``by`` (R2, R6, R7, R12).

        ``agrees`` says that the customer agreement is accepted, for a customer that has not done so
        before. Works once. Raises ``ValidationError`` with code ``dead`` if it can't be answered any
        more, ``not_allowed`` if not by ``by``, ``agreement`` while the agreement is not accepted, and
        with ``R11`` outside the sales region. Nothing is written then.
        """
        self._lock_for_recipient(by)
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
        self.decline_reason = reason
        self._answer(RequestStatus.DECLINED, by=by)
        self.record(Action.REQUEST_DECLINED, by=by, reason=reason[:200])
        mail.send("request_declined", self._sender_to_tell(), request=self)

    @transaction.atomic
    def register(self, customer, *, user):
        """Accept it for a customer that is new in the portal, with ``user`` as its first admin (R6).

        The customer agreement is accepted on the way. Raises ``ValidationError`` like ``accept``, and
        where ``customer`` or ``user`` is not valid; then neither of them is there.
        """
        self._lock()
        self.require_open()
        if self.kind != RequestKind.CUSTOMER or self.customer_id:
            raise ValidationError(
                _(
                    "This request is for a firm that is in the portal already. Sign in to answer it."
                ),
                code="known",
            )
        customer.full_clean()
        user.full_clean()
        try:
            with transaction.atomic():
                customer.save()
                user.save()
        except IntegrityError:
            # Someone registered the same firm or person just now: say so where it can be said.
            customer._state.adding = user._state.adding = True
            customer.full_clean()
            user.full_clean()
            raise
        Membership.objects.join(user, customer, [Role.CUSTOMER_ADMIN], by=user)
        customer.record(Action.CUSTOMER_ADDED, by=user)
        self.accept(by=user, agrees=True)

    def _lock_for_recipient(self, by):
        self._lock()
        self.require_open()
        if not self.may_be_answered_by(by):
            raise ValidationError(
                _(
                    "Only an admin of the organisation that this request is addressed to may answer it."
                ),
                code="not_allowed",
            )
        # One of the two is None, as the kind of the request wants it.
        self.reseller, self.customer = by.membership.partner, by.membership.customer

    def _sender_to_tell(self):
        if not self.created_by.is_active:
            return self.partner.memberships.admins()
        return [self.created_by]
