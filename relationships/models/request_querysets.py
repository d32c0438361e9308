from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self, cast

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models.functions import Concat
from django.utils import timezone
from django.utils.formats import localize
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from lists.compiled_queries import BindParameter
from portal.authority import Principal, Refusal, require, require_standing
from portal.models import Action, Mail, Membership, Partner, ProvedAddress, User, when_allowed
from portal.models.mails import DAY, MOST_OF_ONE_USER
from portal.zones import moment_for

from .personal_links import read_token
from .request_kinds import RequestKind, RequestStatus

if TYPE_CHECKING:
    from .requests import RelationshipRequest

# Any admin of the customer that a request is for may answer it: the domain of its address is proved (R14).
BY_DOMAIN = models.Q(
    customer__domain_proved_at__isnull=False,
    recipient_email__endswith=Concat(models.Value("@"), models.F("customer__domain")),
)


class RelationshipRequestQuerySet(models.QuerySet["RelationshipRequest"]):
    def visible_to(self, membership: Membership | None) -> Self:
        """Return the requests that a partner made, or that are addressed to a customer (T1)."""
        if membership is None:
            return self.none()
        if membership.customer_id:
            return self.filter(customer=membership.customer_id)
        return self.filter(partner=membership.partner_id)

    def open(self, at: datetime | BindParameter | None = None) -> Self:
        """Return those that can still be answered; ``at`` some other time than now."""
        return self.filter(
            status=RequestStatus.OPEN,
            expires_at__gt=at or timezone.now(),
            partner__deactivated_at=None,
        )

    def waiting_for(self, membership: Membership | None) -> Self:
        """Return those that the customer of ``membership`` is asked to answer, with who asks (R6, R8)."""
        found = self.visible_to(membership).open().filter(kind=RequestKind.CUSTOMER)
        return found.select_related("partner", "provider")

    def to_proofs_of(self, user: User) -> "RelationshipRequestQuerySet":
        """Return the open requests to addresses that ``user`` has proved (R14)."""
        return self.to_addresses(user.proved_addresses.values("email"))

    def bound_by_proofs_of(self, users: Iterable[User]) -> "RelationshipRequestQuerySet":
        """Return the open requests that are for an organisation as one of ``users`` proved their address.

        Without these users nobody else of it could answer them (R14).
        """
        proofs = self._proofs_of_recipient()
        others = proofs.exclude(user__in=users).filter(user__is_active=True)
        found = self._unnamed().open().filter(models.Exists(proofs.filter(user__in=users)))
        return found.exclude(BY_DOMAIN).exclude(models.Exists(others))

    def bound_by_domain(self) -> "RelationshipRequestQuerySet":
        """Return the open requests that are for a customer for its proved domain alone (R14)."""
        proofs = self._proofs_of_recipient().filter(user__is_active=True)
        return self._unnamed().open().filter(BY_DOMAIN).exclude(models.Exists(proofs))

    @staticmethod
    def _proofs_of_recipient() -> models.QuerySet[ProvedAddress]:
        """The proofs of the address of a request by people of the organisation that it is for."""
        return ProvedAddress.objects.filter(
            models.Q(user__membership__customer=models.OuterRef("customer"))
            | models.Q(user__membership__partner=models.OuterRef("reseller")),
            email=models.OuterRef("recipient_email"),
        )

    def to_addresses(
        self, emails: Iterable[str] | models.QuerySet
    ) -> "RelationshipRequestQuerySet":
        """Return the open requests that whoever proved one of ``emails`` may answer (R14)."""
        return self._unnamed().filter(recipient_email__in=emails)

    def to_domain(self, domain: str) -> "RelationshipRequestQuerySet":
        """Return the open requests to addresses in ``domain``."""
        return self._unnamed().filter(recipient_email__endswith=f"@{domain}")

    def _unnamed(self) -> "RelationshipRequestQuerySet":
        # Of whatever manager this is asked, such as that of a user's own answers.
        return self.model.objects.filter(status=RequestStatus.OPEN, names_customer=False)

    def bound_without_proof(self) -> Self:
        """R14: open requests bound to an organisation that proved neither their address nor its domain."""
        proofs = ProvedAddress.objects.filter(
            email=models.OuterRef("recipient_email"), user__is_active=True
        )
        by_customer = proofs.filter(user__membership__customer=models.OuterRef("customer"))
        by_reseller = proofs.filter(user__membership__partner=models.OuterRef("reseller"))
        to_customer = models.Q(customer__isnull=False) & ~models.Exists(by_customer) & ~BY_DOMAIN
        to_reseller = models.Q(reseller__isnull=False) & ~models.Exists(by_reseller)
        return self.filter(
            to_customer | to_reseller, status=RequestStatus.OPEN, names_customer=False
        )

    def lock(self) -> "list[RelationshipRequest]":
        """Lock these rows until the transaction ends, in the order of their keys, and return them.

        Requests are locked before organisations (ADR 0003): an act that binds them anew does this first.
        """
        return list(self.order_by("pk").select_for_update(of=("self",), no_key=True))

    def bind_anew(self) -> None:
        """Bind these requests to whom they are for now: who proved their addresses has changed (R14)."""
        for made in self.lock():
            made.bind()
            made.save(update_fields=["customer", "reseller"])

    def naming(self, partner: Partner, customer: Customer) -> "RelationshipRequestQuerySet":
        """Return the open requests in which ``partner`` asks ``customer`` as one of its own."""
        return self.model.objects.filter(
            status=RequestStatus.OPEN, names_customer=True, partner=partner, customer=customer
        )

    def name_no_more(self) -> None:
        """Let these requests be for whoever proved their addresses: the sender has lost the customer."""
        for made in self.lock():
            made.names_customer = False
            made.bind()
            made.save(update_fields=["names_customer", "customer", "reseller"])

    def lock_of(self, customers: Iterable[Customer]) -> "list[RelationshipRequest]":
        """Lock the requests to ``customers``: who answers one meanwhile waits, or is waited for."""
        found = self.model.objects.filter(customer__in=customers)
        return list(found.select_for_update(of=("self",), no_key=True).order_by("pk"))

    def find(self, token: str) -> "RelationshipRequest | None":
        """Return the request whose personal link carries ``token``, or None; see ``is_replaced``."""
        read = read_token(token)
        if read is None:
            return None
        key, number = read
        found = self.filter(pk=key).first()
        if found:
            found.opened_link_number = number
        return found

    @transaction.atomic
    def note_undelivered(self, mail: Mail) -> None:
        """Say of the open request that ``mail`` was about that it can't be delivered; newer mail may."""
        found = self.select_for_update(no_key=True, of=("self",)).filter(pk=mail.about_id).first()
        if found and found.is_open and found.last_mail == mail:
            found.note_undelivered(mail.answer)

    @transaction.atomic
    def ask(self, *, by: Principal, **fields: Any) -> "RelationshipRequest":
        """Create a request as the staff member ``by`` of its partner wants it, and log it (R3, R10, R12).

        Where an organisation of the portal has proved the recipient's address or its domain, that one
        can answer; the partner isn't told (R14, T1). With ``customer``, one of the partner's own, it is
        for that record. Raises ``NotAllowed`` unless ``by`` may ask for this in the name of a partner,
        and ``ValidationError`` for what ``clean`` refuses, like ``require_alone``, and with code
        ``too_many`` where ``by`` has made too many within a day.
        """
        made = self.model(**fields)
        made.partner = require(by, (Partner, made.permission_needed), last_resort=False)
        person = cast(User, by.person)
        made.created_by = person
        made.names_customer = made.customer is not None
        if made.customer:
            own = made.customer.relationships.active().filter(partner=made.partner)
            require_standing(own.exists(), Refusal.ELSEWHERE)
        # In its normal form, by which the address is known.
        made.clean_fields({field.name for field in made._meta.fields} - {"recipient_email"})
        made.bind()
        if made.customer:
            made.customer.lock()
        made.full_clean()
        try:
            made.require_alone()
        except ValidationError as error:
            raise ValidationError({"recipient_email": error}) from error
        if next_at := when_allowed(f"requests:{person.pk}", MOST_OF_ONE_USER, DAY):
            raise ValidationError(
                _(
                    "You have made %(most)s requests within 24 hours. You can make the next one on "
                    "%(when)s."
                ),
                code="too_many",
                params={"most": localize(MOST_OF_ONE_USER), "when": moment_for(person, next_at)},
            )
        made.save()
        made.record(Action.REQUEST_CREATED, by=by)
        return made
