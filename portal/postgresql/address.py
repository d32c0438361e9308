"""What DATABASE_URL says where it names a PostgreSQL server."""

import re
from collections.abc import Callable
from typing import Any

from psycopg import Error, pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from portal.database import FORM, boolean, read_options, refuse, whole_number

# A server that is gone without a word is noticed soon, whether the portal waits for it or not. Seconds, but
# for tcp_user_timeout, which is in milliseconds. Local sockets need none of these but the first.
SERVER_IS_GONE = {
    "connect_timeout": 5,
    "keepalives_idle": 30,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}


def _flag(text: str) -> int:
    """What PostgreSQL's library takes for a boolean."""
    return int(boolean(text))


def _age(text: str) -> int | None:
    try:
        return None if text.lower() == "none" else whole_number()(text)
    except ValueError as error:
        raise ValueError("a whole number of seconds, or None") from error


# Django's own options, which it takes beside those of the database's library.
_OF_DJANGO: dict[str, Callable[[str], Any]] = {
    "conn_max_age": _age,
    "conn_health_checks": boolean,
    "disable_server_side_cursors": boolean,
}
# Those of PostgreSQL's library with numbers, which it reads when it connects; it checks the others itself.
_OF_POSTGRESQL: dict[str, Callable[[str], Any]] = {
    "connect_timeout": whole_number(least=1),
    "gssdelegation": _flag,
    "keepalives": _flag,
    "keepalives_count": whole_number(),
    "keepalives_idle": whole_number(),
    "keepalives_interval": whole_number(),
    "sslcompression": _flag,
    "sslsni": _flag,
    "tcp_user_timeout": whole_number(),
}
_TRANSACTIONS = "the portal says itself where its transactions begin and end"
_PREPARED = "behind PgBouncer the next transaction would not find what was prepared"
_NOT_HERE = {
    "pool": "the portal keeps one connection for each thread; for a pool, name a PgBouncer as the host",
    "options": "PgBouncer refuses it; ALTER ROLE … SET … does the same on the server",
    "assume_role": "behind PgBouncer the next transaction would have another role",
    "atomic_requests": _TRANSACTIONS,
    "autocommit": _TRANSACTIONS,
    "isolation_level": _TRANSACTIONS,
    "prepare_threshold": _PREPARED,
    "server_side_binding": _PREPARED,
    "client_encoding": "it is always UTF8",
    "replication": "the portal is no replica",
}


def read_postgresql(address: str, options: dict[str, str]) -> dict[str, Any]:
    """Return the setting of the database at this address, with these options as they are written.

    Raises ``ImproperlyConfigured``.
    """
    of_library = {option.keyword.decode() for option in pq.Conninfo.get_defaults()}
    for name in options:
        if name in _NOT_HERE:
            refuse(f"its option {name} can't be used, for {_NOT_HERE[name]}")
        if name not in of_library | _OF_DJANGO.keys():
            refuse(f"the portal knows no option {name} for PostgreSQL")
    of_django = read_options(options, _OF_DJANGO)
    numbers = read_options(options, _OF_POSTGRESQL)
    try:
        found = {name: str(text) for name, text in conninfo_to_dict(address, **options).items()}
    except (Error, UnicodeError):
        # The library's own words would quote the address, and with it the password.
        refuse(FORM)
    place = {name: found.pop(name, "") for name in ("dbname", "user", "password", "host", "port")}
    if place["dbname"].startswith("/"):  # the folder of a socket, and behind it the database
        place["host"], _, place["dbname"] = place["dbname"].rpartition("/")
    if not place["dbname"] and "service" not in found:
        refuse("it names no database")
    for port in filter(None, place["port"].split(",")):
        if not re.fullmatch("[0-9]{1,5}", port) or int(port) not in range(1, 65536):
            refuse("a port must be a number from 1 to 65535")
    hosts = place["host"].count(",") + 1
    _let_library_check(found, hosts, place["port"])
    if hosts > 1:
        # Of several only the primary takes changes, whichever that is at the moment.
        found.setdefault("target_session_attrs", "read-write")
    return {
        "ENGINE": "portal.postgresql",
        "NAME": place["dbname"],
        "USER": place["user"],
        "PASSWORD": place["password"],
        "HOST": place["host"],
        "PORT": place["port"].strip(",") and place["port"],
        # A connection lasts as long as its thread; before each request it is tried, and replaced if need be.
        "CONN_MAX_AGE": of_django.get("conn_max_age"),
        "CONN_HEALTH_CHECKS": of_django.get("conn_health_checks", True),
        "DISABLE_SERVER_SIDE_CURSORS": of_django.get("disable_server_side_cursors", False),
        "OPTIONS": SERVER_IS_GONE | numbers | found,
    }


def _let_library_check(options: dict[str, str], hosts: int, port: str) -> None:
    """Let PostgreSQL's library look at the values before it would connect, which here leads nowhere."""
    given = {name: value for name, value in options.items() if name != "hostaddr"}
    nowhere = ",".join(["/"] * hosts)
    conninfo = make_conninfo("", **given | {"host": nowhere, "port": port, "dbname": "portal"})
    attempt = pq.PGconn.connect_start(conninfo.encode())
    said = attempt.error_message.decode(errors="replace").strip()
    attempt.finish()
    if said and not said.startswith("connection to server"):
        refuse(said.splitlines()[0].rstrip("."))
