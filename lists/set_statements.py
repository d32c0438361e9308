"""Acts on many rows at once, as statements that the database runs without sending the rows over."""

from collections.abc import Iterable
from typing import Any, cast

from django.core.exceptions import EmptyResultSet
from django.db import connection, models


class _Count(models.Subquery):
    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    output_field = models.IntegerField()


class _Keys(models.Subquery):
    template = """(SELECT GROUP_CONCAT("key") FROM (%(subquery)s) keys)"""
    output_field = models.TextField()

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, Any]:
        template = """(SELECT STRING_AGG("key"::text, ',') FROM (%(subquery)s) keys)"""
        return self.as_sql(compiler, connection, template=template)


def first_keys(queryset: models.QuerySet, field: str, limit: int, *, by: str) -> models.Subquery:
    """An expression: the keys in ``field`` of up to ``limit`` rows as text, with commas; NULL for none.

    ``by`` as for ``bounded_count``.
    """
    return _Keys(queryset.order_by(by).annotate(key=models.F(field)).values("key")[:limit])


def bounded_count(queryset: models.QuerySet, limit: int, *, by: str = "pk") -> models.Subquery:
    """An expression: how many rows ``queryset`` has, up to ``limit``; it looks no further.

    ``by`` names a column of the index that serves it, so that the rows themselves are not read.
    """
    return _Count(queryset.order_by(by).values(by)[:limit])


def insert_selected(model: type[models.Model], source: models.QuerySet, **columns: Any) -> int:
    """Add a row of ``model`` for each row of the queryset ``source``, in its order; return how many.

    ``columns`` gives each field its expression over ``source``. Defaults of the model don't apply.
    """
    try:
        sql, params = source.values_list(*columns.values()).query.sql_with_params()
    except EmptyResultSet:
        return 0
    quote = connection.ops.quote_name
    names = ", ".join(quote(cast(Any, model._meta.get_field(name)).column) for name in columns)
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {quote(model._meta.db_table)} ({names}) {sql}", params)
        return cursor.rowcount


def lock_selected(source: models.QuerySet) -> None:
    """Lock the rows of the queryset ``source`` until the transaction ends, in the order of their keys.

    Where the database locks no rows (SQLite), one writer at a time is lock enough.
    """
    if not connection.features.has_select_for_update:
        return
    locking = source.select_for_update(no_key=True).order_by("pk").values_list("pk")
    try:
        sql, params = locking.query.sql_with_params()
    except EmptyResultSet:
        return
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM ({sql}) AS locked", params)  # noqa: S608


def lock_text(text: str) -> None:
    """Let whoever locks the same ``text`` wait until the transaction ends: for what no row stands for.

    Where the database has no such locks (SQLite), one writer at a time is lock enough.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [text])


def share_texts(texts: Iterable[str]) -> None:
    """Let whoever locks one of these texts wait until the transaction ends, but not who shares it."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock_shared(hashtextextended(one.text, 0))"
                " FROM (SELECT text FROM unnest(%s::text[]) text ORDER BY text) one",
                [list(texts)],
            )


def look_up_by_key() -> None:
    """Let PostgreSQL look up what belongs to many rows by key, until the transaction ends.

    It would rather read large tables from end to end, as if they were on a disk that turns: then an act on
    many rows costs what the tables hold, not what it changes. (SQLite always looks up.)
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL random_page_cost = 1.1; SET LOCAL enable_mergejoin = off")


def recount_for_planner(model: type[models.Model]) -> None:
    """Let PostgreSQL look at the rows of ``model`` now, many of which this transaction has just written.

    It plans by what it saw last, which may have been before: a join of many rows that it takes for few
    can take hours. By itself it looks again a minute after the transaction. (SQLite does not plan by that.)
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {connection.ops.quote_name(model._meta.db_table)}")
