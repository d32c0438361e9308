import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.models import Action, Actor, Membership, Partner, User

from .history_breaches import HistoryBreaches


class SupportContactAssignmentQuerySet(HistoryBreaches):
    def with_people(self) -> Self:
        """Load whom a row names: the contact, and who changed it."""
        return self.select_related("partner", "changed_by")


class SupportContactAssignment(models.Model):
    """One stretch of a subscription's history of contacts: who, from when to when, by whom, why (C10).

    Written by ``Subscription.designate`` and ``SubscriptionQuerySet.fall_back`` only, never changed
    afterwards but for its end, never pruned. The one without an end is in force.
    """

    REASONS = [
        (action.value, action.label)
        for action in (
            Action.SUBSCRIPTION_ADDED,
            Action.SUPPORT_CONTACT_DESIGNATED,
            Action.DAP_REMOVED,
            Action.RELATIONSHIP_ENDED,
            Action.PARTNERSHIP_ENDED,
            Action.PARTNER_DEACTIVATED,
        )
    ]

    subscription = models.ForeignKey(
        "subscriptions.Subscription",
        models.PROTECT,
        related_name="support_contact_history",
        verbose_name=_("subscription"),
    )
    partner = models.ForeignKey(
        Partner,
        models.PROTECT,
        related_name="support_contact_history",
        verbose_name=_("support contact"),
        null=True,
    )
    started_at = models.DateTimeField(_("from"), default=timezone.now)
    ended_at = models.DateTimeField(_("to"), null=True)
    changed_by = models.ForeignKey(
        Actor, models.PROTECT, related_name="+", verbose_name=_("changed by"), null=True
    )
    designated_for = models.ForeignKey(
        Partner,
        models.PROTECT,
        related_name="+",
        verbose_name=_("designated by"),
        null=True,
        help_text=_("The partner whose staff chose this contact."),
    )
    reason = models.CharField(
        _("reason"),
        max_length=40,
        choices=REASONS,
    )

    # What a page says of ``changed_by_for``, once it has asked.
    changed_by_label: str | None

    objects = SupportContactAssignmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("support contact in history")
        verbose_name_plural = _("history of support contacts")
        ordering = ["-id"]
        get_latest_by = "id"
        constraints = [
            models.UniqueConstraint(
                fields=["subscription"],
                condition=models.Q(ended_at=None),
                name="subscriptions_one_contact_in_force",
            ),
            models.CheckConstraint(
                condition=models.Q(ended_at=None) | models.Q(ended_at__gte=models.F("started_at")),
                name="subscriptions_contact_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return str(self.partner or _("no partner designated"))

    def changed_by_for(self, membership: Membership | None) -> str | None:
        """Who made this change, as ``membership`` may know it; None stands for the portal itself."""
        return str(self.changed_by.seen_by(membership)) if self.changed_by else None

    def was_changed_by(self, user: User | None) -> bool:
        """Whether this user made the change."""
        return bool(user and self.changed_by and self.changed_by.user_id == user.pk)


class StaleSupportContact(ValidationError):
    """Someone else changed the contact since the page was opened (C8); nothing was overwritten.

    ``assignment`` is what is in force now.
    """

    def __init__(self, assignment: SupportContactAssignment) -> None:
        super().__init__(
            _("The support contact was changed in the meantime. Nothing was overwritten."),
            code="stale",
        )
        self.assignment = assignment


@dataclass(slots=True)
class Candidate:
    """A partner for the choice of a support contact, with the reason where it can't be chosen (C5).

    There may be hundreds, so it holds the few things that are shown, and the key of the partner.
    """

    NO_RELATIONSHIP = "no_relationship"
    PENDING = "pending"
    NO_DAP = "no_dap"
    DAP_REMOVED = "dap_removed"

    key: uuid.UUID
    name: str
    mpn_id: str
    country: str
    support_email: str
    reason: str = ""
    since: datetime | None = None

    @property
    def is_eligible(self) -> bool:
        return not self.reason
