"""How large a preview may be, and how many of them one user may make."""

from datetime import timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.formats import localize
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from portal.models import User, when_allowed
from portal.zones import moment_for

# One transaction holds its locks for so many rows at most: some seconds.
MOST_ROWS = 50_000
# So many previews a user may make within a day; the settings say how many rows they may have together.
MOST_PREVIEWS = 200
DAY = timedelta(days=1)


def most_rows() -> int:
    """How many rows one preview may have."""
    return min(MOST_ROWS, settings.BULK_ROWS_PER_DAY)


def require_few(count: int) -> None:
    """Raise ``ValidationError`` for more rows than one preview may have."""
    most = most_rows()
    if count > most:
        raise ValidationError(
            ngettext_lazy(
                "At most %(most)s subscription at a time. Narrow the choice.",
                "At most %(most)s subscriptions at a time. Narrow the choice.",
                most,
            ),
            code="too_many",
            params={"most": localize(most)},
        )


def require_another(person: User) -> None:
    """Count a preview; raise ``ValidationError`` where ``person`` has made too many within a day."""
    if next_at := when_allowed(f"previews:{person.pk}", MOST_PREVIEWS, DAY):
        raise ValidationError(
            _("At most %(most)s previews within 24 hours. You can make the next one on %(when)s."),
            code="too_often",
            params={"most": localize(MOST_PREVIEWS), "when": moment_for(person, next_at)},
        )


def require_room_for(count: int, person: User) -> None:
    """Count rows of a preview; raise ``ValidationError`` where ``person`` has had too many within a day."""
    counter = f"preview-rows:{person.pk}"
    if next_at := when_allowed(counter, settings.BULK_ROWS_PER_DAY, DAY, weight=count):
        raise ValidationError(
            _(
                "Your previews may have at most %(most)s rows within 24 hours. There is room for these on "
                "%(when)s; for fewer maybe earlier."
            ),
            code="too_often",
            params={
                "most": localize(settings.BULK_ROWS_PER_DAY),
                "when": moment_for(person, next_at),
            },
        )
