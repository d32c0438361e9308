import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.crypto import salted_hmac
from django.utils.formats import localize
from django.utils.functional import cached_property
from django.utils.timezone import get_current_timezone
from django.utils.translation import gettext as _

from lists.expressions import DayText, KeyText, dashed
from lists.keyset import KeysetPage, SortOrder
from portal.csv import written_cell
from portal.models import Partner, partner_labels
from portal.permissions import Permission
from portal.views import ExportView, FilteredView, ScopedListView
from portal.views.lists import Total
from portal.zones import day_writer

from ..forms import CoverageFilterForm
from ..models import Coverage, Offer, Subscription, SubscriptionStatus, offer_label
from ..models.coverage_parts import ORDERS
from ..models.querysets import SubscriptionQuerySet

SIZES = ("25", "100")
# So many rows can be chosen one by one: each is sent with every page that is turned.
MOST_CHOSEN = 1000
EXPORT_CHUNK = 500


class CoverageMixin(FilteredView):
    """All subscriptions of the partner's customers, as the filter of the address wants them."""

    permission_required = Permission.VIEW_CUSTOMERS
    model = Subscription
    filter_form_class = CoverageFilterForm

    def get_filter_form_kwargs(self) -> dict[str, Any]:
        return {"partner": self.partner}

    def get_queryset(self) -> SubscriptionQuerySet:
        return Subscription.objects.none()  # ``coverage`` has the rows, in parts

    @cached_property
    def coverage(self) -> Coverage | None:
        """What matches, or None where the filter can't be read."""
        return self.search_form.coverage if self.search_form.is_valid() else None

    def get_parts(self) -> list[SubscriptionQuerySet]:
        """What matches, in parts that have no row in common."""
        return self.coverage.querysets() if self.coverage else []

    @cached_property
    def chosen(self) -> set[str]:
        """The keys of the subscriptions that are chosen, on this page of the list and on others."""
        sent = self.request.POST
        found: set[str] = set()
        for word in (*sent.getlist("chosen"), *sent.get("elsewhere", "").split()):
            with suppress(ValueError):  # else it is no box of ours
                found.add(str(uuid.UUID(word)))
        return found

    def require_few_chosen(self) -> None:
        """Raise ``ValidationError`` where more are chosen than can be, one by one."""
        if len(self.chosen) > MOST_CHOSEN:
            raise ValidationError(too_many_chosen(), code="too_many")


def too_many_chosen() -> str:
    return _(
        "At most %(most)s subscriptions can be chosen one by one. Choose fewer, or narrow the list and assign"
        " all that match."
    ) % {"most": localize(MOST_CHOSEN)}


@dataclass
class Survey:
    """How many subscriptions match in each part, and with each contact; exactly, or up to a bound."""

    counts: list[int]
    by_contact: dict[str | None, int]
    is_exact: bool

    @property
    def total(self) -> Total:
        return Total(lambda most: sum(self.counts), self.is_exact)


class CoverageListView(CoverageMixin, ScopedListView):
    """Every subscription that the partner sees, across customers, with its support contact."""

    template_name = "subscriptions/coverage.html"
    sorts = ORDERS

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The same page with what is chosen on others: so pages are turned without scripts."""
        self.require(Permission.ASSIGN_SUPPORT_CONTACT)
        try:
            self.require_few_chosen()
        except ValidationError as error:
            messages.error(request, error.message)
        return self.get(request, *args, **kwargs)

    def get_paginate_by(self, queryset: QuerySet) -> int | None:
        size = self.request.GET.get("size", "")
        return int(size) if size in SIZES else self.paginate_by

    @cached_property
    def survey(self) -> Survey:
        if self.coverage is None:
            return Survey([], {}, True)
        is_exact = self.request.GET.get("count") == "all"
        counts, by_contact = self.coverage.survey(**({"limit": None} if is_exact else {}))
        return Survey(counts, by_contact, is_exact)

    def get_total(self, queryset: QuerySet, page: KeysetPage) -> Total:
        return self.survey.total

    def read_rows(
        self, queryset: QuerySet, order: SortOrder, position: Sequence | None, limit: int
    ) -> list:
        if self.coverage is None:
            return []
        return self.coverage.read(self.sort[0], self.survey.counts, order, position, limit)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        found, day = context["object_list"], day_writer(self.user)
        base, trials = reverse("customers:list"), self.search_form.known.trials
        partners = self.name_partners(
            {key for row in found for key in (row.of_record, row.of_contact)}
        )
        context["rows"] = [
            (
                str(row.pk),
                offer_label(row.friendly_name, dashed(row.of_offer) in trials),
                f"{base}{dashed(row.of_customer)}/",
                row.customer__name,
                row.status == SubscriptionStatus.ACTIVE,
                row.of_seller,
                *partners[row.of_record],
                partners[row.of_contact][0],
                row.of_contact and day(row.contact_changed_at),
            )
            for row in found
        ]
        context["may_assign"] = self.user.has_perm(Permission.ASSIGN_SUPPORT_CONTACT)
        if context["may_assign"] and found:
            context |= self.describe_choice({str(row.pk) for row in found})
        context["by_contact"] = self.name_contacts()
        return context

    def describe_choice(self, shown: set[str]) -> dict[str, Any]:
        """What is chosen already, and how much can be; ``shown`` has the keys of the rows of this page."""
        return {
            "chosen": self.chosen,
            "elsewhere": sorted(self.chosen - shown),
            "choice": self.choice,
            "keeps": "bulk",
            "most_chosen": MOST_CHOSEN,
            "too_many_chosen": too_many_chosen(),
        }

    @property
    def choice(self) -> str:
        """A name for what is chosen here: in this list with this filter, by who is signed in now.

        Under it a script keeps the choice while pages are turned.
        """
        signed_in = salted_hmac("choice", self.request.session.session_key or "").hexdigest()[:16]
        wanted = sorted(
            (name, str(one)) for name, one in self.search_form.cleaned_data.items() if one
        )
        return f"{signed_in} {self.request.path}?{urlencode(wanted)}"

    def name_partners(self, keys: Iterable[str | None]) -> dict[str | None, tuple[str, str]]:
        """Return name and MPN ID of the partners with these keys, as ``KeyText`` has them or None."""
        known = self.search_form.partners
        found = {key: known.get(dashed(key)) for key in keys if key}
        foreign = {dashed(key): key for key, names in found.items() if not names}
        if foreign:
            rows = Partner.objects.filter(pk__in=foreign).values_list("pk", "name", "mpn_id")
            found.update((foreign[str(pk)], names) for pk, *names in rows)
        return found | {None: ("", "")}

    def name_contacts(self) -> list[tuple[str, str | None, int]]:
        """How many of the subscriptions each contact has: its name, key and number, the most first."""
        if self.survey.total.is_more:
            return []
        found = self.survey.by_contact
        partners = self.name_partners(found)
        labels = dict(partner_labels((key, *partners[key]) for key in found if key))
        rows = [
            (labels.get(key) or _("No partner designated"), key, count)
            for key, count in found.items()
        ]
        return sorted(rows, key=lambda row: (-row[2], row[0]))


class CoverageExportView(CoverageMixin, ExportView):
    """All subscriptions that match, as a CSV file."""

    permission_required = Permission.EXPORT_CUSTOMERS
    filename = "subscriptions"
    are_lines = True  # cells that come again and again are written once

    def get_header(self) -> list[str]:
        return [
            _("Subscription ID"),
            _("Subscription"),
            _("Offer"),
            _("Customer ID"),
            _("Customer"),
            _("Quantity"),
            _("Status"),
            _("Seller"),
            _("Reseller of record"),
            _("MPN ID of the reseller of record"),
            _("Support contact"),
            _("MPN ID of the contact"),
            _("Contact since"),
        ]

    def get_rows(self, queryset: SubscriptionQuerySet) -> Iterator[str]:
        """Yield the lines of the file."""
        separator = self.separator
        labels = {key: written_cell(str(label)) for key, label in SubscriptionStatus.choices}
        offers = OfferCells(self.search_form.offers)
        partners = PartnerCells(self.search_form.partners)
        last, customer_cells = None, ""
        for part in self.get_parts():
            rows = part.order_by("customer_key", "id").values_list(
                KeyText("pk"),
                "friendly_name",
                KeyText("offer_id"),
                KeyText("customer_id"),
                "customer__name",
                "quantity",
                "status",
                KeyText("seller_id"),
                KeyText("reseller_of_record_id"),
                KeyText("support_contact_id"),
                DayText("contact_changed_at", get_current_timezone()),
            )
            for (
                pk,
                name,
                offer,
                customer,
                firm,
                quantity,
                status,
                seller,
                record,
                contact,
                since,
            ) in rows.iterator(chunk_size=EXPORT_CHUNK):
                if customer != last:
                    last = customer
                    customer_cells = f"{dashed(customer)}{separator}{written_cell(firm)}"
                seller_name, _mpn_id = partners[seller]
                yield separator.join(
                    (
                        dashed(pk),
                        written_cell(name),
                        offers[offer],
                        customer_cells,
                        "" if quantity is None else str(quantity),
                        labels[status],
                        seller_name,
                        *partners[record],
                        *partners[contact],
                        since if contact else "",
                    )
                )


class Cells(dict[str | None, Any]):
    """Cells by key as ``KeyText`` has it, written once; those that are not known are read when asked for."""

    written: Callable

    def __init__(self, known: Mapping[str, Any]) -> None:
        super().__init__()
        for key, names in known.items():
            self[key] = self[key.replace("-", "")] = self.written(names)


class OfferCells(Cells):
    def written(self, label: str) -> str:
        return written_cell(label)

    def __missing__(self, key: str) -> str:
        self[key] = self.written(Offer.objects.get(pk=dashed(key)).label)
        return self[key]


class PartnerCells(Cells):
    """Name and MPN ID."""

    def written(self, names: Iterable[str]) -> tuple[str, ...]:
        return tuple(map(written_cell, names))

    def __missing__(self, key: str | None) -> tuple[str, ...]:
        rows = Partner.objects.values_list("name", "mpn_id")
        found = rows.filter(pk=dashed(key)).first() if key else None
        self[key] = self.written(found or ("", ""))
        return self[key]
