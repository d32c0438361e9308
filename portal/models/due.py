"""Rows whose time comes: claimed by one worker at a time, with a lease.

Hosts need not agree on the time, so every moment here is the database's own. Whoever has claimed a
row is its holder until it lets go, or until its lease is over and another worker takes the row: then
the first one was killed, or lost the database. What a holder does to other rows it does in ``held()``,
which finds out whether the row is still its own. So a worker that comes back too late changes nothing.
"""

import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Self, TypeVar

from django.db import models, transaction
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

# Longer than the longest wait for a server outside, shorter than anyone's patience.
LEASE = timedelta(minutes=2)
# When a worker counts as gone. Monitoring and operators hear of it then.
LATE = timedelta(minutes=10)
# Until a thing that failed is tried again, unless it would be due earlier anyway.
AGAIN_AFTER = timedelta(minutes=1)


Row = TypeVar("Row", bound="Due")


class LeaseLost(Exception):
    """Another worker has taken over what this one had in hand."""


class DueQuerySet(models.QuerySet[Row]):
    def due(self) -> Self:
        """The rows whose time has come and that nobody holds."""
        nobodys = models.Q(held_until=None) | models.Q(held_until__lte=Now())
        return self.filter(nobodys, due_at__lte=Now())

    def claim(self) -> Row | None:
        """Return the row that is due longest, held by the caller from now on, or None.

        Of several workers each gets another row.
        """
        # Only read while there is nothing: a transaction that writes keeps other writers of SQLite out.
        if not self.due().exists():
            return None
        with transaction.atomic():
            free = self.due().select_for_update(no_key=True, skip_locked=True)
            row = free.order_by("due_at", "pk").first()
            if row is not None:
                row.holder = uuid.uuid4()
                self.model._base_manager.filter(pk=row.pk).update(
                    holder=row.holder, held_until=Now() + row.lease
                )
        return row


class Due(models.Model):
    """The base of what the worker does when its time has come. Without ``due_at`` it never does."""

    due_at = models.DateTimeField(_("due"), null=True, editable=False)
    held_until = models.DateTimeField(_("in hand until"), null=True, editable=False)
    holder = models.UUIDField(null=True, editable=False)

    class Meta:
        abstract = True

    @property
    def lease(self) -> timedelta:
        """How long a worker that is not heard of keeps the row."""
        return LEASE

    @contextmanager
    def held(self) -> Iterator[None]:
        """A transaction for what the holder does; the lease starts anew at its end.

        Raises ``LeaseLost``, before anything is done, where another worker has taken the row over.
        Nobody can do so during the transaction, however long it takes.
        """
        mine = type(self)._base_manager.filter(pk=self.pk, holder=self.holder)
        with transaction.atomic():
            if not mine.select_for_update(no_key=True).values_list("pk").first():
                raise LeaseLost
            yield
            mine.update(held_until=Now() + self.lease)

    def let_go(self, **fields: Any) -> None:
        """Write ``fields``, and hold the row no longer. Raises ``LeaseLost`` like ``held``."""
        mine = type(self)._base_manager.filter(pk=self.pk, holder=self.holder)
        if not mine.update(**fields, holder=None, held_until=None):
            raise LeaseLost


class TaskQuerySet(DueQuerySet["Task"]):
    def know(self, names: Iterable[str]) -> None:
        """Have a row for each of ``names``, due at once where it is new."""
        missing = set(names) - set(self.filter(name__in=names).values_list("name", flat=True))
        # Another worker may start at the same moment.
        self.bulk_create(
            (self.model(name=name, due_at=Now()) for name in sorted(missing)), ignore_conflicts=True
        )


class Task(Due):
    """Something that the worker does again and again, and how it went the last time."""

    name = models.CharField(_("name"), max_length=100, primary_key=True)
    done_at = models.DateTimeField(_("last done"), null=True, editable=False)
    outcome = models.CharField(_("what it did"), max_length=200, blank=True, editable=False)
    failures = models.PositiveIntegerField(_("failed in a row"), default=0, editable=False)

    objects = TaskQuerySet.as_manager()

    class Meta:
        verbose_name = _("task of the worker")
        verbose_name_plural = _("tasks of the worker")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def goes_on(self) -> bool:
        """Whether to take the next part in hand. Asked between parts that each take seconds.

        The worker sets it: it gives a sign of life meanwhile, and says no when it is to stop.
        """
        return True

    def finish(self, outcome: Any, *, again_in: timedelta) -> None:
        """It is done; it is due again after ``again_in``."""
        self.let_go(
            due_at=Now() + again_in, done_at=Now(), outcome=str(outcome or "")[:200], failures=0
        )

    def fail(self, error: Exception, *, again_in: timedelta) -> None:
        """It failed; ``error`` is named by its kind, for its words may quote what people wrote."""
        self.let_go(
            due_at=Now() + min(again_in, AGAIN_AFTER),
            outcome=type(error).__name__,
            failures=models.F("failures") + 1,
        )


class WorkerQuerySet(models.QuerySet["Worker"]):
    def tell(self, host: str) -> None:
        """A worker is at work on ``host``. Hosts that were not seen for a day are forgotten."""
        self.bulk_create(
            [self.model(host=host[:255], seen_at=Now())],
            update_conflicts=True,
            unique_fields=["host"],
            update_fields=["seen_at"],
        )
        self.filter(seen_at__lt=Now() - timedelta(days=1)).delete()

    def last_seen(self) -> datetime | None:
        """When any worker was last seen, or None."""
        return self.aggregate(at=models.Max("seen_at"))["at"]

    def are_late(self) -> bool:
        """Whether no worker was seen for as long as ``LATE``."""
        return not self.filter(seen_at__gt=Now() - LATE).exists()


class Worker(models.Model):
    """A host on which ``manage.py worker`` runs, and when it was last seen at work."""

    host = models.CharField(_("host"), max_length=255, primary_key=True)
    seen_at = models.DateTimeField(_("last seen"), editable=False)

    objects = WorkerQuerySet.as_manager()

    class Meta:
        verbose_name = _("worker")
        verbose_name_plural = _("workers")
        ordering = ["host"]

    def __str__(self) -> str:
        return self.host
