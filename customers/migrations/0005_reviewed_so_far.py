from django.db import migrations
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now


def take_for_reviewed(apps, schema_editor):
    """An admin who has been here has seen its partners: it is not asked anew (R15)."""
    memberships = apps.get_model("portal", "Membership").objects.filter(
        customer=OuterRef("pk"), user__last_login__isnull=False
    )
    customers = apps.get_model("customers", "Customer").objects.filter(Exists(memberships))
    customers.update(partners_reviewed_at=Now())


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0004_firms"),
        ("portal", "0001_initial"),
    ]

    operations = [migrations.RunPython(take_for_reviewed, migrations.RunPython.noop)]
