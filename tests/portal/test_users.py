"""T3: a user belongs to one organisation, and is signed out when it or its partner is deactivated."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import Client

from portal.authority import PORTAL, Refusal
from portal.models import Action, Membership, MembershipRole, User
from portal.permissions import Role
from tests.factories import CustomerFactory, MembershipFactory, PartnerFactory, UserFactory

PAGE = "/settings/profile/"
SIGN_IN = f"/accounts/login/?next={PAGE}"


@pytest.fixture
def signed_in(demo):
    """Sign somebody in, in a browser of its own; the session goes on where the page answers."""

    def sign_in(email):
        browser = Client()
        browser.force_login(demo.user(email))
        assert is_signed_in(browser)
        return browser

    return sign_in


def is_signed_in(browser):
    answer = browser.get(PAGE)
    if answer.status_code == 302:
        assert answer.url == SIGN_IN
        return False
    assert answer.status_code == 200
    return True


class TestSessions:
    def test_T3_deactivating_a_user_ends_its_sessions_for_good(self, demo, signed_in):
        browsers = [signed_in("helpdesk@nordlicht.example") for _ in range(2)]
        colleague = signed_in("agent@nordlicht.example")
        demo.user("helpdesk@nordlicht.example").deactivate(by=PORTAL)
        assert [is_signed_in(browser) for browser in browsers] == [False, False]
        assert is_signed_in(colleague)

    def test_T3_the_old_session_stays_dead_after_reactivation(self, demo, signed_in):
        """Not looked at while the user was deactivated: a lost laptop, say, that wakes up later."""
        lost = signed_in("helpdesk@nordlicht.example")
        demo.user("helpdesk@nordlicht.example").deactivate(by=PORTAL)
        demo.user("helpdesk@nordlicht.example").reactivate(by=PORTAL)
        assert not is_signed_in(lost)
        assert is_signed_in(signed_in("helpdesk@nordlicht.example"))

    def test_T3_deactivating_a_partner_ends_the_sessions_of_all_its_people(self, demo, signed_in):
        theirs = [
            signed_in(f"{name}@nordlicht.example") for name in ("global", "helpdesk", "users")
        ]
        others = [signed_in("global@hafen.example"), signed_in("admin@albers.example")]
        demo.partner("Nordlicht Distribution").deactivate(by=PORTAL)
        assert [is_signed_in(browser) for browser in theirs] == [False, False, False]
        assert [is_signed_in(browser) for browser in others] == [True, True]

    def test_T3_and_they_stay_dead_after_its_reactivation(self, demo, signed_in):
        old = signed_in("helpdesk@nordlicht.example")
        demo.partner("Nordlicht Distribution").deactivate(by=PORTAL)
        demo.partner("Nordlicht Distribution").reactivate(by=PORTAL)
        assert not is_signed_in(old)
        assert is_signed_in(signed_in("helpdesk@nordlicht.example"))

    def test_T3_who_is_deactivated_cannot_start_a_session(self, demo):
        demo.user("helpdesk@nordlicht.example").deactivate(by=PORTAL)
        browser = Client()
        browser.force_login(demo.user("helpdesk@nordlicht.example"))
        assert not is_signed_in(browser)

    def test_T3_a_user_of_a_deactivated_partner_cannot_either(self, demo):
        demo.partner("Hafen IT").deactivate(by=PORTAL)
        browser = Client()
        browser.force_login(demo.user("global@hafen.example"))
        assert not is_signed_in(browser)

    def test_a_new_password_ends_them_too(self, demo, signed_in):
        browser = signed_in("helpdesk@nordlicht.example")
        user = demo.user("helpdesk@nordlicht.example")
        user.set_password("a better one")
        user.save()
        assert not is_signed_in(browser)

    def test_a_role_taken_away_counts_from_the_next_request_without_signing_out(
        self, demo, signed_in
    ):
        browser = signed_in("helpdesk@nordlicht.example")
        assert browser.get("/customers/").status_code == 200
        demo.user("helpdesk@nordlicht.example").membership.set_roles(
            [Role.USER_MANAGEMENT_ADMIN], by=PORTAL
        )
        assert browser.get("/customers/").status_code == 403
        assert is_signed_in(browser)


class TestOneOrganisation:
    def test_T3_the_database_refuses_a_partner_and_a_customer_at_once(self, db):
        with pytest.raises(IntegrityError), transaction.atomic():
            Membership.objects.create(
                user=UserFactory(), partner=PartnerFactory(), customer=CustomerFactory()
            )

    def test_T3_the_database_refuses_neither(self, db):
        with pytest.raises(IntegrityError), transaction.atomic():
            Membership.objects.create(user=UserFactory())

    def test_T3_the_database_refuses_a_second_organisation(self, demo):
        with pytest.raises(IntegrityError), transaction.atomic():
            Membership.objects.create(
                user=demo.user("helpdesk@nordlicht.example"), partner=demo.partner("Hafen IT")
            )

    def test_T3_joining_a_second_one_is_refused_with_a_sentence(self, demo, nothing_written):
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            Membership.objects.join(
                demo.user("helpdesk@nordlicht.example"),
                demo.partner("Hafen IT"),
                [Role.GLOBAL_ADMIN],
                by=PORTAL,
            )
        assert refusal.value.message_dict == {"user": ["Membership with this User already exists."]}

    def test_T3_an_operator_joins_nobody(self, demo, nothing_written):
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            Membership.objects.join(
                demo.user("operator@portal.example"),
                demo.partner("Hafen IT"),
                [Role.GLOBAL_ADMIN],
                by=PORTAL,
            )
        assert refusal.value.message_dict == {
            "user": ["An operator can't belong to a partner or customer."]
        }

    def test_T3_a_member_does_not_become_an_operator(self, demo):
        user = demo.user("global@nordlicht.example")
        user.is_staff = True
        with pytest.raises(ValidationError) as refusal:
            user.full_clean()
        assert refusal.value.message_dict == {
            "is_staff": ["A user of a partner or customer can't be an operator."]
        }

    def test_T3_a_refusal_carries_the_rule_as_its_code(self, demo):
        user = demo.user("global@nordlicht.example")
        user.is_staff = True
        with pytest.raises(ValidationError) as refusal:
            user.full_clean()
        assert [error.code for error in refusal.value.error_dict["is_staff"]] == ["T3"]


class TestEmail:
    def test_it_is_stored_in_lower_case(self, db):
        assert UserFactory(email=" Jonas@Albers.Example ").email == "jonas@albers.example"

    def test_the_database_refuses_any_other(self, demo):
        with pytest.raises(IntegrityError), transaction.atomic():
            User.objects.filter(email="admin@albers.example").update(email="Admin@albers.example")

    def test_it_belongs_to_one_user_however_it_is_written(self, demo):
        twin = UserFactory.build(email="ADMIN@albers.example")
        with pytest.raises(ValidationError) as refusal:
            twin.full_clean()
        assert refusal.value.message_dict == {"email": ["A user with this email exists."]}

    def test_a_user_is_shown_by_name_or_else_by_email(self, demo):
        assert str(demo.user("admin@albers.example")) == "Jonas Albers"
        assert str(UserFactory.build(email="jonas@albers.example")) == "jonas@albers.example"

    def test_createsuperuser_makes_an_operator(self, db):
        user = User.objects.create_superuser("Root@Portal.example", "a password")
        assert (user.email, user.is_staff, user.organisation) == (
            "root@portal.example",
            True,
            None,
        )
        assert user.check_password("a password")


class TestRoles:
    def test_joining_is_logged_for_the_organisation(self, demo):
        by = demo.user("users@nordlicht.example")
        user = UserFactory(email="new@nordlicht.example")
        Membership.objects.join(
            user,
            demo.partner("Nordlicht Distribution"),
            [Role.SALES_AGENT, Role.ADMIN_AGENT],
            by=by,
        )
        user = demo.user("new@nordlicht.example")
        assert user.organisation == demo.partner("Nordlicht Distribution")
        assert user.membership.roles == [Role.ADMIN_AGENT, Role.SALES_AGENT]
        entry = demo.log()[-1]
        assert (entry.action, entry.person, entry.subject) == (
            Action.USER_ADDED,
            by,
            "new@nordlicht.example",
        )
        assert entry.after == {"roles": ["agent", "sales"]}
        assert [partner.name for partner in entry.partners.all()] == ["Nordlicht Distribution"]

    def test_changing_them_is_logged_with_before_and_after(self, demo):
        by = demo.user("users@nordlicht.example")
        membership = demo.user("helpdesk@nordlicht.example").membership
        assert membership.roles == [Role.HELPDESK_AGENT]
        membership.set_roles([Role.SALES_AGENT, Role.HELPDESK_AGENT], by=by)
        assert membership.roles == [Role.SALES_AGENT, Role.HELPDESK_AGENT]
        entry = demo.log()[-1]
        assert (entry.action, entry.person) == (Action.USER_ROLES_CHANGED, by)
        assert (entry.before, entry.after) == (
            {"roles": ["helpdesk"]},
            {"roles": ["helpdesk", "sales"]},
        )

    def test_setting_what_is_there_writes_nothing(self, demo, nothing_written):
        with nothing_written():
            demo.user("helpdesk@nordlicht.example").membership.set_roles(
                [Role.HELPDESK_AGENT], by=PORTAL
            )

    @pytest.mark.parametrize(
        ("email", "roles"),
        [
            ("helpdesk@nordlicht.example", []),
            ("helpdesk@nordlicht.example", [Role.CUSTOMER_ADMIN]),
            ("helpdesk@nordlicht.example", [Role.HELPDESK_AGENT, Role.CUSTOMER_ADMIN]),
            ("helpdesk@nordlicht.example", ["owner"]),
            ("admin@albers.example", [Role.CUSTOMER_ADMIN, Role.GLOBAL_ADMIN]),
        ],
    )
    def test_roles_of_another_kind_of_organisation_or_none_are_refused(
        self, demo, email, roles, nothing_written
    ):
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            demo.user(email).membership.set_roles(roles, by=PORTAL)
        assert refusal.value.code == "role"
        assert refusal.value.messages == [
            "Choose at least one role, and only roles of this kind of organisation."
        ]

    def test_joining_with_a_wrong_role_leaves_no_member_behind(self, demo, nothing_written):
        user = UserFactory()
        with nothing_written(), pytest.raises(ValidationError):
            Membership.objects.join(
                user, demo.customer("Reederei Albers"), [Role.GLOBAL_ADMIN], by=PORTAL
            )

    @pytest.mark.parametrize("others", [[], [[Role.USER_MANAGEMENT_ADMIN]]])
    def test_the_first_who_joins_a_partner_is_its_global_admin(self, db, others, nothing_written):
        """Also where somebody without that role got in before."""
        partner = PartnerFactory()
        for roles in others:
            MembershipFactory(partner=partner, roles=roles)
        user = UserFactory()
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            Membership.objects.join(user, partner, [Role.SALES_AGENT], by=PORTAL)
        assert refusal.value.code == "first_admin"
        assert refusal.value.messages == [
            f"{partner} has no Global admin yet. Give its first user this role."
        ]
        joined = Membership.objects.join(user, partner, [Role.GLOBAL_ADMIN], by=PORTAL)
        assert joined.roles == [Role.GLOBAL_ADMIN]

    def test_the_database_refuses_a_role_that_does_not_exist(self, db):
        membership = MembershipFactory()
        with pytest.raises(IntegrityError), transaction.atomic():
            MembershipRole.objects.create(membership=membership, role="owner")

    def test_the_database_refuses_a_role_twice(self, db):
        membership = MembershipFactory()
        with pytest.raises(IntegrityError), transaction.atomic():
            MembershipRole.objects.create(membership=membership, role=Role.GLOBAL_ADMIN)


class TestLastAdmin:
    def test_the_last_global_admin_keeps_the_role(self, demo, nothing_written):
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            demo.user("global@nordlicht.example").membership.set_roles(
                [Role.ADMIN_AGENT], by=demo.user("users@nordlicht.example")
            )
        assert refusal.value.code == "last_global_admin"
        assert refusal.value.messages == [
            "Global admin, Nordlicht Distribution is the last Global admin of "
            "Nordlicht Distribution, and stays so."
        ]

    def test_the_last_global_admin_is_not_deactivated(self, demo, nothing_written):
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            demo.user("global@nordlicht.example").deactivate(by=PORTAL)
        assert refusal.value.code == "last_global_admin"

    def test_nor_is_the_last_admin_of_a_customer(self, demo, nothing_written):
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            demo.user("admin@albers.example").deactivate(by=PORTAL)
        assert refusal.value.messages == [
            "Jonas Albers is the last Customer admin of Reederei Albers, and stays so."
        ]

    def test_the_last_one_may_get_further_roles(self, demo):
        membership = demo.user("global@nordlicht.example").membership
        membership.set_roles([Role.GLOBAL_ADMIN, Role.SALES_AGENT], by=PORTAL)
        assert membership.roles == [Role.GLOBAL_ADMIN, Role.SALES_AGENT]

    def test_with_a_second_one_the_first_may_go(self, demo):
        MembershipFactory(partner=demo.partner("Nordlicht Distribution"))
        demo.user("global@nordlicht.example").deactivate(by=PORTAL)
        assert not demo.user("global@nordlicht.example").is_active

    def test_a_second_one_who_is_deactivated_does_not_count(self, demo):
        second = MembershipFactory(partner=demo.partner("Nordlicht Distribution"))
        second.user.deactivate(by=PORTAL)
        with pytest.raises(ValidationError) as refusal:
            demo.user("global@nordlicht.example").deactivate(by=PORTAL)
        assert refusal.value.code == "last_global_admin"

    def test_a_global_admin_of_another_partner_does_not_count(self, demo):
        MembershipFactory(partner=demo.partner("Hafen IT"))
        with pytest.raises(ValidationError):
            demo.user("global@nordlicht.example").deactivate(by=PORTAL)

    def test_a_deactivated_one_may_lose_the_role(self, demo):
        """There is another who is active, so nobody is missed."""
        second = MembershipFactory(partner=demo.partner("Nordlicht Distribution"))
        demo.user("global@nordlicht.example").deactivate(by=PORTAL)
        demo.user("global@nordlicht.example").membership.set_roles([Role.SALES_AGENT], by=PORTAL)
        with pytest.raises(ValidationError):
            second.user.deactivate(by=PORTAL)

    def test_others_come_and_go(self, demo):
        demo.user("helpdesk@nordlicht.example").deactivate(by=PORTAL)
        assert not demo.user("helpdesk@nordlicht.example").is_active


class TestDeactivating:
    def test_it_and_the_way_back_are_logged_for_the_organisation(self, demo):
        by = demo.user("global@nordlicht.example")
        demo.user("helpdesk@nordlicht.example").deactivate(by=by)
        demo.user("helpdesk@nordlicht.example").reactivate(by=by)
        out, back = demo.log()[-2:]
        assert (out.action, back.action) == (Action.USER_DEACTIVATED, Action.USER_REACTIVATED)
        for entry in (out, back):
            assert entry.person == by
            assert entry.subject == "Helpdesk agent, Nordlicht Distribution"
            assert [one.name for one in entry.partners.all()] == ["Nordlicht Distribution"]

    def test_doing_it_again_writes_nothing(self, demo, nothing_written):
        stale = demo.user("helpdesk@nordlicht.example")
        demo.user("helpdesk@nordlicht.example").deactivate(by=PORTAL)
        with nothing_written():
            stale.deactivate(by=PORTAL)
        stale = demo.user("helpdesk@nordlicht.example")
        demo.user("helpdesk@nordlicht.example").reactivate(by=PORTAL)
        with nothing_written():
            stale.reactivate(by=PORTAL)


@pytest.mark.parametrize(
    "email",
    [
        "agent@nordlicht.example",
        "sales@nordlicht.example",
        "helpdesk@nordlicht.example",
        "global@suedwind.example",
        "admin@albers.example",
    ],
)
def test_T2_only_who_manages_users_deactivates_and_gives_roles(demo, nothing_written, email):
    by, sales = demo.user(email), demo.user("sales@nordlicht.example")
    acts = (
        lambda: sales.deactivate(by=by),
        lambda: sales.reactivate(by=by),
        lambda: sales.membership.set_roles([Role.GLOBAL_ADMIN], by=by),
        lambda: demo.partner("Nordlicht Distribution").deactivate(by=by),
        lambda: demo.partner("Nordlicht Distribution").reactivate(by=by),
    )
    for act in acts:
        with nothing_written(), pytest.raises(ValidationError) as refused:
            act()
        assert refused.value.code in Refusal.values


def test_T2_the_user_management_admin_does_but_not_for_a_whole_partner(demo):
    by = demo.user("users@nordlicht.example")
    demo.user("sales@nordlicht.example").deactivate(by=by)
    assert not demo.user("sales@nordlicht.example").is_active
    with pytest.raises(ValidationError):
        demo.partner("Nordlicht Distribution").deactivate(by=by)
