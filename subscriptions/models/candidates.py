"""The partners among whom the staff of one chooses a support contact."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from django.db import models

from lists.compiled_queries import BindParameter, CompiledQuery
from lists.list_queries import ListQuery
from portal.models import Partner
from relationships.models import Partnership, RelationshipRequest


def partner_and_resellers(key: uuid.UUID | BindParameter) -> models.QuerySet[Partner]:
    """Return a partner, by its key, and the active resellers it works with: whom its staff thinks of."""
    resellers = Partnership.objects.active().filter(provider=key).values("reseller")
    return Partner.objects.active().filter(models.Q(pk=key) | models.Q(pk__in=resellers))


def candidate_partners(
    partner: uuid.UUID | BindParameter, customer: uuid.UUID | BindParameter
) -> models.QuerySet[Partner]:
    """Return a partner, by its key, and the active resellers it works with, whether eligible or not.

    Each joined, as ``to_customer``, with its active relationship to a customer, by its key, if any.
    """
    return partner_and_resellers(partner).alias(
        to_customer=models.FilteredRelation(
            "relationships",
            condition=models.Q(relationships__customer=customer, relationships__ended_at=None),
        )
    )


@dataclass(frozen=True, kw_only=True)
class Candidates(ListQuery):
    """The ``candidate_partners``, each with when a request for DAP began that is open ``at`` a time."""

    PARAMETERS = {
        "partner": BindParameter("partner", models.UUIDField()),
        "customer": BindParameter("customer", models.UUIDField()),
        "at": BindParameter("at", models.DateTimeField()),
    }
    COLUMNS = (
        "pk",
        "name",
        "mpn_id",
        "country",
        "support_email",
        "to_customer__id",
        "to_customer__has_dap",
        "to_customer__dap_removed_at",
        "pending_since",
    )

    partner: uuid.UUID | BindParameter
    customer: uuid.UUID | BindParameter
    at: datetime | BindParameter

    def queryset(self) -> models.QuerySet[Partner]:
        asks = models.Q(partner=models.OuterRef("pk")) | models.Q(provider=models.OuterRef("pk"))
        pending = RelationshipRequest.objects.open(at=self.at).filter(
            asks, customer=self.customer, with_dap=True
        )
        first = pending.order_by("created_at").values("created_at")[:1]
        found = candidate_partners(self.partner, self.customer)
        return found.annotate(pending_since=models.Subquery(first))

    def read_all(self) -> list:
        """Return them by name, with ``COLUMNS``."""
        return self.run(_all)


@lru_cache(maxsize=10)
def _all(candidates: Candidates) -> CompiledQuery:
    return CompiledQuery.rows_of(candidates.queryset(), *candidates.COLUMNS)
