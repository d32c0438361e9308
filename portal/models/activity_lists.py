"""The lists of the activity log."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import MINYEAR, UTC, date, datetime, time, timedelta, tzinfo
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Self

from django.db import models

from lists.compiled_queries import BindParameter, CompiledQuery
from lists.expressions import KeyArray, KeyText, NumberArray, WithoutIndex, having_any, having_words
from lists.keyset import SortOrder
from lists.list_queries import MOST_SORTED, ListQuery, seek
from portal.text import words_of

from .activity import ActivityEntry
from .activity_readers import ActivityReader
from .actors import Actor

if TYPE_CHECKING:
    from .memberships import Membership

# Of so many customers of a name, the first by name, the entries are looked up instead of looked through.
FEW_CUSTOMERS = 600

# What is read of an entry, beside what it is sorted by, its action and customer.
OF_ENTRY = ("actor", "subject", "before", "after", "reason", "address")


def _beginning(day: date, zone: tzinfo, days: int = 0) -> datetime:
    """The moment at which a day begins in a zone, or the one so many ``days`` later, as UTC has it.

    Where the calendar of UTC ends before, it is the first or the last moment that there is.
    """
    try:
        begun = datetime.combine(day + timedelta(days=days), time.min, tzinfo=zone)
        return begun.astimezone(UTC)
    except OverflowError:
        end = datetime.min if day.year == MINYEAR else datetime.max
        return end.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class _CustomersNamed(ListQuery):
    """The customers whose name contains every one of the words."""

    def queryset(self) -> models.QuerySet:
        customers = ActivityEntry._meta.get_field("customer").related_model._default_manager.all()
        return having_words(customers, self.words, "name_key")


@lru_cache(maxsize=20)
def _few(customers: _CustomersNamed, most: int) -> CompiledQuery:
    found = customers.queryset().order_by("name_key").annotate(key=KeyText("pk"))
    return CompiledQuery.rows_of(found[: most + 1], "key")


@dataclass(frozen=True, kw_only=True)
class _Actors(ListQuery):
    PARAMETERS = {"keys": BindParameter("keys", NumberArray())}
    keys: tuple[int, ...] | BindParameter

    def queryset(self) -> models.QuerySet:
        return having_any(Actor.objects.order_by(), "pk", self.keys)


@lru_cache(maxsize=1)
def _all_of(actors: _Actors) -> CompiledQuery:
    return CompiledQuery.rows_of(
        actors.queryset(), *(field.attname for field in Actor._meta.concrete_fields)
    )


def actors_of(keys: Iterable[int]) -> dict[int, Actor]:
    """Return the ``Actor``s with these keys, by key."""
    rows = _Actors(keys=tuple(keys)).run(_all_of)
    return {row.id: Actor.from_db(None, row._fields, row) for row in rows}


@dataclass(frozen=True, kw_only=True)
class LogOf(ListQuery):
    """The activity log of one organisation, ``partner`` or ``customer``, by its key (T1).

    Where other records of the firm were joined into that of the customer, ``records`` has the keys of all.

    For a partner these are the rows by which it may read the entries, where indexes serve it. Only from
    ``since`` until just before ``until``, only one ``action``, where these are given. Where words of a
    customer's name are looked for, ``customers`` has the keys of the first of them, and ``are_all`` says
    whether there are more.
    """

    PARAMETERS = {
        "partner": BindParameter("partner", models.UUIDField()),
        "customer": BindParameter("customer", models.UUIDField()),
        "records": BindParameter("records", KeyArray()),
        "since": BindParameter("since", models.DateTimeField()),
        "until": BindParameter("until", models.DateTimeField()),
        "action": BindParameter("action", models.CharField()),
        "customers": BindParameter("customers", KeyArray()),
    }
    # What is read of an entry: ``read_at`` and ``read_id`` are what it is sorted by.
    COLUMNS = (
        "read_at",
        "read_id",
        "action",
        *(f"read_{name}" for name in OF_ENTRY),
        "customer__name",
    )

    partner: uuid.UUID | BindParameter | None = None
    customer: uuid.UUID | BindParameter | None = None
    records: tuple[uuid.UUID, ...] | BindParameter | None = None
    since: datetime | BindParameter | None = None
    until: datetime | BindParameter | None = None
    action: str | BindParameter = ""
    customers: tuple[str, ...] | BindParameter | None = None
    are_all: bool = True

    def __post_init__(self) -> None:
        if bool(self.partner) == bool(self.customer):
            raise ValueError("A log is that of one partner or one customer (T1).")

    @classmethod
    def of(
        cls,
        membership: "Membership",
        *,
        start: date | None = None,
        end: date | None = None,
        customer: str = "",
        action: str = "",
        tzinfo: tzinfo = UTC,
    ) -> Self:
        """Return the log of ``membership`` from day to day (both included) in a zone, of one kind.

        ``customer`` has words of the name of the customers it tells of.
        """
        words = words_of(customer)
        records = tuple(membership.customer.record_keys) if membership.customer else ()
        keys = None
        if words:
            keys = [key for (key,) in _CustomersNamed(words=words).run(_few, FEW_CUSTOMERS)]
        return cls(
            partner=membership.partner_id,
            customer=membership.customer_id,
            records=records if len(records) > 1 else None,
            since=_beginning(start, tzinfo) if start else None,
            until=_beginning(end, tzinfo, days=1) if end else None,
            action=action,
            words=words,
            customers=keys if keys is None else tuple(keys[:FEW_CUSTOMERS]),
            are_all=keys is None or len(keys) <= FEW_CUSTOMERS,
        )

    @property
    def are_few_customers(self) -> bool:
        return self.customers is not None and self.are_all

    @cached_property
    def count_to_few(self) -> int:
        """How many entries tell of customers with that name; beyond ``MOST_SORTED``, one more."""
        [[count]] = self.run(_count_to_few, MOST_SORTED)
        return count

    def count_before(self, order: SortOrder) -> int | None:
        return None if self.customers is None else self.count_to_few

    def read(
        self,
        columns: tuple[str, ...],
        order: SortOrder,
        position: Sequence | None,
        limit: int | None,
    ) -> list:
        if self.are_few_customers and self.count_to_few <= MOST_SORTED:
            how = (columns, order, position is not None, limit)
            return self.run(_page_of_few, *how, position=position)
        # Of many, even if they are of few customers, enough are soon met among the newest.
        return super().read(columns, order, position, limit)

    def queryset(self) -> models.QuerySet:
        return self.shown(self.queryset_to_count())

    def queryset_to_count(self) -> models.QuerySet:
        """Return the rows in a form that is read along their times."""
        rows = self._rows(models.F("at"))
        if self.are_few_customers:
            return having_any(rows, "customer", self.customers)
        return having_words(rows, self.words, "customer__name_key")

    def by_customer(self) -> models.QuerySet:
        """Return the rows of ``customers`` in a form that is read customer by customer."""
        rows = self._rows(WithoutIndex("at", output_field=models.DateTimeField()))
        return having_any(rows, "customer", self.customers)

    def entries(self, keys: Any) -> models.QuerySet:
        """Return the rows of the entries with these ``keys``, a queryset."""
        entry = "activityentry" if self.partner else "pk"
        return self._rows(models.F("at")).filter(**{f"{entry}__in": keys})

    def shown(self, rows: models.QuerySet) -> models.QuerySet:
        place = "activityentry__" if self.partner else ""
        return rows.annotate(**{f"read_{name}": models.F(f"{place}{name}") for name in OF_ENTRY})

    def _rows(self, at: models.Expression | models.F) -> models.QuerySet:
        if self.partner:
            rows: models.QuerySet
            rows, entry = ActivityReader.objects.filter(partner=self.partner), "activityentry"
        elif self.records:
            rows, entry = having_any(ActivityEntry.objects.all(), "customer", self.records), "pk"
        else:
            rows, entry = ActivityEntry.objects.filter(customer=self.customer), "pk"
        rows = rows.annotate(read_at=at, read_id=models.F(entry))
        if self.since:
            rows = rows.filter(read_at__gte=self.since)
        if self.until:
            rows = rows.filter(read_at__lt=self.until)
        if self.action:
            rows = rows.filter(action=self.action)
        return rows


@lru_cache(maxsize=100)
def _count_to_few(log: LogOf, most: int) -> CompiledQuery:
    few = CompiledQuery.count_of(log.by_customer().values("read_id")[: most + 1])
    if log.are_all:
        return few
    # The first customers have enough, or all are counted.
    newest = log.queryset_to_count().order_by("-read_at", "-read_id")
    every = CompiledQuery.count_of(newest.values("read_at")[: most + 1])
    return CompiledQuery(
        f"WITH few (number) AS ({few.sql})"  # noqa: S608
        f" SELECT CASE WHEN number > {most} THEN number ELSE ({every.sql}) END FROM few",
        [*few.params, *every.params],
    )


@lru_cache(maxsize=100)
def _page_of_few(
    log: LogOf, columns: tuple[str, ...], order: SortOrder, is_after: bool, limit: int | None
) -> CompiledQuery:
    # The page is picked by what the index holds; only its entries are read.
    page = seek(log.by_customer(), order, is_after).values("read_id")[:limit]
    return CompiledQuery.rows_of(order.sort(log.shown(log.entries(page))), *columns)
