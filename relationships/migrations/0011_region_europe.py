import uuid

from django.db import migrations

# The region that earlier versions began with.
EU_AND_EFTA = {
    *(
        "AT",
        "BE",
        "BG",
        "CH",
        "CY",
        "CZ",
        "DE",
        "DK",
        "EE",
        "ES",
        "FI",
        "FR",
        "GR",
        "HR",
        "HU",
        "IE",
    ),
    *("IS", "IT", "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK"),
}
ADDED = ("AD", "AX", "BV", "FO", "GB", "GG", "GI", "GL", "IM", "JE", "MC", "SJ", "SM", "VA")


def grow_untouched_default(apps, schema_editor):
    """Let the region that no operator touched become Europe (R11), and log it as the portal's own act.

    A country that an operator gave a place in another region stays there.
    """
    Region = apps.get_model("relationships", "SalesRegion")
    RegionCountry = apps.get_model("relationships", "RegionCountry")
    region = Region.objects.filter(name="EU/EFTA").first()
    if region is None or Region.objects.filter(name="Europe").exists():
        return
    before = sorted(row.country.code for row in region.countries.all())
    if set(before) != EU_AND_EFTA:
        return
    elsewhere = set(
        RegionCountry.objects.filter(country__in=ADDED).values_list("country", flat=True)
    )
    RegionCountry.objects.bulk_create(
        RegionCountry(region=region, country=code) for code in ADDED if code not in elsewhere
    )
    region.name = "Europe"
    region.save(update_fields=["name"])
    after = sorted(row.country.code for row in region.countries.all())
    apps.get_model("portal", "ActivityEntry").objects.create(
        action="region.changed",
        subject=region.name,
        subject_id=uuid.UUID(int=region.pk),
        before={"name": "EU/EFTA", "countries": before},
        after={"name": region.name, "countries": after},
    )


class Migration(migrations.Migration):
    dependencies = [
        ("portal", "0018_notices"),
        ("relationships", "0010_whom_requests_are_for"),
    ]

    operations = [migrations.RunPython(grow_untouched_default, migrations.RunPython.noop)]
