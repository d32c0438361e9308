import uuid
from typing import TYPE_CHECKING, Self

from django.db import models
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from .activity import ActivityEntry


class ActivityReader(models.Model):
    """A partner that may read an entry, with a copy of what its list sorts and filters by.

    The entry never changes, so the copies stay true; one index of a partner's rows serves each filter.
    """

    activityentry = models.ForeignKey(
        "portal.ActivityEntry",
        models.PROTECT,
        related_name="readers",
        verbose_name=_("activity log entry"),
        db_index=False,
    )
    partner = models.ForeignKey(
        "portal.Partner",
        models.PROTECT,
        related_name="+",
        verbose_name=_("partner"),
        db_index=False,
    )
    at = models.DateTimeField(_("at"))
    action = models.CharField(_("action"), max_length=40)
    customer = models.ForeignKey(
        "customers.Customer",
        models.PROTECT,
        related_name="+",
        verbose_name=_("customer"),
        null=True,
        db_index=False,
    )

    class Meta:
        verbose_name = _("reader of an activity log entry")
        verbose_name_plural = _("readers of activity log entries")
        constraints = [
            models.UniqueConstraint(
                fields=["activityentry", "partner"], name="portal_activity_reader_once"
            ),
        ]
        indexes = [
            # With the customer, so that nothing else is read to look for names.
            models.Index(
                fields=["partner", "at", "activityentry", "customer"], name="portal_reader_at"
            ),
            models.Index(
                fields=["partner", "action", "at", "activityentry"], name="portal_reader_action"
            ),
            models.Index(
                fields=["partner", "customer", "at", "activityentry"],
                name="portal_reader_customer",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.partner}: {self.activityentry}"

    @classmethod
    def of(cls, entry: "ActivityEntry", partner_id: uuid.UUID) -> Self:
        """Return the row, not yet stored, that lets a partner read ``entry``."""
        return cls(
            activityentry=entry,
            partner_id=partner_id,
            at=entry.at,
            action=entry.action,
            customer_id=entry.customer_id,
        )
