from django.db import migrations

from portal.addresses import SUSPECT_EMAIL, bring_into_form, normal_email


def bring(apps, schema_editor):
    """Keep each email in its normal form (R14); two accounts whose emails would be one stay as they are."""
    users = apps.get_model("portal", "User").objects
    joined, invited = users.filter(has_joined=True), users.filter(has_joined=False)
    bring_into_form(joined, "email", normal_email, SUSPECT_EMAIL, is_unique=True)
    bring_into_form(invited, "email", normal_email, SUSPECT_EMAIL)
    partners = apps.get_model("portal", "Partner").objects.all()
    bring_into_form(partners, "support_email", normal_email, SUSPECT_EMAIL)


class Migration(migrations.Migration):
    dependencies = [("portal", "0011_worker")]

    operations = [migrations.RunPython(bring, migrations.RunPython.noop)]
