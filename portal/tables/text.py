"""Tables in text files: CSV as spreadsheets of every country save it, and their “Unicode Text”."""

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import IO, Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from .cells import INVISIBLE, cleaned
from .headings import count_known, names_of
from .refusals import NO_TABLE, refusal, refused_line

# Of those that fit equally well the first is taken: a single column has no separator, but cells with commas.
SEPARATORS = "\t;,"
# Among so many lines the first one with something in it has the headings.
HEAD = 100
# So many letters a line may have: what is in a few thousand cells.
LONGEST_LINE = 100_000

_LEADING = re.compile(f"\\A[{INVISIBLE}]+")
# A program that took the line for a row of cells has put separators of its own behind it.
_DECLARATION = re.compile(r'"?sep=(\t|[^\w\s"])"?([,;\t]*)\s*', re.IGNORECASE)

# Stands for bytes that are no text. No text has it: it is half of a pair.
_BROKEN = "\udcff"
_MARK_BROKEN = "portal.tables"


def _mark(error: Any) -> tuple[str, int]:
    return _BROKEN, error.end


codecs.register_error(_MARK_BROKEN, _mark)


def text_rows(file: IO[bytes], known: Mapping[str, str]) -> Iterator[tuple[int, list[str]]]:
    """Return an iterator of the line on which each row of a text file starts, and of its cells.

    A first line ``sep=`` names the separator. Without one it is that by which the line of the headings has
    the most of those that are ``known``. Raises ``ValidationError`` at the line that can't be read.
    """
    lines = _lines(file)
    head = list(islice(lines, HEAD))
    declaration = _DECLARATION.fullmatch(head[0]) if head else None
    if declaration:
        head[0] = "\n"
    if declaration and not declaration[2]:
        separator = declaration[1]
    else:
        separator = max(SEPARATORS, key=lambda one: _fit(head, one, known))
    return _rows(chain(head, lines), separator)


def _lines(file: IO[bytes]) -> Iterator[str]:
    """Yield the lines of ``file`` with their ends as they are, for a cell may hold some."""
    file.seek(0)
    is_utf_16 = file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    file.seek(0)
    encoding = "utf-16" if is_utf_16 else "utf-8"
    text = io.TextIOWrapper(file, encoding, errors=_MARK_BROKEN, newline="")
    try:
        number = 0
        while line := text.readline(LONGEST_LINE):
            number += 1
            if "\x00" in line:
                raise refusal(NO_TABLE, "no_table")
            if _BROKEN in line:
                message = _(
                    "Line %(line)d is not in UTF-8. Save the table as XLSX, or as CSV in UTF-8."
                )
                raise refused_line(message, number)
            if len(line) == LONGEST_LINE:
                raise refused_line(_("Line %(line)d is too long for a row of a table."), number)
            yield line if number > 1 else _LEADING.sub("", line)
    finally:
        text.detach()


def _fit(head: list[str], separator: str, known: Mapping[str, str]) -> tuple[int, int]:
    """How well the headings can be read with ``separator``: how many are known, and how many there are."""
    try:
        for _line, cells in _rows(head, separator):
            if any(map(cleaned, cells)):
                return count_known(names_of(cells, known)), len(cells)
    except ValidationError:
        pass
    return 0, 0


def _rows(lines: Iterable[str], separator: str) -> Iterator[tuple[int, list[str]]]:
    # The csv module skips the spaces before a quotation mark, and refuses those behind one.
    behind = re.compile(rf'(?<=") +(?=[{re.escape(separator)}\r\n]|\Z)')
    lines = (behind.sub("", line) if '" ' in line else line for line in lines)
    reader = csv.reader(lines, delimiter=separator, skipinitialspace=True, strict=True)
    start = 1
    try:
        for cells in reader:
            yield start, cells
            start = reader.line_num + 1
    except csv.Error:
        message = _("Line %(line)d can't be read: check its quotation marks.")
        raise refused_line(message, start) from None
