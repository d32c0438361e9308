import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, cast

from django.conf import settings
from django.core import signing
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, override
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from lists.set_statements import lock_text
from portal import links, mail
from portal.address_fields import EmailField
from portal.addresses import normal_email, shown_email
from portal.authority import (
    PORTAL,
    NotAllowed,
    Principal,
    Refusal,
    may,
    person_of,
    require,
    require_standing,
)
from portal.clocks import in_order, now_after
from portal.models import (
    Action,
    ActivityEntry,
    FoldedField,
    Mail,
    Membership,
    Partner,
    ProofMethod,
    User,
)
from portal.permissions import Permission
from portal.zones import end_of_last_day, written_day

from .partnerships import Partnership
from .personal_links import read_proof, registration_proof, write_token
from .regions import SalesRegion
from .relationships import Relationship
from .request_kinds import RequestKind, RequestStatus
from .request_querysets import RelationshipRequestQuerySet


class RelationshipRequest(models.Model):
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

    # The number of the personal link by which ``find`` found it.
    opened_link_number: int

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

    def __str__(self) -> str:
        """Whom it names: the organisation that answered, until then the one that the partner wrote."""
        return str(self.answered_for or self.recipient_name)

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.expires_at is None:
            # A new one has none yet.
            self.expires_at = self._end_from(  # type: ignore[unreachable]
                now_after(self.created_at)
            )
        super().save(*args, **kwargs)

    @staticmethod
    def _end_from(at: datetime) -> datetime:
        """When it expires that was sent ``at`` a time: at the end of a day, through which it is open (R3)."""
        return end_of_last_day(at, settings.RELATIONSHIP_REQUEST_PERIOD)

    def clean(self) -> None:
        if self.provider:
            # R12
            partnership = Partnership.objects.between(self.provider, self.partner)
            if self.kind != RequestKind.CUSTOMER or not partnership.exists():
                error = ValidationError(
                    _("You have no partnership with this provider."), code="R12"
                )
                raise ValidationError({"provider": error})
        if self.kind == RequestKind.RESELLER and not self.partner.is_provider:
            raise ValidationError(_("Only an indirect provider invites resellers."), code="type")
        if self.reseller and Partnership.objects.between(self.partner, self.reseller).exists():
            raise ValidationError(
                _("You already have a partnership with %(reseller)s."),
                code="exists",
                params={"reseller": self.reseller},
            )
        # What the partner does not see must not answer here either (T1): the sales region of a customer
        # that is not the partner's own is checked when the customer accepts.
        if self.customer and self.customer.relationships.active().filter(partner=self.partner):
            for partner in self.partners:
                SalesRegion.objects.require_common(partner, self.customer)
            if not any(self._asks_for_more(partner) for partner in self.partners):
                raise ValidationError(
                    _("You already have this relationship with %(customer)s."),
                    code="exists",
                    params={"customer": self.customer},
                )

    def _asks_for_more(self, partner: Partner) -> bool:
        relationship = (
            Relationship.objects.active().filter(partner=partner, customer=self.customer).first()
        )
        return relationship is None or (self.with_dap and not relationship.has_dap)

    @property
    def shown_email(self) -> str:
        """The address that was asked, as people read it."""
        return shown_email(self.recipient_email)

    @property
    def permission_needed(self) -> Permission:
        """What its creator needs, of the role table."""
        if self.kind == RequestKind.RESELLER:
            return Permission.INVITE_RESELLERS
        return Permission.REQUEST_DAP if self.with_dap else Permission.REQUEST_RELATIONSHIP

    @property
    def permission_to_answer(self) -> Permission:
        if self.kind == RequestKind.RESELLER:
            return Permission.AUTHORIZE_PARTNERSHIP
        return Permission.ANSWER_REQUESTS

    @property
    def partners(self) -> list[Partner]:
        """The partners who ask: the sender, and its provider in a joint invitation (R12)."""
        return [self.partner, self.provider] if self.provider else [self.partner]

    @property
    def state(self) -> RequestStatus:
        return RequestStatus.at_present(self.status, self.expires_at)

    @property
    def is_open(self) -> bool:
        return self.state == RequestStatus.OPEN

    def record(
        self,
        action: Action,
        *,
        by: Principal,
        reason: str = "",
        after: Mapping[str, Any] | None = None,
    ) -> None:
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

    def _facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = {}
        if self.kind == RequestKind.CUSTOMER:
            facts["with_dap"] = self.with_dap
        if self.is_answered and (person := self.answered_by):
            facts["asked"] = f"{self.recipient_email} ({self.recipient_name})"
            facts["answered_by"] = f"{person} ({person.email})"
        return facts

    # Its personal link: it can't be guessed, and dies when the request is sent again (R4, R5)

    @property
    def is_replaced(self) -> bool:
        """Whether it was found by a link that died when the request was sent again (R5)."""
        return getattr(self, "opened_link_number", self.link_number) != self.link_number

    @property
    def token(self) -> str:
        return write_token(self.pk, self.link_number)

    @property
    def path(self) -> str:
        """The path of the personal link."""
        return reverse("invitations:detail", args=[self.token])

    def message(self, link: str) -> str:
        """The whole text of the mail: what the partner wrote, and the personal link (R4)."""
        return f"{self.text.strip()}\n\n{link}"

    def require_open(self) -> None:
        """Raise ``ValidationError`` with code ``dead``, saying why, unless it can be answered."""
        if self.is_replaced:
            raise ValidationError(
                _("This link was replaced: the request was sent again. Use the newest link."),
                code="dead",
            )
        for partner in self.partners:
            if not partner.is_active:
                raise ValidationError(
                    _("%(partner)s no longer takes part in the portal."),
                    code="dead",
                    params={"partner": partner},
                )
        if self.is_open:
            return
        sentences = {
            RequestStatus.ACCEPTED: _("This request was accepted on %(date)s."),
            RequestStatus.DECLINED: _("This request was declined on %(date)s."),
            RequestStatus.WITHDRAWN: _("%(partner)s withdrew this request on %(date)s."),
            RequestStatus.EXPIRED: _(
                "This request expired on %(date)s. Ask %(partner)s to send it again."
            ),
        }
        raise ValidationError(
            sentences[self.state],
            code="dead",
            params={
                "partner": self.partner,
                "date": written_day(self.answered_at or self.expires_at),
            },
        )

    # Who may answer it (R14): the organisation one of whose active admins has proved the address that was
    # asked, else the customer that has proved its domain. An address that somebody typed, invited or
    # registered with counts for nothing. A request that the partner made from its own customer's page is for
    # that record.

    def bound_to(self) -> Customer | Partner | None:
        """Return the customer or reseller that it is for, as things stand now, or None."""
        if self.names_customer and self.customer:
            own = self.customer.relationships.active().filter(partner=self.partner)
            return self.customer if own.exists() else None
        is_for_reseller = self.kind == RequestKind.RESELLER
        owner = User.objects.who_proved(self.recipient_email)
        anyone = Partner if is_for_reseller else Customer
        if may(owner, (anyone, self.permission_to_answer), last_resort=False):
            asked = owner.organisation
            if not is_for_reseller or asked.is_reseller:
                return asked
        return None if is_for_reseller else Customer.objects.of_address(self.recipient_email)

    def bind(self) -> None:
        """Tie it to the organisation that it is for."""
        firm = self.bound_to()
        self.reseller = firm if isinstance(firm, Partner) else None
        self.customer = firm if isinstance(firm, Customer) else None

    # What the partner does

    @transaction.atomic
    def edit(self, subject: str, text: str, *, by: Principal) -> None:
        """Change the text of the mail (R4); the link is not part of it."""
        self._lock_for_sender(by)
        self.require_open()
        self.subject, self.text = subject, text
        self.save(update_fields=["subject", "text"])

    @transaction.atomic
    def renew(self, *, by: Principal) -> None:
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
    def withdraw(self, *, by: Principal) -> None:
        """Take it back; its link says so from now on (R5).

        Raises ``ValidationError`` with code ``dead`` where it was answered before.
        """
        self._lock_for_sender(by)
        self.require_withdrawable()
        self._answer(RequestStatus.WITHDRAWN, by=by)
        self.record(Action.REQUEST_WITHDRAWN, by=by)

    def require_alone(self) -> None:
        """Raise ``ValidationError`` with code ``open`` while another request to the same firm is open.

        That is one of the same partner to the same address, or to the same of its customers; it stands in
        the ``params`` of the error as ``request``. Of an organisation that two addresses belong to nothing
        is told (R14). Whoever asks for the same partner meanwhile waits until the transaction ends.
        """
        lock_text(f"requests of {self.partner_id}")
        same_firm = models.Q(recipient_email=self.recipient_email)
        if self.names_customer:
            same_firm |= models.Q(names_customer=True, customer=self.customer)
        asked = RelationshipRequest.objects.open().filter(
            same_firm, partner=self.partner, kind=self.kind
        )
        if first := asked.exclude(pk=self.pk).order_by("created_at").first():
            raise ValidationError(
                _(
                    "Your company asked this firm on %(date)s already, and the request is open. Send that one"
                    " again, or withdraw it first."
                ),
                code="open",
                params={"date": written_day(first.created_at), "request": first},
            )

    def require_withdrawable(self) -> None:
        """Raise ``ValidationError`` with code ``dead``, saying why, where it was answered or withdrawn."""
        if self.state != RequestStatus.EXPIRED:
            self.require_open()

    def _withdraw_with_partnership(self, *, by: Principal) -> None:
        """Take it back as the two who ask together work together no more (R12); ``by`` ends that."""
        self._answer(RequestStatus.WITHDRAWN, by=by)
        self.record(Action.REQUEST_WITHDRAWN, by=by, reason=Action.PARTNERSHIP_ENDED)

    def _lock_for_sender(self, by: Principal) -> User:
        """Lock it for one of its partner's people, and return that person."""
        require(by, (self.partner, self.permission_needed), last_resort=False)
        self._lock()
        return cast(User, by.person)

    def _lock(self) -> None:
        # Both sides of each race about a request, accept and withdraw say, wait here for each other.
        locked = RelationshipRequest.objects.select_for_update(no_key=True)
        self.refresh_from_db(from_queryset=locked)

    def _answer(self, status: RequestStatus, *, by: Principal) -> None:
        self.withdraw_mail()
        self.status, self.answered_by = status, by.person
        self.answered_at = now_after(self.created_at, self.sent_at, self.undelivered_at)
        answer = ("status", "answered_by", "answered_at", "decline_reason")
        self.save(update_fields=[*answer, "customer", "reseller"])

    # What the portal mails for the sender (R4)

    def drafted(self, user: User) -> tuple[str, str]:
        """Return the subject and the text that the portal proposes to ``user``, in the request's language."""
        with override(self.language):
            draft = render_to_string("relationships/draft.txt", {"request": self, "user": user})
        subject, _newline, text = draft.strip().partition("\n")
        return subject[:200], text.strip()

    @transaction.atomic
    def draft_anew(self, language: str, *, by: Principal) -> None:
        """Put the portal's proposal in ``language`` in the place of the text; the link stays (R4).

        The portal speaks this language to the recipient from then on. Raises ``ValidationError`` like
        ``edit``, and for a language that there is not.
        """
        sender = self._lock_for_sender(by)
        self.require_open()
        self.language = language
        self.clean_fields(exclude={f.name for f in self._meta.fields if f.name != "language"})
        self.subject, self.text = self.drafted(sender)
        self.save(update_fields=["language", "subject", "text"])

    @transaction.atomic
    def send(self, link: str, *, by: Principal) -> datetime | None:
        """Have the portal mail it, with the personal ``link``, to the recipient, in the partner's name (R4).

        At most so much goes to one address, or for one user, a day: beyond, the mail waits until the time
        that this returns, and otherwise it returns None. What still waits of an earlier mail is taken
        back. Raises ``ValidationError`` with code ``dead`` where it can't be answered any more.
        """
        sender = self._lock_for_sender(by)
        self.require_open()
        self.withdraw_mail()
        self.sent_at = now_after(self.created_at)
        self.undelivered_at, self.undelivered_answer = None, ""
        self.save(update_fields=["sent_at", "undelivered_at", "undelivered_answer"])
        due_at = Mail.objects.when_allowed(self.recipient_email, sender)
        mail.deliver(
            self.recipient_email,
            self.subject,
            self.message(link),
            language=self.language,
            partner=self.partner,
            about=self,
            sent_by=sender,
            due_at=due_at,
        )
        told = {"recipient": self.recipient_email, "subject": self.subject}
        self.record(Action.REQUEST_MAILED, by=by, after=told)
        return due_at

    def withdraw_mail(self) -> None:
        """Take back what waits to be sent: its link is dead, or goes out with newer words."""
        Mail.objects.about(self).withdraw()

    @property
    def last_mail(self) -> Mail | None:
        """What became of the mail that was sent last, or None."""
        return Mail.objects.about(self).order_by("-pk").first()

    def note_undelivered(self, answer: str) -> None:
        """Say that its mail can't be delivered, and tell who sent it; ``answer`` is the mail server's."""
        self.undelivered_at = now_after(self.created_at, self.sent_at)
        self.undelivered_answer = answer
        self.save(update_fields=["undelivered_at", "undelivered_answer"])
        told = {"recipient": self.recipient_email}
        self.record(Action.REQUEST_UNDELIVERED, by=PORTAL, after=told, reason=answer[:200])
        mail.send("request_undelivered", self._sender_to_tell(), request=self)

    # What the recipient does (R6, R10)

    def may_be_answered_by(self, by: Principal) -> bool:
        """Whether ``by`` may answer: for the organisation that the request is for (R6, R10, R14)."""
        try:
            self._require_recipient(by)
        except NotAllowed:
            return False
        return True

    def _require_recipient(self, by: Principal) -> Customer | Partner:
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
    def accept(self, *, by: Principal, agrees: bool = False) -> None:
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

    def _accept(self, *, by: Principal, agrees: bool) -> None:
        if self.reseller:
            Partnership.objects.start(self.partner, self.reseller, by=by)
        elif self.customer:
            self._require_partnership()
            self.customer.accept_agreement(by=by, agrees=agrees)
            for partner in self.partners:
                Relationship.objects.grant(partner, self.customer, with_dap=self.with_dap, by=by)
        self._answer(RequestStatus.ACCEPTED, by=by)
        self.record(Action.REQUEST_ACCEPTED, by=by)
        mail.send("request_accepted", self._sender_to_tell(), request=self)
        if self.provider:
            mail.send("request_accepted", self.provider.memberships.admins(), request=self)

    def _require_partnership(self) -> None:
        # R12: whoever ends the partnership waits here, or is seen.
        if self.provider and not Partnership.objects.between(self.provider, self.partner).lock():
            raise ValidationError(
                _("%(partner)s and %(provider)s no longer work together."),
                code="dead",
                params={"partner": self.partner, "provider": self.provider},
            )

    @transaction.atomic
    def decline(self, *, by: Principal, reason: str) -> None:
        """Refuse it, and tell the partner why (R6). Raises ``ValidationError`` like ``accept``."""
        self._lock_for_recipient(by)
        self._require_proved(by)
        self.decline_reason = reason
        self._answer(RequestStatus.DECLINED, by=by)
        self.record(Action.REQUEST_DECLINED, by=by, reason=reason[:200])
        mail.send("request_declined", self._sender_to_tell(), request=self)

    def _lock_for_recipient(self, by: Principal) -> None:
        self._lock()
        self.require_open()
        acting = self._require_recipient(by)
        if isinstance(acting, Partner):
            self.reseller = acting
        else:
            self.customer = acting

    @staticmethod
    def _require_proved(by: Principal) -> None:
        person = person_of(by)
        if person is None or not person.has_proved():
            raise ValidationError(
                _(
                    "Confirm your email address first: the portal mails you a link. Until then you can't "
                    "answer."
                ),
                code="unproved",
            )

    @property
    def is_answered(self) -> bool:
        """Whether the recipient accepted or declined; a request that was withdrawn has no answer."""
        return self.status in (RequestStatus.ACCEPTED, RequestStatus.DECLINED)

    @property
    def answered_for(self) -> Customer | Partner | None:
        """The organisation that answered, or None."""
        return (self.customer or self.reseller) if self.is_answered else None

    @property
    def was_forwarded(self) -> bool:
        """Whether somebody else answered than the partner asked, or for a firm of another name."""
        firm, person = self.answered_for, self.answered_by
        if firm is None or person is None:
            return False
        asked = (self.recipient_email, self.recipient_name.casefold())
        return asked != (person.email, firm.name.casefold())

    def _sender_to_tell(self) -> Iterable[User]:
        if not self.created_by.is_active:
            return self.partner.memberships.admins()
        return [self.created_by]

    # A customer that is new in the portal (R6, R14): the partner sees the personal link too, so whoever holds
    # it has shown nothing. Who wants to register names an address, and goes on from a mail to it.

    @transaction.atomic
    def send_registration(self, email: str) -> None:
        """Mail ``email`` the link by which the owner of that address registers, or signs in (R14).

        Whether there is an account is told in the mail only; page and effort are the same for all.
        Raises ``ValidationError`` with code ``dead`` where the request can't be answered any more.
        """
        self.require_open()
        email = normal_email(email)
        owner = User.objects.joined().with_organisation().filter(email=email).first()
        reader = owner or User(email=email, language=get_language())
        path = self.path if owner else self.registration_path(email)
        mail.send(
            "registration",
            [reader],
            request=self,
            has_account=owner is not None,
            link=links.absolute(path),
        )

    def registration_path(self, email: str) -> str:
        """The path of the page on which the owner of ``email`` registers; good for a week."""
        proof = registration_proof(self.pk, self.link_number, email)
        return reverse("invitations:registration", args=[self.token, proof])

    def read_registration(self, proof: str) -> str | None:
        """Return the address that ``proof``, out of a mail to it, proves, or None where it proves nothing.

        Raises ``ValidationError`` with code ``expired`` where it did once.
        """
        try:
            read = read_proof(proof)
        except signing.SignatureExpired:
            raise ValidationError(
                _("This link has expired. Enter your email again to get a new one."),
                code="expired",
            ) from None
        if read is None or read[:2] != (self.pk, self.link_number):
            return None
        return read[2]

    def record_to_take_over(self, email: str) -> Customer | None:
        """Return the partner's own customer record that the owner of ``email`` becomes the admin of, or None.

        The partner asked that very address in the name of the record, and nobody has come to it yet. It
        must be an address that was invited as the first admin; or, where none was, the record is that of
        the sender alone, which might have invited it. Where the record has proved its domain, the address
        is in it; a mailbox in a domain that another customer has proved takes nothing over (R15).
        """
        record = self.bound_to() if self.names_customer else None
        if not isinstance(record, Customer) or email != self.recipient_email:
            return None
        if record.memberships.filter(user__has_joined=True).exists():
            return None
        firm = Customer.objects.of_address(email)
        if firm != (record if record.is_domain_proved else None):
            return None
        invited = record.memberships.filter(user__is_active=True)
        if invited.exists():
            return record if invited.filter(user__email=email).exists() else None
        others = record.relationships.active().exclude(partner__in=self.partners)
        return None if others.exists() else record

    def require_registrable(self, email: str) -> None:
        """Raise ``ValidationError``, saying why, where the owner of ``email`` can't register here (R14).

        It has shown that it reads mail to the address, so it may know what the portal knows of it; of the
        address that was asked it learns nothing, unless it is the same.
        """
        if self.kind != RequestKind.CUSTOMER:
            raise ValidationError(_("Resellers are added by the operator."), code="known")
        if User.objects.joined().filter(email=email).exists():
            raise ValidationError(
                _("There is an account with %(email)s. Sign in to answer."),
                code="account",
                params={"email": email},
            )
        if self.record_to_take_over(email):
            return
        is_known = Customer.objects.of_address(email) is not None
        if is_known or self.names_customer or (email == self.recipient_email and self.bound_to()):
            raise ValidationError(
                _(
                    "Your company is in the portal already. Ask one of its admins to answer, or to "
                    "invite you."
                ),
                code="known",
            )

    @transaction.atomic
    def register(self, proof: str, customer: Customer, *, user: User) -> User:
        """Accept it for a customer that is new in the portal, with ``user`` as its first admin (R6).

        ``proof`` is that of the mail to the address of ``user``, which it proves. The customer
        agreement is accepted on the way. Where the partner asked this address for a record of its own
        that has no admin, the record gets one, and ``customer`` is that record; the request stays open
        then, as its admin says first which partners may stay (R15).

        Raises ``ValidationError`` like ``accept`` and ``require_registrable``, with ``proof`` where that
        proves another address, with ``addressed`` where an organisation of the portal is asked under
        another address, and where ``customer`` or ``user`` is not valid; then neither of them is there.
        """
        # With the others to this address, which the proof binds: all requests before all organisations.
        bound = RelationshipRequest.objects.to_addresses([user.email])
        RelationshipRequest.objects.filter(
            models.Q(pk=self.pk) | models.Q(pk__in=bound.values("pk"))
        ).lock()
        self._lock()
        self.require_open()
        if self.read_registration(proof) != user.email:
            raise ValidationError(_("This link is for another address."), code="proof")
        self.require_registrable(user.email)
        record = self.record_to_take_over(user.email)
        if record is None and self.bound_to():
            raise ValidationError(
                _(
                    "This request can't be answered from %(email)s. Ask %(partner)s to send it to "
                    "this address."
                ),
                code="addressed",
                params={"email": user.email, "partner": self.partner},
            )
        try:
            with transaction.atomic():
                admin = self._take_over(record, user) if record else self._add_firm(customer, user)
        except IntegrityError:
            # Someone registered with the same address just now: say so where it can be said.
            self.require_registrable(user.email)
            raise
        admin.prove(admin.email, how=ProofMethod.CONFIRMATION)
        if record is None:
            self.customer = customer
            self._accept(by=admin, agrees=True)
        return admin

    def _add_firm(self, customer: Customer, user: User) -> User:
        customer.full_clean()
        Customer.objects.require_unproved(customer.domain)
        user.full_clean()
        # Never a record that is there already, whoever hands it in.
        customer.save(force_insert=True)
        user.save()
        Membership.objects.join_first(user, customer)
        customer.record(Action.CUSTOMER_ADDED, by=user)
        return user

    def _take_over(self, record: Customer, user: User) -> User:
        # Of two who come to the same record at once, one waits here and is told.
        Customer.objects.select_for_update(no_key=True).get(pk=record.pk)
        self.require_registrable(user.email)
        invited = record.memberships.filter(user__email=user.email).first()
        if invited:
            invited.user.join_as(user)
            return invited.user
        user.full_clean()
        user.save()
        Membership.objects.join_first(user, record)
        return user
