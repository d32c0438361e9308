"""T3 in Django admin: who belongs to which organisation, in which roles."""

import pytest

from portal.models import Action, Membership, User
from portal.permissions import Role
from tests.admin import add, change, errors, page, refusals
from tests.factories import PartnerFactory, UserFactory


class TestMemberships:
    def test_roles_are_changed_and_logged(self, admin_client, operator, demo):
        membership = demo.user("helpdesk@nordlicht.example").membership
        answer = change(admin_client, membership, role_choice=["sales", "users"])
        assert answer.status_code == 302
        assert demo.user("helpdesk@nordlicht.example").membership.roles == [
            Role.SALES_AGENT,
            Role.USER_MANAGEMENT_ADMIN,
        ]
        entry = demo.log()[-1]
        assert (entry.action, entry.person) == (Action.USER_ROLES_CHANGED, operator)

    def test_the_page_shows_the_roles_held_and_only_those_possible(self, admin_client, demo):
        form = (
            admin_client.get(
                page(Membership, "change", demo.user("admin@albers.example").membership.pk)
            )
            .context["adminform"]
            .form
        )
        assert form["role_choice"].initial == [Role.CUSTOMER_ADMIN]
        assert [label for _, label in form.fields["role_choice"].choices] == ["Customer admin"]

    def test_the_last_global_admin_keeps_the_role(self, admin_client, demo, nothing_written):
        membership = demo.user("global@nordlicht.example").membership
        with nothing_written():
            answer = change(admin_client, membership, role_choice=["sales"])
        assert refusals(answer) == [
            "Global admin, Nordlicht Distribution is the last Global admin of "
            "Nordlicht Distribution, and stays so."
        ]

    def test_none_or_a_foreign_role_is_refused(self, admin_client, demo, nothing_written):
        membership = demo.user("helpdesk@nordlicht.example").membership
        with nothing_written():
            assert errors(change(admin_client, membership, role_choice=[])) == {
                "role_choice": ["This field is required."]
            }
            assert errors(change(admin_client, membership, role_choice=["customer"])) == {
                "role_choice": [
                    "Select a valid choice. customer is not one of the available choices."
                ]
            }

    def test_a_customers_admin_does_not_get_a_partners_role(
        self, admin_client, demo, nothing_written
    ):
        user = UserFactory()
        with nothing_written():
            answer = add(
                admin_client,
                Membership,
                user=user.pk,
                customer=demo.customer("Reederei Albers").pk,
                role_choice=["global"],
            )
        assert errors(answer) == {
            "role_choice": [
                "Choose at least one role, and only roles of this kind of organisation."
            ]
        }

    def test_the_first_user_of_a_partner_is_its_global_admin(
        self, admin_client, demo, nothing_written
    ):
        werft = PartnerFactory(name="Werft IT")
        first = {"user": UserFactory().pk, "partner": werft.pk}
        with nothing_written():
            answer = add(admin_client, Membership, **first, role_choice=["sales", "users"])
        assert errors(answer) == {
            "role_choice": ["Werft IT has no Global admin yet. Give its first user this role."]
        }
        answer = add(admin_client, Membership, **first, role_choice=["sales", "global"])
        assert answer.status_code == 302
        [membership] = werft.memberships.all()
        assert membership.roles == [Role.GLOBAL_ADMIN, Role.SALES_AGENT]

        second = UserFactory()
        add(admin_client, Membership, user=second.pk, partner=werft.pk, role_choice=["sales"])
        assert User.objects.get(pk=second.pk).membership.roles == [Role.SALES_AGENT]

    @pytest.mark.parametrize("organisations", [(), ("partner", "customer")])
    def test_T3_one_organisation_no_more_no_less(
        self, admin_client, demo, organisations, nothing_written
    ):
        user = UserFactory()
        rows = {
            "partner": demo.partner("Hafen IT").pk,
            "customer": demo.customer("Reederei Albers").pk,
        }
        with nothing_written():
            answer = add(
                admin_client,
                Membership,
                user=user.pk,
                role_choice=["global"],
                **{name: rows[name] for name in organisations},
            )
        assert errors(answer) == {"__all__": ["A user belongs to one partner or to one customer."]}

    @pytest.mark.parametrize(
        ("email", "message"),
        [
            ("operator@portal.example", "An operator can't belong to a partner or customer."),
            ("global@elbe.example", "Membership with this User already exists."),
        ],
    )
    def test_T3_whoever_belongs_elsewhere_is_refused(
        self, admin_client, demo, email, message, nothing_written
    ):
        with nothing_written():
            answer = add(
                admin_client,
                Membership,
                user=demo.user(email).pk,
                partner=demo.partner("Hafen IT").pk,
                role_choice=["global"],
            )
        assert errors(answer) == {"user": [message]}

    def test_a_member_is_not_moved_to_another_organisation(self, admin_client, demo):
        membership = demo.user("helpdesk@nordlicht.example").membership
        change(admin_client, membership, partner=demo.partner("Hafen IT").pk)
        membership.refresh_from_db()
        assert membership.partner.name == "Nordlicht Distribution"
