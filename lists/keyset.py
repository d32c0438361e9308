"""Pages of a list that cost the same at any depth, and survive rows that come and go.

A page starts after a *cursor*, what the row before it is sorted by and its id, instead of counting the
rows to leave out: an index on (…, key, id) leads straight to it.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from django.core.exceptions import FieldError, ValidationError
from django.db import models

from .expressions import RowComparison, Rows

# How many rows an old link by page number may leave out: counting is dear.
FURTHEST_OFFSET = 1000


class SortOrder(NamedTuple):
    """The order of a list: by ``key``, where that is the same by ``then``, and at last by ``pk``.

    Each may name an annotation, and none is ever empty in a row. ``pk`` identifies a row of the list;
    ``then`` may be left out.
    """

    key: str
    pk: str = "pk"
    is_descending: bool = False
    then: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """What rows are compared by, one after the other."""
        return (self.key, self.then, self.pk) if self.then else (self.key, self.pk)

    def reversed(self) -> "SortOrder":
        return self._replace(is_descending=not self.is_descending)

    def sort(self, queryset: Rows) -> Rows:
        sign = "-" if self.is_descending else ""
        return queryset.order_by(*(f"{sign}{column}" for column in self.columns))

    def after(self, queryset: Rows, position: Sequence) -> Rows:
        """Leave out the rows up to ``position`` in this order."""
        way = "<" if self.is_descending else ">"
        return queryset.filter(RowComparison(self.columns, position, way))

    def position(self, row: Any) -> tuple:
        return tuple(getattr(row, column) for column in self.columns)

    def read(self, queryset: models.QuerySet, position: Sequence | None, limit: int) -> list:
        """Return up to ``limit`` rows in this order: the first, or those after ``position``."""
        if position:
            queryset = self.after(queryset, position)
        return list(self.sort(queryset)[:limit])


def write_cursor(position: Sequence) -> str:
    """Return the position of a row in its list as a word for an address."""
    text = json.dumps(position, default=str, separators=(",", ":"))
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(word: str) -> tuple | None:
    """Return what ``write_cursor`` made a word of, or None where it did not."""
    try:
        text = urlsafe_b64decode(word + "=" * (-len(word) % 4)).decode()
        position = tuple(json.loads(text))
    except (ValueError, TypeError, RecursionError):
        return None
    # What a database can't take as text can be no key either.
    usable = all(isinstance(one, str | int) and "\x00" not in str(one) for one in position)
    return position if usable else None


class KeysetPage(NamedTuple):
    """One page of a list: its rows, and the cursors that lead on, empty at the ends."""

    rows: list
    before: str = ""
    after: str = ""

    @property
    def has_previous(self) -> bool:
        return bool(self.before)

    @property
    def has_next(self) -> bool:
        return bool(self.after)

    @property
    def has_other_pages(self) -> bool:
        return self.has_previous or self.has_next


class Keyset:
    """The rows of a list in one ``order``, ``size`` a page.

    ``read`` is given an order, a position and a number: as ``SortOrder.read`` does for a queryset, it returns
    so many rows in that order, the first or, where there is a position, those after it.
    """

    def __init__(self, read: Callable[..., list], order: SortOrder, size: int) -> None:
        self.read, self.order, self.size = read, order, size

    def after(self, word: str) -> KeysetPage:
        """Return the page that follows a cursor; the first page for one that can't be read."""
        rows = self._read(self.order, word)
        if rows is None:
            return self.first()
        more = len(rows) > self.size
        return self._page(rows[: self.size], is_first=False, is_last=not more)

    def before(self, word: str) -> KeysetPage:
        """Return the page that precedes a cursor, and the first page where no full one does."""
        rows = self._read(self.order.reversed(), word)
        if rows is None or len(rows) < self.size:
            return self.first()
        more = len(rows) > self.size
        return self._page(rows[: self.size][::-1], is_first=not more, is_last=False)

    def first(self) -> KeysetPage:
        return self.number(1)

    def number(self, number: int) -> KeysetPage:
        """Return a page by its number, as old links name it; one past the end leads to the last."""
        skipped = min((number - 1) * self.size, FURTHEST_OFFSET)
        rows = self.read(self.order, None, skipped + self.size + 1)[skipped:]
        if not rows and skipped:
            return self.last()
        more = len(rows) > self.size
        return self._page(rows[: self.size], is_first=not skipped, is_last=not more)

    def last(self) -> KeysetPage:
        rows = self.read(self.order.reversed(), None, self.size + 1)
        more = len(rows) > self.size
        return self._page(rows[: self.size][::-1], is_first=not more, is_last=True)

    def _read(self, order: SortOrder, word: str) -> list | None:
        position = read_cursor(word)
        if position is None or len(position) != len(order.columns):
            return None
        try:
            return self.read(order, position, self.size + 1)
        except (ValidationError, ValueError, TypeError, OverflowError, FieldError):
            return None  # a cursor of another list, or made up

    def _page(self, rows: list, *, is_first: bool, is_last: bool) -> KeysetPage:
        if not rows:
            return KeysetPage([])
        return KeysetPage(
            rows,
            before="" if is_first else write_cursor(self.order.position(rows[0])),
            after="" if is_last else write_cursor(self.order.position(rows[-1])),
        )
