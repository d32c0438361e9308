"""Tables whose rows are written once: the database itself refuses to change or delete them.

A trigger holds against what no method of ours sees: ``update()``, raw SQL, a shell, another program.
Who owns the database can take the trigger away; ``manage.py verify_rules`` says where it is missing.
"""

from django.db import connection
from django.db.migrations.operations.base import Operation

REFUSAL = "is append-only"

_SQLITE = [
    """CREATE TRIGGER "{table}_no_update" BEFORE UPDATE ON "{table}" {unless_ending}
    BEGIN SELECT RAISE(ABORT, '{table} {refusal}'); END""",
    """CREATE TRIGGER "{table}_no_delete" BEFORE DELETE ON "{table}"
    BEGIN SELECT RAISE(ABORT, '{table} {refusal}'); END""",
    # INSERT OR REPLACE deletes a row without firing its triggers.
    """CREATE TRIGGER "{table}_no_replace" BEFORE INSERT ON "{table}"
    WHEN EXISTS (SELECT 1 FROM "{table}" WHERE "{key}" = NEW."{key}")
    BEGIN SELECT RAISE(ABORT, '{table} {refusal}'); END""",
]
_POSTGRESQL = [
    """CREATE OR REPLACE FUNCTION portal_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% {refusal}', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
    END $$""",
    """CREATE TRIGGER "{table}_no_update" BEFORE UPDATE ON "{table}"
    FOR EACH ROW {unless_ending} EXECUTE FUNCTION portal_refuse_change()""",
    """CREATE TRIGGER "{table}_no_delete" BEFORE DELETE ON "{table}"
    FOR EACH ROW EXECUTE FUNCTION portal_refuse_change()""",
    """CREATE TRIGGER "{table}_no_truncate" BEFORE TRUNCATE ON "{table}"
    FOR EACH STATEMENT EXECUTE FUNCTION portal_refuse_change()""",
]
_NAMES = {
    "sqlite": ("no_update", "no_delete", "no_replace"),
    "postgresql": ("no_update", "no_delete", "no_truncate"),
}


class AppendOnly(Operation):
    """A step of a migration that makes the table of a model append-only.

    ``may_end`` names the one column that may be set, once, from NULL. With ``many_to_many`` it is the
    table of that field. Where a later migration makes SQLite build the table anew (it alters or removes
    a field), its triggers are gone: that migration ends with this step again.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(self, model_name, many_to_many=None, may_end=None):
        self.model_name, self.many_to_many, self.may_end = model_name, many_to_many, may_end

    def state_forwards(self, app_label, state):
        """The models stay as they are."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        model = self._model(app_label, to_state)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        self._drop(schema_editor, model)
        is_sqlite = schema_editor.connection.vendor == "sqlite"
        same = "IS" if is_sqlite else "IS NOT DISTINCT FROM"
        for statement in _SQLITE if is_sqlite else _POSTGRESQL:
            sql = statement.format(
                table=model._meta.db_table,
                key=model._meta.pk.column,
                refusal=REFUSAL,
                unless_ending=self._unless_ending(model, same),
            )
            schema_editor.execute(sql, None)

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        self._drop(schema_editor, self._model(app_label, from_state))

    def describe(self):
        return f"Make {self.many_to_many or 'the table'} of {self.model_name} append-only"

    def _model(self, app_label, state):
        model = state.apps.get_model(app_label, self.model_name)
        return (
            model._meta.get_field(self.many_to_many).remote_field.through
            if self.many_to_many
            else model
        )

    def _unless_ending(self, model, same):
        if not self.may_end:
            return ""
        column = model._meta.get_field(self.may_end).column
        unchanged = " AND ".join(
            f'OLD."{field.column}" {same} NEW."{field.column}"'
            for field in model._meta.local_concrete_fields
            if field.column != column
        )
        return f'WHEN (NOT (OLD."{column}" IS NULL AND NEW."{column}" IS NOT NULL AND {unchanged}))'

    def _drop(self, schema_editor, model):
        table = model._meta.db_table
        on = f' ON "{table}"' if schema_editor.connection.vendor == "postgresql" else ""
        for name in _NAMES[schema_editor.connection.vendor]:
            schema_editor.execute(f'DROP TRIGGER IF EXISTS "{table}_{name}"{on}')


def missing_triggers(*models):
    """Return the names of the triggers that should protect the tables of ``models`` and don't."""
    wanted = {
        f"{model._meta.db_table}_{name}" for model in models for name in _NAMES[connection.vendor]
    }
    found = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
        "postgresql": "SELECT tgname FROM pg_trigger WHERE tgenabled <> 'D'",
    }
    with connection.cursor() as cursor:
        cursor.execute(found[connection.vendor])
        return sorted(wanted - {name for (name,) in cursor.fetchall()})
