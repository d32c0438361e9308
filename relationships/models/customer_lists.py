"""The lists of a partner's customers."""

import uuid
from dataclasses import dataclass

from django.db import models

from portal.models import Parameter, Question

from .relationships import Relationship


@dataclass(frozen=True, kw_only=True)
class CustomersOfPartner(Question):
    """The customers of ``partner``, by its key: its active relationships, as ``listed``.

    Only those of ``reseller`` too, only those with DAP or without (``has_dap``), where these are given.
    """

    PARAMETERS = {
        "partner": Parameter("partner", models.UUIDField()),
        "reseller": Parameter("reseller", models.UUIDField()),
    }

    partner: uuid.UUID | Parameter
    reseller: uuid.UUID | str | Parameter | None = None
    has_dap: bool | None = None

    def queryset(self):
        rows = Relationship.objects.active().filter(partner=self.partner)
        rows = rows.listed(beside=self.reseller or None)
        if self.has_dap is not None:
            # Not ``has_dap=…``: for a bare boolean column SQLite uses no index.
            rows = rows.filter(has_dap__in=[self.has_dap])
        return rows.named(self.words)
