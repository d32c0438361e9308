#!/usr/bin/env bash
# publicsuffixlist 1.1.2 takes an IP address for a domain: 10.0.0.1 would belong to whom 0.1 belongs.
#
# Expected: an IP address has no public suffix and no registrable domain; the answer is None, or an error.
# So it is: the last number is the public suffix, the last two are "registrable". All addresses that end alike are one owner's.
# Seen: 2026-11-30, publicsuffixlist 1.1.2.20261023.
# In the portal: what is an address is no domain, before the list is asked.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check publicsuffixlist==1.1.2.20261023
"$folder/venv/bin/python" - <<'PYTHON'
import sys

from publicsuffixlist import PublicSuffixList

suffixes = PublicSuffixList()
changed = False
for address, wrong in (("10.0.0.1", ("1", "0.1")), ("192.168.7.20", ("20", "7.20"))):
    found = suffixes.publicsuffix(address), suffixes.privatesuffix(address)
    print(f"{address}: public suffix {found[0]}, registrable domain {found[1]}")
    changed = changed or found != wrong
if changed:
    sys.exit("This has changed.")
PYTHON
