"""How often somebody may do what reaches people outside, counted in the cache that all processes share."""

from datetime import timedelta

from django.core.cache import cache


def is_within(counter: str, most: int, period: timedelta) -> bool:
    """Count one more for ``counter``, and say whether that is not more than ``most`` within ``period``.

    The period begins with the first one. Two at once may count as one: it limits, it does not account.
    """
    cache.add(counter, 0, period.total_seconds())
    try:
        return cache.incr(counter) <= most
    except ValueError:  # the period has ended in between
        cache.set(counter, 1, period.total_seconds())
        return True
