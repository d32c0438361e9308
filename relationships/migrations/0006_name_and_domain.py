from django.db import migrations, models
from django.db.models.functions import Concat, Left, StrIndex

import portal.models.fields

TAB = models.Value("\t")


def join(apps, schema_editor):
    """Put the domain of the customer behind its name."""
    rows = apps.get_model("relationships", "Relationship").objects
    joined = Concat("name_and_domain", TAB, "customer_domain", output_field=models.CharField())
    rows.update(name_and_domain=joined)


def separate(apps, schema_editor):
    rows = apps.get_model("relationships", "Relationship").objects
    rows.update(name_and_domain=Left("name_and_domain", StrIndex("name_and_domain", TAB) - 1))


class Migration(migrations.Migration):
    dependencies = [("relationships", "0005_indexes_that_count")]

    operations = [
        migrations.RemoveIndex("relationship", "relationships_by_name"),
        migrations.RemoveIndex("relationship", "relationships_by_domain"),
        migrations.RemoveIndex("relationship", "relationships_by_start"),
        migrations.RemoveIndex("relationship", "relationships_by_dap"),
        migrations.RenameField("relationship", "customer_key", "name_and_domain"),
        migrations.AlterField(
            "relationship",
            "name_and_domain",
            portal.models.fields.KeyField(editable=False, max_length=1054),
        ),
        migrations.RunPython(join, separate),
    ]
