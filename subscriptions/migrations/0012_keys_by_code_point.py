from django.db import migrations

from portal.models.fields import KeyField


def sort_by_code_point(apps, schema_editor):
    """Give each column of keys the collation that the code relies on.

    Installations of before ``KeyField`` named one have columns that sort by the locale of the database. No
    migration changed them: Django compares fields by what the code says of them today.
    """
    connection = schema_editor.connection
    if connection.vendor != "postgresql":
        return
    quote = connection.ops.quote_name
    for model in apps.get_models():
        table = model._meta.db_table
        keys = {field.column: field for field in model._meta.local_fields if is_key(field)}
        if not keys:
            continue
        with connection.cursor() as cursor:
            columns = connection.introspection.get_table_description(cursor, table)
        for column in columns:
            if column.name in keys and column.collation != "C":
                kind = keys[column.name].db_type(connection)
                schema_editor.execute(
                    f"ALTER TABLE {quote(table)} ALTER COLUMN {quote(column.name)}"
                    f' TYPE {kind} COLLATE "C"'
                )


def is_key(field):
    return isinstance(field, KeyField)


class Migration(migrations.Migration):
    dependencies = [
        ("portal", "0018_notices"),
        ("customers", "0005_reviewed_so_far"),
        ("relationships", "0010_whom_requests_are_for"),
        ("subscriptions", "0011_who_changed_contacts"),
    ]

    operations = [migrations.RunPython(sort_by_code_point, migrations.RunPython.noop)]
