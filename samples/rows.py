import json
from contextlib import contextmanager
from datetime import date

from django.core.management.color import no_style
from django.db import connection


def plain(value):
    """Return a value of a model as both databases read it from text."""
    if isinstance(value, dict | list):
        return json.dumps(value)
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, date):  # and its kind, datetime
        return str(value).removesuffix("+00:00")
    return value


@contextmanager
def without_indexes(*models):
    """Take the indexes of ``models`` away while many rows are written, and make them anew afterwards.

    In one go that takes a fraction of the time of doing it row by row. Those of constraints and foreign
    keys stay.
    """
    editor = connection.SchemaEditorClass(connection)
    indexes = [(model, index) for model in models for index in model._meta.indexes]
    with connection.cursor() as cursor:
        for _model, index in indexes:
            cursor.execute(f"DROP INDEX {connection.ops.quote_name(index.name)}")
        yield
        for model, index in indexes:
            cursor.execute(str(index.create_sql(model, editor)))


def reset_sequence(model):
    """Let the next row of ``model`` have a key behind those that were written with one."""
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), [model]):
            cursor.execute(statement)


class Rows:
    """Where rows of one model go into the database, as tuples of ``names``: no model instance is made.

    Ids are 32 hex digits, dates and times text. A field that is not named gets its default.
    """

    def __init__(self, model, *names):
        fields = {field.name: field for field in model._meta.concrete_fields}
        given = [fields.pop(name) for name in names]
        rest = [field for field in fields.values() if not field.primary_key]
        self.model = model
        self.constants = tuple(plain(field.get_default()) for field in rest)
        quote = connection.ops.quote_name
        self.table = quote(model._meta.db_table)
        self.columns = ", ".join(quote(field.column) for field in (*given, *rest))
        self.width = len(given) + len(rest)
        self.written = 0

    def write(self, rows):
        constants = self.constants
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                with cursor.copy(f"COPY {self.table} ({self.columns}) FROM STDIN") as copy:
                    for row in rows:
                        copy.write_row(row + constants)
            else:
                marks = ", ".join(["%s"] * self.width)
                cursor.executemany(
                    f"INSERT INTO {self.table} ({self.columns}) VALUES ({marks})",  # noqa: S608
                    [row + constants for row in rows],
                )
        self.written += len(rows)
