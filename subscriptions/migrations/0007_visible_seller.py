import django.db.models.deletion
from django.db import migrations, models


def fill(apps, schema_editor):
    """Copy the seller where it looks after the customer."""
    relationships = apps.get_model("relationships", "Relationship").objects.filter(
        partner=models.OuterRef("seller"), customer=models.OuterRef("customer"), ended_at=None
    )
    sold = apps.get_model("subscriptions", "Subscription").objects.filter(seller__isnull=False)
    looked_after = sold.filter(models.Exists(relationships))
    looked_after.update(visible_seller=models.F("seller"))


class Migration(migrations.Migration):
    dependencies = [
        ("portal", "0007_readers_of_activity"),
        ("relationships", "0004_indexes_of_customers"),
        ("subscriptions", "0006_indexes_of_elsewhere"),
    ]

    operations = [
        # Before each row is written, which would write them all.
        migrations.RemoveIndex(
            model_name="subscription",
            name="subscriptions_by_product",
        ),
        migrations.RemoveIndex(
            model_name="subscription",
            name="subscriptions_by_customer",
        ),
        migrations.RemoveIndex(
            model_name="subscription",
            name="subscriptions_by_change",
        ),
        migrations.RemoveIndex(
            model_name="subscription",
            name="subscriptions_by_contact",
        ),
        migrations.RemoveIndex(
            model_name="subscription",
            name="subscriptions_by_offer",
        ),
        migrations.RemoveIndex(
            model_name="subscription",
            name="subscriptions_suspended",
        ),
        migrations.RemoveIndex(
            model_name="subscription",
            name="subscriptions_else_by_product",
        ),
        migrations.RemoveIndex(
            model_name="subscription",
            name="subscriptions_else_by_customer",
        ),
        migrations.RemoveIndex(
            model_name="subscription",
            name="subscriptions_else_by_change",
        ),
        migrations.RemoveIndex(
            model_name="subscription",
            name="subscriptions_else_by_contact",
        ),
        migrations.RemoveIndex(
            model_name="subscription",
            name="subscriptions_else_by_offer",
        ),
        migrations.AddField(
            model_name="subscription",
            name="visible_seller",
            field=models.ForeignKey(
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="portal.partner",
            ),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
