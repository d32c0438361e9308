"""A database of the past: what a migration makes of the rows that stood there before it.

It is an empty one of its own, so nothing has to be migrated backwards.
"""

from contextlib import contextmanager

from django.db import connection
from django.db.migrations.executor import MigrationExecutor


class Past:
    """An installation of an earlier version, which ``migrate`` updates."""

    def migrate(self, *targets):
        """Run what leads to these migrations, each (app, name), or all; return the models of then."""
        executor = MigrationExecutor(connection)
        targets = list(targets) or executor.loader.graph.leaf_nodes()
        executor.migrate(targets)
        return MigrationExecutor(connection).loader.project_state(targets).apps


@contextmanager
def past_database(folder):
    """Let the connection lead to an empty database meanwhile; yields the ``Past`` there."""
    own = connection.settings_dict["NAME"]
    is_sqlite = connection.vendor == "sqlite"
    name = str(folder / "past.sqlite3") if is_sqlite else f"{own}_past"
    if not is_sqlite:
        run_on_server(f'CREATE DATABASE "{name}"')
    lead_to(name)
    try:
        yield Past()
    finally:
        lead_to(own)
        if not is_sqlite:
            run_on_server(f'DROP DATABASE "{name}" WITH (FORCE)')


def run_on_server(sql):
    with connection._nodb_cursor() as cursor:
        cursor.execute(sql)


def lead_to(name):
    connection.close()
    if connection.vendor == "postgresql":
        connection.close_pool()
    connection.settings_dict["NAME"] = name
