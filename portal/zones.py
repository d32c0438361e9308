"""The time zones in which a reader can have the times of the pages."""

from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _


@cache
def time_zones():
    """Return the names of the zones that a person lives in, such as Europe/Berlin, sorted."""
    return sorted(name for name in available_timezones() if "/" in name and "Etc/" not in name)


def zone_of(user):
    """The zone that ``user`` has picked; UTC where there is none, or none that this system still knows."""
    name = getattr(user, "time_zone", "")
    return ZoneInfo(name if name in time_zones() else "UTC")


def validate_time_zone(name):
    if name not in time_zones():
        raise ValidationError(_("Choose a time zone of the list."), code="time_zone")
