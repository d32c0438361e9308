"""All subscriptions that a partner sees, across customers, for lists and counts (ADR 0008)."""

from collections import Counter
from contextlib import suppress
from functools import lru_cache

from django.core.exceptions import EmptyResultSet
from django.db import models
from django.utils.functional import cached_property

from portal.models import AFTER, KeyText, Prepared, dashed
from portal.text import words_of
from relationships.models import Relationship

from .coverage_parts import SORTS, Branch, Parts
from .subscriptions import Subscription

# What a row of the list shows.
COLUMNS = (
    "pk",
    "sort_key",
    "of_customer",
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
    "of_seller": KeyText("seller_id"),
    "of_record": KeyText("reseller_of_record_id"),
    "of_contact": KeyText("support_contact_id"),
}


@lru_cache(maxsize=500)
def _page(parts, branches, order, is_after, limit):
    """Compose what reads a page of the list: the first rows of each of the parts, and of these the first."""
    read = []
    for branch in branches:
        rows = parts.queryset(branch)
        if is_after:
            rows = order.after(rows, AFTER)
        rows = order.sort(rows)[:limit]
        if not branch.is_walked:
            # The page is picked by what the index holds; only its rows are read.
            page = Subscription.objects.filter(pk__in=rows.values("pk"))
            rows = order.sort(page.annotate(sort_key=models.F(SORTS[branch.sort][0])))
        read.append(Prepared.rows_of(rows.annotate(**KEYS), *COLUMNS))
    tables = ", ".join(f"part_{number} AS ({one.sql})" for number, one in enumerate(read))
    rows = " UNION ALL ".join(f"SELECT * FROM part_{number}" for number in range(len(read)))  # noqa: S608
    way = "DESC" if order.is_descending else "ASC"
    places = ", ".join(f"{COLUMNS.index(name) + 1} {way}" for name in (order.key, order.pk))
    return Prepared(
        f"WITH {tables} {rows} ORDER BY {places} LIMIT {limit:d}",
        [value for one in read for value in one.params],
        read[0].convert,
        read[0].make,
    )


@lru_cache(maxsize=500)
def _survey(parts, limit):
    """Compose what counts the rows of each of the parts by contact; see ``Coverage.survey``."""
    contact, grouped = (
        ("MIN(contact)", "") if parts.have_one_contact else ("contact", " GROUP BY contact")
    )
    is_first_full = f"(SELECT COUNT(*) FROM part_0) = {limit}"  # noqa: S608
    looked_through = parts.looked_through() if limit else None
    counted = parts.counted()
    tables, selects, params = [], [], []
    for number, part in enumerate(counted):
        most = limit
        is_last = looked_through is not None and number == len(counted) - 1
        if number and limit and (parts.are_even or is_last):
            most = f"CASE WHEN {is_first_full} THEN 0 ELSE {limit} END"
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
    return Prepared(
        f"WITH {', '.join(tables)} {' UNION ALL '.join(selects)}" * bool(tables), params
    )


class Coverage:
    """The subscriptions that exist for the partner of ``membership``, as the filters want them.

    In parts that have no row in common; see ``Parts``, which knows the filters.
    """

    # Up to so many rows are found first and sorted then; more are found while walking them in order.
    FEW = 1000
    FEW_CUSTOMERS = 100

    def __init__(
        self, membership, *, customer="", has_few_customers=False, found_customers=None, **filters
    ):
        """``customer`` has words of the customer's name.

        ``has_few_customers`` and ``found_customers`` may come from ``CoverageChoices``.
        """
        self.partner, self.filters = membership.partner, filters
        self.words = words_of(customer)
        self.has_few_customers = has_few_customers
        self.found_customers = found_customers

    @cached_property
    def few_customers(self):
        """The keys of the customers that match, or None where there are more than a few."""
        if not self.words:
            return None
        keys = self.found_customers
        if keys is None:
            own = Relationship.objects.active().filter(partner=self.partner)
            found = own.named(self.words).values_list("customer", flat=True)
            keys = found[: self.FEW_CUSTOMERS + 1]
        return tuple(keys) if len(keys) <= self.FEW_CUSTOMERS else None

    @cached_property
    def parts(self):
        return Parts(
            partner=self.partner.pk,
            may_sell=self.partner.may_sell,
            has_few_customers=self.has_few_customers,
            customers=self.few_customers,
            words=self.words,
            **self.filters,
        )

    def querysets(self):
        """Return the parts as querysets."""
        return self.parts.querysets()

    def survey(self, limit=FEW + 1):
        """Return how many rows each part has, up to ``limit`` (None: all), and how many by contact.

        By contact only where all together are fewer than the limit. One query, whatever the number of
        parts. Where the first has as many as the limit, the number of what was bought elsewhere says how
        many rows are looked through for it; and where the filters find as many in all parts, the others
        are not looked at, and their numbers are given as the limit.
        """
        counts, by_contact = [0] * self.parts.count, Counter[str | None]()
        found = self.parts.run(_survey, limit)
        for number, _contact, count in found:
            counts[number] += count
        if limit is None or sum(counts) < limit:
            for _number, contact, count in found:
                if count:
                    by_contact[contact and dashed(contact)] += count
        if self.parts.are_even and counts[0] == limit:
            counts[1:] = [limit] * (len(counts) - 1)
        return counts, by_contact

    def read(self, sort, counts, order, position, limit):
        """Return up to ``limit`` rows with ``COLUMNS``, as ``Order.read`` does, in one query.

        How each part is read depends on ``counts``, how many rows it has, as in ``survey``.
        """
        is_long = self.few_customers is None
        branches = tuple(
            Branch(number, sort, is_walked=is_long and count > self.FEW)
            for number, count in enumerate(counts)
            if count
        )
        if not branches:
            return []
        how = (branches, order, position is not None, limit)
        return self.parts.run(_page, *how, position=position)
