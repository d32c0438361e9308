from datetime import datetime
from typing import Self

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class RequestKind(models.TextChoices):
    CUSTOMER = "customer", _("Reseller relationship")
    RESELLER = "reseller", _("Partnership")


class RequestStatus(models.TextChoices):
    OPEN = "open", _("Open")
    ACCEPTED = "accepted", _("Accepted")
    DECLINED = "declined", _("Declined")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    EXPIRED = "expired", _("Expired")

    @classmethod
    def at_present(cls, status: str, expires_at: datetime) -> Self:
        """The status as people read it: an open request past its time is expired."""
        if status == cls.OPEN and expires_at <= timezone.now():
            return cls.EXPIRED
        return cls(status)

    @classmethod
    def is_at_present(cls, status: str) -> models.Q:
        """The condition that a request has this status as people read it; by the database's clock."""
        stored, is_over = models.Q(status=status), models.Q(expires_at__lte=Now())
        if status == cls.OPEN:
            return stored & ~is_over
        if status == cls.EXPIRED:
            return stored | (models.Q(status=cls.OPEN) & is_over)
        return stored
