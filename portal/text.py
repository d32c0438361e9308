"""Text as people search and sort it."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError

from portal.addresses import kept_address, normal_domain, unicode_domain

# Letters that Unicode does not decompose into a base letter and a mark.
_LETTERS = str.maketrans(
    {"ı": "i", "ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe"}
)


def fold(text: str) -> str:
    """Return ``text`` as a key for search and sorting: case, accents and extra spaces do not count.

    Folded in Python because the two databases fold differently. Ä stands with A, as German readers
    expect; ß with ss. Guaranteed to be idempotent.
    """
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    base = "".join(char for char in decomposed if not unicodedata.combining(char))
    return " ".join(base.casefold().translate(_LETTERS).split())


# A word that is looked for, in each of the ways in which it may be written where it stands.
Spellings = tuple[str, ...]


def words_of(text: str, *, with_addresses: bool = False) -> tuple[Spellings, ...]:
    """Return the words of ``text`` that are looked for, folded, each with its other spellings.

    What people copy counts as what they mean by it: a web address as its domain, an email address as the
    domain of the firm, a domain with its own letters, and commas, semicolons and quotation marks between
    words not at all. Who writes ``ue`` may mean ü, and who writes ü may have kept ``ue``; a hyphen may have
    been left out, and an apostrophe be another sign.

    Of very many words the first ``MOST_WORDS`` count. ``with_addresses`` is for where email addresses are
    looked in: they stay whole, as they are kept.
    """
    found = []
    for token in _BETWEEN_WORDS.split(text):
        typed = "".join(char for char in token if unicodedata.category(char) != "Cf")
        typed = typed.strip(_QUOTATION_MARKS).rstrip(":") or typed
        kept = (kept_word(typed),) if with_addresses else ()
        meant = typed if with_addresses else _domain_in(typed)
        for word in _parts_of(meant):
            found.append(tuple(dict.fromkeys([*_spellings_of(word), *kept])))
    return tuple(dict.fromkeys(found))[:MOST_WORDS]


# More are no search that a person makes, and each costs.
MOST_WORDS = 20
_BETWEEN_WORDS = re.compile(r"[\s,;]+")
_QUOTATION_MARKS = "\"'`´‘’‚“”„«»‹›<>"
_DASHES = re.compile("[\u2010-\u2015\u2212-]")
_APOSTROPHES = re.compile("[`´‘’ʼ′]")
# How a key has one: from a keyboard, from a phone, and what is left of an accent.
_KEPT_APOSTROPHES = ("'", "’", " ")
_ADDRESS = re.compile(r"\Awww\.|@|//|\A[^/]+\.[^/]+/", re.IGNORECASE)
_WRITTEN_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})
# Behind these letters it is no ü: Bauer, neue, Quelle.
_UMLAUT = re.compile("ae|oe|(?<![aeoq])ue")


def _domain_in(word: str) -> str:
    """The domain that an address names, with its own letters; other words as they are."""
    if word.lower().startswith("mailto:"):
        word = word[len("mailto:") :]
    if not _ADDRESS.search(word):
        return unicode_domain(word.lower()) if "xn--" in word.lower() else word
    try:
        return unicode_domain(normal_domain(word))
    except ValidationError:
        # Half typed; what stands there of the domain.
        return re.sub(r"\A.*(@|//)|\Awww\.", "", word, flags=re.IGNORECASE) or word


def _parts_of(word: str) -> list[str]:
    """The parts of a word with a hyphen, which may stand apart; of a domain, and of E-Mail, it is one."""
    parts = _DASHES.split(word)
    is_one = "." in word or "@" in word or min(map(len, parts)) < 2
    return [part for part in ([word] if is_one else parts) if fold(part)]


def _spellings_of(word: str) -> Spellings:
    word = _APOSTROPHES.sub("'", word)
    folded = fold(word)
    folded = folded.rstrip(".") or folded
    written_out = fold(unicodedata.normalize("NFC", word.casefold()).translate(_WRITTEN_OUT))
    umlauts = _UMLAUT.sub(lambda found: found[0][0], folded)
    spellings = [folded, written_out.rstrip(".") or written_out, umlauts]
    if _DASHES.search(folded[1:-1]):
        spellings += [_DASHES.sub(dash, one) for one in tuple(spellings) for dash in ("-", " ")]
    if "'" in folded[1:-1]:
        spellings = [one.replace("'", sign) for sign in _KEPT_APOSTROPHES for one in spellings]
    return tuple(dict.fromkeys(spellings))


def kept_word(word: str) -> str:
    """Return a word that is looked for in emails and names: folded, an email or domain as it is kept."""
    return fold(kept_address(word))


def told_apart(rows: Iterable[tuple[Any, str, str]]) -> list[tuple[Any, str]]:
    """Return key and label of each of ``rows``: key, name, and what tells it from another of that name.

    The label is the name alone, except where another row has it too, in whatever case.
    """
    rows = list(rows)
    times = Counter(name.casefold() for _key, name, _detail in rows)
    return [
        (key, f"{name} ({detail})" if times[name.casefold()] > 1 else name)
        for key, name, detail in rows
    ]
