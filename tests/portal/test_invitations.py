"""Inviting users: no password is given out; a personal link works once, for a week."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth import authenticate
from django.core import mail
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from portal.authority import PORTAL, NotAllowed, Refusal
from portal.models import Action, Membership, Partner, User
from portal.permissions import Role
from tests.factories import (
    CustomerFactory,
    MembershipFactory,
    PartnerFactory,
    RelationshipFactory,
    UserFactory,
)
from tests.pages import Page, signed_in
from tests.races import ORDERS

USERS = "users@nordlicht.example"
GLOBAL = "global@nordlicht.example"
PASSWORD = "barrel-of-apples"
SENT = {"password1": PASSWORD, "password2": PASSWORD}


def invite(demo, by=USERS, organisation=None, **fields):
    by = demo.user(by) if by else None
    return Membership.objects.invite(
        organisation or demo.partner("Nordlicht Distribution"),
        by=by,
        **{
            "email": "Neu@Nordlicht.example",
            "name": "Änne Neu",
            "roles": [Role.SALES_AGENT],
            **fields,
        },
    ).user


def link_in(sent):
    """The path of the personal link that a mail holds."""
    [path] = re.findall(r"https://portal\.example(/accounts/invitations/\S+/)", sent.body)
    return path


def english():
    return Client(headers={"accept-language": "en"})


def open_link(path, **options):
    answer = english().get(path, **options)
    return answer.status_code, Page(answer)


class TestInviting:
    def test_the_user_is_a_member_without_a_password(self, demo):
        user = invite(demo)
        user = demo.user("neu@nordlicht.example")
        assert (user.name, user.organisation) == (
            "Änne Neu",
            demo.partner("Nordlicht Distribution"),
        )
        assert user.membership.roles == [Role.SALES_AGENT]
        assert not user.has_usable_password()
        assert user.is_invited

    def test_it_is_logged_for_the_organisation(self, demo):
        before = len(demo.log())
        invite(demo)
        entries = demo.log()[before:]
        assert [(entry.action, entry.actor.email) for entry in entries] == [
            (Action.USER_ADDED, USERS),
            (Action.USER_INVITED, USERS),
        ]
        assert entries[0].after == {"roles": ["sales"]}
        for entry in entries:
            assert [one.name for one in entry.partners.all()] == ["Nordlicht Distribution"]

    def test_the_mail_has_the_link_and_no_password(self, demo):
        user = invite(demo)
        [sent] = mail.outbox
        assert sent.to == ["neu@nordlicht.example"]
        assert sent.subject == "Ihr Konto für Nordlicht Distribution im Partnerportal"
        assert "User management admin, Nordlicht Distribution hat Sie" in sent.body
        assert link_in(sent) == user.invitation_path
        assert user.password not in sent.body

    def test_nothing_is_sent_for_what_was_not_written(self, demo, queue):
        with pytest.raises(ValidationError):
            invite(demo, roles=[Role.CUSTOMER_ADMIN])
        assert not queue.exists()
        assert not User.objects.filter(email="neu@nordlicht.example").exists()

    @pytest.mark.parametrize(
        "email",
        ["agent@nordlicht.example", "global@suedwind.example", "admin@albers.example"],
    )
    def test_T2_only_who_manages_its_users_invites(self, demo, nothing_written, email):
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            invite(demo, by=email)
        assert refusal.value.code in Refusal.values

    def test_a_customer_admin_invites_into_its_own_company_only(self, demo, nothing_written):
        albers = demo.customer("Reederei Albers")
        user = invite(
            demo,
            by="admin@albers.example",
            organisation=albers,
            roles=[Role.CUSTOMER_ADMIN],
        )
        assert user.organisation == albers
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            invite(
                demo,
                by="admin@albers.example",
                organisation=demo.customer("Weingut Huber"),
                email="other@albers.example",
                roles=[Role.CUSTOMER_ADMIN],
            )
        assert refusal.value.code in Refusal.values

    def test_who_is_there_already_is_named_at_the_field(self, demo, nothing_written):
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            invite(demo, email=" HELPDESK@nordlicht.example ")
        assert refusal.value.message_dict == {
            "email": ["This user is in your organisation already."]
        }

    def test_one_that_is_deactivated_is_to_be_reactivated(self, demo):
        demo.user("helpdesk@nordlicht.example").deactivate(by=PORTAL)
        with pytest.raises(ValidationError) as refusal:
            invite(demo, email="helpdesk@nordlicht.example")
        assert refusal.value.message_dict == {
            "email": [
                "This user is in your organisation already, deactivated. Reactivate it instead."
            ]
        }

    @pytest.mark.parametrize(
        "email", ["global@suedwind.example", "admin@albers.example", "operator@portal.example"]
    )
    def test_T3_the_owner_of_a_foreign_account_alone_is_told_of_it(self, demo, email):
        owner = demo.user(email)
        user = invite(demo, email=email.upper())
        assert (user.email, user.is_invited, user.has_joined) == (email, True, False)
        owner.refresh_from_db()
        assert owner.organisation != demo.partner("Nordlicht Distribution")
        [sent] = mail.outbox
        assert sent.to == [email]
        assert "Nordlicht Distribution" in sent.subject
        assert "/accounts/invitations/" not in sent.body
        assert "https://portal.example/accounts/login/" in sent.body

    def test_T3_the_mail_to_it_says_who_wanted_what(self, demo):
        owner = demo.user("global@suedwind.example")
        owner.language = "en"
        owner.save()
        invite(demo, email=owner.email)
        [sent] = mail.outbox
        assert sent.subject == "Nordlicht Distribution wanted to invite you to the partner portal"
        assert sent.body.startswith(
            "Nordlicht Distribution wanted to add global@suedwind.example to the partner portal as "
            "a user of Nordlicht Distribution. This address has an account already, and an account "
            "belongs to one organisation. So nothing was changed for you, and nobody was told of "
            "your account."
        )

    def test_T3_its_invitation_can_not_be_accepted(self, demo, nothing_written):
        user = invite(demo, email="global@suedwind.example")
        with nothing_written():
            status, page = open_link(user.invitation_path)
            assert english().post(user.invitation_path, SENT).status_code == 410
        assert status == 410
        assert page.alerts == [
            (
                None,
                "global@suedwind.example has an account already, and an account belongs to one "
                "organisation. Ask Nordlicht Distribution to invite another address of yours.",
            )
        ]

    def test_R14_an_invitation_keeps_nobody_from_the_own_address(self, demo):
        """Hafen IT only typed it: Nordlicht Distribution, whose colleague it is, invites it all the same."""
        squatted = invite(demo, by="global@hafen.example", organisation=demo.partner("Hafen IT"))
        user = invite(demo)
        assert english().post(user.invitation_path, SENT).status_code == 302
        assert authenticate(username="neu@nordlicht.example", password=PASSWORD) == user
        assert open_link(squatted.invitation_path)[0] == 410

    def test_it_is_not_in_the_way_of_the_owners_sign_in(self, demo):
        invite(demo, email="global@suedwind.example")
        found = authenticate(username="global@suedwind.example", password="demo-portal")
        assert found.organisation == demo.partner("Südwind Cloud")

    @pytest.mark.parametrize("email", ["", "nobody", "a@b", "x" * 250 + "@firm.example"])
    def test_an_address_that_is_none_is_refused_at_the_field(self, demo, nothing_written, email):
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            invite(demo, email=email)
        assert list(refusal.value.message_dict) == ["email"]


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("play", ORDERS)
def test_of_two_that_invite_the_same_person_one_is_told(demo, play):
    first, second = play(
        lambda: invite(demo, by=USERS),
        lambda: invite(demo, by=GLOBAL),
    )
    assert sorted([first.error is None, second.error is None]) == [False, True]
    error = first.error or second.error
    assert list(error.message_dict) == ["email"]
    assert Membership.objects.filter(user__email="neu@nordlicht.example").count() == 1


class TestTheFirstAdmin:
    def test_whoever_adds_a_customer_invites_its_first_admin(self, demo):
        customer = CustomerFactory(name="Werft Ost", country="US")
        by = demo.user("sales@nordlicht.example")
        RelationshipFactory(partner=by.organisation, customer=customer)
        made = Membership.objects.invite_first_admin(
            customer, email="ole@werft.example", name="Ole Ost", by=by
        )
        assert (made.customer, made.roles) == (customer, [Role.CUSTOMER_ADMIN])
        [sent] = mail.outbox
        assert sent.subject == "Your account for Werft Ost in the partner portal"
        # The customer reads which firm it was, not who of its staff.
        assert "Nordlicht Distribution added you" in sent.body

    def test_a_partner_gets_a_global_admin(self, demo):
        partner = PartnerFactory()
        made = Membership.objects.invite_first_admin(
            partner, email="boss@firm.example", name="Boss", by=PORTAL
        )
        assert made.roles == [Role.GLOBAL_ADMIN]

    def test_nobody_gets_into_an_organisation_that_has_users(self, demo, nothing_written):
        """Not even into one whose users are all deactivated."""
        only = MembershipFactory(customer=CustomerFactory())
        User.objects.filter(pk=only.user_id).update(is_active=False)
        RelationshipFactory(partner=demo.partner("Nordlicht Distribution"), customer=only.customer)
        for organisation, by in (
            (only.customer, GLOBAL),
            (demo.partner("Hafen IT"), "operator@portal.example"),
        ):
            with nothing_written(), pytest.raises(ValidationError) as refusal:
                Membership.objects.invite_first_admin(
                    organisation,
                    email="ole@werft.example",
                    name="",
                    by=demo.user(by),
                )
            assert refusal.value.code == "not_first"

    @pytest.mark.parametrize(
        ("email", "why"),
        [
            ("global@hafen.example", Refusal.ELSEWHERE),  # it does not look after the customer
            ("helpdesk@nordlicht.example", Refusal.ROLE),
            ("admin@albers.example", Refusal.ELSEWHERE),
        ],
    )
    def test_only_who_looks_after_a_customer_invites_its_first_admin(
        self, demo, email, why, nothing_written
    ):
        customer = CustomerFactory()
        RelationshipFactory(partner=demo.partner("Nordlicht Distribution"), customer=customer)
        with nothing_written(), pytest.raises(NotAllowed) as refusal:
            Membership.objects.invite_first_admin(
                customer, email="ole@werft.example", name="", by=demo.user(email)
            )
        assert refusal.value.code == why
        assert mail.outbox == []


class TestTheLink:
    def test_it_sets_a_password_and_signs_in(self, demo):
        path = invite(demo).invitation_path
        status, page = open_link(path)
        assert (status, page.heading) == (200, "Set your password")
        assert page.facts["Organisation"] == "Nordlicht Distribution"
        assert page.find("input[@id='invited-email']")[0].get("value") == "neu@nordlicht.example"
        browser = english()
        answer = browser.post(path, SENT)
        assert (answer.status_code, answer.url) == (302, "/")
        assert browser.get("/", follow=True).redirect_chain == [("/customers/", 302)]
        user = authenticate(username="neu@nordlicht.example", password=PASSWORD)
        assert user == demo.user("neu@nordlicht.example")
        assert not user.is_invited
        assert [(entry.action, entry.person) for entry in demo.log()[-2:]] == [
            (Action.USER_JOINED, user),
            (Action.ADDRESS_PROVED, user),
        ]

    def test_it_works_once_and_says_so(self, demo, nothing_written):
        path = invite(demo).invitation_path
        english().post(path, SENT)
        with nothing_written():
            status, page = open_link(path)
            again = english().post(
                path, {"password1": "another-barrel", "password2": "another-barrel"}
            )
        assert (status, again.status_code) == (410, 410)
        assert page.alerts == [
            (None, "This invitation was used. Sign in with your email and password.")
        ]

    def test_it_expires(self, demo, nothing_written):
        with time_machine.travel("2026-03-01 12:00Z", tick=False):
            path = invite(demo).invitation_path
        with time_machine.travel("2026-03-08 11:59Z", tick=False):
            assert open_link(path)[0] == 200
        with time_machine.travel("2026-03-08 12:00Z", tick=False), nothing_written():
            status, page = open_link(path)
            assert english().post(path, SENT).status_code == 410
        assert status == 410
        assert page.alerts == [(None, "This link expired on 8 March 2026.")]

    def test_its_time_is_a_setting(self, demo, settings):
        settings.INVITATION_PERIOD = timedelta(hours=1)
        path = invite(demo).invitation_path
        with time_machine.travel(timezone.now() + timedelta(hours=2)):
            assert open_link(path)[0] == 410

    def test_an_expired_one_gives_a_new_one_to_the_invited_address_once(self, demo):
        with time_machine.travel(timezone.now() - timedelta(days=8)):
            path = invite(demo).invitation_path
        mail.outbox.clear()
        for _try in range(3):
            answer = english().post(f"{path}renew/", follow=True)
        [sent] = mail.outbox
        assert sent.to == ["neu@nordlicht.example"]
        assert Page(answer).alerts == [
            (None, "This link was replaced by a newer one. Use the newest mail.")
        ]
        assert open_link(link_in(sent))[0] == 200
        assert demo.log()[-1].action == Action.USER_INVITED

    def test_one_that_still_works_is_not_renewed(self, demo, nothing_written):
        path = invite(demo).invitation_path
        with nothing_written():
            answer = english().post(f"{path}renew/")
        assert answer.url == path
        assert open_link(path)[0] == 200

    def test_a_new_invitation_kills_the_old_link(self, demo):
        user = invite(demo)
        old = user.invitation_path
        demo.user(user.email).send_invitation(by=demo.user(GLOBAL))
        status, page = open_link(old)
        assert status == 410
        assert page.alerts == [
            (None, "This link was replaced by a newer one. Use the newest mail.")
        ]
        assert english().post(old, SENT).status_code == 410
        assert open_link(link_in(mail.outbox[-1]))[0] == 200

    def test_another_address_kills_it_too(self, demo):
        user = invite(demo)
        user.email = "other@nordlicht.example"
        user.save()
        assert open_link(link_in(mail.outbox[0]))[0] == 410

    def test_a_password_set_by_an_operator_kills_it(self, demo):
        user = invite(demo)
        path = user.invitation_path
        user.set_password(PASSWORD)
        user.save()
        assert open_link(path)[0] == 410

    def test_a_first_sign_in_without_a_password_kills_it(self, demo):
        """As with an identity provider: the link must not set a password afterwards."""
        user = demo.user(invite(demo).email)
        path = user.invitation_path
        Client().force_login(user)
        assert open_link(path)[0] == 410

    def test_the_user_may_accept_without_a_password(self, demo):
        user = invite(demo)
        path = user.invitation_path
        token = path.split("/")[-2]
        User.objects.find_invited(token).accept_invitation()
        assert not demo.user(user.email).has_usable_password()
        assert open_link(path)[0] == 410

    @pytest.mark.parametrize("who", ["user", "partner"])
    def test_who_is_deactivated_does_not_get_in(self, demo, who):
        path = invite(demo).invitation_path
        if who == "user":
            demo.user("neu@nordlicht.example").deactivate(by=PORTAL)
        else:
            demo.partner("Nordlicht Distribution").deactivate(by=PORTAL)
        status, page = open_link(path)
        assert status == 410
        assert page.alerts == [(None, "The account neu@nordlicht.example is deactivated.")]
        assert english().post(path, SENT).status_code == 410

    @pytest.mark.parametrize("token", ["x", "a-b-c", "." * 50, "0" * 32 + "-1-2.x", "%00"])
    def test_one_that_the_portal_did_not_make_is_not_found(self, demo, token):
        assert english().get(f"/accounts/invitations/{token}/").status_code == 404
        assert english().post(f"/accounts/invitations/{token}/", SENT).status_code == 404
        assert english().post(f"/accounts/invitations/{token}/renew/").status_code == 404

    def test_one_signed_for_something_else_is_not_found(self, demo):
        other = invite(demo).invitation_path.replace("/accounts", "")
        assert english().get(other).status_code == 404

    def test_it_is_not_kept_by_caches(self, demo):
        answer = english().get(invite(demo).invitation_path)
        assert "no-store" in answer["Cache-Control"]

    @pytest.mark.parametrize(
        ("password", "again", "message"),
        [
            ("", "", "This field is required."),
            ("barrel-of-apples", "barrel-of-pears", "The two password fields didn’t match."),
            ("1234567890", "1234567890", "This password is too common."),
            ("nordlicht.example", "nordlicht.example", "The password is too similar to the email."),
            ("apples", "apples", "This password is too short."),
        ],
    )
    def test_a_weak_password_is_refused_at_the_field(
        self, demo, nothing_written, password, again, message
    ):
        path = invite(demo).invitation_path
        with nothing_written():
            answer = english().post(path, {"password1": password, "password2": again})
        assert answer.status_code == 200
        assert any(message in error for error in Page(answer).field_errors)

    def test_whoever_is_signed_in_is_warned_and_becomes_the_invited(self, demo):
        path = invite(demo).invitation_path
        browser = signed_in("global@hafen.example")
        page = Page(browser.get(path))
        assert page.alerts == [
            (
                None,
                "You are signed in as global@hafen.example. Setting the password signs you out "
                "there and in with the invited account.",
            )
        ]
        browser.post(path, SENT)
        assert Page(browser.get("/settings/profile/")).facts["Email"] == (
            "neu@nordlicht.example (confirmed)"
        )


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("play", ORDERS)
def test_of_two_that_use_the_link_at_once_one_is_refused(demo, play):
    token = invite(demo).invitation_path.split("/")[-2]
    outcomes = play(
        lambda: User.objects.find_invited(token).accept_invitation("barrel-of-apples"),
        lambda: User.objects.find_invited(token).accept_invitation("barrel-of-pears"),
    )
    assert sorted(one.error is None for one in outcomes) == [False, True]
    [error] = [one.error for one in outcomes if one.error]
    assert error.code == "dead"


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("play", ORDERS)
def test_T3_of_two_organisations_that_invited_the_same_person_one_gets_it(demo, play):
    ours = invite(demo).invitation_path.split("/")[-2]
    theirs = invite(
        demo, by="global@hafen.example", organisation=demo.partner("Hafen IT")
    ).invitation_path.split("/")[-2]
    outcomes = play(
        lambda: User.objects.find_invited(ours).accept_invitation("barrel-of-apples"),
        lambda: User.objects.find_invited(theirs).accept_invitation("barrel-of-pears"),
    )
    [error] = [one.error for one in outcomes if one.error]
    assert error.code == "dead"
    assert User.objects.joined().filter(email="neu@nordlicht.example").count() == 1


class TestSendingAgain:
    def test_who_was_here_needs_none(self, demo, nothing_written):
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            demo.user("sales@nordlicht.example").send_invitation(by=demo.user(GLOBAL))
        assert refusal.value.code == "joined"

    def test_who_is_deactivated_gets_none(self, demo, nothing_written):
        user = invite(demo)
        user.deactivate(by=PORTAL)
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            user.send_invitation(by=PORTAL)
        assert refusal.value.code == "inactive"

    def test_who_belongs_nowhere_gets_none(self, demo, nothing_written):
        user = UserFactory(password=None)
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            user.send_invitation(by=PORTAL)
        assert refusal.value.messages == [f"{user.email} belongs to no organisation yet."]

    def test_T2_only_who_manages_users_sends_it(self, demo, nothing_written):
        user = invite(demo)
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            user.send_invitation(by=demo.user("agent@nordlicht.example"))
        assert refusal.value.code in Refusal.values

    def test_the_operator_sends_it_from_django_admin(self, admin_client, demo):
        user = UserFactory(email="boss@hafen.example", password=None)
        Membership.objects.join(user, demo.partner("Hafen IT"), [Role.SALES_AGENT], by=PORTAL)
        mail.outbox.clear()
        admin_client.post(
            "/admin/portal/user/",
            {
                "action": "send_invitation",
                "_selected_action": [str(user.pk), str(demo.user(GLOBAL).pk)],
            },
        )
        [sent] = mail.outbox
        assert sent.to == ["boss@hafen.example"]
        assert "Der Betreiber des Portals hat Sie" in sent.body
        assert open_link(link_in(sent))[0] == 200


class TestNewAdmins:
    """Whoever manages users may make anyone a Global admin; the Global admins read of it."""

    def told(self):
        return {one.to[0]: one.subject for one in mail.outbox}

    def test_the_other_global_admins_are_mailed(self, demo):
        MembershipFactory(
            partner=demo.partner("Nordlicht Distribution"), user__email="second@nordlicht.example"
        )
        demo.user(USERS).membership.set_roles([Role.GLOBAL_ADMIN], by=demo.user(USERS))
        subject = (
            "User management admin, Nordlicht Distribution hat bei Nordlicht Distribution jetzt "
            "die Rolle „Globaler Administrator“"
        )
        assert self.told() == {GLOBAL: subject, "second@nordlicht.example": subject}
        assert f"({USERS})" in mail.outbox[0].body
        assert f"/settings/users/{demo.user(USERS).pk}/" in mail.outbox[0].body

    def test_whoever_gave_the_role_is_not(self, demo):
        demo.user("sales@nordlicht.example").membership.set_roles(
            [Role.GLOBAL_ADMIN], by=demo.user(GLOBAL)
        )
        assert mail.outbox == []

    def test_an_invited_one_counts(self, demo):
        invite(demo, roles=[Role.GLOBAL_ADMIN])
        assert set(self.told()) == {GLOBAL, "neu@nordlicht.example"}

    def test_other_roles_tell_nobody(self, demo):
        demo.user("sales@nordlicht.example").membership.set_roles(
            [Role.USER_MANAGEMENT_ADMIN], by=demo.user(USERS)
        )
        assert mail.outbox == []


class TestNotLockingYourselfOut:
    def test_nobody_deactivates_the_own_account(self, demo, nothing_written):
        MembershipFactory(partner=demo.partner("Nordlicht Distribution"))
        for email in (GLOBAL, USERS, "operator@portal.example"):
            with nothing_written(), pytest.raises(ValidationError) as refusal:
                demo.user(email).deactivate(by=demo.user(email))
            assert refusal.value.code == "self"

    def test_nobody_gives_up_managing_users(self, demo, nothing_written):
        MembershipFactory(partner=demo.partner("Nordlicht Distribution"))
        for email in (GLOBAL, USERS):
            with nothing_written(), pytest.raises(ValidationError) as refusal:
                demo.user(email).membership.set_roles([Role.SALES_AGENT], by=demo.user(email))
            assert refusal.value.code == "self"

    def test_but_one_of_two_ways_to_manage_them_may_go(self, demo):
        MembershipFactory(partner=demo.partner("Nordlicht Distribution"))
        membership = demo.user(GLOBAL).membership
        both = [Role.GLOBAL_ADMIN, Role.USER_MANAGEMENT_ADMIN]
        membership.set_roles(both, by=demo.user(USERS))
        membership.set_roles([Role.USER_MANAGEMENT_ADMIN], by=demo.user(GLOBAL))
        assert demo.user(GLOBAL).membership.roles == [Role.USER_MANAGEMENT_ADMIN]


def test_the_key_for_search_follows_the_name(demo):
    user = invite(demo)
    assert demo.user(user.email).name_key == "anne neu"
    nordlicht = demo.partner("Nordlicht Distribution")
    found = User.objects.filter(membership__partner=nordlicht).search("ANNE nordlicht.EXAMPLE")
    assert [one.email for one in found] == ["neu@nordlicht.example"]
    assert Partner.objects.filter(memberships__user=user).get() == nordlicht


def test_no_more_than_three_invitations_reach_an_address_within_a_day(demo):
    """Whoever manages users can't have the portal write to strangers again and again."""
    albers = demo.user("admin@albers.example")
    invited = Membership.objects.invite(
        albers.organisation,
        email="it@victim.example",
        name="IT",
        roles=[Role.CUSTOMER_ADMIN],
        by=albers,
    ).user
    for _again in range(2):
        invited.send_invitation(by=albers)
    with pytest.raises(ValidationError) as refusal:
        invited.send_invitation(by=albers)
    assert refusal.value.code == "too_many"
    assert len([one for one in mail.outbox if one.to == ["it@victim.example"]]) == 3
    answer = signed_in("admin@albers.example").post(
        f"/settings/users/{invited.pk}/invite-again/", follow=True
    )
    text = Page(answer).text
    assert "3 invitations went to it@victim.example within 24 hours." in text
    assert re.search(r"The next one can be sent on .+ UTC\.", text)


def test_a_user_invites_no_more_than_a_hundred_within_a_day(demo, monkeypatch):
    monkeypatch.setattr("portal.models.users.MOST_BY_USER", 2)
    data = {"name": "IT", "roles": [Role.CUSTOMER_ADMIN]}
    browser = signed_in("admin@albers.example")
    for number in range(3):
        answer = browser.post(
            "/settings/users/invite/", {"email": f"it{number}@victim.example", **data}
        )
    assert answer.status_code == 200
    text = Page(answer).text
    assert re.search(r"You have sent 2 invitations within 24 hours\. .* next one on .+ UTC\.", text)
    assert not User.objects.filter(email="it2@victim.example").exists()


def test_who_never_came_is_told_of_no_colleague(demo):
    albers = demo.user("admin@albers.example")
    for email in ("it@victim.example", "more@albers.example"):
        Membership.objects.invite(
            albers.organisation, email=email, name="X", roles=[Role.CUSTOMER_ADMIN], by=albers
        )
    assert len([one for one in mail.outbox if one.to == ["it@victim.example"]]) == 1


class TestItsLanguage:
    """The page of the link and the first one after it speak the language that was picked for the person."""

    @pytest.fixture
    def link(self, demo):
        """The way of a first admin whom its partner invited in English."""
        firm = CustomerFactory(name="Werft Ost", domain="werft.example")
        RelationshipFactory(partner=demo.partner("Nordlicht Distribution"), customer=firm)
        invited = {"email": "ole@werft.example", "name": "Ole Ost", "by": demo.user(GLOBAL)}

        def link(language):
            member = Membership.objects.invite_first_admin(firm, language=language, **invited)
            return member.user.invitation_path

        return link

    @pytest.mark.parametrize(
        ("picked", "accepts", "left", "spoken"),
        [
            ("de", "en", "", "de"),
            ("en", "de", "", "en"),
            ("de", "en", "en", "de"),
            ("en", "en", "de", "en"),
            # Where none was picked it is that of the browser, as for everyone.
            ("", "en", "", "en"),
            ("", "de", "", "de"),
        ],
    )
    def test_whatever_the_browser_speaks_or_its_last_user_left_there(
        self, link, picked, accepts, left, spoken
    ):
        browser = Client(headers={"accept-language": accepts})
        if left:
            browser.post("/accounts/language/", {"language": left, "next": "/accounts/login/"})
        path = link(picked)
        answer = browser.get(path)
        assert (Page(answer).language, answer["Content-Language"]) == (spoken, spoken)
        refused = Page(browser.post(path, {**SENT, "password2": "another-barrel"}))
        assert refused.language == spoken
        answer = browser.post(path, SENT)
        page = Page(browser.get(browser.get(answer.url).url))
        assert page.language == spoken
        welcome = {"de": "Willkommen.", "en": "Welcome."}[spoken]
        assert [text.split()[0] for _role, text in page.alerts] == [welcome]

    def test_the_mail_speaks_it_too(self, demo, link):
        link("en")
        assert mail.outbox[-1].subject == "Your account for Werft Ost in the partner portal"

    def test_a_link_that_expired_says_so_in_it(self, link):
        path = link("de")
        with time_machine.travel(timezone.now() + timedelta(days=8)):
            status, page = open_link(path)
            assert (status, page.language) == (410, "de")
            browser = english()
            page = Page(browser.get(browser.post(f"{path}renew/").url))
        assert page.language == "de"
        assert page.alerts[0][1].startswith("Ein neuer Link ist")

    def test_who_opens_the_link_can_switch_and_stays_with_it(self, demo, link):
        browser, path = english(), link("de")
        for language in ("en", "de", "en"):
            answer = browser.post("/accounts/language/", {"language": language, "next": path})
            assert Page(browser.get(answer.url)).language == language
        browser.post(path, SENT)
        assert demo.user("ole@werft.example").language == "en"

    def test_nobody_switches_for_one_who_has_joined(self, demo, link):
        path = link("de")
        english().post(path, SENT)
        browser = english()
        for address in (path, f"{path}x", "/x/", "//[", "https://elsewhere.example" + path):
            browser.post("/accounts/language/", {"language": "en", "next": address})
        assert demo.user("ole@werft.example").language == "de"
        # The dead link speaks that of the browser then.
        assert open_link(path)[1].language == "en"
