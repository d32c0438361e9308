from django.db import migrations

from portal.append_only import AppendOnly


class Migration(migrations.Migration):
    dependencies = [
        ("portal", "0005_activity_append_only"),
        ("subscriptions", "0001_initial"),
    ]

    operations = [AppendOnly("supportcontactassignment", may_end="ended_at")]
