from django.conf import settings
from django.db import migrations, models

import portal.models.fields
from portal.text import fold


def fill(apps, schema_editor):
    """Copy the keys of the customers to their relationships, and fold the names of the requests."""
    customers = apps.get_model("customers", "Customer").objects.filter(
        pk=models.OuterRef("customer")
    )
    apps.get_model("relationships", "Relationship").objects.update(
        customer_key=models.Subquery(customers.values("name_key")),
        customer_domain=models.Subquery(customers.values("domain")),
    )
    requests = apps.get_model("relationships", "RelationshipRequest").objects
    for key, name in requests.values_list("pk", "recipient_name").iterator(chunk_size=1000):
        requests.filter(pk=key).update(recipient_key=fold(name)[:800])


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0001_initial"),
        ("portal", "0002_notices"),
        ("relationships", "0002_requests_and_regions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="relationshiprequest",
            name="relationships_request_list",
        ),
        migrations.AddField(
            model_name="relationship",
            name="customer_domain",
            field=portal.models.fields.KeyField(default="", editable=False, max_length=253),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="relationship",
            name="customer_key",
            field=portal.models.fields.KeyField(default="", editable=False, max_length=800),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="relationshiprequest",
            name="recipient_key",
            field=portal.models.fields.FoldedField(
                default="", editable=False, max_length=800, source="recipient_name"
            ),
            preserve_default=False,
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name="relationship",
            index=models.Index(
                condition=models.Q(("ended_at", None)),
                fields=["partner", "customer_key", "customer", "customer_domain"],
                name="relationships_by_name",
            ),
        ),
        migrations.AddIndex(
            model_name="relationship",
            index=models.Index(
                condition=models.Q(("ended_at", None)),
                fields=["partner", "customer_domain", "customer", "customer_key"],
                name="relationships_by_domain",
            ),
        ),
        migrations.AddIndex(
            model_name="relationship",
            index=models.Index(
                condition=models.Q(("ended_at", None)),
                fields=["partner", "started_at", "customer"],
                name="relationships_by_start",
            ),
        ),
        migrations.AddIndex(
            model_name="relationship",
            index=models.Index(
                condition=models.Q(("ended_at", None)),
                fields=["partner", "has_dap", "customer_key", "customer"],
                name="relationships_by_dap",
            ),
        ),
        migrations.AddIndex(
            model_name="relationshiprequest",
            index=models.Index(
                fields=["partner", "created_at", "id"], name="relationships_request_list"
            ),
        ),
        migrations.AddIndex(
            model_name="relationshiprequest",
            index=models.Index(
                fields=["partner", "recipient_key", "id"], name="relationships_request_firm"
            ),
        ),
    ]
