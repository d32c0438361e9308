"""Statements that are composed once: they find what the queryset finds, whatever the values."""

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, models
from django.test.utils import CaptureQueriesContext

from portal.models import Parameter, Partner, Prepared

NAMED = Parameter("word", models.CharField())
KEY = Parameter("key", models.UUIDField())


def test_it_finds_what_the_queryset_finds_for_each_value(demo):
    columns = ("pk", "name", "created_at")
    statement = Prepared.rows_of(
        Partner.objects.filter(name_key__contains=NAMED).order_by("name_key"), *columns
    )
    for word in ("nord", "e", "100%", "_", "\\", "'", ""):
        rows = statement.run({"word": word})
        expected = Partner.objects.filter(name_key__contains=word).order_by("name_key")
        assert rows == list(expected.values_list(*columns))
    assert [row.name for row in statement.run({"word": "nord"})] == ["Nordlicht Distribution"]


def test_one_value_may_stand_in_several_places(demo):
    partner = demo.partner("Hafen IT")
    statement = Prepared.rows_of(
        Partner.objects.filter(models.Q(pk=KEY) | models.Q(partnerships_as_provider__reseller=KEY)),
        "name",
    )
    for key in (partner.pk, str(partner.pk)):
        assert {name for (name,) in statement.run({"key": key})} == {
            "Hafen IT",
            "Nordlicht Distribution",
        }


def test_what_its_field_can_not_hold_is_refused(demo):
    statement = Prepared.rows_of(Partner.objects.filter(pk=KEY), "name")
    with pytest.raises(ValidationError):
        statement.run({"key": "no key"})


def test_what_can_find_nothing_is_not_asked(demo):
    statement = Prepared.rows_of(Partner.objects.filter(pk__in=[]), "name")
    with CaptureQueriesContext(connection) as captured:
        assert statement.run({}) == []
    assert len(captured) == 0
