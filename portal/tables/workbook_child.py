"""The process that reads a workbook: ``python -m portal.tables.workbook_child ASKED <workbook``.

It writes a line for each row, as ``workbook_rows`` yields them. What is in the workbook may be made to
exhaust its reader, so it sets itself limits first: ``portal.tables.workbooks`` says which.
"""

import json
import re
import resource
import sys
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from types import SimpleNamespace
from typing import IO, Any, NamedTuple
from xml.etree.ElementTree import Element

from openpyxl.cell.read_only import ReadOnlyCell
from openpyxl.reader.excel import ExcelReader
from openpyxl.styles.stylesheet import apply_stylesheet
from openpyxl.utils import get_column_letter
from openpyxl.worksheet._reader import DATA_TAG, ROW_TAG, WorkSheetParser, iterparse

from portal.tables.headings import count_known, names_of

UNREADABLE, TOO_MUCH = 3, 4

# The types of cells that show something else than what is in them.
KINDS = {"f": "formula", "e": "error", "d": "date"}
# From here on a spreadsheet keeps and shows no more than the first digits of a number.
MANY_DIGITS = 10**15
MOST_ROWS = 1_048_576


def limit(what: int, most: int) -> None:
    """Take no more than ``most``, or than the process was left with."""
    _soft, hard = resource.getrlimit(what)
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    resource.setrlimit(what, (most, most))


class Rows(WorkSheetParser):
    """The rows of a sheet, and of each the cells in the ``wanted`` columns, by their letters; None: all.

    Of a long sheet the other cells cost most of the time. What follows the rows is not read, for
    unreadable formats and rules there make no table unreadable.
    """

    wanted: set[str] | None = None

    def parse(self) -> Iterator[tuple[int, list[dict[str, Any] | None]]]:
        for _event, element in iterparse(self.source):
            if element.tag == ROW_TAG:
                yield self.parse_row(element)
                element.clear()
            elif element.tag == DATA_TAG:
                return

    def parse_cell(self, element: Element) -> dict[str, Any] | None:
        where = element.get("r")
        if where and self.wanted is not None and where.rstrip("0123456789") not in self.wanted:
            return None
        return super().parse_cell(element)

    def parse_formula(self, element: Element) -> str:
        return "="  # that there is one is enough; some can't be parsed


# The number of a row, and what its cells show, or in a list the kinds of those that show something else.
Row = tuple[int, list[str | list[str]]]


class Book:
    """A workbook, and the rows of its sheets as texts."""

    def __init__(self, file: IO[bytes], unpacked: int) -> None:
        reader = ExcelReader(file, read_only=True, keep_links=False)
        if sum(part.file_size for part in reader.archive.infolist()) > unpacked:
            raise MemoryError
        # What else there is (properties, themes, names of ranges) is not needed, and often odd.
        reader.read_manifest()
        reader.read_strings()
        reader.read_workbook()
        apply_stylesheet(reader.archive, reader.wb)
        self.reader, self.formats = reader, SimpleNamespace(parent=reader.wb)

    def sheets(self) -> Iterator[Rows]:
        """Yield the parser of each visible sheet."""
        for sheet, relation in self.reader.parser.find_sheets():
            if sheet.state == "visible" and relation.Type.endswith("/worksheet"):
                book = self.reader.wb
                yield Rows(
                    self.reader.archive.open(relation.target),
                    self.reader.shared_strings,
                    epoch=book.epoch,
                    date_formats=book._date_formats,
                    timedelta_formats=book._timedelta_formats,
                )

    def rows(self, sheet: Rows) -> Iterator[Row]:
        """Yield the number and the cells of each row with something in it, as far as it has cells."""
        for number, found in sheet.parse():
            if not 0 < number <= MOST_ROWS:
                raise ValueError("no number of a row")
            cells: list[str | list[str]] = []
            for cell in filter(None, found):
                if text := self.text_of(cell):
                    cells += [""] * (cell["column"] - len(cells))
                    cells[cell["column"] - 1] = text
            if cells:
                yield number, cells

    def text_of(self, cell: dict[str, Any]) -> str | list[str]:
        """Return what the cell shows, or in a list the kind of one that shows something else."""
        value = cell["value"]
        if value is None:
            return ""
        if kind := KINDS.get(cell["data_type"]):
            return [kind]
        if isinstance(value, bool):
            return str(value).upper()
        if isinstance(value, int | float):
            return self.number_of(cell)
        return str(value)

    def number_of(self, cell: dict[str, Any]) -> str:
        value = cell["value"]
        if abs(value) >= MANY_DIGITS or value != int(value):
            return str(float(value))
        text = str(int(value))
        form = ReadOnlyCell(self.formats, **cell).number_format
        return text.zfill(len(form)) if re.fullmatch("0+", form) else text


class Table(NamedTuple):
    """A sheet that may be the one that is asked for."""

    sheet: Rows
    first: Row
    rows: Iterator[Row]
    names: list[str | None]

    @property
    def fit(self) -> int:
        return count_known(self.names)


def find(book: Book, known: dict[str, str], required: list[str]) -> Table | None:
    """Return the table that is asked for, see ``workbook_rows``; None in an empty workbook."""
    best = None
    for sheet in book.sheets():
        rows = book.rows(sheet)
        if (first := next(rows, None)) is None:
            continue
        names = names_of([one if isinstance(one, str) else "" for one in first[1]], known)
        table = Table(sheet, first, rows, names)
        if best is None or table.fit > best.fit:
            best = table
        if {*required} <= {*names}:
            break
    return best


def write(asked: dict[str, Any]) -> None:
    book = Book(sys.stdin.buffer, asked["unpacked"])
    found = find(book, asked["known"], asked["required"])
    if found is None:
        return
    print(json.dumps(found.first))
    found.sheet.wanted = {get_column_letter(at) for at, name in enumerate(found.names, 1) if name}
    for row in islice(found.rows, asked["rows"]):
        print(json.dumps(row))
    sys.stdout.flush()


def main() -> None:
    asked = json.loads(sys.argv[1])
    limit(resource.RLIMIT_CORE, 0)
    limit(resource.RLIMIT_CPU, asked["cpu_seconds"])
    limit(resource.RLIMIT_FSIZE, asked["written"])
    with suppress(ValueError, OSError):  # macOS knows it, and may refuse it
        limit(resource.RLIMIT_AS, asked["memory"])
    try:
        write(asked)
    except Exception as error:
        # Whatever a reader raises, the file is why; but what has a number comes from the system.
        is_limit = isinstance(error, MemoryError) or getattr(error, "errno", None)
        sys.exit(TOO_MUCH if is_limit else UNREADABLE)


if __name__ == "__main__":
    main()
