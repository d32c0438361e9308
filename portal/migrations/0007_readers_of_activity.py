import django.db.models.deletion
from django.db import migrations, models

from portal.append_only import AppendOnly


def copy_readers(apps, schema_editor):
    """Take over who may read what, with what lists sort and filter by."""
    schema_editor.execute(
        "INSERT INTO portal_activityreader (activityentry_id, partner_id, at, action, customer_id)"
        " SELECT entry.id, reader.partner_id, entry.at, entry.action, entry.customer_id"
        " FROM portal_activityentry_partners reader"
        " JOIN portal_activityentry entry ON entry.id = reader.activityentry_id ORDER BY entry.id"
    )
    if schema_editor.connection.vendor == "postgresql":
        # Checked now: tables with checks still to come can't be altered.
        schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0001_initial"),
        ("portal", "0006_sign_in"),
    ]

    operations = [
        migrations.CreateModel(
            name="ActivityReader",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("action", models.CharField(max_length=40)),
                (
                    "activityentry",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="readers",
                        to="portal.activityentry",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="customers.customer",
                    ),
                ),
                (
                    "partner",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="portal.partner",
                    ),
                ),
            ],
            options={
                "verbose_name": "reader of an activity log entry",
                "verbose_name_plural": "readers of activity log entries",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("activityentry", "partner"), name="portal_activity_reader_once"
                    ),
                ],
                "indexes": [
                    models.Index(
                        condition=models.Q(("action", "support_contact.fell_back")),
                        fields=["partner", "activityentry"],
                        name="portal_reader_notices",
                    ),
                    models.Index(
                        fields=["partner", "at", "activityentry"], name="portal_reader_at"
                    ),
                    models.Index(
                        fields=["partner", "action", "at", "activityentry"],
                        name="portal_reader_action",
                    ),
                    models.Index(
                        fields=["partner", "customer", "at", "activityentry"],
                        name="portal_reader_customer",
                    ),
                ],
            },
        ),
        migrations.RunPython(copy_readers, migrations.RunPython.noop),
        migrations.RemoveField(model_name="activityentry", name="partners"),
        migrations.AddField(
            model_name="activityentry",
            name="partners",
            field=models.ManyToManyField(
                related_name="activity",
                through="portal.ActivityReader",
                to="portal.partner",
                verbose_name="partners concerned",
            ),
        ),
        migrations.RemoveIndex(model_name="activityentry", name="portal_activity_customer"),
        migrations.AddIndex(
            model_name="activityentry",
            index=models.Index(fields=["customer", "at", "id"], name="portal_activity_customer"),
        ),
        AppendOnly("activityentry"),
        AppendOnly("activityreader"),
    ]
