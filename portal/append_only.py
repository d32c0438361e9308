"""Tables whose rows are written once: the database itself refuses to change or delete them.

A trigger holds against what no method of ours sees: ``update()``, raw SQL, a shell, another program.
Who owns the database can take the trigger away or put another in its place; ``manage.py verify_rules``
says where it is not what stands here.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias, cast

from django.apps import apps
from django.apps.registry import Apps
from django.core.exceptions import FieldDoesNotExist
from django.db import connection, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

REFUSAL = "is append-only"
MISSING, DISABLED, DIFFERENT = "is missing", "is disabled", "is not what the portal makes"
ADDED = "was added to what the portal makes"

_SQLITE_REFUSES = "BEGIN SELECT RAISE(ABORT, '{table} {refusal}'); END"
_SQLITE = {
    "no_update": 'CREATE TRIGGER "{name}" BEFORE UPDATE ON "{table}" {unless_allowed} ',
    "no_delete": 'CREATE TRIGGER "{name}" BEFORE DELETE ON "{table}" ',
    # INSERT OR REPLACE deletes the rows that have one of the unique keys without firing their triggers.
    "no_replace": 'CREATE TRIGGER "{name}" BEFORE INSERT ON "{table}" WHEN {replaces} ',
}
_POSTGRESQL = {
    "no_update": "BEFORE UPDATE ON {table} FOR EACH ROW",
    "no_delete": "BEFORE DELETE ON {table} FOR EACH ROW",
    "no_truncate": "BEFORE TRUNCATE ON {table} FOR EACH STATEMENT",
}
# How pg_trigger.tgtype writes the same.
_POSTGRESQL_TYPES = {"no_update": 19, "no_delete": 11, "no_truncate": 34}
# In the function and not as a condition of the trigger: PostgreSQL keeps the text of a function as it is.
_POSTGRESQL_BODY = """
    BEGIN
        {unless_allowed}
        RAISE EXCEPTION '% {refusal}', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
    END """
_POSTGRESQL_FUNCTION = "portal_refuse_change"
_POSTGRESQL_FOUND = """
    SELECT tgname, tgenabled, tgtype, lanname, prosrc, tgqual IS NULL AND tgattr = ''
    FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid JOIN pg_proc ON pg_proc.oid = tgfoid
    JOIN pg_language ON pg_language.oid = prolang
    WHERE relname = ANY(%s) AND pg_table_is_visible(tgrelid) AND NOT tgisinternal
"""

# How the database has a trigger: as a statement on SQLite, on PostgreSQL as type and body; or what is wrong.
Trigger: TypeAlias = str | tuple[int, str]


class AppendOnly(Operation):
    """A step of a migration that makes the table of a model append-only.

    ``may_end`` names the one column that may be set, once, from NULL; ``with_end`` those that may change
    then, and only then. With ``many_to_many`` it is the table of that field. Where a later migration makes
    SQLite build the table anew (it alters or removes a field), its triggers are gone, and where one adds a
    field or a unique key, they don't know of it: that migration ends with this step again.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(
        self,
        model_name: str,
        many_to_many: str | None = None,
        may_end: str | None = None,
        with_end: tuple[str, ...] = (),
    ) -> None:
        self.model_name, self.many_to_many = model_name, many_to_many
        self.may_end, self.with_end = may_end, with_end

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """The models stay as they are."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model = self.model(app_label, to_state.apps)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        guard = Guard(model, self.may_end, self.with_end)
        for statement in guard.dropping(schema_editor) + guard.making(schema_editor):
            schema_editor.execute(statement, None)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        guard = Guard(self.model(app_label, from_state.apps))
        for statement in guard.dropping(schema_editor):
            schema_editor.execute(statement, None)

    def describe(self) -> str:
        return f"Make {self.many_to_many or 'the table'} of {self.model_name} append-only"

    def model(self, app_label: str, of: Apps) -> type[models.Model]:
        """The model that is meant, ``of`` a registry of models."""
        model = of.get_model(app_label, self.model_name)
        return (
            model._meta.get_field(self.many_to_many).remote_field.through
            if self.many_to_many
            else model
        )


class Writable(AppendOnly):
    """A step of a migration that lets its next steps change the rows of an append-only table.

    That migration ends with ``AppendOnly``.
    """

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        AppendOnly.database_backwards(self, app_label, schema_editor, to_state, from_state)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        AppendOnly.database_forwards(self, app_label, schema_editor, from_state, to_state)

    def describe(self) -> str:
        return f"Make {self.many_to_many or 'the table'} of {self.model_name} writable"


class Guard(NamedTuple):
    """What keeps the rows of one table as they are."""

    model: type[models.Model]
    may_end: str | None = None
    with_end: tuple[str, ...] = ()

    @property
    def table(self) -> str:
        return self.model._meta.db_table

    def _column_of(self, name: str) -> str:
        return cast(Any, self.model._meta.get_field(name)).column

    @property
    def columns(self) -> list[str]:
        # By name: a model has its fields in another order than the migrations that made them.
        return sorted(self._column_of(one.name) for one in self.model._meta.local_concrete_fields)

    def keys(self, schema_editor: BaseDatabaseSchemaEditor) -> list[tuple[list[str], str | None]]:
        """Each unique key: its columns, and the condition for rows to be in it, or None."""
        meta = self.model._meta
        named: list[Sequence[str]] = [(meta.pk.name,)]
        named += sorted((one.name,) for one in meta.local_concrete_fields if one.unique)
        named += sorted(meta.unique_together)
        keys: dict[tuple[Sequence[str], str | None], None]
        keys = dict.fromkeys((names, None) for names in named)
        for constraint in sorted(meta.total_unique_constraints, key=lambda one: one.name):
            keys[constraint.fields, None] = None
        for constraint in sorted(self._conditional, key=lambda one: one.name):
            condition = cast(Any, constraint)._get_condition_sql(self.model, schema_editor)
            keys[constraint.fields, condition] = None
        return [([self._column_of(name) for name in names], where) for names, where in keys]

    @property
    def _conditional(self) -> list[models.UniqueConstraint]:
        constraints = self.model._meta.constraints
        unique = [one for one in constraints if isinstance(one, models.UniqueConstraint)]
        for constraint in unique:
            if constraint.expressions:
                raise NotImplementedError(f"{constraint.name}: no guard knows unique expressions.")
        return [one for one in unique if one.condition]

    def allowed(self, same: str) -> str:
        """The condition under which a row may change, or nothing; ``same`` compares two values."""
        if not self.may_end:
            return ""
        column = self._column_of(self.may_end)
        free = {column, *(self._column_of(name) for name in self.with_end)}
        unchanged = [f'OLD."{one}" {same} NEW."{one}"' for one in self.columns if one not in free]
        ends = [f'OLD."{column}" IS NULL', f'NEW."{column}" IS NOT NULL']
        return " AND ".join([*ends, *unchanged])

    def triggers(self, schema_editor: BaseDatabaseSchemaEditor) -> Mapping[str, Trigger]:
        """The triggers of the table by name: as a statement on SQLite, on PostgreSQL as type and body."""
        if schema_editor.connection.vendor == "sqlite":
            return self._of_sqlite(schema_editor)
        return {
            f"{self.table}_{kind}": (_POSTGRESQL_TYPES[kind], self._body(kind))
            for kind in _POSTGRESQL
        }

    def _of_sqlite(self, schema_editor: BaseDatabaseSchemaEditor) -> dict[str, str]:
        keys = self.keys(schema_editor)
        fills = {
            "table": self.table,
            "refusal": REFUSAL,
            "replaces": " OR ".join(self._taken(columns, where) for columns, where in keys),
            "unless_allowed": "",
        }
        if allowed := self.allowed("IS"):
            key = self.model._meta.pk.column
            # UPDATE OR REPLACE deletes others as INSERT OR REPLACE does.
            replaces = [
                self._taken(columns, where, f' AND "{key}" <> NEW."{key}"')
                for columns, where in keys
                if columns != [key]
            ]
            fills["unless_allowed"] = f"WHEN {' OR '.join([f'NOT ({allowed})', *replaces])}"
        return {
            f"{self.table}_{kind}": (statement + _SQLITE_REFUSES).format(
                name=f"{self.table}_{kind}", **fills
            )
            for kind, statement in _SQLITE.items()
        }

    def _taken(self, columns: Iterable[str], condition: str | None, other: str = "") -> str:
        """Whether there is a row with the key of the new one."""
        equal = " AND ".join(f'"{column}" = NEW."{column}"' for column in columns)
        within = ""
        if condition:
            new = ", ".join(f'NEW."{column}" AS "{column}"' for column in self.columns)
            is_new_within = f"EXISTS (SELECT 1 FROM (SELECT {new}) WHERE {condition})"  # noqa: S608
            within = f" AND {condition} AND {is_new_within}"
        return f'EXISTS (SELECT 1 FROM "{self.table}" WHERE {equal}{within}{other})'  # noqa: S608

    def _body(self, kind: str) -> str:
        allowed = self.allowed("IS NOT DISTINCT FROM") if kind == "no_update" else ""
        if allowed:
            allowed = f"IF {allowed} THEN RETURN NEW; END IF;"
        return _POSTGRESQL_BODY.format(unless_allowed=allowed, refusal=REFUSAL)

    def making(self, schema_editor: BaseDatabaseSchemaEditor) -> list[str]:
        """The statements that make the triggers, and on PostgreSQL the functions that they call."""
        if schema_editor.connection.vendor == "sqlite":
            return list(self._of_sqlite(schema_editor).values())
        made = []
        for kind, event in _POSTGRESQL.items():
            name = f"{self.table}_{kind}"
            own = self.may_end and kind == "no_update"
            function = f'"{name}"' if own else _POSTGRESQL_FUNCTION
            made += [
                f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql"
                f" AS $${self._body(kind)}$$",
                f'CREATE TRIGGER "{name}" {event.format(table=schema_editor.quote_name(self.table))}'
                f" EXECUTE FUNCTION {function}()",
            ]
        return made

    def dropping(self, schema_editor: BaseDatabaseSchemaEditor) -> list[str]:
        """The statements that take the triggers away."""
        if schema_editor.connection.vendor == "sqlite":
            return [f'DROP TRIGGER IF EXISTS "{self.table}_{kind}"' for kind in _SQLITE]
        on = schema_editor.quote_name(self.table)
        return [
            *(f'DROP TRIGGER IF EXISTS "{self.table}_{kind}" ON {on}' for kind in _POSTGRESQL),
            f'DROP FUNCTION IF EXISTS "{self.table}_no_update"()',
        ]


def guards() -> list[Guard]:
    """Return what keeps each append-only table as it is, as the migrations want it."""
    graph = MigrationLoader(None).graph
    plan = [key for leaf in graph.leaf_nodes() for key in graph.forwards_plan(leaf)]
    found = {}
    for app_label, name in dict.fromkeys(plan):
        for step in graph.nodes[app_label, name].operations:
            if not isinstance(step, AppendOnly) or isinstance(step, Writable):
                continue
            try:
                model = step.model(app_label, apps)
            except (LookupError, FieldDoesNotExist):
                continue  # A later migration took it away.
            found[model._meta.db_table] = Guard(model, step.may_end, step.with_end)
    return list(found.values())


def broken_triggers() -> list[tuple[str, str]]:
    """Return what is wrong with the triggers of the append-only tables: name of the trigger, and what.

    One that should not be there is wrong, too: it could swallow a row before it is written.
    """
    editor = connection.SchemaEditorClass(connection)
    kept = guards()
    wanted = {name: trigger for guard in kept for name, trigger in guard.triggers(editor).items()}
    find = _find_on_sqlite if connection.vendor == "sqlite" else _find_on_postgresql
    found = find([guard.table for guard in kept])
    return [
        (name, wrong)
        for name, trigger in sorted(wanted.items())
        if (wrong := _compared(found.get(name, MISSING), trigger))
    ] + [(name, ADDED) for name in sorted(found.keys() - wanted.keys())]


def _compared(found: Trigger, wanted: Trigger) -> str:
    if found in (MISSING, DISABLED):
        return found
    return "" if _plain(found) == _plain(wanted) else DIFFERENT


def _plain(trigger: Trigger) -> str:
    """The same without a difference of blanks."""
    return " ".join(str(trigger).split())


def _find_on_sqlite(tables: list[str]) -> dict[str, Trigger]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, sql, tbl_name FROM sqlite_master WHERE type = 'trigger'")
        return {name: sql for name, sql, table in cursor.fetchall() if table in tables}


def _find_on_postgresql(tables: list[str]) -> dict[str, Trigger]:
    with connection.cursor() as cursor:
        cursor.execute(_POSTGRESQL_FOUND, [tables])
        return {
            # Origin or always: a trigger for replicas alone does not fire here.
            name: DISABLED
            if enabled not in ("O", "A")
            else ((type_, body) if language == "plpgsql" and is_plain else DIFFERENT)
            for name, enabled, type_, language, body, is_plain in cursor.fetchall()
        }
