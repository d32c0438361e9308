"""Which column of a table stands under which heading. It needs nothing of Django, see ``portal.tables``."""

import unicodedata
from collections.abc import Iterable, Mapping


def heading_key(heading: str) -> str:
    """Return what of a heading counts: its letters and digits, whatever their case and what is in between."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", heading).casefold()))


def names_of(headings: Iterable[str], known: Mapping[str, str]) -> list[str | None]:
    """Return the name of the column under each of ``headings``; None for one that is not ``known``.

    ``known`` has the names of the columns by the keys of their headings.
    """
    return [known.get(heading_key(heading)) for heading in headings]


def count_known(names: Iterable[str | None]) -> int:
    """Return how many columns ``names`` has: of several readings, the one with the most is meant."""
    return len({*names} - {None})
