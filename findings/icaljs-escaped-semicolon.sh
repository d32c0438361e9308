#!/usr/bin/env bash
# ical.js 2.2.1 leaves the backslash of an escaped semicolon in the name and the note of a vCard, though not in the parts of N.
#
# Expected: RFC 2426, section 4, and RFC 6350, section 3.4, let a semicolon in a text be written "\;", also where it separates nothing; a
#   reader takes the backslash away. So FN and NOTE below read "Nord; Licht" and "Mon; Tue".
# So it is: in versions 3.0 and 4.0 alike FN and NOTE keep it, and a person reads "Nord\; Licht". The parts of N lose it.
# Seen: 2026-11-30, ical.js 2.2.1, beside vobject 0.9.9, which reads the same card as it was meant.
# In the portal: readers of both kinds import its cards; tests/subscriptions/test_vcards.py knows of the backslash.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check vobject==0.9.9
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts ical.js@2.2.1 >/dev/null
for version in 3.0 4.0; do
    printf 'BEGIN:VCARD\r\nVERSION:%s\r\nN:Nord\\; Licht;;;;\r\nFN:Nord\\; Licht\r\nNOTE:Mon\\; Tue\r\nEND:VCARD\r\n' \
        "$version" >"$version.vcf"
done
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import vobject

card = vobject.readOne(open("3.0.vcf", newline=""))
read = [card.n.value.family, card.fn.value, card.note.value]
print("vobject 3.0:", " | ".join(read))
if read != ["Nord; Licht", "Nord; Licht", "Mon; Tue"]:
    sys.exit("This has changed.")
PYTHON
node --input-type=module - <<'NODE'
import { readFileSync } from "node:fs";
import ICAL from "ical.js";

for (const version of ["3.0", "4.0"]) {
  const card = new ICAL.Component(ICAL.parse(readFileSync(`${version}.vcf`, "utf8")));
  const read = ["n", "fn", "note"].map((name) => [card.getFirstPropertyValue(name)].flat()[0]);
  console.log(`ical.js ${version}:`, read.join(" | "));
  if (read.join("|") !== "Nord; Licht|Nord\\; Licht|Mon\\; Tue") {
    console.error("This has changed.");
    process.exitCode = 1;
  }
}
NODE
