"""The wall between tenants (T1): each list query and export has what ``visible_to`` has, no more, no less."""

import csv
import io

import pytest
from django.urls import reverse

from customers.models import Customer
from lists.keyset import SortOrder
from lists.list_queries import ListQuery
from portal.models import ActivityEntry, LogOf, Membership
from relationships.models import CustomersOfPartner, RelationshipRequest, RequestsOfPartner
from subscriptions.models import Coverage, Subscription, SubscriptionsOfCustomer
from tests.factories import RelationshipRequestFactory
from tests.pages import signed_in

BY_KEY = SortOrder("pk", "pk")


def of_each_customer(membership):
    """A list query about one customer, for each customer there is: those of others have nothing."""
    for customer in Customer.objects.values_list("pk", flat=True):
        yield {"customer": customer}


# For each list query what it asks beside the membership, what names a row, and the rows that exist. Those of
# partners alone are of no page of a customer's.
QUERIES = {
    CustomersOfPartner: ("customer", None, Customer, True),
    RequestsOfPartner: ("pk", None, RelationshipRequest, True),
    SubscriptionsOfCustomer: ("pk", of_each_customer, Subscription, True),
    LogOf: ("read_id", None, ActivityEntry, False),
}


@pytest.fixture
def everybody(demo):
    """The membership of each person of the demo, with a request that one of them made."""
    RelationshipRequestFactory(partner=demo.partner("Nordlicht Distribution"))
    found = list(Membership.objects.select_related("partner", "customer", "user"))
    assert {bool(one.customer_id) for one in found} == {True, False}
    return found


def all_queries(parent=ListQuery):
    return {
        found
        for one in parent.__subclasses__()
        for found in {one, *all_queries(one)}
        if hasattr(found, "of") and not found.__module__.startswith("tests.")
    }


def test_T1_every_list_query_of_a_page_is_compared():
    assert all_queries() == QUERIES.keys()


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.__name__)
def test_T1_a_list_query_has_what_exists_for_each_person(everybody, query):
    name, asked_by, model, is_of_partners = QUERIES[query]
    seen = []
    for membership in everybody:
        if is_of_partners and membership.customer_id:
            continue
        found = [
            key
            for asked in (asked_by(membership) if asked_by else [{}])
            for key in query.of(membership, **asked).queryset().values_list(name, flat=True)
        ]
        expected = model.objects.visible_to(membership).values_list("pk", flat=True)
        assert sorted(map(str, found)) == sorted(map(str, expected)), membership
        seen.append(frozenset(found))
    assert len(set(seen)) > 1  # it is not the same for all


@pytest.mark.parametrize("place", [{}, {"partner": 1, "customer": 2}])
def test_T1_a_log_is_that_of_one_organisation(place):
    with pytest.raises(ValueError, match="one partner or one customer"):
        LogOf(**place)


@pytest.mark.parametrize("query", [CustomersOfPartner, RequestsOfPartner, SubscriptionsOfCustomer])
def test_T1_no_list_query_is_made_without_a_tenant(query):
    with pytest.raises(TypeError, match="missing 1 required keyword-only argument: 'partner'"):
        query(**({"customer": 1} if query is SubscriptionsOfCustomer else {}))


def test_T1_the_coverage_has_what_exists_for_each_partners_staff(everybody):
    for membership in everybody:
        if membership.partner_id:
            found = [
                key
                for part in Coverage(membership.partner).querysets()
                for key in part.values_list("pk", flat=True)
            ]
            expected = Subscription.objects.visible_to(membership).values_list("pk", flat=True)
            assert sorted(found) == sorted(expected)


def exported(browser, path):
    """The ids in the first column of an export, or None where the user may have none."""
    answer = browser.get(path)
    if answer.status_code in (403, 404):
        return None
    assert answer.status_code == 200, path
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    heading, *rows = csv.reader(io.StringIO(text), csv.Sniffer().sniff(text, delimiters=",;"))
    column = next(number for number, name in enumerate(heading) if name in IDS)
    return sorted(row[column] for row in rows)


IDS = {"Customer ID", "Subscription ID", "Kunden-ID", "Abonnement-ID"}


def keys_of(model, membership, **conditions):
    found = model.objects.visible_to(membership).filter(**conditions)
    return sorted(map(str, found.values_list("pk", flat=True)))


def test_T1_an_export_has_what_exists_for_each_person(everybody):
    customers = list(Customer.objects.all())
    seen = 0
    for membership in everybody:
        browser = signed_in(membership.user.email)
        paths = {
            reverse("customers:export"): (Customer, {}),
            reverse("coverage:export"): (Subscription, {}),
        }
        for customer in customers:
            path = reverse("subscriptions:export", args=[customer.pk])
            paths[path] = (Subscription, {"customer": customer})
        for path, (model, conditions) in paths.items():
            found = exported(browser, path)
            if found is not None:
                assert found == keys_of(model, membership, **conditions), (membership, path)
                seen += 1
    assert seen > 20
