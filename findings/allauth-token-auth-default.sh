#!/usr/bin/env bash
# django-allauth 65.21.1 posts the client's secret to an OpenID provider whose metadata name no way of client authentication.
#
# Expected: where token_endpoint_auth_methods_supported is missing, client_secret_basic is meant (OpenID Connect Discovery 1.0,
#   section 3), so the secret goes into the header Authorization.
# So it is: client_id and client_secret are posted in the body. A provider that does as the specification says answers 401.
# Seen: 2026-11-30, django-allauth 65.21.1 with Django 5.2.19.
# In the portal: portal/sign_in/openid_connect.py chooses.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    Django==5.2.19 "django-allauth[socialaccount]==65.21.1"
"$folder/venv/bin/python" - <<'PYTHON'
import json
import sys

import django
import requests
from django.conf import settings

settings.configure(
    SECRET_KEY="x" * 50,
    MIDDLEWARE=["allauth.account.middleware.AccountMiddleware"],
    ALLOWED_HOSTS=["testserver"],
    ROOT_URLCONF="allauth.urls",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "allauth",
        "allauth.account",
        "allauth.socialaccount",
        "allauth.socialaccount.providers.openid_connect",
    ],
    SOCIALACCOUNT_PROVIDERS={
        "openid_connect": {
            "APPS": [
                {
                    "provider_id": "contoso",
                    "name": "Contoso",
                    "client_id": "portal",
                    "secret": "open sesame",
                    "settings": {"server_url": "contoso.example"},
                }
            ]
        }
    },
)
django.setup()

from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.core.management import call_command
from django.test import RequestFactory

METADATA = {
    "issuer": "contoso.example",
    "authorization_endpoint": "contoso.example/authorize",
    "token_endpoint": "contoso.example/token",
    "jwks_uri": "contoso.example/keys",
}
seen = {}


def provider(session, method, url, **options):
    answer = requests.Response()
    answer.status_code = 200
    answer.headers["content-type"] = "application/json"
    if method.upper() == "POST":
        seen.update(body=sorted(options["data"]), authorization=options["auth"])
        answer._content = json.dumps({"access_token": "a"}).encode()
    else:
        answer._content = json.dumps(METADATA).encode()
    return answer


requests.Session.request = provider
call_command("migrate", verbosity=0)
request = RequestFactory().get("/", {"code": "abc"})
adapter = OpenIDConnectOAuth2Adapter(request, "contoso")
app = adapter.get_provider().app
adapter.get_access_token_data(request, app, adapter.get_client(request, app))
print("posted:", ", ".join(seen["body"]))
print("Authorization:", seen["authorization"])
if "client_secret" not in seen["body"] or seen["authorization"] is not None:
    sys.exit("This has changed.")
PYTHON
