import uuid
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from portal.models import Action, ActivityEntry, FoldedField, Partner
from portal.permissions import Permission
from relationships.models import Partnership, Relationship

from .offers import Billing, Offer
from .querysets import SubscriptionQuerySet, SubscriptionStatus
from .support_contacts import Candidate, StaleSupportContact, SupportContactAssignment

# How long a suspended subscription can be reactivated (S2).
REACTIVATION_PERIOD = timedelta(days=90)


class Subscription(models.Model):
    """An offer bought by a customer: sold by a partner in the portal, or bought elsewhere.

    Someone answers for it, its designated support contact: from the start its seller (C1), or nobody
    yet if it was bought elsewhere (C4). ``designate`` is the one way to change that.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    customer = models.ForeignKey(
        Customer, models.PROTECT, related_name="subscriptions", verbose_name=_("customer")
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
    quantity = models.PositiveIntegerField(
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
    started_on = models.DateField(_("started on"), default=timezone.localdate)
    renews_on = models.DateField(_("term ends on"), null=True, blank=True)
    auto_renew = models.BooleanField(_("renews automatically"), default=True)
    seller = models.ForeignKey(
        Partner,
        models.PROTECT,
        related_name="sold_subscriptions",
        verbose_name=_("seller"),
        null=True,
        blank=True,
        help_text=_("Empty: bought elsewhere."),
    )
    reseller_of_record = models.ForeignKey(
        Partner,
        models.PROTECT,
        related_name="subscriptions_of_record",
        verbose_name=_("reseller of record"),
        null=True,
        blank=True,
    )
    support_contact = models.ForeignKey(
        Partner,
        models.PROTECT,
        related_name="supported_subscriptions",
        verbose_name=_("designated support contact"),
        null=True,
        editable=False,
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

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
        ]
        indexes = [
            models.Index(fields=["customer", "name_key", "id"], name="subscriptions_of_customer")
        ]

    def __str__(self):
        return self.friendly_name

    def clean(self):
        if not self.friendly_name and hasattr(self, "offer"):
            self.friendly_name = self.offer.name
        errors = {}
        if hasattr(self, "offer"):
            if self.offer.billing == Billing.LICENSE and self.quantity is None:
                errors["quantity"] = ValidationError(_("Enter how many licenses."), code="required")
            if self.offer.billing == Billing.USAGE and self.quantity is not None:
                errors["quantity"] = ValidationError(
                    _("A usage-based offer has no number of licenses."), code="usage"
                )
        if self.seller and self.seller.is_reseller:
            errors["seller"] = ValidationError(
                _("An indirect reseller sells through its provider."), code="type"
            )
        if self.reseller_of_record and self.seller:
            partnership = Partnership.objects.between(self.seller, self.reseller_of_record)
            if not partnership.exists():
                errors["reseller_of_record"] = ValidationError(
                    _("%(reseller)s has no partnership with %(seller)s."),
                    code="S4",
                    params={"reseller": self.reseller_of_record, "seller": self.seller},
                )
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
                    if not field.primary_key
                    and field.name not in ("support_contact", "status", "suspended_at")
                ]
            super().save(*args, **kwargs)
            return
        if not self.friendly_name:
            self.friendly_name = self.offer.name
        self.support_contact = self.seller
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
        return self.suspended_at and (self.suspended_at + REACTIVATION_PERIOD).date()

    @property
    def contact_in_force(self):
        """The open end of the history of contacts."""
        return self.support_contact_history.with_people().get(ended_at=None)

    # The designated support contact

    def may_be_designated_by(self, partner):
        """Whether ``partner`` decides on the support contact: the seller (C3).

        If bought elsewhere, any partner with an active relationship with DAP (C4).
        """
        if not self.is_bought_elsewhere:
            return self.seller_id == partner.pk
        return self.customer.relationships.with_dap().filter(partner=partner).exists()

    def candidate_partners(self, partner):
        """Return ``partner`` and the active resellers it works with, whether eligible or not.

        Each joined, as ``to_customer``, with its active relationship to the customer, if any.
        """
        resellers = Partnership.objects.active().filter(provider=partner).values("reseller")
        return (
            Partner.objects.active()
            .filter(models.Q(pk=partner.pk) | models.Q(pk__in=resellers))
            .alias(
                to_customer=models.FilteredRelation(
                    "relationships",
                    condition=models.Q(
                        relationships__customer=self.customer_id, relationships__ended_at=None
                    ),
                )
            )
        )

    def eligible_support_contacts(self, partner):
        """Return the partners that the staff of ``partner`` may designate (C2, C4).

        ``partner`` itself, and those of its resellers with an active relationship with DAP to the
        customer. Whether that staff may designate at all is for ``may_be_designated_by`` to say.
        """
        return self.candidate_partners(partner).filter(
            models.Q(pk=partner.pk) | models.Q(to_customer__has_dap=True)
        )

    def support_contact_candidates(self, partner):
        """Return a ``Candidate`` for ``partner`` and each reseller it works with (C2, C5).

        Those that can be chosen first; the others say why they can't.
        """
        found = self.candidate_partners(partner).annotate(
            relationship=models.F("to_customer__id"),
            has_dap=models.F("to_customer__has_dap"),
            dap_removed_at=models.F("to_customer__dap_removed_at"),
        )
        candidates = []
        for one in found:
            if one.pk == partner.pk or one.has_dap:
                candidates.append(Candidate(one))
            elif one.relationship is None:
                candidates.append(Candidate(one, Candidate.NO_RELATIONSHIP))
            elif one.dap_removed_at:
                candidates.append(Candidate(one, Candidate.DAP_REMOVED, one.dap_removed_at))
            else:
                candidates.append(Candidate(one, Candidate.NO_DAP))
        return sorted(candidates, key=lambda candidate: not candidate.is_eligible)

    @transaction.atomic
    def designate(self, partner, *, by, seen=None):
        """Make ``partner`` the support contact, as ``by`` wants; in force at once (C2–C4, C7, C8, C10).

        ``partner`` may be None where the subscription was bought elsewhere. ``seen`` is the key of the
        assignment that ``by`` saw in force when deciding; left out, the last word counts. Returns the
        new ``SupportContactAssignment``, or None where nothing had to change (C7).

        Raises ``ValidationError`` with code ``not_allowed`` if ``by`` may not change it (C3), with
        ``not_eligible`` if ``partner`` can't be the contact (C2), and ``StaleSupportContact`` if
        someone else changed it since it was seen (C8). Nothing is written then.
        """
        acting = self._partner_of(by, Permission.ASSIGN_SUPPORT_CONTACT)
        self._lock_for(acting, partner)
        if not self.may_be_designated_by(acting):
            raise ValidationError(
                _("Only the staff of the partner that sold the subscription may change this."),
                code="not_allowed",
            )
        current = self.contact_in_force
        is_same = current.partner == partner
        if seen not in (None, current.pk) and not (is_same and current.changed_by == by):
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
        # Not before what it follows, even where the clocks of two servers differ a little.
        now = max(timezone.now(), current.started_at)
        self.support_contact_history.filter(pk=current.pk).update(ended_at=now)
        assignment = self.support_contact_history.create(
            partner=partner,
            started_at=now,
            changed_by=by,
            designated_for=acting,
            reason=Action.SUPPORT_CONTACT_DESIGNATED,
        )
        self.support_contact = partner
        Subscription.objects.filter(pk=self.pk).update(support_contact=partner)
        self.record(
            Action.SUPPORT_CONTACT_DESIGNATED,
            by=by,
            partners=[acting, current.partner],
            before={"support_contact": str(current.partner or "")},
            after={"support_contact": str(partner or "")},
        )
        return assignment

    def _lock_for(self, acting, partner):
        # Partner, partnership, relationship, subscription: whoever takes one of these away locks it
        # first too, so the contact is either refused here or falls back there (C9).
        if partner is not None:
            Partner.objects.select_for_update(no_key=True).get(pk=partner.pk)
            Partnership.objects.between(acting, partner).lock()
        Relationship.objects.active().filter(
            customer=self.customer_id, partner__in=[acting, partner or acting]
        ).lock()
        Subscription.objects.select_for_update(no_key=True).get(pk=self.pk)

    # The subscription's life

    def suspend(self, *, by):
        """Keep the customer from using it (S1, S2). Suspending again changes nothing.

        Raises ``ValidationError`` with code ``not_allowed`` unless ``by`` is staff of the seller, in a
        role that may.
        """
        self._set_status(
            SubscriptionStatus.SUSPENDED, timezone.now(), Action.SUBSCRIPTION_SUSPENDED, by=by
        )

    def reactivate(self, *, by):
        """Let the customer use it again (S1). Reactivating an active one changes nothing.

        Raises ``ValidationError`` with code ``not_allowed`` unless ``by`` is staff of the seller, in a
        role that may, and with ``too_late`` when the time for it has passed (S2).
        """
        self._set_status(SubscriptionStatus.ACTIVE, None, Action.SUBSCRIPTION_REACTIVATED, by=by)

    @transaction.atomic
    def _set_status(self, status, suspended_at, action, *, by):
        acting = self._partner_of(by, Permission.MANAGE_SUBSCRIPTIONS)
        relationship = Relationship.objects.active().filter(
            customer=self.customer_id, partner=acting
        )
        if self.seller_id != acting.pk or not relationship.lock():
            raise ValidationError(
                _("Only the partner that sold the subscription may do this."), code="not_allowed"
            )
        locked = Subscription.objects.select_for_update(no_key=True).get(pk=self.pk)
        if locked.status == status:
            return
        if locked.reactivate_by and timezone.localdate() > locked.reactivate_by:
            raise ValidationError(
                _("It could be reactivated until %(date)s."),
                code="too_late",
                params={"date": date_format(locked.reactivate_by)},
            )
        self.status, self.suspended_at = status, suspended_at
        self.save(update_fields=["status", "suspended_at"])
        self.record(
            action,
            by=by,
            before={"status": locked.status},
            after={"status": status},
        )

    def _partner_of(self, user, permission):
        membership = getattr(user, "membership", None)
        if membership is None or membership.partner is None or not user.has_perm(permission):
            raise ValidationError(_("Your roles do not include this."), code="not_allowed")
        return membership.partner

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
