"""C7, C8: what is so already is not written again, and nobody overwrites a colleague."""

import pytest
from django.core.exceptions import ValidationError

from portal.authority import PORTAL, Refusal
from portal.models import Action
from subscriptions.models import StaleSupportContact, Subscription
from tests.subscriptions.contacts import contact


class TestC7:
    def test_C7_designating_who_is_it_already_writes_nothing(
        self, office, nordlicht, helpdesk, nothing_written
    ):
        with nothing_written():
            assert office.designate(nordlicht, by=helpdesk) is None

    def test_C7_nor_does_designating_nobody_where_nobody_is(self, visio, helpdesk, nothing_written):
        with nothing_written():
            assert visio.designate(None, by=helpdesk) is None

    def test_C7_submitting_twice_is_once(self, office, hafen, helpdesk, nothing_written):
        """A double click sends the same form twice, with what was seen before the first."""
        seen = office.contact_in_force.pk
        office.designate(hafen, by=helpdesk, seen=seen)
        with nothing_written():
            assert office.designate(hafen, by=helpdesk, seen=seen) is None

    def test_C7_the_answer_comes_from_the_database_not_from_an_old_page(
        self, office, hafen, nordlicht, helpdesk
    ):
        stale = Subscription.objects.get(pk=office.pk)
        office.designate(hafen, by=helpdesk)
        assert stale.designate(nordlicht, by=helpdesk) is not None
        assert contact(office) == "Nordlicht Distribution"


class TestC8:
    def test_C8_what_someone_else_changed_meanwhile_is_not_overwritten(
        self, demo, office, hafen, nordlicht, helpdesk, nothing_written
    ):
        demo.relationship("Reederei Albers", "Elbe Support").grant_dap(by=PORTAL)
        seen = office.contact_in_force.pk
        agent = demo.user("agent@nordlicht.example")
        office.designate(hafen, by=agent)
        with nothing_written(), pytest.raises(StaleSupportContact) as refusal:
            office.designate(demo.partner("Elbe Support"), by=helpdesk, seen=seen)
        assert refusal.value.code == "stale"
        assert refusal.value.messages == [
            "The support contact was changed in the meantime. Nothing was overwritten."
        ]
        assert refusal.value.assignment.changed_by.user == agent
        assert refusal.value.assignment.partner == hafen
        assert refusal.value.assignment == office.contact_in_force

    def test_C8_also_if_someone_else_chose_the_same(
        self, demo, office, hafen, helpdesk, nothing_written
    ):
        seen = office.contact_in_force.pk
        office.designate(hafen, by=demo.user("agent@nordlicht.example"))
        with nothing_written(), pytest.raises(StaleSupportContact):
            office.designate(hafen, by=helpdesk, seen=seen)

    def test_C8_there_and_back_is_a_change_too(self, demo, office, hafen, nordlicht, helpdesk):
        seen = office.contact_in_force.pk
        agent = demo.user("agent@nordlicht.example")
        office.designate(hafen, by=agent)
        office.designate(nordlicht, by=agent)
        with pytest.raises(StaleSupportContact):
            office.designate(hafen, by=helpdesk, seen=seen)

    def test_C8_a_fall_back_is_a_change_too(self, demo, office, hafen, nordlicht, helpdesk):
        office.designate(hafen, by=helpdesk)
        seen = office.contact_in_force.pk
        demo.relationship("Reederei Albers", "Hafen IT").remove_dap(by=PORTAL)
        with pytest.raises(StaleSupportContact) as refusal:
            office.designate(nordlicht, by=helpdesk, seen=seen)
        assert refusal.value.assignment.reason == Action.DAP_REMOVED

    def test_C8_with_what_is_in_force_it_goes_through(self, office, hafen, helpdesk):
        office.designate(hafen, by=helpdesk, seen=office.contact_in_force.pk)
        assert contact(office) == "Hafen IT"

    def test_C8_who_may_not_learns_nothing_of_the_change(self, demo, office, hafen, helpdesk):
        seen = office.contact_in_force.pk
        office.designate(hafen, by=helpdesk)
        with pytest.raises(ValidationError) as refusal:
            office.designate(hafen, by=demo.user("sales@nordlicht.example"), seen=seen)
        assert refusal.value.code in Refusal.values

    def test_C8_the_key_of_another_subscriptions_assignment_is_stale(
        self, demo, office, visio, hafen, helpdesk, nothing_written
    ):
        with nothing_written(), pytest.raises(StaleSupportContact):
            office.designate(hafen, by=helpdesk, seen=visio.contact_in_force.pk)
