from django.db import migrations
from django.db.models import F, Q

from portal.addresses import SUSPECT_EMAIL, bring_into_form, normal_email, unicode_domain
from portal.text import fold


def bring(apps, schema_editor):
    """Keep each email in its normal form (R14)."""
    requests = apps.get_model("relationships", "RelationshipRequest").objects.all()
    bring_into_form(requests, "recipient_email", normal_email, SUSPECT_EMAIL)


def follow(apps, schema_editor):
    """Copy the domains that changed, and those with other letters than ASCII in the form that is searched."""
    rows = apps.get_model("relationships", "Relationship").objects
    differing = ~Q(customer_domain=F("customer__domain")) | Q(customer__domain__contains="xn--")
    keys = rows.filter(differing).values("customer")
    customers = apps.get_model("customers", "Customer").objects.filter(pk__in=keys)
    for pk, name_key, domain in customers.values_list("pk", "name_key", "domain"):
        key = fold(unicode_domain(domain)) if "xn--" in domain else domain
        key = key.encode()[:253].decode(errors="ignore")
        rows.filter(customer=pk).update(name_and_domain=f"{name_key}\t{key}", customer_domain=key)


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0003_normal_form"),
        ("relationships", "0007_indexes_of_name_and_domain"),
    ]

    operations = [
        migrations.RunPython(bring, migrations.RunPython.noop),
        migrations.RunPython(follow, migrations.RunPython.noop),
    ]
