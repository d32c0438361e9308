"""All subscriptions that a partner sees, across customers, in a form that indexes serve (ADR 0008)."""

import uuid
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from django.core.exceptions import EmptyResultSet
from django.db import connection, models
from django.utils import timezone
from django.utils.functional import cached_property

from portal.models import KeyField, bounded_count, first_keys
from portal.text import fold
from relationships.models import Relationship

from .subscriptions import Subscription

RECENT = timedelta(days=30)

SORTS = {
    "product": ("name_key", KeyField),
    "customer": ("customer_key", KeyField),
    "since": ("contact_changed_at", models.DateTimeField),
}


class Unindexed(models.Func):
    """A column in a form for which no index is used, so that another index is."""

    template = "COALESCE(%(expressions)s, %(expressions)s)"
    arity = 1


def _named(rows, text):
    """Return those of customers whose name contains every word of ``text``."""
    for word in fold(text).split():
        rows = rows.filter(customer_key__contains=word)
    return rows


@dataclass(frozen=True)
class Filters:
    """Which subscriptions to show; what is left out does not matter.

    ``contact`` and ``offer`` are keys, ``customer`` words of the customer's name.
    """

    customer: str = ""
    contact: str = ""
    has_no_contact: bool = False
    offer: str = ""
    status: str = ""
    is_still_with_seller: bool = False
    is_recent: bool = False

    def __bool__(self):
        return self != Filters()

    @property
    def are_even(self):
        """Whether they leave about the same share of what was sold and of what was bought elsewhere."""
        return not (
            self.contact
            or self.has_no_contact
            or self.offer
            or self.status
            or self.is_still_with_seller
        )


class Coverage:
    """The subscriptions that exist for the partner of ``membership``, as ``filters`` wants them.

    In parts that have no row in common. Together they are ``visible_to(membership)``, whose OR no
    index answers; each of the parts is one range of an index.
    """

    # Up to so many rows are found first and sorted then; more are found while walking them in order.
    FEW = 1000
    FEW_CUSTOMERS = 100

    def __init__(
        self, membership, filters=Filters(), *, has_few_customers=False, found_customers=None
    ):
        """``has_few_customers`` and ``found_customers`` may come from ``look``, which spares a query."""
        self.membership, self.filters = membership, filters
        self.has_few_customers = has_few_customers
        self.found_customers = found_customers
        self.partner = membership.partner
        self.relationships = Relationship.objects.active().filter(partner=self.partner)

    @classmethod
    def look(cls, partner, text):
        """Expressions: how many customers ``partner`` has with DAP, and the keys of those named ``text``.

        Up to one more than count as few. The keys are text, with commas.
        """
        own = Relationship.objects.active().filter(partner=partner)
        with_dap = own.filter(has_dap__in=[True])  # as SQLite's index serves it
        found = models.Value("")
        if text:
            most = cls.FEW_CUSTOMERS + 1
            found = first_keys(_named(own, text), "customer", most, by="customer_key")
        return bounded_count(with_dap, cls.FEW + 1, by="customer_key"), found

    def parts(self, sort=None, counts=None):
        """Return the parts as querysets; with ``sort``, each is told how to be read in that order.

        That depends on ``counts``, how many rows each part has, up to one more than ``FEW``.
        """
        parts = self._visible
        if self.filters.is_still_with_seller:
            # Of what the partner sold itself, those with the partner as contact: see ``_filter``.
            sold, *_others = parts
            is_sold = self.partner.may_sell and self.few_customers is None
            parts = [sold if is_sold else sold.filter(support_contact=models.F("seller"))]
        if sort is None:
            return [self._filter(part) for part in parts]
        column, field = SORTS[sort]
        sorted_parts = []
        for part, count in zip(parts, counts, strict=True):
            if count > self.FEW and self.few_customers is None:
                walked = self._filter(part, walked=sort)
                sorted_parts.append(walked.annotate(sort_key=models.F(column)))
            elif count:
                key = Unindexed(column, output_field=field())
                sorted_parts.append(self._filter(part).annotate(sort_key=key))
        return sorted_parts

    @cached_property
    def _visible(self):
        partner = self.partner
        if self.few_customers is not None:
            # All parts at once: so few customers' subscriptions are looked through.
            return [
                Subscription.objects.visible_to(self.membership).filter(
                    customer__in=self.few_customers
                )
            ]
        # Not Exists: of that PostgreSQL may make a join with all the partner's relationships.
        of_customer = self.relationships.filter(customer=models.OuterRef("customer"))
        all_ = Subscription.objects.alias(has_dap=models.Subquery(of_customer.values("has_dap")))
        looked_after = models.Q(has_dap__isnull=False)
        if self.has_few_customers:
            with_dap = self.relationships.filter(has_dap=True).values("customer")
            elsewhere = Subscription.objects.filter(seller=None, customer__in=with_dap)
        else:
            elsewhere = all_.filter(seller=None, has_dap=True)
        if partner.may_sell:
            # It answers for what it sold, and with DAP (C4, C9) for what was bought elsewhere.
            return [all_.filter(looked_after, seller=partner), elsewhere]
        # A reseller sells nothing itself.
        return [
            all_.filter(looked_after, reseller_of_record=partner),
            all_.filter(looked_after, support_contact=partner).exclude(reseller_of_record=partner),
            elsewhere.exclude(support_contact=partner),
        ]

    def _filter(self, part, walked=None):
        """Apply the filters; where ``part`` is ``walked`` in order, by no index but one in that order."""
        filters, wanted = self.filters, []
        if filters.is_still_with_seller and self.partner.may_sell:
            wanted.append(
                ("support_contact", models.UUIDField, "exact", self.partner.pk, "product")
            )
        if filters.contact:
            wanted.append(
                ("support_contact", models.UUIDField, "exact", filters.contact, "product")
            )
        if filters.has_no_contact:
            # By a column that is NULL, no index is read in order.
            wanted.append(("support_contact", models.UUIDField, "isnull", True, None))
        if filters.offer:
            wanted.append(("offer", models.UUIDField, "exact", filters.offer, "customer"))
        if filters.status:
            wanted.append(("status", models.CharField, "exact", filters.status, "product"))
        if filters.is_recent:
            since = timezone.now() - RECENT
            wanted.append(("contact_changed_at", models.DateTimeField, "gte", since, "since"))
        has_index = False
        for column, field, lookup, value, served in wanted:
            if walked and (has_index or served != walked):
                hidden = Unindexed(column, output_field=field())
                part = part.alias(**{f"{column}_hidden": hidden})
                column = f"{column}_hidden"
            has_index = has_index or served == walked
            part = part.filter(**{f"{column}__{lookup}": value})
        return _named(part, filters.customer) if self.few_customers is None else part

    @cached_property
    def few_customers(self):
        """The keys of the customers that match, or None where there are more than a few."""
        if not self.filters.customer:
            return None
        keys = self.found_customers
        if keys is None:
            found = _named(self.relationships, self.filters.customer)
            keys = list(found.values_list("customer", flat=True)[: self.FEW_CUSTOMERS + 1])
        return keys if len(keys) <= self.FEW_CUSTOMERS else None

    def _counted_by(self):
        """The order in which an index has what the filters leave, so that it is counted along it."""
        filters = self.filters
        if self.few_customers is not None or filters.has_no_contact:
            return []
        if filters.offer:
            key = "customer_key"
        elif filters.contact or filters.is_still_with_seller or filters.status:
            key = "name_key"
        else:
            key = "contact_changed_at" if filters.is_recent else "customer_key"
        return [key, "pk"]

    def survey(self, limit=FEW + 1):
        """Return how many rows each part has, up to ``limit`` (None: all), and how many by contact.

        One query, whatever the number of parts. Where the first has as many as the limit and the filters
        find as many in the others, these are not looked at, and their numbers are given as the limit.
        """
        parts = self.parts()
        counts, by_contact = [0] * len(parts), Counter[uuid.UUID | None]()
        is_first_enough = limit is not None and self.filters.are_even
        tables, selects, params = [], [], []
        for number, part in enumerate(parts):
            contacts = part.order_by(*self._counted_by()).values_list("support_contact")
            if number and is_first_enough:
                first = "(SELECT COUNT(*) FROM part_0)"
                most = f"CASE WHEN {first} < {limit:d} THEN {limit:d} ELSE 0 END"
            else:
                most = limit and f"{limit:d}"
            with suppress(EmptyResultSet):
                sql, values = contacts.query.sql_with_params()
                bound = f"{sql} LIMIT {most}" if most else sql
                tables.append(f"part_{number} (contact) AS ({bound})")
                selects.append(
                    f"SELECT {number}, contact, COUNT(*) FROM part_{number} GROUP BY contact"  # noqa: S608
                )
                params += values
        if tables:
            with connection.cursor() as cursor:
                cursor.execute(
                    f"WITH {', '.join(tables)} {' UNION ALL '.join(selects)}", tuple(params)
                )
                for number, contact, count in cursor.fetchall():
                    counts[number] += count
                    by_contact[contact and uuid.UUID(str(contact))] += count
        if is_first_enough and counts[0] == limit:
            counts[1:] = [limit] * (len(counts) - 1)
        return counts, by_contact
