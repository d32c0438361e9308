from django.db import migrations

from portal.append_only import AppendOnly


class Migration(migrations.Migration):
    dependencies = [
        ("portal", "0009_guard_every_key"),
        ("subscriptions", "0009_indexes_of_filters"),
    ]

    operations = [AppendOnly("supportcontactassignment", may_end="ended_at")]
