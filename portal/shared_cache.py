"""The cache in the database, which counts attempts for all processes."""

from collections.abc import Callable
from typing import Any

from django.core.cache.backends.db import DatabaseCache
from django.db import Error, IntegrityError, connections, router
from django.utils import timezone

from portal.database_faults import fault_of, is_conflict


class SharedCache(DatabaseCache):
    """Django's own, which tells of a faulty database, and of a row that somebody else holds.

    Django's takes every error of the database for a value that someone else has written just now: with
    a database that takes no changes, everyone would have tried too often.
    """

    def forget_expired(self) -> int:
        """Delete what is over; return how many there were. Django does so only when the table is full."""
        connection = connections[router.db_for_write(self.cache_model_class)]
        over = connection.ops.adapt_datetimefield_value(timezone.now().replace(microsecond=0))
        table = connection.ops.quote_name(self._table)  # type: ignore[attr-defined]
        with connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {table} WHERE expires < %s", [over])  # noqa: S608
            return cursor.rowcount

    def _base_set(self, mode: str, key: str, value: Any, timeout: Any = None) -> bool:
        errors = []

        def remember(
            execute: Callable, sql: str, params: Any, many: bool, context: dict[str, Any]
        ) -> Any:
            try:
                return execute(sql, params, many, context)
            except Error as error:
                errors.append(error)
                raise

        connection = connections[router.db_for_write(self.cache_model_class)]
        with connection.execute_wrapper(remember):
            is_set = super()._base_set(mode, key, value, timeout)  # type: ignore[misc]
        for error in errors:
            # What someone else has written just now is no error: then the value is not set, as before.
            if fault_of(error) or (is_conflict(error) and not isinstance(error, IntegrityError)):
                raise error
        return is_set
