import uuid
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from portal.authority import Principal, require
from portal.clocks import in_order, now_after
from portal.models import Action, ActivityEntry, KeyField, Partner
from portal.permissions import Permission

from .regions import SalesRegion
from .relationship_querysets import RelationshipQuerySet


class Relationship(models.Model):
    """A partner may act for a customer, with or without delegated admin privileges (DAP)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # No index of its own: PostgreSQL would take it for a search, and read each row.
    partner = models.ForeignKey(
        Partner,
        models.PROTECT,
        related_name="relationships",
        verbose_name=_("partner"),
        db_index=False,
    )
    customer = models.ForeignKey(
        Customer, models.PROTECT, related_name="relationships", verbose_name=_("customer")
    )
    has_dap = models.BooleanField(_("delegated admin privileges"), default=True)
    dap_removed_at = models.DateTimeField(
        _("delegated admin privileges removed"), null=True, editable=False
    )
    started_at = models.DateTimeField(_("since"), default=timezone.now, editable=False)
    ended_at = models.DateTimeField(_("ended"), null=True, editable=False)
    # The customer's own, kept here so that one index of a partner's rows sorts and finds its customers.
    # ``Customer.written_together`` says how.
    name_and_domain = KeyField(max_length=1054, editable=False)
    customer_domain = KeyField(max_length=253, editable=False)
    notice_address = models.TextField(
        blank=True,
        editable=False,
        help_text="The customer's address when the relationship ended: what changed later is not the"
        " partner's to know (T1).",
    )

    # What ``with_supported_count`` and ``with_weight`` add.
    supported_count: int
    sold_count: int

    objects = RelationshipQuerySet.as_manager()

    class Meta:
        verbose_name = _("reseller relationship")
        verbose_name_plural = _("reseller relationships")
        constraints = [
            models.UniqueConstraint(
                fields=["partner", "customer"],
                condition=models.Q(ended_at=None),
                name="relationships_one_active",
                violation_error_message=_("This partner has a relationship with this customer."),
            ),
            models.CheckConstraint(
                condition=models.Q(has_dap=False) | models.Q(ended_at=None, dap_removed_at=None),
                name="relationships_dap_in_force",
                violation_error_message=_(
                    "Delegated admin privileges need an active relationship."
                ),
            ),
            in_order("started_at", "ended_at", name="relationships_ends_after_start"),
            in_order("started_at", "dap_removed_at", name="relationships_dap_removed_after_start"),
            in_order("dap_removed_at", "ended_at", name="relationships_ends_after_dap_removed"),
        ]
        indexes = [
            models.Index(
                fields=["customer", "partner", "has_dap", "ended_at"],
                name="relationships_of_customer",
                condition=models.Q(ended_at=None),
            ),
            # A partner's list of customers, in each of its orders and by its filter. They hold all that a
            # search looks at and a row shows of the relationship, and ``ended_at`` too, which SQLite would
            # look up in the table: so a search without a hit reads nothing else.
            models.Index(
                fields=[
                    "partner",
                    "name_and_domain",
                    "customer",
                    "has_dap",
                    "started_at",
                    "ended_at",
                ],
                name="relationships_by_name",
                condition=models.Q(ended_at=None),
            ),
            models.Index(
                fields=[
                    "partner",
                    "customer_domain",
                    "customer",
                    "name_and_domain",
                    "has_dap",
                    "started_at",
                    "ended_at",
                ],
                name="relationships_by_domain",
                condition=models.Q(ended_at=None),
            ),
            models.Index(
                fields=[
                    "partner",
                    "started_at",
                    "customer",
                    "name_and_domain",
                    "has_dap",
                    "ended_at",
                ],
                name="relationships_by_start",
                condition=models.Q(ended_at=None),
            ),
            models.Index(
                fields=[
                    "partner",
                    "has_dap",
                    "name_and_domain",
                    "customer",
                    "started_at",
                    "ended_at",
                ],
                name="relationships_by_dap",
                condition=models.Q(ended_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.partner} – {self.customer}"

    def clean(self) -> None:
        if self.partner_id and self.customer_id:
            SalesRegion.objects.require_common(self.partner, self.customer)

    @transaction.atomic
    def save(self, *args: Any, **kwargs: Any) -> None:
        is_new = self._state.adding
        if is_new:
            keys = Customer.objects.values_list("name_key", "domain").get(pk=self.customer_id)
            self.name_and_domain = Customer.written_together(*keys)
            self.customer_domain = Customer.key_of(keys[1])
            # Of one of the past perhaps only the end is known.
            self.started_at = min(self.started_at, self.ended_at or self.started_at)
        super().save(*args, **kwargs)
        if is_new:
            self.customer.subscriptions.follow_relationship(self)

    def rights_changed(self, reason: Action, *, by: Principal, before: Mapping[str, Any]) -> None:
        """Have all follow that rests on what the partner may do at the customer, and log it.

        Whoever has changed ``has_dap`` or ended the relationship saves that and calls this, in the same
        transaction: the subscriptions that the partner sold stand in its lists or do not (S3, T1), and where
        its right to answer is gone, its support contacts fall back (C9). ``reason`` is the act that changed
        it, ``before`` what the log says of the former state.
        """
        if self.ended_at:
            self.customer.subscriptions.follow_relationship(self)
        if not self.has_dap:
            between = (self.partner, self.customer)
            self.supported.fall_back(reason, by=by, between=between)
        after = {} if self.ended_at else {"after": {"has_dap": self.has_dap}}
        self.record(reason, by=by, before=before, **after)

    @transaction.atomic
    def grant_dap(self, *, by: Principal) -> None:
        """Give the partner delegated admin privileges (R7). Granting again changes nothing.

        Raises ``NotAllowed`` unless ``by`` may answer for the customer.
        """
        require(by, (self.customer, Permission.ANSWER_REQUESTS))
        if not self._lock(has_dap=False):
            return
        self.has_dap, self.dap_removed_at = True, None
        self.save(update_fields=["has_dap", "dap_removed_at"])
        self.rights_changed(Action.DAP_GRANTED, by=by, before={"has_dap": False})

    @transaction.atomic
    def remove_dap(self, *, by: Principal) -> None:
        """Take the delegated admin privileges away (R8); the relationship and subscriptions stay.

        Support contacts that rested on them fall back (C9), in the same transaction. Removing again
        changes nothing. Raises ``NotAllowed`` unless ``by`` may answer for the customer, or give them up
        for the partner.
        """
        require(
            by,
            (self.customer, Permission.ANSWER_REQUESTS),
            (self.partner, Permission.REQUEST_DAP),
        )
        self._remove_dap(by=by)

    def _remove_dap(self, *, by: Principal) -> None:
        if not self._lock(has_dap=True):
            return
        self.has_dap, self.dap_removed_at = False, now_after(self.started_at)
        self.save(update_fields=["has_dap", "dap_removed_at"])
        self.rights_changed(Action.DAP_REMOVED, by=by, before={"has_dap": True})

    @transaction.atomic
    def end(self, *, by: Principal) -> None:
        """Remove the relationship and its DAP (R9); the past stays readable.

        The partner's support contacts at the customer fall back (C9), in the same transaction.
        Raises ``ValidationError`` with code ``active_subscriptions`` while active subscriptions sold
        by the partner are left, and ``NotAllowed`` unless ``by`` may remove relationships of the
        partner. Ending again changes nothing.
        """
        require(by, (self.partner, Permission.REMOVE_RELATIONSHIP))
        self._end(by=by)

    @property
    def supported(self) -> Any:
        """The subscriptions of the customer for which the partner answers."""
        return self.customer.subscriptions.supported_by(self.partner)

    @property
    def sells(self) -> bool:
        """Whether active subscriptions are left that the partner sold to the customer (R9)."""
        return self.customer.subscriptions.sold_by(self.partner).active().exists()

    def require_removable(self) -> None:
        """Raise ``ValidationError`` with code ``active_subscriptions`` while the partner ``sells`` (R9)."""
        if self.sells:
            raise ValidationError(
                _("Suspend the active subscriptions that %(partner)s sold to %(customer)s first."),
                code="active_subscriptions",
                params={"partner": self.partner, "customer": self.customer},
            )

    def _end(self, *, by: Principal) -> None:
        # Requests before relationships (ADR 0003). What the partner asked names its customer no more.
        asked = self.customer.requests.naming(self.partner, self.customer)
        asked.lock()
        locked = self._lock()
        if not locked:
            return
        self.require_removable()
        self.has_dap, self.ended_at = False, now_after(self.started_at, locked[0].dap_removed_at)
        self.notice_address = self.customer.address
        self.save(update_fields=["has_dap", "ended_at", "notice_address"])
        asked.name_no_more()
        before = {"has_dap": locked[0].has_dap}
        self.rights_changed(Action.RELATIONSHIP_ENDED, by=by, before=before)

    def _lock(self, **state: bool) -> "list[Relationship]":
        locked = Relationship.objects.active().filter(pk=self.pk, **state).lock()
        if locked and locked[0].customer_id != self.customer_id:
            # The record of the customer was joined into another meanwhile (R15).
            self.customer = locked[0].customer
        return locked

    def record(self, action: Action, *, by: Principal, **changes: Any) -> None:
        """Write what happened to this relationship into the log of both sides."""
        ActivityEntry.objects.record(
            action,
            by=by,
            partners=[self.partner],
            customer=self.customer,
            subject=self.partner,
            **changes,
        )
