"""C10: what is kept of a support contact, and who reads which of it."""

from datetime import UTC, datetime

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from portal.authority import PORTAL
from portal.models import Action
from subscriptions.models import SupportContactAssignment
from tests.subscriptions.contacts import dap_removed, partner_deactivated


class TestC10:
    def test_C10_the_history_says_who_from_when_to_when_by_whom_and_why(
        self, demo, office, hafen, helpdesk
    ):
        first = datetime(2030, 5, 1, 9, 0, tzinfo=UTC)
        second = datetime(2030, 5, 2, 9, 0, tzinfo=UTC)
        with time_machine.travel(first, tick=False):
            office.designate(hafen, by=helpdesk)
        with time_machine.travel(second, tick=False):
            dap_removed(demo)
        now, before, start = office.support_contact_history.with_people()
        assert (str(now), now.started_at, now.ended_at) == (
            "Nordlicht Distribution",
            second,
            None,
        )
        assert (str(before), before.started_at, before.ended_at) == ("Hafen IT", first, second)
        assert (str(start), start.started_at, start.ended_at) == (
            "Nordlicht Distribution",
            office.created_at,
            first,
        )
        assert [row.get_reason_display() for row in (start, before, now)] == [
            "Subscription added",
            "Support contact designated",
            "Delegated admin privileges removed",
        ]

    def test_C10_nobody_is_named_as_nobody(self, visio):
        assert str(visio.contact_in_force) == "no partner designated"

    def test_C10_the_log_tells_each_designation(self, demo, office, hafen, helpdesk):
        office.designate(hafen, by=helpdesk)
        [entry] = demo.log(action=Action.SUPPORT_CONTACT_DESIGNATED)
        assert entry.person == helpdesk
        assert entry.customer == office.customer
        assert entry.subject == "Office 365 Business Standard"
        assert entry.before == {"support_contact": "Nordlicht Distribution"}
        assert entry.after == {"support_contact": "Hafen IT"}
        assert {partner.name for partner in entry.partners.all()} == {
            "Hafen IT",
            "Nordlicht Distribution",
        }

    def test_C10_who_is_replaced_reads_of_it_in_its_log(self, demo, office, hafen, helpdesk):
        demo.relationship("Reederei Albers", "Elbe Support").grant_dap(by=PORTAL)
        office.designate(hafen, by=helpdesk)
        office.designate(demo.partner("Elbe Support"), by=helpdesk)
        entry = demo.log(action=Action.SUPPORT_CONTACT_DESIGNATED)[-1]
        assert {partner.name for partner in entry.partners.all()} == {
            "Elbe Support",
            "Hafen IT",
            "Nordlicht Distribution",
        }

    @pytest.mark.parametrize(
        ("email", "reads"),
        [
            (
                "agent@nordlicht.example",
                "Helpdesk agent, Nordlicht Distribution (helpdesk@nordlicht.example)",
            ),
            ("global@hafen.example", "Nordlicht Distribution"),
            ("admin@albers.example", "Nordlicht Distribution"),
        ],
    )
    def test_C10_colleagues_read_the_person_others_the_organisation(
        self, demo, office, hafen, helpdesk, email, reads
    ):
        assignment = office.designate(hafen, by=helpdesk)
        assert assignment.changed_by_for(demo.user(email).membership) == reads

    def test_C10_the_operator_is_named_by_its_office(self, demo, office, hafen, helpdesk):
        office.designate(hafen, by=helpdesk)
        partner_deactivated(demo)
        label = office.contact_in_force.changed_by_for(helpdesk.membership)
        assert str(label) == "The operator of the portal"

    def test_C10_what_the_portal_did_names_nobody(self, office, helpdesk):
        assert office.contact_in_force.changed_by_for(helpdesk.membership) is None

    def test_C10_nothing_of_it_can_be_deleted_with_what_it_names(self, office, hafen, helpdesk):
        office.designate(hafen, by=helpdesk)
        for row in (office, hafen, helpdesk, office.customer, office.offer):
            with pytest.raises(ProtectedError):
                row.delete()

    def test_C10_two_contacts_in_force_are_impossible(self, office, hafen):
        with pytest.raises(IntegrityError), transaction.atomic():
            SupportContactAssignment.objects.create(
                subscription=office, partner=hafen, reason=Action.SUPPORT_CONTACT_DESIGNATED
            )

    def test_C10_an_end_before_the_start_is_impossible(self, office):
        with pytest.raises(IntegrityError), transaction.atomic():
            office.support_contact_history.update(ended_at=datetime(2000, 1, 1, tzinfo=UTC))
