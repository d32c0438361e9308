from collections.abc import Iterator
from typing import Any, Self

from django.db import models
from django.db.models.expressions import Combinable
from django.utils.translation import gettext_lazy as _

from lists.list_queries import MOST_SORTED
from lists.set_statements import look_up_by_key, recount_for_planner
from portal.authority import Principal, person_of
from portal.models import Membership, Partner, User
from relationships.models import Partnership, Relationship, RelationshipRequest

from .querysets import SubscriptionQuerySet
from .subscriptions import Subscription
from .support_contacts import Candidate, SupportContactAssignment
from .telling import Change


class BulkOutcome(models.TextChoices):
    """What a bulk assignment does to one of its rows; the refusals of the door for one, and of a file."""

    WAITING = "", _("No contact was chosen yet")
    CHANGE = "change", _("Will change")
    SAME = "same", _("Already so")
    LEFT = "left", _("Left as it is: no contact given")
    NOT_ALLOWED = "not_allowed", _("Another partner decides on it")
    STALE = "stale", _("Changed in the meantime")
    DEACTIVATED = "deactivated", _("The partner was deactivated")
    NO_PARTNERSHIP = "no_partnership", _("No partnership with this partner")
    PENDING = Candidate.PENDING, _("The partner's request to the customer is still open")
    DAP_REMOVED = (
        Candidate.DAP_REMOVED,
        _("The partner's delegated admin privileges were removed"),
    )
    NO_DAP = Candidate.NO_DAP, _("The partner has no delegated admin privileges")
    NO_RELATIONSHIP = (
        Candidate.NO_RELATIONSHIP,
        _("The partner has no relationship with the customer"),
    )
    BAD_ID = "bad_id", _("This is not the ID of a subscription")
    MANGLED = "mangled", _("A spreadsheet has changed this number: format the column as text")
    SHORTENED = (
        "shortened",
        _("Zeros at the beginning may be missing: format the column as text"),
    )
    UNKNOWN = "unknown", _("There is no such subscription")
    UNKNOWN_PARTNER = "unknown_partner", _("You work with no partner of this MPN ID")
    TWICE = "twice", _("This subscription stands in the file already")

    @property
    def is_refusal(self) -> bool:
        return self not in (self.WAITING, self.CHANGE, self.SAME, self.LEFT)


OPEN_OUTCOMES = [BulkOutcome.CHANGE, BulkOutcome.SAME]


class BulkAssignmentRowQuerySet(models.QuerySet["BulkAssignmentRow"]):
    def visible_to(self, membership: Membership | None) -> Self:
        """Return the rows of the bulk assignments of ``membership`` that it may still read (T1).

        Those of a customer that is no longer its customer are left out.
        """
        bulks: Any = self.model.bulk.field.related_model
        subscriptions = Subscription.objects.visible_to(membership)
        return self.filter(
            models.Q(subscription=None) | models.Q(subscription__in=subscriptions),
            bulk__in=bulks.objects.visible_to(membership),
        )

    def with_parties(self) -> Self:
        """Load what a row shows: the subscription of which customer, the contact before and after."""
        return self.select_related("subscription__customer", "contact", "before")

    def to_change(self) -> Self:
        return self.filter(outcome=BulkOutcome.CHANGE)

    def subscriptions(self) -> SubscriptionQuerySet:
        """Return the subscriptions of these rows."""
        return Subscription.objects.filter(pk__in=self.order_by().values("subscription"))

    def changes(self) -> Iterator[Change]:
        """Yield a ``Change`` for each of these rows, customer by customer."""
        rows = self.order_by("subscription__customer_key", "subscription__name_key", "pk")
        columns = (
            "subscription",
            "subscription__friendly_name",
            "subscription__customer",
            "subscription__customer__name",
            "before",
            "contact",
        )
        for row in rows.values_list(*columns).iterator(chunk_size=2000):
            yield Change(*row)

    def look(self, **columns: Any) -> None:
        """Note which contact is in force now, as seen by whoever is shown the preview (C8)."""
        look_up_by_key()
        history = SupportContactAssignment.objects.filter(
            subscription=models.OuterRef("subscription"), ended_at=None
        )
        seen = self.update(
            seen=models.Subquery(history.values("pk")),
            before=models.Subquery(history.values("partner")),
            outcome=BulkOutcome.CHANGE,
            **columns,
        )
        if seen > MOST_SORTED:
            recount_for_planner(self.model)

    def judge(self, acting: Partner, *, by: Principal) -> None:
        """Say of each row what ``Subscription.designate`` would say now, in its order (C2–C4, C7, C8).

        A row without a contact leaves its subscription as it is, whoever decides on it.
        """
        person = person_of(by)
        self.filter(outcome=BulkOutcome.SAME).update(outcome=BulkOutcome.CHANGE)
        for outcome, condition in self._refusals(acting, person):
            self.filter(condition, outcome=BulkOutcome.CHANGE).update(outcome=outcome)

    @staticmethod
    def _refusals(
        acting: Partner, person: User | None
    ) -> Iterator[tuple[BulkOutcome, models.Q | Combinable]]:
        customer = models.OuterRef("subscription__customer")
        contact = models.OuterRef("contact")
        dap = Relationship.objects.with_dap().filter(customer=customer)
        relationships = Relationship.objects.active().filter(customer=customer, partner=contact)
        asked = RelationshipRequest.objects.open().filter(
            models.Q(partner=contact) | models.Q(provider=contact), customer=customer, with_dap=True
        )
        decided_here = models.Q(subscription__seller=acting) | models.Q(
            models.Exists(dap.filter(partner=acting)), subscription__seller=None
        )
        is_same = models.Q(subscription__support_contact=models.F("contact"))
        by_oneself = SupportContactAssignment.objects.filter(
            subscription=models.OuterRef("subscription"), ended_at=None, changed_by__user=person
        )
        is_seen = models.Q(seen__ended_at=None) | is_same & models.Exists(by_oneself)
        other = ~models.Q(contact=acting)
        works_with = Partnership.objects.active().filter(provider=acting, reseller=contact)
        lacks_dap = other & ~models.Exists(dap.filter(partner=contact))
        yield BulkOutcome.LEFT, models.Q(contact=None)
        yield BulkOutcome.NOT_ALLOWED, ~decided_here
        yield BulkOutcome.STALE, ~is_seen
        yield BulkOutcome.SAME, is_same
        yield BulkOutcome.DEACTIVATED, models.Q(contact__deactivated_at__isnull=False)
        yield BulkOutcome.NO_PARTNERSHIP, other & ~models.Exists(works_with)
        yield BulkOutcome.PENDING, lacks_dap & models.Exists(asked)
        yield BulkOutcome.NO_RELATIONSHIP, lacks_dap & ~models.Exists(relationships)
        removed = relationships.filter(dap_removed_at__isnull=False)
        yield BulkOutcome.DAP_REMOVED, lacks_dap & models.Exists(removed)
        yield BulkOutcome.NO_DAP, lacks_dap


class BulkAssignmentRow(models.Model):
    """One subscription of a bulk assignment, or one line of its file, with what is to become of it."""

    bulk = models.ForeignKey(
        "subscriptions.BulkAssignment",
        models.CASCADE,
        related_name="rows",
        verbose_name=_("bulk assignment"),
        db_index=False,
    )
    subscription = models.ForeignKey(
        Subscription,
        models.PROTECT,
        related_name="bulk_rows",
        verbose_name=_("subscription"),
        null=True,
        db_index=False,
    )
    contact = models.ForeignKey(
        Partner,
        models.PROTECT,
        related_name="+",
        verbose_name=_("new support contact"),
        null=True,
        db_index=False,
    )
    before = models.ForeignKey(
        Partner,
        models.PROTECT,
        related_name="+",
        verbose_name=_("support contact before"),
        null=True,
        db_index=False,
    )
    seen = models.ForeignKey(
        SupportContactAssignment,
        models.PROTECT,
        related_name="+",
        verbose_name=_("contact in force"),
        null=True,
        db_index=False,
        help_text=_("When the preview was made."),
    )
    outcome = models.CharField(
        _("outcome"), max_length=20, choices=BulkOutcome, default=BulkOutcome.WAITING, blank=True
    )
    line = models.PositiveIntegerField(_("line"), null=True)
    given = models.CharField(_("as in the file"), max_length=200, blank=True)

    objects = BulkAssignmentRowQuerySet.as_manager()

    class Meta:
        verbose_name = _("row of a bulk assignment")
        verbose_name_plural = _("rows of bulk assignments")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["bulk", "subscription"], name="subscriptions_bulk_row_once"
            ),
        ]
        indexes = [
            models.Index(fields=["bulk", "id"], name="subscriptions_bulk_rows"),
            models.Index(fields=["bulk", "outcome", "id"], name="subscriptions_bulk_outcome"),
        ]

    def __str__(self) -> str:
        return str(self.subscription or self.given)
