import uuid
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django_countries.fields import CountryField

from customers.domain_records import require_record
from lists.set_statements import lock_selected
from portal.address_fields import DomainField, EmailField
from portal.addresses import shown_domain, unicode_domain
from portal.authority import Grant, Principal, Refusal, require, require_standing
from portal.clocks import now_after
from portal.models import Action, ActivityEntry, Editable, FoldedField, Partner
from portal.permissions import Permission
from portal.phone_fields import PhoneField
from portal.text import fold

from .querysets import CustomerQuerySet
from .shared_domains import is_shared


class ProvedHow(models.TextChoices):
    """How the domain of a customer was proved to be its own."""

    OPERATOR = "operator", _("Confirmed by an operator")
    DNS = "dns", _("Record found in the DNS")


class Customer(Editable):
    """A firm that uses the products, looked after by one or more partners.

    A firm may stand in several records, as each partner that adds it gets one of its own while its
    domain is not proved (R15).
    """

    # What its partners edit. Domain and country decide who it is and who may sell to it (R11): these
    # are for operators.
    DETAILS = (
        "name",
        "street",
        "postal_code",
        "city",
        "contact_name",
        "contact_email",
        "contact_phone",
    )
    edited_fields = (*DETAILS, "domain", "country")
    changed_action = Action.CUSTOMER_CHANGED

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("name"), max_length=200)
    name_key = FoldedField(source="name")
    domain = DomainField(_("primary domain"), max_length=253)
    domain_proved_at = models.DateTimeField(_("domain proved"), null=True, editable=False)
    domain_proved_how = models.CharField(
        _("how it was proved"), max_length=10, choices=ProvedHow, blank=True, editable=False
    )
    country = CountryField(_("country"))
    street = models.CharField(_("street"), max_length=200, blank=True)
    postal_code = models.CharField(_("postal code"), max_length=20, blank=True)
    city = models.CharField(_("city"), max_length=100, blank=True)
    contact_name = models.CharField(_("contact person"), max_length=200, blank=True)
    contact_email = EmailField(_("contact email"), blank=True)
    contact_phone = PhoneField(_("contact phone"), blank=True)
    agreement_accepted_at = models.DateTimeField(
        _("customer agreement accepted"), null=True, blank=True, editable=False
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    partners_reviewed_at = models.DateTimeField(
        _("partners reviewed"),
        null=True,
        editable=False,
        help_text=_(
            "When its admin said which of the partners who were there before it may stay. Empty: that is"
            " the first thing that it is asked."
        ),
    )
    joined_into = models.ForeignKey(
        "self",
        models.PROTECT,
        related_name="joined_records",
        verbose_name=_("joined into"),
        null=True,
        editable=False,
    )
    joined_at = models.DateTimeField(pgettext_lazy("record", "joined"), null=True, editable=False)

    # Between name and domain where they are written together.
    SEPARATOR = "\t"

    objects = CustomerQuerySet.as_manager()

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        ordering = ["name_key", "id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(domain=Lower("domain")),
                name="customers_domain_lower",
                violation_error_message=_("Domains are stored in lower case."),
            ),
            models.UniqueConstraint(
                fields=["domain"],
                condition=models.Q(domain_proved_at__isnull=False),
                name="customers_domain_proved_once",
                violation_error_message=_("Another customer has proved this domain."),
            ),
            models.CheckConstraint(
                condition=models.Q(domain_proved_at=None, domain_proved_how="")
                | models.Q(domain_proved_at__isnull=False, domain_proved_how__in=ProvedHow.values),
                name="customers_domain_proved_how",
                violation_error_message=_("A proved domain has how and when it was proved."),
            ),
            models.CheckConstraint(
                condition=models.Q(joined_into=None, joined_at=None)
                | models.Q(
                    joined_into__isnull=False, joined_at__isnull=False, domain_proved_at=None
                ),
                name="customers_joined_since",
                violation_error_message=_("A record that was joined has no proved domain."),
            ),
        ]
        indexes = [
            models.Index(fields=["domain"], name="customers_domain"),
            models.Index(fields=["name_key", "id"], name="customers_name_key"),
            # For the name of a customer that another table names, without reading its row.
            models.Index(fields=["id", "name_key"], name="customers_name_of"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def distinct_name(self) -> str:
        """The name with the domain, for the operator: firms are called alike."""
        return f"{self.name} ({shown_domain(self.domain)})"

    @transaction.atomic
    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save; what the customer's relationships and subscriptions keep of its name and domain follows."""
        is_new = self._state.adding
        super().save(*args, **kwargs)
        written = kwargs.get("update_fields")
        if not is_new and (written is None or {"name", "domain"}.intersection(written)):
            self.relationships.follow(self)
            self.subscriptions.follow(self)

    @staticmethod
    def key_of(domain: str) -> str:
        """Return a domain as a key by which lists sort and search: folded, with its own letters."""
        if "xn--" not in domain:
            return domain
        return fold(unicode_domain(domain)).encode()[:253].decode(errors="ignore")

    @staticmethod
    def written_together(name_key: str, domain: str) -> str:
        """Return the folded name and the domain of a customer as one text, by which lists sort and search.

        It sorts by name, as every letter stands behind a tab, and has the words of both, none of which
        has a tab in it.
        """
        return f"{name_key}{Customer.SEPARATOR}{Customer.key_of(domain)}"

    @property
    def shown_domain(self) -> str:
        """The domain as people read it."""
        return shown_domain(self.domain)

    @property
    def address(self) -> str:
        """The lines of a letter to the customer."""
        city = f"{self.postal_code} {self.city}".strip()
        return "\n".join(filter(None, [self.name, self.contact_name, self.street, city]))

    def lock(self) -> "Customer":
        """Lock this row until the transaction ends, and return it as it is stored.

        Raises ``ValidationError`` with code ``joined`` where the record was joined into another (R15):
        nothing is added to it any more.
        """
        locked = Customer.objects.select_for_update(no_key=True).get(pk=self.pk)
        if locked.joined_into_id:
            raise ValidationError(
                _("The record of %(customer)s was joined with another one. Open that one."),
                code="joined",
                params={"customer": locked},
            )
        return locked

    @transaction.atomic
    def accept_agreement(self, *, by: Principal, agrees: bool) -> None:
        """Accept the customer agreement, if that was not done before (R6).

        Raises ``ValidationError`` with code ``agreement`` where it is still to be done and the admin
        ``by`` does not agree, and ``NotAllowed`` unless ``by`` may answer for the customer.
        """
        require(by, (self, Permission.ANSWER_REQUESTS), last_resort=False)
        locked = self.lock()
        if locked.agreement_accepted_at:
            return
        if not agrees:
            raise ValidationError(_("Accept the customer agreement."), code="agreement")
        self.agreement_accepted_at = now_after(self.created_at)
        self.save(update_fields=["agreement_accepted_at"])
        self.record(Action.AGREEMENT_ACCEPTED, by=by)

    @transaction.atomic
    def change(
        self, fields: Collection[str], *, by: Principal, seen: str | None = None
    ) -> list[str]:
        """Save ``fields`` as they are set on this object, and log what they were before.

        ``fields`` are some of ``DETAILS``, for an operator of ``edited_fields``; ``seen`` is the ``version``
        that ``by`` saw; left out, the last word counts. Returns the names of those that changed; where
        none did, nothing is written.

        Raises ``NotAllowed`` unless ``by`` is staff of a partner with an active relationship, in a role that
        may, or an operator; and ``StaleRow`` if someone else changed the customer since it was seen.
        Another domain is not proved (R15).
        """
        grants: list[Grant] = []
        if set(fields) <= set(self.DETAILS):
            grants = [(Partner, Permission.EDIT_CUSTOMERS)]
        acting = require(by, *grants)
        if "domain" in fields:
            self.requests.to_domain(Customer.objects.get(pk=self.pk).domain).lock()
        stored = self.lock()
        told = None
        if acting is not None:
            # All at once, in the order of their keys: each of them follows a new name, and to lock one's own
            # first would be another order than everyone else's.
            own = [one for one in self.relationships.active().lock() if one.partner_id == acting.pk]
            require_standing(own, Refusal.ELSEWHERE)
            # The entry names who acted, and partners need not know of each other (T1).
            told = [acting]
        if "domain" in fields and self.domain != stored.domain and stored.is_domain_proved:
            self.domain_proved_at, self.domain_proved_how = None, ""
            stored._drop_proof(by=by)
        return self.write_changes(fields, stored, by=by, seen=seen, partners=told)

    def record(
        self,
        action: Action,
        *,
        by: Principal,
        partners: Iterable[Partner] | None = None,
        **changes: Any,
    ) -> None:
        """Write what happened to this customer into the log, for it and ``partners`` to read.

        Left out, these are all its partners.
        """
        if partners is None:
            active = self.relationships.active().select_related("partner")
            partners = [one.partner for one in active]
        ActivityEntry.objects.record(
            action, by=by, partners=partners, customer=self, subject=self, **changes
        )

    # Its primary domain, proved or not: one that nobody proved blocks nobody and tells nothing (R15)

    @property
    def is_domain_proved(self) -> bool:
        return self.domain_proved_at is not None

    def require_provable(self) -> None:
        """Raise ``ValidationError``, saying why, where nobody, or somebody else, can prove the domain.

        The code is ``shared`` or ``taken``.
        """
        if is_shared(self.domain):
            raise ValidationError(
                _("Many firms share the domain %(domain)s, so none can prove it."),
                code="shared",
                params={"domain": self.domain},
            )
        proved = Customer.objects.with_proved_domain().filter(domain=self.domain)
        if proved.exclude(pk=self.pk).exists():
            raise ValidationError(
                _("Another customer of the portal has proved the domain %(domain)s."),
                code="taken",
                params={"domain": self.domain},
            )

    @transaction.atomic
    def confirm_domain(self, *, by: Principal) -> None:
        """Take the domain for proved, as an operator knows whose it is (R15). Again changes nothing.

        Raises ``NotAllowed`` unless ``by`` is an operator, and ``ValidationError`` like
        ``require_provable``.
        """
        require(by)
        self._prove(ProvedHow.OPERATOR, by=by)

    def prove_domain(self, *, by: Principal) -> None:
        """Prove the domain by the record in the DNS that ``domain_records`` names (R15).

        Raises ``NotAllowed`` unless ``by`` is admin of the customer, and ``ValidationError`` like
        ``require_provable``, and like ``require_record`` where it was not found. Again changes nothing.
        """
        require(by, (self, Permission.ANSWER_REQUESTS))
        if self.is_domain_proved:
            return
        self.require_provable()
        # Outside the transaction: a name server may take its time.
        require_record(self)
        self._prove(ProvedHow.DNS, by=by)

    @transaction.atomic
    def _prove(self, how: ProvedHow, *, by: Principal) -> None:
        asked = self.requests.to_domain(self.domain)
        asked.lock()
        locked = self.lock()
        if locked.is_domain_proved:
            return
        if locked.domain != self.domain:
            raise ValidationError(
                _("The domain was changed in the meantime. Look again."), code="stale"
            )
        self.require_provable()
        self.domain_proved_at, self.domain_proved_how = now_after(self.created_at), how
        try:
            with transaction.atomic():
                self.save(update_fields=["domain_proved_at", "domain_proved_how"])
        except IntegrityError:
            # Another customer proved it just now.
            self.domain_proved_at, self.domain_proved_how = None, ""
            self.require_provable()
            raise
        asked.bind_anew()
        self.record(
            Action.DOMAIN_PROVED,
            by=by,
            after={"domain": self.domain, "domain_proved_how": how.value},
        )

    @transaction.atomic
    def free_domain(self, *, by: Principal) -> None:
        """Take the proof of the domain back, so that it binds nobody to this customer any more (R15).

        Raises ``NotAllowed`` unless ``by`` is an operator. Again changes nothing.
        """
        require(by)
        self.requests.to_domain(self.domain).lock()
        locked = self.lock()
        self.domain_proved_at, self.domain_proved_how = None, ""
        if locked.is_domain_proved:
            locked._drop_proof(by=by)

    def _drop_proof(self, *, by: Principal) -> None:
        before = {"domain": self.domain, "domain_proved_how": self.domain_proved_how}
        self.domain_proved_at, self.domain_proved_how = None, ""
        self.save(update_fields=["domain_proved_at", "domain_proved_how"])
        self.requests.to_domain(self.domain).bind_anew()
        self.record(Action.DOMAIN_FREED, by=by, before=before)

    # One firm: who takes a record over, and which records are joined (R15)

    @property
    def must_review_partners(self) -> bool:
        """Whether its admin has still to say which of the partners may stay."""
        return self.partners_reviewed_at is None and self.relationships.active().exists()

    def settle_partners(self) -> None:
        """Note that its admin knows every partner who is there."""
        if self.partners_reviewed_at is None:
            self.partners_reviewed_at = now_after(self.created_at)
            self.save(update_fields=["partners_reviewed_at"])

    @cached_property
    def record_keys(self) -> list[uuid.UUID]:
        """The keys under which the log tells of this firm: its own, and those of what was joined into it.

        As they were when this object was first asked.
        """
        return [self.pk, *self.joined_records.order_by("pk").values_list("pk", flat=True)]

    @transaction.atomic
    def take_over(self, decisions: Mapping[uuid.UUID, bool], *, by: Principal) -> Any:
        """Keep or end each of the partners who are there, as an admin of the customer wants (R15).

        ``decisions`` says for the key of each active relationship whether it is kept. What ends gives its
        support contacts back (C9). A partner with active subscriptions that it sold can't go at once (R9):
        it loses its delegated admin privileges, and the relationship stays. Returns what became of them,
        as ``ChangeOfHands.decide`` does.

        Raises ``NotAllowed`` unless ``by`` is admin of the customer, and ``ValidationError`` with code
        ``incomplete`` where ``decisions`` are not about exactly the active relationships.
        """
        require(by, (self, Permission.ANSWER_REQUESTS), last_resort=False)
        self.lock()
        return self._decide(self, decisions, by=by)

    @transaction.atomic
    def take_over_record(
        self, record: "Customer", decisions: Mapping[uuid.UUID, bool], *, by: Principal
    ) -> Any:
        """Take over ``record``, which partners made for the proved domain of this customer (R15).

        The partners on it are kept or ended like in ``take_over``; then it is joined into this one. Who was
        invited as its admin and never came is not an admin of this customer.

        Raises ``NotAllowed`` unless ``by`` is admin of this customer, and ``ValidationError`` with code
        ``not_made_for`` unless ``made_for`` has the record, like ``take_over``, and with what
        ``refusals_of_joining`` says. Nothing is written then.
        """
        require(by, (self, Permission.ANSWER_REQUESTS), last_resort=False)
        self._lock_with(record)
        if not Customer.objects.made_for(self).filter(pk=record.pk).exists():
            raise ValidationError(
                _("This record is no longer there to be taken over."), code="not_made_for"
            )
        outcome = self._decide(record, decisions, by=by)
        self._refuse_joining(record)
        waiting = list(record.memberships.values_list("pk", flat=True))
        self._take_in(record, by=by)
        for membership in self.memberships.filter(pk__in=waiting).select_related("user"):
            membership.user.deactivate(by=by)
        return outcome

    def _decide(
        self, record: "Customer", decisions: Mapping[uuid.UUID, bool], *, by: Principal
    ) -> Any:
        outcome = record.relationships.decide(decisions, to=self, by=by)
        record.settle_partners()
        # Partners need not know of each other (T1): each reads of its own relationship.
        ActivityEntry.objects.record(
            Action.CUSTOMER_TAKEN_OVER,
            by=by,
            partners=[],
            customer=self,
            subject=record,
            after={
                name: [str(one.partner) for one in relationships]
                for name, relationships in outcome._asdict().items()
                if relationships
            },
        )
        return outcome

    def refusals_of_joining(self, other: "Customer") -> list[ValidationError]:
        """Return why the record ``other`` can't be joined into this one, a list of ``ValidationError``."""
        if other.pk == self.pk or other.joined_into_id or self.joined_into_id:
            return [ValidationError(_("Choose two records that are not joined."), code="joined")]
        refusals = other.relationships.refusals_to_move(self)
        if other.is_domain_proved and other.domain != self.domain:
            refusals.append(
                ValidationError(
                    _("%(customer)s has proved another domain, %(domain)s. Free it first."),
                    code="domain",
                    params={"customer": other, "domain": other.domain},
                )
            )
        return refusals

    @transaction.atomic
    def join(self, other: "Customer", *, by: Principal) -> None:
        """Join the record ``other`` into this one, as an operator knows that they are one firm (R15).

        People, relationships, subscriptions and requests move here; the log and the history stay as they
        were written, and this customer reads both. ``other`` stays for them alone. Partners whom nobody has
        kept yet are to be kept or ended by the admin of this customer.

        Raises ``NotAllowed`` unless ``by`` is an operator, and ``ValidationError`` with what
        ``refusals_of_joining`` says. Nothing is written then.
        """
        require(by)
        self._lock_with(other)
        self._refuse_joining(other)
        self._take_in(other, by=by)

    def _lock_with(self, other: "Customer") -> None:
        # Request, customer, relationship, subscription: whoever adds something to the record waits here,
        # and is moved, or finds it joined.
        self.requests.lock_of([self, other])
        locked = Customer.objects.select_for_update(no_key=True).order_by("pk")
        list(locked.filter(pk__in=[self.pk, other.pk]))
        self.relationships.lock_of([self, other])
        self.refresh_from_db()
        other.refresh_from_db()

    def _refuse_joining(self, other: "Customer") -> None:
        refusals = self.refusals_of_joining(other)
        if refusals:
            raise ValidationError(refusals)

    def _take_in(self, other: "Customer", *, by: Principal) -> None:
        now = now_after(other.created_at, self.created_at)
        standing = [one.partner for one in other.relationships.active().select_related("partner")]
        for rows in (other.memberships.all(), other.notices.all(), other.joined_records.all()):
            lock_selected(rows)
        other.memberships.update(customer=self)
        other.notices.update(customer=self)
        other.requests.update(customer=self)
        other.relationships.update(customer=self)
        self.relationships.follow(self)
        self.subscriptions.move(other, self)
        other.joined_records.update(joined_into=self)
        if standing and other.partners_reviewed_at is None:
            self.partners_reviewed_at = None
        if other.is_domain_proved:
            self.domain_proved_at, self.domain_proved_how = (
                other.domain_proved_at,
                other.domain_proved_how,
            )
        self.agreement_accepted_at = self.agreement_accepted_at or other.agreement_accepted_at
        other.joined_into, other.joined_at = self, now
        other.domain_proved_at, other.domain_proved_how = None, ""
        changed = ("domain_proved_at", "domain_proved_how")
        other.save(update_fields=["joined_into", "joined_at", *changed])
        self.save(update_fields=["partners_reviewed_at", "agreement_accepted_at", *changed])
        # The partners of the one need not know that there was the other (T1), but that theirs has gone.
        ActivityEntry.objects.record(
            Action.CUSTOMER_JOINED,
            by=by,
            partners=standing,
            customer=self,
            subject=self,
            after={"joined": f"{other.name} ({other.domain})"},
        )
