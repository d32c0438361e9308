"""What the filter of the coverage offers to choose from, and what its lists need to know before."""

import uuid
from dataclasses import dataclass
from functools import lru_cache

from django.db import models

from portal.models import (
    KeyText,
    Parameter,
    Partner,
    Prepared,
    Question,
    bounded_count,
    dashed,
    first_keys,
)
from portal.text import fold
from relationships.models import Partnership, Relationship

from .coverage import Coverage
from .coverage_parts import named
from .designation import partner_and_resellers
from .offers import Offer

COLUMNS = ("kind", "key", "name", "number", "name_key", "with_dap", "found")


@dataclass(frozen=True, kw_only=True)
class _Choices(Question):
    """Partners and offers, and with each partner what is known of the customers."""

    PARAMETERS = {"partner": Parameter("partner", models.UUIDField())}

    partner: uuid.UUID | Parameter
    may_sell: bool
    few: int
    few_customers: int

    def queryset(self):
        own = Relationship.objects.active().filter(partner=self.partner)
        # As SQLite's index serves it.
        with_dap = bounded_count(own.filter(has_dap__in=[True]), self.few + 1, by="customer_key")
        found = models.Value("")
        if self.words:
            most = self.few_customers + 1
            found = first_keys(named(own, self.words), "customer", most, by="customer_key")
        contacts = partner_and_resellers(self.partner)
        if not self.may_sell:
            providers = Partnership.objects.active().filter(reseller=self.partner)
            contacts = contacts | Partner.objects.filter(pk__in=providers.values("provider"))
        of_contacts = contacts.annotate(
            kind=models.Value("contact"),
            key=KeyText("pk"),
            number=models.F("mpn_id"),
            with_dap=with_dap,
            found=found,
        )
        of_offers = Offer.objects.annotate(
            kind=models.Value("offer"),
            key=KeyText("pk"),
            number=models.Value(""),
            with_dap=models.Value(0),
            found=models.Value(""),
        )
        known = of_contacts.order_by().values_list(*COLUMNS)
        known = known.union(of_offers.order_by().values_list(*COLUMNS), all=True)
        return known.order_by("name_key")


@lru_cache(maxsize=50)
def _all(choices):
    return Prepared.rows_of(choices.queryset(), *COLUMNS)


class CoverageChoices:
    """The partners and offers to choose from, and which customers match: all in one query.

    ``partners`` has name and MPN ID by key, ``offers`` the name. ``has_few_customers`` says whether few
    customers gave DAP, ``found_customers`` has the keys of those with the words of ``text`` in their
    name, up to one more than count as few.
    """

    def __init__(self, partner, text):
        choices = _Choices(
            partner=partner.pk,
            may_sell=partner.may_sell,
            few=Coverage.FEW,
            few_customers=Coverage.FEW_CUSTOMERS,
            words=tuple(fold(text).split()),
        )
        self.partners, self.offers = {}, {}
        for kind, key, name, number, _name_key, with_dap, found in choices.run(_all):
            if kind == "offer":
                self.offers[dashed(key)] = name
            else:
                self.partners[dashed(key)] = (name, number)
                self.has_few_customers = with_dap <= Coverage.FEW
                self.found_customers = found.split(",") if found else []
