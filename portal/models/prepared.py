"""Statements that are composed once and run again and again with other values.

For the ORM to compose one takes about a millisecond, more than most take to run.
"""

from collections import namedtuple

from django.core.exceptions import EmptyResultSet
from django.db import connection, models


class Parameter(models.Expression):
    """A value that a statement is given when it runs, by its ``name``."""

    def __init__(self, name, output_field):
        super().__init__(output_field)
        self.name = name

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
        return cls(sql, params, convert, namedtuple("Row", columns)._make)

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
