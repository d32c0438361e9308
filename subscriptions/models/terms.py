"""The days on which a subscription's term and its suspension end."""

import calendar
from datetime import date, timedelta

from portal.zones import today

# How long a suspended subscription can be reactivated (S2).
REACTIVATION_PERIOD = timedelta(days=90)


def months_later(day: date, months: int) -> date:
    """Return the same day of a later month, or the last one of a month that is shorter."""
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return day.replace(
        year=year, month=month, day=min(day.day, calendar.monthrange(year, month)[1])
    )


def end_of_term(ends_on: date | None, *, auto_renew: bool, months: int | None) -> date | None:
    """Return the end of the term that runs now: one that renews itself has no end in the past."""
    if ends_on is None or not auto_renew or not months:
        return ends_on
    day, first, terms = today(), ends_on, 0
    while ends_on < day:
        terms += 1
        ends_on = months_later(first, terms * months)
    return ends_on
