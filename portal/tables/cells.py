"""What stands in the cells of an uploaded table."""

import re
from enum import Enum
from typing import overload

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.csv import plain_cell

# What is copied along unseen: marks of direction, of where a line may break, and of the order of bytes.
INVISIBLE = "\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff"
_INVISIBLE = re.compile(f"[{INVISIBLE}]+")
# In other scripts than ours, and between emoji, these two shape what stands beside them.
_JOINERS = re.compile("[\u200c\u200d]+")

# How a CSV file has a spreadsheet take a number for a text: it shows what is in the quotation marks.
_FORCED_TEXT = re.compile(r'\s*="([^"]*)"\s*')

# A number as spreadsheets show it: with an exponent, decimals or groups of digits, or in too narrow a column.
_MANGLED = re.compile(
    r"[+-]?\d+([.,]\d*)?(E[+-]?\d+)?|\d{1,3}([.,'’ \u00a0\u202f]\d{3})+|##+", re.IGNORECASE
)


class Unreadable(Enum):
    """A cell of a workbook that shows something else than what is in it."""

    FORMULA = "formula"
    ERROR = "error"
    DATE = "date"

    @property
    def sentence(self) -> Promise:
        return _SENTENCES[self]


_SENTENCES = {
    Unreadable.FORMULA: _(
        "Line %(line)d, column “%(column)s”: this is a formula. Put its result there, as a text."
    ),
    Unreadable.ERROR: _(
        "Line %(line)d, column “%(column)s”: the spreadsheet shows an error there."
    ),
    Unreadable.DATE: _(
        "Line %(line)d, column “%(column)s”: the spreadsheet has made a date of it. Format the cell as text,"
        " and enter it once more."
    ),
}


@overload
def cleaned(cell: str) -> str: ...
@overload
def cleaned(cell: Unreadable) -> Unreadable: ...
def cleaned(cell: str | Unreadable) -> str | Unreadable:
    """Return what a person reads in a cell: without invisible signs, spaces around it, and marks of ours.

    Those are what ``safe_cell`` added. A formula that is but a text counts as it: ``="0012"`` as 0012. An
    ``Unreadable`` cell stays one.
    """
    if isinstance(cell, Unreadable):
        return cell
    if not cell.isascii():
        cell = _INVISIBLE.sub("", cell)
        bare = _JOINERS.sub("", cell)
        if bare.isascii():
            cell = bare
    if forced := _FORCED_TEXT.fullmatch(cell):
        return forced[1].strip()
    return plain_cell(cell)


def is_mangled(text: str) -> bool:
    """Whether ``text``, where an ID belongs, is what a spreadsheet shows of one that it took for a number."""
    return not text.isdecimal() and bool(_MANGLED.fullmatch(text))
