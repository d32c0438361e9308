"""Passwords are hashed slowly and in much memory, on purpose; so only few at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from django.contrib.auth import hashers

# Each takes 100 MB for as long as it runs, and processors that others need too.
AT_ONCE = 2
# Who waits keeps a thread, of which gunicorn.conf.py gives a process four: one stays for everyone else.
MOST_WAITING = 1
MOST_SECONDS = 10

_places = BoundedSemaphore(AT_ONCE)
_waiting = BoundedSemaphore(MOST_WAITING)


class TooBusy(Exception):
    """So many passwords are being hashed in this process that one more would wait too long."""


@contextmanager
def _place() -> Iterator[None]:
    if not _places.acquire(blocking=False):
        _wait_for_place()
    try:
        yield
    finally:
        _places.release()


def _wait_for_place() -> None:
    if not _waiting.acquire(blocking=False):
        raise TooBusy
    try:
        if not _places.acquire(timeout=MOST_SECONDS):
            raise TooBusy
    finally:
        _waiting.release()


class Argon2PasswordHasher(hashers.Argon2PasswordHasher):
    """Django's own, for at most ``AT_ONCE`` passwords at once in a process; ``MOST_WAITING`` more wait.

    Raises ``TooBusy`` after ``MOST_SECONDS`` of waiting, and at once where as many wait already.
    """

    def encode(self, password: str, salt: str) -> str:
        with _place():
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        with _place():
            return super().verify(password, encoded)
