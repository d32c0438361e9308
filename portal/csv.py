"""CSV files that a spreadsheet opens as they are meant."""

import csv

# What makes a spreadsheet take a cell for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class _Echo:
    def write(self, value):
        return value


def safe_cell(text):
    """Return ``text`` so that no spreadsheet runs it as a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def stream_csv(header, rows):
    """Yield a CSV file of ``rows``, lists of texts, piece by piece: UTF-8 with BOM, safe in a spreadsheet."""
    writer = csv.writer(_Echo())
    yield "\ufeff" + writer.writerow(header)
    for row in rows:
        yield writer.writerow([safe_cell(cell) for cell in row])
