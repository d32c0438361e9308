#!/usr/bin/env bash
# django-countries 9.1.0 names countries in German by names of other places, or by none that there is.
#
# Expected: the German names of CLDR, or of the German Foreign Office, which agree on these: Grenada, Kiribati, Papua-Neuguinea,
#   Saudi-Arabien, Eswatini.
# So it is: "Granada", which is a city in Spain, "Kirivati", "Papua Neu Guinea", "Saudi Arabien", and "Swasiland", as the country was
#   called until 2018. English has them right.
# Seen: 2026-11-30, django-countries 9.1.0, beside Babel 2.19.0 with CLDR 49.
# In the portal: portal/country_names has CLDR's names, for COUNTRIES_OVERRIDE.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check Django==5.2.19 django-countries==9.1.0 Babel==2.19.0
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import django
from babel import Locale
from django.conf import settings
from django.utils.translation import override

settings.configure(INSTALLED_APPS=["django_countries"])
django.setup()

from django_countries import countries

wrong = {
    "GD": "Granada",
    "KI": "Kirivati",
    "PG": "Papua Neu Guinea",
    "SA": "Saudi Arabien",
    "SZ": "Swasiland",
}
changed = False
for code, expected in wrong.items():
    with override("en"):
        english = countries.name(code)
    with override("de"):
        german = countries.name(code)
    cldr = Locale("de").territories[code]
    print(f"{code}: {english}, in German {german}, by CLDR {cldr}")
    changed = changed or german != expected or german == cldr
if changed:
    sys.exit("This has changed.")
PYTHON
