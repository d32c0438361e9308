from django.db import migrations, models

# Written by hosts whose clocks differed: what follows comes at once.
IN_ORDER = [
    f'UPDATE "{table}" SET "{then}" = "{first}" WHERE "{then}" < "{first}"'  # noqa: S608
    for table, then, first in (
        ("relationships_partnership", "ended_at", "started_at"),
        ("relationships_relationship", "ended_at", "started_at"),
        ("relationships_relationship", "dap_removed_at", "started_at"),
        ("relationships_relationship", "ended_at", "dap_removed_at"),
        ("relationships_relationshiprequest", "answered_at", "created_at"),
        ("relationships_relationshiprequest", "sent_at", "created_at"),
        ("relationships_relationshiprequest", "undelivered_at", "sent_at"),
    )
]


class Migration(migrations.Migration):
    dependencies = [
        ("relationships", "0011_region_europe"),
    ]

    operations = [
        migrations.RunSQL(IN_ORDER, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="partnership",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("ended_at", None), ("ended_at__gte", models.F("started_at")), _connector="OR"
                ),
                name="relationships_partnership_ends_after",
                violation_error_message="What follows can't be earlier than what it follows.",
            ),
        ),
        migrations.AddConstraint(
            model_name="relationship",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("ended_at", None), ("ended_at__gte", models.F("started_at")), _connector="OR"
                ),
                name="relationships_ends_after_start",
                violation_error_message="What follows can't be earlier than what it follows.",
            ),
        ),
        migrations.AddConstraint(
            model_name="relationship",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("dap_removed_at", None),
                    ("dap_removed_at__gte", models.F("started_at")),
                    _connector="OR",
                ),
                name="relationships_dap_removed_after_start",
                violation_error_message="What follows can't be earlier than what it follows.",
            ),
        ),
        migrations.AddConstraint(
            model_name="relationship",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("ended_at", None),
                    ("ended_at__gte", models.F("dap_removed_at")),
                    _connector="OR",
                ),
                name="relationships_ends_after_dap_removed",
                violation_error_message="What follows can't be earlier than what it follows.",
            ),
        ),
        migrations.AddConstraint(
            model_name="relationshiprequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("answered_at", None),
                    ("answered_at__gte", models.F("created_at")),
                    _connector="OR",
                ),
                name="relationships_request_answered_after",
                violation_error_message="What follows can't be earlier than what it follows.",
            ),
        ),
        migrations.AddConstraint(
            model_name="relationshiprequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("sent_at", None), ("sent_at__gte", models.F("created_at")), _connector="OR"
                ),
                name="relationships_request_sent_after",
                violation_error_message="What follows can't be earlier than what it follows.",
            ),
        ),
        migrations.AddConstraint(
            model_name="relationshiprequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("undelivered_at", None),
                    ("undelivered_at__gte", models.F("sent_at")),
                    _connector="OR",
                ),
                name="relationships_request_undelivered_after",
                violation_error_message="What follows can't be earlier than what it follows.",
            ),
        ),
    ]
