import django.db.models.deletion
from django.db import migrations, models

import portal.models.actions


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0006_phones"),
        ("portal", "0021_zone_offered_once"),
    ]

    operations = [
        migrations.AlterField(
            model_name="activityreader",
            name="action",
            field=models.CharField(max_length=40, verbose_name="action"),
        ),
        migrations.AlterField(
            model_name="activityreader",
            name="activityentry",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="readers",
                to="portal.activityentry",
                verbose_name="activity log entry",
            ),
        ),
        migrations.AlterField(
            model_name="activityreader",
            name="at",
            field=models.DateTimeField(verbose_name="at"),
        ),
        migrations.AlterField(
            model_name="activityreader",
            name="customer",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="customers.customer",
                verbose_name="customer",
            ),
        ),
        migrations.AlterField(
            model_name="activityreader",
            name="partner",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="portal.partner",
                verbose_name="partner",
            ),
        ),
        migrations.AlterField(
            model_name="notice",
            name="action",
            field=models.CharField(
                choices=portal.models.actions.action_choices,
                editable=False,
                max_length=40,
                verbose_name="action",
            ),
        ),
        migrations.AlterField(
            model_name="notice",
            name="customer",
            field=models.ForeignKey(
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="notices",
                to="customers.customer",
                verbose_name="customer",
            ),
        ),
        migrations.AlterField(
            model_name="notice",
            name="gained",
            field=models.PositiveIntegerField(
                default=0,
                editable=False,
                help_text="How many subscriptions; for a customer, how many of its subscriptions have another contact.",
                verbose_name="answers from now on for",
            ),
        ),
        migrations.AlterField(
            model_name="notice",
            name="lost",
            field=models.PositiveIntegerField(
                default=0, editable=False, verbose_name="no longer answers for"
            ),
        ),
        migrations.AlterField(
            model_name="notice",
            name="partner",
            field=models.ForeignKey(
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="notices",
                to="portal.partner",
                verbose_name="partner",
            ),
        ),
    ]
