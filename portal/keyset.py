"""Pages of a list that cost the same at any depth, and survive rows that come and go.

A page starts after a *cursor*, what the row before it is sorted by and its id, instead of counting the
rows to leave out: an index on (…, key, id) leads straight to it.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import NamedTuple

from django.core.exceptions import FieldError, ValidationError
from django.db import models

from portal.models import Parameter

# How many rows an old link by page number may leave out: counting is dear.
FURTHEST_OFFSET = 1000


class Beyond(models.Func):
    """Whether columns stand beyond a position, as one compares words letter by letter.

    One index on these columns leads there, however many rows have the same in the first. (Django's own
    comparison of tuples is no such condition on SQLite.)
    """

    output_field = models.BooleanField()

    def __init__(self, columns, position, way):
        super().__init__(*columns)
        self.position, self.way = position, way

    def as_sql(self, compiler, connection, *args, **context):
        columns, params, last = [], [], []
        for column, value in zip(self.get_source_expressions(), self.position, strict=True):
            sql, some = compiler.compile(column)
            columns.append(sql)
            params += some
            field = column.output_field
            if isinstance(value, Parameter):
                last.append(value.of(field))
            else:
                last.append(field.get_db_prep_value(value, connection))
        places = ", ".join(["%s"] * len(last))
        return f"({', '.join(columns)}) {self.way} ({places})", params + last


class Order(NamedTuple):
    """The order of a list: by ``key``, where that is the same by ``then``, and at last by ``pk``.

    Each may name an annotation, and none is ever empty in a row. ``pk`` identifies a row of the list;
    ``then`` may be left out.
    """

    key: str
    pk: str = "pk"
    is_descending: bool = False
    then: str = ""

    @property
    def columns(self):
        """What rows are compared by, one after the other."""
        return (self.key, self.then, self.pk) if self.then else (self.key, self.pk)

    def reversed(self):
        return self._replace(is_descending=not self.is_descending)

    def sort(self, queryset):
        sign = "-" if self.is_descending else ""
        return queryset.order_by(*(f"{sign}{column}" for column in self.columns))

    def after(self, queryset, position):
        """Leave out the rows up to ``position`` in this order."""
        way = "<" if self.is_descending else ">"
        return queryset.filter(Beyond(self.columns, position, way))

    def position(self, row):
        return tuple(getattr(row, column) for column in self.columns)

    def read(self, queryset, position, limit):
        """Return up to ``limit`` rows in this order: the first, or those after ``position``."""
        if position:
            queryset = self.after(queryset, position)
        return list(self.sort(queryset)[:limit])


def write_cursor(position):
    """Return the position of a row in its list as a word for an address."""
    text = json.dumps(position, default=str, separators=(",", ":"))
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(word):
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
    def has_previous(self):
        return bool(self.before)

    @property
    def has_next(self):
        return bool(self.after)

    @property
    def has_other_pages(self):
        return self.has_previous or self.has_next


class Keyset:
    """The rows of a list in one ``order``, ``size`` a page.

    ``read`` is given an order, a position and a number: as ``Order.read`` does for a queryset, it returns
    so many rows in that order, the first or, where there is a position, those after it.
    """

    def __init__(self, read, order, size):
        self.read, self.order, self.size = read, order, size

    def after(self, word):
        """Return the page that follows a cursor; the first page for one that can't be read."""
        rows = self._read(self.order, word)
        if rows is None:
            return self.first()
        more = len(rows) > self.size
        return self._page(rows[: self.size], is_first=False, is_last=not more)

    def before(self, word):
        """Return the page that precedes a cursor, and the first page where no full one does."""
        rows = self._read(self.order.reversed(), word)
        if rows is None or len(rows) < self.size:
            return self.first()
        more = len(rows) > self.size
        return self._page(rows[: self.size][::-1], is_first=not more, is_last=False)

    def first(self):
        return self.number(1)

    def number(self, number):
        """Return a page by its number, as old links name it; one past the end leads to the last."""
        skipped = min((number - 1) * self.size, FURTHEST_OFFSET)
        rows = self.read(self.order, None, skipped + self.size + 1)[skipped:]
        if not rows and skipped:
            return self.last()
        more = len(rows) > self.size
        return self._page(rows[: self.size], is_first=not skipped, is_last=not more)

    def last(self):
        rows = self.read(self.order.reversed(), None, self.size + 1)
        more = len(rows) > self.size
        return self._page(rows[: self.size][::-1], is_first=not more, is_last=True)

    def _read(self, order, word):
        position = read_cursor(word)
        if position is None or len(position) != len(order.columns):
            return None
        try:
            return self.read(order, position, self.size + 1)
        except (ValidationError, ValueError, TypeError, OverflowError, FieldError):
            return None  # a cursor of another list, or made up

    def _page(self, rows, *, is_first, is_last):
        if not rows:
            return KeysetPage([])
        return KeysetPage(
            rows,
            before="" if is_first else write_cursor(self.order.position(rows[0])),
            after="" if is_last else write_cursor(self.order.position(rows[-1])),
        )
