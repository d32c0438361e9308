"""An updated installation has the tables that a new one has; see tests/past/README.md."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection

from portal.models import KeyField
from tests.conftest import models

FILES = sorted((Path(__file__).parent / "past").glob("*.sql"))
VERSIONS = sorted({file.name.partition(".")[0] for file in FILES})

# What each kind of part is, by its table and name, as PostgreSQL itself describes it.
POSTGRESQL = {
    "columns": """
        SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
            o.collname, pg_get_expr(d.adbin, d.adrelid)
        FROM pg_attribute a
        JOIN pg_class c ON c.oid = a.attrelid
        LEFT JOIN pg_collation o ON o.oid = a.attcollation
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE c.relkind IN ('r', 'v', 'm') AND a.attnum > 0 AND NOT a.attisdropped
            AND c.relnamespace = 'public'::regnamespace
    """,
    "indexes": "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "constraints": """
        SELECT conrelid::regclass::text, conname, contype, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    """,
    "triggers": """
        SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid), tgenabled
        FROM pg_trigger WHERE NOT tgisinternal
    """,
    "functions": """
        SELECT proname, pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    """,
    "sequences": "SELECT sequencename, data_type::text FROM pg_sequences WHERE schemaname = 'public'",
}
# SQLite keeps the statements, collations, defaults and constraints included.
SQLITE = {
    "all": "SELECT tbl_name, name, type, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'",
}


def parts():
    """Everything that the database consists of, as texts."""
    with connection.cursor() as cursor:
        found = {}
        for kind, sql in (SQLITE if connection.vendor == "sqlite" else POSTGRESQL).items():
            cursor.execute(sql)
            found[kind] = {str(row) for row in cursor.fetchall()}
    return found


def load(version):
    sql = (Path(__file__).parent / "past" / f"{version}.{connection.vendor}.sql").read_text()
    with connection.constraint_checks_disabled(), connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            connection.connection.executescript(sql)
        else:
            cursor.execute(sql)


@pytest.fixture
def new(django_db_setup, django_db_blocker):
    """The parts of a new installation: the database of the tests is one."""
    with django_db_blocker.unblock():
        return parts()


@pytest.mark.parametrize("version", VERSIONS)
def test_an_updated_database_is_like_a_new_one_and_keeps_the_rules(new, past, version):
    load(version)
    old = parts()
    past.migrate()
    updated = parts()
    for kind, expected in new.items():
        assert sorted(updated[kind] - expected) == [], kind
        assert sorted(expected - updated[kind]) == [], kind
    assert updated != old
    output = StringIO()
    call_command("verify_rules", stdout=output)
    assert output.getvalue().endswith("hold.\n"), output.getvalue()


def test_every_key_sorts_by_code_point(db):
    """What is sorted by the locale of the database is read in another order than indexes have it."""
    if connection.vendor == "sqlite":
        pytest.skip("SQLite sorts by code point unless told otherwise")
    keys = {
        (model._meta.db_table, field.column)
        for model in models()
        for field in model._meta.local_fields
        if isinstance(field, KeyField)
    }
    assert len(keys) > 5
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE collation_name = 'C'"
            " AND table_schema = 'public'"
        )
        assert keys <= set(cursor.fetchall())
