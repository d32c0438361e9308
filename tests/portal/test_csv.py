"""CSV files that people upload: read as they are meant, or refused in words that help."""

import csv
import io
import re

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from portal.csv import MAX_ERRORS, plain_cell, read_csv, safe_cell, stream_csv, written_cell

COLUMNS = {"name": "Firm", "city": "City"}


def read(content, columns=COLUMNS, **options):
    content = content.encode() if isinstance(content, str) else content
    return read_csv(io.BytesIO(content), columns, **options)


def cells(content, **options):
    return [tuple(row.cells.values()) for row in read(content, **options)]


def refusal(content, **options):
    with pytest.raises(ValidationError) as caught:
        read(content, **options)
    return caught.value.messages


@pytest.mark.parametrize(
    "content",
    [
        "name,city\nA,B\n",
        "name;city\nA;B\n",
        "Firm,City\r\nA,B",
        "\ufeffFIRM;CITY\rA;B\r",
        '"name","city"\n"A","B"\n',
        " name , city \n A ,\tB\t\n",
        "city,name\nB,A\n",
        "other;city;name\nx;B;A\n",
        "\n\nname,city\n\n,\nA,B\n\n",
    ],
)
def test_what_spreadsheets_save_is_read(content):
    assert cells(content) == [("A", "B")]


def test_each_row_knows_its_line():
    content = 'name,city\n"A\nwith\nlines",B\n\nC,D\n'
    assert [(row.line, row.cells["name"]) for row in read(content)] == [
        (2, "A\nwith\nlines"),
        (6, "C"),
    ]


def test_a_delimiter_may_stand_in_a_cell():
    assert cells('name;city\n"A; B";"C, D"\n') == [("A; B", "C, D")]
    assert cells("name;city\nA, B;C\n") == [("A, B", "C")]


def test_a_short_row_has_empty_cells_and_an_optional_column_may_be_missing():
    assert cells("name,city\nA\n") == [("A", "")]
    assert cells("name\nA\n", required=["name"]) == [("A", "")]


def test_a_formula_is_text_and_the_mark_that_tamed_it_goes():
    assert cells("name,city\n'=1+1,'+49 40\n") == [("=1+1", "+49 40")]
    assert cells("name,city\n=1+1,'s-Hertogenbosch\n") == [("=1+1", "'s-Hertogenbosch")]


CELL = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=20)


@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=5))
def test_what_the_portal_exports_it_reads(rows):
    exported = "".join(stream_csv(["name", "city"], rows))
    expected = [
        tuple(plain_cell(safe_cell(cell)) for cell in row)
        for row in rows
        if any(safe_cell(cell).strip() for cell in row)
    ]
    assert (cells(exported) if expected else []) == expected


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: f"name,city\n{text}"))
def test_any_file_is_read_or_refused_in_words(content):
    try:
        columns = [set(row.cells) for row in read(content)]
    except ValidationError as error:
        columns = [set(COLUMNS)] * all(error.messages)
    assert columns
    assert all(names == set(COLUMNS) for names in columns)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "The file has no rows below its first line."),
        ("name,city\n", "The file has no rows below its first line."),
        ("name,city\n,\n", "The file has no rows below its first line."),
        ("name,town\nA,B\n", "The first line does not name: City."),
        ("x\nA\n", "The first line does not name: Firm, City."),
        ("name,firm,city\nA,B,C\n", "The column “Firm” stands twice in the first line."),
        ("name,city\nA,B\nC,D,E\n", "Line 3 has more cells than the first line."),
        ('name,city\nA,"B\n', "Line 2 can't be read: check its quotation marks."),
        ('name,city\nA,"B"x\n', "Line 2 can't be read: check its quotation marks."),
        ("name,city\nA,M\xfcnchen\n".encode("latin-1"), "Line 2 is not in UTF-8."),
        ("name,city\nA,B\n".encode("utf-16"), "This is no CSV file."),
        (b"PK\x03\x04" + b"x" * 50, "This is no CSV file."),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "This is no CSV file."),
        ("name,city\nA,B\x00\n", "This is no CSV file."),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(content, message):
    [said] = refusal(content)
    assert said.startswith(message)


def test_a_cell_without_end_is_no_error_of_the_server():
    [said] = refusal("name,city\nA," + "x" * 200_000)
    assert said == "Line 2 can't be read: check its quotation marks."


def test_every_bad_line_is_named_up_to_a_limit():
    assert refusal("name,city\na,b,c\na,b\nd,e,f\n") == [
        "Line 2 has more cells than the first line.",
        "Line 4 has more cells than the first line.",
    ]
    assert len(refusal("name,city\n" + "a,b,c\n" * 100)) == MAX_ERRORS


def test_too_much_is_refused_without_reading_it_all():
    class Endless:
        asked = 0

        def read(self, size):
            self.asked += size
            return b"x" * size

    endless = Endless()
    with pytest.raises(ValidationError, match="larger than 2 MB"):
        read_csv(endless, COLUMNS)
    assert endless.asked < 2_100_000
    assert refusal("name,city\n" + "a,b\n" * 3, max_rows=2) == [
        "The file has more than 2 rows. Split it."
    ]
    assert len(read("name,city\n" + "a,b\n" * 2, max_rows=2)) == 2


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
