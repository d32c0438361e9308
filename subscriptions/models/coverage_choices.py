"""What the filter of the coverage offers to choose from, and what its lists need to know before."""

from functools import lru_cache

from django.db import models

from portal.models import KeyText, Partner, Prepared, bounded_count, dashed, first_keys
from portal.text import fold
from relationships.models import Partnership, Relationship

from .coverage import Coverage
from .coverage_parts import PARTNER, named, word_parameters, word_values
from .designation import partner_and_resellers
from .offers import Offer


@lru_cache(maxsize=50)
def _choices(may_sell, words, few, few_customers):
    """Compose what reads partners and offers, and with each partner what is known of the customers."""
    own = Relationship.objects.active().filter(partner=PARTNER)
    # As SQLite's index serves it.
    with_dap = bounded_count(own.filter(has_dap__in=[True]), few + 1, by="customer_key")
    found = models.Value("")
    if words:
        matches = named(own, word_parameters(words))
        found = first_keys(matches, "customer", few_customers + 1, by="customer_key")
    contacts = partner_and_resellers(PARTNER)
    if not may_sell:
        providers = Partnership.objects.active().filter(reseller=PARTNER).values("provider")
        contacts = contacts | Partner.objects.filter(pk__in=providers)
    columns = ("kind", "key", "name", "number", "name_key", "with_dap", "found")
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
    known = of_contacts.order_by().values_list(*columns)
    known = known.union(of_offers.order_by().values_list(*columns), all=True)
    return Prepared.rows_of(known.order_by("name_key"), *columns)


class CoverageChoices:
    """The partners and offers to choose from, and which customers match: all in one query.

    ``partners`` has name and MPN ID by key, ``offers`` the name. ``has_few_customers`` says whether few
    customers gave DAP, ``found_customers`` has the keys of those with the words of ``text`` in their
    name, up to one more than count as few.
    """

    def __init__(self, partner, text):
        words = fold(text).split()
        statement = _choices(partner.may_sell, len(words), Coverage.FEW, Coverage.FEW_CUSTOMERS)
        self.partners, self.offers = {}, {}
        for kind, key, name, number, _name_key, with_dap, found in statement.run(
            {"partner": partner.pk, **word_values(words)}
        ):
            if kind == "offer":
                self.offers[dashed(key)] = name
            else:
                self.partners[dashed(key)] = (name, number)
                self.has_few_customers = with_dap <= Coverage.FEW
                self.found_customers = found.split(",") if found else []
