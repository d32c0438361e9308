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


@pytest.mark.parametrize("document", ["SECURITY.md", "docs/asvs.md", "README.md"])
def test_every_place_that_it_names_exists(document):
    text = (ROOT / document).read_text()
    named = re.findall(r"`([\w-]+/[\w./-]+\.\w+)`", text)
    linked = re.findall(r"\]\((?!https?:)([^)#]+)\)", text)
    assert named or linked
    for path in named:
        assert (ROOT / path).exists(), path
    for path in linked:
        assert (ROOT / document).parent.joinpath(path).exists(), path
