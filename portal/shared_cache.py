"""The cache in the database, which counts attempts for all processes."""

from django.core.cache.backends.db import DatabaseCache
from django.db import Error, connections, router

from portal.database_faults import fault_of


class SharedCache(DatabaseCache):
    """Django's own, which tells of a faulty database.

    Django's takes every error of the database for a value that someone else has written just now: with
    a database that takes no changes, everyone would have tried too often.
    """

    def _base_set(self, mode, key, value, timeout=None):
        errors = []

        def remember(execute, sql, params, many, context):
            try:
                return execute(sql, params, many, context)
            except Error as error:
                errors.append(error)
                raise

        connection = connections[router.db_for_write(self.cache_model_class)]
        with connection.execute_wrapper(remember):
            is_set = super()._base_set(mode, key, value, timeout)
        for error in errors:
            if fault_of(error):
                raise error
        return is_set
