import django.utils.timezone
from django.db import migrations, models


def read_from_history(apps, schema_editor):
    """Take since when the contact is in force from the open end of the history."""
    assignments = apps.get_model("subscriptions", "SupportContactAssignment").objects
    in_force = assignments.filter(subscription=models.OuterRef("pk"), ended_at=None)
    apps.get_model("subscriptions", "Subscription").objects.update(
        contact_changed_at=models.Subquery(in_force.values("started_at"))
    )


class Migration(migrations.Migration):
    dependencies = [("subscriptions", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="subscription",
            name="contact_changed_at",
            field=models.DateTimeField(
                default=django.utils.timezone.now,
                editable=False,
                help_text="When the support contact came into force, as its history says too.",
                verbose_name="support contact since",
            ),
        ),
        migrations.RunPython(read_from_history, migrations.RunPython.noop),
    ]
