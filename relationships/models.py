"""Who works with whom: partnerships between partners, and partners acting for customers."""

import uuid

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from portal.models import Action, ActivityEntry, Partner, PartnerType


class LockingQuerySet(models.QuerySet):
    def active(self):
        return self.filter(ended_at=None)

    def lock(self):
        """Lock these rows until the transaction ends, in an order that can't deadlock; return them."""
        return list(self.select_for_update(of=("self",), no_key=True).order_by("pk"))


class PartnershipQuerySet(LockingQuerySet):
    def visible_to(self, membership):
        """Return the partnerships of the partner of ``membership``, from either side (T1)."""
        if membership is None or not membership.partner_id:
            return self.none()
        return self.filter(
            models.Q(provider=membership.partner_id) | models.Q(reseller=membership.partner_id)
        )

    def between(self, provider, reseller):
        return self.active().filter(provider=provider, reseller=reseller)

    @transaction.atomic
    def start(self, provider, reseller, *, by):
        """Let the two work together and log it.

        Raises ``ValidationError`` if they do already, or if one is of the wrong type.
        """
        Partner.objects.select_for_update(no_key=True).get(pk=reseller.pk)
        partnership = self.model(provider=provider, reseller=reseller)
        partnership.full_clean()
        partnership.save()
        partnership.record(Action.PARTNERSHIP_STARTED, by=by)
        return partnership


class Partnership(models.Model):
    """An indirect provider and an indirect reseller have agreed to work together."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    provider = models.ForeignKey(
        Partner,
        models.PROTECT,
        related_name="partnerships_as_provider",
        verbose_name=_("indirect provider"),
    )
    reseller = models.ForeignKey(
        Partner,
        models.PROTECT,
        related_name="partnerships_as_reseller",
        verbose_name=_("indirect reseller"),
    )
    started_at = models.DateTimeField(_("since"), default=timezone.now, editable=False)
    ended_at = models.DateTimeField(_("ended"), null=True, editable=False)

    objects = PartnershipQuerySet.as_manager()

    class Meta:
        verbose_name = _("partnership")
        verbose_name_plural = _("partnerships")
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "reseller"],
                condition=models.Q(ended_at=None),
                name="relationships_one_active_partnership",
                violation_error_message=_("These two partners work together already."),
            ),
        ]

    def __str__(self):
        return f"{self.provider} – {self.reseller}"

    def clean(self):
        if self.provider_id and not self.provider.is_provider:
            raise ValidationError(
                {
                    "provider": ValidationError(
                        _("%(partner)s is not an indirect provider."),
                        code="type",
                        params={"partner": self.provider},
                    )
                }
            )
        if self.reseller_id and self.reseller.type != PartnerType.INDIRECT_RESELLER:
            raise ValidationError(
                {
                    "reseller": ValidationError(
                        _("%(partner)s is not an indirect reseller."),
                        code="type",
                        params={"partner": self.reseller},
                    )
                }
            )

    @transaction.atomic
    def end(self, *, by):
        """End the partnership (R10). Customers, relationships and DAP stay as they are.

        Support contacts that rested on it fall back (C9), in the same transaction. Ending again
        changes nothing.
        """
        if not Partnership.objects.active().filter(pk=self.pk).lock():
            return
        self.ended_at = timezone.now()
        self.save(update_fields=["ended_at"])
        supported = self.reseller.supported_subscriptions.on_behalf_of(self.provider)
        supported.fall_back(Action.PARTNERSHIP_ENDED, by=by)
        self.record(Action.PARTNERSHIP_ENDED, by=by)

    def record(self, action, *, by):
        """Write what happened to this partnership into the log of both sides."""
        ActivityEntry.objects.record(
            action, by=by, partners=[self.provider, self.reseller], subject=self
        )


class RelationshipQuerySet(LockingQuerySet):
    def visible_to(self, membership):
        """Return the relationships that ``membership`` takes part in, from either side (T1)."""
        if membership is None:
            return self.none()
        if membership.customer_id:
            return self.filter(customer=membership.customer_id)
        return self.filter(partner=membership.partner_id)

    def with_dap(self):
        return self.active().filter(has_dap=True)

    @transaction.atomic
    def start(self, partner, customer, *, has_dap, by):
        """Let ``partner`` act for ``customer`` (R2) and log it.

        Raises ``ValidationError`` if it does already (R1).
        """
        # One at a time for each customer: of two that start the same relationship one is refused.
        Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
        relationship = self.model(partner=partner, customer=customer, has_dap=has_dap)
        relationship.full_clean()
        relationship.save()
        relationship.record(Action.RELATIONSHIP_STARTED, by=by, after={"has_dap": has_dap})
        return relationship


class Relationship(models.Model):
    """A partner may act for a customer, with or without delegated admin privileges (DAP)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    partner = models.ForeignKey(
        Partner, models.PROTECT, related_name="relationships", verbose_name=_("partner")
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
        ]
        indexes = [
            models.Index(
                fields=["customer", "partner"],
                name="relationships_of_customer",
                condition=models.Q(ended_at=None),
            )
        ]

    def __str__(self):
        return f"{self.partner} – {self.customer}"

    @transaction.atomic
    def grant_dap(self, *, by):
        """Give the partner delegated admin privileges (R7). Granting again changes nothing."""
        if not self._lock(has_dap=False):
            return
        self.has_dap, self.dap_removed_at = True, None
        self.save(update_fields=["has_dap", "dap_removed_at"])
        self.record(Action.DAP_GRANTED, by=by, before={"has_dap": False}, after={"has_dap": True})

    @transaction.atomic
    def remove_dap(self, *, by):
        """Take the delegated admin privileges away (R8); the relationship and subscriptions stay.

        Support contacts that rested on them fall back (C9), in the same transaction. Removing again
        changes nothing.
        """
        if not self._lock(has_dap=True):
            return
        self.has_dap, self.dap_removed_at = False, timezone.now()
        self.save(update_fields=["has_dap", "dap_removed_at"])
        supported = self.customer.subscriptions.supported_by(self.partner)
        supported.fall_back(Action.DAP_REMOVED, by=by)
        self.record(Action.DAP_REMOVED, by=by, before={"has_dap": True}, after={"has_dap": False})

    @transaction.atomic
    def end(self, *, by):
        """Remove the relationship and its DAP (R9); the past stays readable.

        The partner's support contacts at the customer fall back (C9), in the same transaction.
        Raises ``ValidationError`` with code ``active_subscriptions`` while active subscriptions sold
        by the partner are left. Ending again changes nothing.
        """
        locked = self._lock()
        if not locked:
            return
        if self.customer.subscriptions.sold_by(self.partner).active().exists():
            raise ValidationError(
                _("Suspend the active subscriptions that %(partner)s sold to %(customer)s first."),
                code="active_subscriptions",
                params={"partner": self.partner, "customer": self.customer},
            )
        had_dap = locked[0].has_dap
        self.has_dap, self.ended_at = False, timezone.now()
        self.save(update_fields=["has_dap", "ended_at"])
        supported = self.customer.subscriptions.supported_by(self.partner)
        supported.fall_back(Action.RELATIONSHIP_ENDED, by=by)
        self.record(Action.RELATIONSHIP_ENDED, by=by, before={"has_dap": had_dap})

    def _lock(self, **state):
        return Relationship.objects.active().filter(pk=self.pk, **state).lock()

    def record(self, action, *, by, **changes):
        """Write what happened to this relationship into the log of both sides."""
        ActivityEntry.objects.record(
            action,
            by=by,
            partners=[self.partner],
            customer=self.customer,
            subject=self.partner,
            **changes,
        )
