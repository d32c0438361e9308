"""R11 in Django admin: which countries are one sales region."""

import pytest

from portal.authority import PORTAL
from relationships.models import RegionCountry, Relationship, SalesRegion
from tests.admin import add, countries_form, errors, page


class TestSalesRegions:
    """R11: the table of countries to regions is the operator's."""

    @pytest.fixture
    def region(self, demo):
        return SalesRegion.objects.get()

    def test_R11_the_operator_takes_a_country_out(self, admin_client, demo, region):
        sent = countries_form(region, without=["AT"])
        answer = admin_client.post(page(SalesRegion, "change", region.pk), sent)
        assert answer.status_code == 302
        assert not SalesRegion.objects.have_in_common("AT", "DE")
        assert SalesRegion.objects.have_in_common("CH", "DE")

    def test_R11_and_adds_one(self, admin_client, demo, region):
        sent = countries_form(region, and_also=["CA", "US"])
        answer = admin_client.post(page(SalesRegion, "change", region.pk), sent)
        assert answer.status_code == 302
        assert SalesRegion.objects.have_in_common("US", "DE")
        Relationship.objects.start(
            demo.partner("Pacific Resale"),
            demo.customer("Reederei Albers"),
            has_dap=True,
            by=PORTAL,
        )

    def test_R11_and_makes_a_region_of_its_own(self, admin_client, demo):
        answer = admin_client.post(
            page(SalesRegion, "add"),
            {
                "name": "North America",
                "countries-TOTAL_FORMS": "2",
                "countries-INITIAL_FORMS": "0",
                "countries-0-country": "US",
                "countries-1-country": "CA",
            },
        )
        assert answer.status_code == 302
        assert SalesRegion.objects.have_in_common("US", "CA")
        assert not SalesRegion.objects.have_in_common("US", "DE")

    def test_R11_a_country_stands_in_one_region(self, admin_client, demo, nothing_written):
        other = SalesRegion.objects.create(name="DACH")
        with nothing_written():
            answer = add(admin_client, RegionCountry, region=other.pk, country="DE")
        assert errors(answer) == {"country": ["This country is in a sales region already."]}
