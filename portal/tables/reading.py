"""Tables that people upload: a line of headings, and rows, from CSV in its many forms or from a workbook."""

import codecs
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import IO, NamedTuple

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.formats import localize
from django.utils.functional import Promise
from django.utils.text import Truncator, capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override

from .cells import Unreadable, cleaned
from .headings import heading_key, names_of
from .refusals import NO_TABLE, refusal, refused_line
from .text import text_rows
from .workbooks import OLD_OR_LOCKED, workbook_rows

MAX_BYTES = 2_000_000
MAX_ROWS = 5_000
MAX_COLUMNS = 500
MAX_ERRORS = 20
# So many of the headings that were found are named where others are missing.
MOST_NAMED = 10

# How a file begins: a ZIP archive, such as XLSX, and the container of older workbooks and of those with a
# password.
ARCHIVE = b"PK\x03\x04"
CONTAINER = b"\xd0\xcf\x11\xe0"
# How no table begins: PDF, PNG, JPEG, GIF, gzip, RTF, and the HTML and XML that are called workbooks.
OTHERS = (b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\x1f\x8b", b"{\\rt", b"<")


# The heading of each column by its name.
Columns = Mapping[str, str | Promise]
Cells = Sequence[str | Unreadable]


class Row(NamedTuple):
    """One row of an uploaded table: the line on which it starts, and its cells by column."""

    line: int
    cells: dict[str, str]


def read_table(
    file: IO[bytes],
    columns: Columns,
    *,
    required: Iterable[str] | None = None,
    max_bytes: int = MAX_BYTES,
    max_rows: int = MAX_ROWS,
) -> list[Row]:
    """Return the ``Row``s of an uploaded ``file``, with the cells as plain text, formulas too.

    ``columns`` gives the heading of each column by its name; a file may use the name, or the heading in
    any language of the portal, in any order, and leave out those not ``required`` (all are, unless told
    otherwise), which then are empty. Other columns, and rows with nothing in these, are passed over.

    It reads CSV (UTF-8 or UTF-16, with commas, semicolons, tabs, or what a line ``sep=`` says) and XLSX,
    there the first sheet with the headings. Raises ``ValidationError`` in the user's words, naming line
    and column, where it can't, with all faults up to ``MAX_ERRORS``; never reads more than ``max_bytes``.
    """
    required = list(columns if required is None else required)
    known = _known(columns)
    names: list[str | None] = []
    rows: list[Row] = []
    faults: list[ValidationError] = []
    try:
        for line, found in _lines_of(file, known, required, max_bytes, max_rows):
            if not names:
                names = _names_in(found, known, columns, required)
                continue
            cells = {name: cleaned(cell) for name, cell in zip(names, found, strict=False) if name}
            faults += _faults_in(line, cells, found[len(names) :], columns)
            if len(faults) >= MAX_ERRORS:
                break
            if not any(cells.values()):
                continue
            if len(rows) == max_rows:
                raise refusal(
                    ngettext(
                        "The file has more than %(count)s row. Split it.",
                        "The file has more than %(count)s rows. Split it.",
                        max_rows,
                    ),
                    "too_many",
                    count=localize(max_rows),
                )
            texts = {name: cell for name, cell in cells.items() if isinstance(cell, str)}
            rows.append(Row(line, {name: texts.get(name, "") for name in columns}))
    except ValidationError as error:
        faults.append(error)
    if faults:
        raise ValidationError(faults)
    if not rows:
        raise refusal(_("The file has no rows below its first line."), "empty")
    return rows


def _lines_of(
    file: IO[bytes], known: Mapping[str, str], required: list[str], max_bytes: int, max_rows: int
) -> Iterator[tuple[int, Cells]]:
    """Return an iterator of the lines with something in them, and of their cells; the headings come first."""
    if file.seek(0, io.SEEK_END) > max_bytes:
        raise refusal(
            _("The file is larger than %(size)d MB. Split it."),
            "too_large",
            size=max(1, max_bytes // 1_000_000),
        )
    file.seek(0)
    start = file.read(4)
    if start == CONTAINER:
        raise refusal(OLD_OR_LOCKED, "no_table")
    if start.removeprefix(codecs.BOM_UTF8).startswith(OTHERS):
        raise refusal(NO_TABLE, "no_table")
    found: Iterable[tuple[int, Cells]] = (
        workbook_rows(file, known, required, max_rows)
        if start == ARCHIVE
        else text_rows(file, known)
    )
    return ((line, cells) for line, cells in found if any(map(cleaned, cells)))


def _known(columns: Columns) -> dict[str, str]:
    """Return the name of each column by the keys of its headings, in every language."""
    known = {heading_key(name): name for name in columns}
    for language, _label in settings.LANGUAGES:
        with override(language):
            known |= {heading_key(str(heading)): name for name, heading in columns.items()}
    return known


def _names_in(
    found: Cells, known: Mapping[str, str], columns: Columns, required: list[str]
) -> list[str | None]:
    """Return the name of the column under each heading that was ``found``; None for one that is not known."""
    headings = ["" if isinstance(cell, Unreadable) else cleaned(cell) for cell in found]
    named = [heading for heading in headings if heading]
    if len(named) > MAX_COLUMNS:
        raise refusal(
            ngettext(
                "The table has more than %(count)s column. Delete what is not needed.",
                "The table has more than %(count)s columns. Delete what is not needed.",
                MAX_COLUMNS,
            ),
            "columns",
            count=localize(MAX_COLUMNS),
        )
    names = names_of(headings, known)
    for name in columns:
        twice = [heading for heading, one in zip(headings, names, strict=True) if one == name]
        if len(twice) > 1:
            message = _("The column “%(column)s” stands twice in the first line: %(found)s.")
            raise refusal(message, "columns", column=columns[name], found=_quoted(twice))
    if missing := [capfirst(str(columns[name])) for name in required if name not in names]:
        message = _("The first line does not name: %(columns)s. It names: %(found)s.")
        raise refusal(message, "columns", columns=", ".join(missing), found=_quoted(named))
    return names


def _quoted(headings: list[str]) -> str:
    """Return what stands in cells for a sentence; of many and of long ones the beginning."""
    quoted = [_("“%(text)s”") % {"text": Truncator(one).chars(60)} for one in headings[:MOST_NAMED]]
    return ", ".join([*quoted, "…"] if len(headings) > MOST_NAMED else quoted)


def _faults_in(
    line: int, cells: Mapping[str, str | Unreadable], more: Cells, columns: Columns
) -> Iterator[ValidationError]:
    """Yield what can't be read in the cells of a line; ``more`` are those that stand below no heading."""
    for name, cell in cells.items():
        if isinstance(cell, Unreadable):
            yield refused_line(cell.sentence, line, column=columns[name])
    if any(map(cleaned, more)):
        yield refused_line(_("Line %(line)d has more cells than the first line."), line)
