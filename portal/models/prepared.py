"""Statements that are composed once and run again and again with other values.

For the ORM to compose one takes about a millisecond, more than most take to run.
"""

import functools
import json
import operator
from collections import namedtuple
from functools import cache, cached_property, lru_cache
from typing import ClassVar, cast

from django.core.exceptions import EmptyResultSet
from django.db import connection, models


class Parameter(models.Expression):
    """A value that a statement is given when it runs, by its ``name``."""

    def __init__(self, name, output_field=None):
        super().__init__(output_field)
        self.name = name

    def of(self, field):
        """Return the same as a value of ``field``."""
        return Parameter(self.name, field)

    def as_sql(self, compiler, connection):
        return "%s", [self]


class Prepared:
    """A statement with a ``Parameter`` for each value that differs from run to run.

    ``convert`` has, by the number of a column, the functions that make Python's values of the database's.
    """

    def __init__(self, sql, params, convert=(), make=None):
        self.sql, self.params, self.convert, self.make = sql, params, convert, make
        self.parameters = {one.name: one for one in params if isinstance(one, Parameter)}

    @classmethod
    def rows_of(cls, queryset, *columns):
        """Compose what reads these columns of the queryset, as named tuples."""
        compiler = queryset.values_list(*columns).query.get_compiler(connection=connection)
        try:
            sql, params = compiler.as_sql()
        except EmptyResultSet:
            return cls("", ())
        selected = [expression for expression, *_rest in compiler.select[: compiler.col_count]]
        convert = [
            (number, functions, expression)
            for number, (functions, expression) in compiler.get_converters(selected).items()
        ]
        row = namedtuple("Row", columns)  # type: ignore[misc]  # its names are known when it runs
        return cls(sql, params, convert, row._make)

    @classmethod
    def count_of(cls, queryset):
        """Compose what counts the rows of the queryset: its result is one row with one number."""
        try:
            sql, params = queryset.query.sql_with_params()
        except EmptyResultSet:
            return cls("SELECT 0", ())
        return cls(f"SELECT COUNT(*) FROM ({sql}) counted", params)  # noqa: S608

    def run(self, values):
        """Return the rows for these ``values`` of the parameters, by name.

        Raises what a field raises for a value that it can't hold.
        """
        if not self.sql:
            return []
        adapted = {
            name: one.output_field.get_db_prep_value(values[name], connection)
            for name, one in self.parameters.items()
        }
        params = [adapted[one.name] if isinstance(one, Parameter) else one for one in self.params]
        with connection.cursor() as cursor:
            cursor.execute(self.sql, params)
            rows = cursor.fetchall()
        if self.convert:
            rows = map(self._converted, rows)
        return list(map(self.make, rows)) if self.make else list(rows)

    def _converted(self, row):
        row = list(row)
        for number, functions, expression in self.convert:
            for function in functions:
                row[number] = function(row[number], expression, connection)
        return row


def part_of(column, word, lookup="contains"):
    """The condition that a column has one of the spellings of ``word`` in it."""
    return functools.reduce(
        operator.or_, (models.Q((f"{column}__{lookup}", spelling)) for spelling in word)
    )


def containing(rows, words, column):
    """Return those of ``rows`` that have every one of ``words``, see ``words_of``, in a folded column."""
    for word in words:
        rows = rows.filter(part_of(column, word))
    return rows


# Up to so many rows are found first and sorted then; more are found while walking them in order.
FEW = 1000


class KeyList(models.Field):
    """Keys that are UUIDs, or written as ``KeyText`` has them: one value, whatever their number."""

    array = "uuid[]"

    def get_db_prep_value(self, value, connection, prepared=False):
        if connection.vendor == "postgresql":
            return [str(key) for key in value]
        return json.dumps([str(key).replace("-", "") for key in value])


class NumberList(KeyList):
    """Keys that are numbers."""

    array = "bigint[]"

    def get_db_prep_value(self, value, connection, prepared=False):
        return list(value) if connection.vendor == "postgresql" else json.dumps(list(value))


class _IsAmong(models.Func):
    """Whether a column that holds a key is in a ``KeyList``."""

    output_field = models.BooleanField()
    template = "%(expressions)s"
    arg_joiner = " IN (SELECT value FROM json_each("

    def as_sqlite(self, compiler, connection, **context):
        return self.as_sql(compiler, connection, template="%(expressions)s))")

    def as_postgresql(self, compiler, connection, **context):
        array = cast(KeyList, self.source_expressions[1].output_field).array
        return self.as_sql(
            compiler, connection, template=f"%(expressions)s::{array})", arg_joiner=" = ANY("
        )


def having_one_of(rows, column, keys):
    """Return those of ``rows`` that have one of ``keys``, or of what a parameter holds, in a column."""
    if not keys:
        return rows.none()
    if not isinstance(keys, Parameter):
        keys = models.Value(keys, KeyList())
    return rows.filter(_IsAmong(models.F(column), keys))


class Unindexed(models.Func):
    """A column in a form for which no index is used, so that another index is."""

    template = "COALESCE(%(expressions)s, %(expressions)s)"
    arity = 1


@cache
def _word(number, spellings):
    """Parameters for the spellings of one word, of which there are so many."""
    return tuple(
        Parameter(f"word_{number}_{spelling}", models.CharField()) for spelling in range(spellings)
    )


class Question:
    """Which rows a list shows: it holds all that the statements for them depend on.

    That is given by name, and a class says what each name means; what it has a value for may be left out.
    Two that were given the same are equal, and nothing of one changes. (As dataclasses they would do the
    same, but to make one takes half a millisecond of each start.)

    In ``words`` are those looked for, as ``words_of`` has them. In place of their spellings and of the values
    that ``PARAMETERS`` names there may be parameters: so what is asked again with others finds its statement.
    """

    PARAMETERS: ClassVar[dict[str, Parameter]] = {}
    words: tuple[tuple[str | Parameter, ...], ...] = ()

    def __init__(self, **given):
        if unknown := given.keys() - {"words", *type(self).__annotations__}:
            raise TypeError(f"{type(self).__name__} has no {', '.join(unknown)}")
        self.given = frozenset(given.items())
        vars(self).update(given)

    def __eq__(self, other):
        return type(self) is type(other) and self.given == other.given

    def __hash__(self):
        return hash((type(self), self.given))

    def but(self, **given):
        """Return the same question, but with these values."""
        return type(self)(**dict(self.given) | given)

    def queryset(self):
        """The rows, in no order."""
        raise NotImplementedError

    def queryset_to_count(self):
        """The same rows, with what they are sorted by alone: no table is read for what they show."""
        return self.queryset()

    @cached_property
    def shaped(self):
        """The same with a parameter for each value, and the values by name."""
        values = {name: getattr(self, name) for name in self.PARAMETERS if getattr(self, name)}
        shape = {name: self.PARAMETERS[name] for name in values}
        words = tuple(_word(number, len(word)) for number, word in enumerate(self.words))
        for parameters, word in zip(words, self.words, strict=True):
            values.update((one.name, text) for one, text in zip(parameters, word, strict=True))
        return self.but(words=words, **shape), values

    def run(self, compose, *how, position=None):
        """Return the rows of the statement that ``compose`` makes of this question."""
        question, values = self.shaped
        return compose(question, *how).run(values | _place(position))

    def count_before(self, order):
        """Return how many rows there are, up to ``FEW`` and one more, where to read them depends on that.

        Else None.
        """
        return None

    def read(self, columns, order, position, limit):
        """Return up to ``limit`` rows, as ``Order.read`` does."""
        return self.run(_page, columns, order, position is not None, limit, position=position)

    def count(self, order, position, limit):
        """Return how many rows there are, or follow ``position``; ``limit`` (None: all) is the most."""
        [[count]] = self.run(_count, order, position is not None, limit, position=position)
        return count


# Where a page of a list starts: behind what a row is sorted by, and its id. No list is sorted by more.
AFTER = tuple(Parameter(f"after_{number}") for number in range(3))


def _place(position):
    """The values of ``AFTER``."""
    return {one.name: value for one, value in zip(AFTER, position or (), strict=False)}


def placed(rows, order, is_after):
    """Return ``rows`` in an order, where ``is_after`` those behind ``AFTER``."""
    return order.sort(order.after(rows, AFTER[: len(order.columns)]) if is_after else rows)


@lru_cache(maxsize=1000)
def _page(question, columns, order, is_after, limit):
    return Prepared.rows_of(placed(question.queryset(), order, is_after)[:limit], *columns)


@lru_cache(maxsize=1000)
def _count(question, order, is_after, limit):
    # In the order of the list, whose index holds what the list searches in.
    rows = placed(question.queryset_to_count(), order, is_after)
    return Prepared.count_of(rows.values(order.key)[:limit])
