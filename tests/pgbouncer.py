"""A real PgBouncer in transaction mode in front of a PostgreSQL server.

It is the system's own. Where there is none, the tests marked ``pgbouncer`` are skipped and the last lines
of the run say so; with REQUIRE_PGBOUNCER=1 the run fails.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.postgres import PARENT, die_with

# Debian keeps it where only root looks.
PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
MISSING = "THE TESTS THROUGH PGBOUNCER DID NOT RUN: no PgBouncer was found. Install the package pgbouncer."
# Fewer than a portal has threads, so that transactions of many connections take turns on each.
CONNECTIONS = 2
CONFIGURATION = """
[databases]
* = {server}

[pgbouncer]
listen_addr =
unix_socket_dir = {folder}
auth_type = any
pool_mode = transaction
default_pool_size = {connections}
max_client_conn = 100
server_login_retry = 1
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    from django.db import connection

    mine = [item for item in items if item.get_closest_marker("pgbouncer")]
    if connection.vendor != "postgresql":
        reason = "SQLite has no server; the run on PostgreSQL tests this"
    elif PGBOUNCER:
        return
    elif mine and os.environ.get("REQUIRE_PGBOUNCER") == "1":
        raise pytest.UsageError(MISSING)
    else:
        reason = MISSING
    for item in mine:
        item.add_marker(pytest.mark.skip(reason=reason))


def pytest_unconfigure(config: pytest.Config) -> None:
    from django.db import connection

    if not PGBOUNCER and connection.vendor == "postgresql":
        config.get_terminal_writer().line(MISSING, red=True, bold=True)


@contextmanager
def started_pgbouncer(url: str) -> Iterator[str]:
    """The DATABASE_URL that leads through PgBouncer to the database at ``url``."""
    assert PGBOUNCER
    server = conninfo_to_dict(url)
    name = server.pop("dbname")
    as_owner = {}
    with tempfile.TemporaryDirectory(prefix="portal-pgbouncer-", dir=PARENT) as folder:
        log, configuration = Path(folder, "log"), Path(folder, "pgbouncer.ini")
        quoted = " ".join(
            f"{key}='{str(value).replace(chr(39), 2 * chr(39))}'" for key, value in server.items()
        )
        configuration.write_text(
            CONFIGURATION.format(server=quoted, folder=folder, connections=CONNECTIONS)
        )
        if os.geteuid() == 0:  # it refuses to run as root
            nobody = pwd.getpwnam("nobody")
            as_owner = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            for path in (folder, configuration):
                os.chown(path, nobody.pw_uid, nobody.pw_gid)
        with log.open("w") as output:
            process = subprocess.Popen(
                [PGBOUNCER, configuration],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=partial(die_with, os.getpid(), signal.SIGTERM),
                **as_owner,
            )
        try:
            through = (
                f"postgres://{server.get('user', 'postgres')}@{quote(folder, safe='')}:6432/{name}"
            )
            wait_until_it_answers(process, through, log)
            yield through
        finally:
            process.terminate()
            process.wait(10)


def wait_until_it_answers(process: subprocess.Popen, url: str, log: Path) -> None:
    deadline = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < deadline:
        try:
            psycopg.connect(url, connect_timeout=5).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    pytest.fail(f"PgBouncer did not start:\n{log.read_text()}")
