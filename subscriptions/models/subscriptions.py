import uuid
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from portal.authority import Principal, Refusal, require, require_standing
from portal.clocks import now_after
from portal.models import Action, ActivityEntry, Actor, Editable, FoldedField, KeyField, Partner
from portal.numbers import QuantityField
from portal.permissions import Permission
from portal.zones import end_of_last_day, last_day, today, written_until
from relationships.models import Partnership, Relationship

from .candidates import Candidates, candidate_partners
from .offers import Offer
from .querysets import SubscriptionQuerySet, SubscriptionStatus
from .support_contacts import Candidate, StaleSupportContact, SupportContactAssignment
from .telling import Change, tell
from .terms import REACTIVATION_PERIOD, end_of_term, months_later

# What an index of the few that were bought elsewhere holds beside its order: the customer, whose
# relationships are asked for, and all that is filtered by.
OF_ELSEWHERE = (
    "customer",
    "customer_key",
    "support_contact",
    "offer",
    "status",
    "contact_changed_at",
)


class Subscription(Editable):
    """An offer bought by a customer: sold by a partner in the portal, or bought elsewhere.

    Someone answers for it, its designated support contact: from the start its seller (C1), or nobody
    yet if it was bought elsewhere (C4). ``designate`` is the one way to change that.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    customer = models.ForeignKey(
        Customer,
        models.PROTECT,
        related_name="subscriptions",
        verbose_name=_("customer"),
        db_index=False,
    )
    offer = models.ForeignKey(
        Offer, models.PROTECT, related_name="subscriptions", verbose_name=_("offer")
    )
    friendly_name = models.CharField(
        _("friendly name"),
        max_length=200,
        blank=True,
        help_text=_("Empty: the name of the offer."),
    )
    name_key = FoldedField(source="friendly_name")
    # The customer's own, kept here so that one index sorts a partner's subscriptions by customer.
    customer_key = KeyField(max_length=800, editable=False)
    quantity = QuantityField(
        _("quantity"), null=True, blank=True, help_text=_("Licenses; empty if usage-based.")
    )
    status = models.CharField(
        _("status"),
        max_length=10,
        choices=SubscriptionStatus,
        default=SubscriptionStatus.ACTIVE,
        editable=False,
    )
    suspended_at = models.DateTimeField(_("suspended"), null=True, editable=False)
    started_on = models.DateField(_("started on"), default=today)
    renews_on = models.DateField(_("term ends on"), null=True, blank=True)
    auto_renew = models.BooleanField(_("renews automatically"), default=True)
    seller = models.ForeignKey(
        Partner,
        models.PROTECT,
        related_name="sold_subscriptions",
        verbose_name=_("seller"),
        null=True,
        blank=True,
        db_index=False,
        help_text=_("Empty: bought elsewhere."),
    )
    # The seller too, as long as it looks after the customer: so its list asks for no relationship (T1).
    visible_seller = models.ForeignKey(
        Partner, models.PROTECT, related_name="+", null=True, editable=False, db_index=False
    )
    reseller_of_record = models.ForeignKey(
        Partner,
        models.PROTECT,
        related_name="subscriptions_of_record",
        verbose_name=_("reseller of record"),
        null=True,
        blank=True,
        db_index=False,
    )
    support_contact = models.ForeignKey(
        Partner,
        models.PROTECT,
        related_name="supported_subscriptions",
        verbose_name=_("designated support contact"),
        null=True,
        editable=False,
        db_index=False,
    )
    contact_changed_at = models.DateTimeField(
        _("support contact since"),
        default=timezone.now,
        editable=False,
        help_text=_("When the support contact came into force, as its history says too."),
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    edited_fields = (
        "friendly_name",
        "quantity",
        "auto_renew",
        "reseller_of_record",
        "started_on",
        "renews_on",
    )
    changed_action = Action.SUBSCRIPTION_CHANGED

    # What the log says of a new one.
    ADDED_FIELDS = (
        "quantity",
        "started_on",
        "renews_on",
        "auto_renew",
        "seller",
        "reseller_of_record",
    )
    _WRITTEN_ELSEWHERE = frozenset(
        {
            "customer_key",
            "visible_seller",
            "support_contact",
            "contact_changed_at",
            "status",
            "suspended_at",
        }
    )

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        verbose_name = _("subscription")
        verbose_name_plural = _("subscriptions")
        ordering = ["name_key", "id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status=SubscriptionStatus.ACTIVE, suspended_at=None)
                | models.Q(status=SubscriptionStatus.SUSPENDED, suspended_at__isnull=False),
                name="subscriptions_suspended_since",
                violation_error_message=_(
                    "A suspended subscription has the time of its suspension."
                ),
            ),
            models.CheckConstraint(
                condition=models.Q(reseller_of_record=None) | models.Q(seller__isnull=False),
                name="subscriptions_record_needs_seller",
                violation_error_message=_("Without a seller there is no reseller of record."),
            ),
            models.CheckConstraint(
                condition=models.Q(visible_seller=None)
                | models.Q(visible_seller=models.F("seller")),
                name="subscriptions_visible_seller",
                violation_error_message=_("Only what a partner sold stands in its list of sales."),
            ),
        ]
        indexes = [
            models.Index(
                fields=["customer", "name_key", "id", "visible_seller"],
                name="subscriptions_of_customer",
            ),
            # What a partner sold, in each order of its list. Those along which rows are counted hold the
            # contact, and those along which few are looked for by what is filtered, so that nothing else
            # is read.
            models.Index(
                fields=["visible_seller", "name_key", "customer_key", "id"],
                name="subscriptions_by_product",
            ),
            models.Index(
                fields=["visible_seller", "customer_key", "id", "support_contact", "status"],
                name="subscriptions_by_customer",
            ),
            models.Index(
                fields=[
                    "visible_seller",
                    "contact_changed_at",
                    "id",
                    "support_contact",
                    "customer_key",
                    "offer",
                ],
                name="subscriptions_by_change",
            ),
            models.Index(
                fields=["visible_seller", "support_contact", "name_key", "customer_key", "id"],
                name="subscriptions_by_contact",
            ),
            models.Index(
                fields=["visible_seller", "offer", "customer_key", "id", "support_contact"],
                name="subscriptions_by_offer",
            ),
            models.Index(
                fields=["visible_seller", "offer", "name_key", "customer_key", "id"],
                name="subscriptions_of_offer",
            ),
            # SQLite would look up in the table what only the condition names, the status here.
            models.Index(
                fields=[
                    "visible_seller",
                    "name_key",
                    "customer_key",
                    "id",
                    "support_contact",
                    "offer",
                    "status",
                ],
                condition=models.Q(status=SubscriptionStatus.SUSPENDED),
                name="subscriptions_suspended",
            ),
            models.Index(
                fields=["reseller_of_record", "name_key", "customer_key", "id"],
                name="subscriptions_of_record",
            ),
            models.Index(
                fields=["support_contact", "name_key", "customer_key", "id"],
                name="subscriptions_supported",
            ),
            # What was bought elsewhere, in the same orders, with the customer, whose relationships are
            # asked for: by a column that is NULL, PostgreSQL reads no index in order.
            *(
                models.Index(
                    fields=[
                        *fields,
                        *(one for one in OF_ELSEWHERE if one not in fields),
                        "seller",
                    ],
                    condition=models.Q(seller=None),
                    name=f"subscriptions_else_{name}",
                )
                for name, fields in (
                    ("by_product", ["name_key", "customer_key", "id"]),
                    ("by_customer", ["customer_key", "id"]),
                    ("by_change", ["contact_changed_at", "id"]),
                    ("by_contact", ["support_contact", "name_key", "customer_key", "id"]),
                    ("of_customer", ["customer", "id"]),
                    ("by_status", ["status", "name_key", "customer_key", "id"]),
                    ("by_offer", ["offer", "customer_key", "id"]),
                    ("of_offer", ["offer", "name_key", "customer_key", "id"]),
                )
            ),
        ]

    def __str__(self) -> str:
        return self.friendly_name

    def clean(self) -> None:
        if not hasattr(self, "offer") or not hasattr(self, "customer"):
            return
        if not self.friendly_name:
            self.friendly_name = self.offer.name
        stored = None if self._state.adding else Subscription.objects.get(pk=self.pk)
        errors = self.refuse_sale(stored)
        if errors:
            raise ValidationError(errors)

    @transaction.atomic
    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save; a new subscription starts with its seller as support contact (C1).

        The support contact and the status of an existing one are not written here, unless
        ``update_fields`` names them: a form that was open for a while can't undo what ``designate`` or
        ``suspend`` did meanwhile.
        """
        if not self._state.adding:
            if kwargs.get("update_fields") is None:
                kwargs["update_fields"] = [
                    field.name
                    for field in self._meta.concrete_fields
                    if not field.primary_key and field.name not in self._WRITTEN_ELSEWHERE
                ]
            super().save(*args, **kwargs)
            return
        if not self.friendly_name:
            self.friendly_name = self.offer.name
        self.customer_key = self.customer.name_key
        relationships = Relationship.objects.active().filter(
            partner=self.seller, customer=self.customer
        )
        self.visible_seller = self.seller if self.seller and relationships.exists() else None
        self.support_contact, self.contact_changed_at = self.seller, self.created_at
        super().save(*args, **kwargs)
        SupportContactAssignment.objects.create(
            subscription=self,
            partner=self.seller,
            started_at=self.created_at,
            reason=Action.SUBSCRIPTION_ADDED,
        )

    @property
    def is_active(self) -> bool:
        return self.status == SubscriptionStatus.ACTIVE

    @property
    def is_bought_elsewhere(self) -> bool:
        return self.seller_id is None

    @property
    def parties(self) -> list[Partner | None]:
        """The partners whom it concerns; each may be None."""
        return [self.seller, self.reseller_of_record, self.support_contact]

    @property
    def reactivate_by(self) -> date | None:
        """The last day on which a suspended subscription can be reactivated (S2), or None."""
        return self.suspended_at and last_day(self.suspended_at, REACTIVATION_PERIOD)

    @property
    def reactivation_ends_at(self) -> datetime | None:
        """When the last day is over on which a suspended subscription can be reactivated (S2), or None."""
        return self.suspended_at and end_of_last_day(self.suspended_at, REACTIVATION_PERIOD)

    def record(
        self,
        action: Action,
        *,
        by: Principal,
        partners: Iterable[Partner | None] = (),
        **changes: Any,
    ) -> None:
        """Write what happened to this subscription into the log, for the customer and its parties.

        ``partners`` names further partners that it concerns.
        """
        ActivityEntry.objects.record(
            action,
            by=by,
            partners=[*self.parties, *partners],
            customer=self.customer,
            subject=self,
            **changes,
        )

    # What was sold: its offer, quantity and terms (S1, S2, S4)

    @property
    def term_ends_on(self) -> date | None:
        return end_of_term(
            self.renews_on, auto_renew=self.auto_renew, months=self.offer.term_months
        )

    def start_term(self) -> None:
        """Set the end of the first term, as the offer has it, where none is set."""
        if self.renews_on is None and self.seller_id and self.offer.term_months:
            self.renews_on = months_later(self.started_on, self.offer.term_months)

    def refuse_sale(self, stored: "Subscription | None") -> dict[str, ValidationError]:
        """Return what speaks against the sale, a ``ValidationError`` by field.

        ``stored`` is the row as it is, or None for a new one. What was sold once stays valid when the
        offer, the relationship or the partnership changes: only what is new is measured.
        """
        errors: dict[str, ValidationError] = {}
        quantity_is_new = stored is None or stored.quantity != self.quantity
        refusal = quantity_is_new and self.offer.refusal_of(self.quantity)
        if refusal and (self.seller_id or refusal.code in ("usage", "required")):
            errors["quantity"] = refusal
        elif quantity_is_new and stored is not None and not stored.is_active:
            errors["quantity"] = ValidationError(
                _("The quantity can't be changed while the subscription is suspended."),
                code="suspended",
            )
        if self.seller is None:
            return errors
        if self.seller.is_reseller:
            errors["seller"] = ValidationError(
                _("An indirect reseller sells through its provider."), code="type"
            )
        elif stored is None:
            errors |= self._refuse_new_sale_by(self.seller)
        record_is_new = stored is None or stored.reseller_of_record_id != self.reseller_of_record_id
        if record_is_new and self.reseller_of_record:
            partnership = Partnership.objects.between(self.seller, self.reseller_of_record)
            if not partnership.exists():
                errors["reseller_of_record"] = ValidationError(
                    _("%(reseller)s has no partnership with %(seller)s."),
                    code="S4",
                    params={"reseller": self.reseller_of_record, "seller": self.seller},
                )
        return errors

    def _refuse_new_sale_by(self, seller: Partner) -> dict[str, ValidationError]:
        relationships = Relationship.objects.active().filter(partner=seller)
        if not relationships.filter(customer=self.customer_id).exists():
            stranger = ValidationError(
                _("%(seller)s has no relationship with %(customer)s."),
                code="no_relationship",
                params={"seller": seller, "customer": self.customer},
            )
            return {"seller": stranger}
        owned = Subscription.objects.filter(customer=self.customer_id)
        refusal = self.offer.refusal_to(**owned.sold_by(seller).holdings())
        return {"offer": refusal} if refusal else {}

    @transaction.atomic
    def change(self, fields: Iterable[str], *, by: Principal, seen: str | None = None) -> list[str]:
        """Save ``fields`` as they are set on this object, and log what they were before (S1).

        ``fields`` are some of ``edited_fields``, ``seen`` is the ``version`` that ``by`` saw; left out, the
        last word counts. Returns the names of those that changed; where none did, nothing is written.

        Raises ``NotAllowed`` unless ``by`` is staff of the seller, in a role that may, or an operator;
        ``ValidationError`` for what ``clean`` refuses, such as another quantity while it is
        suspended (S2) or a reseller of record without a partnership with the seller (S4); and
        ``StaleRow`` if someone else changed it since it was seen.
        """
        self.friendly_name = self.friendly_name or self.offer.name
        # Whoever ends the partnership waits here, or is seen in clean().
        Partnership.objects.lock_between(self.seller, [self.reseller_of_record])
        self._require_seller(by, last_resort=True)
        stored = Subscription.objects.select_for_update(no_key=True).get(pk=self.pk)
        return self.write_changes(fields, stored, by=by, seen=seen)

    def _require_seller(self, by: Principal, *, last_resort: bool = False) -> None:
        """Lock the relationship of the seller, or raise ``NotAllowed`` unless ``by`` acts for it.

        With ``last_resort`` an operator may, too, relationship or not.
        """
        acting = require(
            by,
            (self.seller, Permission.MANAGE_SUBSCRIPTIONS),
            last_resort=last_resort,
            foreign=Refusal.SELLER,
        )
        if acting is not None:
            relationship = Relationship.objects.active().filter(
                customer=self.customer_id, partner=acting
            )
            require_standing(relationship.lock(), Refusal.SELLER)

    # The subscription's life

    def suspend(self, *, by: Principal) -> None:
        """Keep the customer from using it (S1, S2). Suspending again changes nothing.

        Raises ``NotAllowed`` unless ``by`` is staff of the seller, in a role that may.
        """
        self._set_status(
            SubscriptionStatus.SUSPENDED,
            now_after(self.created_at),
            Action.SUBSCRIPTION_SUSPENDED,
            by=by,
        )

    def reactivate(self, *, by: Principal) -> None:
        """Let the customer use it again (S1). Reactivating an active one changes nothing.

        Raises ``NotAllowed`` unless ``by`` is staff of the seller, in a role that may, and
        ``ValidationError`` with code ``too_late`` when the time for it has passed (S2), and with
        ``needs_base`` for an add-on while the customer has no active base of it from the same seller.
        """
        self._set_status(SubscriptionStatus.ACTIVE, None, Action.SUBSCRIPTION_REACTIVATED, by=by)

    @transaction.atomic
    def _set_status(
        self,
        status: SubscriptionStatus,
        suspended_at: datetime | None,
        action: Action,
        *,
        by: Principal,
    ) -> None:
        self._require_seller(by)
        locked = Subscription.objects.select_for_update(no_key=True).get(pk=self.pk)
        if locked.status == status:
            return
        ends_at = locked.reactivation_ends_at
        if ends_at is not None and ends_at <= timezone.now():
            raise ValidationError(
                _("It could be reactivated until %(date)s."),
                code="too_late",
                params={"date": written_until(ends_at)},
            )
        if status == SubscriptionStatus.ACTIVE:
            beside = Subscription.objects.filter(customer=self.customer_id, seller=self.seller_id)
            if refusal := self.offer.lack_of_base(beside.holdings()["active"]):
                raise refusal
        self.status, self.suspended_at = status, suspended_at
        self.save(update_fields=["status", "suspended_at"])
        self.record(
            action,
            by=by,
            before={"status": locked.status},
            after={"status": status},
        )

    # Its designated support contact (C2 to C5, C7, C8, C10)

    @property
    def contact_in_force(self) -> SupportContactAssignment:
        """The open end of the history of contacts."""
        return self.support_contact_history.select_related("partner").get(ended_at=None)

    def may_be_designated_by(self, partner: Partner) -> bool:
        """Whether ``partner`` decides on the support contact: the seller (C3).

        If bought elsewhere, any partner with an active relationship with DAP (C4).
        """
        if not self.is_bought_elsewhere:
            return self.seller_id == partner.pk
        return self.customer.relationships.with_dap().filter(partner=partner).exists()

    def eligible_support_contacts(self, partner: Partner) -> models.QuerySet[Partner]:
        """Return the partners that the staff of ``partner`` may designate (C2, C4).

        ``partner`` itself, and those of its resellers with an active relationship with DAP to the
        customer. Whether that staff may designate at all is for ``may_be_designated_by`` to say.
        """
        return candidate_partners(partner.pk, self.customer_id).filter(
            models.Q(pk=partner.pk) | models.Q(to_customer__has_dap=True)
        )

    def support_contact_candidates(self, partner: Partner) -> list[Candidate]:
        """Return a ``Candidate`` for ``partner`` and each reseller it works with (C2, C5).

        Those that can be chosen first; the others say why they can't.
        """
        asked = Candidates(partner=partner.pk, customer=self.customer_id, at=timezone.now())
        candidates = []
        for *shown, relationship, has_dap, dap_removed_at, pending_since in asked.read_all():
            reason: tuple = ()
            if shown[0] == partner.pk or has_dap:
                pass
            elif pending_since:
                reason = (Candidate.PENDING, pending_since)
            elif relationship is None:
                reason = (Candidate.NO_RELATIONSHIP,)
            elif dap_removed_at:
                reason = (Candidate.DAP_REMOVED, dap_removed_at)
            else:
                reason = (Candidate.NO_DAP,)
            candidates.append(Candidate(*shown, *reason))
        return sorted(candidates, key=lambda candidate: not candidate.is_eligible)

    @transaction.atomic
    def designate(
        self, partner: Partner | None, *, by: Principal, seen: int | None = None
    ) -> SupportContactAssignment | None:
        """Make ``partner`` the support contact, as ``by`` wants; in force at once (C2–C4, C7, C8, C10).

        ``partner`` may be None where the subscription was bought elsewhere. ``seen`` is the key of the
        assignment that ``by`` saw in force when deciding; left out, the last word counts. Returns the
        new ``SupportContactAssignment``, or None where nothing had to change (C7).

        Raises ``NotAllowed`` if ``by`` may not change it, as operators may not (C3), ``ValidationError`` with
        code ``not_eligible`` if ``partner`` can't be the contact (C2), and ``StaleSupportContact`` if someone
        else changed it since it was seen (C8). Nothing is written then.
        """
        acting = require(by, (Partner, Permission.ASSIGN_SUPPORT_CONTACT), last_resort=False)
        self._lock_for(acting, partner)
        require_standing(self.may_be_designated_by(acting), Refusal.CONTACT)
        current = self.contact_in_force
        is_same = current.partner == partner
        if seen not in (None, current.pk) and not (is_same and current.was_changed_by(by.person)):
            raise StaleSupportContact(current)
        if is_same:
            return None
        if partner is None and not self.is_bought_elsewhere:
            raise ValidationError(
                _("A subscription that was sold here always has a support contact."),
                code="not_eligible",
            )
        eligible = self.eligible_support_contacts(acting)
        if partner is not None and not eligible.filter(pk=partner.pk).exists():
            raise ValidationError(
                _("%(partner)s can't be the support contact of this subscription."),
                code="not_eligible",
                params={"partner": partner},
            )
        now = now_after(current.started_at)
        self.support_contact_history.filter(pk=current.pk).update(ended_at=now)
        assignment = self.support_contact_history.create(
            partner=partner,
            started_at=now,
            changed_by=Actor.objects.of(by),
            designated_for=acting,
            reason=Action.SUPPORT_CONTACT_DESIGNATED,
        )
        self.support_contact, self.contact_changed_at = partner, now
        Subscription.objects.filter(pk=self.pk).update(
            support_contact=partner, contact_changed_at=now
        )
        self.record(
            Action.SUPPORT_CONTACT_DESIGNATED,
            by=by,
            partners=[acting, current.partner],
            before={"support_contact": str(current.partner or "")},
            after={"support_contact": str(partner or "")},
        )
        change = Change(
            self.pk,
            str(self),
            self.customer_id,
            str(self.customer),
            current.partner_id,
            partner.pk if partner else None,
        )
        tell([change], Action.SUPPORT_CONTACT_DESIGNATED, by=by, at=now)
        return assignment

    def _lock_for(self, acting: Partner, partner: Partner | None) -> None:
        # Partner, partnership, relationship, subscription: whoever takes one of these away locks it
        # first too, so the contact is either refused here or falls back there (C9).
        if partner is not None:
            Partner.keep_active([partner.pk])
            Partnership.objects.between(acting, partner).lock()
        Relationship.objects.active().filter(
            customer=self.customer_id, partner__in=[acting, partner or acting]
        ).lock()
        locked = Subscription.objects.select_for_update(no_key=True).get(pk=self.pk)
        if locked.customer_id != self.customer_id:
            # Joined into another record meanwhile (R15): the relationships are that one's.
            raise ValidationError(
                _("The record of the customer was joined with another one. Open the page again."),
                code="joined",
            )
