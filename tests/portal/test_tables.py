"""Tables that people upload: read as they are meant, or refused in words that help."""

import io
import subprocess
import zipfile
from datetime import date, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import InMemoryUploadedFile, TemporaryUploadedFile
from django.utils.translation import gettext_lazy, override
from hypothesis import given
from hypothesis import strategies as st

from portal.csv import safe_cell, stream_csv
from portal.tables import workbooks
from portal.tables.cells import cleaned, is_mangled
from portal.tables.reading import MAX_COLUMNS, MAX_ERRORS, read_table
from tests.workbooks import SHEET, with_cell, with_parts, workbook

COLUMNS = {"name": "Firm", "city": "City"}
# As the exports have them, in every language.
IDS = {
    "Subscription ID": gettext_lazy("Subscription ID"),
    "MPN ID of the contact": gettext_lazy("MPN ID of the contact"),
}
AB = [("A", "B")]


def read(content, columns=COLUMNS, **options):
    content = content.encode() if isinstance(content, str) else content
    return read_table(io.BytesIO(content), columns, **options)


def cells(content, columns=COLUMNS, **options):
    return [tuple(row.cells.values()) for row in read(content, columns, **options)]


def refusal(content, columns=COLUMNS, **options):
    with pytest.raises(ValidationError) as caught:
        read(content, columns, **options)
    return caught.value.messages


@pytest.mark.parametrize(
    "content",
    [
        "name,city\nA,B\n",
        "name;city\nA;B\n",
        "name\tcity\nA\tB\n",
        "Firm,City\r\nA,B",
        "\ufeffFIRM;CITY\rA;B\r",
        '"name","city"\n"A","B"\n',
        " name , city \n A ,\tB\t\n",
        "city,name\nB,A\n",
        "other;city;name\nx;B;A\n",
        "\n\nname,city\n\n,\nA,B\n\n",
        # What a line says of the separator, and what is left of it where a program took it for a row.
        "sep=;\nname;city\nA;B\n",
        "sep=,\r\nname,city\r\nA,B\r\n",
        "SEP=|\nname|city\nA|B\n",
        "sep=\t\nname\tcity\nA\tB\n",
        '"sep=;"\nname;city\nA;B\n',
        "\ufeffsep=;\nname;city\nA;B\n",
        "sep=;,,\nname,city,\nA,B,\n",
        # Which separator is meant, the headings tell; others may stand in quotes, and in other headings.
        '"name";"a, b, c, d";"city"\nA;"x, y";B\n',
        'name,"a; b; c; d",city\nA,x,B\n',
        'name\t"a; b, c"\tcity\nA\tx\tB\n',
        "name;city;first, last, middle\nA;B;x\n",
        # Cells that are empty, and spaces before quotes.
        "name,city,,,\nA,B,,,\n",
        "name,city\nA,B,,,\n",
        "name;city;;\nA;B\n",
        ' "name", "city"\n "A",  "B"\n',
        '"name"; "x, y"; "city"\n"A"; "x"; "B"\n',
        '"name" , "city" \n"A"  ,"B" ',
        'name \t"x; ""y"" , z" \t "city" \r\nA\t"x"\t"B"  \r\n',
        # Numbers that a spreadsheet is told to take for texts, and so keeps the zeros of.
        'name,city\n="A", ="B" \n',
        '"name";"city"\n"=""A""";"=""B"""\n',
        # How often the mark of the order of bytes was written, and in which order.
        "\ufeff\ufeffname,city\nA,B\n",
        '\ufeff\ufeff"name","city"\n"A","B"\n',
        "name\tcity\r\nA\tB\r\n".encode("utf-16"),
        "\ufeffname\tcity\r\nA\tB\r\n".encode("utf-16-be"),
        '\ufeff\ufeff"name"\t"city"\r\n"A"\t"B"\r\n'.encode("utf-16-le"),
        "\ufeffsep=;\nname;city\nA;B\n".encode("utf-16-le"),
        # Signs that nobody sees.
        "\u200bname,ci\u200bty\u2060\nA\u200b,\u200eB\ufeff\n",
        "na\u00adme,\u202acity\u202c\n\u2066A\u2069,\u200dB\u200c\n",
        "\u200b,\nname,city\n\ufeff,\u2060\nA,B\n",
        # No-break spaces, other dashes and signs around a heading.
        "\u00a0Name:\u00a0,*City*\nA\u00a0,\u2003B\n",
    ],
)
def test_what_spreadsheets_save_is_read(content):
    assert cells(content) == AB


def test_a_table_of_one_column_needs_no_separator():
    columns = {"city": "City"}
    for content in ("City\nA\nB\n", "\ufeff\ufeffcity\rA\rB", '"City"\n"A"\n"B"\n'):
        assert cells(content, columns) == [("A",), ("B",)]
    assert cells("City\nA, B; C\n", columns) == [("A, B; C",)]


@pytest.mark.parametrize("reader", ["en", "de"])
@pytest.mark.parametrize(
    "headings",
    [
        "Subscription ID;MPN ID of the contact",
        "Abonnement-ID;MPN-ID des Kontakts",
        "ABONNEMENT-ID;mpn id of the contact",
        "abonnement_id;MPN\u2011ID des Kontakts",
        "Abonnement\u2010ID ;MPN\u00a0ID of the\u200b contact",
    ],
)
def test_headings_may_be_in_any_language_whatever_the_reader_s(headings, reader):
    with override(reader):
        assert cells(f"{headings}\nA;B\n", IDS) == AB


def test_in_a_workbook_too():
    with override("en"):
        content = workbook([["abonnement id", "MPN-ID des\u200b Kontakts"], ["A", "B"]])
        assert cells(content, IDS) == AB


def test_each_row_knows_its_line():
    content = 'name,city\n"A\nwith\nlines",B\n\nC,D\n'
    assert [(row.line, row.cells["name"]) for row in read(content)] == [
        (2, "A\nwith\nlines"),
        (6, "C"),
    ]
    assert [row.line for row in read("sep=;\r\n\r\nname;city\r\nA;B\r\n")] == [4]
    assert [row.line for row in read(workbook([[], ["name", "city"], [], ["A", "B"]]))] == [4]


def test_a_separator_may_stand_in_a_cell():
    assert cells('name;city\n"A; B";"C, D"\n') == [("A; B", "C, D")]
    assert cells("name;city\nA, B;C\n") == [("A, B", "C")]


def test_a_short_row_has_empty_cells_and_an_optional_column_may_be_missing():
    assert cells("name,city\nA\n") == [("A", "")]
    assert cells("name\nA\n", required=["name"]) == [("A", "")]
    assert cells(workbook([["name"], ["A"]]), required=["name"]) == [("A", "")]


def test_a_formula_in_a_text_is_text_and_the_mark_that_tamed_it_goes():
    assert cells("name,city\n'=1+1,'+49 40\n") == [("=1+1", "+49 40")]
    assert cells("name,city\n=1+1,'s-Hertogenbosch\n") == [("=1+1", "'s-Hertogenbosch")]


def test_a_text_that_is_written_as_a_formula_is_the_text():
    assert cells('name,city\n="0012",="B"\n') == [("0012", "B")]
    assert cells('name,city\n\'="0012",="a"&"b"\n') == [('="0012"', '="a"&"b"')]


def test_what_shapes_letters_and_emoji_stays_in_a_text():
    for text in ("می\u200cخواهم", "👩\u200d💻", "Müller"):
        assert cells(f"name,city\n{text},B\u200d\n") == [(text, "B")]
        assert cells(f"name,city\n\u2066{text}\u2069\ufeff,B\n") == [(text, "B")]


CELL = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=20)


@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=5), st.sampled_from(",;"))
def test_what_the_portal_exports_it_reads(rows, separator):
    exported = "".join(stream_csv(["name", "city"], rows, separator=separator))
    told = [tuple(cleaned(safe_cell(cell)) for cell in row) for row in rows]
    expected = [row for row in told if any(row)]
    assert (cells(exported) if expected else []) == expected


ANY = st.binary(max_size=300)


@given(
    ANY
    | ANY.map(lambda content: b"\xff\xfe" + content)
    | st.text(max_size=300).map(lambda text: f"name,city\n{text}")
    | st.text(max_size=300).map(lambda text: f"sep={text}")
)
def test_any_file_is_read_or_refused_in_words(content):
    try:
        columns = [set(row.cells) for row in read(content)]
    except ValidationError as error:
        columns = [set(COLUMNS)] * all(error.messages)
    assert columns
    assert all(names == set(COLUMNS) for names in columns)


NO_TABLE = "The portal can't read this file. It reads XLSX workbooks, and CSV files in UTF-8."
QUOTES = "Line 2 can't be read: check its quotation marks."
EMPTY = "The file has no rows below its first line."
OLD = "This is an old workbook (XLS), or one with a password. Save it as XLSX, without a password."


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", EMPTY),
        ("\n\n", EMPTY),
        ("sep=;\n", EMPTY),
        ("name,city\n", EMPTY),
        ("name,city\n,\n\u200b,\u00a0\n", EMPTY),
        (
            "name;town\nA;B\n",
            "The first line does not name: City. It names: “name”, “town”.",
        ),
        ("x\nA\n", "The first line does not name: Firm, City. It names: “x”."),
        (
            "name|city\nA|B\n",
            "The first line does not name: Firm, City. It names: “name|city”.",
        ),
        (
            "sep=;\nname,city\nA,B\n",
            "The first line does not name: Firm, City. It names: “name,city”.",
        ),
        (
            ",".join("abcdefghijkl") + "\n" + "x" * 100,
            "The first line does not name: Firm, City. It names: “a”, “b”, “c”, “d”, “e”, “f”, “g”, “h”, "
            "“i”, “j”, ….",
        ),
        (
            "name,firm,city\nA,B,C\n",
            "The column “Firm” stands twice in the first line: “name”, “firm”.",
        ),
        (
            "name;city;x;CITY \nA;B;C;D\n",
            "The column “City” stands twice in the first line: “city”, “CITY”.",
        ),
        ("name,city\nA,B\nC,D,E\n", "Line 3 has more cells than the first line."),
        ('name,city\nA,"B\n', QUOTES),
        ('name,city\nA,"B"x\n', QUOTES),
        ('"name,city\nA,B\n', "Line 1 can't be read: check its quotation marks."),
        (
            "name,city\nA,M\xfcnchen\n".encode("latin-1"),
            "Line 2 is not in UTF-8. Save the table as XLSX, or as CSV in UTF-8.",
        ),
        ("name,city\nA," + "x" * 200_000, "Line 2 is too long for a row of a table."),
        (b"," * 200_000, "Line 1 is too long for a row of a table."),
        ("name,city\nA,B\n".encode("utf-16-le"), NO_TABLE),
        ("name,city\nA,B\n".encode("utf-32"), NO_TABLE),
        ("name,city\nA,B\x00\n", NO_TABLE),
        (b"%PDF-1.7\n\x00\x01", NO_TABLE),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", NO_TABLE),
        (b"\x89PNG\r\n\x1a\n", NO_TABLE),
        (b"\xff\xd8\xff\xe0JFIF", NO_TABLE),
        (b"GIF89a\xff", NO_TABLE),
        (b"\x1f\x8b\x08\x08\xff", NO_TABLE),
        (b"{\\rtf1\\ansi name,city}", NO_TABLE),
        (b"<html><table><tr><td>name</td></tr></table></html>", NO_TABLE),
        (b'\xef\xbb\xbf<?xml version="1.0"?>', NO_TABLE),
        (b"PK\x03\x04" + b"x" * 50, NO_TABLE),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, OLD),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(content, message):
    assert refusal(content) == [message]


def test_half_a_letter_in_utf_16_is_refused_at_its_line():
    content = "\ufeffname,city\nA,B\n".encode("utf-16-le") + b"\x00\xd8\n\x00"
    [said] = refusal(content)
    assert said.startswith("Line 3 is not in UTF-8.")


def test_every_bad_line_is_named_up_to_a_limit():
    assert refusal("name,city\na,b,c\na,b\nd,e,f\n") == [
        "Line 2 has more cells than the first line.",
        "Line 4 has more cells than the first line.",
    ]
    assert len(refusal("name,city\n" + "a,b,c\n" * 100)) == MAX_ERRORS
    # A fault that ends the reading does not hide those before it.
    assert refusal('name,city\na,b,c\na,"b') == [
        "Line 2 has more cells than the first line.",
        "Line 3 can't be read: check its quotation marks.",
    ]


def test_too_much_is_refused_without_reading_it_all():
    class Large(io.BytesIO):
        def read(self, *args):
            raise AssertionError("The file was read.")

    with pytest.raises(ValidationError, match="larger than 2 MB"):
        read_table(Large(b"x" * 2_000_001), COLUMNS)
    too_many = ["The file has more than 2 rows. Split it."]
    assert refusal("name,city\n" + "a,b\n" * 3, max_rows=2) == too_many
    assert len(read("name,city\n" + "a,b\n" * 2, max_rows=2)) == 2
    rows = [["name", "city"], *[["a", "b"]] * 3]
    assert refusal(workbook(rows), max_rows=2) == too_many
    assert len(read(workbook(rows), max_rows=3)) == 3
    wide = ["name", "city", *map(str, range(MAX_COLUMNS))]
    too_wide = [f"The table has more than {MAX_COLUMNS} columns. Delete what is not needed."]
    assert refusal(",".join(wide) + "\na,b\n") == too_wide
    assert refusal(workbook([wide, ["a", "b"]])) == too_wide


def test_a_file_is_left_open_for_its_owner():
    for kind in (io.BytesIO, lambda content: _uploaded(content, large=False), _uploaded):
        file = kind(b"name,city\nA,B\n")
        assert read_table(file, COLUMNS)
        assert not file.closed
        file.close()
        file = kind(b"name,town\nA,B\n")
        with pytest.raises(ValidationError):
            read_table(file, COLUMNS)
        assert not file.closed
        file.close()


def _uploaded(content, large=True):
    """A file as Django hands it over: small ones from memory, large ones from the disk."""
    if not large:
        return InMemoryUploadedFile(io.BytesIO(content), "file", "x.csv", None, len(content), None)
    file = TemporaryUploadedFile("x.csv", "text/csv", len(content), None)
    file.write(content)
    return file


class TestWorkbooks:
    def test_the_first_visible_sheet_with_the_headings_is_read(self):
        table = [["name", "city"], ["A", "B"]]
        other = [["name", "town"], ["X", "Y"]]
        for sheets in ([table], [other, table], [[], table, other], [[["notes"]], other, table]):
            assert cells(workbook(*sheets)) == AB
        hidden = [["name", "city"], ["X", "Y"]]
        assert cells(workbook(hidden, table, hidden=[0])) == AB

    def test_where_none_has_them_it_says_what_the_nearest_has(self):
        sheets = [["a"], ["b"]], [["name", "town"], ["X", "Y"]], [["x", "y"]]
        assert refusal(workbook(*sheets)) == [
            "The first line does not name: City. It names: “name”, “town”."
        ]
        assert refusal(workbook([])) == [EMPTY]
        assert refusal(workbook([["name", "city"], ["", " "]])) == [EMPTY]
        assert refusal(workbook([["name", "firm", "city"]])) == [
            "The column “Firm” stands twice in the first line: “name”, “firm”."
        ]

    def test_a_number_is_read_as_it_is_shown(self):
        numbers = {
            5100100: "5100100",
            12.0: "12",
            0: "0",
            -3: "-3",
            5100100.5: "5100100.5",
            1e21: "1e+21",
            10**15: "1000000000000000.0",
            True: "TRUE",
        }
        found = cells(workbook([["name", "city"], *([one, "x"] for one in numbers)]))
        assert [name for name, _city in found] == list(numbers.values())
        # A format of zeros shows them; others add what is no part of the number.
        formats = {"A2": "0000000", "B2": "#,##0"}
        assert cells(workbook([["name", "city"], [510010, 5100100]], formats=formats)) == [
            ("0510010", "5100100")
        ]

    def test_numbers_as_other_programs_write_them(self):
        content = workbook([["name", "city"], [1, 2]])
        content = with_cell(content, "A2", '<c r="A2"><v>5100100.0</v></c>')
        content = with_cell(content, "B2", '<c r="B2"><v>5.1001E6</v></c>')
        assert cells(content) == [("5100100", "5100100")]

    def test_what_a_cell_does_not_show_is_refused_at_line_and_column(self):
        rows = [["name", "city"], ["=1+1", "B"], ["A", "#N/A"], [date(2026, 5, 10), "B"]]
        rows += [["A", timedelta(hours=30)], ["=1+1", "=A1"]]
        formula = "this is a formula. Put its result there, as a text."
        made_date = "the spreadsheet has made a date of it. Format the cell as text, and enter it once more."
        assert refusal(workbook(rows)) == [
            f"Line 2, column “Firm”: {formula}",
            "Line 3, column “City”: the spreadsheet shows an error there.",
            f"Line 4, column “Firm”: {made_date}",
            f"Line 5, column “City”: {made_date}",
            f"Line 6, column “Firm”: {formula}",
            f"Line 6, column “City”: {formula}",
        ]
        with override("de"):
            assert refusal(workbook(rows[:2]))[0].startswith("Zeile 2, Spalte „Firm“: Hier steht")

    def test_what_stands_elsewhere_in_the_sheet_is_left_alone(self):
        rows = [
            ["since", "name", "sum", "city", "x"],
            [date(2026, 5, 10), "A", "=SUM(", "B", "#REF!"],
            [None, None, "=1", None, "#N/A"],
        ]
        assert cells(workbook(rows)) == AB
        # Beside the table, and with formats far below and to the right of it.
        content = workbook([["name", "city"], ["A", "B", "", "a note"]], formats={"AZ900": "0"})
        assert cells(content) == AB

    @pytest.mark.parametrize(
        ("part", "old", "new"),
        [
            (SHEET, '<dimension ref="A1:B2" />', '<dimension ref="A1" />'),
            (SHEET, '<dimension ref="A1:B2" />', ""),
            (SHEET, ' r="', ' x="'),
            (SHEET, "</sheetData>", "</sheetData><dataValidations><x/></dataValidations>"),
            ("docProps/core.xml", "T", "?"),
        ],
    )
    def test_it_need_not_be_as_a_spreadsheet_writes_it(self, part, old, new):
        def change(text):
            assert old in text
            return text.replace(old, new)

        content = workbook([["name", "city"], ["A", "B"]])
        assert cells(with_parts(content, **{part: change})) == AB

    def test_other_archives_and_broken_workbooks_are_refused(self):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        whole = workbook([["name", "city"], ["A", "B"]])
        for content in (
            file.getvalue(),
            whole[: len(whole) // 2],
            with_parts(whole, **{SHEET: lambda text: text[:200]}),
            with_parts(whole, **{SHEET: lambda text: text.replace('row r="2"', 'row r="0"')}),
            with_parts(whole, **{SHEET: lambda text: text.replace('row r="2"', 'row r="9999999"')}),
            with_parts(whole, **{"xl/workbook.xml": lambda text: "<workbook>"}),
            with_parts(
                whole, **{"[Content_Types].xml": lambda text: text.replace("sheet.main", "x")}
            ),
        ):
            assert refusal(content) == [NO_TABLE]

    TOO_MUCH = (
        "There is more in this workbook than can be read. Delete what is not needed of it, or save the table "
        "as CSV in UTF-8."
    )

    @pytest.mark.parametrize(
        "limits", [{"memory": 1_000_000}, {"unpacked": 1000}, {"written": 10}, {"cpu_seconds": 0}]
    )
    def test_a_reader_that_needs_too_much_is_stopped(self, limits, monkeypatch, caplog):
        """Each limit is kept, with a workbook that is read without it."""
        content = workbook([["name", "city"], ["A", "B"]])
        monkeypatch.setattr(workbooks, "LIMITS", workbooks.LIMITS | limits)
        assert refusal(content) == [self.TOO_MUCH]
        assert "was not read within the limits" in caplog.text

    def test_one_that_takes_too_long_is_stopped(self, monkeypatch):
        monkeypatch.setattr(workbooks, "SECONDS", 0.01)
        assert refusal(workbook([["name", "city"], ["A", "B"]])) == [self.TOO_MUCH]

    def test_the_reader_has_nothing_of_the_portal(self, monkeypatch):
        """Neither the variables, secrets among them, nor an open file or connection."""
        started = []

        def run(command, **options):
            started.append(options)
            return real(command, **options)

        real = subprocess.run
        monkeypatch.setattr(workbooks.subprocess, "run", run)
        assert cells(workbook([["name", "city"], ["A", "B"]])) == AB
        [options] = started
        assert options["env"] == {}
        assert not options.get("pass_fds")
        assert options.get("close_fds", True)
        assert not options.get("shell")


@pytest.mark.parametrize(
    "text",
    [
        "5100100.0", "5100100,0", "5100100.00", "5100100.", "1E+06", "1e6", "5,1001E+06", "5.1001E+6",
        "1.23457E+31", "5.100.100", "5,100,100", "5'100'100", "5 100 100", "#######", "-1E+06", "5100100.5",
    ],
)  # fmt: skip
def test_what_a_spreadsheet_makes_of_an_id_is_known(text):
    assert is_mangled(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "5100100", "0510010", "510", "Office", "E5", "1E", "#", "5100100a", "5.10.2026",
        "0046e8ed-695b-f5c7-c64a-a254968d8f93", "1e460000-0000-4000-8000-000000000000", "12-34",
    ],
)  # fmt: skip
def test_and_what_is_none_of_it(text):
    assert not is_mangled(text)
