"""CSV files: written so that a spreadsheet opens them as they are meant, and read as it saves them."""

import csv
import io
import re
from itertools import islice
from typing import NamedTuple

from django.core.exceptions import ValidationError
from django.utils.formats import localize
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.text import fold

MAX_BYTES = 2_000_000
MAX_ROWS = 5_000
MAX_ERRORS = 20

# By the names that scripts may use for them.
SEPARATORS = {"comma": ",", "semicolon": ";"}

# Where a spreadsheet may begin a cell, whatever the file was written with: at the separators of its
# country or of its import dialogue, and at each line. Spaces are left out: no program splits there unless
# told to.
_SPLITS = r",;|\t\r\n"
# What makes a spreadsheet take a cell for a formula, the wide signs of East Asian keyboards included.
# Spaces and quotation marks may stand before it.
_FORMULA = r"[\s\"']*[=+\-@\uff1d\uff0b\uff0d\uff20]"
_UNSAFE = re.compile(rf"(\A(?='*[\t\r])|(?:\A|[{_SPLITS}])(?={_FORMULA}))")
_MADE_SAFE = re.compile(rf"(\A(?='+[\t\r])|(?:\A|[{_SPLITS}])(?='{_FORMULA}))'")
_CELL_END = "\0"
_UNSAFE_SOMEWHERE = re.compile(
    rf"(?:\A|{_CELL_END})'*[\t\r]|(?:\A|[{_CELL_END}{_SPLITS}]){_FORMULA}"
)

_NEEDS_QUOTES = re.compile('[",;\r\n]')

ROWS_IN_A_PIECE = 500


def separator_for(language):
    """Return what separates the cells in files for readers of ``language``.

    A spreadsheet splits a file that is double-clicked at the list separator of its country: a German one at
    the semicolon, as the comma is its decimal sign.
    """
    return ";" if language.startswith("de") else ","


def safe_cell(text):
    """Return ``text`` so that no spreadsheet runs a part of it as a formula.

    That holds whichever separator the program splits the line at. ``plain_cell`` gives the text back.
    """
    return _UNSAFE.sub(r"\1'", text)


def written_cell(text):
    """Return ``text`` as a CSV file has it: safe, and in quotes where a separator or a quote is in it."""
    text = safe_cell(text)
    if _NEEDS_QUOTES.search(text):
        doubled = text.replace('"', '""')
        return f'"{doubled}"'
    return text


def plain_cell(text):
    """Return what ``safe_cell`` made ``text`` of, without the spaces around it."""
    return _MADE_SAFE.sub(r"\1", text.strip()).strip()


def safe_row(row):
    """Return the texts of ``row``, each safe in a spreadsheet. Most are already: one look finds out."""
    if _UNSAFE_SOMEWHERE.search(_CELL_END.join(row)):
        return [safe_cell(cell) for cell in row]
    return row


def stream_csv(header, rows, *, separator=",", are_lines=False):
    """Yield a CSV file of ``rows``, lists of texts, piece by piece: UTF-8 with BOM, safe in a spreadsheet.

    The rows come many at a time. With ``are_lines`` each row is a line already, of ``written_cell``s with
    ``separator`` between them.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=separator)
    writer.writerow(header)
    yield "\ufeff" + buffer.getvalue()
    rows = iter(rows) if are_lines else map(safe_row, rows)
    while True:
        some = islice(rows, ROWS_IN_A_PIECE)
        if are_lines:
            piece = "".join(f"{line}\r\n" for line in some)
        else:
            buffer.seek(0)
            buffer.truncate()
            writer.writerows(some)
            piece = buffer.getvalue()
        if not piece:
            return
        yield piece


class Row(NamedTuple):
    """One row of an uploaded file: the line on which it starts, and its cells by column."""

    line: int
    cells: dict[str, str]


def read_csv(file, columns, *, required=None, max_bytes=MAX_BYTES, max_rows=MAX_ROWS):
    """Return the ``Row``s of an uploaded ``file``, with the cells as plain text, formulas too.

    ``columns`` gives the heading of each column by its name; a file may use either, in any order, and
    leave out those not ``required`` (all are, unless told otherwise), which then are empty. UTF-8, with
    comma or semicolon; empty rows are passed over. Raises ``ValidationError`` in the user's words, naming the
    line, where it can't be read; never reads more than ``max_bytes``.
    """
    text = _decoded(file, max_bytes)
    delimiter = _delimiter_of(text)
    # With line ends as they are: a cell may hold some.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows, faults, start, names = [], [], 1, None
    try:
        for cells in reader:
            line, start = start, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if names is None:
                names = _names_of(cells, columns, columns if required is None else required)
            elif len(cells) > len(names):
                faults.append(_fault(_("Line %(line)d has more cells than the first line."), line))
            elif len(rows) == max_rows:
                raise _refusal(
                    ngettext(
                        "The file has more than %(count)s row. Split it.",
                        "The file has more than %(count)s rows. Split it.",
                        max_rows,
                    ),
                    "too_many",
                    count=localize(max_rows),
                )
            else:
                found = dict(zip(names, map(plain_cell, cells), strict=False))
                rows.append(Row(line, {name: found.get(name, "") for name in columns}))
            if len(faults) == MAX_ERRORS:
                break
    except csv.Error:
        faults.append(_fault(_("Line %(line)d can't be read: check its quotation marks."), start))
    if faults:
        raise ValidationError(faults)
    if not rows:
        raise _refusal(_("The file has no rows below its first line."), "empty")
    return rows


def _refusal(message, code, **params):
    return ValidationError(message, code=code, params=params)


def _fault(message, line):
    return _refusal(message, "line", line=line)


def _decoded(file, max_bytes):
    content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise _refusal(
            _("The file is larger than %(size)d MB. Split it."),
            "too_large",
            size=max(1, max_bytes // 1_000_000),
        )
    # A spreadsheet's own file is a ZIP archive or an OLE container; other programs' files have zeros.
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")) or b"\x00" in content:
        raise _refusal(_("This is no CSV file. Save the table as CSV (UTF-8)."), "no_csv")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _refusal(
            _("Line %(line)d is not in UTF-8. Save the table as CSV (UTF-8)."),
            "encoding",
            line=line,
        ) from None


def _delimiter_of(text):
    first = next((line for line in io.StringIO(text, newline="") if line.strip()), "")
    return ";" if first.count(";") > first.count(",") else ","


def _names_of(headings, columns, required):
    """Return the name of the column under each of ``headings``; None for one that is not wanted."""
    by_heading = {fold(name): name for name in columns}
    by_heading |= {fold(str(heading)): name for name, heading in columns.items()}
    names = [by_heading.get(fold(heading)) for heading in headings]
    found = [name for name in names if name]
    for name in found:
        if found.count(name) > 1:
            raise _refusal(
                _("The column “%(column)s” stands twice in the first line."),
                "columns",
                column=columns[name],
            )
    missing = [capfirst(str(columns[name])) for name in required if name not in found]
    if missing:
        raise _refusal(
            _("The first line does not name: %(columns)s."), "columns", columns=", ".join(missing)
        )
    return names
