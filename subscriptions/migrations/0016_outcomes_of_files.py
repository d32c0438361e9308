from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("subscriptions", "0015_products_by_customer"),
    ]

    operations = [
        migrations.AlterField(
            model_name="bulkassignmentrow",
            name="outcome",
            field=models.CharField(
                blank=True,
                choices=[
                    ("", "No contact was chosen yet"),
                    ("change", "Will change"),
                    ("same", "Already so"),
                    ("left", "Left as it is: no contact given"),
                    ("not_allowed", "Another partner decides on it"),
                    ("stale", "Changed in the meantime"),
                    ("deactivated", "The partner was deactivated"),
                    ("no_partnership", "No partnership with this partner"),
                    ("pending", "The partner's request to the customer is still open"),
                    ("dap_removed", "The partner's delegated admin privileges were removed"),
                    ("no_dap", "The partner has no delegated admin privileges"),
                    ("no_relationship", "The partner has no relationship with the customer"),
                    ("bad_id", "This is not the ID of a subscription"),
                    ("mangled", "A spreadsheet has changed this number: format the column as text"),
                    (
                        "shortened",
                        "Zeros at the beginning may be missing: format the column as text",
                    ),
                    ("unknown", "There is no such subscription"),
                    ("unknown_partner", "You work with no partner of this MPN ID"),
                    ("twice", "This subscription stands in the file already"),
                ],
                default="",
                max_length=20,
                verbose_name="outcome",
            ),
        ),
    ]
