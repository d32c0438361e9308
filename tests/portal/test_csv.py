"""CSV files that the portal writes: no spreadsheet runs a part of one, and what stands in them is told."""

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.csv import plain_cell, safe_cell, stream_csv, written_cell


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "a,b",
        'a"b',
        '"',
        "a\nb",
        "a\rb",
        "a\r\nb",
        " a ",
        "=1+1",
        '-"x"',
        "@a,b",
        "Ä",
        "'",
        ";",
        "1\t2",
    ],
)
@pytest.mark.parametrize("separator", [",", ";"])
def test_a_written_cell_is_read_as_what_the_csv_module_writes(text, separator):
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=separator).writerow([safe_cell(text), "end"])
    line = f"{written_cell(text)}{separator}end"
    [_header, piece] = stream_csv(["a"], [line], separator=separator, are_lines=True)
    [row] = csv.reader(io.StringIO(piece, newline=""), delimiter=separator)
    assert [row] == list(
        csv.reader(io.StringIO(buffer.getvalue(), newline=""), delimiter=separator)
    )


# What people write, with all that a spreadsheet may split at or take for a formula.
HOSTILE = st.text(st.sampled_from(list("=+-@',;\t\r\n|\" a1＝")), max_size=8)


@given(HOSTILE)
def test_a_safe_cell_tells_what_it_was(text):
    assert plain_cell(safe_cell(text.strip())) == text.strip()


@given(
    st.lists(st.tuples(HOSTILE, HOSTILE), min_size=1, max_size=3),
    st.sampled_from(",;"),
    st.booleans(),
)
def test_no_spreadsheet_finds_a_formula_at_whatever_it_splits(rows, separator, are_lines):
    written = [separator.join(map(written_cell, row)) for row in rows] if are_lines else rows
    pieces = stream_csv(["a", "b"], written, separator=separator, are_lines=are_lines)
    content = "".join(pieces).removeprefix("\ufeff")
    for split_at in ",;|\t":
        minding_quotes = csv.reader(io.StringIO(content, newline=""), delimiter=split_at)
        cells = [cell for row in minding_quotes for cell in row]
        cells += re.split(f"[\r\n{re.escape(split_at)}]", content)
        for cell in cells:
            assert not cell.lstrip('\t\r\n "').startswith(("=", "+", "-", "@", "＝"))


def test_a_formula_behind_another_separator_is_text():
    """A file with commas, opened where the semicolon separates: the cell's end would run."""
    assert written_cell("Wiebke;=1+1") == '"Wiebke;\'=1+1"'
    assert written_cell("Weg 5; 2. Stock") == '"Weg 5; 2. Stock"'
    assert plain_cell("Wiebke;'=1+1") == "Wiebke;=1+1"
