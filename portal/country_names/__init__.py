"""The names of countries as the Unicode CLDR has them, in the languages of the portal.

``names.json`` holds the territories of CLDR 49, by language and code, under the licence beside it. They
stand in for the translations of django-countries, which name some countries wrongly. A new language of the
portal needs a part of its own there.
"""

import json
from functools import cache, partial
from pathlib import Path

from django.utils.functional import lazy
from django.utils.translation import get_language, to_locale


@cache
def _names(language: str) -> dict[str, str]:
    names = json.loads(Path(__file__).with_name("names.json").read_text(encoding="utf-8"))
    return names[to_locale(language).partition("_")[0]]


def _name(code: str) -> str:
    return _names(get_language() or "en")[code]


# For django-countries: a name for each code, in the language that is active when it is read.
CLDR_NAMES = {code: lazy(partial(_name, code), str)() for code in _names("en")}
