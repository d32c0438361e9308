from django.db import migrations, models

import portal.models.partners
from portal.phones import bring_phones_into_form


def bring(apps, schema_editor):
    """Keep each phone number in the form that is dialled; what can't be read stays as it is."""
    bring_phones_into_form(apps.get_model("portal", "Partner").objects.all(), "support_phone")


class Migration(migrations.Migration):
    dependencies = [("portal", "0018_notices")]

    operations = [
        migrations.AlterField(
            model_name="partner",
            name="mpn_id",
            field=models.CharField(
                error_messages={"unique": "Another partner has this MPN ID."},
                help_text="The partner's number in the vendor's partner network: 4 to 10 digits.",
                max_length=10,
                unique=True,
                validators=[portal.models.partners.mpn_id_validator],
                verbose_name="MPN ID",
            ),
        ),
        migrations.AlterField(
            model_name="partner",
            name="support_phone",
            field=models.CharField(max_length=64, verbose_name="support phone"),
        ),
        migrations.RunPython(bring, migrations.RunPython.noop),
    ]
