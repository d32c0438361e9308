#!/usr/bin/env bash
# openpyxl 3.1.5 opens no workbook whose properties say only the day on which it was created, and loses the offset of one that has it.
#
# Expected: the core properties of a package have W3CDTF dates (ECMA-376, part 2), which may be a year, a month, a day or a moment
#   with its offset. Whoever wants the cells gets them; a moment of nine o'clock with +01:00 is eight o'clock in UTC.
# So it is: for a day a TypeError, for a month or a year a ValueError that speaks of invalid XML, and none of the sheets can be read,
#   in read-only mode neither. A moment with an offset is read as if it had none.
# Seen: 2026-12-01, openpyxl 3.1.5.
# In the portal: the reader of uploaded tables reads no properties (portal/tables/workbook_child.py).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check openpyxl==3.1.5
"$folder/venv/bin/python" - <<'PYTHON'
import io
import re
import sys
import zipfile

from openpyxl import Workbook, load_workbook


def created(text):
    """A workbook of one cell whose properties say that it was created then."""
    made, changed = io.BytesIO(), io.BytesIO()
    workbook = Workbook()
    workbook.active.append(["Name"])
    workbook.save(made)
    with zipfile.ZipFile(made) as source, zipfile.ZipFile(changed, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "docProps/core.xml":
                content = re.sub(rb"(<dcterms:created[^>]*>)[^<]*", rb"\g<1>" + text.encode(), content)
            target.writestr(name, content)
    return changed


def read(text):
    try:
        return str(load_workbook(created(text), read_only=True).properties.created)
    except (TypeError, ValueError) as error:
        return type(error).__name__


expected = {
    "2026-12-01T09:00:00Z": "2026-12-01 09:00:00",
    "2026-12-01T09:00:00+01:00": "2026-12-01 09:00:00",
    "2026-12-01": "TypeError",
    "2026-12": "ValueError",
    "2026": "ValueError",
}
found = {text: read(text) for text in expected}
for text, what in found.items():
    print(f"created {text}: {what}")
if found != expected:
    sys.exit("This has changed.")
PYTHON
