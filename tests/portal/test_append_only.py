"""The activity log and the history of contacts can't be rewritten, whatever the way in (C10)."""

from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from portal.append_only import REFUSAL, missing_triggers
from portal.models import ActivityEntry
from subscriptions.models import SupportContactAssignment
from tests.conftest import unprotected

AUDIENCE = ActivityEntry.partners.through
PROTECTED = [ActivityEntry, AUDIENCE, SupportContactAssignment]
OTHER = {
    "AutoField": 0,
    "BigAutoField": 0,
    "CharField": "x",
    "DateTimeField": datetime(2100, 1, 1, tzinfo=UTC),
    "GenericIPAddressField": "2001:db8::1",
    "JSONField": {"x": "y"},
    "UUIDField": "00000000-0000-4000-8000-000000000000",
}


def refused(act):
    with pytest.raises(IntegrityError, match=REFUSAL), transaction.atomic():
        act()


def fields():
    return [
        pytest.param(model, field, id=f"{model.__name__}.{field.name}")
        for model in PROTECTED
        for field in model._meta.local_concrete_fields
    ]


@pytest.mark.parametrize(("model", "field"), fields())
def test_C10_no_field_of_a_row_can_be_changed(demo, nothing_written, model, field):
    kind = field.target_field if field.is_relation else field
    rows = model._base_manager.filter(pk=model._base_manager.first().pk)
    changes = {field.attname: OTHER[kind.get_internal_type()]}
    if field.name == "ended_at":
        rows.update(**changes)  # its end may come, once; the second time it may not
    with nothing_written():
        refused(lambda: rows.update(**changes))


@pytest.mark.parametrize("model", PROTECTED)
def test_C10_no_row_can_be_deleted(demo, nothing_written, model):
    table = connection.ops.quote_name(model._meta.db_table)
    with nothing_written():
        refused(lambda: connection.cursor().execute(f"DELETE FROM {table}"))  # noqa: S608


@pytest.mark.parametrize("model", PROTECTED)
def test_C10_no_row_can_be_replaced(demo, nothing_written, model):
    table = connection.ops.quote_name(model._meta.db_table)
    sql = {
        "sqlite": f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}",  # noqa: S608
        "postgresql": f"TRUNCATE {table} CASCADE",
    }
    connection.check_constraints()  # PostgreSQL empties no table that has a check still to come
    with nothing_written():
        refused(lambda: connection.cursor().execute(sql[connection.vendor]))


def test_C10_a_contact_ends_once(demo):
    history = demo.subscription("Reederei Albers", "Visio Plan 2").support_contact_history
    assert history.update(ended_at=timezone.now()) == 1
    refused(lambda: history.update(ended_at=timezone.now()))
    refused(lambda: history.update(ended_at=None))


def test_C10_its_end_comes_alone(demo):
    history = demo.subscription("Reederei Albers", "Visio Plan 2").support_contact_history
    partner = demo.partner("Hafen IT")
    refused(lambda: history.update(ended_at=timezone.now(), partner=partner))


def test_the_triggers_are_there_after_all_migrations(db):
    """A migration that makes SQLite build the table anew takes them away, see ``AppendOnly``."""
    assert missing_triggers(*PROTECTED) == []


def test_a_trigger_that_is_gone_is_named(db):
    with unprotected():
        assert len(missing_triggers(*PROTECTED)) == 9
    assert missing_triggers(*PROTECTED) == []


@pytest.mark.django_db(transaction=True)
def test_the_tables_of_tests_can_be_emptied(demo):
    """What this test leaves is flushed; the next one finds the demo data and the triggers again."""
    assert ActivityEntry.objects.exists()
