from django.db import migrations, models

import portal.zones


def call_zones_by_one_name(apps, schema_editor):
    """Whoever picked a zone by another of its names, Asia/Calcutta, finds it in the list as Asia/Kolkata."""
    users = apps.get_model("portal", "User").objects
    for name in set(users.exclude(time_zone="").values_list("time_zone", flat=True)):
        users.filter(time_zone=name).update(time_zone=portal.zones.normal_zone(name))


class Migration(migrations.Migration):
    dependencies = [
        ("portal", "0020_zone_of_the_installation"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="has_decided_zone",
            field=models.BooleanField(default=False, editable=False),
        ),
        migrations.AlterField(
            model_name="user",
            name="time_zone",
            field=models.CharField(
                blank=True,
                help_text="The portal shows times in this zone. Empty: in that of the installation.",
                max_length=50,
                validators=[portal.zones.validate_time_zone],
                verbose_name="time zone",
            ),
        ),
        migrations.RunPython(call_zones_by_one_name, migrations.RunPython.noop),
    ]
