"""The lists of the activity log."""

import uuid
from dataclasses import dataclass
from datetime import MINYEAR, UTC, datetime, time
from functools import lru_cache

from django.db import models

from portal.text import words_of

from .activity import ActivityEntry
from .activity_readers import ActivityReader
from .actors import Actor
from .prepared import Parameter, Prepared, Question, containing, having_one_of
from .texts import KeyText
from .users import User

# Up to this many customers of a name, their entries are looked up instead of looked through.
FEW_CUSTOMERS = 200

# What is read of an entry, beside what it is sorted by, its action and customer.
OF_ENTRY = ("actor", "subject", "before", "after", "reason", "address")


def _moment(day, at, tzinfo):
    """A time of a day in a zone; the first or the last that there is where UTC has it no more."""
    try:
        return datetime.combine(day, at, tzinfo=tzinfo).astimezone(UTC)
    except OverflowError:
        end = datetime.min if day.year == MINYEAR else datetime.max
        return end.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class _CustomersNamed(Question):
    """The customers whose name contains every one of the words."""

    def queryset(self):
        customers = ActivityEntry._meta.get_field("customer").related_model.objects.all()
        return containing(customers, self.words, "name_key")


@lru_cache(maxsize=20)
def _few(customers, most):
    found = customers.queryset().order_by("name_key").annotate(key=KeyText("pk"))
    return Prepared.rows_of(found[: most + 1], "key")


@dataclass(frozen=True, kw_only=True)
class _Users(Question):
    LISTS = {"keys": models.UUIDField}
    keys: tuple[uuid.UUID | Parameter, ...]

    def queryset(self):
        return User.objects.filter(pk__in=self.keys).order_by()


@lru_cache(maxsize=100)
def _named(users):
    return Prepared.rows_of(
        users.queryset(),
        "pk",
        "name",
        "email",
        "membership__partner",
        "membership__customer",
        "membership__partner__name",
        "membership__customer__name",
    )


def actors_of(keys):
    """Return the users with these keys as ``Actor``s, by key."""
    return {
        key: Actor(name or email, partner, customer, of_partner or of_customer or "")
        for key, name, email, partner, customer, of_partner, of_customer in (
            _Users(keys=tuple(keys)).run(_named)
        )
    }


@dataclass(frozen=True, kw_only=True)
class LogOf(Question):
    """The activity log of one organisation, ``partner`` or ``customer``, by its key (T1).

    For a partner these are the rows by which it may read the entries, where indexes serve it. Only from
    ``since`` to ``until``, only one ``action``, where these are given. ``customers``, where given, are the
    keys of the few customers with the name that is looked for.
    """

    PARAMETERS = {
        "partner": Parameter("partner", models.UUIDField()),
        "customer": Parameter("customer", models.UUIDField()),
        "since": Parameter("since", models.DateTimeField()),
        "until": Parameter("until", models.DateTimeField()),
        "action": Parameter("action", models.CharField()),
    }
    LISTS = {**Question.LISTS, "customers": models.UUIDField}
    # What is read of an entry: ``read_at`` and ``read_id`` are what it is sorted by.
    COLUMNS = (
        "read_at",
        "read_id",
        "action",
        *(f"read_{name}" for name in OF_ENTRY),
        "customer__name",
    )

    partner: uuid.UUID | Parameter | None = None
    customer: uuid.UUID | Parameter | None = None
    since: datetime | Parameter | None = None
    until: datetime | Parameter | None = None
    action: str | Parameter = ""
    customers: tuple[str | Parameter, ...] | None = None

    @classmethod
    def asked(cls, membership, *, start=None, end=None, customer="", action="", tzinfo=UTC):
        """Return the log of ``membership`` from day to day (both included) in a zone, of one kind.

        ``customer`` has words of the name of the customers it tells of.
        """
        words = words_of(customer)
        customers = None
        if words:
            found = _CustomersNamed(words=words).run(_few, FEW_CUSTOMERS)
            # More are soon met among the newest entries.
            if len(found) <= FEW_CUSTOMERS:
                customers = tuple(key for (key,) in found)
        return cls(
            partner=membership.partner_id,
            customer=membership.customer_id,
            since=start and _moment(start, time.min, tzinfo),
            until=end and _moment(end, time.max, tzinfo),
            action=action,
            words=words,
            customers=customers,
        )

    def queryset_to_count(self):
        if self.partner:
            rows, entry = ActivityReader.objects.filter(partner=self.partner), "activityentry"
        else:
            rows, entry = ActivityEntry.objects.filter(customer=self.customer), "pk"
        if self.since:
            rows = rows.filter(at__gte=self.since)
        if self.until:
            rows = rows.filter(at__lte=self.until)
        if self.action:
            rows = rows.filter(action=self.action)
        if self.customers is not None:
            rows = having_one_of(rows, "customer", self.customers)
        else:
            rows = containing(rows, self.words, "customer__name_key")
        return rows.annotate(read_at=models.F("at"), read_id=models.F(entry))

    def queryset(self):
        place = "activityentry__" if self.partner else ""
        shown = {f"read_{name}": models.F(f"{place}{name}") for name in OF_ENTRY}
        return self.queryset_to_count().annotate(**shown)
