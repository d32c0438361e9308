from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.authority import Refusal, require, require_standing
from portal.clocks import now_after
from portal.models import Action, Actor, Partner
from portal.permissions import Permission
from relationships.models import Partnership, Relationship

from .candidates import Candidates, candidate_partners
from .support_contacts import Candidate, StaleSupportContact
from .telling import Change, tell


class Designation:
    """The part of a subscription that is about its designated support contact (C2 to C5, C7, C8, C10)."""

    @property
    def contact_in_force(self):
        """The open end of the history of contacts."""
        return self.support_contact_history.select_related("partner").get(ended_at=None)

    def may_be_designated_by(self, partner):
        """Whether ``partner`` decides on the support contact: the seller (C3).

        If bought elsewhere, any partner with an active relationship with DAP (C4).
        """
        if not self.is_bought_elsewhere:
            return self.seller_id == partner.pk
        return self.customer.relationships.with_dap().filter(partner=partner).exists()

    def eligible_support_contacts(self, partner):
        """Return the partners that the staff of ``partner`` may designate (C2, C4).

        ``partner`` itself, and those of its resellers with an active relationship with DAP to the
        customer. Whether that staff may designate at all is for ``may_be_designated_by`` to say.
        """
        return candidate_partners(partner.pk, self.customer_id).filter(
            models.Q(pk=partner.pk) | models.Q(to_customer__has_dap=True)
        )

    def support_contact_candidates(self, partner):
        """Return a ``Candidate`` for ``partner`` and each reseller it works with (C2, C5).

        Those that can be chosen first; the others say why they can't.
        """
        asked = Candidates(partner=partner.pk, customer=self.customer_id, at=timezone.now())
        candidates = []
        for *shown, relationship, has_dap, dap_removed_at, pending_since in asked.read_all():
            reason = ()
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
    def designate(self, partner, *, by, seen=None):
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
        type(self).objects.filter(pk=self.pk).update(
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
            partner and partner.pk,
        )
        tell([change], Action.SUPPORT_CONTACT_DESIGNATED, by=by, at=now)
        return assignment

    def _lock_for(self, acting, partner):
        # Partner, partnership, relationship, subscription: whoever takes one of these away locks it
        # first too, so the contact is either refused here or falls back there (C9).
        if partner is not None:
            Partner.keep_active([partner.pk])
            Partnership.objects.between(acting, partner).lock()
        Relationship.objects.active().filter(
            customer=self.customer_id, partner__in=[acting, partner or acting]
        ).lock()
        locked = type(self).objects.select_for_update(no_key=True).get(pk=self.pk)
        if locked.customer_id != self.customer_id:
            # Joined into another record meanwhile (R15): the relationships are that one's.
            raise ValidationError(
                _("The record of the customer was joined with another one. Open the page again."),
                code="joined",
            )
