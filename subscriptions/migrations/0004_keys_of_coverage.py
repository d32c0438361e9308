import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import portal.models.fields


def fill(apps, schema_editor):
    """Copy since when the contact is in force from the history, and the key from the customer."""
    assignments = apps.get_model("subscriptions", "SupportContactAssignment").objects
    in_force = assignments.filter(subscription=models.OuterRef("pk"), ended_at=None)
    customers = apps.get_model("customers", "Customer").objects
    customer = customers.filter(pk=models.OuterRef("customer"))
    apps.get_model("subscriptions", "Subscription").objects.update(
        contact_changed_at=models.Subquery(in_force.values("started_at")),
        customer_key=models.Subquery(customer.values("name_key")),
    )


class Migration(migrations.Migration):
    dependencies = [("subscriptions", "0003_offer_catalogue")]

    operations = [
        migrations.AddField(
            model_name="subscription",
            name="contact_changed_at",
            field=models.DateTimeField(
                default=django.utils.timezone.now,
                editable=False,
                help_text="When the support contact came into force, as its history says too.",
                verbose_name="support contact since",
            ),
        ),
        migrations.AddField(
            model_name="subscription",
            name="customer_key",
            field=portal.models.fields.KeyField(default="", editable=False, max_length=800),
            preserve_default=False,
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="subscription",
            name="customer",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="subscriptions",
                to="customers.customer",
                verbose_name="customer",
            ),
        ),
        migrations.AlterField(
            model_name="subscription",
            name="reseller_of_record",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="subscriptions_of_record",
                to="portal.partner",
                verbose_name="reseller of record",
            ),
        ),
        migrations.AlterField(
            model_name="subscription",
            name="seller",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                help_text="Empty: bought elsewhere.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="sold_subscriptions",
                to="portal.partner",
                verbose_name="seller",
            ),
        ),
        migrations.AlterField(
            model_name="subscription",
            name="support_contact",
            field=models.ForeignKey(
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="supported_subscriptions",
                to="portal.partner",
                verbose_name="designated support contact",
            ),
        ),
        migrations.AddIndex(
            model_name="subscription",
            index=models.Index(
                fields=["seller", "name_key", "id"], name="subscriptions_by_product"
            ),
        ),
        migrations.AddIndex(
            model_name="subscription",
            index=models.Index(
                fields=["seller", "customer_key", "id"], name="subscriptions_by_customer"
            ),
        ),
        migrations.AddIndex(
            model_name="subscription",
            index=models.Index(
                fields=["seller", "contact_changed_at", "id"], name="subscriptions_by_change"
            ),
        ),
        migrations.AddIndex(
            model_name="subscription",
            index=models.Index(
                fields=["seller", "support_contact", "name_key", "id"],
                name="subscriptions_by_contact",
            ),
        ),
        migrations.AddIndex(
            model_name="subscription",
            index=models.Index(
                fields=["seller", "offer", "customer_key", "id"], name="subscriptions_by_offer"
            ),
        ),
        migrations.AddIndex(
            model_name="subscription",
            index=models.Index(
                condition=models.Q(("status", "suspended")),
                fields=["seller", "name_key", "id"],
                name="subscriptions_suspended",
            ),
        ),
        migrations.AddIndex(
            model_name="subscription",
            index=models.Index(
                fields=["reseller_of_record", "name_key", "id"], name="subscriptions_of_record"
            ),
        ),
        migrations.AddIndex(
            model_name="subscription",
            index=models.Index(
                fields=["support_contact", "name_key", "id"], name="subscriptions_supported"
            ),
        ),
    ]
