"""What SECURITY.md and docs/asvs.md say can be looked up: the places exist, and no requirement is missing."""

import re
from collections import Counter
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
ROW = re.compile(r"^\| (\d+)\.(\d+)\.(\d+) \| (.+?) \| (.+?) \| (.*?) ?\|$", re.MULTILINE)
STATES = {"met", "partly", "not met", "operator", "–"}
# How many requirements of levels 1 and 2 each chapter of version 5.0.0 has.
CHAPTERS = {
    1: 27, 2: 11, 3: 19, 4: 10, 5: 9, 6: 35, 7: 18, 8: 7, 9: 7, 10: 29, 11: 14, 12: 9, 13: 13, 14: 9, 15: 13,
    16: 16, 17: 7,
}  # fmt: skip
# The chapters on encoding, business limits, files, authentication, sessions, authorization, tokens,
# cryptography, architecture and logging.
LOOKED_UP = {1, 2, 5, 6, 7, 8, 9, 11, 15, 16}


def test_every_requirement_has_its_row():
    text = (ROOT / "docs" / "asvs.md").read_text()
    rows = ROW.findall(text)
    numbers = [tuple(map(int, row[:3])) for row in rows]
    assert len(rows) == text.count("\n| ") - text.count("\n| # |")
    assert numbers == sorted(set(numbers))
    assert Counter(chapter for chapter, *_rest in numbers) == CHAPTERS
    for *number, what, state, where in rows:
        assert what, number
        assert state in STATES, number
        assert where or state == "–", number


def places_of(text):
    """The files and folders that ``text`` names, and its tests, each with the module that is named next.

    A module of tests without a folder is in that of the place before it.
    """
    places, tests, waiting = [], [], []
    for name in re.findall(r"`([^`\n]+)`", text):
        if re.fullmatch(r"test_\w+", name):
            waiting.append(name)
        elif re.fullmatch(r"[\w.-]+/([\w./-]+)?|[\w-]+\.(conf\.py|md|toml|txt)|test_\w+\.py", name):
            is_sibling = name.startswith("test_")
            places.append(places[-1].parent / name if is_sibling else ROOT / name)
            if places[-1].name.startswith("test_"):
                tests += [(test, places[-1]) for test in waiting]
                waiting = []
    assert not waiting, f"in which module is {waiting[0]}?"
    return places, tests


def has_test(module, name):
    return re.search(rf"^ *def {name}\(", module.read_text(), re.MULTILINE)


@pytest.mark.parametrize(
    "document", ["SECURITY.md", "docs/asvs.md", "README.md", "docs/architecture.md"]
)
def test_every_place_that_it_names_exists(document):
    text = (ROOT / document).read_text()
    linked = re.findall(r"\]\((?!https?:)([^)#]+)\)", text)
    found = [places_of(line) for line in text.splitlines()]
    assert linked or any(places for places, _tests in found)
    for path in linked:
        assert (ROOT / document).parent.joinpath(path).exists(), path
    for places, tests in found:
        for path in places:
            assert path.exists(), path
        for name, module in tests:
            assert has_test(module, name), f"{name} is not in {module}"


def test_it_would_notice_a_test_that_is_gone():
    line = "`test_a` in `tests/portal/test_text.py`, `test_b`, `test_c` in `test_csv.py`"
    places, tests = places_of(line)
    assert places == [ROOT / "tests/portal/test_text.py", ROOT / "tests/portal/test_csv.py"]
    assert tests == [("test_a", places[0]), ("test_b", places[1]), ("test_c", places[1])]
    assert not has_test(*reversed(tests[0]))
    with pytest.raises(AssertionError, match="in which module is test_d"):
        places_of("`tests/portal/test_text.py`, `test_d`")


def test_what_is_met_can_be_looked_up():
    """Each names a test or a place in the code, or another requirement that does."""
    rows = ROW.findall((ROOT / "docs" / "asvs.md").read_text())
    shown = {".".join(row[:3]): row[5] for row in rows}

    def is_shown(where):
        return (
            any(places_of(where))
            or "](" in where
            or any(is_shown(shown[number]) for number in re.findall(r"as (\d+\.\d+\.\d+)", where))
        )

    vague = [
        ".".join(number)
        for *number, _what, state, where in rows
        if state == "met" and int(number[0]) in LOOKED_UP and not is_shown(where)
    ]
    assert vague == []


@pytest.mark.parametrize("folder", ["docs", "docs/adr"])
def test_no_document_is_left_out(folder):
    """Readers find each from another one: decisions in their list, the rest from the first pages."""
    names = (
        ["docs/adr/README.md"]
        if folder == "docs/adr"
        else ["README.md", "CONTRIBUTING.md", "SECURITY.md"]
    )
    linked = {
        (ROOT / name).parent.joinpath(path).resolve()
        for name in names
        for path in re.findall(r"\]\((?!https?:)([^)#]+)\)", (ROOT / name).read_text())
    }
    documents = {path.resolve() for path in (ROOT / folder).glob("*.md")}
    assert documents - linked - {(ROOT / "docs/adr/README.md").resolve()} == set()
