from django.db import migrations, models

from portal.phones import bring_phones_into_form


def bring(apps, schema_editor):
    """Keep each phone number in the form that is dialled; what can't be read stays as it is."""
    bring_phones_into_form(apps.get_model("customers", "Customer").objects.all(), "contact_phone")


class Migration(migrations.Migration):
    dependencies = [("customers", "0005_reviewed_so_far")]

    operations = [
        migrations.AlterField(
            model_name="customer",
            name="contact_phone",
            field=models.CharField(blank=True, max_length=64, verbose_name="contact phone"),
        ),
        migrations.RunPython(bring, migrations.RunPython.noop),
    ]
