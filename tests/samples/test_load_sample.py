from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import CharField, Count, F, Q, Value
from django.db.models.functions import Concat
from django.test import Client

from customers.models import Customer
from portal.models import ActivityEntry, Partner, PartnerType, User
from portal.text import fold
from relationships.models import Partnership, Relationship, RelationshipRequest, RequestStatus
from subscriptions.models import Subscription, SupportContactAssignment
from tests.conftest import rows
from tests.pages import Page, sign_in, signed_in

CUSTOMERS = 120


def load(*args):
    output = StringIO()
    words = ["--customers", str(CUSTOMERS), "--yes-into-this-database", *args]
    call_command("load_sample", *words, stdout=output)
    return output.getvalue()


@pytest.fixture
def sample(db):
    return load()


@pytest.fixture
def largest(sample):
    return Partner.objects.filter(type=PartnerType.INDIRECT_PROVIDER).order_by("mpn_id")[0]


def test_it_makes_as_many_customers_and_says_how_fast(sample):
    assert Customer.objects.count() == CUSTOMERS
    assert Subscription.objects.count() > CUSTOMERS * 4
    assert "rows in" in sample
    assert "a second" in sample


def test_it_says_who_can_sign_in(db, settings):
    settings.DEBUG = True
    said = load()
    assert "Every admin's password: demo-portal" in said
    emails = [line.split()[0] for line in said.splitlines() if "@" in line]
    assert len(emails) == 4  # a provider, a reseller, a direct-bill partner, a customer
    for email in emails:
        assert sign_in(Client(), email).url == "/"


def test_without_debug_nobody_can_until_it_has_a_password(sample):
    assert "Nobody can sign in yet" in sample
    assert "manage.py changepassword EMAIL" in sample
    [line, *_others] = [line for line in sample.splitlines() if "@" in line]
    assert not User.objects.get(email=line.split()[0]).has_usable_password()


def test_one_provider_has_about_half_of_all_customers(largest):
    assert CUSTOMERS * 0.35 < largest.relationships.count() < CUSTOMERS * 0.65
    assert largest.partnerships_as_provider.count() == CUSTOMERS // 4


def test_names_have_umlauts_and_other_scripts_and_are_found(largest):
    names = list(Customer.objects.values_list("name", flat=True))
    assert any("ü" in name or "ö" in name for name in names)
    found = Customer.objects.exclude(name_key="")
    assert all(one.name_key == fold(one.name) for one in found)


def test_every_model_would_accept_its_rows(sample):
    for customer in Customer.objects.all()[:40]:
        customer.full_clean()
    for partner in Partner.objects.all():
        partner.full_clean()
    for subscription in Subscription.objects.all()[:100]:
        subscription.full_clean()
    for assignment in SupportContactAssignment.objects.all()[:100]:
        assignment.validate_constraints()
    for asked in RelationshipRequest.objects.all():
        asked.validate_constraints()
    for user in User.objects.all():
        user.full_clean(exclude=["password"])


def test_the_keys_of_lists_are_those_of_the_customers(sample):
    parts = ("customer__name_key", Value("\t"), "customer__domain")
    both = Concat(*parts, output_field=CharField())
    other = ~Q(name_and_domain=both) | ~Q(customer_domain=F("customer__domain"))
    assert not Relationship.objects.filter(other).exists()
    assert not Subscription.objects.exclude(customer_key=F("customer__name_key")).exists()
    in_force = SupportContactAssignment.objects.filter(ended_at=None)
    assert not in_force.exclude(started_at=F("subscription__contact_changed_at")).exists()


def test_sellers_have_a_relationship_and_contacts_their_rights(sample):
    for one in Subscription.objects.select_related("seller", "support_contact", "customer"):
        if one.seller:
            assert one.customer.relationships.active().filter(partner=one.seller).exists()
            assert one.support_contact is not None
        if one.support_contact and one.support_contact != one.seller:
            with_dap = one.customer.relationships.with_dap()
            assert with_dap.filter(partner=one.support_contact).exists()
            if one.seller:
                assert Partnership.objects.between(one.seller, one.support_contact).exists()


def test_the_history_agrees_with_the_contact_in_force(sample):
    in_force = SupportContactAssignment.objects.filter(ended_at=None)
    assert in_force.count() == Subscription.objects.count()
    assert not in_force.exclude(
        Q(partner=F("subscription__support_contact"))
        | Q(partner=None, subscription__support_contact=None)
    ).exists()
    stretches = Subscription.objects.annotate(stretches=Count("support_contact_history"))
    assert {1, 2, 3} <= set(stretches.values_list("stretches", flat=True))


def test_the_log_tells_it_in_order(sample):
    times = list(ActivityEntry.objects.order_by("pk").values_list("at", flat=True))
    assert len(times) > CUSTOMERS
    assert times == sorted(times)
    assert not ActivityEntry.objects.filter(partners=None).exists()


def test_requests_are_open_expired_and_answered(sample):
    statuses = set(RelationshipRequest.objects.values_list("status", flat=True))
    assert {RequestStatus.OPEN, RequestStatus.ACCEPTED} <= statuses


def test_what_is_written_afterwards_gets_ids_of_its_own(largest):
    user = largest.memberships.get().user
    subscription = Subscription.objects.filter(seller=largest, support_contact=largest)[0]
    subscription.suspend(by=user) if subscription.is_active else subscription.reactivate(by=user)
    newest = ActivityEntry.objects.latest("pk")
    assert newest.subject_id == subscription.pk


def test_the_same_seed_makes_the_same_firms_and_another_one_others(sample):
    first = set(Customer.objects.values_list("id", "name", "domain"))
    load("--again", "--seed", "2")
    assert Customer.objects.count() == CUSTOMERS * 2
    others = set(Customer.objects.values_list("id", "name", "domain")) - first
    assert len(others) == CUSTOMERS


def test_it_does_not_run_twice_unless_told(sample):
    before = rows()
    with pytest.raises(CommandError, match="has a sample already"):
        load()
    assert rows() == before


def test_a_sample_of_nothing_is_refused(db):
    with pytest.raises(CommandError, match="at least 1"):
        call_command("load_sample", "--customers", "0")


def test_where_debug_is_off_it_wants_to_be_told_which_database_is_meant(db, settings):
    settings.DEBUG = False
    before = rows()
    with pytest.raises(CommandError) as refusal:
        call_command("load_sample", "--customers", "1")
    assert "add --yes-into-this-database" in str(refusal.value)
    assert f"Its database is {connection.settings_dict['NAME']}" in str(refusal.value)
    assert rows() == before
    settings.DEBUG = True
    call_command("load_sample", "--customers", "1", stdout=StringIO())
    assert Customer.objects.count() == 1


def test_nobody_can_sign_in_with_the_known_password_in_production(db, settings):
    settings.DEBUG = False
    load()
    assert not any(user.has_usable_password() for user in User.objects.all())


def test_developers_sign_in_with_the_password_of_the_demo(db, settings):
    settings.DEBUG = True
    load()
    assert User.objects.first().check_password("demo-portal")


def test_its_people_see_their_pages(largest):
    client = signed_in(largest.memberships.get().user.email)
    for path in ("/customers/", "/activity/"):
        assert len(Page(client.get(path)).table) == 25
    assert Page(client.get("/relationships/requests/")).table


def test_the_statistics_are_fresh(sample):
    table = {"postgresql": "pg_class", "sqlite": "sqlite_stat1"}[connection.vendor]
    name = {"postgresql": "relname", "sqlite": "tbl"}[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table} WHERE {name} = 'customers_customer'")  # noqa: S608
        assert cursor.fetchone()
