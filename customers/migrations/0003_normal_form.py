from django.db import migrations, models

from portal.addresses import (
    SUSPECT_DOMAIN,
    SUSPECT_EMAIL,
    bring_into_form,
    normal_domain,
    normal_email,
)


def bring(apps, schema_editor):
    """Keep each domain and email in its normal form (R14); two domains that would be one stay as they are."""
    customers = apps.get_model("customers", "Customer").objects.all()
    bring_into_form(customers, "domain", normal_domain, SUSPECT_DOMAIN, is_unique=True)
    bring_into_form(customers, "contact_email", normal_email, SUSPECT_EMAIL)


class Migration(migrations.Migration):
    dependencies = [("customers", "0002_name_of_a_customer")]

    operations = [
        migrations.AlterField(
            model_name="customer",
            name="domain",
            field=models.CharField(
                error_messages={"unique": "A customer with this domain exists."},
                max_length=253,
                unique=True,
                verbose_name="primary domain",
            ),
        ),
        migrations.RunPython(bring, migrations.RunPython.noop),
    ]
