"""docs/rules.md and the code name the same rules, and no text sends its reader out of the repository."""

import re
from pathlib import Path

import pytest
from django.conf import settings

from subscriptions.management.commands.verify_rules import RULES
from tests.test_architecture import LAYERS

ROOT = Path(settings.BASE_DIR)
PAGE = "docs/rules.md"
# A letter and a number that stand alone, or between underscores in the name of a test.
CODE = re.compile(r"(?<![^\W_]|%)[CRSTGV][1-9][0-9]?(?![^\W_])")
HEADING = re.compile(r"^- \*\*(\w+)\*\*(†?)", re.MULTILINE)
# Numbers its own requirements, and what was not written here.
OTHERS = {"docs/asvs.md", "tests/test_rules.py"}
FOLDERS = (
    "portal",
    "customers",
    "relationships",
    "subscriptions",
    "templates",
    "locale",
    "docs",
    "tests",
    "bench",
)
KINDS = {".py", ".html", ".txt", ".po", ".md"}


@pytest.fixture(scope="module")
def files():
    """The text of each file that people wrote, by its path."""
    paths = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*")]
    names = {str(path.relative_to(ROOT)): path for path in (*paths, *ROOT.glob("*.md"))}
    return {
        name: path.read_text()
        for name, path in names.items()
        if path.suffix in KINDS and name not in OTHERS and not name.startswith("tests/vendor/")
    }


@pytest.fixture(scope="module")
def rules(files):
    """Whether ``verify_rules`` looks it up, by the code of each rule."""
    return {code: bool(mark) for code, mark in HEADING.findall(files[PAGE])}


def cited(files, *folders):
    """The codes that stand in the files below ``folders``, each with the first file."""
    return {
        code: name
        for name, text in sorted(files.items(), reverse=True)
        if name.startswith(folders)
        for code in CODE.findall(text)
    }


def test_each_rule_has_one_place_on_the_page(files, rules):
    assert rules
    assert len(HEADING.findall(files[PAGE])) == len(rules)


def test_every_code_that_is_cited_is_a_rule(files, rules):
    unknown = {code: name for code, name in cited(files, "").items() if code not in rules}
    assert unknown == {}


def test_every_rule_is_kept_somewhere_and_has_a_test(files, rules):
    assert rules.keys() - cited(files, *(f"{layer}/" for layer in LAYERS)).keys() == set()
    assert rules.keys() - cited(files, "tests/").keys() == set()


def test_the_marked_ones_are_those_that_verify_rules_looks_up(rules):
    assert {code for code, is_marked in rules.items() if is_marked} == set(RULES)


def test_no_text_points_out_of_the_repository(files):
    elsewhere = re.compile(r"\b(?:product|engineering)\.md\b|\bsection \d of the product\b")
    found = {name: elsewhere.findall(text) for name, text in files.items()}
    assert {name: places for name, places in found.items() if places} == {}


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("(C2–C4, C10)", ["C2", "C4", "C10"]),
        ("def test_C7_nothing_changes", ["C7"]),
        ("#C2A0FF %C3%A4 UC12 C100 C0 365 E3", []),
    ],
)
def test_what_counts_as_a_citation(text, codes):
    assert CODE.findall(text) == codes
