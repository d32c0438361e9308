"""R12: a reseller asks for itself and its provider at once."""

import pytest
from django.core.exceptions import ValidationError

from portal.authority import PORTAL
from portal.models import Action, ActivityEntry
from relationships.forms import RequestForm
from relationships.models import Partnership, Relationship, RelationshipRequest
from tests.demo import KRANICH
from tests.relationships.acts import accept, ask, codes, fill_in, refused


class TestR12:
    @pytest.fixture
    def joint(self, demo):
        """Kranich asks Albers for itself and for its provider, who is new there."""
        Partnership.objects.start(
            demo.partner("Südwind Cloud"), demo.partner("Kranich Consulting"), by=PORTAL
        )
        relationship = demo.relationship("Reederei Albers", "Südwind Cloud")
        for subscription in relationship.customer.subscriptions.sold_by(relationship.partner):
            subscription.suspend(by=demo.user("global@suedwind.example"))
        relationship.end(by=PORTAL)
        return ask(demo, provider=demo.partner("Südwind Cloud"))

    def test_R12_both_relationships_start_at_once(self, demo, joint):
        accept(demo, joint)
        for partner in ("Kranich Consulting", "Südwind Cloud"):
            assert demo.relationship("Reederei Albers", partner).has_dap

    def test_R12_without_dap_for_both(self, demo, joint):
        RelationshipRequest.objects.filter(pk=joint.pk).update(with_dap=False)
        accept(demo, joint)
        for partner in ("Kranich Consulting", "Südwind Cloud"):
            assert not demo.relationship("Reederei Albers", partner).has_dap

    def test_R12_what_the_provider_has_stays(self, demo):
        before = demo.relationship("Reederei Albers", "Nordlicht Distribution")
        accept(demo, ask(demo, provider=demo.partner("Nordlicht Distribution"), with_dap=False))
        after = demo.relationship("Reederei Albers", "Nordlicht Distribution")
        assert (after, after.has_dap) == (before, True)
        assert not demo.relationship("Reederei Albers", "Kranich Consulting").has_dap

    def test_R12_who_has_its_own_may_ask_for_its_provider(self, demo):
        demo.relationship("Reederei Albers", "Nordlicht Distribution").remove_dap(by=PORTAL)
        accept(
            demo,
            ask(demo, "global@hafen.example", provider=demo.partner("Nordlicht Distribution")),
        )
        assert demo.relationship("Reederei Albers", "Nordlicht Distribution").has_dap

    def test_R12_the_provider_reads_of_it_in_its_log(self, demo, joint):
        accept(demo, joint)
        seen = ActivityEntry.objects.visible_to(demo.user("global@suedwind.example").membership)
        assert [entry.action for entry in seen.order_by("id")][-3:] == [
            Action.REQUEST_CREATED,
            Action.RELATIONSHIP_STARTED,
            Action.REQUEST_ACCEPTED,
        ]

    @pytest.mark.parametrize("provider", ["Südwind Cloud", "Brandt Direkt", "Hafen IT"])
    def test_R12_only_with_a_provider_it_has_a_partnership_with(
        self, demo, provider, nothing_written
    ):
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            ask(demo, provider=demo.partner(provider))
        assert refusal.value.message_dict == {
            "provider": ["You have no partnership with this provider."]
        }
        assert codes(refusal.value) == {"R12"}

    def test_R12_one_that_ended_does_not_count(self, demo, nothing_written):
        demo.partnership("Nordlicht Distribution", "Kranich Consulting").end(by=PORTAL)
        with nothing_written(), pytest.raises(ValidationError):
            ask(demo, provider=demo.partner("Nordlicht Distribution"))

    def test_R12_if_it_ends_before_the_answer_the_provider_gets_nothing(
        self, demo, joint, nothing_written
    ):
        demo.partnership("Südwind Cloud", "Kranich Consulting").end(by=PORTAL)
        with nothing_written():
            assert refused(accept, demo, joint) == {"dead"}

    def test_R12_nor_if_the_provider_is_deactivated(self, demo, joint, nothing_written):
        demo.partner("Südwind Cloud").deactivate(by=PORTAL)
        with nothing_written():
            assert refused(accept, demo, joint) == {"dead"}

    def test_R12_the_form_offers_exactly_the_own_providers(self, demo):
        def offered(email):
            field = RequestForm(user=demo.user(email)).fields.get("provider")
            return field and [str(partner) for partner in field.queryset]

        assert offered(KRANICH) == ["Nordlicht Distribution"]
        assert offered("global@moewe.example") == ["Südwind Cloud"]
        for email in (
            "global@pacific.example",
            "global@nordlicht.example",
            "global@brandt.example",
        ):
            assert offered(email) is None
        demo.partner("Nordlicht Distribution").deactivate(by=PORTAL)
        assert offered(KRANICH) is None

    def test_R12_the_draft_names_both(self, demo):
        nordlicht = demo.partner("Nordlicht Distribution")
        made = fill_in(demo, provider=nordlicht.pk).asked()
        assert made.provider == nordlicht
        assert (
            "Kranich Consulting and Nordlicht Distribution would like to work with your company."
            in made.text
        )

    def test_R11_the_region_counts_for_both(self, demo, joint, nothing_written):
        """The reseller is in the customer's region, its provider is not: neither gets anything."""
        suedwind = demo.partner("Südwind Cloud")
        type(suedwind).objects.filter(pk=suedwind.pk).update(country="US")
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            accept(demo, joint)
        assert codes(refusal.value) == {"R11"}
        assert not Relationship.objects.active().filter(
            partner__name="Kranich Consulting", customer__name="Reederei Albers"
        )
