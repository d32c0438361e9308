"""The activity log: who changed what, and who may read it (T1)."""

import json

import pytest
from django.db.models import ProtectedError
from django.test import Client

from portal.authority import PORTAL
from portal.backends import RoleBackend
from portal.models import Action, ActivityEntry, Actor
from portal.permissions import Role
from relationships.models import RelationshipRequest
from tests.factories import SubscriptionFactory


def read_by(demo, email):
    """What somebody reads, from the first to the last: action and subject."""
    seen = ActivityEntry.objects.visible_to(demo.user(email).membership).order_by("id")
    return [(entry.action, entry.subject) for entry in seen]


@pytest.fixture
def since(demo):
    """What somebody reads that was not there at the start of the test."""
    last = ActivityEntry.objects.first().pk

    def read(email):
        seen = ActivityEntry.objects.visible_to(demo.user(email).membership)
        return [entry.action for entry in seen.filter(pk__gt=last).order_by("id")]

    return read


def test_T1_a_designation_is_read_by_those_it_concerns(demo, since):
    demo.subscription("Reederei Albers", "Office 365 Business Standard").designate(
        demo.partner("Hafen IT"), by=demo.user("helpdesk@nordlicht.example")
    )
    for email in (
        "global@nordlicht.example",
        "users@nordlicht.example",
        "global@hafen.example",
        "admin@albers.example",
    ):
        assert since(email) == [Action.SUPPORT_CONTACT_DESIGNATED], email
    for email in (
        "global@suedwind.example",
        "global@moewe.example",
        "global@elbe.example",
        "global@kranich.example",
        "global@brandt.example",
        "admin@petersen.example",
    ):
        assert since(email) == [], email


def test_T1_the_reseller_of_record_reads_of_it_too(demo, since):
    """Microsoft 365 Business Basic at Backhaus Petersen has Elbe Support on record."""
    basic = demo.subscription("Backhaus Petersen", "Microsoft 365 Business Basic")
    basic.suspend(by=demo.user("helpdesk@nordlicht.example"))
    assert since("global@elbe.example") == [Action.SUBSCRIPTION_SUSPENDED]
    assert since("global@hafen.example") == []


def test_T1_the_reseller_of_record_reads_of_a_fall_back_as_of_the_designation(demo, since):
    hafen = demo.partner("Hafen IT")
    seller = demo.partner("Nordlicht Distribution")
    subscription = SubscriptionFactory(
        customer=demo.customer("Reederei Albers"),
        seller=seller,
        reseller_of_record=demo.partner("Elbe Support"),
    )
    subscription.designate(hafen, by=demo.user("helpdesk@nordlicht.example"))
    hafen.deactivate(by=PORTAL)
    assert since("global@elbe.example") == [
        Action.SUPPORT_CONTACT_DESIGNATED,
        Action.SUPPORT_CONTACT_FELL_BACK,
    ]


def test_T1_what_happens_among_colleagues_stays_with_them(demo, since):
    demo.user("helpdesk@nordlicht.example").membership.set_roles([Role.SALES_AGENT], by=PORTAL)
    assert since("sales@nordlicht.example") == [Action.USER_ROLES_CHANGED]
    for email in ("global@hafen.example", "global@suedwind.example", "admin@albers.example"):
        assert since(email) == [], email


def test_T1_a_customers_people_are_its_own_business(demo, since):
    demo.user("admin@albers.example").record(Action.USER_CHANGED, by=PORTAL)
    assert since("admin@albers.example") == [Action.USER_CHANGED]
    assert since("global@nordlicht.example") == []


def test_T1_who_belongs_nowhere_reads_nothing(demo):
    assert list(ActivityEntry.objects.visible_to(None)) == []


def test_T1_each_entry_is_read_once(demo):
    """A partner may be seller, reseller of record and contact of one subscription at once."""
    for email in ("global@nordlicht.example", "global@elbe.example", "admin@albers.example"):
        seen = ActivityEntry.objects.visible_to(demo.user(email).membership)
        keys = list(seen.values_list("pk", flat=True))
        assert len(keys) == len(set(keys)) > 0


def test_one_entry_says_who_what_when_for_whom_from_what_to_what(demo):
    by = demo.user("global@nordlicht.example")
    customer = demo.customer("Reederei Albers")
    written = ActivityEntry.objects.record(
        Action.CUSTOMER_CHANGED,
        by=by,
        partners=[demo.partner("Hafen IT"), None, demo.partner("Hafen IT")],
        subject=customer,
        customer=customer,
        before={"city": "Hamburg"},
        after={"city": "Bremen"},
        reason="moved",
    )
    entry = ActivityEntry.objects.get(pk=written.pk)
    assert str(entry) == "Customer details changed: Reederei Albers"
    assert (entry.person, entry.customer, entry.subject_id) == (by, customer, customer.pk)
    assert (entry.before, entry.after, entry.reason) == (
        {"city": "Hamburg"},
        {"city": "Bremen"},
        "moved",
    )
    assert [partner.name for partner in entry.partners.all()] == ["Hafen IT"]


def test_a_subject_that_is_too_long_is_cut_not_refused(demo):
    customer = demo.customer("Reederei Albers")
    customer.name = "x" * 300
    entry = ActivityEntry.objects.record(
        Action.CUSTOMER_CHANGED, by=PORTAL, partners=[], subject=customer
    )
    entry.refresh_from_db()
    assert entry.subject == "x" * 200


def test_many_entries_cost_as_many_queries_as_one(demo, django_assert_num_queries):
    person = demo.user("helpdesk@nordlicht.example")
    Actor.objects.of(person)  # that it has acted before
    fact = {
        "action": Action.CUSTOMER_CHANGED,
        "by": RoleBackend().get_user(person.pk),
        "partners": [demo.partner("Hafen IT"), demo.partner("Elbe Support")],
        "subject": demo.customer("Reederei Albers"),
    }
    with django_assert_num_queries(4):  # two, and the savepoint around them
        ActivityEntry.objects.record_many([fact])
    with django_assert_num_queries(4):
        ActivityEntry.objects.record_many([fact] * 20)


def test_nothing_it_names_can_be_deleted(demo):
    demo.user("helpdesk@nordlicht.example").deactivate(by=demo.user("global@nordlicht.example"))
    with pytest.raises(ProtectedError):
        demo.user("global@nordlicht.example").delete()
    with pytest.raises(ProtectedError):
        demo.customer("Reederei Albers").delete()


def test_the_newest_comes_first(demo):
    keys = list(ActivityEntry.objects.values_list("pk", flat=True))
    assert keys == sorted(keys, reverse=True)


def test_secrets_stand_in_no_entry(demo, admin_client):
    """Passwords, what is stored of them, personal links, sessions: not in any column of an entry."""
    password = "a-word-that-opens-everything"
    people = "/admin/portal/user/"
    admin_client.post(
        f"{people}add/",
        {
            "email": "new@portal.example",
            "usable_password": "true",
            "password1": password,
            "password2": password,
        },
    )
    made = demo.user("new@portal.example")
    assert made.check_password(password)
    hashes = [made.password]
    admin_client.post(
        f"{people}{made.pk}/password/", {"password1": f"{password}!", "password2": f"{password}!"}
    )
    made.refresh_from_db()
    assert made.check_password(f"{password}!")
    hashes.append(made.password)
    request = RelationshipRequest.objects.ask(
        by=demo.user("global@nordlicht.example"),
        recipient_name="Werft Neu",
        recipient_email="info@werft-neu.example",
        language="de",
    )
    address = "anna@werft-neu.example"
    proof = RelationshipRequest.objects.find(request.token).registration_path(address)
    tokens = [request.token, proof.split("/")[-2]]
    registration = {
        "name": "Werft Neu",
        "domain": "werft-neu.example",
        "country": "DE",
        "contact_name": "Anna Neu",
        "password1": password,
        "password2": password,
        "agrees": "on",
    }
    browser = Client()
    browser.post(proof, registration)
    hashes.append(demo.user(address).password)
    written = ActivityEntry.objects.filter(action__in=[Action.USER_ADDED, Action.PASSWORD_CHANGED])
    assert written.filter(subject__in=["new@portal.example", "Anna Neu"]).count() == 3
    stored = json.dumps(list(ActivityEntry.objects.values()), default=str)
    for secret in (password, *hashes, *tokens, browser.session.session_key):
        assert secret not in stored
