"""Which day it is, and for whom.

A moment is shown on the day on which its reader has it. On pages, in files and in filters that is the zone
that the signed-in user has picked, in a mail that of its recipient, else the installation's, ``TIME_ZONE``:
Django's current time zone, see ``UserTimeZoneMiddleware`` and ``portal.mail``. Days that are stored as days,
and how many days something may be done, are those of the installation's zone, whoever looks.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cache
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.utils import timezone
from django.utils.dateformat import format as format_date
from django.utils.formats import date_format, get_format
from django.utils.translation import gettext_lazy as _


def read_time_zone(name: str) -> str:
    """Return the ``name`` of the zone that TIME_ZONE holds, or raise ``ImproperlyConfigured``."""
    if name not in available_timezones():
        raise ImproperlyConfigured(
            f"TIME_ZONE can't be read: “{name}” is no time zone. Set it to one such as Europe/Berlin, or "
            "leave it out for UTC. See .env.example."
        )
    return name


# What browsers still call zones that others renamed, and that the data of the zones count to a neighbour's.
_FORMER_NAMES = {
    "Africa/Asmera": "Africa/Asmara",
    "America/Coral_Harbour": "America/Atikokan",
    "Pacific/Ponape": "Pacific/Pohnpei",
    "Pacific/Truk": "Pacific/Chuuk",
}


@cache
def time_zones() -> list[str]:
    """Return the names of the zones that a person lives in, each once, such as Europe/Berlin, sorted."""
    lines = (line for line in _zone_data("zone.tab") if not line.startswith("#"))
    return sorted({line.split("\t")[2] for line in lines} & available_timezones())


@cache
def _other_names() -> dict[str, str]:
    """Return the other names of zones, such as Asia/Calcutta, with those that they lead to."""
    links = (line.split() for line in _zone_data("tzdata.zi") if line.startswith("L "))
    return {name: zone for _link, zone, name in links} | _FORMER_NAMES


def _zone_data(name: str) -> list[str]:
    return files("tzdata").joinpath("zoneinfo", name).read_text().splitlines()


def normal_zone(name: str) -> str:
    """Return the one of ``time_zones`` that ``name`` means: Asia/Kolkata for Asia/Calcutta. Others stay."""
    found = name
    while found not in time_zones() and found in _other_names():
        found = _other_names()[found]
    return found if found in time_zones() else name


def show_same_times(one: str, other: str) -> bool:
    """Whether two zones agree on what time it is, on each day from a year ago to a year ahead."""
    now = datetime.now(UTC)
    days = (now + timedelta(days=day) for day in range(-366, 367))
    return all(ZoneInfo(one).utcoffset(day) == ZoneInfo(other).utcoffset(day) for day in days)


def shown_zone(name: str = "") -> str:
    """Write the name of a zone for people; left out: that of the installation."""
    return (name or settings.TIME_ZONE).replace("_", " ")


def zone_of(user: Any) -> tzinfo:
    """The zone that ``user`` has picked; the installation's for who has none, or none that is still known."""
    name = getattr(user, "time_zone", "")
    return ZoneInfo(name) if name and name in time_zones() else timezone.get_default_timezone()


def today() -> date:
    """Return the day in the installation's zone: that on which something is sold, or its term ends."""
    return timezone.localdate(timezone=timezone.get_default_timezone())


def start_of_day(day: date, zone: tzinfo | None = None) -> datetime:
    """Return the first moment of ``day`` in ``zone``, left out: the installation's."""
    start = datetime.combine(day, time.min, tzinfo=zone or timezone.get_default_timezone())
    return start.astimezone(UTC)


def last_day(at: datetime, period: timedelta) -> date:
    """Return the day on which a ``period`` of days that begins ``at`` ends, in the installation's zone."""
    return (timezone.localtime(at, timezone.get_default_timezone()) + period).date()


def end_of_last_day(at: datetime, period: timedelta) -> datetime:
    """Return when ``last_day`` is over: what may be done until a day may be done through the whole of it."""
    return start_of_day(last_day(at, period) + timedelta(days=1))


def written_day(at: datetime) -> str:
    """Write the day of a moment for the reader."""
    return date_format(timezone.localtime(at), "DATE_FORMAT")


def iso_day(at: datetime) -> str:
    """Write the day of a moment as files have it, in the zone of the reader."""
    return f"{timezone.localtime(at):%Y-%m-%d}"


def written_moment(at: datetime) -> str:
    """Write a moment for the reader, with the zone."""
    local = timezone.localtime(at)
    return f"{date_format(local, 'DATETIME_FORMAT')} {local.tzname()}"


def written_until(at: datetime, zone: tzinfo | None = None) -> str:
    """Write until when something may be done that ends ``at`` a moment, for the reader (or for ``zone``).

    That is the last day through the whole of which it may be done. Once that is over and a part of the
    next is left, as in another zone than the installation's, it is the moment itself; once all is over,
    the day in which it ended.
    """
    zone, now = zone or timezone.get_current_timezone(), timezone.now()
    day = (at - timedelta(microseconds=1)).astimezone(zone).date()
    if at > now and start_of_day(day + timedelta(days=1), zone) > at:
        day -= timedelta(days=1)
        if day < now.astimezone(zone).date():
            local = at.astimezone(zone)
            return f"{format_date(local, get_format('DATETIME_FORMAT'))} {local.tzname()}"
    return date_format(day, "DATE_FORMAT")


def day_writer(user: Any) -> Callable[[date], str]:
    """Return a function that writes a day, or the day of a time for ``user``, in the reader's language.

    As the filter ``date`` does, at less than half the cost: for long lists.
    """
    zone, style = zone_of(user), get_format("DATE_FORMAT")

    def write(day: date) -> str:
        return format_date(day.astimezone(zone) if isinstance(day, datetime) else day, style)

    return write


def moment_writer(user: Any) -> Callable[[datetime], tuple[str, str]]:
    """Return a function that writes a point in time for ``user``: for machines, and for readers.

    As ``includes/when.html`` shows it, at a third of the cost: for long lists.
    """
    zone, style = zone_of(user), get_format("DATETIME_FORMAT")

    def write(at: datetime) -> tuple[str, str]:
        local = at.astimezone(zone)
        return local.isoformat(), f"{format_date(local, style)} {local.tzname()}"

    return write


def moment_for(user: Any, at: datetime) -> str:
    """Write a point in time for ``user`` in a sentence; see ``moment_writer``."""
    return moment_writer(user)(at)[1]


def validate_time_zone(name: str) -> None:
    if name not in time_zones():
        raise ValidationError(_("Choose a time zone of the list."), code="time_zone")
