"""Why a file that someone uploaded is no table."""

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

NO_TABLE = _("The portal can't read this file. It reads XLSX workbooks, and CSV files in UTF-8.")


def refusal(message: Any, code: str, **params: object) -> ValidationError:
    return ValidationError(message, code=code, params=params)


def refused_line(message: Any, line: int, **params: object) -> ValidationError:
    """Refuse one line of the file; others may have faults too."""
    return refusal(message, "line", line=line, **params)
