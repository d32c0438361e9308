from django.utils.translation import gettext as _
from django_countries import countries

from portal.keyset import Order
from portal.permissions import Permission
from portal.views import ExportView, FilteredView, NoticesMixin, ScopedListView

from .forms import CustomerFilterForm
from .models import Customer


class CustomersMixin(FilteredView):
    """The customers of the partner, as the filter of the address wants them."""

    permission_required = Permission.VIEW_CUSTOMERS
    model = Customer
    filter_form_class = CustomerFilterForm

    def get_filter_form_kwargs(self):
        return {"partner": self.membership.partner}

    def prepare_queryset(self, queryset):
        return queryset.with_listing()

    def filter_queryset(self, queryset, *, q, dap, reseller=None):
        if reseller is not None:
            queryset = queryset.looked_after_by(reseller)
        if dap is not None:
            queryset = queryset.filter(has_dap=dap)
        return queryset.search(q, name="listed_key", domain="listed_domain")


class CustomerListView(CustomersMixin, NoticesMixin, ScopedListView):
    """The customers of the partner, by name."""

    sorts = {
        "name": Order("listed_key", "listed_id"),
        "domain": Order("listed_domain", "listed_id"),
        "since": Order("customer_since", "listed_id"),
    }


class CustomerExportView(CustomersMixin, ExportView):
    """All customers that match, as a CSV file."""

    permission_required = Permission.EXPORT_CUSTOMERS
    filename = "customers.csv"

    def get_header(self):
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
        ]

    def get_rows(self, queryset):
        country_names = dict(countries)
        has_dap = {True: _("Yes"), False: _("No")}
        rows = queryset.order_by("listed_key", "listed_id").values_list(
            "pk",
            "name",
            "domain",
            "country",
            "street",
            "postal_code",
            "city",
            "contact_name",
            "contact_email",
            "contact_phone",
            "has_dap",
            "customer_since",
        )
        for pk, name, domain, country, *contact, dap, since in rows.iterator(chunk_size=1000):
            yield [
                str(pk),
                name,
                domain,
                country_names.get(country, country),
                *contact,
                has_dap[dap],
                f"{since:%Y-%m-%d}",
            ]
