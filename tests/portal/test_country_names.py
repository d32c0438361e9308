"""Countries are named as CLDR names them, in each language of the portal."""

import pytest
from django.conf import settings
from django.utils.translation import override
from django_countries import countries
from django_countries.data import COUNTRIES

from portal.country_names import CLDR_NAMES


def test_each_country_has_a_name_of_cldr_in_each_language():
    assert CLDR_NAMES.keys() == COUNTRIES.keys()
    for language, _name in settings.LANGUAGES:
        with override(language):
            assert all(str(name) for name in CLDR_NAMES.values())


@pytest.mark.parametrize(
    ("code", "english", "german"),
    [
        ("GD", "Grenada", "Grenada"),
        ("KI", "Kiribati", "Kiribati"),
        ("PG", "Papua New Guinea", "Papua-Neuguinea"),
        ("SA", "Saudi Arabia", "Saudi-Arabien"),
        ("SZ", "Eswatini", "Eswatini"),
        ("FO", "Faroe Islands", "Färöer"),
        ("MZ", "Mozambique", "Mosambik"),
        ("US", "United States", "Vereinigte Staaten"),
        ("DE", "Germany", "Deutschland"),
    ],
)
def test_a_country_is_named_in_the_language_of_its_reader(code, english, german):
    with override("en"):
        assert countries.name(code) == english
        assert dict(countries)[code] == english
    with override("de"):
        assert countries.name(code) == german
        assert dict(countries)[code] == german
