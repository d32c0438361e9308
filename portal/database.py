"""Where the data is: what DATABASE_URL says, as Django's setting has it.

Every option of the address is read here: one that is unknown, that has no such value, or that could not
work stops the start with a sentence. ADR 0018 says how connections are kept, and why there is no pool.
"""

import re
from collections.abc import Callable
from typing import Any, NoReturn
from urllib.parse import unquote

import environ
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

POSTGRESQL = ("postgres", "postgresql", "psql", "pgsql")

_LARGEST = 2_147_483_647
_WORDS = {"1": True, "true": True, "yes": True, "on": True}
_WORDS |= {"0": False, "false": False, "no": False, "off": False}


def refuse(why: str) -> NoReturn:
    raise ImproperlyConfigured(f"DATABASE_URL can't be read: {why}. See .env.example.")


def whole_number(least: int = 0) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not re.fullmatch("[0-9]{1,10}", text) or not least <= int(text) <= _LARGEST:
            raise ValueError(f"a whole number, {least} or more")
        return int(text)

    return read


def boolean(text: str) -> bool:
    if text.lower() not in _WORDS:
        raise ValueError("true or false")
    return _WORDS[text.lower()]


FORM = (
    "it is not of the form postgres://user:password@host:port/database; in each part other signs than "
    "letters and digits are percent-encoded"
)


def read_database(url: str) -> dict[str, Any]:
    """Return the setting of the database at this address, of PostgreSQL or SQLite.

    Raises ``ImproperlyConfigured`` with a sentence that says what is wrong, and quotes no password.
    """
    address, _, query = url.partition("?")
    scheme = address.partition("://")[0]
    if "@" in query and "@" not in address:
        refuse(FORM)  # a ? in the password; what follows it must not be quoted
    if scheme in POSTGRESQL and "://" in address:
        # Found by its name, for SQLite needs none of it and starts sooner without.
        read_postgresql = import_string("portal.postgresql.address.read_postgresql")
        return read_postgresql(address.replace(scheme, "postgres", 1), _options(query))
    if address.startswith("sqlite:///") or address == "sqlite://:memory:":
        return _sqlite(address, _options(query))
    if scheme == "sqlite":
        refuse("the path of a SQLite file follows three slashes, as in sqlite:///portal.sqlite3")
    refuse("it must start with postgres:// or sqlite:///")


def _options(query: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in filter(None, query.split("&")):
        name, _, value = part.partition("=")
        name = name.lower()
        if not re.fullmatch("[a-z_]{1,40}", name):
            refuse("what follows its ? must be options, such as sslmode=verify-full")
        if name in found:
            refuse(f"it has the option {name} twice")
        if not value:
            refuse(f"its option {name} has no value")
        found[name] = unquote(value)
    return found


def read_options(
    options: dict[str, str], readers: dict[str, Callable[[str], Any]]
) -> dict[str, Any]:
    """Take those ``options`` that have a reader, with the values that they mean."""
    found = {}
    for name in [name for name in options if name in readers]:
        try:
            found[name] = readers[name](options.pop(name))
        except ValueError as error:
            refuse(f"its option {name} must be {error}")
    return found


_OF_SQLITE: dict[str, Callable[[str], Any]] = {"timeout": whole_number(least=1)}


def _sqlite(address: str, options: dict[str, str]) -> dict[str, Any]:
    known = read_options(options, _OF_SQLITE)
    for name in options:
        refuse(f"the portal knows no option {name} for SQLite")
    database = environ.Env.db_url_config(address.replace("#", "%23"))
    if address == "sqlite:///":
        refuse("it names no file")
    return database | {
        # One request after the other on the same connection; writers queue instead of failing.
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": (
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-65536;"
            ),
        }
        | known,
    }
