from django.db import migrations

from portal.append_only import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("portal", "0008_log_by_name_of_customer")]

    operations = [AppendOnly("activityentry"), AppendOnly("activityreader")]
