from django.db import migrations, models

# Written by hosts whose clocks differed: what follows comes at once.
IN_ORDER = [
    f'UPDATE "{table}" SET "{then}" = "{first}" WHERE "{then}" < "{first}"'  # noqa: S608
    for table, then, first in (("subscriptions_bulkassignment", "submitted_at", "created_at"),)
]


class Migration(migrations.Migration):
    dependencies = [
        ("subscriptions", "0013_day_of_the_installation"),
    ]

    operations = [
        migrations.RunSQL(IN_ORDER, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="bulkassignment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("submitted_at", None),
                    ("submitted_at__gte", models.F("created_at")),
                    _connector="OR",
                ),
                name="subscriptions_bulk_submitted_after",
                violation_error_message="What follows can't be earlier than what it follows.",
            ),
        ),
    ]
