"""The lists of a partner's customers."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from django.db import models
from django.db.models.functions import Coalesce

from lists.compiled_queries import BindParameter
from lists.expressions import KeyText, having_words
from lists.keyset import SortOrder
from lists.list_queries import MOST_SORTED, ListQuery
from portal.models import Membership, Partner
from portal.text import words_of

from .relationship_querysets import RelationshipQuerySet
from .relationships import Relationship

BY_NAME = SortOrder("listed_key", "listed_id")
BY_CUSTOMER = SortOrder("listed_id", "listed_id")


@dataclass(frozen=True, kw_only=True)
class CustomersOfPartner(ListQuery):
    """The customers of ``partner``, by its key: its active relationships.

    Only those with DAP or without (``has_dap``), only those of ``reseller`` too, where these are given; with
    ``reseller_has_dap`` only those where the reseller has DAP, or where it has none, with a relationship or
    not. A customer has every one of the words in its name or domain; case and accents do not count, and a
    word may stand inside another. What a list sorts by and shows of the relationship is named ``listed_…``.
    """

    PARAMETERS = {
        "partner": BindParameter("partner", models.UUIDField()),
        "reseller": BindParameter("reseller", models.UUIDField()),
    }

    partner: uuid.UUID | BindParameter | None
    reseller: uuid.UUID | str | BindParameter | None = None
    has_dap: bool | None = None
    reseller_has_dap: bool | None = None
    # Whether the many customers of a reseller are read in the order in which the partner's own began.
    is_walked: bool = False

    @classmethod
    def of(
        cls,
        membership: Membership,
        *,
        q: str = "",
        dap: bool | None = None,
        reseller: str = "",
        reseller_dap: bool | None = None,
    ) -> Self:
        """Return the customers of the partner of ``membership``, with the words of ``q``."""
        return cls(
            partner=membership.partner_id,
            reseller=reseller,
            has_dap=dap,
            reseller_has_dap=reseller_dap,
            words=words_of(q),
        )

    @cached_property
    def count_to_few(self) -> int:
        """How many there are; beyond ``MOST_SORTED``, one more."""
        return self.count(BY_NAME if self.words else BY_CUSTOMER, None, MOST_SORTED + 1)

    @property
    def is_of_reseller(self) -> bool:
        """Whether it is among the reseller's own customers that one looks."""
        return bool(self.reseller) and self.reseller_has_dap is not False

    def count_before(self, order: SortOrder) -> int | None:
        return self.count_to_few if self.is_of_reseller else None

    def read(
        self,
        columns: tuple[str, ...],
        order: SortOrder,
        position: Sequence | None,
        limit: int | None,
    ) -> list:
        is_by_start = self.is_of_reseller and order.key == "listed_since"
        if is_by_start and not self.is_walked and self.count_to_few > MOST_SORTED:
            return self.replace(is_walked=True).read(columns, order, position, limit)
        return super().read(columns, order, position, limit)

    def queryset(self) -> RelationshipQuerySet:
        return self._rows(["customer", "name_and_domain"])

    def queryset_to_count(self) -> RelationshipQuerySet:
        # Where no name is looked at, in the order of the customers, whose index holds the partners, too.
        return self._rows(["customer", "name_and_domain"] if self.words else ["customer"])

    def _rows(self, same: Sequence[str]) -> RelationshipQuerySet:
        rows = self._related(same).annotate(
            listed_key=models.F("name_and_domain"),
            listed_domain=models.F("customer_domain"),
            listed_id=models.F("customer_id"),
        )
        if self.has_dap is not None:
            # Not ``listed_dap=…``: for a bare boolean column SQLite uses no index.
            rows = rows.filter(listed_dap__in=[self.has_dap])
        return having_words(rows, self.words, "listed_key")

    def _related(self, same: Sequence[str]) -> RelationshipQuerySet:
        active = Relationship.objects.active()
        own = active.filter(partner=self.partner)
        listed = own.annotate(listed_dap=models.F("has_dap"), listed_since=models.F("started_at"))
        if not self.reseller:
            return listed
        theirs = active.filter(partner=self.reseller)
        if not self.is_of_reseller:
            return self._without_rights(listed, theirs)
        if self.reseller_has_dap:
            theirs = theirs.filter(has_dap__in=[True])
        if self.is_walked:
            theirs = theirs.filter(customer=models.OuterRef("customer"))
            both = listed.alias(is_theirs=models.Subquery(theirs.values("has_dap")))
            return both.filter(is_theirs__isnull=False)
        # The rows of the reseller, mostly the fewer, each with what there is of the partner. Not a join: it
        # would go by way of the customers. Not Exists: of that PostgreSQL may make one. By name as well:
        # so both are read in the same order, each from the index that holds all of it.
        own = own.filter(**{column: models.OuterRef(column) for column in same})
        beside = theirs.annotate(
            listed_dap=models.Subquery(own.values("has_dap")),
            listed_since=models.Subquery(own.values("started_at")),
        )
        return beside.filter(listed_dap__isnull=False)

    def _without_rights(
        self, listed: RelationshipQuerySet, theirs: RelationshipQuerySet
    ) -> RelationshipQuerySet:
        """Those of the partner's rows where the reseller has no DAP, with its last relationship, if any."""
        # Looked up for each row of the partner, in the order of the list: mostly a reseller has few of them.
        rights = theirs.filter(customer=models.OuterRef("customer")).values("has_dap")
        both = models.Q(partner=self.reseller, customer=models.OuterRef("customer"))
        last = Relationship.objects.filter(both).order_by("-started_at", "-pk")
        return (
            listed.alias(they_have=Coalesce(models.Subquery(rights), models.Value(False)))
            .filter(they_have=False)
            .annotate(
                listed_theirs=models.Subquery(last.values("pk")[:1]),
                listed_removed=models.Subquery(last.values("dap_removed_at")[:1]),
                listed_ended=models.Subquery(last.values("ended_at")[:1]),
            )
        )


@dataclass(frozen=True, kw_only=True)
class ResellersOfProvider(ListQuery):
    """The resellers that work with ``provider``, by its key: its active partnerships."""

    PARAMETERS = {"provider": BindParameter("provider", models.UUIDField())}

    provider: uuid.UUID | BindParameter

    def queryset(self) -> models.QuerySet[Partner]:
        return Partner.objects.filter(
            partnerships_as_reseller__provider=self.provider,
            partnerships_as_reseller__ended_at=None,
        ).annotate(key_text=KeyText("pk"))

    def named(self) -> list[tuple[str, str, str]]:
        """All of them, by name: the key as ``KeyText`` has it, the name and the MPN ID."""
        return self.read(("key_text", "name", "mpn_id"), SortOrder("name_key"), None, None)
