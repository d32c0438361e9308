"""Workbooks as spreadsheets save them, and such as no spreadsheet would."""

import io
import zipfile

from openpyxl import Workbook

SHEET = "xl/worksheets/sheet1.xml"


def workbook(*sheets, formats=None, hidden=()):
    """Return an XLSX file with ``sheets``, lists of rows; ``formats`` are those of cells of the first one.

    ``hidden`` are the numbers of the sheets that are.
    """
    book = Workbook()
    book.remove(book.active)
    for rows in sheets:
        sheet = book.create_sheet()
        for row in rows:
            sheet.append(row)
    for cell, form in (formats or {}).items():
        book.worksheets[0][cell].number_format = form
    for number in hidden:
        book.worksheets[number].sheet_state = "hidden"
        book.active = number + 1
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def with_parts(content, **parts):
    """Return ``content`` with the text of parts changed: each of ``parts`` is a function of what it is."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(written, "w") as new:
        for name in old.namelist():
            change = parts.get(name, lambda text: text)
            new.writestr(name, change(old.read(name).decode()), zipfile.ZIP_DEFLATED)
    return written.getvalue()


def with_cell(content, where, cell):
    """Return ``content`` with other XML for one cell, such as only other programs write."""

    def change(text):
        start = text.index(f'<c r="{where}"')
        end = text.index("</c>", start) + len("</c>")
        return text[:start] + cell + text[end:]

    return with_parts(content, **{SHEET: change})
