"""The lists of a partner's customers."""

import uuid
from dataclasses import dataclass

from django.db import models

from portal.models import Parameter, Question, containing

from .relationships import Relationship


@dataclass(frozen=True, kw_only=True)
class CustomersOfPartner(Question):
    """The customers of ``partner``, by its key: its active relationships.

    Only those of ``reseller`` too, only those with DAP or without (``has_dap``), where these are given. A
    customer has every one of the words in its name or domain; case and accents do not count, and a word
    may stand inside another. What a list sorts by and shows of the relationship is named ``listed_…``.
    """

    PARAMETERS = {
        "partner": Parameter("partner", models.UUIDField()),
        "reseller": Parameter("reseller", models.UUIDField()),
    }

    partner: uuid.UUID | Parameter
    reseller: uuid.UUID | str | Parameter | None = None
    has_dap: bool | None = None

    def queryset(self):
        rows = self._related().annotate(
            listed_key=models.F("name_and_domain"),
            listed_domain=models.F("customer_domain"),
            listed_id=models.F("customer_id"),
        )
        if self.has_dap is not None:
            # Not ``listed_dap=…``: for a bare boolean column SQLite uses no index.
            rows = rows.filter(listed_dap__in=[self.has_dap])
        return containing(rows, self.words, "listed_key")

    def _related(self):
        active = Relationship.objects.active()
        own = active.filter(partner=self.partner)
        if not self.reseller:
            return own.annotate(listed_dap=models.F("has_dap"), listed_since=models.F("started_at"))
        # The rows of the reseller, mostly the fewer, each with what there is of the partner. Not a join: it
        # would go by way of the customers. Not Exists: of that PostgreSQL may make one. By name as well:
        # so both are read in the same order, each from the index that holds all of it.
        own = own.filter(
            customer=models.OuterRef("customer"),
            name_and_domain=models.OuterRef("name_and_domain"),
        )
        beside = active.filter(partner=self.reseller).annotate(
            listed_dap=models.Subquery(own.values("has_dap")),
            listed_since=models.Subquery(own.values("started_at")),
        )
        return beside.filter(listed_dap__isnull=False)
