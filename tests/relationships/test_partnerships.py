"""Partnerships: an indirect provider and an indirect reseller work together (R10)."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from portal.authority import PORTAL
from portal.models import Action, ActivityEntry
from relationships.models import Partnership, Relationship
from tests.factories import PartnerFactory, PartnershipFactory


def test_starting_one_is_logged_for_both(demo):
    by = demo.user("global@moewe.example")
    partnership = Partnership.objects.start(
        demo.partner("Nordlicht Distribution"), demo.partner("Möwe Systems"), by=by
    )
    assert str(partnership) == "Nordlicht Distribution – Möwe Systems"
    entry = demo.log()[-1]
    assert (entry.action, entry.person, entry.subject_id) == (
        Action.PARTNERSHIP_STARTED,
        by,
        partnership.pk,
    )
    assert {partner.name for partner in entry.partners.all()} == {
        "Nordlicht Distribution",
        "Möwe Systems",
    }


@pytest.mark.parametrize(
    ("provider", "reseller", "message"),
    [
        ("Brandt Direkt", "Hafen IT", "Brandt Direkt is not an indirect provider."),
        ("Hafen IT", "Elbe Support", "Hafen IT is not an indirect provider."),
        (
            "Nordlicht Distribution",
            "Südwind Cloud",
            "Südwind Cloud is not an indirect reseller.",
        ),
        ("Nordlicht Distribution", "Brandt Direkt", "Brandt Direkt is not an indirect reseller."),
        (
            "Nordlicht Distribution",
            "Nordlicht Distribution",
            "Nordlicht Distribution is not an indirect reseller.",
        ),
    ],
)
def test_it_takes_an_indirect_provider_and_an_indirect_reseller(
    demo, provider, reseller, message, nothing_written
):
    with nothing_written(), pytest.raises(ValidationError) as refusal:
        Partnership.objects.start(demo.partner(provider), demo.partner(reseller), by=PORTAL)
    assert refusal.value.messages == [message]


def test_the_refusal_of_a_type_carries_its_code(demo):
    with pytest.raises(ValidationError) as refusal:
        Partnership.objects.start(
            demo.partner("Brandt Direkt"), demo.partner("Hafen IT"), by=PORTAL
        )
    [error] = refusal.value.error_dict["provider"]
    assert error.code == "type"


def test_working_together_twice_is_refused_with_a_sentence(demo, nothing_written):
    with nothing_written(), pytest.raises(ValidationError) as refusal:
        Partnership.objects.start(
            demo.partner("Nordlicht Distribution"), demo.partner("Hafen IT"), by=PORTAL
        )
    assert refusal.value.messages == ["These two partners work together already."]


def test_the_database_refuses_it_too(demo):
    with pytest.raises(IntegrityError), transaction.atomic():
        Partnership.objects.create(
            provider=demo.partner("Nordlicht Distribution"), reseller=demo.partner("Hafen IT")
        )


class TestR10:
    def test_R10_each_is_in_the_others_list(self, demo):
        def partnerships(email):
            found = Partnership.objects.active().visible_to(demo.user(email).membership)
            return {str(partnership) for partnership in found}

        assert partnerships("global@nordlicht.example") == {
            "Nordlicht Distribution – Hafen IT",
            "Nordlicht Distribution – Elbe Support",
            "Nordlicht Distribution – Kranich Consulting",
        }
        assert partnerships("global@hafen.example") == {"Nordlicht Distribution – Hafen IT"}
        assert partnerships("global@moewe.example") == {"Südwind Cloud – Möwe Systems"}
        assert partnerships("global@pacific.example") == set()
        assert partnerships("admin@albers.example") == set()
        assert list(Partnership.objects.visible_to(None)) == []

    def test_R10_ending_it_leaves_customers_relationships_and_dap(self, demo):
        by = demo.user("global@hafen.example")
        before = list(Relationship.objects.order_by("pk").values())
        partnership = demo.partnership("Nordlicht Distribution", "Hafen IT")
        partnership.end(by=by)
        assert partnership.ended_at is not None
        assert list(Relationship.objects.order_by("pk").values()) == before
        assert not Partnership.objects.between(
            demo.partner("Nordlicht Distribution"), demo.partner("Hafen IT")
        ).exists()
        for email in ("global@nordlicht.example", "global@hafen.example"):
            seen = ActivityEntry.objects.visible_to(demo.user(email).membership)
            assert seen.first().action == Action.PARTNERSHIP_ENDED
            assert seen.first().person == by

    def test_R10_ending_it_again_writes_nothing(self, demo, nothing_written):
        stale = demo.partnership("Nordlicht Distribution", "Hafen IT")
        demo.partnership("Nordlicht Distribution", "Hafen IT").end(by=PORTAL)
        with nothing_written():
            stale.end(by=PORTAL)

    def test_R10_they_may_find_together_again(self, demo):
        first = demo.partnership("Nordlicht Distribution", "Hafen IT")
        first.end(by=PORTAL)
        again = Partnership.objects.start(
            demo.partner("Nordlicht Distribution"), demo.partner("Hafen IT"), by=PORTAL
        )
        assert demo.partnership("Nordlicht Distribution", "Hafen IT") == again != first


def test_a_reseller_may_work_with_several_providers(db):
    reseller = PartnerFactory(reseller=True)
    mine = {PartnershipFactory(reseller=reseller) for _ in range(2)}
    PartnershipFactory()
    assert set(reseller.partnerships_as_reseller.active()) == mine
