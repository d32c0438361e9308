"""Log lines that machines can read, with the id of the request and without anybody's personal data.

Lines go to other places and are kept by other rules than the data of the portal. So they name no
person and carry nothing that opens a door: no email, no personal link, no query string, and of an error
where it happened but not what its message quotes. The id of the request leads from the page that a user
reports to its lines.
"""

import logging
import re
import traceback
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError
from django.template import TemplateDoesNotExist, TemplateSyntaxError
from pythonjsonlogger.json import JsonFormatter

# What a line may say beside the time; anything else that code adds to a record stays out.
FIELDS = (
    "levelname",
    "name",
    "message",
    "request_id",
    "method",
    "route",
    "status_code",
    "outcome",
    "milliseconds",
)

# The messages of these tell of code and set-up. Those of others quote what someone typed or stored.
SPEAKING = (
    AttributeError,
    ImportError,
    ImproperlyConfigured,
    NameError,
    OperationalError,
    TemplateDoesNotExist,
    TemplateSyntaxError,
)

_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_SCRUBBED = (
    (re.compile(r"\?\S+"), "?…"),
    # Tried at the beginning of a word only, and without going back: linear in the length of the text.
    (re.compile(r"(?<![^\s@/<>\"'])[^\s@/<>\"']++@[^\s@/<>\"',;:]+"), "<email>"),
    # A long segment of a path that is no key of a row opens something: an invitation, a password reset.
    (re.compile(rf"/(?!{_UUID}(?:[/\s]|$))[^/\s]{{20,}}"), "/<token>"),
)


def scrub(text: str) -> str:
    """Return ``text`` without emails, query strings and personal links."""
    for pattern, stand_in in _SCRUBBED:
        text = pattern.sub(stand_in, text)
    return text


def describe_error(error: BaseException) -> str:
    """Return where ``error`` and its causes happened; what they say only where it can't be personal."""
    said = f": {scrub(str(error))}" if isinstance(error, SPEAKING) else ""
    own = f"{type(error).__module__}.{type(error).__qualname__}{said}"
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    before = f"{describe_error(cause)}\n\n" if cause else ""
    return f"{before}{''.join(traceback.format_tb(error.__traceback__))}{own}"


class PrivateJsonFormatter(JsonFormatter):
    """One JSON object a line, of nothing but ``FIELDS``."""

    def __init__(self) -> None:
        super().__init__(
            "{levelname}{name}{message}{request_id}",
            style="{",
            timestamp="at",
            rename_fields={"levelname": "level", "name": "logger"},
        )

    def formatException(self, exc_info: Any) -> str:
        return describe_error(exc_info[1])

    def format(self, record: logging.LogRecord) -> str:
        """Name of a refused request the area, not the path: Django's own lines tell the whole of it."""
        path = getattr(getattr(record, "request", None), "path", None)
        args = record.args
        if path and isinstance(args, tuple):
            area = "/".join(path.split("/")[:2])
            record = logging.makeLogRecord(record.__dict__)
            record.args = tuple(f"{area}/…" if arg == path else arg for arg in args)
        return super().format(record)

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        kept = {"at", "level", "logger", "exc_info", *FIELDS}
        said = {name: value for name, value in log_data.items() if name in kept}
        return said | {"message": scrub(said["message"])}
