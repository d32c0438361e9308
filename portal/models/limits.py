"""How often somebody may do what costs others, counted in the cache that all processes share."""

import hashlib
from datetime import UTC, datetime, timedelta

from django.core.cache import cache
from django.utils import timezone

from lists.set_statements import lock_text


def when_allowed(counter: str, most: int, period: timedelta, *, weight: int = 1) -> datetime | None:
    """Count ``weight`` more for ``counter`` and return None, if that is no more than ``most`` in ``period``.

    Else count nothing and return when there is room for it. ``ValueError`` for a ``weight`` above ``most``.

    Called in a transaction: whoever counts the same meanwhile waits for its end, and what is rolled back was
    never counted. (A Redis server counts that, too.)
    """
    lock_text(f"limit {counter}")
    key = f"limit:{hashlib.sha256(counter.encode()).hexdigest()}"
    now = timezone.now().timestamp()
    seconds = period.total_seconds()
    counted = [(at, number) for at, number in cache.get(key, []) if at > now - seconds]
    room = most - sum(number for _at, number in counted)
    if weight <= room:
        # The cache keeps whole seconds.
        cache.set(key, [*counted, (now, weight)], seconds + 1)
        return None
    # Those that were counted first are the first to be over.
    for at, number in counted:
        room += number
        if weight <= room:
            return datetime.fromtimestamp(at, UTC) + period
    raise ValueError(f"A weight of {weight} is never allowed.")
