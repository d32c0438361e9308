import uuid

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from portal.clocks import now_after
from portal.models import Action, ActivityEntry, FoldedField, KeyField, Partner
from portal.numbers import QuantityField
from portal.zones import end_of_last_day, last_day, today, written_until
from relationships.models import Relationship

from .designation import Designation
from .offers import Offer
from .querysets import SubscriptionQuerySet, SubscriptionStatus
from .sales import REACTIVATION_PERIOD, Sale
from .support_contacts import SupportContactAssignment

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


class Subscription(Sale, Designation, models.Model):
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
        help_text="When the support contact came into force, as its history says too.",
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

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

    def __str__(self):
        return self.friendly_name

    def clean(self):
        if not hasattr(self, "offer") or not hasattr(self, "customer"):
            return
        if not self.friendly_name:
            self.friendly_name = self.offer.name
        stored = None if self._state.adding else Subscription.objects.get(pk=self.pk)
        errors = self.refuse_sale(stored)
        if errors:
            raise ValidationError(errors)

    @transaction.atomic
    def save(self, *args, **kwargs):
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
    def is_active(self):
        return self.status == SubscriptionStatus.ACTIVE

    @property
    def is_bought_elsewhere(self):
        return self.seller_id is None

    @property
    def parties(self):
        """The partners whom it concerns; each may be None."""
        return [self.seller, self.reseller_of_record, self.support_contact]

    @property
    def reactivate_by(self):
        """The last day on which a suspended subscription can be reactivated (S2), or None."""
        return self.suspended_at and last_day(self.suspended_at, REACTIVATION_PERIOD)

    @property
    def reactivation_ends_at(self):
        """When the last day is over on which a suspended subscription can be reactivated (S2), or None."""
        return self.suspended_at and end_of_last_day(self.suspended_at, REACTIVATION_PERIOD)

    # The subscription's life

    def suspend(self, *, by):
        """Keep the customer from using it (S1, S2). Suspending again changes nothing.

        Raises ``NotAllowed`` unless ``by`` is staff of the seller, in a role that may.
        """
        self._set_status(
            SubscriptionStatus.SUSPENDED,
            now_after(self.created_at),
            Action.SUBSCRIPTION_SUSPENDED,
            by=by,
        )

    def reactivate(self, *, by):
        """Let the customer use it again (S1). Reactivating an active one changes nothing.

        Raises ``NotAllowed`` unless ``by`` is staff of the seller, in a role that may, and
        ``ValidationError`` with code ``too_late`` when the time for it has passed (S2), and with
        ``needs_base`` for an add-on while the customer has no active base of it from the same seller.
        """
        self._set_status(SubscriptionStatus.ACTIVE, None, Action.SUBSCRIPTION_REACTIVATED, by=by)

    @transaction.atomic
    def _set_status(self, status, suspended_at, action, *, by):
        self._require_seller(by)
        locked = Subscription.objects.select_for_update(no_key=True).get(pk=self.pk)
        if locked.status == status:
            return
        if locked.suspended_at and locked.reactivation_ends_at <= timezone.now():
            raise ValidationError(
                _("It could be reactivated until %(date)s."),
                code="too_late",
                params={"date": written_until(locked.reactivation_ends_at)},
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

    def record(self, action, *, by, partners=(), **changes):
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
