"""The subscriptions that a partner sees, in parts that indexes serve, and how each is read (ADR 0008)."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import models

from lists.compiled_queries import BindParameter
from lists.expressions import KeyArray, WithoutIndex, having_any, having_words
from lists.keyset import SortOrder
from lists.list_queries import ListQuery
from portal.models import KeyField
from relationships.models import Relationship

from .querysets import SubscriptionQuerySet, SubscriptionStatus
from .subscriptions import Subscription

SORTS = {
    "product": ("name_key", KeyField),
    "customer": ("customer_key", KeyField),
    "since": ("contact_changed_at", models.DateTimeField),
}
# The same as the orders of a list. Where thousands have one product, they stand by customer.
ORDERS = {
    "product": SortOrder("sort_key", then="customer_key"),
    "customer": SortOrder("sort_key"),
    "since": SortOrder("sort_key", is_descending=True),
}

Key = uuid.UUID | str | BindParameter


class Branch(NamedTuple):
    """How one part is read for a list: ``sort`` says in which order, ``number`` which part.

    ``is_walked``: along an index in that order, as there are many rows. Few are found first and sorted then.
    """

    number: int
    sort: str
    is_walked: bool


class Wanted(NamedTuple):
    """One filter: what of which column; ``sorts`` are the orders in which an index serves it."""

    column: str
    field: type[models.Field]
    lookup: str
    value: Any
    sorts: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Parts(ListQuery):
    """The subscriptions that exist for ``partner``, in parts without a common row.

    Together they are ``visible_to``, whose OR no index answers; each of the parts is one range of an
    index. ``customers``, where given, are the keys of the few customers with the name that is looked for,
    ``first_customers`` of the first of many.
    The rest says which subscriptions to show, and what is left out does not matter: ``partner``,
    ``contact`` and ``offer`` are keys, ``since`` is when the contact changed at the earliest.
    """

    PARAMETERS = {
        "partner": BindParameter("partner", models.UUIDField()),
        "contact": BindParameter("contact", models.UUIDField()),
        "offer": BindParameter("offer", models.UUIDField()),
        "since": BindParameter("since", models.DateTimeField()),
        "customers": BindParameter("customers", KeyArray()),
        "first_customers": BindParameter("first_customers", KeyArray()),
    }

    partner: Key
    may_sell: bool
    has_few_customers: bool = False
    customers: tuple[str, ...] | BindParameter | None = None
    first_customers: tuple[str, ...] | BindParameter | None = None

    contact: Key = ""
    has_no_contact: bool = False
    offer: Key = ""
    status: str = ""
    is_still_with_seller: bool = False
    since: datetime | BindParameter | None = None

    @property
    def are_even(self) -> bool:
        """Whether the filters leave about the same share of what was sold as of what was bought elsewhere."""
        return not (
            self.contact
            or self.has_no_contact
            or self.offer
            or self.status == SubscriptionStatus.SUSPENDED
            or self.is_still_with_seller
        )

    @property
    def have_one_contact(self) -> bool:
        """Whether the filters leave nothing that anybody else answers for."""
        is_own = self.is_still_with_seller and self.may_sell
        return bool(self.contact or self.has_no_contact or is_own)

    @property
    def number_of_parts(self) -> int:
        """How many parts there are."""
        if self.customers is not None or self.is_still_with_seller:
            return 1
        return 2 if self.may_sell else 3

    def querysets(self) -> list[SubscriptionQuerySet]:
        return [self._filter(part, number) for number, part in enumerate(self._parts())]

    def queryset_of(self, branch: Branch) -> SubscriptionQuerySet:
        """Return one of the parts in a form that is read as ``branch`` says, with its ``sort_key``."""
        part = self._parts()[branch.number]
        column, field = SORTS[branch.sort]
        if branch.is_walked:
            return self._filter(part, branch.number, walked=branch.sort).annotate(
                sort_key=models.F(column)
            )
        key = WithoutIndex(column, output_field=field())
        return self._filter(part, branch.number).annotate(sort_key=key)

    def counted(self) -> list[SubscriptionQuerySet]:
        """Return the parts in the order in which an index has what the filters leave."""
        parts = [part.order_by(*self._counted_by()) for part in self.querysets()]
        is_alone = len(self._wanted) == 1 and not (self.words or self.is_still_with_seller)
        if self.has_no_contact and is_alone:
            # In the order of customers: so stand the relationships too that are asked for.
            elsewhere = self._filter(self._parts()[-1], len(parts) - 1, walked="customer_id")
            parts[-1] = elsewhere.order_by("customer_id", "pk")
        return parts

    def looked_through(self) -> SubscriptionQuerySet | None:
        """Return what is looked through to find the last part, all that was bought elsewhere.

        None where it is found otherwise, or is as long as the first wherever that one is long.
        """
        if self.customers is not None or self.has_few_customers or self.is_still_with_seller:
            return None
        # Of what was sold here nothing is without a contact (C2), so that part is never long.
        if self.are_even or self.has_no_contact:
            return None
        found = self._filter(Subscription.objects.filter(seller=None), self.number_of_parts - 1)
        return found.order_by(*self._counted_by())

    def has_in_order(self, number: int, sort: str) -> bool:
        """Whether an index has just what the filters leave of a part, in the order of ``sort``."""
        if not self.may_sell or self.words or (number and self.has_few_customers):
            return False
        wanted = self._wanted
        return not wanted or (len(wanted) == 1 and sort in wanted[0].sorts)

    def counted_first(self) -> SubscriptionQuerySet | None:
        """Return what the first of many customers have: mostly it is more than is counted. Else None.

        Of a seller, what it sold to them, for which no relationship is asked.
        """
        if not self.first_customers:
            return None
        if not self.may_sell:
            [found] = self.replace(customers=self.first_customers).querysets()
            return found
        first, *_others = self.replace(words=()).querysets()
        return having_any(first, "customer", self.first_customers)

    def _counted_by(self) -> list[str]:
        if self.customers is not None or self.has_no_contact:
            return []
        if self.offer:
            return ["customer_key", "pk"]
        if self.contact or self.is_still_with_seller or self.status == SubscriptionStatus.SUSPENDED:
            return ["name_key", "customer_key", "pk"]
        return ["contact_changed_at" if self.since else "customer_key", "pk"]

    def _parts(self) -> list[SubscriptionQuerySet]:
        parts = self._visible()
        if self.is_still_with_seller:
            # Of what the partner sold itself, those with the partner as contact: see ``_filter``.
            sold, *_others = parts
            is_sold = self.may_sell and self.customers is None
            return [sold if is_sold else sold.filter(support_contact=models.F("seller"))]
        return parts

    def _visible(self) -> list[SubscriptionQuerySet]:
        partner: Any = self.partner
        relationships = Relationship.objects.active().filter(partner=partner)
        # Not Exists: of that PostgreSQL may make a join with all the partner's relationships.
        of_customer = relationships.filter(customer=models.OuterRef("customer"))
        all_ = Subscription.objects.alias(has_dap=models.Subquery(of_customer.values("has_dap")))
        looked_after = models.Q(has_dap__isnull=False)
        if self.customers is not None:
            # All parts at once: so few customers' subscriptions are looked through.
            of_few = having_any(all_.filter(looked_after), "customer", self.customers)
            return [
                of_few.filter(
                    models.Q(seller=partner)
                    | models.Q(reseller_of_record=partner)
                    | models.Q(support_contact=partner)
                    | models.Q(seller=None, has_dap=True)
                )
            ]
        if self.has_few_customers:
            with_dap = relationships.filter(has_dap=True).values("customer")
            elsewhere = Subscription.objects.filter(seller=None, customer__in=with_dap)
        else:
            elsewhere = all_.filter(seller=None, has_dap=True)
        if self.may_sell:
            # It answers for what it sold, and with DAP (C4, C9) for what was bought elsewhere.
            return [Subscription.objects.filter(visible_seller=partner), elsewhere]
        # A reseller sells nothing itself.
        return [
            all_.filter(looked_after, reseller_of_record=partner),
            all_.filter(looked_after, support_contact=partner).exclude(reseller_of_record=partner),
            elsewhere.exclude(support_contact=partner),
        ]

    def _filter(
        self, part: SubscriptionQuerySet, number: int, walked: str | None = None
    ) -> SubscriptionQuerySet:
        """Apply the filters; where ``part`` is ``walked`` in order, by no index but one in that order."""
        # By that alone (almost) nothing is found of what was sold, whatever else is wanted (C2).
        is_by_contact_alone = self.has_no_contact and self.may_sell and number == 0
        has_index = False
        for column, field, lookup, value, sorts in self._wanted:
            is_hidden = walked and (has_index or walked not in sorts)
            if is_hidden or (is_by_contact_alone and lookup != "isnull"):
                hidden = WithoutIndex(column, output_field=field())
                part = part.alias(**{f"{column}_hidden": hidden})
                column = f"{column}_hidden"
            has_index = has_index or walked in sorts
            part = part.filter(**{f"{column}__{lookup}": value})
        return having_words(part, self.words, "customer_key") if self.customers is None else part

    @property
    def _wanted(self) -> list[Wanted]:
        contact, field = "support_contact", models.UUIDField
        wanted = []
        if self.is_still_with_seller and self.may_sell:
            wanted.append(Wanted(contact, field, "exact", self.partner, ("product",)))
        if self.contact:
            wanted.append(Wanted(contact, field, "exact", self.contact, ("product",)))
        if self.has_no_contact:
            # By a column that is NULL, no index is read in order.
            wanted.append(Wanted(contact, field, "isnull", True, ()))
        if self.offer:
            # Its name and the product's are mostly the same: the list would be walked to where it stands.
            sorts = ("customer", "product")
            wanted.append(Wanted("offer", models.UUIDField, "exact", self.offer, sorts))
        if self.status:
            wanted.append(Wanted("status", models.CharField, "exact", self.status, ("product",)))
        if self.since:
            changed = "contact_changed_at"
            wanted.append(Wanted(changed, models.DateTimeField, "gte", self.since, ("since",)))
        return wanted
