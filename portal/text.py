"""Text as people search and sort it."""

import unicodedata

from portal.addresses import kept_address, unicode_domain

# Letters that Unicode does not decompose into a base letter and a mark.
_LETTERS = str.maketrans(
    {"ı": "i", "ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe"}
)


def fold(text):
    """Return ``text`` as a key for search and sorting: case, accents and extra spaces do not count.

    Folded in Python because the two databases fold differently. Ä stands with A, as German readers
    expect; ß with ss. Guaranteed to be idempotent.
    """
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    base = "".join(char for char in decomposed if not unicodedata.combining(char))
    return " ".join(base.casefold().translate(_LETTERS).split())


def words_of(text):
    """Return the words of ``text`` that are looked for, folded; domains with their own letters."""
    return tuple(
        fold(unicode_domain(word)) if "xn--" in word else word for word in fold(text).split()
    )


def kept_word(word):
    """Return a word that is looked for in emails and names: folded, an email or domain as it is kept."""
    return fold(kept_address(word))
