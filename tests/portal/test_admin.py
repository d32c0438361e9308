"""Django admin: the operator keeps partners, users and offers in order, and the rules hold there too."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.messages import get_messages
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse

from customers.models import Customer, SharedDomain
from portal import mail
from portal.authority import PORTAL
from portal.django_texts import TEXTS
from portal.models import (
    Action,
    ActivityEntry,
    Mail,
    MailStatus,
    Membership,
    Partner,
    Task,
    User,
    Worker,
)
from portal.permissions import Role
from relationships.models import Partnership, RegionCountry, Relationship, SalesRegion
from subscriptions.models import BulkAssignment, Offer, Subscription
from tests.conftest import APPS
from tests.factories import (
    OfferFactory,
    PartnerFactory,
    RelationshipRequestFactory,
    UserFactory,
)
from tests.pages import OPERATOR, signed_in

MODELS = [model for label in APPS for model in apps.get_app_config(label).get_models()]
READ_ONLY = {
    "ActivityEntry",
    "ActivityReader",
    "Actor",
    "BulkAssignment",
    "BulkAssignmentRow",
    "Mail",
    "MembershipRole",
    "Notice",
    "ProvedAddress",
    "RelationshipRequest",
    "SupportContactAssignment",
    "Task",
    "Worker",
}
SETTINGS = [
    SalesRegion,
    RegionCountry,
]  # the operator's own: nothing of the business is lost with them
BUSINESS = [model for model in MODELS if model not in SETTINGS]


def page(model, name, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


def named(model):
    return model.__name__


def add(client, model, **data):
    return client.post(page(model, "add"), data)


def change(client, row, **data):
    """Open the page of a row, and send what its form holds with some of it changed."""
    path = page(type(row), "change", row.pk)
    form = client.get(path).context["adminform"].form
    sent = {}
    for name, field in form.fields.items():
        held = form.get_initial_for_field(field, name)
        sent[name] = data.pop(name, held)
        if field.show_hidden_initial:
            sent[form.add_initial_prefix(name)] = held
    sent |= data
    return client.post(
        path, {name: value for name, value in sent.items() if value not in (None, False)}
    )


def errors(answer):
    """What the operator reads on the form that was not accepted, by field."""
    assert answer.status_code == 200
    return dict(answer.context["adminform"].form.errors)


def refusals(answer):
    """What the operator reads above the page where the act itself was refused."""
    assert answer.status_code == 302
    return [str(message) for message in get_messages(answer.wsgi_request)]


def act(client, model, action, *rows):
    """Choose rows and an act, and answer the question where it asks one."""
    return client.post(
        page(model, "changelist"),
        {"action": action, "_selected_action": [str(row.pk) for row in rows], "post": "yes"},
    )


@pytest.fixture
def operator(demo):
    return demo.user("operator@portal.example")


class TestPages:
    @pytest.fixture(autouse=True)
    def _open_request(self, demo):
        """The kinds of rows that the demo data has none of."""
        albers = demo.customer("Reederei Albers")
        BulkAssignment.objects.start(
            albers.subscriptions.all(), by=demo.user("helpdesk@nordlicht.example")
        )
        RelationshipRequestFactory(
            partner=demo.partner("Kranich Consulting"),
            created_by=demo.user("global@kranich.example"),
            customer=demo.customer("Reederei Albers"),
            recipient_name="Reederei Albers",
        )
        Mail.objects.create(recipient="anna@firm.example", due_at=Now())
        Worker.objects.tell("portal-1")
        Task.objects.know(["sessions"])
        SharedDomain.objects.create(domain="provider.example")
        demo.subscription("Reederei Albers", "Office 365 Business Standard").designate(
            demo.partner("Hafen IT"), by=demo.user("helpdesk@nordlicht.example")
        )

    def test_every_model_is_registered(self):
        assert [model for model in MODELS if model not in admin.site._registry] == []

    def test_nothing_is_offered_that_the_portal_does_not_use(self):
        """Roles take the place of Django's groups: an operator who fills them changes nothing."""
        assert {model for model in admin.site._registry if model not in MODELS} == set()

    def test_the_index_names_every_model(self, admin_client):
        content = admin_client.get("/admin/").content.decode()
        for model in MODELS:
            assert page(model, "changelist") in content

    @pytest.mark.parametrize("model", MODELS, ids=named)
    def test_the_list_opens_and_can_be_searched_and_filtered(self, admin_client, model):
        path = page(model, "changelist")
        answer = admin_client.get(path)
        assert answer.status_code == 200
        assert answer.context["cl"].result_count > 0
        if admin.site._registry[model].search_fields:
            assert admin_client.get(path, {"q": "é 100%"}).status_code == 200

    @pytest.mark.parametrize("model", MODELS, ids=named)
    def test_the_list_costs_the_same_with_more_rows(
        self, admin_client, model, django_assert_max_num_queries
    ):
        with django_assert_max_num_queries(12):
            admin_client.get(page(model, "changelist"))

    @pytest.mark.parametrize("model", MODELS, ids=named)
    def test_every_row_opens(self, admin_client, model):
        for row in model._base_manager.all()[:5]:
            answer = admin_client.get(page(model, "change", row.pk))
            assert answer.status_code == 200
            assert admin_client.get(page(model, "history", row.pk)).status_code == 200

    @pytest.mark.parametrize("model", MODELS, ids=named)
    def test_a_row_can_be_added_unless_only_the_portal_writes_it(self, admin_client, model):
        expected = 403 if model.__name__ in READ_ONLY else 200
        assert admin_client.get(page(model, "add")).status_code == expected

    @pytest.mark.parametrize("model", BUSINESS, ids=named)
    def test_nothing_can_be_deleted(self, admin_client, model, nothing_written):
        row = model._base_manager.first()
        with nothing_written():
            answer = admin_client.post(page(model, "delete", row.pk), {"post": "yes"})
            assert answer.status_code == 403
            act(admin_client, model, "delete_selected", row)
        assert "delete_selected" not in admin_client.get(page(model, "changelist")).content.decode()

    @pytest.mark.parametrize("name", sorted(READ_ONLY))
    def test_what_the_portal_writes_cannot_be_changed(self, admin_client, name, nothing_written):
        [model] = [model for model in MODELS if model.__name__ == name]
        row = model._base_manager.first()
        with nothing_written():
            assert admin_client.post(page(model, "change", row.pk), {}).status_code == 403

    @pytest.mark.parametrize(
        "email",
        [None, "global@nordlicht.example", "global@hafen.example", "admin@albers.example"],
    )
    def test_nobody_else_gets_in(self, demo, email):
        browser = Client()
        if email:
            browser.force_login(demo.user(email))
        for model in MODELS:
            for path in (
                "/admin/",
                page(model, "changelist"),
                page(model, "add"),
                page(model, "change", model._base_manager.first().pk),
            ):
                answer = browser.get(path)
                assert answer.status_code == 302, path
                assert answer.url in (f"/admin/login/?next={path}", f"/accounts/login/?next={path}")

    def test_an_operator_who_was_deactivated_does_not_either(self, admin_client, operator):
        operator.deactivate(by=PORTAL)
        assert admin_client.get("/admin/").status_code == 302

    @pytest.mark.parametrize(
        ("model", "text", "found"),
        [
            (Partner, "Möwe", ["Möwe Systems"]),
            (Partner, "SÜDWIND", ["Südwind Cloud"]),
            (Partner, "5200100", ["Hafen IT"]),
            (Customer, "Yılmaz", ["Praxis Dr. Yılmaz"]),
            (Customer, "albers.example", ["Reederei Albers"]),
            (Membership, "Möwe", ["Global admin, Möwe Systems (Möwe Systems)"]),
            (Relationship, "Möwe Albers", ["Möwe Systems – Reederei Albers"]),
            (Partnership, "Möwe", ["Südwind Cloud – Möwe Systems"]),
            (Subscription, "Office Yılmaz", []),
            (Subscription, "365 Yılmaz", ["Microsoft 365 Business Premium"]),
        ],
    )
    def test_the_search_finds_names_as_people_write_them(self, admin_client, model, text, found):
        answer = admin_client.get(page(model, "changelist"), {"q": text})
        assert [str(row) for row in answer.context["cl"].result_list] == found

    def test_so_does_the_choice_of_a_partner_in_a_form(self, admin_client, demo):
        answer = admin_client.get(
            "/admin/autocomplete/",
            {
                "app_label": "relationships",
                "model_name": "relationship",
                "field_name": "partner",
                "term": "Möwe",
            },
        )
        assert [one["text"] for one in answer.json()["results"]] == [
            f"Möwe Systems (MPN ID {demo.partner('Möwe Systems').mpn_id})"
        ]


class TestPartners:
    DETAILS = {
        "name": "Neuland IT",
        "type": "reseller",
        "mpn_id": "5200999",
        "country": "DE",
        "support_email": "support@neuland.example",
        "support_phone": "+49 40 5550999",
        "support_languages": ["de", "en"],
    }

    def test_adding_one_is_logged(self, admin_client, operator, demo):
        assert add(admin_client, Partner, **self.DETAILS).status_code == 302
        partner = demo.partner("Neuland IT")
        assert (partner.get_type_display(), partner.support_languages) == (
            "Indirect reseller",
            ["de", "en"],
        )
        entry = demo.log()[-1]
        assert (entry.action, entry.person, entry.subject) == (
            Action.PARTNER_ADDED,
            operator,
            "Neuland IT",
        )
        assert entry.after["support_phone"] == "+49405550999"

    @pytest.mark.parametrize(
        ("field", "value", "message"),
        [
            ("mpn_id", "12", "An MPN ID has 4 to 10 digits."),
            ("mpn_id", "5200100", "Another partner has this MPN ID."),
            (
                "support_phone",
                "+49 40 5550999/98",
                "These are several numbers. Enter one number a field.",
            ),
            ("support_phone", "", "This field is required."),
            ("support_email", "", "This field is required."),
            ("support_email", "support", "Enter a valid email address."),
            (
                "type",
                "vendor",
                "Select a valid choice. vendor is not one of the available choices.",
            ),
            ("country", "ZZ", "Select a valid choice. ZZ is not one of the available choices."),
            (
                "support_languages",
                ["xx"],
                "Select a valid choice. xx is not one of the available choices.",
            ),
            (
                "support_website",
                "ftp://firm.example",
                "Enter a web address that begins with http:// or https://.",
            ),
            (
                "support_website",
                "https://user:pw@firm.example/",
                "Leave out the user name and password: everybody could read them.",
            ),
            ("name", "", "This field is required."),
            ("name", "\x00", "Null characters are not allowed."),
            (
                "name",
                "x" * 201,
                "Ensure this value has at most 200 characters (it has 201).",
            ),
        ],
    )
    def test_a_bad_detail_is_an_error_at_its_field(
        self, admin_client, field, value, message, nothing_written
    ):
        with nothing_written():
            answer = add(admin_client, Partner, **{**self.DETAILS, field: value})
        assert errors(answer) == {field: [message]}

    def test_changing_one_is_logged_with_before_and_after(self, admin_client, operator, demo):
        hafen = demo.partner("Hafen IT")
        answer = change(admin_client, hafen, support_phone="+49 40 5550444", country="AT")
        assert answer.status_code == 302
        entry = demo.log()[-1]
        assert (entry.action, entry.person, entry.subject) == (
            Action.PARTNER_CHANGED,
            operator,
            "Hafen IT",
        )
        assert entry.before == {"support_phone": "+49405550400", "country": "DE"}
        assert entry.after == {"support_phone": "+49405550444", "country": "AT"}

    def test_saving_without_a_change_logs_nothing(self, admin_client, demo, nothing_written):
        with nothing_written():
            assert change(admin_client, demo.partner("Hafen IT")).status_code == 302

    def test_the_type_stays(self, admin_client, demo):
        assert change(admin_client, demo.partner("Hafen IT"), type="provider").status_code == 302
        assert demo.partner("Hafen IT").is_reseller

    def test_deactivating_and_reactivating_from_the_list(self, admin_client, operator, demo):
        office = demo.subscription("Reederei Albers", "Office 365 Business Standard")
        office.designate(demo.partner("Hafen IT"), by=demo.user("helpdesk@nordlicht.example"))
        answer = act(admin_client, Partner, "deactivate", demo.partner("Hafen IT"))
        assert refusals(answer) == ["Hafen IT was deactivated."]
        assert not demo.partner("Hafen IT").is_active
        office.refresh_from_db()
        assert office.support_contact.name == "Nordlicht Distribution"
        assert demo.log()[-1].person == operator
        act(admin_client, Partner, "reactivate", demo.partner("Hafen IT"))
        assert demo.partner("Hafen IT").is_active


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


class TestPartnerships:
    def test_adding_one_is_logged(self, admin_client, operator, demo):
        answer = add(
            admin_client,
            Partnership,
            provider=demo.partner("Südwind Cloud").pk,
            reseller=demo.partner("Hafen IT").pk,
        )
        assert answer.status_code == 302
        demo.partnership("Südwind Cloud", "Hafen IT")
        entry = demo.log()[-1]
        assert (entry.action, entry.person) == (Action.PARTNERSHIP_STARTED, operator)

    @pytest.mark.parametrize(
        ("provider", "reseller", "expected"),
        [
            (
                "Nordlicht Distribution",
                "Hafen IT",
                {"__all__": ["These two partners work together already."]},
            ),
            (
                "Brandt Direkt",
                "Hafen IT",
                {"provider": ["Brandt Direkt is not an indirect provider."]},
            ),
            (
                "Nordlicht Distribution",
                "Südwind Cloud",
                {"reseller": ["Südwind Cloud is not an indirect reseller."]},
            ),
        ],
    )
    def test_a_wrong_one_is_refused(
        self, admin_client, demo, provider, reseller, expected, nothing_written
    ):
        with nothing_written():
            answer = add(
                admin_client,
                Partnership,
                provider=demo.partner(provider).pk,
                reseller=demo.partner(reseller).pk,
            )
        assert errors(answer) == expected

    def test_one_end_left_out_is_an_error_at_its_field(self, admin_client, demo, nothing_written):
        with nothing_written():
            answer = add(admin_client, Partnership, provider=demo.partner("Hafen IT").pk)
        assert errors(answer)["reseller"] == ["This field is required."]

    def test_ending_one_from_the_list(self, admin_client, operator, demo):
        partnership = demo.partnership("Nordlicht Distribution", "Hafen IT")
        answer = act(admin_client, Partnership, "end", partnership)
        assert refusals(answer) == ["Nordlicht Distribution – Hafen IT was ended."]
        partnership.refresh_from_db()
        assert partnership.ended_at is not None
        assert demo.log()[-1].person == operator


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


def countries_form(region, **rows):
    """What the page of a region sends: its name, and its countries in the rows of a table."""
    sent = {"name": region.name}
    kept = list(region.countries.order_by("country"))
    for number, row in enumerate(kept):
        sent |= {
            f"countries-{number}-id": row.pk,
            f"countries-{number}-region": region.pk,
            f"countries-{number}-country": str(row.country),
        }
        if str(row.country) in rows.get("without", ()):
            sent[f"countries-{number}-DELETE"] = "on"
    added = rows.get("and_also", [])
    for number, country in enumerate(added, len(kept)):
        sent |= {f"countries-{number}-country": country, f"countries-{number}-region": region.pk}
    return sent | {
        "countries-TOTAL_FORMS": len(kept) + len(added),
        "countries-INITIAL_FORMS": len(kept),
    }


class TestSalesRegions:
    """R11: the table of countries to regions is the operator's."""

    @pytest.fixture
    def region(self, demo):
        return SalesRegion.objects.get()

    def test_R11_the_operator_takes_a_country_out(self, admin_client, demo, region):
        sent = countries_form(region, without=["AT"])
        answer = admin_client.post(page(SalesRegion, "change", region.pk), sent)
        assert answer.status_code == 302
        assert not SalesRegion.objects.have_in_common("AT", "DE")
        assert SalesRegion.objects.have_in_common("CH", "DE")

    def test_R11_and_adds_one(self, admin_client, demo, region):
        sent = countries_form(region, and_also=["CA", "US"])
        answer = admin_client.post(page(SalesRegion, "change", region.pk), sent)
        assert answer.status_code == 302
        assert SalesRegion.objects.have_in_common("US", "DE")
        Relationship.objects.start(
            demo.partner("Pacific Resale"),
            demo.customer("Reederei Albers"),
            has_dap=True,
            by=PORTAL,
        )

    def test_R11_and_makes_a_region_of_its_own(self, admin_client, demo):
        answer = admin_client.post(
            page(SalesRegion, "add"),
            {
                "name": "North America",
                "countries-TOTAL_FORMS": "2",
                "countries-INITIAL_FORMS": "0",
                "countries-0-country": "US",
                "countries-1-country": "CA",
            },
        )
        assert answer.status_code == 302
        assert SalesRegion.objects.have_in_common("US", "CA")
        assert not SalesRegion.objects.have_in_common("US", "DE")

    def test_R11_a_country_stands_in_one_region(self, admin_client, demo, nothing_written):
        other = SalesRegion.objects.create(name="DACH")
        with nothing_written():
            answer = add(admin_client, RegionCountry, region=other.pk, country="DE")
        assert errors(answer) == {"country": ["This country is in a sales region already."]}


class TestMailQueue:
    @pytest.fixture
    def waiting(self, queue):
        mail.deliver("anna@firm.example", "A subject", "https://portal.example/x", language="en")
        return queue.get()

    def test_the_operator_sees_what_waits_and_why_but_not_its_words(self, admin_client, waiting):
        """Links in it open doors: password resets, invitations."""
        Mail.objects.update(tries=1, answer="451 Try later", trouble="recipient")
        for path in (page(Mail, "changelist"), page(Mail, "change", waiting.pk)):
            content = admin_client.get(path).content.decode()
            assert "anna@firm.example" in content
            assert "A subject" in content
            assert "451 Try later" in content
            assert "portal.example/x" not in content

    def test_what_was_refused_for_good_is_found(self, admin_client, waiting):
        Mail.objects.create(
            recipient="nobody@firm.example", status=MailStatus.REFUSED, answer="550 No such user"
        )
        content = admin_client.get(page(Mail, "changelist"), {"status__exact": "refused"}).content
        assert "550 No such user" in content.decode()
        assert "anna@firm.example" not in content.decode()

    def test_nobody_else_does(self, demo, waiting):
        for email in ("global@nordlicht.example", "admin@albers.example"):
            browser = Client()
            browser.force_login(demo.user(email))
            answer = browser.get(page(Mail, "change", waiting.pk))
            assert answer.status_code == 302
            assert "/login/" in answer.url


PLANNER = {
    "name": "Planner",
    "publisher": "Microsoft",
    "billing": "license",
    "minimum_quantity": "1",
    "is_active": "on",
}


class TestCustomersAndOffers:
    def test_adding_a_customer_is_logged(self, admin_client, operator, demo):
        answer = add(admin_client, Customer, name="Werft Ost", domain="Werft.Example", country="DE")
        assert answer.status_code == 302
        assert demo.customer("Werft Ost").domain == "werft.example"
        entry = demo.log()[-1]
        assert (entry.action, entry.person, entry.customer.name) == (
            Action.CUSTOMER_ADDED,
            operator,
            "Werft Ost",
        )
        assert entry.after == {"name": "Werft Ost", "domain": "werft.example", "country": "DE"}

    @pytest.mark.parametrize(
        ("domain", "message"),
        [
            ("werft", "Enter a domain, such as firm.example."),
            ("", "This field is required."),
        ],
    )
    def test_a_bad_domain_is_an_error_at_its_field(
        self, admin_client, domain, message, nothing_written
    ):
        with nothing_written():
            answer = add(admin_client, Customer, name="Werft Ost", domain=domain, country="DE")
        assert errors(answer) == {"domain": [message]}

    def test_changing_a_customer_is_read_by_it_and_its_partners(self, admin_client, operator, demo):
        answer = change(admin_client, demo.customer("Reederei Albers"), city="Bremen")
        assert answer.status_code == 302
        for email in ("admin@albers.example", "global@elbe.example"):
            entry = ActivityEntry.objects.visible_to(demo.user(email).membership).first()
            assert (entry.action, entry.person) == (Action.CUSTOMER_CHANGED, operator)
            assert (entry.before, entry.after) == ({"city": "Hamburg"}, {"city": "Bremen"})

    def test_an_offer_is_added_once(self, admin_client, nothing_written):
        assert add(admin_client, Offer, **PLANNER).status_code == 302
        with nothing_written():
            answer = add(admin_client, Offer, **PLANNER)
        assert errors(answer) == {"__all__": ["This publisher has an offer of this name."]}

    def test_an_add_on_names_its_bases_and_nothing_else_does(self, admin_client, demo):
        e3 = demo.offer("Microsoft 365 E3")
        answer = add(admin_client, Offer, **PLANNER, is_add_on="on", base_offers=[str(e3.pk)])
        assert answer.status_code == 302
        planner = demo.offer("Planner")
        assert list(planner.base_offers.all()) == [e3]
        answer = change(admin_client, planner, base_offers=[str(planner.pk)])
        assert errors(answer) == {"base_offers": ["An offer can't be its own base."]}

    @pytest.mark.parametrize(
        ("is_add_on", "bases", "message"),
        [
            ("on", [], "Choose the offers that this add-on goes with."),
            ("", ["Microsoft 365 E3"], "Only an add-on has base offers."),
        ],
    )
    def test_an_add_on_without_a_base_is_refused(
        self, admin_client, demo, nothing_written, is_add_on, bases, message
    ):
        chosen = [str(demo.offer(name).pk) for name in bases]
        with nothing_written():
            answer = add(admin_client, Offer, **PLANNER, is_add_on=is_add_on, base_offers=chosen)
        assert errors(answer) == {"base_offers": [message]}

    @pytest.mark.parametrize(
        ("fields", "expected"),
        [
            (
                {"minimum_quantity": "5", "maximum_quantity": "4"},
                {"__all__": ["The maximum quantity is below the minimum."]},
            ),
            ({"term_months": "0"}, {"__all__": ["A term has at least one month."]}),
        ],
    )
    def test_conditions_that_nobody_can_meet_are_refused(
        self, admin_client, nothing_written, fields, expected
    ):
        with nothing_written():
            answer = add(admin_client, Offer, **PLANNER | fields)
        assert errors(answer) == expected


class TestSubscriptions:
    @pytest.fixture
    def planner(self, demo):
        """What the operator fills in to enter a subscription that Nordlicht sold."""
        return {
            "customer": demo.customer("Reederei Albers").pk,
            "offer": OfferFactory(name="Planner").pk,
            "friendly_name": "",
            "quantity": "5",
            "started_on": "2026-11-01",
            "auto_renew": "on",
            "seller": demo.partner("Nordlicht Distribution").pk,
        }

    def test_C1_an_added_one_starts_with_its_seller_and_is_logged(
        self, admin_client, operator, demo, planner
    ):
        assert add(admin_client, Subscription, **planner).status_code == 302
        subscription = demo.subscription("Reederei Albers", "Planner")
        assert subscription.support_contact.name == "Nordlicht Distribution"
        [start] = subscription.support_contact_history.all()
        assert start.reason == Action.SUBSCRIPTION_ADDED
        entry = demo.log()[-1]
        assert (entry.action, entry.person, entry.subject) == (
            Action.SUBSCRIPTION_ADDED,
            operator,
            "Planner",
        )
        assert entry.customer.name == "Reederei Albers"
        assert [partner.name for partner in entry.partners.all()] == ["Nordlicht Distribution"]

    def test_R9_nothing_is_sold_without_an_active_relationship(
        self, admin_client, demo, planner, nothing_written
    ):
        data = {**planner, "customer": demo.customer("Weingut Huber").pk}
        with nothing_written():
            answer = add(admin_client, Subscription, **data)
        assert errors(answer) == {
            "seller": ["Nordlicht Distribution has no relationship with Weingut Huber."]
        }

    def test_C4_one_bought_elsewhere_starts_with_nobody(self, admin_client, demo, planner):
        assert add(admin_client, Subscription, **{**planner, "seller": ""}).status_code == 302
        subscription = demo.subscription("Reederei Albers", "Planner")
        assert subscription.support_contact is None
        assert subscription.contact_in_force.partner is None

    def test_C2_the_contact_is_not_set_by_the_form(self, admin_client, demo, planner):
        hafen = demo.partner("Hafen IT").pk
        add(admin_client, Subscription, **planner, support_contact=hafen)
        office = demo.subscription("Reederei Albers", "Office 365 Business Standard")
        change(admin_client, office, support_contact=hafen, friendly_name="Office")
        for name in ("Planner", "Office"):
            subscription = demo.subscription("Reederei Albers", name)
            assert subscription.support_contact.name == "Nordlicht Distribution"

    @pytest.mark.parametrize(
        ("field", "partner", "expected"),
        [
            (
                "reseller_of_record",
                "Möwe Systems",
                {
                    "reseller_of_record": [
                        "Möwe Systems has no partnership with Nordlicht Distribution."
                    ]
                },
            ),
            (
                "seller",
                "Hafen IT",
                {"seller": ["An indirect reseller sells through its provider."]},
            ),
        ],
    )
    def test_S4_who_may_not_sell_or_be_on_record_is_refused(
        self, admin_client, demo, planner, field, partner, expected, nothing_written
    ):
        with nothing_written():
            answer = add(admin_client, Subscription, **{**planner, field: demo.partner(partner).pk})
        assert errors(answer) == expected

    def test_S4_a_reseller_of_record_needs_a_seller(
        self, admin_client, demo, planner, nothing_written
    ):
        data = {**planner, "seller": "", "reseller_of_record": demo.partner("Hafen IT").pk}
        with nothing_written():
            answer = add(admin_client, Subscription, **data)
        assert errors(answer) == {"__all__": ["Without a seller there is no reseller of record."]}

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("quantity", ""),
            ("quantity", "-1"),
            ("quantity", "1" + "0" * 30),
            ("quantity", "many"),
            ("customer", ""),
            ("customer", "00000000-0000-0000-0000-000000000000"),
            ("customer", "albers"),
            ("offer", ""),
            ("started_on", "yesterday"),
            ("friendly_name", "\x00"),
        ],
    )
    def test_a_bad_value_is_an_error_at_its_field(
        self, admin_client, planner, field, value, nothing_written
    ):
        with nothing_written():
            answer = add(admin_client, Subscription, **{**planner, field: value})
        assert set(errors(answer)) == {field}

    def test_the_log_names_what_was_changed_as_people_read_it(self, admin_client, demo):
        """Names, not keys; and nothing where nothing was."""
        basic = demo.subscription("Backhaus Petersen", "Microsoft 365 Business Basic")
        Relationship.objects.start(
            demo.partner("Hafen IT"), basic.customer, has_dap=True, by=PORTAL
        )
        answer = change(
            admin_client,
            basic,
            reseller_of_record=demo.partner("Hafen IT").pk,
            quantity="9",
            auto_renew=False,
            renews_on="",
        )
        assert answer.status_code == 302
        entry = demo.log()[-1]
        assert entry.action == Action.SUBSCRIPTION_CHANGED
        renews_on = str(basic.renews_on)
        assert entry.before == {
            "reseller_of_record": "Elbe Support",
            "quantity": "8",
            "auto_renew": "True",
            "renews_on": renews_on,
        }
        assert entry.after == {
            "reseller_of_record": "Hafen IT",
            "quantity": "9",
            "auto_renew": "False",
            "renews_on": "",
        }
        change(admin_client, basic, renews_on=renews_on, quantity="4")
        entry = demo.log()[-1]
        assert entry.before == {"renews_on": "", "quantity": "9"}
        assert entry.after == {"renews_on": renews_on, "quantity": "4"}

    def test_customer_offer_and_seller_stay(self, admin_client, demo):
        office = demo.subscription("Reederei Albers", "Office 365 Business Standard")
        change(
            admin_client,
            office,
            seller=demo.partner("Südwind Cloud").pk,
            customer=demo.customer("Weingut Huber").pk,
        )
        assert demo.subscription("Reederei Albers", "Office 365 Business Standard").seller == (
            demo.partner("Nordlicht Distribution")
        )


@pytest.mark.parametrize("model", [Partner, Customer, User, Subscription], ids=named)
def test_a_form_with_nothing_in_it_is_a_page_of_errors(admin_client, model, nothing_written):
    with nothing_written():
        assert errors(add(admin_client, model)) != {}


def test_an_act_on_a_row_that_is_not_there_does_nothing(admin_client, nothing_written):
    with nothing_written():
        for key in ("albers", "00000000-0000-0000-0000-000000000000"):
            answer = admin_client.post(
                page(Relationship, "changelist"), {"action": "end", "_selected_action": [key]}
            )
            assert answer.status_code in (200, 302, 400)


@pytest.mark.parametrize("key", ["1", "albers", "00000000-0000-0000-0000-000000000000"])
def test_a_row_that_is_not_there_leads_back_to_the_index(admin_client, key):
    answer = admin_client.get(page(Partner, "change", key))
    assert (answer.status_code, answer.url) == (302, "/admin/")


def test_an_operator_reads_the_pages_of_users_in_german(demo):
    """What Django has no German of, or puts together in English: see ``portal.django_texts``."""
    operator = demo.user(OPERATOR)
    browser = signed_in(OPERATOR, **{"accept-language": "de"})
    for path in ("add/", f"{operator.pk}/change/", f"{operator.pk}/password/"):
        page = browser.get(f"/admin/portal/user/{path}").content.decode()
        assert "Passwort" in page
        english = [*TEXTS, "If disabled", ">None<"]
        assert [text for text in english if text in page.replace("&#x27;", "’")] == []
