"""What breaks the rules of the history of contacts, over the whole database in a query each.

The doors keep the rules. These look for what came past them: an import by SQL, a backup, a repair by
hand. ``manage.py verify_rules`` prints what they find.
"""

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Window
from django.db.models.functions import Lag, RowNumber

from portal.models import Action

if TYPE_CHECKING:
    from .support_contacts import SupportContactAssignment  # noqa: F401 - the rows that are read

FELL_BACK = (
    Action.DAP_REMOVED,
    Action.RELATIONSHIP_ENDED,
    Action.PARTNERSHIP_ENDED,
    Action.PARTNER_DEACTIVATED,
)


def differs(one: str, other: str) -> Q:
    """The condition that two nullable columns do not hold the same."""
    return ~Q((one, F(other))) & ~Q((f"{one}__isnull", True), (f"{other}__isnull", True))


class HistoryBreaches(models.QuerySet["SupportContactAssignment"]):
    """Stretches of the history of contacts that no door would have written."""

    def beginning_elsewhere(self) -> Self:
        """C1: the first contact of a subscription that is not its seller."""
        before = self.model.objects.filter(
            subscription=OuterRef("subscription"), pk__lt=OuterRef("pk")
        )
        return self.filter(differs("partner", "subscription__seller"), ~Exists(before))

    def designated_by_others(self) -> Self:
        """C3: designations for another partner than the seller, or by nobody of that partner's staff."""
        return self.filter(
            ~Q(changed_by__partner=F("designated_for"))
            | Q(changed_by__partner=None)
            | Q(designated_for=None)
            | (
                Q(subscription__seller__isnull=False) & ~Q(designated_for=F("subscription__seller"))
            ),
            reason=Action.SUPPORT_CONTACT_DESIGNATED,
        )

    def fallen_elsewhere(self) -> Self:
        """C9: contacts that lost their right, where the next one is not the seller."""
        return self.filter(differs("partner", "subscription__seller"), reason__in=FELL_BACK)

    def with_gap_before(self) -> Self:
        """C10: stretches that do not start when the one before ended."""
        course, order = [F("subscription")], [F("id").asc()]
        return self.annotate(
            number=Window(RowNumber(), partition_by=course, order_by=order),
            before_ended_at=Window(Lag("ended_at"), partition_by=course, order_by=order),
        ).filter(
            Q(before_ended_at=None) | ~Q(before_ended_at=F("started_at")),
            number__gt=1,
        )
