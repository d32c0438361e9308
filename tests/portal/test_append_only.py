"""The activity log and the history of contacts can't be rewritten, whatever the way in (C10)."""

from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, connection, models, transaction
from django.db.models.functions import Lower
from django.test.utils import isolate_apps
from django.utils import timezone

from portal.append_only import REFUSAL, Guard, broken_triggers, guards
from portal.models import ActivityEntry, Actor
from subscriptions.models import SupportContactAssignment
from tests.conftest import unprotected

AUDIENCE = ActivityEntry.partners.through
PROTECTED = [Actor, ActivityEntry, AUDIENCE, SupportContactAssignment]
# What may come once, with what comes with it.
ENDS = {"ended_at": {}, "erased_at": {"name": "", "email": ""}}
OTHER = {
    "AutoField": 0,
    "BigAutoField": 0,
    "BooleanField": True,
    "CharField": "x",
    "DateTimeField": datetime(2100, 1, 1, tzinfo=UTC),
    "EmailField": "x@x.example",
    "GenericIPAddressField": "2001:db8::1",
    "JSONField": {"x": "y"},
    "PositiveIntegerField": 0,
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
    if field.name in ENDS:
        rows.update(**changes, **ENDS[field.name])  # the second time it may not come
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


def unique_keys():
    """Every unique key of a protected table that has no condition, or one that the newest row meets."""
    for guard in guards():
        for columns, where in guard.keys(connection.SchemaEditorClass(connection)):
            yield guard, columns, where


def copy_of_newest(guard, key, where, into="INSERT"):
    """SQL that adds a copy of the newest row, with its primary key only where ``key`` is that one."""
    columns = ", ".join(f'"{one}"' for one in guard.columns if one != "id" or key == ["id"])
    table = f'"{guard.table}"'
    newest = f"SELECT * FROM {table} WHERE {where or '1=1'} ORDER BY id DESC LIMIT 1"  # noqa: S608
    return f"{into} INTO {table} ({columns}) SELECT {columns} FROM ({newest}) AS one WHERE 1=1"  # noqa: S608


def on_conflict(guard, key, where):
    """SQL that adds a copy of the newest row and changes that one instead."""
    columns = ", ".join(f'"{one}"' for one in key)
    last = guard.columns[-1]
    condition = f" WHERE {where}" if where else ""
    conflict = f' ON CONFLICT ({columns}){condition} DO UPDATE SET "{last}" = excluded."{last}"'
    return copy_of_newest(guard, key, where) + conflict


WAYS = {
    "sqlite": [
        lambda *key: copy_of_newest(*key, "INSERT OR REPLACE"),
        lambda *key: copy_of_newest(*key, "REPLACE"),
        on_conflict,
    ],
    "postgresql": [on_conflict],
}


def test_C10_no_row_can_be_replaced_by_any_of_its_unique_keys(demo, nothing_written):
    """Whether it has the primary key of the other row, or another unique one."""
    tried = []
    for guard, columns, where in unique_keys():
        for way in WAYS[connection.vendor]:
            sql = way(guard, columns, where)
            with nothing_written():
                refused(lambda: connection.cursor().execute(sql))  # noqa: B023
        tried.append((guard.table, columns))
    assert ("portal_activityreader", ["activityentry_id", "partner_id"]) in tried
    assert ("portal_actor", ["user_id", "number"]) in tried
    assert ("subscriptions_supportcontactassignment", ["subscription_id"]) in tried
    assert len(tried) == len(PROTECTED) + 3


@pytest.mark.skipif(
    "connection.vendor == 'postgresql'", reason="SQLite alone has UPDATE OR REPLACE."
)
def test_C10_no_row_gives_way_to_one_that_is_updated(demo, nothing_written):
    first, second = SupportContactAssignment.objects.filter(ended_at=None)[:2]
    table = SupportContactAssignment._meta.db_table
    for changes in (f"subscription_id = {second.subscription_id.hex!r}", f"id = {second.pk}"):
        sql = f"UPDATE OR REPLACE {table} SET {changes} WHERE id = {first.pk}"  # noqa: S608
        with nothing_written():
            refused(lambda: connection.cursor().execute(sql))  # noqa: B023


def test_a_row_with_keys_of_its_own_can_still_be_added(demo):
    """What is guarded is the row that is there: a contact that ended makes room for the next."""
    history = demo.subscription("Reederei Albers", "Visio Plan 2").support_contact_history
    before = history.count()
    history.update(ended_at=timezone.now())
    history.create(reason="support_contact.designated")
    assert history.count() == before + 1


def test_a_unique_key_that_no_guard_knows_is_refused():
    """So that none is forgotten: the migration fails."""

    class Meta:
        app_label = "portal"
        constraints = (models.UniqueConstraint(Lower("name"), name="once"),)

    fields = {"__module__": __name__, "Meta": Meta, "name": models.TextField()}
    with isolate_apps("portal"):
        model = type("Odd", (models.Model,), fields)
        with pytest.raises(NotImplementedError, match="once"):
            Guard(model).keys(connection.SchemaEditorClass(connection))


def test_every_protected_table_is_known_by_its_migrations():
    assert {guard.model for guard in guards()} == set(PROTECTED)


def test_the_triggers_are_there_after_all_migrations(db):
    """A migration that makes SQLite build the table anew takes them away, see ``AppendOnly``."""
    assert broken_triggers() == []


def test_a_trigger_that_is_gone_or_disabled_is_named(db):
    with unprotected():
        assert len(broken_triggers()) == 3 * len(PROTECTED)
    assert broken_triggers() == []


DAMAGES = {
    "sqlite": [
        # One that does nothing in place of the one that refuses.
        """DROP TRIGGER portal_activityentry_no_update;
        CREATE TRIGGER portal_activityentry_no_update BEFORE UPDATE ON portal_activityentry
        BEGIN SELECT 1; END""",
        # One that refuses, but under a condition.
        """DROP TRIGGER portal_activityentry_no_update;
        CREATE TRIGGER "portal_activityentry_no_update" BEFORE UPDATE ON "portal_activityentry"
        WHEN NEW.reason <> 'x'
        BEGIN SELECT RAISE(ABORT, 'portal_activityentry is append-only'); END""",
        # The one of another table.
        """DROP TRIGGER portal_activityentry_no_update;
        CREATE TRIGGER portal_activityentry_no_update BEFORE UPDATE ON portal_user
        BEGIN SELECT RAISE(ABORT, 'portal_activityentry is append-only'); END""",
    ],
    "postgresql": [
        # A function that does nothing.
        """CREATE OR REPLACE FUNCTION portal_refuse_change() RETURNS trigger LANGUAGE plpgsql
        AS $$ BEGIN RETURN NEW; END $$""",
        # Another function than the portal's.
        """CREATE FUNCTION tolerate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
        DROP TRIGGER portal_activityentry_no_update ON portal_activityentry;
        CREATE TRIGGER portal_activityentry_no_update BEFORE UPDATE ON portal_activityentry
        FOR EACH ROW EXECUTE FUNCTION tolerate()""",
        # Under a condition, for one column, afterwards, for other events.
        *(
            f"""DROP TRIGGER portal_activityentry_no_update ON portal_activityentry;
            CREATE TRIGGER portal_activityentry_no_update {event}
            EXECUTE FUNCTION portal_refuse_change()"""
            for event in (
                "BEFORE UPDATE ON portal_activityentry FOR EACH ROW WHEN (NEW.reason <> 'x')",
                "BEFORE UPDATE OF reason ON portal_activityentry FOR EACH ROW",
                "AFTER UPDATE ON portal_activityentry FOR EACH ROW",
                "BEFORE UPDATE ON portal_activityentry FOR EACH STATEMENT",
                "BEFORE UPDATE ON portal_user FOR EACH ROW",
            )
        ),
        # Only on a replica.
        "ALTER TABLE portal_activityentry ENABLE REPLICA TRIGGER portal_activityentry_no_update",
    ],
}


def test_C10_a_trigger_that_was_put_in_its_place_is_named(db):
    for damage in DAMAGES[connection.vendor]:
        with transaction.atomic(), connection.cursor() as cursor:
            for statement in damage.split(";\n"):
                cursor.execute(statement)
            assert "portal_activityentry_no_update" in dict(broken_triggers()), damage
            transaction.set_rollback(True)
    assert broken_triggers() == []


def test_C10_a_trigger_that_was_added_is_named(db):
    """One that swallows rows before they are written leaves the portal's own as they are."""
    table = ActivityEntry._meta.db_table
    if connection.vendor == "sqlite":
        added = f'CREATE TRIGGER "zz" BEFORE INSERT ON "{table}" BEGIN SELECT RAISE(IGNORE); END'
    else:
        added = (
            "CREATE FUNCTION zz() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
            f' CREATE TRIGGER "zz" BEFORE INSERT ON "{table}" FOR EACH ROW EXECUTE FUNCTION zz()'
        )
    with connection.cursor() as cursor:
        cursor.execute(added)
    assert broken_triggers() == [("zz", "was added to what the portal makes")]


@pytest.mark.skipif("connection.vendor == 'sqlite'", reason="SQLite has no functions of its own.")
def test_C10_a_function_with_another_body_is_named(db):
    name = "subscriptions_supportcontactassignment_no_update"
    with connection.cursor() as cursor:
        cursor.execute(
            f'CREATE OR REPLACE FUNCTION "{name}"() RETURNS trigger LANGUAGE plpgsql'
            " AS $$ BEGIN RETURN NEW; END $$"
        )
    assert broken_triggers() == [(name, "is not what the portal makes")]


@pytest.mark.django_db(transaction=True)
def test_the_tables_of_tests_can_be_emptied(demo):
    """What this test leaves is flushed; the next one finds the demo data and the triggers again."""
    assert ActivityEntry.objects.exists()
