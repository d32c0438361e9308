"""The key for search and sorting: what people take for the same is the same."""

import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portal.models import Partner
from portal.text import fold

ANY_TEXT = st.text(st.characters())  # lone surrogates too


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Reederei Albers", "reederei albers"),
        ("  Reederei \t Albers\n", "reederei albers"),
        ("Möwe Systems", "mowe systems"),
        ("MO\u0308WE", "mowe"),
        ("Straße STRASSE ẞ", "strasse strasse ss"),
        ("Yılmaz YILMAZ İzmir", "yilmaz yilmaz izmir"),
        ("oﬃce ﬁrst ﬂow", "office first flow"),
        ("Ångström Łódź Đorđe Øre", "angstrom lodz dorde ore"),
        ("Æther œuvre Þór ðað", "aether oeuvre thor dad"),
        ("ＦＵＬＬ Ⅳ ①", "full iv 1"),
        ("ΟΔΟΣ οδός", "οδοσ οδοσ"),
        ("Ёлка", "елка"),
        ("株式会社", "株式会社"),
        ("a\u00a0b", "a b"),
        ("Nordlicht & Co. (KG) – 100%", "nordlicht & co. (kg) – 100%"),
        ("", ""),
        ("\u0301", ""),
    ],
)
def test_case_accents_and_spaces_do_not_count(text, key):
    assert fold(text) == key


@given(ANY_TEXT)
@example("\ud800")
@example("\x00")
@example("ŉ ǰ ΐ ﬀ ſt ᾳ ᾼ")
@example("¨ ΄ ͺ")
@example("한국 ﷺ")
def test_it_takes_any_text_and_folding_twice_is_folding_once(text):
    assert fold(fold(text)) == fold(text)


def test_folding_twice_is_folding_once_for_every_character_there_is():
    every = [chr(code) for code in range(sys.maxunicode + 1)]
    once = [fold(char) for char in every]
    unstable = [
        f"U+{ord(char):04X}" for char, key in zip(every, once, strict=True) if fold(key) != key
    ]
    assert unstable == []


@given(ANY_TEXT)
def test_upper_and_lower_case_do_not_count_wherever_unicode_agrees(text):
    assert fold(text.casefold()) == fold(text)


@given(ANY_TEXT, ANY_TEXT)
def test_words_are_folded_one_by_one(first, second):
    assert fold(f"{first} {second}") == " ".join(f"{fold(first)} {fold(second)}".split())


@given(st.text())  # without lone surrogates, which no database stores
@example("\ufdfa" * 200)
def test_the_key_fits_its_column(text):
    """Folding can make eighteen characters of one."""
    partner = Partner(name=text[:200])
    field = Partner._meta.get_field("name_key")
    key = field.pre_save(partner, add=True)
    assert len(key) <= field.max_length == 800
    assert partner.name_key == key
    assert fold(partner.name).startswith(key)


@pytest.mark.django_db
def test_the_longest_name_can_be_saved(demo):
    partner = demo.partner("Hafen IT")
    partner.name = "\ufdfa" * 200
    partner.full_clean()
    partner.save()
    partner.refresh_from_db()
    assert 990 < len(partner.name_key.encode()) <= 1000
