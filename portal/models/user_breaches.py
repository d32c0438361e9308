"""What breaks T3: people in no place or in two, and sessions that should have ended. And who was erased.

``manage.py verify_rules`` prints what these find.
"""

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Exists, F, OuterRef, Q

from .actions import Action
from .activity import ActivityEntry

if TYPE_CHECKING:
    from .users import User  # noqa: F401 - the rows that are read


class UserBreaches(models.QuerySet["User"]):
    def in_two_places(self) -> Self:
        """T3: operators who belong to an organisation, and members of a partner and a customer."""
        return self.filter(
            Q(is_staff=True, membership__isnull=False)
            | Q(membership__partner__isnull=False, membership__customer__isnull=False)
        )

    def in_no_place(self) -> Self:
        """T3: active users who are no operator and belong to no organisation."""
        return self.filter(
            membership__partner=None, membership__customer=None, is_staff=False, is_active=True
        )

    def with_sessions_left(self) -> Self:
        """T3: users whose sessions were not ended when they, or their partner, were deactivated."""
        return self.filter(
            Q(is_active=False, sessions_ended_at=None)
            | Q(membership__partner__deactivated_at__gt=F("created_at"), sessions_ended_at=None)
            | Q(membership__partner__deactivated_at__gt=F("sessions_ended_at"))
        )

    def erased_silently(self) -> Self:
        """C10: people who were erased from what is told of who acted, without an entry that says so."""
        told = ActivityEntry.objects.filter(action=Action.USER_ERASED, subject_id=OuterRef("pk"))
        return self.filter(~Exists(told), actors__erased_at__isnull=False).distinct()
