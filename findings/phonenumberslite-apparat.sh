#!/usr/bin/env bash
# phonenumberslite 9.0.42 dials the word "App." of a German extension: "030 1234567 App. 5" becomes a longer, valid number.
#
# Expected: "App." (Apparat) is how German letterheads write an extension. It is read as one, as "ext." is, or refused: it is no number.
# So it is: its letters are read as on a keypad, 2-7-7, and put into the number, which then counts as valid. With "Durchwahl", which is
#   longer, the same text is refused.
# Seen: 2026-11-30, phonenumberslite 9.0.42.
# In the portal: extensions are taken off first, and words are refused.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check phonenumberslite==9.0.42
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import phonenumbers

changed = False
for text, wrong in (
    ("030 1234567 ext. 5", "tel:+49-30-1234567;ext=5"),
    ("030 1234567 App. 5", "tel:+49-30-12345672775"),
):
    number = phonenumbers.parse(text, "DE")
    found = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.RFC3966)
    is_valid = phonenumbers.is_valid_number(number)
    print(f"{text}: {found}, {'valid' if is_valid else 'not valid'}")
    changed = changed or (found, is_valid) != (wrong, True)
if changed:
    sys.exit("This has changed.")
PYTHON
