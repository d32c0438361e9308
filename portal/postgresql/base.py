"""The database backend that ``portal.database`` names for PostgreSQL: Django looks for it under this name.

It differs from Django's own in what ADR 0018 decides: connections last, they may lead through PgBouncer,
and nothing that a request asks for waits for ever.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import transaction
from django.db.backends.postgresql import base
from psycopg import IsolationLevel
from psycopg.pq import TransactionStatus

# In seconds. Whoever waits longer for a lock is told that somebody else is at the same (409).
LOCK = 5
# Of one statement, and of a transaction that holds its locks and asks for nothing (503).
STATEMENT = 60
IDLE = 60

_OF_STATEMENT = (
    f"SET LOCAL lock_timeout = '{LOCK}s'; SET LOCAL statement_timeout = '{STATEMENT}s'; "
)
_OF_TRANSACTION = f"{_OF_STATEMENT}SET LOCAL idle_in_transaction_session_timeout = '{IDLE}s'"


class Connection(psycopg.Connection):
    """A connection that does not wait for ever for a server that is frozen or out of reach.

    With ``patience``, in seconds, a statement without an answer raises ``OperationalError`` and closes the
    connection. The limits of the server itself end a statement that takes long; this is for a server that
    can no longer do so.
    """

    patience: float | None = None

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        patience = self.patience if timeout is None else timeout
        try:
            return super().wait(gen, interval, timeout=patience)
        except psycopg.OperationalError:
            if timeout is None and self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                # It still waits, and would take what comes for the answer to something else.
                self.close()
                raise psycopg.OperationalError(
                    f"the server has not answered for {patience} seconds"
                ) from None
            raise


class DatabaseWrapper(base.DatabaseWrapper):
    """One connection for each thread, tried before each request and replaced where it is dead."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Connection:
        self.isolation_level = IsolationLevel.READ_COMMITTED
        return Connection.connect(**conn_params)

    def is_usable(self) -> bool:
        """Whether the server answers soon and, where it must be the one that takes changes, still does.

        Of several hosts one that was the primary and only reads now is left for today's primary.
        """
        if self.connection is None:
            return False
        options = self.settings_dict["OPTIONS"]
        before = self.connection.patience
        self.connection.patience = options.get("connect_timeout")
        try:
            [reads_only] = self.connection.execute("SHOW transaction_read_only").fetchone()
        except psycopg.Error:
            return False
        finally:
            self.connection.patience = before
        must_write = options.get("target_session_attrs") in ("read-write", "primary")
        return reads_only == "off" or not must_write

    def chunked_cursor(self) -> Any:
        """Read piece by piece within a transaction only, else all at once.

        Outside of one the cursor would have to outlive its transaction. Behind PgBouncer the next statement
        may run on another connection, which does not know it.
        """
        return super().chunked_cursor() if self.in_atomic_block else self.cursor()

    @contextmanager
    def limited(self) -> Iterator[None]:
        """Limit how long what is asked of the database meanwhile may wait, run, or keep its locks.

        One forgotten transaction would else take a thread of the server after the other, until nobody is
        answered. Each transaction is told its limits anew: behind PgBouncer the next one may run on another
        connection, and what that one had been told would hold for whoever comes after.
        """
        with self.execute_wrapper(self._execute_limited):
            try:
                yield
            finally:
                if self.connection is not None:
                    self.connection.patience = None

    def _execute_limited(
        self, execute: Callable, sql: Any, params: Any, many: bool, context: dict[str, Any]
    ) -> Any:
        """Run a statement; the first of a transaction after the limits of that transaction."""
        server = self.connection
        if server is None:
            return execute(sql, params, many, context)
        # Longer than the server itself lets a statement take.
        server.patience = STATEMENT + self.settings_dict["OPTIONS"].get("connect_timeout", 0)
        if server.pgconn.transaction_status != TransactionStatus.IDLE:
            return execute(sql, params, many, context)
        if self.in_atomic_block:
            with self.wrap_database_errors:
                server.execute(_OF_TRANSACTION)
            return execute(sql, params, many, context)
        if many or not isinstance(sql, str):
            with transaction.atomic(using=self.alias):
                return execute(sql, params, many, context)
        # A statement alone is a transaction, and so are several that are sent in one message. Its own
        # result is the last one.
        execute(_OF_STATEMENT + sql, params, many, context)
        return context["cursor"].cursor.set_result(-1)
