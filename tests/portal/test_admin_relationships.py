"""Relationships and DAP in Django admin: the rules hold for the operator too."""

import pytest

from portal.authority import PORTAL
from portal.models import Action
from relationships.models import Relationship
from tests.admin import act, add, change, errors, refusals


class TestRelationships:
    @pytest.mark.parametrize("has_dap", [True, False])
    def test_adding_one_is_logged(self, admin_client, operator, demo, has_dap):
        data = {"has_dap": "on"} if has_dap else {}
        answer = add(
            admin_client,
            Relationship,
            partner=demo.partner("Kranich Consulting").pk,
            customer=demo.customer("Reederei Albers").pk,
            **data,
        )
        assert answer.status_code == 302
        assert demo.relationship("Reederei Albers", "Kranich Consulting").has_dap == has_dap
        entry = demo.log()[-1]
        assert (entry.action, entry.person, entry.after) == (
            Action.RELATIONSHIP_STARTED,
            operator,
            {"has_dap": has_dap},
        )

    def test_R1_a_second_active_one_is_refused(self, admin_client, demo, nothing_written):
        with nothing_written():
            answer = add(
                admin_client,
                Relationship,
                partner=demo.partner("Hafen IT").pk,
                customer=demo.customer("Reederei Albers").pk,
                has_dap="on",
            )
        assert errors(answer) == {
            "__all__": ["This partner has a relationship with this customer."]
        }

    def test_an_old_one_can_be_opened_and_saved_while_a_new_one_is_active(self, admin_client, demo):
        old = demo.relationship("Reederei Albers", "Hafen IT")
        old.end(by=PORTAL)
        Relationship.objects.start(old.partner, old.customer, has_dap=True, by=PORTAL)
        assert change(admin_client, old).status_code == 302

    def test_R9_what_blocks_the_end_is_told(self, admin_client, demo, nothing_written):
        relationship = demo.relationship("Reederei Albers", "Nordlicht Distribution")
        with nothing_written():
            answer = act(admin_client, Relationship, "end", relationship)
        assert refusals(answer) == [
            "Suspend the active subscriptions that Nordlicht Distribution sold to "
            "Reederei Albers first."
        ]

    def test_C9_removing_dap_from_the_list_gives_the_contacts_back(
        self, admin_client, operator, demo
    ):
        office = demo.subscription("Reederei Albers", "Office 365 Business Standard")
        office.designate(demo.partner("Hafen IT"), by=demo.user("helpdesk@nordlicht.example"))
        relationship = demo.relationship("Reederei Albers", "Hafen IT")
        act(admin_client, Relationship, "remove_dap", relationship)
        office.refresh_from_db()
        assert office.support_contact.name == "Nordlicht Distribution"
        assert office.contact_in_force.changed_by.user == operator

    def test_C9_dap_is_not_taken_away_by_the_form(self, admin_client, demo):
        """There it would be gone without the contacts falling back."""
        change(admin_client, demo.relationship("Reederei Albers", "Hafen IT"), has_dap="")
        assert demo.relationship("Reederei Albers", "Hafen IT").has_dap

    def test_R11_one_across_sales_regions_is_refused(self, admin_client, demo, nothing_written):
        with nothing_written():
            answer = add(
                admin_client,
                Relationship,
                partner=demo.partner("Pacific Resale").pk,
                customer=demo.customer("Reederei Albers").pk,
                has_dap="on",
            )
        assert errors(answer) == {
            "__all__": [
                "Pacific Resale (United States) and Reederei Albers (Germany) are not in "
                "the same sales region."
            ]
        }
