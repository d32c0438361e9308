"""Conditions and columns that the ORM has not: many keys as one value, words, an order, keys as text."""

import functools
import json
import operator
from collections.abc import Sequence
from typing import Any, TypeVar, cast

from django.db import models
from django.db.models.functions import Cast, TruncDate

from .compiled_queries import BindParameter

Rows = TypeVar("Rows", bound=models.QuerySet)
# A word that is looked for, in each of the ways in which it may be written where it stands; in a compiled
# query a parameter for each of them.
Word = Sequence[str | BindParameter]


class KeyArray(models.Field):
    """Keys that are UUIDs, or written as ``KeyText`` has them: one value, whatever their number."""

    array = "uuid[]"

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        if connection.vendor == "postgresql":
            return [str(key) for key in value]
        return json.dumps([str(key).replace("-", "") for key in value])


class NumberArray(KeyArray):
    """Keys that are numbers."""

    array = "bigint[]"

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        return list(value) if connection.vendor == "postgresql" else json.dumps(list(value))


class _IsAny(models.Func):
    """Whether a column that holds a key is in a ``KeyArray``."""

    output_field = models.BooleanField()
    template = "%(expressions)s"
    arg_joiner = " IN (SELECT value FROM json_each("

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, Any]:
        return self.as_sql(compiler, connection, template="%(expressions)s))")

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, Any]:
        array = cast(KeyArray, self.source_expressions[1].output_field).array
        return self.as_sql(
            compiler, connection, template=f"%(expressions)s::{array})", arg_joiner=" = ANY("
        )


def having_any(rows: Rows, column: str, keys: Any) -> Rows:
    """Return those of ``rows`` whose ``column`` has one of ``keys``, or of what a parameter holds."""
    if not keys:
        return rows.none()
    if not isinstance(keys, BindParameter):
        keys = models.Value(keys, KeyArray())
    return rows.filter(_IsAny(models.F(column), keys))


def has_word(column: str, word: Word, lookup: str = "contains") -> models.Q:
    """The condition that a column has one of the spellings of ``word`` in it."""
    spellings = (models.Q((f"{column}__{lookup}", spelling)) for spelling in word)
    return functools.reduce(operator.or_, spellings)


def having_words(rows: Rows, words: Sequence[Word], column: str) -> Rows:
    """Return those of ``rows`` that have every one of ``words``, see ``words_of``, in a folded column."""
    for word in words:
        rows = rows.filter(has_word(column, word))
    return rows


class WithoutIndex(models.Func):
    """A column in a form for which no index is used, so that another index is."""

    template = "COALESCE(%(expressions)s, %(expressions)s)"
    arity = 1


class RowComparison(models.Func):
    """Whether columns stand beyond a position, as one compares words letter by letter.

    One index on these columns leads there, however many rows have the same in the first. (Django's own
    comparison of tuples is no such condition on SQLite.)
    """

    output_field = models.BooleanField()

    def __init__(self, columns: Sequence[str], position: Sequence, way: str) -> None:
        super().__init__(*columns)
        self.position, self.way = position, way

    def as_sql(
        self, compiler: Any, connection: Any, *args: Any, **context: Any
    ) -> tuple[str, tuple]:
        columns: list[str] = []
        params: list = []
        last: list = []
        for column, value in zip(self.get_source_expressions(), self.position, strict=True):
            sql, some = compiler.compile(column)
            columns.append(sql)
            params += some
            field = column.output_field
            if isinstance(value, BindParameter):
                last.append(value.of(field))
            else:
                last.append(field.get_db_prep_value(value, connection))
        places = ", ".join(["%s"] * len(last))
        return f"({', '.join(columns)}) {self.way} ({places})", (*params, *last)


class KeyText(Cast):
    """A UUID as the database writes it as text; see ``dashed``."""

    def __init__(self, expression: Any) -> None:
        super().__init__(expression, models.CharField())


class DayText(Cast):
    """The day of a time in a zone, as year-month-day."""

    def __init__(self, expression: Any, zone: Any) -> None:
        super().__init__(TruncDate(expression, tzinfo=zone), models.CharField())


def dashed(key: str) -> str:
    """Return a ``KeyText`` in the usual form, with dashes, which SQLite leaves out."""
    if len(key) != 32:
        return key
    return f"{key[:8]}-{key[8:12]}-{key[12:16]}-{key[16:20]}-{key[20:]}"
