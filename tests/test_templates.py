"""Parts of pages are never used without the words that make them clear."""

import re
from pathlib import Path

import pytest
from django.conf import settings

TEMPLATES = Path(settings.BASE_DIR, "templates")
NEEDED = {
    "empty.html": {"text", "hint"},  # what to do next
    "ask.html": {"label", "action"},
    "inactive.html": {"id", "label", "why"},
}


def templates():
    for path in sorted(TEMPLATES.rglob("*.html")):
        yield path.relative_to(TEMPLATES).as_posix(), path.read_text()


def uses_of(part):
    """Every place that includes this part, with the names that it has there."""
    tag = re.compile(rf'{{% include "includes/{re.escape(part)}"(.*?)%}}')
    for path, source in templates():
        made = set(re.findall(r" (?:as|asvar) (\w+)\b", source))
        for given in tag.findall(source):
            yield path, made | set(re.findall(r"(\w+)=", given))


@pytest.mark.parametrize("part", NEEDED)
def test_a_part_is_given_the_words_that_it_needs(part):
    uses = list(uses_of(part))
    assert uses
    assert [path for path, given in uses if not NEEDED[part] <= given] == []


def test_what_takes_something_away_asks_first():
    """A red button opens a question or answers it; it never acts at the first press."""
    red = re.compile(r"<button[^>]*\bbtn-(?:outline-)?danger\b[^>]*>")
    asking = re.compile(r"<form[^>]* data-question>.*?</form>", re.DOTALL)
    acting = {
        path
        for path, source in templates()
        for button in red.findall(asking.sub("", source))
        if " disabled" not in button
    }
    assert acting == {
        "portal/question.html",
        "includes/remove_factor.html",  # a page that asks
        "relationships/invitation.html",  # declining takes a reason
    }
