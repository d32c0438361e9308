import calendar
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from portal.authority import Refusal, require, require_standing
from portal.models import Action, Editable
from portal.permissions import Permission
from portal.zones import today
from relationships.models import Partnership, Relationship

# How long a suspended subscription can be reactivated (S2).
REACTIVATION_PERIOD = timedelta(days=90)


def months_later(day, months):
    """Return the same day of a later month, or the last one of a month that is shorter."""
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return day.replace(
        year=year, month=month, day=min(day.day, calendar.monthrange(year, month)[1])
    )


def end_of_term(ends_on, *, auto_renew, months):
    """Return the end of the term that runs now: one that renews itself has no end in the past."""
    if ends_on is None or not auto_renew or not months:
        return ends_on
    day, first, terms = today(), ends_on, 0
    while ends_on < day:
        terms += 1
        ends_on = months_later(first, terms * months)
    return ends_on


class Sale(Editable):
    """The part of a subscription that is about what was sold: its offer, quantity and terms (S1, S2, S4)."""

    edited_fields = (
        "friendly_name",
        "quantity",
        "auto_renew",
        "reseller_of_record",
        "started_on",
        "renews_on",
    )
    changed_action = Action.SUBSCRIPTION_CHANGED

    @property
    def term_ends_on(self):
        return end_of_term(
            self.renews_on, auto_renew=self.auto_renew, months=self.offer.term_months
        )

    def start_term(self):
        """Set the end of the first term, as the offer has it, where none is set."""
        if self.renews_on is None and self.seller_id and self.offer.term_months:
            self.renews_on = months_later(self.started_on, self.offer.term_months)

    def refuse_sale(self, stored):
        """Return what speaks against the sale, a ``ValidationError`` by field.

        ``stored`` is the row as it is, or None for a new one. What was sold once stays valid when the
        offer, the relationship or the partnership changes: only what is new is measured.
        """
        errors = {}
        quantity_is_new = stored is None or stored.quantity != self.quantity
        refusal = quantity_is_new and self.offer.refusal_of(self.quantity)
        if refusal and (self.seller_id or refusal.code in ("usage", "required")):
            errors["quantity"] = refusal
        elif quantity_is_new and stored is not None and not stored.is_active:
            errors["quantity"] = ValidationError(
                _("The quantity can't be changed while the subscription is suspended."),
                code="suspended",
            )
        if self.seller_id is None:
            return errors
        if self.seller.is_reseller:
            errors["seller"] = ValidationError(
                _("An indirect reseller sells through its provider."), code="type"
            )
        elif stored is None:
            errors |= self._refuse_new_sale()
        record_is_new = stored is None or stored.reseller_of_record_id != self.reseller_of_record_id
        if self.reseller_of_record_id and record_is_new:
            partnership = Partnership.objects.between(self.seller, self.reseller_of_record)
            if not partnership.exists():
                errors["reseller_of_record"] = ValidationError(
                    _("%(reseller)s has no partnership with %(seller)s."),
                    code="S4",
                    params={"reseller": self.reseller_of_record, "seller": self.seller},
                )
        return errors

    def _refuse_new_sale(self):
        relationships = Relationship.objects.active().filter(partner=self.seller)
        if not relationships.filter(customer=self.customer_id).exists():
            refusal = ValidationError(
                _("%(seller)s has no relationship with %(customer)s."),
                code="no_relationship",
                params={"seller": self.seller, "customer": self.customer},
            )
            return {"seller": refusal}
        owned = type(self).objects.filter(customer=self.customer_id)
        refusal = self.offer.refusal_to(**owned.sold_by(self.seller).holdings())
        return {"offer": refusal} if refusal else {}

    @transaction.atomic
    def change(self, fields, *, by, seen=None):
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
        stored = type(self).objects.select_for_update(no_key=True).get(pk=self.pk)
        return self.write_changes(fields, stored, by=by, seen=seen)

    def _require_seller(self, by, *, last_resort=False):
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
