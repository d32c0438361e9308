import logging
import os
import socket
import time
from collections.abc import Callable
from typing import Any

from django.db import Error, close_old_connections, connection

from portal.models import LeaseLost, Task, Worker

from .registry import Recurring, due

logger = logging.getLogger("portal.worker")

PAUSE = 1  # seconds between two looks at what is due, while nothing is
PAUSE_AFTER_ERROR = 5  # seconds, while the database does not answer
TELL_EVERY = 20  # seconds between two signs of life


class Loop:
    """Does what is due, one thing after the other, until it is told to stop.

    Whatever fails is told in the log and tried again; the loop goes on.
    """

    def __init__(self, *, parent: int | None = None) -> None:
        """With ``parent`` it stops when the process of that number is no longer the one above it."""
        self.has_failed = False
        self._is_told_to_stop = False
        self._parent = parent
        self._told_at: float | None = None

    def stop(self, *_signal: Any) -> None:
        """Take nothing new in hand. What is in hand is finished."""
        self._is_told_to_stop = True

    @property
    def is_stopping(self) -> bool:
        is_orphan = self._parent is not None and os.getppid() != self._parent
        return self._is_told_to_stop or is_orphan

    def goes_on(self) -> bool:
        """Give a sign of life; return whether to take the next thing in hand."""
        if self._told_at is None or time.monotonic() - self._told_at > TELL_EVERY:
            Worker.objects.tell(socket.gethostname())
            self._told_at = time.monotonic()
        return not self.is_stopping

    def run(self, *, once: bool = False) -> None:
        """Go on until told to stop; with ``once`` until nothing is due."""
        try:
            self._run(once)
        finally:
            for queue in due.queues.values():
                queue.rest()

    def _run(self, once: bool) -> None:
        knows_tasks = False
        while not self.is_stopping:
            try:
                # Here no request ends, after which Django would look whether the connection still works.
                # Whoever calls the command in a transaction keeps the connection for it.
                if not connection.in_atomic_block:
                    close_old_connections()
                if not knows_tasks:
                    Task.objects.know(due.recurring)
                    knows_tasks = True
                self.goes_on()
                is_idle, pause = not self.turn(), PAUSE
            except Error as error:
                # A cut connection, a lock that another keeps, tables that migrate has not made yet.
                self._report("database", error)
                is_idle, pause = True, PAUSE_AFTER_ERROR
            if is_idle and once:
                return
            if is_idle and not self.is_stopping:
                time.sleep(pause)

    def turn(self) -> bool:
        """Do at most one thing of each queue and one task; return whether there was any."""
        found = False
        for name, queue in due.queues.items():
            if not self.is_stopping and (row := queue.rows.claim()):
                found = True
                self._do(name, queue.run, row)
            else:
                queue.rest()
        if not self.is_stopping and (task := Task.objects.filter(name__in=due.recurring).claim()):
            found = True
            task.goes_on = self.goes_on  # type: ignore[method-assign]  # of this one task
            self._do_task(task, due.recurring[task.name])
        return found

    def _do_task(self, task: Task, entry: Recurring) -> None:
        def run(task: Task) -> str:
            try:
                outcome = entry.run(task)
            except LeaseLost:
                raise
            except Exception as error:
                self._renew_connection(error)
                task.fail(error, again_in=entry.every)
                raise
            task.finish(outcome, again_in=entry.every)
            return outcome

        self._do(task.name, run, task)

    def _do(self, name: str, run: Callable[[Any], Any], row: Any) -> None:
        started = time.monotonic()
        try:
            outcome = run(row)
        except LeaseLost:
            logger.warning("%s: another worker took it over", name)
        except Exception as error:
            self._report(name, error)
        else:
            logger.log(
                logging.INFO if outcome else logging.DEBUG,
                "%s: %s",
                name,
                outcome or "nothing to do",
                extra={"milliseconds": round((time.monotonic() - started) * 1000)},
            )

    def _report(self, name: str, error: Exception) -> None:
        self.has_failed = True
        logger.error("%s: failed", name, exc_info=error)
        self._renew_connection(error)

    def _renew_connection(self, error: Exception) -> None:
        if isinstance(error, Error) and not connection.in_atomic_block:
            connection.close()
