#!/usr/bin/env bash
# The form by which an operator sets a password in Django admin explains itself in the language of the import.
#
# Expected: a text of gettext_lazy is translated when it is shown, so on a German page the help text of the field is German, as it
#   is in the form that adds a user.
# So it is: AdminPasswordChangeForm adds a text to the lazy one where the class is defined. That makes a plain text of it, in the
#   language that is active while the module is imported: each reader gets that one, whatever a catalogue has. What was added is not
#   marked for translation at all.
# Seen: 2026-12-01, Django 5.2.19.
# In the portal: Django admin shows the form with a help text of our own, put together when it is shown.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check Django==5.2.19 polib==1.2.0
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from pathlib import Path

import django
import polib
from django.conf import settings

ENGLISH = (
    "Whether the user will be able to authenticate using a password or not. If disabled, they may still be able to "
    "authenticate using other backends, such as Single Sign-On or LDAP."
)
GERMAN = "Ob man sich mit einem Passwort anmelden kann."
catalogue = polib.POFile()
catalogue.metadata = {"Content-Type": "text/plain; charset=UTF-8"}
catalogue.append(polib.POEntry(msgid=ENGLISH, msgstr=GERMAN))
Path("locale/de/LC_MESSAGES").mkdir(parents=True)
catalogue.save_as_mofile("locale/de/LC_MESSAGES/django.mo")

settings.configure(
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"],
    LANGUAGE_CODE="en",
    LOCALE_PATHS=["locale"],
)
django.setup()

from django.contrib.auth.forms import AdminPasswordChangeForm, AdminUserCreationForm
from django.contrib.auth.models import User
from django.utils.translation import override

user = User(username="somebody", password="!")
user.set_password("a password")
with override("de"):
    added = str(AdminUserCreationForm().fields["usable_password"].help_text)
    changed = str(AdminPasswordChangeForm(user).fields["usable_password"].help_text)
print("On the German page that adds a user:", added)
print("On the German page that sets its password:", changed)
if added != GERMAN or not changed.startswith(ENGLISH):
    sys.exit("This has changed.")
PYTHON
