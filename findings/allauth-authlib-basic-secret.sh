#!/usr/bin/env bash
# A client by django-allauth 65.21.1 can't authenticate at a provider by Authlib 1.9.10 when its secret has a %.
#
# Expected: RFC 6749, section 2.3.1, has id and secret form-encoded before they go into HTTP Basic, and decoded by the provider. So
#   "a%41b" arrives as it was, and an id with a colon too.
# So it is: Authlib decodes, allauth does not encode. The secret arrives as another one, and the id ends at its first colon.
# Seen: 2026-11-30, django-allauth 65.21.1, Authlib 1.9.10.
# In the portal: portal/sign_in/openid_connect.py encodes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    Django==5.2.19 "django-allauth[socialaccount]==65.21.1" Authlib==1.9.10
"$folder/venv/bin/python" - <<'PYTHON'
import json
import sys

import django
import requests
from django.conf import settings

settings.configure(
    SECRET_KEY="x" * 50,
    MIDDLEWARE=["allauth.account.middleware.AccountMiddleware"],
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "allauth",
        "allauth.account",
        "allauth.socialaccount",
    ],
)
django.setup()

from allauth.socialaccount.providers.oauth2.client import OAuth2Client
from authlib.oauth2.rfc6749.util import extract_basic_authorization

arrived = []


def provider(session, method, url, *, auth, **options):
    """A token endpoint that reads who asks as Authlib does."""
    request = requests.PreparedRequest()
    request.headers = {}
    arrived.append(extract_basic_authorization(auth(request).headers))
    answer = requests.Response()
    answer.status_code = 200
    answer.headers["content-type"] = "application/json"
    answer._content = json.dumps({"access_token": "a"}).encode()
    return answer


requests.Session.request = provider
changed = False
for name, secret, wrong in (
    ("portal", "a%41b", ("portal", "aAb")),
    ("urn:portal", "abc", ("urn", "portal:abc")),
):
    client = OAuth2Client(None, name, secret, "POST", "token", "back", basic_auth=True)
    client.get_access_token("code")
    print(f"sent {(name, secret)}, arrived {arrived[-1]}")
    changed = changed or arrived[-1] != wrong
if changed:
    sys.exit("This has changed.")
PYTHON
