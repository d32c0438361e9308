"""What may be wrong with the database: it can't be reached, has no room left, takes no changes, is too slow.

Nobody using the portal has caused that, and nobody can do anything about it but wait. So they are told what
it is (503), not that they did something wrong, and the log says it once.
"""

from typing import NamedTuple

from django.db import Error, IntegrityError, OperationalError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Fault(NamedTuple):
    """What people read, and after how many seconds trying again may help."""

    sentence: Promise
    retry_after: int


UNREACHABLE = Fault(_("The portal's database can't be reached at present."), 10)
FULL = Fault(_("The portal has no room left to store anything. Its operator has to see to it."), 60)
READ_ONLY = Fault(_("The portal can be read at present, but nothing can be changed."), 30)
SLOW = Fault(_("The portal's database took too long for this."), 10)

# PostgreSQL's codes, or the classes that they begin with; SQLite's names.
_FAULTS = {
    "08": UNREACHABLE,
    "57P": UNREACHABLE,  # shut down, crashed, or not yet started
    "53300": UNREACHABLE,  # too many connections
    "53100": FULL,
    "25006": READ_ONLY,
    "57014": SLOW,  # longer than the limit of a statement
    "25P03": SLOW,  # a transaction that held its locks and asked for nothing
    "SQLITE_CANTOPEN": UNREACHABLE,
    "SQLITE_FULL": FULL,
    "SQLITE_READONLY": READ_ONLY,
}

# Someone else was at the same rows, or came first.
_CONFLICTS = {"40001", "40P01", "55P03", "23505"} | {
    "SQLITE_BUSY",
    "SQLITE_BUSY_SNAPSHOT",
    "SQLITE_LOCKED",
    "SQLITE_CONSTRAINT_PRIMARYKEY",
    "SQLITE_CONSTRAINT_UNIQUE",
}


def is_conflict(error: BaseException | None) -> bool:
    """Whether ``error`` says that somebody else was at the same: waiting was in vain, or they came first."""
    return isinstance(error, IntegrityError | OperationalError) and _code(error) in _CONFLICTS


def fault_of(error: BaseException | None) -> Fault | None:
    """Return the ``Fault`` of the database that ``error`` came of, or None where it has another cause."""
    while error is not None:
        if isinstance(error, Error):
            found = _fault_told_by(error)
            if found:
                return found
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return None


def _code(error: Error) -> str | None:
    cause = error.__cause__
    return getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", None)


def _fault_told_by(error: Error) -> Fault | None:
    code, cause = _code(error), error.__cause__
    if code:
        return next((fault for start, fault in _FAULTS.items() if code.startswith(start)), None)
    # Without a code psycopg tells of the connection: it could not be made, or was cut.
    names = {base.__name__ for base in type(cause).__mro__} if cause else set()
    is_psycopg = type(cause).__module__.startswith("psycopg")
    return UNREACHABLE if is_psycopg and names & {"OperationalError", "InterfaceError"} else None
