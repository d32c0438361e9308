"""``/settings/users/``: who is in the organisation, invited, given roles, deactivated and let in again."""

import re

import pytest
import time_machine
from django.core import mail
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from portal.authority import PORTAL
from portal.models import Membership, User
from portal.permissions import Permission, Role
from tests.factories import CustomerFactory, MembershipFactory
from tests.pages import Page, signed_in, words

USERS = "users@nordlicht.example"
GLOBAL = "global@nordlicht.example"
ALBERS = "admin@albers.example"
PATH = "/settings/users/"
NEW = {"email": "Neu@Nordlicht.example", "name": "Änne Neu", "roles": ["sales", "helpdesk"]}


def opened(email, path=PATH, **headers):
    answer = signed_in(email, **headers).get(path)
    assert answer.status_code == 200
    return Page(answer)


def followed(email, path, data=None):
    return Page(signed_in(email).post(path, data or {}, follow=True))


def of(demo, email, act=""):
    return f"{PATH}{demo.user(email).pk}/{act}"


@pytest.fixture
def invited(demo):
    return Membership.objects.invite(
        demo.partner("Nordlicht Distribution"),
        email="neu@nordlicht.example",
        name="Änne Neu",
        roles=[Role.SALES_AGENT],
        by=demo.user(GLOBAL),
    ).user


class TestTheList:
    def test_it_says_who_may_what_and_was_here_when(self, demo, invited):
        demo.user("sales@nordlicht.example").deactivate(by=PORTAL)
        User.objects.filter(email="agent@nordlicht.example").update(
            last_login="2026-03-01T09:05:00Z"
        )
        page = opened(GLOBAL)
        assert page.heading == "Users"
        assert page.all_text("caption") == ["6 users"]
        rows = {row.pop("Email"): list(row.values()) for row in page.table}
        nordlicht = "Nordlicht Distribution"
        assert rows == {
            "agent@nordlicht.example": [
                f"Admin agent, {nordlicht}",
                "Admin agent",
                "Active",
                "1 March 2026, 09:05 UTC",
            ],
            "neu@nordlicht.example": ["Änne Neu", "Sales agent", "Invited", "never"],
            GLOBAL: [
                f"Global admin, {nordlicht} (your account)",
                "Global admin",
                "Active",
                "never",
            ],
            "helpdesk@nordlicht.example": [
                f"Helpdesk agent, {nordlicht}",
                "Helpdesk agent",
                "Active",
                "never",
            ],
            "sales@nordlicht.example": [
                f"Sales agent, {nordlicht}",
                "Sales agent",
                "Deactivated",
                "never",
            ],
            USERS: [
                f"User management admin, {nordlicht}",
                "User management admin",
                "Active",
                "never",
            ],
        }

    def test_an_invitation_that_expired_is_shown_as_such(self, demo, invited):
        User.objects.filter(pk=invited.pk).update(invited_at="2026-03-01T09:05:00Z")
        [row] = opened(GLOBAL, f"{PATH}?q=neu").table
        assert row["Status"] == "Invitation expired"

    def test_T1_it_is_the_own_organisation(self, demo):
        assert [row["Email"] for row in opened(ALBERS).table] == [ALBERS]
        assert "nordlicht" not in opened("global@hafen.example").source

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("anne", ["neu@nordlicht.example"]),
            ("ÄNNE neu", ["neu@nordlicht.example"]),
            ("helpdesk@", ["helpdesk@nordlicht.example"]),
            ("nobody", []),
            ("%00", []),
            ("x" * 300, []),
        ],
    )
    def test_the_search_knows_names_and_emails(self, demo, invited, query, found):
        page = opened(GLOBAL, f"{PATH}?q={query}")
        assert [row["Email"] for row in page.table] == found

    def test_a_search_without_a_result_says_so(self, demo):
        assert "No user found for “nobody”." in opened(GLOBAL, f"{PATH}?q=nobody").text

    def test_it_comes_in_pages_and_sorted(self, demo):
        nordlicht = demo.partner("Nordlicht Distribution")
        for number in range(30):
            MembershipFactory(partner=nordlicht, user__name=f"Person {number:02}")
        page = opened(GLOBAL)
        assert len(page.table) == 25
        last = page.find("a[@rel='next']")[0].get("href")
        assert [row["Name"] for row in opened(GLOBAL, PATH + last).table][-1] == (
            "User management admin, Nordlicht Distribution"
        )
        turned = opened(GLOBAL, f"{PATH}?sort=-email")
        emails = [row["Email"] for row in turned.table]
        assert emails == sorted(emails, reverse=True)

    def test_it_costs_the_same_with_1_user_and_with_20(self, demo):
        customer = CustomerFactory()
        first = MembershipFactory(customer=customer).user
        browser = signed_in(first.email)

        def cost():
            with CaptureQueriesContext(connection) as queries:
                page = Page(browser.get(PATH))
            return len(queries), len(page.table)

        assert cost() == (5, 1)
        for _ in range(19):
            MembershipFactory(customer=customer)
        assert cost() == (5, 20)

    def test_names_of_any_length_and_direction_stand_for_themselves(self, demo):
        nordlicht = demo.partner("Nordlicht Distribution")
        for name in ("W" * 200, "שירות ותמיכה", ""):
            MembershipFactory(
                partner=nordlicht, user__name=name, user__email=f"x{len(name)}@x.example"
            )
        names = {row["Email"]: row["Name"] for row in opened(GLOBAL).table}
        assert names["x200@x.example"] == "W" * 200
        assert names["x12@x.example"] == "שירות ותמיכה"
        assert names["x0@x.example"] == "x0@x.example"

    @pytest.mark.parametrize(
        ("email", "tabs"),
        [
            (GLOBAL, ["Profile", "Company", "Users"]),
            (USERS, ["Profile", "Users"]),
            (ALBERS, ["Profile", "Users"]),
            ("sales@nordlicht.example", []),
        ],
    )
    def test_the_tabs_of_the_settings_are_those_that_the_roles_may_open(self, demo, email, tabs):
        page = opened(email, "/settings/profile/")
        assert page.all_text("nav[@aria-label='Settings']/a") == tabs


class TestInviting:
    def test_the_invited_stands_in_the_list_and_gets_a_mail(self, demo):
        page = followed(USERS, f"{PATH}invite/", NEW)
        assert page.heading == "Users"
        assert page.alerts == [("status", "An invitation was sent to neu@nordlicht.example.")]
        [row] = [row for row in page.table if row["Email"] == "neu@nordlicht.example"]
        assert (row["Roles"], row["Status"]) == ("Sales agent, Helpdesk agent", "Invited")
        assert [sent.to for sent in mail.outbox] == [["neu@nordlicht.example"]]

    def test_a_customer_admin_invites_a_further_one(self, demo):
        form = opened(ALBERS, f"{PATH}invite/")
        [box] = form.find("input[@type='checkbox']")
        assert (box.get("value"), "checked" in box.attrib) == ("customer", True)
        followed(ALBERS, f"{PATH}invite/", {**NEW, "roles": ["customer"]})
        user = demo.user("neu@nordlicht.example")
        assert user.organisation == demo.customer("Reederei Albers")
        assert user.has_perm(Permission.ANSWER_REQUESTS)

    def test_the_form_says_what_each_role_may_do(self, demo):
        [explained] = opened(USERS, f"{PATH}invite/").find("details")
        roles = dict(
            zip(
                map(words, explained.findall(".//dt")),
                map(words, explained.findall(".//dd")),
                strict=True,
            )
        )
        assert list(roles) == [role.label for role in Role if role != Role.CUSTOMER_ADMIN]
        assert "manage users and their roles" in roles["User management admin"]
        assert "assign the designated support contact" not in roles["Sales agent"]

    @pytest.mark.parametrize(
        ("wrong", "message"),
        [
            ({"email": ""}, "This field is required."),
            ({"email": "nobody"}, "Enter a valid email address."),
            ({"email": "a\x00@b.example"}, "Null characters are not allowed."),
            ({"email": GLOBAL.upper()}, "This user is in your organisation already."),
            ({"name": ""}, "This field is required."),
            (
                {"name": "x" * 201},
                "Ensure this value has at most 200 characters (it has 201).",
            ),
            ({"roles": []}, "Choose at least one role."),
            (
                {"roles": ["customer"]},
                "Choose among these roles.",
            ),
            (
                {"roles": ["sales", "\x00"]},
                "Choose among these roles.",
            ),
        ],
    )
    def test_what_cannot_be_is_refused_at_the_field(self, demo, nothing_written, wrong, message):
        browser = signed_in(USERS)
        with nothing_written():
            answer = browser.post(f"{PATH}invite/", {**NEW, **wrong})
        assert answer.status_code == 200
        [errors] = answer.context["form"].errors.values()
        assert errors[-1] == message
        assert mail.outbox == []

    def everything(self, email):
        """All that the inviting admin gets to see, then and later, but for the address itself."""
        browser = signed_in(USERS)
        seen = []

        def see(answer):
            text = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", answer.content.decode())
            seen.append((answer.status_code, text, list(answer.redirect_chain)))

        with transaction.atomic():
            last = browser.post(f"{PATH}invite/", {**NEW, "email": email.title()}, follow=True)
            see(last)
            person = User.objects.get(email=email, name=NEW["name"])
            path = f"{PATH}{person.pk}/"
            see(browser.get(path, follow=True))
            see(browser.post(f"{path}invite-again/", follow=True))
            see(browser.post(path, {"roles": ["agent"]}, follow=True))
            see(browser.post(f"{path}deactivate/", follow=True))
            see(browser.post(f"{path}reactivate/", follow=True))
            see(browser.get(PATH, {"q": email}, follow=True))
            see(browser.get("/activity/", follow=True))
            see(browser.post(f"{PATH}invite/", {**NEW, "email": email}, follow=True))
            transaction.set_rollback(True)
        told = [len(mail.outbox), {to for one in mail.outbox for to in one.to}]
        mail.outbox.clear()
        hidden = str([seen, told]).replace(str(person.pk), "KEY").replace(person.pk.hex, "KEY")
        whole = hidden.replace("<wbr>", "")  # where a line may end
        return re.sub(email.replace("@", "(@|%40)"), "ADDRESS", whole, flags=re.IGNORECASE)

    @pytest.mark.parametrize("email", ["global@hafen.example", ALBERS, "operator@portal.example"])
    def test_T1_nobody_learns_by_an_invitation_whether_there_is_an_account(self, demo, email):
        with time_machine.travel("2027-03-01T12:00:00Z", tick=False):
            unknown = self.everything("somebody@firm.example")
            assert "An invitation was sent to ADDRESS." in unknown
            assert self.everything(email) == unknown

    def test_the_roles_that_were_ticked_stay_so_after_an_error(self, demo):
        page = followed(USERS, f"{PATH}invite/", {**NEW, "email": "nobody"})
        ticked = [box.get("value") for box in page.find("input[@checked]")]
        assert ticked == ["sales", "helpdesk"]


class TestRoles:
    def test_they_are_changed_at_once(self, demo):
        path = of(demo, "helpdesk@nordlicht.example")
        page = followed(USERS, path, {"roles": ["sales", "agent"]})
        assert page.alerts == [("status", "The roles were saved. They are in force at once.")]
        assert demo.user("helpdesk@nordlicht.example").membership.roles == [
            Role.ADMIN_AGENT,
            Role.SALES_AGENT,
        ]

    def test_saving_what_is_there_changes_and_logs_nothing(self, demo, nothing_written):
        browser = signed_in(USERS)
        with nothing_written():
            answer = browser.post(
                of(demo, "helpdesk@nordlicht.example"), {"roles": ["helpdesk"]}, follow=True
            )
        assert Page(answer).alerts == [("status", "Nothing was changed.")]

    @pytest.mark.parametrize("roles", [[], ["customer"], ["owner"], ["\x00"]])
    def test_none_or_those_of_others_are_refused(self, demo, nothing_written, roles):
        browser = signed_in(USERS)
        with nothing_written():
            answer = browser.post(of(demo, "helpdesk@nordlicht.example"), {"roles": roles})
        assert answer.status_code == 200
        assert len(Page(answer).field_errors) == 1

    def test_the_role_of_the_last_global_admin_is_fixed_with_the_reason(self, demo):
        page = opened(USERS, of(demo, GLOBAL))
        [box] = page.find("input[@disabled]")
        assert box.get("value") == "global"
        sentence = (
            "Global admin, Nordlicht Distribution is the last Global admin of Nordlicht "
            "Distribution, and stays so."
        )
        [reason] = page.all_text(f"*[@id='{box.get('aria-describedby')}']")
        assert reason == f"Global admin: {sentence}"
        # Further roles can be given; the page sends the fixed one along.
        fixed = page.hidden("roles")
        page = followed(USERS, of(demo, GLOBAL), {"roles": [fixed, "sales"]})
        assert demo.user(GLOBAL).membership.roles == [Role.GLOBAL_ADMIN, Role.SALES_AGENT]

    def test_and_posting_by_hand_is_refused_with_a_sentence(self, demo, nothing_written):
        browser = signed_in(USERS)
        with nothing_written():
            answer = browser.post(of(demo, GLOBAL), {"roles": ["sales"]})
        [error] = Page(answer).field_errors
        assert "is the last Global admin of Nordlicht Distribution" in error

    def test_one_who_was_invited_and_never_came_does_not_count(self, demo, invited):
        invited.membership.set_roles([Role.GLOBAL_ADMIN], by=PORTAL)
        page = followed(USERS, of(demo, GLOBAL), {"roles": ["sales"]})
        [error] = page.field_errors
        assert "is the last Global admin of Nordlicht Distribution" in error
        token = invited.invitation_path.split("/")[-2]
        User.objects.find_invited(token).accept_invitation("barrel-of-apples")
        page = followed(USERS, of(demo, GLOBAL), {"roles": ["sales"]})
        assert page.alerts == [("status", "The roles were saved. They are in force at once.")]

    def test_the_own_right_to_manage_users_is_fixed(self, demo, nothing_written):
        page = opened(USERS, of(demo, USERS))
        [box] = page.find("input[@disabled]")
        assert box.get("value") == "users"
        browser = signed_in(USERS)
        with nothing_written():
            answer = browser.post(of(demo, USERS), {"roles": ["sales"]})
        assert Page(answer).field_errors == [
            "You can't take the managing of users from yourself. Ask another admin to do it."
        ]

    def test_a_customer_has_one_role_and_nothing_to_choose(self, demo):
        page = opened(ALBERS, of(demo, ALBERS))
        assert page.facts["Role"] == "Customer admin"
        assert page.find("input[@type='checkbox']") == []

    def test_becoming_a_global_admin_is_told_to_those_who_are(self, demo):
        followed(USERS, of(demo, USERS), {"roles": ["users", "global"]})
        assert [sent.to for sent in mail.outbox] == [[GLOBAL]]


class TestAccess:
    def test_deactivating_asks_first_and_signs_out(self, demo):
        sales = signed_in("sales@nordlicht.example")
        page = opened(USERS, of(demo, "sales@nordlicht.example"))
        [asking] = page.find("form[@data-question]")
        page = opened(USERS, asking.get("action"))
        assert page.heading == "Deactivate Sales agent, Nordlicht Distribution?"
        assert "(sales@nordlicht.example) is signed out everywhere at once" in page.text
        assert demo.user("sales@nordlicht.example").is_active
        page = followed(USERS, of(demo, "sales@nordlicht.example", "deactivate/"))
        assert page.alerts == [
            ("status", "Sales agent, Nordlicht Distribution was deactivated and signed out.")
        ]
        assert page.facts["Status"] == "Deactivated"
        assert sales.get("/customers/").status_code == 302
        page = followed(USERS, of(demo, "sales@nordlicht.example", "reactivate/"))
        assert page.facts["Status"] == "Active"

    @pytest.mark.parametrize(
        ("by", "who", "reason"),
        [
            (
                USERS,
                GLOBAL,
                "Global admin, Nordlicht Distribution is the last Global admin of Nordlicht "
                "Distribution, and stays so.",
            ),
            (
                USERS,
                USERS,
                "You can't deactivate your own account. Ask another admin to do it.",
            ),
            (
                ALBERS,
                ALBERS,
                "You can't deactivate your own account. Ask another admin to do it.",
            ),
        ],
    )
    def test_who_must_stay_has_an_inactive_button_with_the_reason(
        self, demo, nothing_written, by, who, reason
    ):
        page = opened(by, of(demo, who))
        [button] = page.find("button[@disabled]")
        assert words(button) == "Deactivate"
        assert page.all_text("p[@id='why-it-stays']") == [reason]
        browser = signed_in(by)
        with nothing_written():
            answer = browser.post(of(demo, who, "deactivate/"), follow=True)
        assert ("alert", reason) in Page(answer).alerts

    def test_an_invitation_is_sent_again(self, demo, invited):
        mail.outbox.clear()
        page = opened(USERS, of(demo, invited.email))
        assert "Send the invitation again" in page.text
        page = followed(USERS, of(demo, invited.email, "invite-again/"))
        assert page.alerts == [
            ("status", "A new invitation was sent to Änne Neu. The old link is dead.")
        ]
        assert [sent.to for sent in mail.outbox] == [["neu@nordlicht.example"]]

    def test_but_not_to_who_is_here(self, demo, nothing_written):
        path = of(demo, "sales@nordlicht.example", "invite-again/")
        assert (
            "Send the invitation again"
            not in opened(USERS, of(demo, "sales@nordlicht.example")).text
        )
        browser = signed_in(USERS)
        with nothing_written():
            answer = browser.post(path, follow=True)
        [(role, sentence)] = Page(answer).alerts
        assert role == "alert"
        assert sentence.endswith("needs no invitation: the account is in use.")
