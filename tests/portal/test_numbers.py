"""Whole numbers are read and shown as the reader's language writes them."""

import re

import pytest
from django import forms
from django.contrib.admin import site
from django.core.exceptions import ValidationError
from django.db import connection, models
from django.utils.translation import override

from portal.admin_base import ReadOnlyAdmin
from portal.models import Notice
from portal.numbers import Ambiguous, NotWhole, WholeNumberField, read_whole_number
from subscriptions.models import Offer, SupportContactAssignment
from tests.conftest import APPS
from tests.pages import signed_in


@pytest.mark.parametrize(
    ("language", "typed", "number"),
    [
        ("de", "1.000", 1000),
        ("de", "12.500", 12500),
        ("de", "1.000.000", 1_000_000),
        ("de", "1.000,00", 1000),
        ("de", "25,0", 25),
        ("de", "25.0", 25),
        ("de", "1,000.00", 1000),
        ("de", "1,000,000", 1_000_000),
        ("en", "1,000", 1000),
        ("en", "1,000.00", 1000),
        ("en", "1.000.000", 1_000_000),
        ("en", "1.000,00", 1000),
        ("en", "25.00", 25),
        ("en", "1000.000", 1000),
        ("de", "1 000", 1000),
        ("de", "1\u00a0000", 1000),
        ("en", "1\u202f000\u202f000", 1_000_000),
        ("de", "1'000", 1000),
        ("de", "1’000", 1000),
        ("de", "007", 7),
        ("de", " +5 ", 5),
        ("de", "−5", -5),
        ("en", "-1,000", -1000),
        ("en", "１０００", 1000),
        ("en", "٢٥", 25),
        ("de", "१२", 12),
        ("en", "𝟓𝟐", 52),
        ("de", "\u202a1.000\u202c", 1000),
        ("en", "\ufeff25\u200b", 25),
    ],
)
def test_a_number_is_read_by_the_language_of_its_reader(language, typed, number):
    with override(language):
        assert read_whole_number(typed) == number


@pytest.mark.parametrize(
    ("language", "typed", "readings"),
    [
        ("en", "1.000", ("1000", "1")),
        ("en", "2.500", ("2500", "2.5")),
        ("de", "1,000", ("1000", "1")),
        ("de", "2,500", ("2500", "2,5")),
    ],
)
def test_what_is_ambiguous_is_refused_with_both_readings(language, typed, readings):
    with override(language):
        with pytest.raises(Ambiguous):
            read_whole_number(typed)
        with pytest.raises(ValidationError) as refused:
            WholeNumberField().clean(typed)
        [message] = refused.value.messages
    assert all(reading in message for reading in (typed, *readings))


@pytest.mark.parametrize(
    "typed",
    ["1,5", "0.500", "0,500", "000,1", "10.00.000", "1.000.00", "1e3", "½", "abc", "1 00", "--1",
     "1.000,5", "1_000", ".", "1.", "9" * 1001, "1..000",
     "5²", "5₂", "²", "5½", "1⁄2", "①", "①②", "⒌", "⑸", "🄆", "Ⅷ", "ⅷ", "㉕", "㊿", "㏨", "五", "㈤",
     "⁻5", "⁵", "1ⁿ"],
)  # fmt: skip
@pytest.mark.parametrize("language", ["de", "en"])
def test_what_is_no_whole_number_is_refused(language, typed):
    with override(language):
        with pytest.raises(NotWhole):
            read_whole_number(typed)
        with pytest.raises(ValidationError, match=r"ganze Zahl|whole number"):
            WholeNumberField().clean(typed)


def test_thousands_that_are_not_grouped_as_they_should_be_are_refused():
    with override("de"), pytest.raises(NotWhole):
        read_whole_number("1000.000")


def test_every_form_reads_its_numbers_so():
    """A form's own field of Django's would read 1.000 as 1, whatever the language."""
    edited = [
        model for model, page in site._registry.items() if not isinstance(page, ReadOnlyAdmin)
    ]
    for field in (field for model in edited for field in model._meta.concrete_fields):
        if isinstance(field, models.IntegerField) and field.editable and not field.primary_key:
            assert isinstance(field.formfield(), WholeNumberField), field
    seen = {forms.Form}
    while new := {sub for kind in seen for sub in kind.__subclasses__()} - seen:
        seen |= new
    for kind in seen:
        for name, field in getattr(kind, "base_fields", {}).items():
            if isinstance(field, forms.IntegerField) and kind.__module__.startswith(APPS):
                hidden = isinstance(field.widget, forms.HiddenInput)
                assert hidden or isinstance(field, WholeNumberField), (kind, name)


def test_a_german_thousand_licenses_are_a_thousand(demo):
    user = demo.user("agent@nordlicht.example")
    type(user).objects.filter(pk=user.pk).update(language="de")
    browser = signed_in(user.email)
    subscription = demo.subscription("Reederei Albers", "Office 365 Business Standard")
    Offer.objects.update(maximum_quantity=None)
    path = f"/customers/{subscription.customer_id}/subscriptions/{subscription.pk}/"
    form = {"friendly_name": "Office", "auto_renew": "on", "mpn_id": ""}
    assert browser.post(f"{path}edit/", {**form, "quantity": "1.000"}).status_code == 302
    subscription.refresh_from_db()
    assert subscription.quantity == 1000
    assert "1.000 Lizenzen" in browser.get(path).content.decode()
    refused = browser.post(f"{path}edit/", {**form, "quantity": "2,500"}).content.decode()
    assert "kann 2500 oder 2,5 heißen" in refused
    subscription.refresh_from_db()
    assert subscription.quantity == 1000


def test_what_a_page_hands_back_has_no_separators(demo):
    for model in (Notice, SupportContactAssignment):
        table = model._meta.db_table
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                cursor.execute("UPDATE sqlite_sequence SET seq = 1000000 WHERE name = %s", [table])
            else:
                cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), 1000000)", [table])
    office = demo.subscription("Reederei Albers", "Office 365 Business Standard")
    path = f"/customers/{office.customer_id}/subscriptions/{office.pk}/"
    hafen = demo.partner("Hafen IT")
    helpdesk = signed_in("helpdesk@nordlicht.example")
    answer = helpdesk.post(path, {"support_contact": hafen.pk, "seen": ""}, follow=True)
    pages = [answer, helpdesk.get(path), signed_in("global@hafen.example").get("/notices/")]
    values = [
        value for page in pages for value in re.findall(r'="([\d.,]+)"', page.content.decode())
    ]
    assert [value for value in values if value.startswith("1000")]
    assert not [value for value in values if re.fullmatch(r"\d{1,3}([.,]\d{3})+", value)]
