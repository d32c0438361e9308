"""R11: partner and customer, provider and reseller, are in the same sales region."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from portal.authority import PORTAL
from relationships.apps import RelationshipsConfig
from relationships.models import Partnership, RegionCountry, Relationship, SalesRegion
from tests.factories import CustomerFactory, PartnerFactory

pytestmark = pytest.mark.django_db

EU = {
    *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU"),
    *("IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"),
}
EFTA = {"CH", "IS", "LI", "NO"}
OTHERS = {*("AD", "AX", "BV", "FO", "GB", "GG", "GI", "GL", "IM", "JE", "MC", "SJ", "SM", "VA")}


def in_common(*countries):
    return SalesRegion.objects.have_in_common(*countries)


class TestTheTable:
    def test_R11_migrate_makes_the_region_europe(self):
        [region] = SalesRegion.objects.all()
        assert str(region) == "Europe"
        listed = [str(row.country.code) for row in region.countries.all()]
        assert sorted(listed) == sorted(EU | EFTA | OTHERS)
        assert len(listed) == 45

    @pytest.mark.parametrize(
        ("countries", "same"),
        [
            (("DE", "DE"), True),
            (("DE", "AT"), True),
            (("NO", "CH"), True),
            (("US", "US"), True),
            (("DE", "US"), False),
            (("DE", "GB"), True),
            (("DE", "TR"), False),
            (("FR", "GF"), False),
            (("US", "CA"), False),
        ],
    )
    def test_R11_who_is_in_the_same_region(self, countries, same):
        assert in_common(*countries) == same
        assert in_common(*reversed(countries)) == same

    def test_R11_a_country_without_a_region_is_one_of_its_own(self):
        RegionCountry.objects.filter(country="AT").delete()
        assert in_common("AT", "AT")
        assert not in_common("AT", "DE")

    def test_R11_two_regions_are_two(self):
        america = SalesRegion.objects.create(name="North America")
        for country in ("US", "CA"):
            RegionCountry.objects.create(region=america, country=country)
        assert in_common("US", "CA")
        assert not in_common("US", "DE")

    def test_R11_a_country_stands_in_one_region(self):
        other = SalesRegion.objects.create(name="DACH")
        with pytest.raises(IntegrityError), transaction.atomic():
            RegionCountry.objects.create(region=other, country="DE")

    def test_R11_without_a_table_everyone_stays_at_home(self):
        SalesRegion.objects.all().delete()
        assert in_common("DE", "DE")
        assert not in_common("DE", "AT")

    def test_R11_a_region_of_the_operator_is_left_alone(self):
        SalesRegion.objects.all().delete()
        mine = SalesRegion.objects.create(name="DACH")
        SalesRegion.objects.create_default()
        assert list(SalesRegion.objects.all()) == [mine]

    def test_the_default_is_made_after_migrate_only_where_the_table_is_there(self, tmp_path):
        """An operator may migrate one app alone, or go back."""
        environment = {
            **os.environ,
            "DATABASE_URL": f"sqlite:///{tmp_path / 'partial.sqlite3'}",
        }
        root = Path(__file__).resolve().parents[2]
        for target in (["portal"], ["relationships", "0001"]):
            done = subprocess.run(
                [sys.executable, "manage.py", "migrate", "--verbosity=0", *target],
                cwd=root,
                env=environment,
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, done.stderr

    def test_names_as_people_read_them(self):
        assert str(RegionCountry.objects.get(country="AT")) == "Austria"
        assert RelationshipsConfig.verbose_name == "Relationships"


class TestRelationships:
    def test_R11_across_a_border_inside_the_region(self, demo):
        Relationship.objects.start(
            demo.partner("Hafen IT"), demo.customer("Weingut Huber"), has_dap=True, by=PORTAL
        )

    def test_R11_not_across_regions(self, demo, nothing_written):
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            Relationship.objects.start(
                demo.partner("Pacific Resale"),
                demo.customer("Reederei Albers"),
                has_dap=True,
                by=PORTAL,
            )
        assert refusal.value.messages == [
            "Pacific Resale (United States) and Reederei Albers (Germany) are not in the "
            "same sales region."
        ]
        [error] = refusal.value.error_dict["__all__"]
        assert error.code == "R11"

    def test_R11_at_home_everywhere(self):
        relationship = Relationship.objects.start(
            PartnerFactory(country="US", direct=True),
            CustomerFactory(country="US"),
            has_dap=True,
            by=PORTAL,
        )
        assert relationship.has_dap

    def test_R11_what_the_operator_changes_counts_from_now_on(self, demo):
        """What stands, stands: nobody loses its partner because a table was edited."""
        RegionCountry.objects.filter(country="AT").delete()
        standing = demo.relationship("Reederei Albers", "Südwind Cloud")
        standing.grant_dap(by=PORTAL)
        with pytest.raises(ValidationError):
            Relationship.objects.start(
                demo.partner("Hafen IT"), demo.customer("Weingut Huber"), has_dap=True, by=PORTAL
            )


class TestPartnerships:
    def test_R11_not_across_regions(self, demo, nothing_written):
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            Partnership.objects.start(
                demo.partner("Nordlicht Distribution"), demo.partner("Pacific Resale"), by=PORTAL
            )
        [error] = refusal.value.error_dict["__all__"]
        assert (error.code, error.messages) == (
            "R11",
            [
                "Nordlicht Distribution (Germany) and Pacific Resale (United States) are "
                "not in the same sales region."
            ],
        )

    def test_R11_across_a_border_inside_the_region(self, demo):
        Partnership.objects.start(
            demo.partner("Südwind Cloud"), demo.partner("Hafen IT"), by=PORTAL
        )
