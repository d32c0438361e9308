"""What each list query promises: its SQL is the same for everybody who asks the same, and holds no value."""

from datetime import UTC, date, datetime
from uuid import UUID

import pytest
import time_machine
from django.utils.translation import override

from lists import list_queries
from lists.compiled_queries import BindParameter
from lists.keyset import SortOrder
from portal.models import LogOf, Membership
from relationships.models import CustomersOfPartner, RequestsOfPartner
from relationships.models.customer_lists import ResellersOfProvider
from subscriptions.models import SubscriptionsOfCustomer
from subscriptions.models.candidates import Candidates, _all
from subscriptions.models.coverage import _survey
from subscriptions.models.coverage_parts import ORDERS, Branch, Parts

BY_PK = SortOrder("pk", "pk")
BY_NAME = SortOrder("listed_key", "listed_id")
BY_TIME = SortOrder("read_at", "read_id", is_descending=True)
ONE, OTHER = UUID(int=1), UUID(int=2)
EARLY, LATE = datetime(2026, 1, 2, 3, tzinfo=UTC), datetime(2027, 4, 5, 6, tzinfo=UTC)


# Each list query as two people ask for it, and what it sorts and reads by.
ASKED = {
    "customers": (
        lambda tenant, at: CustomersOfPartner(
            partner=tenant, reseller=UUID(int=tenant.int + 10), words=((f"w{tenant.int}",),)
        ),
        BY_NAME,
    ),
    "customers with rights": (
        lambda tenant, at: CustomersOfPartner(partner=tenant, has_dap=True),
        BY_NAME,
    ),
    "resellers": (lambda tenant, at: ResellersOfProvider(provider=tenant), BY_PK),
    "requests": (lambda tenant, at: RequestsOfPartner(partner=tenant, state="open"), BY_PK),
    "requests to a firm": (
        lambda tenant, at: RequestsOfPartner(partner=tenant, words=((f"w{tenant.int}",),)),
        BY_PK,
    ),
    "subscriptions": (
        lambda tenant, at: SubscriptionsOfCustomer(
            partner=tenant, customer=UUID(int=tenant.int + 10), words=((f"w{tenant.int}",),)
        ),
        BY_PK,
    ),
    "a partner's log": (
        lambda tenant, at: LogOf(partner=tenant, since=at, until=at, action=f"action{tenant.int}"),
        BY_TIME,
    ),
    "a customer's log": (lambda tenant, at: LogOf(customer=tenant, since=at), BY_TIME),
    "a log by customers": (
        lambda tenant, at: LogOf(
            partner=tenant,
            customers=(str(UUID(int=tenant.int + 10)),),
            words=((f"w{tenant.int}",),),
        ),
        BY_TIME,
    ),
}


def compiled(query, order):
    """The SQL of a page and of a count with their parameters, by name where they are bound."""
    asked, _values = query.parameterized
    page = list_queries._page.__wrapped__(
        asked, tuple(dict.fromkeys(order.columns)), order, True, 25
    )
    count = list_queries._count.__wrapped__(asked, order, False, 1001)
    return [(one.sql, named(one.params)) for one in (page, count)]


def named(params):
    return [one.name if isinstance(one, BindParameter) else one for one in params]


def in_each_way(make):
    """What ``make`` gives for two tenants, at two times, in two languages."""
    found = []
    for tenant, at, language in ((ONE, EARLY, "en"), (OTHER, LATE, "de")):
        with time_machine.travel(at, tick=False), override(language):
            found.append(make(tenant, at))
    return found


@pytest.mark.parametrize("name", ASKED)
def test_the_sql_is_the_same_for_everybody(db, name):
    make, order = ASKED[name]
    one, other = in_each_way(lambda tenant, at: compiled(make(tenant, at), order))
    assert one == other
    for query in (make(ONE, EARLY), make(OTHER, LATE)):
        assert query.parameterized[0] == make(ONE, LATE).parameterized[0]


@pytest.mark.parametrize(
    "filters",
    [
        lambda tenant, at: {},
        lambda tenant, at: {"contact": UUID(int=tenant.int + 10)},
        lambda tenant, at: {"offer": UUID(int=tenant.int + 10), "since": at},
        lambda tenant, at: {"words": ((f"w{tenant.int}",),)},
        lambda tenant, at: {"customers": (str(UUID(int=tenant.int + 10)),)},
        lambda tenant, at: {"is_still_with_seller": True},
    ],
)
@pytest.mark.parametrize("may_sell", [True, False])
def test_so_is_that_of_the_coverage(db, filters, may_sell):
    def make(tenant, at):
        parts = Parts(partner=tenant, may_sell=may_sell, **filters(tenant, at))
        asked, _values = parts.parameterized
        branches = [
            Branch(number, "customer", is_walked=True) for number in range(parts.number_of_parts)
        ]
        pages = [
            list_queries.CompiledQuery.rows_of(
                list_queries.seek(asked.queryset_of(branch), ORDERS["customer"], True)[:25], "pk"
            )
            for branch in branches
        ]
        survey = _survey.__wrapped__(asked, 1001)
        return [(one.sql, named(one.params)) for one in (*pages, survey)]

    one, other = in_each_way(make)
    assert one == other


def test_so_is_that_of_the_candidates(db):
    def make(tenant, at):
        query = Candidates(partner=tenant, customer=UUID(int=tenant.int + 10), at=at)
        found = _all.__wrapped__(query.parameterized[0])
        return found.sql, named(found.params)

    one, other = in_each_way(make)
    assert one == other


def test_it_would_notice_a_value_that_is_frozen(db):
    class Frozen(CustomersOfPartner):
        PARAMETERS = {}

    one, other = in_each_way(lambda tenant, at: compiled(Frozen(partner=tenant), BY_NAME))
    assert one != other


def test_a_filter_by_day_is_bound_too():
    days = {"start": date(2026, 1, 2), "end": date(2026, 1, 3)}
    membership = Membership(partner_id=ONE)
    asked, bound = LogOf.of(membership, **days).parameterized
    assert (asked.since, asked.until) == (LogOf.PARAMETERS["since"], LogOf.PARAMETERS["until"])
    assert bound["since"] == datetime(2026, 1, 2, tzinfo=UTC)
