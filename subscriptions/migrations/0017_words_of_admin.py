import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("subscriptions", "0016_outcomes_of_files"),
    ]

    operations = [
        migrations.AlterField(
            model_name="bulkassignmentrow",
            name="seen",
            field=models.ForeignKey(
                db_index=False,
                help_text="When the preview was made.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="subscriptions.supportcontactassignment",
                verbose_name="contact in force",
            ),
        ),
    ]
