#!/usr/bin/env bash
# By the public suffix list all tenants of Microsoft 365 are one owner: onmicrosoft.com is no suffix in it.
#
# Expected: anybody can get a name below onmicrosoft.com, as below github.io or azurewebsites.net, which are in the list; so contoso and
#   fabrikam are two owners.
# So it is: the registrable domain of both is onmicrosoft.com. Who trusts the list takes one for the other.
# Seen: 2026-11-30, publicsuffixlist 1.1.2.20261023, with the list of 2026-10-23.
# In the portal: names below onmicrosoft.com are owners of their own, and never proved.
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
for host, is_shared in (("onmicrosoft.com", True), ("azurewebsites.net", False), ("github.io", False)):
    owners = {suffixes.privatesuffix(f"{tenant}.{host}") for tenant in ("contoso", "fabrikam")}
    print(f"contoso.{host} and fabrikam.{host} belong to: {', '.join(sorted(owners))}")
    changed = changed or (owners == {host}) != is_shared
if changed:
    sys.exit("This has changed.")
PYTHON
