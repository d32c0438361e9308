"""Web addresses that people type: http and https only, and nobody's password in them."""

import ast
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import models

from portal.models import Partner
from portal.sign_in.providers import apps_of
from portal.web_addresses import WebAddressField, WebAddressFormField, WebAddressValidator
from tests.conftest import APPS

check = WebAddressValidator()


@pytest.mark.parametrize(
    "url",
    [
        "http://firm.example",
        "https://firm.example:8443/hilfe?q=a@b#c@d",
        "HTTPS://FIRM.EXAMPLE/@user",
        "https://bücher.example/",
        "https://[2001:db8::7]/",
    ],
)
def test_a_page_is_accepted(url):
    check(url)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://firm.example/",
        "javascript:alert(1)",
        "data:text/html,x",
        "//firm.example/",
        "firm.example",
        "https://",
        "https://user:pw@firm.example/",
        "https://user@firm.example/",
        "https://@firm.example/",
        "https://user:@firm.example/",
        "https://firm.example:pw@other.example/",
        "https://firm.example\\@other.example/",
        "https://user%3Apw@firm.example/",
        "https://user\uff20firm.example/",
        "https://firm.example/\n",
    ],
)
def test_anything_else_is_refused_and_by_the_form_and_the_row_too(db, url):
    with pytest.raises(ValidationError):
        check(url)
    with pytest.raises(ValidationError) as refusal:
        Partner(name="Firm", support_website=url).full_clean()
    assert "support_website" in refusal.value.error_dict


@pytest.mark.parametrize(
    "url", ["ftp://firm.example", "user:pw@firm.example", "//u:p@firm.example"]
)
def test_what_is_typed_without_a_scheme_is_held_to_the_same(url):
    field = WebAddressFormField()
    assert field.clean("firm.example/hilfe") == "https://firm.example/hilfe"
    with pytest.raises(ValidationError):
        field.clean(url)


def test_every_address_of_a_page_is_kept_by_this_field():
    """Whoever adds one to a model gets it in forms and Django admin, too."""
    found = [
        field
        for label in APPS
        for model in apps.get_app_config(label).get_models()
        for field in model._meta.get_fields()
        if isinstance(field, models.URLField)
    ]
    assert found
    assert [field for field in found if not isinstance(field, WebAddressField)] == []
    assert isinstance(Partner._meta.get_field("support_website").formfield(), WebAddressFormField)


def test_no_form_has_a_field_for_addresses_of_its_own():
    named = {
        str(path.relative_to(settings.BASE_DIR))
        for app in APPS
        for path in Path(settings.BASE_DIR, app).rglob("*.py")
        if "migrations" not in path.parts
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and getattr(node.func, "attr", getattr(node.func, "id", "")) == "URLField"
    }
    assert named == set()


@pytest.mark.parametrize("name", ["server_url", "origins"])
def test_nor_is_there_a_password_in_the_address_of_an_identity_provider(name):
    provider = {"id": "a", "name": "A", "client_id": "portal", "client_secret": "secret"}
    provider["server_url"] = "https://login.example"
    url = "https://user:pw@login.example"
    with pytest.raises((ValueError, ImproperlyConfigured)):
        apps_of([provider | {name: [url] if name == "origins" else url}])
