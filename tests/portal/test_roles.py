"""Who may do what: the role table of docs/rules.md, and the backend that answers from it."""

from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.models import AnonymousUser

from portal.authority import PORTAL
from portal.permissions import (
    CUSTOMER_ROLES,
    PARTNER_ROLES,
    PERMISSIONS_BY_ROLE,
    Permission,
    Role,
    roles_with,
)
from tests.factories import MembershipFactory, UserFactory

PAGE = Path(settings.BASE_DIR, "docs", "rules.md")


def role_table():
    """The titles of the columns, and which of them each line has a mark in, by its words."""
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    start = next(index for index, row in enumerate(rows) if row[0] == "may")
    titles = rows[start][1:]
    table = {
        words: {title for title, mark in zip(titles, marks, strict=True) if mark == "●"}
        for words, *marks in rows[start + 2 :]
    }
    return titles, table


TITLES, TABLE = role_table()
EXPECTED = {one.value: TABLE.get(str(one.label), set()) for one in Permission}
PEOPLE = {
    "Global admin": "global@nordlicht.example",
    "Admin agent": "agent@nordlicht.example",
    "Sales agent": "sales@nordlicht.example",
    "Helpdesk agent": "helpdesk@nordlicht.example",
    "User management admin": "users@nordlicht.example",
    "Customer admin": "admin@albers.example",
}


def test_the_table_in_the_code_is_the_one_of_the_page():
    assert list(TABLE) == [str(one.label) for one in Permission]
    assert {
        permission.value: {
            str(role.label) for role in Role if permission in PERMISSIONS_BY_ROLE[role]
        }
        for permission in Permission
    } == EXPECTED


def test_the_roles_are_those_of_the_page_in_its_order():
    assert [str(role.label) for role in Role] == TITLES
    assert set(Role) - {Role.CUSTOMER_ADMIN} == PARTNER_ROLES
    assert {Role.CUSTOMER_ADMIN} == CUSTOMER_ROLES


@pytest.mark.parametrize("role", TITLES)
def test_each_person_of_the_demo_may_exactly_what_its_column_says(demo, role):
    user = demo.user(PEOPLE[role])
    assert {permission for permission in EXPECTED if user.has_perm(permission)} == {
        permission for permission, roles in EXPECTED.items() if role in roles
    }
    assert user.get_all_permissions() == {
        permission for permission, roles in EXPECTED.items() if role in roles
    }


def test_several_roles_add_up(db):
    user = MembershipFactory(roles=[Role.SALES_AGENT, Role.USER_MANAGEMENT_ADMIN]).user
    assert user.get_all_permissions() == {
        permission
        for permission, roles in EXPECTED.items()
        if roles & {"Sales agent", "User management admin"}
    }


def test_roles_with_names_who_may_in_the_order_of_the_table():
    assert roles_with(Permission.ASSIGN_SUPPORT_CONTACT) == [
        Role.GLOBAL_ADMIN,
        Role.ADMIN_AGENT,
        Role.HELPDESK_AGENT,
    ]
    assert roles_with(Permission.VIEW_CUSTOMERS, Permission.MANAGE_USERS) == [Role.GLOBAL_ADMIN]
    assert roles_with(Permission.VIEW_SUPPORT, Permission.VIEW_CUSTOMERS) == []


class TestRoleBackend:
    def test_the_operator_has_djangos_permissions_and_none_of_the_portals(self, demo):
        operator = demo.user("operator@portal.example")
        assert [one for one in EXPECTED if operator.has_perm(one)] == []
        assert operator.get_all_permissions() == set()
        for permission in ("portal.change_partner", "customers.view_customer", "portal.add_user"):
            assert operator.has_perm(permission)
        assert operator.has_module_perms("portal")

    @pytest.mark.parametrize("email", [*PEOPLE.values(), "global@hafen.example"])
    def test_nobody_else_has_djangos_permissions(self, demo, email):
        user = demo.user(email)
        for permission in ("portal.change_partner", "customers.view_customer", "portal.add_user"):
            assert not user.has_perm(permission)
        assert not user.has_module_perms("portal")

    def test_a_user_of_no_organisation_may_nothing(self, db):
        user = UserFactory()
        assert user.get_all_permissions() == set()
        assert not user.has_perms(list(EXPECTED)[:1])
        assert not AnonymousUser().has_perm("customers.view_customers")

    def test_a_permission_that_does_not_exist_is_held_by_nobody(self, demo):
        assert not demo.user("global@nordlicht.example").has_perm("customers.see_everything")

    def test_a_deactivated_user_may_nothing(self, demo):
        demo.user("helpdesk@nordlicht.example").deactivate(by=PORTAL)
        helpdesk = demo.user("helpdesk@nordlicht.example")
        assert [one for one in EXPECTED if helpdesk.has_perm(one)] == []

    def test_a_deactivated_operator_may_nothing(self, demo):
        demo.user("operator@portal.example").deactivate(by=PORTAL)
        operator = demo.user("operator@portal.example")
        assert not operator.has_perm("portal.change_partner")
        assert not operator.has_module_perms("portal")

    def test_the_people_of_a_deactivated_partner_may_nothing(self, demo):
        demo.partner("Nordlicht Distribution").deactivate(by=PORTAL)
        helpdesk = demo.user("helpdesk@nordlicht.example")
        assert [one for one in EXPECTED if helpdesk.has_perm(one)] == []

    def test_a_question_about_one_row_is_not_answered_by_the_role(self, demo):
        """On which rows is for visible_to to say."""
        user = demo.user("global@nordlicht.example")
        assert not user.has_perm("customers.view_customers", demo.customer("Weingut Huber"))

    @pytest.mark.parametrize("email", ["helpdesk@nordlicht.example", "HELPDESK@Nordlicht.Example"])
    def test_email_and_password_sign_in_however_the_email_is_written(self, demo, email):
        user = authenticate(username=email, password="demo-portal")
        assert user == demo.user("helpdesk@nordlicht.example")

    def test_a_wrong_password_or_an_unknown_email_does_not(self, demo):
        assert authenticate(username="helpdesk@nordlicht.example", password="wrong") is None
        assert authenticate(username="nobody@nordlicht.example", password="demo-portal") is None

    def test_a_deactivated_user_does_not_sign_in(self, demo):
        demo.user("helpdesk@nordlicht.example").deactivate(by=PORTAL)
        credentials = {"username": "helpdesk@nordlicht.example", "password": "demo-portal"}
        assert authenticate(**credentials) is None

    def test_nor_do_the_people_of_a_deactivated_partner(self, demo):
        demo.partner("Nordlicht Distribution").deactivate(by=PORTAL)
        credentials = {"username": "helpdesk@nordlicht.example", "password": "demo-portal"}
        assert authenticate(**credentials) is None
        demo.partner("Nordlicht Distribution").reactivate(by=PORTAL)
        assert authenticate(**credentials) is not None

    def test_who_was_invited_and_has_no_password_does_not_sign_in(self, db):
        user = UserFactory(password=None)
        assert not user.has_usable_password()
        assert authenticate(username=user.email, password="") is None
