"""All subscriptions that a partner sees, across customers, for lists and counts (ADR 0008)."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import models
from django.utils.functional import cached_property

from lists.compiled_queries import CompiledQuery
from lists.expressions import KeyText, dashed
from lists.keyset import SortOrder
from lists.list_queries import MOST_SORTED, seek
from portal.models import Partner
from portal.text import words_of
from relationships.models import Relationship

from .coverage_parts import SORTS, Branch, Parts
from .querysets import SubscriptionQuerySet
from .subscriptions import Subscription

# What a row of the list shows.
COLUMNS = (
    "pk",
    "sort_key",
    "customer_key",
    "of_customer",
    "of_offer",
    "customer__name",
    "friendly_name",
    "status",
    "of_seller",
    "of_record",
    "of_contact",
    "contact_changed_at",
)
# Keys that are only looked up or written: as text, for which no object is made.
KEYS = {
    "of_customer": KeyText("customer_id"),
    "of_offer": KeyText("offer_id"),
    "of_seller": KeyText("seller_id"),
    "of_record": KeyText("reseller_of_record_id"),
    "of_contact": KeyText("support_contact_id"),
}


@lru_cache(maxsize=500)
def _page(
    parts: Parts, branches: tuple[Branch, ...], order: SortOrder, is_after: bool, limit: int
) -> CompiledQuery:
    """Compose what reads a page of the list: the first rows of each of the parts, and of these the first."""
    read = []
    for branch in branches:
        rows = seek(parts.queryset_of(branch), order, is_after)[:limit]
        if parts.words or not branch.is_walked:
            # The page is picked by what the index holds; only its rows are read.
            page = Subscription.objects.filter(pk__in=rows.values("pk"))
            rows = order.sort(page.annotate(sort_key=models.F(SORTS[branch.sort][0])))
        read.append(CompiledQuery.rows_of(rows.annotate(**KEYS), *COLUMNS))
    tables = ", ".join(f"part_{number} AS ({one.sql})" for number, one in enumerate(read))
    union = " UNION ALL ".join(f"SELECT * FROM part_{number}" for number in range(len(read)))  # noqa: S608
    way = "DESC" if order.is_descending else "ASC"
    places = ", ".join(f"{COLUMNS.index(name) + 1} {way}" for name in order.columns)
    return CompiledQuery(
        f"WITH {tables} {union} ORDER BY {places} LIMIT {limit:d}",
        [value for one in read for value in one.params],
        read[0].convert,
        read[0].make,
    )


# The number under which stands what the first of many customers have.
FIRST = -1


@lru_cache(maxsize=500)
def _survey(parts: Parts, limit: int | None) -> CompiledQuery:
    """Compose what counts the rows of each of the parts by contact; see ``Coverage.survey``."""
    contact, grouped = (
        ("MIN(contact)", "") if parts.have_one_contact else ("contact", " GROUP BY contact")
    )
    is_first_full = f"(SELECT COUNT(*) FROM part_0) = {limit}"  # noqa: S608
    looked_through = parts.looked_through() if limit else None
    counted = parts.counted()
    tables: list[str] = []
    selects: list[str] = []
    params: list[Any] = []
    have_first_enough = ""
    if limit and (first := parts.counted_first()) is not None:
        sql, values = first.values_list("pk").query.sql_with_params()
        tables.append(f"first_found AS ({sql} LIMIT {limit})")
        selects.append(f"SELECT {FIRST}, NULL, COUNT(*) FROM first_found")  # noqa: S608
        params += values
        have_first_enough = f"(SELECT COUNT(*) FROM first_found) = {limit}"  # noqa: S608
    for number, part in enumerate(counted):
        is_last = looked_through is not None and number == len(counted) - 1
        enough = [have_first_enough] if have_first_enough else []
        if number and limit and (parts.are_even or is_last):
            enough.append(is_first_full)
        most = f"CASE WHEN {' OR '.join(enough)} THEN 0 ELSE {limit} END" if enough else limit
        with suppress(EmptyResultSet):
            sql, values = part.values_list(KEYS["of_contact"]).query.sql_with_params()
            tables.append(f"part_{number} (contact) AS ({sql}{f' LIMIT {most}' if most else ''})")
            selects.append(f"SELECT {number}, {contact}, COUNT(*) FROM part_{number}{grouped}")  # noqa: S608
            params += values
    if looked_through is not None:
        most = f"CASE WHEN {is_first_full} THEN {limit} ELSE 0 END"
        sql, values = looked_through.values_list("pk").query.sql_with_params()
        selects.append(
            f"SELECT {len(counted) - 1}, NULL, COUNT(*) FROM ({sql} LIMIT {most}) looked_through"  # noqa: S608
        )
        params += values
    return CompiledQuery(
        f"WITH {', '.join(tables)} {' UNION ALL '.join(selects)}" * bool(tables), params
    )


class Coverage:
    """The subscriptions that exist for ``partner``, as the filters want them.

    In parts that have no row in common; see ``Parts``, which knows the filters.
    """

    # Up to so many rows are found first and sorted then; more are found while walking them in order.
    MOST_SORTED = MOST_SORTED
    # Of so many customers with a name, the first by name, the subscriptions are looked up.
    FEW_CUSTOMERS = 200

    def __init__(
        self,
        partner: Partner,
        *,
        customer: str = "",
        has_few_customers: bool = False,
        found_customers: Sequence[str] | None = None,
        **filters: Any,
    ) -> None:
        """``customer`` has words of the customer's name.

        ``has_few_customers`` and ``found_customers`` may come from ``CoverageChoices``.
        """
        self.partner, self.filters = partner, filters
        self.words = words_of(customer)
        self.has_few_customers = has_few_customers
        self.found_customers = found_customers
        # Whether the first customers of a name have more than few subscriptions, as ``survey`` finds.
        self.have_first_enough = False

    @cached_property
    def parts(self) -> Parts:
        parts = Parts(
            partner=self.partner.pk,
            may_sell=self.partner.may_sell,
            has_few_customers=self.has_few_customers,
            words=self.words,
            **self.filters,
        )
        if not self.words:
            return parts
        keys = self.found_customers
        if keys is None:
            own = Relationship.objects.active().filter(partner=self.partner)
            named = own.named(self.words).order_by("name_and_domain")
            found = named.values_list("customer", flat=True)[: self.FEW_CUSTOMERS + 1]
            keys = [str(key) for key in found]
        if len(keys) <= self.FEW_CUSTOMERS:
            return parts.replace(customers=tuple(keys))
        return parts.replace(first_customers=tuple(keys[: self.FEW_CUSTOMERS]))

    def querysets(self) -> list[SubscriptionQuerySet]:
        """Return the parts as querysets."""
        return self.parts.querysets()

    def survey(self, limit: int | None = MOST_SORTED + 1) -> tuple[list[int], Counter[str | None]]:
        """Return how many rows each part has, up to ``limit`` (None: all), and how many by contact.

        By contact only where all together are fewer than the limit. One query, whatever the number of
        parts. Where the first has as many as the limit, the number of what was bought elsewhere says how
        many rows are looked through for it; and where the filters find as many in all parts, the others
        are not looked at, and their numbers are given as the limit. So are all, where the first of many
        customers of a name have as many.
        """
        counts, by_contact = [0] * self.parts.number_of_parts, Counter[str | None]()
        found = self.parts.run(_survey, limit)
        self.have_first_enough = (FIRST, None, limit) in found
        if limit is not None and self.have_first_enough:
            return [limit] * len(counts), by_contact
        found = [row for row in found if row[0] != FIRST]
        for number, _contact, count in found:
            counts[number] += count
        if limit is None or sum(counts) < limit:
            for _number, contact, count in found:
                if count:
                    by_contact[contact and dashed(contact)] += count
        elif self.parts.are_even and counts[0] == limit:
            counts[1:] = [limit] * (len(counts) - 1)
        return counts, by_contact

    def read(
        self,
        sort: str,
        counts: list[int],
        order: SortOrder,
        position: Sequence | None,
        limit: int,
    ) -> list:
        """Return up to ``limit`` rows with ``COLUMNS``, as ``SortOrder.read`` does, in one query.

        How each part is read depends on ``counts``, how many rows it has, as in ``survey``.
        """
        parts = self.parts
        if parts.customers is not None and counts[0] > self.MOST_SORTED:
            if sort == "customer":
                # One stands with the other: to walk to them may take long.
                counts = [self.MOST_SORTED]
            else:
                # Even of few customers there are so many that they are soon met.
                parts = parts.replace(customers=None)
                counts = counts * parts.number_of_parts
        elif (
            parts.first_customers
            and self.have_first_enough
            and limit <= self.MOST_SORTED
            and sort == "customer"
            and not (position or order.is_descending)
        ):
            # With theirs the list begins.
            parts = parts.replace(customers=parts.first_customers, first_customers=None)
            counts = [self.MOST_SORTED]
        branches = tuple(
            Branch(
                number, sort, is_walked=count > self.MOST_SORTED or parts.has_in_order(number, sort)
            )
            for number, count in enumerate(counts)
            if count
        )
        if not branches:
            return []
        how = (branches, order, position is not None, limit)
        return parts.run(_page, *how, position=position)
