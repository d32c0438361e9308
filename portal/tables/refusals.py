"""Why a file that someone uploaded is no table."""

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

NO_TABLE = _("The portal can't read this file. It reads XLSX workbooks, and CSV files in UTF-8.")


def refusal(message, code, **params):
    return ValidationError(message, code=code, params=params)


def refused_line(message, line, **params):
    """Refuse one line of the file; others may have faults too."""
    return refusal(message, "line", line=line, **params)
