from django.db import migrations, models

from portal.append_only import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("portal", "0004_user_time_zone")]

    operations = [
        migrations.AddField(
            model_name="activityentry",
            name="address",
            field=models.GenericIPAddressField(
                editable=False,
                help_text="From where it was done; empty where the portal itself acted.",
                null=True,
                unpack_ipv4=True,
                verbose_name="IP address",
            ),
        ),
        AppendOnly("activityentry"),
        AppendOnly("activityentry", many_to_many="partners"),
    ]
