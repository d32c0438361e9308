"""What many tests begin with: made once, as the portal makes it, and for the other tests only copied.

To make the demo data takes a hundred times as long as to write its rows.
"""

from django.apps import apps
from django.db import connection, transaction

WRITES = ("INSERT", "UPDATE", "DELETE")


def stored():
    """Everything that Django's models have stored: model → key → row."""
    return {
        model: {row.pk: row for row in model._base_manager.all()}
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy
    }


def values(row):
    return {
        field.attname: getattr(row, field.attname)
        for field in row._meta.concrete_fields
        if not field.generated
    }


class Copy:
    """What a function has written, to be written again where the same rows stand as before it.

    ``made`` is what the function returned: a dictionary of rows by names, or nothing.
    """

    def __init__(self, make, *args):
        before = stored()
        self.made = make(*args) or {}
        self.added, self.changed, self.removed = [], [], []
        for model, rows in stored().items():
            known = before[model]
            self.added.append((model, [row for key, row in rows.items() if key not in known]))
            if gone := known.keys() - rows.keys():
                self.removed.append((model, gone))
            for key in rows.keys() & known.keys():
                now, then = values(rows[key]), values(known[key])
                changes = {name: now[name] for name in now if now[name] != then[name]}
                if changes:
                    self.changed.append((model, key, changes))
        self.statements = []

    def write(self):
        """Write the rows as they are, whatever it took to make them."""
        with transaction.atomic():
            if self.statements:
                with connection.cursor() as cursor:
                    for sql, params in self.statements:
                        cursor.execute(sql, params)
            else:
                with connection.execute_wrapper(self._remember):
                    self._write_by_models()

    def _write_by_models(self):
        # First what makes room: of the terms of a subscription's contacts one is open at a time.
        for model, keys in self.removed:
            model._base_manager.filter(pk__in=keys)._raw_delete(connection.alias)
        for model, key, changes in self.changed:
            model._base_manager.filter(pk=key).update(**changes)
        for model, rows in self.added:
            model._base_manager.bulk_create(rows)

    def _remember(self, execute, sql, params, many, context):
        """To compose the statements takes longer than to execute them, so they are kept."""
        if sql.startswith(WRITES):
            self.statements.append((sql, params))
        return execute(sql, params, many, context)

    def rows(self):
        return {name: type(row)._base_manager.get(pk=row.pk) for name, row in self.made.items()}


class Stage:
    """What stands in the database of one test, in the order in which it was put there."""

    def __init__(self, copies):
        self.copies, self.set = copies, ()

    def __call__(self, make, *args):
        """Let there be what ``make`` writes; return the rows that it names, read anew.

        Its arguments must be the same each time.
        """
        self.set += (make,)
        if self.set in self.copies:
            self.copies[self.set].write()
        else:
            self.copies[self.set] = Copy(make, *args)
        return self.copies[self.set].rows()
