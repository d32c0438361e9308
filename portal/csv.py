"""CSV files, written so that a spreadsheet opens them as they are meant. ``portal.tables`` reads them."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

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


def separator_for(language: str) -> str:
    """Return what separates the cells in files for readers of ``language``.

    A spreadsheet splits a file that is double-clicked at the list separator of its country: a German one at
    the semicolon, as the comma is its decimal sign.
    """
    return ";" if language.startswith("de") else ","


def safe_cell(text: str) -> str:
    """Return ``text`` so that no spreadsheet runs a part of it as a formula.

    That holds whichever separator the program splits the line at. ``plain_cell`` gives the text back.
    """
    return _UNSAFE.sub(r"\1'", text)


def written_cell(text: str) -> str:
    """Return ``text`` as a CSV file has it: safe, and in quotes where a separator or a quote is in it."""
    text = safe_cell(text)
    if _NEEDS_QUOTES.search(text):
        doubled = text.replace('"', '""')
        return f'"{doubled}"'
    return text


def plain_cell(text: str) -> str:
    """Return what ``safe_cell`` made ``text`` of, without the spaces around it."""
    return _MADE_SAFE.sub(r"\1", text.strip()).strip()


def safe_row(row: Sequence[str]) -> Sequence[str]:
    """Return the texts of ``row``, each safe in a spreadsheet. Most are already: one look finds out."""
    if _UNSAFE_SOMEWHERE.search(_CELL_END.join(row)):
        return [safe_cell(cell) for cell in row]
    return row


def stream_csv(
    header: Sequence[str],
    rows: Iterable,
    *,
    separator: str = ",",
    are_lines: bool = False,
) -> Iterator[str]:
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
