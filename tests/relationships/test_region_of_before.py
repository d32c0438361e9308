"""R11: the region that earlier versions began with grows to Europe, unless an operator touched it."""

import pytest
from django.utils.translation import override

from portal.models import Action, ActivityEntry
from relationships.models import RegionCountry, SalesRegion
from tests.relationships.test_regions import EFTA, EU, OTHERS, in_common


@pytest.fixture
def before(past):
    """An installation before the update, with the region of then."""
    past.migrate(("relationships", "0010_whom_requests_are_for"))
    region = SalesRegion.objects.create(name="EU/EFTA")
    for country in EU | EFTA:
        RegionCountry.objects.create(region=region, country=country)
    return past


def changes_in_german(entry):
    with override("de"):
        return " ".join(change.after for change in entry.changes)


def test_R11_an_untouched_older_default_grows_renamed_and_logged(before):
    before.migrate()
    [region] = SalesRegion.objects.all()
    listed = {row.country.code for row in region.countries.all()}
    assert (region.name, listed) == ("Europe", EU | EFTA | OTHERS)
    [entry] = ActivityEntry.objects.filter(action=Action.REGION_CHANGED)
    assert entry.actor is None
    assert entry.before == {"name": "EU/EFTA", "countries": sorted(EU | EFTA)}
    assert entry.after == {"name": "Europe", "countries": sorted(listed)}
    assert "Grönland" in changes_in_german(entry)


@pytest.mark.parametrize("touch", ["renamed", "shrunk", "a place elsewhere"])
def test_R11_what_an_operator_touched_stays(before, touch):
    if touch == "renamed":
        SalesRegion.objects.update(name="Ours")
    if touch == "shrunk":
        RegionCountry.objects.filter(country="CH").delete()
    if touch == "a place elsewhere":
        britain = SalesRegion.objects.create(name="United Kingdom")
        RegionCountry.objects.create(region=britain, country="GB")
    before.migrate()
    if touch == "a place elsewhere":
        assert not in_common("DE", "GB")
        assert in_common("DE", "GL")
        return
    [region] = SalesRegion.objects.all()
    assert region.name == ("Ours" if touch == "renamed" else "EU/EFTA")
    assert region.countries.count() == (30 if touch == "shrunk" else 31)
    assert not ActivityEntry.objects.filter(action=Action.REGION_CHANGED).exists()
