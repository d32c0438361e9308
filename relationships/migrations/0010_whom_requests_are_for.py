import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Exists, OuterRef


def unbind_what_nobody_proved(apps, schema_editor):
    """Leave open requests bound to whom they were meant for: a partner's own customer, a proved address.

    Others were bound by an address or a domain that somebody had only typed.
    """
    Request = apps.get_model("relationships", "RelationshipRequest")
    Relationship = apps.get_model("relationships", "Relationship")
    ProvedAddress = apps.get_model("portal", "ProvedAddress")
    asked = Request.objects.filter(status="open")
    own = Relationship.objects.filter(
        partner=OuterRef("partner"), customer=OuterRef("customer"), ended_at=None
    )
    asked.filter(Exists(own)).update(names_customer=True)
    proofs = ProvedAddress.objects.filter(email=OuterRef("recipient_email"))
    to_customer = proofs.filter(user__membership__customer=OuterRef("customer"))
    asked.filter(~Exists(to_customer), customer__isnull=False, names_customer=False).update(
        customer=None
    )
    to_reseller = proofs.filter(
        user__membership__partner=OuterRef("reseller"), user__membership__role_rows__role="global"
    )
    asked.filter(~Exists(to_reseller), reseller__isnull=False).update(reseller=None)


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0005_reviewed_so_far"),
        ("portal", "0014_proved_addresses"),
        ("relationships", "0009_undelivered_mail"),
    ]

    operations = [
        migrations.AddField(
            model_name="relationshiprequest",
            name="names_customer",
            field=models.BooleanField(
                default=False,
                editable=False,
                help_text="The partner asked this customer of its own, whatever the address.",
                verbose_name="to a customer of its own",
            ),
        ),
        migrations.AlterField(
            model_name="relationshiprequest",
            name="answered_by",
            field=models.ForeignKey(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="requests_answered",
                to=settings.AUTH_USER_MODEL,
                verbose_name="answered by",
            ),
        ),
        migrations.AddIndex(
            model_name="relationshiprequest",
            index=models.Index(
                condition=models.Q(("status", "open")),
                fields=["recipient_email"],
                name="relationships_request_asked",
            ),
        ),
        migrations.RunPython(unbind_what_nobody_proved, migrations.RunPython.noop),
    ]
