#!/usr/bin/env bash
# Django 5.2.19 sends mail for an address at straße.example to strasse.example, which is another domain.
#
# Expected: the domain is encoded by IDNA 2008, as browsers, mail programs and registries do: xn--strae-oqa.example.
# So it is: the address passes EmailField as it was typed, and the header To is encoded by IDNA 2003, where ß is ss. Both domains
#   can be registered, by two owners; the mail goes to the wrong one. The Greek ς is turned into σ in the same way.
# Seen: 2026-11-30, Django 5.2.19 with idna 3.20 to compare.
# In the portal: domains are kept in the ASCII form of IDNA 2008 before anything is sent.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check Django==5.2.19 idna==3.20
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import idna
from django.conf import settings

settings.configure(USE_I18N=False)
from django.core.mail import EmailMessage
from django.forms import EmailField

changed = False
for domain, wrong in (("straße.example", "strasse.example"), ("βόλος.example", "xn--nxasmq6b.example")):
    typed = f"chef@{domain}"
    accepted = EmailField().clean(typed)
    sent = EmailMessage("Hello", "Text", "portal@portal.example", [accepted]).message()["To"]
    expected = f"chef@{idna.encode(domain).decode()}"
    print(f"typed {typed}, accepted {accepted}, expected {expected}, sent to {sent}")
    changed = changed or (accepted, sent) != (typed, f"chef@{wrong}")
if changed:
    sys.exit("This has changed.")
PYTHON
