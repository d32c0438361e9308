from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, NamedTuple

from django.utils.functional import Promise
from django.utils.module_loading import autodiscover_modules


class Finding(NamedTuple):
    """What there is to say of one part of the operation, and whether someone must see to it."""

    sentence: str | Promise
    is_alarm: bool = False


class Recurring(NamedTuple):
    every: timedelta
    run: Callable


class Queue(NamedTuple):
    rows: Any
    run: Callable
    rest: Callable


class Registry:
    """What the apps have for the worker. Their modules ``due`` are read when someone first asks."""

    def __init__(self) -> None:
        self._recurring: dict[str, Recurring] = {}
        self._queues: dict[str, Queue] = {}
        self._checks: list[Callable[[], Iterable[Finding]]] = []

    def register(self, name: str, *, every: timedelta, run: Callable) -> None:
        """Have ``run(task)`` called as often as ``every``, by one worker at a time.

        What it writes it writes in ``with task.held():``, in transactions of seconds, and asks
        ``task.goes_on()`` before the next one. What it returns is kept as what it did. A worker
        that is killed leaves it to another one, which calls it anew: so it goes by what it finds, and
        what can't be taken back (a mail, say) it queues in the same transaction.
        """
        self._require_new(name)
        self._recurring[name] = Recurring(every, run)

    def register_queue(
        self, name: str, rows: Any, *, run: Callable, rest: Callable = lambda: None
    ) -> None:
        """Have ``run(row)`` called for each row that ``rows.claim()`` gives, see ``portal.models.Due``.

        It lets go of the row, or what it does counts as failed and is repeated. What it returns says
        in the log what it did. ``rest()`` is called while there is no row.
        """
        self._require_new(name)
        self._queues[name] = Queue(rows, run, rest)

    def watch(self, check: Callable[[], Iterable[Finding]]) -> None:
        """Have ``check()`` asked for ``Finding``s whenever someone looks how the portal runs."""
        if check not in self._checks:
            self._checks.append(check)

    @property
    def recurring(self) -> dict[str, Recurring]:
        autodiscover_modules("due")
        return self._recurring

    @property
    def queues(self) -> dict[str, Queue]:
        autodiscover_modules("due")
        return self._queues

    def findings(self) -> list[Finding]:
        autodiscover_modules("due")
        return [finding for check in self._checks for finding in check()]

    def _require_new(self, name: str) -> None:
        if name in self._recurring or name in self._queues:
            raise ValueError(f"{name} is registered already.")


due = Registry()
