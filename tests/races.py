"""How races are played: two acts, each in a connection of its own to a real PostgreSQL.

``in_order`` holds the first act's transaction open until the second is stopped by its locks, so that
both orders are tried on purpose; ``at_once`` lets go of both and takes the order that comes.
"""

import threading
import time

import pytest
from django.db import connection, transaction

LONG_ENOUGH = 20  # seconds, for what takes milliseconds


class Outcome:
    """What an act returned or raised."""

    value = None
    error = None

    def of(self, act):
        try:
            self.value = act()
        except Exception as error:
            self.error = error
        return self


def elsewhere(act, outcome, process_ids=None):
    """A thread that runs ``act`` in a connection of its own, whose process id it tells."""

    def run():
        try:
            if process_ids is not None:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_backend_pid()")
                    process_ids.extend(cursor.fetchone())
            outcome.of(act)
        finally:
            connection.close()

    return threading.Thread(target=run, daemon=True)


def wait_until_blocked(thread, process_ids):
    """Return as soon as the thread's connection waits for a lock of ours, or has ended."""
    deadline = time.monotonic() + LONG_ENOUGH
    while thread.is_alive():
        assert time.monotonic() < deadline, "the other connection neither ended nor waits"
        if process_ids:
            with connection.cursor() as cursor:
                cursor.execute("SELECT cardinality(pg_blocking_pids(%s))", process_ids)
                if cursor.fetchone()[0]:
                    return
        thread.join(0.005)


def finish(thread):
    thread.join(LONG_ENOUGH)
    assert not thread.is_alive(), "the other connection did not end"


def in_order(first, second):
    """Start ``second`` while ``first`` is done but not committed; return the outcomes of both."""
    outcomes, process_ids = (Outcome(), Outcome()), []
    thread = elsewhere(second, outcomes[1], process_ids)
    with transaction.atomic():
        outcomes[0].of(first)
        thread.start()
        wait_until_blocked(thread, process_ids)
    finish(thread)
    return outcomes


def at_once(one, other):
    """Start both acts together; return the outcomes of both."""
    barrier = threading.Barrier(2, timeout=LONG_ENOUGH)
    outcomes = (Outcome(), Outcome())

    def start(act):
        barrier.wait()
        return act()

    threads = [
        elsewhere(lambda act=act: start(act), outcome)
        for act, outcome in zip((one, other), outcomes, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        finish(thread)
    return outcomes


def swapped(one, other):
    return tuple(reversed(in_order(other, one)))


ORDERS = [
    pytest.param(in_order, id="first-then-second"),
    pytest.param(swapped, id="second-then-first"),
    pytest.param(at_once, id="at-once"),
]
