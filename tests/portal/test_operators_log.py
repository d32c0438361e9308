"""Whatever an operator does, in Django admin or on the command line, stands in the activity log."""

from io import StringIO

import pytest
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.test import Client, RequestFactory

from customers.models import Customer, SharedDomain
from portal.authority import PORTAL, NotAllowed
from portal.models import Action, ActivityEntry, Membership, Partner, User
from relationships.models import Partnership, RegionCountry, Relationship, SalesRegion
from subscriptions.models import Offer, Subscription
from tests.admin import NEULAND, PLANNER, act, add, change, countries_form, page
from tests.demo import OPERATOR
from tests.factories import OfferFactory, PartnerFactory, UserFactory
from tests.pages import signed_in

PASSWORD = "a-word-that-opens-everything"
NEW = {"usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}


@pytest.fixture
def told(demo):
    """What the log tells since it was asked for the last time: (action, who acted, about what)."""
    seen = [ActivityEntry.objects.first().pk]

    def read():
        entries = demo.log(pk__gt=seen[0])
        seen[0] = entries[-1].pk if entries else seen[0]
        return [(entry.action, entry.person, entry.subject) for entry in entries]

    return read


# By model: what the operator fills in to add a row, and what it changes then; None where nothing can be.
ACTS = {
    Partner: (lambda demo: NEULAND, {"name": "Neuland AG"}),
    User: (lambda demo: {"email": "new@portal.example", "is_staff": "on", **NEW}, {"name": "Neu"}),
    Membership: (
        lambda demo: {
            "user": UserFactory().pk,
            "partner": demo.partner("Hafen IT").pk,
            "role_choice": ["sales"],
        },
        {"role_choice": ["agent"]},
    ),
    Customer: (
        lambda demo: {"name": "Werft Ost", "domain": "werft.example", "country": "DE"},
        {"city": "Bremen"},
    ),
    SharedDomain: (
        lambda demo: {"domain": "provider.example", "is_shared": "on"},
        {"is_shared": ""},
    ),
    Partnership: (
        lambda demo: {
            "provider": demo.partner("Nordlicht Distribution").pk,
            "reseller": demo.partner("Möwe Systems").pk,
        },
        None,
    ),
    Relationship: (
        lambda demo: {
            "partner": demo.partner("Brandt Direkt").pk,
            "customer": demo.customer("Reederei Albers").pk,
        },
        None,
    ),
    SalesRegion: (
        lambda demo: {
            "name": "North America",
            "countries-TOTAL_FORMS": "1",
            "countries-INITIAL_FORMS": "0",
            "countries-0-country": "CA",
        },
        {"name": "Americas", "countries-TOTAL_FORMS": "0", "countries-INITIAL_FORMS": "0"},
    ),
    RegionCountry: (
        lambda demo: {"region": SalesRegion.objects.get().pk, "country": "US"},
        {"country": "CA"},
    ),
    Offer: (lambda demo: PLANNER, {"category": "Work"}),
    Subscription: (
        lambda demo: {
            "customer": demo.customer("Reederei Albers").pk,
            "offer": OfferFactory(name="Planner").pk,
            "friendly_name": "",
            "quantity": "5",
            "started_on": "2026-11-01",
            "seller": demo.partner("Nordlicht Distribution").pk,
        },
        {"quantity": "7"},
    ),
}


def editable(operator):
    """The models of which Django admin lets an operator add or change rows."""
    request = RequestFactory().get("/")
    request.user = operator
    return {
        model
        for model, theirs in admin.site._registry.items()
        if theirs.has_add_permission(request) or theirs.has_change_permission(request)
    }


def test_every_model_that_an_operator_edits_is_tried_here(operator):
    assert editable(operator) == set(ACTS)


@pytest.mark.parametrize("model", ACTS, ids=lambda model: model.__name__)
def test_what_an_operator_adds_and_changes_stands_in_the_log(
    admin_client, demo, operator, told, model
):
    data, changes = ACTS[model]
    before = set(model.objects.values_list("pk", flat=True))
    assert add(admin_client, model, **data(demo)).status_code == 302
    [row] = model.objects.exclude(pk__in=before)
    assert operator in [person for _action, person, _subject in told()]
    if changes is not None:
        answer = change(admin_client, row, **changes)
        assert answer.status_code == 302
        assert [person for _action, person, _subject in told()] == [operator]
    else:
        form = admin_client.get(page(model, "change", row.pk)).context["adminform"].form
        assert list(form.fields) == []


def test_saving_what_was_not_changed_logs_nothing(admin_client, demo, told):
    for row in (demo.partner("Hafen IT"), demo.offer("Microsoft 365 E3"), demo.user(OPERATOR)):
        assert change(admin_client, row).status_code == 302
    assert told() == []


# By model and action of its list: what has to be done to a row of the demo before it can be done.
LISTED = {
    (Partner, "deactivate"): lambda demo: demo.partner("Hafen IT"),
    (Partner, "reactivate"): lambda demo: deactivated(demo.partner("Hafen IT")),
    (User, "deactivate"): lambda demo: demo.user("helpdesk@nordlicht.example"),
    (User, "reactivate"): lambda demo: deactivated(demo.user("helpdesk@nordlicht.example")),
    (User, "send_invitation"): lambda demo: invited(demo.partner("Hafen IT")),
    (User, "reset_second_factor"): lambda demo: with_factor(
        demo.user("helpdesk@nordlicht.example")
    ),
    (Customer, "confirm_domain"): lambda demo: freed(demo.customer("Reederei Albers")),
    (Customer, "free_domain"): lambda demo: demo.customer("Reederei Albers"),
    (Partnership, "end"): lambda demo: demo.partnership("Nordlicht Distribution", "Hafen IT"),
    (Relationship, "remove_dap"): lambda demo: demo.relationship("Reederei Albers", "Hafen IT"),
    (Relationship, "end"): lambda demo: demo.relationship("Reederei Albers", "Hafen IT"),
}
# It leads to a page, and that acts: tests/customers/test_joining.py.
LEADS_ON = {(Customer, "join")}


def deactivated(row):
    row.deactivate(by=PORTAL)
    return row


def invited(partner):
    membership = Membership.objects.invite(
        partner, email="neu@hafen.example", name="Neu", roles=["sales"], by=PORTAL
    )
    return membership.user


def with_factor(user):
    user.authenticator_set.create(type="totp", data={})
    return user


def freed(customer):
    customer.free_domain(by=PORTAL)
    return customer


def test_every_action_of_a_list_is_tried_here(operator):
    offered = {
        (model, name)
        for model in editable(operator)
        for name in admin.site._registry[model].actions or ()
    }
    assert offered == set(LISTED) | LEADS_ON


@pytest.mark.parametrize(
    "listed", LISTED, ids=[f"{model.__name__}.{name}" for model, name in LISTED]
)
def test_what_an_operator_does_to_chosen_rows_stands_in_the_log(
    admin_client, demo, operator, told, listed
):
    model, name = listed
    row = LISTED[listed](demo)
    told()
    act(admin_client, model, name, row)
    assert operator in [person for _action, person, _subject in told()]


# Offers


def test_an_offer_is_logged_with_its_bases_for_operators_alone(admin_client, demo, operator):
    e3 = demo.offer("Microsoft 365 E3")
    add(admin_client, Offer, **PLANNER, is_add_on="on", base_offers=[str(e3.pk)])
    entry = demo.log()[-1]
    assert (entry.action, entry.person, entry.subject) == (Action.OFFER_ADDED, operator, "Planner")
    assert (entry.after["name"], entry.after["base_offers"]) == ("Planner", ["Microsoft 365 E3"])
    assert (entry.customer, list(entry.partners.all())) == (None, [])
    office = demo.offer("Office 365 Business Standard")
    change(
        admin_client,
        demo.offer("Planner"),
        category="Work",
        base_offers=[str(e3.pk), str(office.pk)],
    )
    entry = demo.log()[-1]
    assert entry.action == Action.OFFER_CHANGED
    assert entry.before == {"category": "", "base_offers": ["Microsoft 365 E3"]}
    assert entry.after == {
        "category": "Work",
        "base_offers": ["Microsoft 365 E3", "Office 365 Business Standard"],
    }


# Sales regions


@pytest.fixture
def region(demo):
    return SalesRegion.objects.get()


def test_R11_countries_that_come_and_go_are_logged(admin_client, demo, operator, told, region):
    before = [str(country) for country in region.countries.values_list("country", flat=True)]
    sent = countries_form(region, without=["AT"], and_also=["US"])
    admin_client.post(page(SalesRegion, "change", region.pk), sent)
    entry = demo.log()[-1]
    assert told() == [(Action.REGION_CHANGED, operator, region.name)]
    assert entry.before == {"countries": before}
    assert entry.after == {"countries": sorted({*before, "US"} - {"AT"})}
    row = region.countries.get(country="US")
    admin_client.post(page(RegionCountry, "delete", row.pk), {"post": "yes"})
    assert told() == [(Action.REGION_CHANGED, operator, region.name)]


def test_R11_a_country_that_moves_is_logged_for_both_regions(admin_client, demo, told, region):
    other = SalesRegion.objects.create(name="DACH")
    change(admin_client, region.countries.get(country="AT"), region=other.pk)
    changed = [(action, subject) for action, _person, subject in told()]
    assert changed == [(Action.REGION_CHANGED, region.name), (Action.REGION_CHANGED, "DACH")]


def test_R11_a_region_in_use_stays(admin_client, demo, region, nothing_written):
    sentence = (
        f"{region} is in use: Brandt Direkt is in Germany. Move the countries of its firms to"
        " another region first."
    )
    with nothing_written():
        answer = admin_client.post(
            page(SalesRegion, "delete", region.pk), {"post": "yes"}, follow=True
        )
        assert [str(one) for one in answer.context["messages"]] == [sentence]
        chosen = {"action": "delete_selected", "_selected_action": [region.pk], "post": "yes"}
        answer = admin_client.post(page(SalesRegion, "changelist"), chosen, follow=True)
        assert [str(one) for one in answer.context["messages"]] == [sentence]
        for delete in (region.delete, SalesRegion.objects.filter(pk=region.pk).delete):
            with pytest.raises(ValidationError) as refused:
                delete()
            assert refused.value.code == "in_use"


@pytest.mark.parametrize("firm", [PartnerFactory, None])
def test_R11_a_region_without_firms_can_be_deleted(admin_client, demo, operator, told, firm):
    region = SalesRegion.objects.create(name="Oceania")
    RegionCountry.objects.create(region=region, country="NZ")
    if firm:
        made = firm(country="NZ")
        admin_client.post(page(SalesRegion, "delete", region.pk), {"post": "yes"})
        assert (SalesRegion.objects.filter(pk=region.pk).exists(), told()) == (True, [])
        type(made).objects.filter(pk=made.pk).update(country="DE")
    admin_client.post(page(SalesRegion, "delete", region.pk), {"post": "yes"})
    assert told() == [(Action.REGION_REMOVED, operator, "Oceania")]
    assert demo.log()[-1].before == {"name": "Oceania", "countries": ["NZ"]}


def test_R11_the_table_is_edited_by_operators_alone(demo, nothing_written):
    for by in (None, demo.user("global@nordlicht.example")):
        with nothing_written(), pytest.raises(NotAllowed), SalesRegion.objects.edited(by=by):
            SalesRegion.objects.create(name="Oceania")


# Passwords and accounts of operators


def test_an_operators_password_that_another_sets_is_logged(admin_client, operator, told):
    other = UserFactory(is_staff=True, name="Zweite")
    admin_client.post(f"/admin/portal/user/{other.pk}/password/", NEW)
    assert told() == [(Action.PASSWORD_CHANGED, operator, "Zweite")]


def test_an_operators_own_password_is_logged_wherever_it_is_changed(demo, operator, told):
    browser = signed_in(OPERATOR)
    answer = browser.get("/admin/password_change/")
    assert answer.url == "/accounts/password/change/"
    data = {"oldpassword": "demo-portal", "password1": PASSWORD, "password2": PASSWORD}
    assert browser.post(answer.url, data).status_code == 302
    assert told() == [(Action.PASSWORD_CHANGED, operator, str(operator))]
    browser = Client()
    browser.force_login(demo.user(OPERATOR))
    again = {"password1": f"{PASSWORD}!", "password2": f"{PASSWORD}!"}
    browser.post(f"/admin/portal/user/{operator.pk}/password/", NEW | again)
    assert demo.user(OPERATOR).check_password(f"{PASSWORD}!")
    assert told() == [(Action.PASSWORD_CHANGED, operator, str(operator))]


@pytest.fixture
def typed(monkeypatch):
    """The passwords that somebody types into the command, one after the other."""

    def answer(*words):
        words = iter(words)
        monkeypatch.setattr("getpass.getpass", lambda *args, **kwargs: next(words))

    return answer


def test_a_password_set_on_the_command_line_is_logged(demo, operator, told, typed):
    browser = signed_in(OPERATOR)
    typed(PASSWORD, "another", "123", "123", PASSWORD, PASSWORD)
    output = StringIO()
    call_command("changepassword", OPERATOR.upper(), stdout=output, stderr=StringIO())
    assert output.getvalue().splitlines()[-1] == f"The password of {operator} was set."
    assert demo.user(OPERATOR).check_password(PASSWORD)
    assert browser.get("/admin/").status_code == 302
    assert told() == [(Action.PASSWORD_CHANGED, None, str(operator))]
    assert demo.log()[-1].reason == "manage.py changepassword"


def test_a_password_refused_on_the_command_line_changes_nothing(demo, nothing_written, typed):
    typed(*["123"] * 6)
    with nothing_written():
        with pytest.raises(CommandError, match="stays as it was"):
            call_command("changepassword", OPERATOR, stdout=StringIO(), stderr=StringIO())
        with pytest.raises(CommandError, match="no user with the email"):
            call_command("changepassword", "nobody@portal.example")


def test_a_password_is_given_by_operators_alone(demo, nothing_written):
    user = demo.user("helpdesk@nordlicht.example")
    for by in (None, user, demo.user("global@nordlicht.example")):
        with nothing_written(), pytest.raises(NotAllowed):
            user.give_password(PASSWORD, by=by)


def test_an_account_made_on_the_command_line_is_logged(demo, told, monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command(
        "createsuperuser", interactive=False, email="second@portal.example", stdout=StringIO()
    )
    assert demo.user("second@portal.example").is_staff
    assert told() == [(Action.USER_ADDED, None, "second@portal.example")]
    entry = demo.log()[-1]
    assert entry.after == {"email": "second@portal.example", "name": "", "is_staff": "True"}
    assert entry.reason == "manage.py createsuperuser"
