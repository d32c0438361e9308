"""The moments that are written: in their order, even where the clocks of two hosts differ.

Each host that serves the portal has a clock of its own. What ends, closes or answers something is written
beside the moment that it follows, perhaps by another host; ``now_after`` keeps the two in order, and
``in_order`` has the database refuse what does not.
"""

from datetime import datetime, timedelta

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


def now_after(*earlier: datetime | None) -> datetime:
    """Return the present; where one of the moments ``earlier`` is still to come here, the one right after it.

    So what is written is never before what it follows, nor the same where another host has just written
    that. None among ``earlier`` is passed over.
    """
    now = timezone.now()
    latest = max((moment for moment in earlier if moment is not None), default=now)
    return now if latest <= now else latest + timedelta(microseconds=1)


def in_order(first: str, then: str, *, name: str) -> models.CheckConstraint:
    """Return the constraint that what the field ``then`` says, if anything, is not before ``first``."""
    return models.CheckConstraint(
        condition=models.Q((then, None)) | models.Q((f"{then}__gte", models.F(first))),
        name=name,
        violation_error_message=_("What follows can't be earlier than what it follows."),
    )
