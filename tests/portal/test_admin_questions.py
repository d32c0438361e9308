"""Django admin asks before it takes something away: what an operator reads, and that nothing acts at once."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from customers.models import Customer
from portal.authority import PORTAL
from portal.models import Partner, User
from relationships.models import Partnership, Relationship
from subscriptions.models import Subscription
from tests.factories import (
    CustomerFactory,
    PartnerFactory,
    PartnershipFactory,
    RelationshipFactory,
    RelationshipRequestFactory,
    SubscriptionFactory,
    UserFactory,
)
from tests.pages import Page, set_up_app, set_up_passkey, words

GLOBAL = "global@nordlicht.example"
OFFICE = "Office 365 Business Standard"

# What asks first, of which rows, and what it says above them.
QUESTIONS = {
    (Partner, "deactivate"): "Deactivate 2 partners?",
    (User, "deactivate"): "Deactivate 2 users?",
    (User, "reset_second_factor"): "Take the second factors of 2 users away?",
    (Customer, "free_domain"): "Free the domains of 2 customers?",
    (Partnership, "end"): "End 2 partnerships?",
    (Relationship, "remove_dap"): "Remove the delegated admin privileges of 2 relationships?",
    (Relationship, "end"): "Remove 2 relationships?",
}


def changelist(model):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def choose(client, model, action, rows, **more):
    chosen = {"action": action, "_selected_action": [str(row.pk) for row in rows], "index": "0"}
    return client.post(changelist(model), chosen | more)


def asked(client, model, action, *rows, **more):
    """The question: its heading, and the sentences under the name of each row."""
    answer = choose(client, model, action, rows, **more)
    assert answer.status_code == 200
    page = Page(answer)
    items = page.find("form/ul/li")
    return page, {
        words(item.find("strong")): [words(li) for li in item.findall("ul/li")] for item in items
    }


def answered(client, page, model):
    """Send the form of the question as it stands there."""
    sent = {}
    for field in page.find("input[@type='hidden']"):
        if field.get("name") != "csrfmiddlewaretoken":
            sent.setdefault(field.get("name"), []).append(field.get("value"))
    assert client.post(changelist(model), sent).status_code == 302


@pytest.fixture
def partnership(demo):
    """Hafen IT answers for Office 365, which Nordlicht sold, and for one product bought elsewhere."""
    hafen, albers = demo.partner("Hafen IT"), demo.customer("Reederei Albers")
    demo.subscription("Reederei Albers", OFFICE).designate(hafen, by=demo.user(GLOBAL))
    elsewhere = SubscriptionFactory(customer=albers, seller=None)
    elsewhere.designate(hafen, by=demo.user(GLOBAL))
    return demo.partnership("Nordlicht Distribution", "Hafen IT")


@pytest.mark.parametrize(("model", "action"), QUESTIONS)
def test_it_asks_and_names_each_row(demo, admin_client, model, action, nothing_written):
    rows = list(model.objects.order_by("pk")[:2])
    with nothing_written():
        page, found = asked(admin_client, model, action, *rows)
    assert page.heading == QUESTIONS[model, action]
    assert sorted(found) == sorted(map(str, rows))
    assert all(found.values()), "each row says what follows"
    assert len(page.find("input[@name='_selected_action']")) == 2


@pytest.mark.parametrize(("model", "action"), QUESTIONS)
def test_it_is_asked_in_german(demo, admin_client, model, action):
    User.objects.filter(email="operator@portal.example").update(language="de")
    page, _found = asked(admin_client, model, action, *model.objects.order_by("pk")[:2])
    assert page.language == "de"
    assert page.heading.endswith("?")
    assert page.heading != QUESTIONS[model, action]


def test_what_gives_something_acts_at_once(demo, admin_client):
    sales = demo.user("sales@nordlicht.example")
    sales.deactivate(by=PORTAL)
    assert choose(admin_client, User, "reactivate", [sales]).status_code == 302
    assert demo.user("sales@nordlicht.example").is_active


def test_C9_T3_deactivating_a_partner_says_who_is_signed_out_and_what_goes_where(
    demo, admin_client, partnership
):
    hafen = partnership.reseller
    RelationshipRequestFactory(partner=hafen, created_by=demo.user("global@hafen.example"))
    page, found = asked(
        admin_client, Partner, "deactivate", hafen, demo.partner("Nordlicht Distribution")
    )
    assert found["Hafen IT"] == [
        "1 person is signed out and can't sign in until it is reactivated.",
        "It answers for 2 subscriptions of 1 customer: 1 goes to Nordlicht Distribution, for 1 no partner is"
        " designated then.",
        "1 open request of it can't be answered until it is reactivated.",
    ]
    assert found["Nordlicht Distribution"][1].endswith(", which it keeps as their seller.")
    [link] = [one for one in page.find("form/ul/li/a") if str(hafen.pk) in one.get("href")]
    concerned = admin_client.get(link.get("href")).context["cl"].queryset
    assert set(concerned) == set(Subscription.objects.filter(support_contact=hafen))
    answered(admin_client, page, Partner)
    assert not demo.partner("Hafen IT").is_active
    assert not demo.partner("Nordlicht Distribution").is_active
    _page, found = asked(admin_client, Partner, "deactivate", hafen)
    assert found["Hafen IT"] == ["It is deactivated already; nothing changes."]


def test_R10_ending_a_partnership_counts_just_what_rests_on_it(demo, admin_client, partnership):
    RelationshipRequestFactory(
        partner=partnership.reseller,
        provider=partnership.provider,
        created_by=demo.user("global@hafen.example"),
    )
    other = PartnershipFactory(
        provider=demo.partner("Südwind Cloud"), reseller=partnership.reseller
    )
    page, found = asked(admin_client, Partnership, "end", partnership, other)
    assert found[str(partnership)] == [
        "Hafen IT answers for 2 subscriptions of 1 customer: 1 goes to Nordlicht Distribution, for 1 no"
        " partner is designated then.",
        "1 request that asks for both together ends.",
    ]
    assert found[str(other)] == ["No support contact changes."]
    answered(admin_client, page, Partnership)
    assert not Partnership.objects.active().filter(reseller=partnership.reseller).exists()
    assert not partnership.reseller.supported_subscriptions.exists()
    _page, found = asked(admin_client, Partnership, "end", partnership)
    assert found[str(partnership)] == ["It has ended already; nothing changes."]


def test_R9_what_stands_against_removing_a_relationship_is_counted(demo, admin_client, partnership):
    sold = demo.relationship("Reederei Albers", "Nordlicht Distribution")
    hafen = demo.relationship("Reederei Albers", "Hafen IT")
    page, found = asked(admin_client, Relationship, "end", sold, hafen)
    assert found == {
        str(sold): [
            "It stays: 2 active subscriptions that Nordlicht Distribution sold stand against it."
        ],
        str(hafen): [
            "Hafen IT answers for 2 subscriptions: 1 goes to Nordlicht Distribution, for 1 no partner is"
            " designated then."
        ],
    }
    answered(admin_client, page, Relationship)
    assert Relationship.objects.active().filter(pk=sold.pk).exists()
    assert not Relationship.objects.active().filter(pk=hafen.pk).exists()


def test_R8_taking_dap_away_says_who_answers_then(demo, admin_client, partnership):
    hafen = demo.relationship("Reederei Albers", "Hafen IT")
    elbe = demo.relationship("Reederei Albers", "Elbe Support")
    page, found = asked(admin_client, Relationship, "remove_dap", hafen, elbe)
    assert found[str(hafen)][0].startswith("Hafen IT answers for 2 subscriptions: 1 goes to Nord")
    assert found[str(elbe)] == ["It has no delegated admin privileges; nothing changes."]
    answered(admin_client, page, Relationship)
    assert not demo.relationship("Reederei Albers", "Hafen IT").has_dap


def test_R14_deactivating_a_user_counts_the_requests_to_its_address(demo, admin_client):
    huber = demo.customer("Weingut Huber")
    huber.free_domain(by=PORTAL)
    RelationshipRequestFactory(recipient_email="admin@huber.example", customer=huber)
    user = demo.user("admin@huber.example")
    gone = UserFactory(is_active=False)
    _page, found = asked(admin_client, User, "deactivate", user, gone)
    assert found[str(user)] == [
        "The user is signed out everywhere and can't sign in until you reactivate the account.",
        "1 open request to its address can no longer be answered by its organisation.",
    ]
    assert found[str(gone)] == ["The user is deactivated already; nothing changes."]


def test_R14_freeing_a_domain_counts_the_requests_that_it_bound(demo, admin_client):
    huber = demo.customer("Weingut Huber")
    albers = demo.customer("Reederei Albers")
    albers.free_domain(by=PORTAL)
    # Its admin proved its own address; the domain alone binds the other.
    RelationshipRequestFactory(recipient_email="admin@huber.example", customer=huber)
    bound = RelationshipRequestFactory(recipient_email="info@huber.example", customer=huber)
    page, found = asked(admin_client, Customer, "free_domain", huber, albers)
    assert found == {
        "Weingut Huber": [
            "The domain huber.example binds nobody to this customer any more.",
            "1 open request to an address of the domain can no longer be answered by it.",
        ],
        "Reederei Albers": ["Its domain is not proved; nothing changes."],
    }
    answered(admin_client, page, Customer)
    bound.refresh_from_db()
    assert bound.customer is None


def test_resetting_counts_second_factors(demo, admin_client):
    user, other = demo.user(GLOBAL), demo.user("sales@nordlicht.example")
    set_up_app(user)
    set_up_passkey(user)
    _page, found = asked(admin_client, User, "reset_second_factor", user, other)
    assert found == {
        str(user): [
            "2 second factors are taken away, with the recovery codes; the user is signed out everywhere."
        ],
        str(other): ["The user has no second factor; nothing changes."],
    }


@pytest.mark.parametrize(("model", "action"), QUESTIONS)
def test_the_question_costs_the_same_for_few_and_for_many(demo, admin_client, model, action):
    for _ in range(6):
        partnership = PartnershipFactory()
        customer = CustomerFactory()
        for partner in (partnership.provider, partnership.reseller):
            RelationshipFactory(customer=customer, partner=partner)
            RelationshipRequestFactory(partner=partner)
        SubscriptionFactory(customer=customer, seller=partnership.provider)
    rows = list(model.objects.order_by("-pk")[:8])
    assert len(rows) >= 4
    counts = []
    for chosen in (rows[:1], rows[:1], rows):
        with CaptureQueriesContext(connection) as queries:
            choose(admin_client, model, action, chosen)
        counts.append(len(queries))
    assert counts[1] == counts[2]
    assert counts[2] <= 15


def test_of_more_than_a_page_the_first_are_named_and_all_are_acted_on(
    demo, admin_client, monkeypatch
):
    monkeypatch.setattr("portal.admin_base.PortalAdmin.list_per_page", 3)
    count = Partner.objects.count()
    first = Partner.objects.first()
    page, found = asked(admin_client, Partner, "deactivate", first, select_across="1")
    assert page.heading == f"Deactivate {count} partners?"
    assert len(found) == 3
    assert f"… and {count - 3} more" in page.text
    answered(admin_client, page, Partner)
    assert not Partner.objects.active().exists()


def test_what_is_gone_is_said(demo, admin_client):
    chosen = [Partner(pk="00000000-0000-0000-0000-000000000000")]
    answer = choose(admin_client, Partner, "deactivate", chosen)
    assert answer.status_code == 302
    page = admin_client.get(answer.url)
    assert "The chosen rows are no longer there." in page.content.decode()


def test_only_operators_are_asked(demo, client, nothing_written):
    client.force_login(demo.user(GLOBAL))
    with nothing_written():
        chosen = [demo.partner("Hafen IT")]
        assert choose(client, Partner, "deactivate", chosen, post="yes").status_code in (302, 403)
    assert demo.partner("Hafen IT").is_active


def test_a_partner_without_anything_says_so(demo, admin_client):
    partner = PartnerFactory(name="Empty")
    _page, found = asked(admin_client, Partner, "deactivate", partner)
    assert found["Empty"] == [
        "0 people are signed out and can't sign in until it is reactivated.",
        "No support contact changes.",
    ]
