"""Queries that are compiled once and run again and again with other values.

For the ORM to compile one takes about a millisecond, more than most take to run.
"""

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Self

from django.core.exceptions import EmptyResultSet
from django.db import connection, models


class BindParameter(models.Expression):
    """A value that a query is given when it runs, by its ``name``."""

    def __init__(self, name: str, output_field: models.Field | None = None) -> None:
        super().__init__(output_field)
        self.name = name

    def of(self, field: models.Field) -> "BindParameter":
        """Return the same as a value of ``field``."""
        return BindParameter(self.name, field)

    def as_sql(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, tuple]:
        return "%s", (self,)


class CompiledQuery:
    """The SQL of a query, with a ``BindParameter`` for each value that differs from run to run.

    ``convert`` has, by the number of a column, the functions that make Python's values of the database's,
    and ``make`` makes a row of them. Raises ``ValueError`` where one name is bound to two fields: a value
    would be written as only one of them wants it.
    """

    def __init__(
        self,
        sql: str,
        params: Sequence[Any],
        convert: Iterable[tuple[int, Sequence[Callable], Any]] = (),
        make: Callable[[Iterable], Any] | None = None,
    ) -> None:
        self.sql, self.params, self.convert, self.make = sql, tuple(params), tuple(convert), make
        self.fields: dict[str, models.Field] = {}
        for one in self.params:
            if isinstance(one, BindParameter):
                field = self.fields.setdefault(one.name, one.output_field)
                if _writes_as(field) != _writes_as(one.output_field):
                    raise ValueError(
                        f"{one.name} is bound to a {type(field).__name__} and a"
                        f" {type(one.output_field).__name__}."
                    )

    @classmethod
    def rows_of(cls, queryset: models.QuerySet, *columns: str) -> Self:
        """Compile what reads these columns of the queryset, as named tuples."""
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
        row: Any = namedtuple("Row", columns)  # type: ignore[misc]  # its names are known when it runs
        return cls(sql, params, convert, row._make)

    @classmethod
    def count_of(cls, queryset: models.QuerySet) -> Self:
        """Compile what counts the rows of the queryset: its result is one row with one number."""
        try:
            sql, params = queryset.query.sql_with_params()
        except EmptyResultSet:
            return cls("SELECT 0", ())
        return cls(f"SELECT COUNT(*) FROM ({sql}) counted", params)  # noqa: S608

    def run(self, values: Mapping[str, Any]) -> list:
        """Return the rows for these ``values`` of the parameters, by name.

        Raises what a field raises for a value that it can't hold.
        """
        if not self.sql:
            return []
        adapted = {
            name: field.get_db_prep_value(values[name], connection)
            for name, field in self.fields.items()
        }
        params = [
            adapted[one.name] if isinstance(one, BindParameter) else one for one in self.params
        ]
        with connection.cursor() as cursor:
            cursor.execute(self.sql, params)
            rows = cursor.fetchall()
        if self.convert:
            rows = map(self._converted, rows)
        return list(map(self.make, rows)) if self.make else list(rows)

    def _converted(self, row: Sequence) -> list:
        cells = list(row)
        for number, functions, expression in self.convert:
            for function in functions:
                cells[number] = function(cells[number], expression, connection)
        return cells


def _writes_as(field: models.Field) -> tuple:
    """What decides how a field writes a value: its type, and for a key that of the row it leads to."""
    target = getattr(field, "target_field", field)
    return type(target).get_db_prep_value, type(target).get_prep_value
