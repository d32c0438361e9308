"""Django admin: which models stand there for whom, and what can be read, found, added and changed."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.db.models.functions import Now
from django.test import Client

from customers.models import Customer, SharedDomain
from portal.authority import PORTAL
from portal.django_texts import TEXTS
from portal.models import Mail, Membership, Partner, Task, User, Worker
from relationships.models import Partnership, RegionCountry, Relationship, SalesRegion
from subscriptions.models import BulkAssignment, Subscription
from tests.admin import act, add, errors, page
from tests.conftest import APPS
from tests.demo import OPERATOR
from tests.factories import RelationshipRequestFactory
from tests.pages import signed_in

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


def named(model):
    return model.__name__


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
