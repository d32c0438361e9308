"""Django admin: users, their passwords, and who may sign in."""

from django.test import Client

from portal.models import Action, Membership, User
from portal.permissions import Role
from tests.admin import act, add, change, errors, refusals


class TestUsers:
    PASSWORD = "long-enough-for-anybody"

    def test_adding_one_and_making_it_a_member_is_logged(self, admin_client, operator, demo):
        answer = add(
            admin_client,
            User,
            email="New@Hafen.example",
            name="Nele Neu",
            language="",
            usable_password="true",
            password1=self.PASSWORD,
            password2=self.PASSWORD,
        )
        assert answer.status_code == 302
        user = demo.user("new@hafen.example")
        assert user.check_password(self.PASSWORD)
        assert (user.is_staff, user.organisation) == (False, None)
        entry = demo.log()[-1]
        assert (entry.action, entry.person, entry.subject) == (
            Action.USER_ADDED,
            operator,
            "Nele Neu",
        )
        assert entry.after == {"email": "new@hafen.example", "name": "Nele Neu"}

        answer = add(
            admin_client,
            Membership,
            user=user.pk,
            partner=demo.partner("Hafen IT").pk,
            role_choice=["sales", "helpdesk"],
        )
        assert answer.status_code == 302
        membership = demo.user("new@hafen.example").membership
        assert membership.organisation.name == "Hafen IT"
        assert membership.roles == [Role.SALES_AGENT, Role.HELPDESK_AGENT]
        entry = demo.log()[-1]
        assert (entry.action, entry.person, entry.subject) == (
            Action.USER_ADDED,
            operator,
            "Nele Neu",
        )
        assert entry.after == {"roles": ["helpdesk", "sales"]}
        assert [partner.name for partner in entry.partners.all()] == ["Hafen IT"]

    def test_no_password_ever_stands_in_the_log(self, admin_client, demo):
        add(
            admin_client,
            User,
            email="new@hafen.example",
            usable_password="true",
            password1=self.PASSWORD,
            password2=self.PASSWORD,
        )
        user = demo.user("new@hafen.example")
        change(admin_client, user, name="Nele Neu")
        for entry in demo.log():
            assert self.PASSWORD not in f"{entry.before}{entry.after}"
            assert user.password not in f"{entry.before}{entry.after}"

    def test_a_user_whose_email_exists_is_refused(self, admin_client, demo, nothing_written):
        with nothing_written():
            answer = add(
                admin_client,
                User,
                email="ADMIN@albers.example",
                usable_password="true",
                password1=self.PASSWORD,
                password2=self.PASSWORD,
            )
        assert errors(answer) == {"email": ["A user with this email exists."]}

    def test_a_weak_password_is_refused(self, admin_client, nothing_written):
        with nothing_written():
            answer = add(
                admin_client,
                User,
                email="new@hafen.example",
                usable_password="true",
                password1="123",
                password2="123",
            )
        assert "password2" in errors(answer)

    def test_changing_one_is_logged(self, admin_client, operator, demo):
        answer = change(
            admin_client, demo.user("helpdesk@nordlicht.example"), email="Help@Nordlicht.example"
        )
        assert answer.status_code == 302
        assert demo.user("help@nordlicht.example").organisation.name == "Nordlicht Distribution"
        entry = demo.log()[-1]
        assert (entry.action, entry.person) == (Action.USER_CHANGED, operator)
        assert entry.before == {"email": "helpdesk@nordlicht.example"}
        assert entry.after == {"email": "help@nordlicht.example"}
        assert [partner.name for partner in entry.partners.all()] == ["Nordlicht Distribution"]

    def test_T3_a_member_does_not_become_an_operator(self, admin_client, demo, nothing_written):
        with nothing_written():
            answer = change(admin_client, demo.user("helpdesk@nordlicht.example"), is_staff="on")
        assert errors(answer) == {
            "is_staff": ["A user of a partner or customer can't be an operator."]
        }

    def test_setting_a_password_signs_the_user_out_and_is_logged(
        self, admin_client, operator, demo
    ):
        browser = Client()
        browser.force_login(demo.user("helpdesk@nordlicht.example"))
        user = demo.user("helpdesk@nordlicht.example")
        answer = admin_client.post(
            f"/admin/portal/user/{user.pk}/password/",
            {"usable_password": "true", "password1": self.PASSWORD, "password2": self.PASSWORD},
        )
        assert answer.status_code == 302
        assert demo.user("helpdesk@nordlicht.example").check_password(self.PASSWORD)
        assert browser.get("/settings/profile/").status_code == 302
        entry = demo.log()[-1]
        assert (entry.action, entry.person, entry.subject_id) == (
            Action.PASSWORD_CHANGED,
            operator,
            user.pk,
        )

    def test_deactivating_and_reactivating_from_the_list(self, admin_client, operator, demo):
        answer = act(admin_client, User, "deactivate", demo.user("helpdesk@nordlicht.example"))
        assert refusals(answer) == ["Helpdesk agent, Nordlicht Distribution was deactivated."]
        assert not demo.user("helpdesk@nordlicht.example").is_active
        act(admin_client, User, "reactivate", demo.user("helpdesk@nordlicht.example"))
        assert demo.user("helpdesk@nordlicht.example").is_active
        assert [entry.person for entry in demo.log()[-2:]] == [operator, operator]

    def test_the_last_global_admin_is_not_deactivated_but_the_others_are(self, admin_client, demo):
        answer = act(
            admin_client,
            User,
            "deactivate",
            demo.user("global@nordlicht.example"),
            demo.user("sales@nordlicht.example"),
        )
        assert sorted(refusals(answer)) == [
            "Global admin, Nordlicht Distribution is the last Global admin of "
            "Nordlicht Distribution, and stays so.",
            "Sales agent, Nordlicht Distribution was deactivated.",
        ]
        assert demo.user("global@nordlicht.example").is_active
        assert not demo.user("sales@nordlicht.example").is_active
