"""What the filter of the coverage offers to choose from, and what its lists need to know before."""

import uuid
from dataclasses import dataclass
from functools import lru_cache

from django.db import models
from django.db.models.functions import Cast

from lists.compiled_queries import BindParameter, CompiledQuery
from lists.expressions import KeyText, dashed
from lists.list_queries import ListQuery
from lists.set_statements import bounded_count, first_keys
from portal.models import Partner
from portal.text import words_of
from relationships.models import Partnership, Relationship

from .candidates import partner_and_resellers
from .coverage import Coverage
from .offers import Offer, offer_labels

COLUMNS = ("kind", "key", "name", "number", "name_key")


@dataclass(frozen=True, kw_only=True)
class _Choices(ListQuery):
    """Partners, offers, and one row more: the keys of the customers found, and how many gave DAP."""

    PARAMETERS = {"partner": BindParameter("partner", models.UUIDField())}

    partner: uuid.UUID | BindParameter
    may_sell: bool
    few: int
    few_customers: int

    def queryset(self) -> models.QuerySet:
        contacts = partner_and_resellers(self.partner)
        if not self.may_sell:
            providers = Partnership.objects.active().filter(reseller=self.partner)
            contacts = contacts | Partner.objects.filter(pk__in=providers.values("provider"))
        empty = models.Value("")
        of_contacts = contacts.annotate(
            kind=models.Value("contact"), key=KeyText("pk"), number=models.F("mpn_id")
        )
        kind = models.Case(
            models.When(is_trial=True, then=models.Value("trial")), default=models.Value("offer")
        )
        of_offers = Offer.objects.annotate(
            kind=kind, key=KeyText("pk"), number=models.F("publisher")
        )
        found, with_dap = self._known_of_customers()
        of_customers = (
            Partner.objects.filter(pk=self.partner)
            .order_by()
            .values_list(
                models.Value("customers"), found, Cast(with_dap, models.CharField()), empty, empty
            )
        )
        known = of_contacts.order_by().values_list(*COLUMNS)
        known = known.union(of_offers.order_by().values_list(*COLUMNS), of_customers, all=True)
        return known.order_by("name_key")

    def _known_of_customers(self) -> tuple[models.Value | models.Subquery, models.Subquery]:
        own = Relationship.objects.active().filter(partner=self.partner)
        # As SQLite's index serves it.
        with_dap = bounded_count(own.filter(has_dap__in=[True]), self.few + 1, by="name_and_domain")
        if not self.words:
            return models.Value(""), with_dap
        most = self.few_customers + 1
        named_so = own.named(self.words)
        return first_keys(named_so, "customer", most, by="name_and_domain"), with_dap


@lru_cache(maxsize=50)
def _all(choices: _Choices) -> CompiledQuery:
    return CompiledQuery.rows_of(choices.queryset(), *COLUMNS)


class CoverageChoices:
    """The partners and offers to choose from, and which customers match: all in one query.

    ``partners`` has name and MPN ID by key, ``offers`` the label,
    ``trials`` the keys of those that are trials. ``has_few_customers`` says whether few
    customers gave DAP, ``found_customers`` has the keys of those with the words of ``text`` in their
    name, up to one more than count as few.
    """

    def __init__(self, partner: Partner, text: str) -> None:
        choices = _Choices(
            partner=partner.pk,
            may_sell=partner.may_sell,
            few=Coverage.MOST_SORTED,
            few_customers=Coverage.FEW_CUSTOMERS,
            words=words_of(text),
        )
        self.partners, offers = {}, []
        for kind, key, name, number, _name_key in choices.run(_all):
            if kind == "contact":
                self.partners[dashed(key)] = (name, number)
            elif kind == "customers":
                self.found_customers = key.split(",") if key else []
                self.has_few_customers = int(name) <= Coverage.MOST_SORTED
            else:
                offers.append((dashed(key), name, number, kind == "trial"))
        self.offers = dict(offer_labels(offers))
        self.trials = {key for key, *_names, is_trial in offers if is_trial}
