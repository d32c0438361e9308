from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django_countries import countries

from lists.keyset import SortOrder
from portal.addresses import shown_domain
from portal.permissions import Permission
from portal.phones import shown_phone
from portal.views import CompiledListView, ExportView, ListQueryView, NoticesMixin
from portal.zones import day_writer, iso_day
from relationships.forms import CustomerFilterForm
from relationships.models import CustomersOfPartner, Relationship


class CustomersMixin(ListQueryView):
    """The customers of the partner, as the filter of the address wants them: its active relationships."""

    permission_required = Permission.VIEW_CUSTOMERS
    model = Relationship
    filter_form_class = CustomerFilterForm
    list_query_class = CustomersOfPartner

    def get_filter_form_kwargs(self) -> dict[str, Any]:
        return {"partner": self.partner}

    @cached_property
    def reseller(self) -> str | None:
        """The name of the reseller of which the rows say since when it has no rights, or None."""
        return self.search_form.reseller_without_rights

    @property
    def rights_of_reseller(self) -> str:
        """What the column about that is called."""
        return _("Admin rights of %(partner)s") % {"partner": self.reseller}


# What the rows hold of the last relationship of a reseller without rights.
LAST_OF_RESELLER = ("listed_theirs", "listed_removed", "listed_ended")


def since_when_none(last: Sequence[Any], day: Callable[[datetime], str]) -> str:
    """Say since when a reseller has no rights at a customer, where that is known, and why.

    ``last`` has the ``LAST_OF_RESELLER`` there.
    """
    theirs, removed_at, ended_at = last
    if removed_at:
        return _("None since %(date)s: removed") % {"date": day(removed_at)}
    if ended_at:
        return _("None since %(date)s: the relationship ended") % {"date": day(ended_at)}
    return _("None: a relationship without them") if theirs else _("None: no relationship")


class CustomerListView(CustomersMixin, NoticesMixin, CompiledListView):
    """The customers of the partner, by name."""

    template_name = "relationships/customer_list.html"
    sorts = {
        "name": SortOrder("listed_key", "listed_id"),
        "domain": SortOrder("listed_domain", "listed_id"),
        "since": SortOrder("listed_since", "listed_id"),
    }

    # What a row unfolds: whom to turn to at the customer.
    details = ("contact_name", "contact_email", "contact_phone", "city")

    @property
    def columns(self) -> tuple[str, ...]:  # type: ignore[override]  # for each request its own
        """What it sorts by, and what a row shows: of the relationship nothing that the index has not."""
        of_customer = ("name", "domain", "country", *self.details)
        shown = (f"customer__{name}" for name in of_customer)
        sorts, last = (self.order.key, "listed_id"), LAST_OF_RESELLER if self.reseller else ()
        return tuple(dict.fromkeys([*sorts, *shown, "listed_dap", "listed_since", *last]))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        rows, day = context["object_list"], day_writer(self.user)
        countries_of_rows = {row.customer__country for row in rows}
        country_names = {code: countries.name(code) for code in countries_of_rows}
        context["rows"] = [
            (
                str(row.listed_id),
                row.customer__name,
                shown_domain(row.customer__domain),
                country_names[row.customer__country],
                row.listed_dap,
                day(row.listed_since),
                since_when_none([getattr(row, name) for name in LAST_OF_RESELLER], day)
                if self.reseller
                else None,
                *(getattr(row, f"customer__{name}") for name in self.details),
            )
            for row in rows
        ]
        context["rights_of_reseller"] = self.reseller and self.rights_of_reseller
        return context


class CustomerExportView(CustomersMixin, ExportView):
    """All customers that match, as a CSV file."""

    permission_required = Permission.EXPORT_CUSTOMERS
    filename = "customers"

    def get_header(self) -> list[str]:
        return [
            _("Customer ID"),
            _("Name"),
            _("Primary domain"),
            _("Country"),
            _("Street"),
            _("Postal code"),
            _("City"),
            _("Contact person"),
            _("Contact email"),
            _("Contact phone"),
            _("Delegated admin privileges"),
            _("Customer since"),
            *([self.rights_of_reseller] if self.reseller else []),
        ]

    def get_rows(self, queryset: QuerySet) -> Iterator[list[str]]:
        country_names = dict(countries)
        has_dap = {True: _("Yes"), False: _("No")}
        columns = (
            "listed_id",
            "customer__name",
            "customer__domain",
            "customer__country",
            "customer__street",
            "customer__postal_code",
            "customer__city",
            "customer__contact_name",
            "customer__contact_email",
            "customer__contact_phone",
            "listed_dap",
            "listed_since",
        )
        last = LAST_OF_RESELLER if self.reseller else ()
        rows = queryset.order_by("listed_key", "listed_id").values_list(*columns, *last)
        for row in rows.iterator(chunk_size=1000):
            pk, name, domain, country, *contact, phone, dap, since = row[: len(columns)]
            yield [
                str(pk),
                name,
                shown_domain(domain),
                country_names.get(country, country),
                *contact,
                shown_phone(phone),
                has_dap[dap],
                iso_day(since),
                *([since_when_none(row[len(columns) :], iso_day)] if self.reseller else []),
            ]
