from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from portal.authority import require
from portal.clocks import now_after
from portal.models import Action, ActivityEntry, lock_selected
from portal.permissions import Permission


class OneFirm:
    """The part of a ``Customer`` that is about being one firm: who takes a record over, and which are joined.

    Whoever becomes the first admin of a record sees each partner on it and keeps or ends it before
    anything else (R15).
    """

    @property
    def must_review_partners(self):
        """Whether its admin has still to say which of the partners may stay."""
        return self.partners_reviewed_at is None and self.relationships.active().exists()

    def settle_partners(self):
        """Note that its admin knows every partner who is there."""
        if self.partners_reviewed_at is None:
            self.partners_reviewed_at = now_after(self.created_at)
            self.save(update_fields=["partners_reviewed_at"])

    @cached_property
    def record_keys(self):
        """The keys under which the log tells of this firm: its own, and those of what was joined into it.

        As they were when this object was first asked.
        """
        return [self.pk, *self.joined_records.order_by("pk").values_list("pk", flat=True)]

    @transaction.atomic
    def take_over(self, decisions, *, by):
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
    def take_over_record(self, record, decisions, *, by):
        """Take over ``record``, which partners made for the proved domain of this customer (R15).

        The partners on it are kept or ended like in ``take_over``; then it is joined into this one. Who was
        invited as its admin and never came is not an admin of this customer.

        Raises ``NotAllowed`` unless ``by`` is admin of this customer, and ``ValidationError`` with code
        ``not_made_for`` unless ``made_for`` has the record, like ``take_over``, and with what
        ``refusals_of_joining`` says. Nothing is written then.
        """
        require(by, (self, Permission.ANSWER_REQUESTS), last_resort=False)
        self._lock_with(record)
        if not type(self).objects.made_for(self).filter(pk=record.pk).exists():
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

    def _decide(self, record, decisions, *, by):
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

    def refusals_of_joining(self, other):
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
    def join(self, other, *, by):
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

    def _lock_with(self, other):
        # Request, customer, relationship, subscription: whoever adds something to the record waits here,
        # and is moved, or finds it joined.
        self.requests.lock_of([self, other])
        locked = type(self).objects.select_for_update(no_key=True).order_by("pk")
        list(locked.filter(pk__in=[self.pk, other.pk]))
        self.relationships.lock_of([self, other])
        self.refresh_from_db()
        other.refresh_from_db()

    def _refuse_joining(self, other):
        refusals = self.refusals_of_joining(other)
        if refusals:
            raise ValidationError(refusals)

    def _take_in(self, other, *, by):
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
