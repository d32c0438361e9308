"""C9: a contact that may no longer be one falls back, in the transaction of its cause."""

import pytest

from portal.authority import PORTAL
from portal.models import Action, ActivityEntry
from tests.factories import PartnershipFactory
from tests.subscriptions.contacts import (
    contact,
    dap_removed,
    history,
    partner_deactivated,
    partnership_ended,
    relationship_ended,
)

WAYS_TO_FALL = [
    pytest.param(dap_removed, Action.DAP_REMOVED, "admin@albers.example", id="dap-removed"),
    pytest.param(
        relationship_ended,
        Action.RELATIONSHIP_ENDED,
        "global@hafen.example",
        id="relationship-ended",
    ),
    pytest.param(
        partnership_ended, Action.PARTNERSHIP_ENDED, "global@hafen.example", id="partnership-ended"
    ),
    pytest.param(
        partner_deactivated,
        Action.PARTNER_DEACTIVATED,
        "operator@portal.example",
        id="partner-deactivated",
    ),
]


class TestC9:
    @pytest.mark.parametrize(("fall", "reason", "email"), WAYS_TO_FALL)
    def test_C9_what_was_sold_falls_back_to_its_seller_with_the_reason(
        self, demo, office, hafen, helpdesk, fall, reason, email
    ):
        office.designate(hafen, by=helpdesk)
        fall(demo)
        assert contact(office) == "Nordlicht Distribution"
        assert history(office)[-2:] == [
            ("Hafen IT", "helpdesk@nordlicht.example", Action.SUPPORT_CONTACT_DESIGNATED),
            ("Nordlicht Distribution", email, reason),
        ]
        [entry] = demo.log(action=Action.SUPPORT_CONTACT_FELL_BACK)
        assert entry.subject == "Office 365 Business Standard"
        assert entry.subject_id == office.pk
        assert entry.customer.name == "Reederei Albers"
        assert entry.actor.email == email
        assert entry.before == {"support_contact": "Hafen IT"}
        assert entry.after == {"support_contact": "Nordlicht Distribution"}
        assert entry.reason == reason
        assert {partner.name for partner in entry.partners.all()} == {
            "Hafen IT",
            "Nordlicht Distribution",
        }

    @pytest.mark.parametrize(("fall", "reason", "email"), WAYS_TO_FALL)
    def test_C9_what_was_bought_elsewhere_falls_to_nobody(
        self, demo, visio, hafen, helpdesk, fall, reason, email
    ):
        """Nordlicht designated Hafen; when that rests on nothing any more, nobody is left."""
        visio.designate(hafen, by=helpdesk)
        fall(demo)
        assert contact(visio) == ""
        assert history(visio)[-1] == ("", email, reason)
        [entry] = demo.log(action=Action.SUPPORT_CONTACT_FELL_BACK)
        assert entry.before == {"support_contact": "Hafen IT"}
        assert entry.after == {"support_contact": ""}
        assert entry.reason == reason

    @pytest.mark.parametrize(("fall", "reason", "email"), WAYS_TO_FALL)
    def test_C9_the_fall_back_and_its_cause_are_one_transaction(
        self, demo, office, hafen, helpdesk, fall, reason, email, monkeypatch, nothing_written
    ):
        """The entry about the cause is written last. If that fails, everything else is undone."""
        office.designate(hafen, by=helpdesk)

        def full_disk(*args, **kwargs):
            raise OSError("No space left on device")

        monkeypatch.setattr(type(ActivityEntry.objects), "record", full_disk)
        with nothing_written(), pytest.raises(OSError, match="No space left"):
            fall(demo)
        assert contact(office) == "Hafen IT"

    @pytest.mark.parametrize(("fall", "reason", "email"), WAYS_TO_FALL)
    def test_C9_every_subscription_of_the_contact_falls_each_to_its_own_seller(
        self, demo, office, visio, hafen, helpdesk, fall, reason, email
    ):
        azure = demo.subscription("Reederei Albers", "Azure plan")
        for subscription in (office, visio, azure):
            subscription.designate(hafen, by=helpdesk)
        fall(demo)
        assert [contact(one) for one in (office, visio, azure)] == [
            "Nordlicht Distribution",
            "",
            "Nordlicht Distribution",
        ]
        assert len(demo.log(action=Action.SUPPORT_CONTACT_FELL_BACK)) == 3

    @pytest.mark.parametrize(("fall", "reason", "email"), WAYS_TO_FALL)
    def test_C9_others_keep_theirs(self, demo, office, visio, fall, reason, email, helpdesk):
        dynamics = demo.subscription("Reederei Albers", "Dynamics 365 Sales")
        moewe = demo.partner("Möwe Systems")
        dynamics.designate(moewe, by=demo.user("global@suedwind.example"))
        visio.designate(moewe, by=demo.user("global@moewe.example"))
        exchange = demo.subscription("Backhaus Petersen", "Exchange Online (Plan 1)")
        exchange.designate(demo.partner("Elbe Support"), by=helpdesk)
        fall(demo)
        assert [contact(one) for one in (office, visio, dynamics, exchange)] == [
            "Nordlicht Distribution",
            "Möwe Systems",
            "Möwe Systems",
            "Elbe Support",
        ]
        assert demo.log(action=Action.SUPPORT_CONTACT_FELL_BACK) == []

    def test_C9_a_suspended_subscription_falls_back_too(self, demo, hafen, helpdesk):
        e3 = demo.subscription("Reederei Albers", "Microsoft 365 E3")
        e3.designate(hafen, by=helpdesk)
        dap_removed(demo)
        assert contact(e3) == "Nordlicht Distribution"

    @pytest.mark.parametrize("fall", [dap_removed, relationship_ended, partner_deactivated])
    def test_C9_who_designated_itself_falls_to_nobody(self, demo, visio, hafen, fall):
        visio.designate(hafen, by=demo.user("global@hafen.example"))
        fall(demo)
        assert contact(visio) == ""

    def test_C9_who_designated_itself_needs_no_partnership(self, demo, visio, hafen):
        """Hafen took this on in its own right, so the end of its work with Nordlicht changes nothing."""
        visio.designate(hafen, by=demo.user("global@hafen.example"))
        partnership_ended(demo)
        assert contact(visio) == "Hafen IT"

    def test_C9_a_partnership_with_another_provider_does_not_carry_the_contact(
        self, demo, visio, office, hafen, helpdesk
    ):
        """It was Nordlicht's choice and rests on Nordlicht's partnership."""
        PartnershipFactory(provider=demo.partner("Südwind Cloud"), reseller=hafen)
        visio.designate(hafen, by=helpdesk)
        office.designate(hafen, by=helpdesk)
        partnership_ended(demo)
        assert (contact(visio), contact(office)) == ("", "Nordlicht Distribution")

    def test_C9_and_the_end_of_the_other_one_leaves_it(self, demo, visio, office, hafen, helpdesk):
        other = PartnershipFactory(provider=demo.partner("Südwind Cloud"), reseller=hafen)
        visio.designate(hafen, by=helpdesk)
        office.designate(hafen, by=helpdesk)
        other.end(by=PORTAL)
        assert (contact(visio), contact(office)) == ("Hafen IT", "Hafen IT")

    def test_C9_the_seller_itself_does_not_fall(self, demo, office, visio, nordlicht, helpdesk):
        """It answers for what it sold whatever happens; for what was bought elsewhere it needs DAP."""
        visio.designate(nordlicht, by=helpdesk)
        demo.relationship("Reederei Albers", "Nordlicht Distribution").remove_dap(by=PORTAL)
        assert contact(office) == "Nordlicht Distribution"
        assert len(history(office)) == 1
        assert contact(visio) == ""

    def test_C9_after_coming_back_the_contact_stays_where_it_fell(
        self, demo, office, hafen, helpdesk
    ):
        office.designate(hafen, by=helpdesk)
        hafen.deactivate(by=PORTAL)
        hafen.reactivate(by=PORTAL)
        assert contact(office) == "Nordlicht Distribution"

    def test_C9_whoever_chose_the_contact_reads_in_its_log_that_it_fell(
        self, demo, visio, hafen, helpdesk
    ):
        """T1: Nordlicht reads that it designated Hafen; it has to read the end of that too."""
        visio.designate(hafen, by=helpdesk)
        dap_removed(demo)
        seen = ActivityEntry.objects.visible_to(helpdesk.membership).filter(subject_id=visio.pk)
        assert [entry.action for entry in seen.order_by("id")] == [
            Action.SUPPORT_CONTACT_DESIGNATED,
            Action.SUPPORT_CONTACT_FELL_BACK,
        ]
