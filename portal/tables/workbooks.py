"""Workbooks (XLSX), read in a process of their own: a hostile one can exhaust its reader, or end it."""

import json
import logging
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from typing import IO

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from .cells import Unreadable
from .refusals import NO_TABLE, refusal

logger = logging.getLogger(__name__)

# What the process may take, in seconds and bytes: 50,000 rows of our longest export need a tenth of it. No
# system but Linux keeps the limit on memory; what is unpacked has one of its own.
LIMITS = {
    "cpu_seconds": 20,
    "memory": 300_000_000,
    "unpacked": 400_000_000,
    "written": 100_000_000,
}
# So long it may last, when others use the processor too.
SECONDS = 40
# How ``workbook_child`` ends with a file that is no workbook.
UNREADABLE = 3

OLD_OR_LOCKED = _(
    "This is an old workbook (XLS), or one with a password. Save it as XLSX, without a password."
)
TOO_MUCH = _(
    "There is more in this workbook than can be read. Delete what is not needed of it, or save the table as"
    " CSV in UTF-8."
)


def workbook_rows(
    file: IO[bytes], known: Mapping[str, str], required: list[str], max_rows: int
) -> Iterator[tuple[int, list[str | Unreadable]]]:
    """Yield the number of each row of a workbook that has something in it, and its cells.

    They are those of the first visible sheet whose first row has the headings of all columns that are
    ``required``, or of that which has the most; the headings come first. Only the cells below headings
    that are ``known`` are read, and no more than one row beyond ``max_rows``. Raises ``ValidationError``
    where the file can't be read.
    """
    asked = {**LIMITS, "known": known, "required": required, "rows": max_rows + 1}
    with tempfile.TemporaryFile() as book, tempfile.TemporaryFile() as found:
        file.seek(0)
        shutil.copyfileobj(file, book)
        book.seek(0)
        _run(json.dumps(asked), book, found)
        found.seek(0)
        for line in found:
            number, cells = json.loads(line)
            yield number, [one if isinstance(one, str) else Unreadable(*one) for one in cells]


def _run(asked: str, book: IO[bytes], found: IO[bytes]) -> None:
    # The child has nothing of the portal: no variable, no open file, no connection.
    command = [sys.executable, "-s", "-X", "utf8", "-m", "portal.tables.workbook_child", asked]
    try:
        ended = subprocess.run(  # noqa: S603  (a command of our own)
            command,
            stdin=book,
            stdout=found,
            stderr=subprocess.DEVNULL,
            env={},
            cwd=settings.BASE_DIR,
            timeout=SECONDS,
            check=False,
        ).returncode
    except subprocess.TimeoutExpired:
        ended = None
    if ended == UNREADABLE:
        raise refusal(NO_TABLE, "no_table")
    if ended != 0:
        logger.warning("A workbook was not read within the limits: its reader ended with %s", ended)
        raise refusal(TOO_MUCH, "too_large")
