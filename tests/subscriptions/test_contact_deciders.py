"""C3, C4: who decides about a support contact, of what was sold here and of what was bought elsewhere."""

import pytest
from django.core.exceptions import ValidationError

from portal.authority import PORTAL, Refusal
from portal.models import Action
from portal.permissions import Role
from tests.factories import RelationshipFactory
from tests.subscriptions.contacts import contact, history


class TestC3:
    @pytest.mark.parametrize("person", ["global", "agent", "helpdesk"])
    def test_C3_the_sellers_staff_may_in_a_role_that_may(self, demo, office, hafen, person):
        office.designate(hafen, by=demo.user(f"{person}@nordlicht.example"))
        assert contact(office) == "Hafen IT"

    @pytest.mark.parametrize(
        "email",
        [
            "sales@nordlicht.example",
            "users@nordlicht.example",
            "global@suedwind.example",
            "global@brandt.example",
            "global@hafen.example",
            "global@elbe.example",
            "global@moewe.example",
            "global@pacific.example",
            "admin@albers.example",
            "operator@portal.example",
        ],
    )
    def test_C3_nobody_else_may(self, demo, office, hafen, email, nothing_written):
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            office.designate(hafen, by=demo.user(email))
        assert refusal.value.code in Refusal.values

    def test_C3_not_even_the_contact_itself(self, demo, office, hafen, helpdesk, nordlicht):
        office.designate(hafen, by=helpdesk)
        with pytest.raises(ValidationError) as refusal:
            office.designate(nordlicht, by=demo.user("global@hafen.example"))
        assert refusal.value.code in Refusal.values
        assert contact(office) == "Hafen IT"

    def test_C3_another_provider_of_the_same_customer_may_not(self, demo, office):
        """Multi-partner: Südwind sells to Reederei Albers too, but this is Nordlicht's."""
        with pytest.raises(ValidationError) as refusal:
            office.designate(demo.partner("Möwe Systems"), by=demo.user("global@suedwind.example"))
        assert refusal.value.messages == [
            "Only the staff of the partner that sold the subscription may change this."
        ]

    def test_C3_who_lost_the_role_may_no_longer(self, demo, office, hafen, nothing_written):
        helpdesk = demo.user("helpdesk@nordlicht.example")
        helpdesk.membership.set_roles([Role.SALES_AGENT], by=PORTAL)
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            office.designate(hafen, by=demo.user("helpdesk@nordlicht.example"))
        assert refusal.value.code in Refusal.values
        assert refusal.value.messages == ["Your roles do not include this."]

    def test_C3_a_deactivated_user_may_not(self, demo, office, hafen, nothing_written):
        demo.user("helpdesk@nordlicht.example").deactivate(by=PORTAL)
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            office.designate(hafen, by=demo.user("helpdesk@nordlicht.example"))
        assert refusal.value.code in Refusal.values

    def test_C3_the_staff_of_a_deactivated_seller_may_not(
        self, demo, office, hafen, nordlicht, nothing_written
    ):
        nordlicht.deactivate(by=PORTAL)
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            office.designate(hafen, by=demo.user("helpdesk@nordlicht.example"))
        assert refusal.value.code in Refusal.values

    def test_C3_whoever_may_not_is_not_told_that_it_is_so_already(self, demo, office, nordlicht):
        with pytest.raises(ValidationError) as refusal:
            office.designate(nordlicht, by=demo.user("sales@nordlicht.example"))
        assert refusal.value.code in Refusal.values


class TestC4:
    def test_C4_bought_elsewhere_starts_without_a_contact(self, visio):
        assert visio.is_bought_elsewhere
        assert contact(visio) == ""
        assert history(visio) == [("", "None", Action.SUBSCRIPTION_ADDED)]

    @pytest.mark.parametrize(
        ("email", "partner"),
        [
            ("helpdesk@nordlicht.example", "Nordlicht Distribution"),
            ("helpdesk@nordlicht.example", "Hafen IT"),
            ("global@hafen.example", "Hafen IT"),
            ("global@moewe.example", "Möwe Systems"),
        ],
    )
    def test_C4_a_partner_with_dap_designates_itself_or_a_reseller_of_its_own(
        self, demo, visio, email, partner
    ):
        visio.designate(demo.partner(partner), by=demo.user(email))
        assert contact(visio) == partner

    @pytest.mark.parametrize(
        ("email", "partner"),
        [
            ("helpdesk@nordlicht.example", "Elbe Support"),
            ("helpdesk@nordlicht.example", "Kranich Consulting"),
            ("helpdesk@nordlicht.example", "Möwe Systems"),
            ("helpdesk@nordlicht.example", "Südwind Cloud"),
            ("global@hafen.example", "Nordlicht Distribution"),
            ("global@hafen.example", "Möwe Systems"),
            ("global@moewe.example", "Südwind Cloud"),
        ],
    )
    def test_C4_but_nobody_whom_C2_forbids(self, demo, visio, email, partner, nothing_written):
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            visio.designate(demo.partner(partner), by=demo.user(email))
        assert refusal.value.code == "not_eligible"

    @pytest.mark.parametrize(
        ("email", "partner"),
        [
            ("global@suedwind.example", "Südwind Cloud"),
            ("global@elbe.example", "Elbe Support"),
            ("global@kranich.example", "Kranich Consulting"),
            ("global@brandt.example", "Brandt Direkt"),
            ("sales@nordlicht.example", "Nordlicht Distribution"),
            ("admin@albers.example", "Hafen IT"),
            ("operator@portal.example", "Hafen IT"),
        ],
    )
    def test_C4_without_dap_or_without_the_role_nobody_decides(
        self, demo, visio, email, partner, nothing_written
    ):
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            visio.designate(demo.partner(partner), by=demo.user(email))
        assert refusal.value.code in Refusal.values

    def test_C4_a_direct_bill_partner_with_dap_may_designate_itself(self, demo, visio):
        brandt = demo.partner("Brandt Direkt")
        RelationshipFactory(partner=brandt, customer=visio.customer)
        visio.designate(brandt, by=demo.user("global@brandt.example"))
        assert contact(visio) == "Brandt Direkt"

    def test_C4_dap_that_was_removed_does_not_count(self, demo, visio, hafen, nothing_written):
        demo.relationship("Reederei Albers", "Hafen IT").remove_dap(by=PORTAL)
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            visio.designate(hafen, by=demo.user("global@hafen.example"))
        assert refusal.value.code in Refusal.values

    def test_C4_it_can_go_back_to_nobody(self, visio, hafen, helpdesk):
        visio.designate(hafen, by=helpdesk)
        visio.designate(None, by=helpdesk)
        assert contact(visio) == ""
        assert history(visio) == [
            ("", "None", Action.SUBSCRIPTION_ADDED),
            ("Hafen IT", "helpdesk@nordlicht.example", Action.SUPPORT_CONTACT_DESIGNATED),
            ("", "helpdesk@nordlicht.example", Action.SUPPORT_CONTACT_DESIGNATED),
        ]


def test_two_providers_that_both_have_dap_may_take_over_from_each_other(demo, visio, helpdesk):
    """C4: bought elsewhere belongs to no seller, so the last choice counts and the log tells it."""
    visio.designate(demo.partner("Möwe Systems"), by=demo.user("global@moewe.example"))
    visio.designate(demo.partner("Hafen IT"), by=helpdesk)
    assert contact(visio) == "Hafen IT"
    entry = demo.log(action=Action.SUPPORT_CONTACT_DESIGNATED)[-1]
    assert entry.before == {"support_contact": "Möwe Systems"}
    assert "Möwe Systems" in {partner.name for partner in entry.partners.all()}
