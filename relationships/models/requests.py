import uuid

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from portal.address_fields import EmailField
from portal.addresses import shown_email
from portal.authority import require
from portal.clocks import in_order, now_after
from portal.models import (
    Action,
    ActivityEntry,
    FoldedField,
    Partner,
    User,
    lock_text,
)
from portal.permissions import Permission
from portal.zones import end_of_last_day, written_day

from .partnerships import Partnership
from .personal_links import PersonalLink
from .regions import SalesRegion
from .registrations import Registration
from .relationships import Relationship
from .request_answers import Answer
from .request_bindings import Binding
from .request_kinds import RequestKind, RequestStatus
from .request_mail import RequestMail
from .request_querysets import RelationshipRequestQuerySet


class RelationshipRequest(PersonalLink, Binding, Answer, Registration, RequestMail, models.Model):
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
    names_customer = models.BooleanField(
        _("to a customer of its own"),
        default=False,
        editable=False,
        help_text=_("The partner asked this customer of its own, whatever the address."),
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
    recipient_key = FoldedField(source="recipient_name")
    recipient_email = EmailField(_("email of its admin"))
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
    undelivered_at = models.DateTimeField(_("not delivered"), null=True, editable=False)
    undelivered_answer = models.CharField(
        _("why it was not delivered"), max_length=500, blank=True, editable=False
    )
    expires_at = models.DateTimeField(_("open until"), editable=False)
    answered_at = models.DateTimeField(_("answered"), null=True, editable=False)
    answered_by = models.ForeignKey(
        User,
        models.PROTECT,
        related_name="requests_answered",
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
            in_order("created_at", "answered_at", name="relationships_request_answered_after"),
            in_order("created_at", "sent_at", name="relationships_request_sent_after"),
            in_order("sent_at", "undelivered_at", name="relationships_request_undelivered_after"),
        ]
        indexes = [
            # With what a search looks at, so that counting reads nothing else.
            models.Index(
                fields=["partner", "created_at", "id", "recipient_key", "recipient_email"],
                name="relationships_request_list",
            ),
            models.Index(
                fields=["partner", "recipient_key", "id"], name="relationships_request_firm"
            ),
            models.Index(
                fields=["customer"],
                name="relationships_request_open",
                condition=models.Q(status=RequestStatus.OPEN),
            ),
            models.Index(
                fields=["recipient_email"],
                name="relationships_request_asked",
                condition=models.Q(status=RequestStatus.OPEN),
            ),
        ]

    def __str__(self):
        """Whom it names: the organisation that answered, until then the one that the partner wrote."""
        return str(self.answered_for or self.recipient_name)

    def save(self, *args, **kwargs):
        if self.expires_at is None:
            self.expires_at = self._end_from(now_after(self.created_at))
        super().save(*args, **kwargs)

    @staticmethod
    def _end_from(at):
        """When it expires that was sent ``at`` a time: at the end of a day, through which it is open (R3)."""
        return end_of_last_day(at, settings.RELATIONSHIP_REQUEST_PERIOD)

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
    def shown_email(self):
        """The address that was asked, as people read it."""
        return shown_email(self.recipient_email)

    @property
    def permission_needed(self):
        """What its creator needs, of the role table."""
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
        return RequestStatus.at_present(self.status, self.expires_at)

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
    def renew(self, *, by):
        """Open it again with a new link and new time; the old link dies (R5).

        Raises ``ValidationError`` with code ``dead`` where it was answered or withdrawn, and like
        ``require_alone``.
        """
        self._lock_for_sender(by)
        if self.state != RequestStatus.EXPIRED:
            self.require_open()
        self.require_alone()
        self.withdraw_mail()
        self.link_number += 1
        self.sent_at = self.undelivered_at = None
        self.undelivered_answer = ""
        self.expires_at = self._end_from(now_after(self.created_at))
        self.bind()
        fresh = ("sent_at", "undelivered_at", "undelivered_answer", "expires_at")
        self.save(update_fields=["link_number", *fresh, "customer", "reseller"])
        self.record(Action.REQUEST_RESENT, by=by)

    @transaction.atomic
    def withdraw(self, *, by):
        """Take it back; its link says so from now on (R5).

        Raises ``ValidationError`` with code ``dead`` where it was answered before.
        """
        self._lock_for_sender(by)
        self.require_withdrawable()
        self._answer(RequestStatus.WITHDRAWN, by=by)
        self.record(Action.REQUEST_WITHDRAWN, by=by)

    def require_alone(self):
        """Raise ``ValidationError`` with code ``open`` while another request to the same firm is open.

        That is one of the same partner to the same address, or to the same of its customers; it stands in
        the ``params`` of the error as ``request``. Of an organisation that two addresses belong to nothing
        is told (R14). Whoever asks for the same partner meanwhile waits until the transaction ends.
        """
        lock_text(f"requests of {self.partner_id}")
        same_firm = models.Q(recipient_email=self.recipient_email)
        if self.names_customer:
            same_firm |= models.Q(names_customer=True, customer=self.customer)
        asked = type(self).objects.open().filter(same_firm, partner=self.partner, kind=self.kind)
        if first := asked.exclude(pk=self.pk).order_by("created_at").first():
            raise ValidationError(
                _(
                    "Your company asked this firm on %(date)s already, and the request is open. Send that one"
                    " again, or withdraw it first."
                ),
                code="open",
                params={"date": written_day(first.created_at), "request": first},
            )

    def require_withdrawable(self):
        """Raise ``ValidationError`` with code ``dead``, saying why, where it was answered or withdrawn."""
        if self.state != RequestStatus.EXPIRED:
            self.require_open()

    def _withdraw_with_partnership(self, *, by):
        """Take it back as the two who ask together work together no more (R12); ``by`` ends that."""
        self._answer(RequestStatus.WITHDRAWN, by=by)
        self.record(Action.REQUEST_WITHDRAWN, by=by, reason=Action.PARTNERSHIP_ENDED)

    def _lock_for_sender(self, by):
        require(by, (self.partner, self.permission_needed), last_resort=False)
        self._lock()

    def _lock(self):
        # Both sides of each race about a request, accept and withdraw say, wait here for each other.
        locked = RelationshipRequest.objects.select_for_update(no_key=True)
        self.refresh_from_db(from_queryset=locked)

    def _answer(self, status, *, by):
        self.withdraw_mail()
        self.status, self.answered_by = status, by.person
        self.answered_at = now_after(self.created_at, self.sent_at, self.undelivered_at)
        answer = ("status", "answered_by", "answered_at", "decline_reason")
        self.save(update_fields=[*answer, "customer", "reseller"])

    def record(self, action, *, by, reason="", after=None):
        """Write what happened to this request into the log of all who take part.

        The customer is named only where the partners know it, or it has answered itself (T1).
        """
        customer = self.customer
        if customer and not self.is_answered:
            known = customer.relationships.active().filter(partner__in=self.partners)
            if known.count() < len(self.partners):
                customer = None
        ActivityEntry.objects.record(
            action,
            by=by,
            partners=[*self.partners, self.reseller if self.is_answered else None],
            customer=customer,
            subject=self,
            after=after or self._facts(),
            reason=reason,
        )

    def _facts(self):
        facts = {"with_dap": self.with_dap} if self.kind == RequestKind.CUSTOMER else {}
        if self.is_answered:
            person = self.answered_by
            facts["asked"] = f"{self.recipient_email} ({self.recipient_name})"
            facts["answered_by"] = f"{person} ({person.email})"
        return facts
