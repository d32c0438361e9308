import uuid

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from portal import mail
from portal.models import Action, ActivityEntry, Membership, Partner, PartnerType, User
from portal.permissions import Permission, Role

from .partnerships import Partnership
from .personal_links import PersonalLink
from .regions import SalesRegion
from .relationships import Relationship
from .request_kinds import RequestKind, RequestStatus
from .request_querysets import (
    RelationshipRequestQuerySet,
)


class RelationshipRequest(PersonalLink, models.Model):
    """A partner's invitation to a customer, or a provider's to a reseller, with a personal link.

    It stays open until it is answered, withdrawn or expired; what became of it stays readable. A dead
    request never blocks a new one (R5).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(
        _("kind"), max_length=10, choices=RequestKind, default=RequestKind.CUSTOMER
    )
    partner = models.ForeignKey(
        Partner, models.PROTECT, related_name="requests", verbose_name=_("partner")
    )
    provider = models.ForeignKey(
        Partner,
        models.PROTECT,
        related_name="joint_requests",
        verbose_name=_("together with the indirect provider"),
        null=True,
        blank=True,
    )
    customer = models.ForeignKey(
        Customer,
        models.PROTECT,
        related_name="requests",
        verbose_name=_("customer"),
        null=True,
        blank=True,
    )
    reseller = models.ForeignKey(
        Partner,
        models.PROTECT,
        related_name="partnership_requests",
        verbose_name=_("indirect reseller"),
        null=True,
        blank=True,
    )
    with_dap = models.BooleanField(_("with delegated admin privileges"), default=True)
    recipient_name = models.CharField(_("firm"), max_length=200)
    recipient_email = models.EmailField(_("email of its admin"))
    language = models.CharField(_("language"), max_length=10, choices=settings.LANGUAGES)
    subject = models.CharField(_("subject"), max_length=200, blank=True)
    text = models.TextField(_("text"), max_length=5000, blank=True)
    link_number = models.PositiveIntegerField(default=1, editable=False)
    status = models.CharField(
        _("status"),
        max_length=10,
        choices=RequestStatus,
        default=RequestStatus.OPEN,
        editable=False,
    )
    created_by = models.ForeignKey(
        User, models.PROTECT, related_name="+", verbose_name=_("created by"), editable=False
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    sent_at = models.DateTimeField(_("sent by the portal"), null=True, editable=False)
    expires_at = models.DateTimeField(_("open until"), editable=False)
    answered_at = models.DateTimeField(_("answered"), null=True, editable=False)
    answered_by = models.ForeignKey(
        User,
        models.PROTECT,
        related_name="+",
        verbose_name=_("answered by"),
        null=True,
        editable=False,
    )
    decline_reason = models.CharField(
        _("reason for declining"), max_length=500, blank=True, editable=False
    )

    objects = RelationshipRequestQuerySet.as_manager()

    class Meta:
        verbose_name = _("relationship request")
        verbose_name_plural = _("relationship requests")
        ordering = ["-created_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status=RequestStatus.OPEN, answered_at=None)
                | models.Q(
                    status__in=[
                        RequestStatus.ACCEPTED,
                        RequestStatus.DECLINED,
                        RequestStatus.WITHDRAWN,
                    ],
                    answered_at__isnull=False,
                ),
                name="relationships_request_answered",
                violation_error_message=_("A request is open until it is answered."),
            ),
        ]
        indexes = [
            models.Index(fields=["partner", "-created_at"], name="relationships_request_list"),
            models.Index(
                fields=["customer"],
                name="relationships_request_open",
                condition=models.Q(status=RequestStatus.OPEN),
            ),
        ]

    def __str__(self):
        return self.recipient_name

    def save(self, *args, **kwargs):
        if self.expires_at is None:
            self.expires_at = timezone.now() + settings.RELATIONSHIP_REQUEST_PERIOD
        super().save(*args, **kwargs)

    def clean(self):
        if self.provider_id:
            # R12
            partnership = Partnership.objects.between(self.provider, self.partner)
            if self.kind != RequestKind.CUSTOMER or not partnership.exists():
                error = ValidationError(
                    _("You have no partnership with this provider."), code="R12"
                )
                raise ValidationError({"provider": error})
        if self.kind == RequestKind.RESELLER and not self.partner.is_provider:
            raise ValidationError(_("Only an indirect provider invites resellers."), code="type")
        if self.reseller_id and Partnership.objects.between(self.partner, self.reseller).exists():
            raise ValidationError(
                _("You already have a partnership with %(reseller)s."),
                code="exists",
                params={"reseller": self.reseller},
            )
        # What the partner does not see must not answer here either (T1): the sales region of a customer
        # that is not the partner's own is checked when the customer accepts.
        if self.customer_id and self.customer.relationships.active().filter(partner=self.partner):
            for partner in self.partners:
                SalesRegion.objects.require_common(partner, self.customer)
            if not any(self._asks_for_more(partner) for partner in self.partners):
                raise ValidationError(
                    _("You already have this relationship with %(customer)s."),
                    code="exists",
                    params={"customer": self.customer},
                )

    def _asks_for_more(self, partner):
        relationship = (
            Relationship.objects.active().filter(partner=partner, customer=self.customer).first()
        )
        return relationship is None or (self.with_dap and not relationship.has_dap)

    @property
    def permission_needed(self):
        """What its creator needs (section 4 of the role table)."""
        if self.kind == RequestKind.RESELLER:
            return Permission.INVITE_RESELLERS
        return Permission.REQUEST_DAP if self.with_dap else Permission.REQUEST_RELATIONSHIP

    @property
    def permission_to_answer(self):
        if self.kind == RequestKind.RESELLER:
            return Permission.AUTHORIZE_PARTNERSHIP
        return Permission.ANSWER_REQUESTS

    @property
    def partners(self):
        """The partners who ask: the sender, and its provider in a joint invitation (R12)."""
        return [self.partner, self.provider] if self.provider_id else [self.partner]

    @property
    def state(self):
        """The status as people read it: an open request past its time is expired."""
        if self.status == RequestStatus.OPEN and self.expires_at <= timezone.now():
            return RequestStatus.EXPIRED
        return RequestStatus(self.status)

    @property
    def is_open(self):
        return self.state == RequestStatus.OPEN

    # What the partner does

    @transaction.atomic
    def edit(self, subject, text, *, by):
        """Change the text of the mail (R4); the link is not part of it."""
        self._lock_for_sender(by)
        self.require_open()
        self.subject, self.text = subject, text
        self.save(update_fields=["subject", "text"])

    @transaction.atomic
    def send(self, link, *, by):
        """Have the portal mail it, with the personal ``link``, to the recipient (R4)."""
        self._lock_for_sender(by)
        self.require_open()
        self.sent_at = timezone.now()
        self.save(update_fields=["sent_at"])
        mail.deliver(self.recipient_email, self.subject, self.message(link), language=self.language)

    @transaction.atomic
    def renew(self, *, by):
        """Open it again with a new link and new time; the old link dies (R5).

        Raises ``ValidationError`` with code ``dead`` where it was answered or withdrawn.
        """
        self._lock_for_sender(by)
        if self.state != RequestStatus.EXPIRED:
            self.require_open()
        self.link_number += 1
        self.sent_at = None
        self.expires_at = timezone.now() + settings.RELATIONSHIP_REQUEST_PERIOD
        self.save(update_fields=["link_number", "sent_at", "expires_at"])
        self.record(Action.REQUEST_RESENT, by=by)

    @transaction.atomic
    def withdraw(self, *, by):
        """Take it back; its link says so from now on (R5).

        Raises ``ValidationError`` with code ``dead`` where it was answered before.
        """
        self._lock_for_sender(by)
        if self.state != RequestStatus.EXPIRED:
            self.require_open()
        self._answer(RequestStatus.WITHDRAWN, by=by)
        self.record(Action.REQUEST_WITHDRAWN, by=by)

    def _lock_for_sender(self, by):
        membership = getattr(by, "membership", None)
        if (
            membership is None
            or membership.partner_id != self.partner_id
            or not by.has_perm(self.permission_needed)
        ):
            raise ValidationError(_("Your roles do not include this."), code="not_allowed")
        self._lock()

    # What the recipient does

    def bind(self):
        """Tie it to the customer or reseller that the portal knows by the recipient's address (R6, R10)."""
        if self.kind == RequestKind.CUSTOMER and self.customer is None:
            self.customer = Customer.objects.known_by_email(self.recipient_email)
        elif self.kind == RequestKind.RESELLER and self.reseller is None:
            address = self.recipient_email.lower()
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

    def _lock(self):
        # Both sides of each race about a request, accept and withdraw say, wait here for each other.
        locked = RelationshipRequest.objects.select_for_update(no_key=True)
        self.refresh_from_db(from_queryset=locked)

    def _answer(self, status, *, by):
        self.status, self.answered_by, self.answered_at = status, by, timezone.now()
        answer = ("status", "answered_by", "answered_at", "decline_reason")
        self.save(update_fields=[*answer, "customer", "reseller"])

    def record(self, action, *, by, reason=""):
        """Write what happened to this request into the log of all who take part.

        The customer is named only where the partners know it, or it has answered itself (T1).
        """
        is_answered = self.status in (RequestStatus.ACCEPTED, RequestStatus.DECLINED)
        customer = self.customer
        if customer and not is_answered:
            known = customer.relationships.active().filter(partner__in=self.partners)
            if known.count() < len(self.partners):
                customer = None
        ActivityEntry.objects.record(
            action,
            by=by,
            partners=[*self.partners, self.reseller if is_answered else None],
            customer=customer,
            subject=self,
            after={"with_dap": self.with_dap} if self.kind == RequestKind.CUSTOMER else {},
            reason=reason,
        )
