from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django_countries import countries

from portal.addresses import shown_domain
from portal.keyset import Order
from portal.permissions import Permission
from portal.phones import shown_phone
from portal.text import words_of
from portal.views import ExportView, NoticesMixin, PreparedListView, QuestionView
from portal.zones import day_writer
from relationships.forms import CustomerFilterForm
from relationships.models import CustomersOfPartner, Relationship


class CustomersMixin(QuestionView):
    """The customers of the partner, as the filter of the address wants them: its active relationships."""

    permission_required = Permission.VIEW_CUSTOMERS
    model = Relationship
    filter_form_class = CustomerFilterForm

    def get_filter_form_kwargs(self):
        return {"partner": self.membership.partner}

    def get_question(self, *, q, dap, reseller=""):
        return CustomersOfPartner(
            partner=self.membership.partner_id,
            reseller=reseller,
            has_dap=dap,
            words=words_of(q),
        )


class CustomerListView(CustomersMixin, NoticesMixin, PreparedListView):
    """The customers of the partner, by name."""

    template_name = "relationships/customer_list.html"
    sorts = {
        "name": Order("listed_key", "listed_id"),
        "domain": Order("listed_domain", "listed_id"),
        "since": Order("listed_since", "listed_id"),
    }

    @property
    def columns(self):
        """What it sorts by, and what a row shows: of the relationship nothing that the index has not."""
        shown = ("customer__name", "customer__domain", "customer__country", "listed_dap")
        return tuple(dict.fromkeys([self.order.key, "listed_id", *shown, "listed_since"]))

    def get_context_data(self, **kwargs):
        context = super().get_context_data(**kwargs)
        rows, day = context["object_list"], day_writer(self.request.user)
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
            )
            for row in rows
        ]
        return context


class CustomerExportView(CustomersMixin, ExportView):
    """All customers that match, as a CSV file."""

    permission_required = Permission.EXPORT_CUSTOMERS
    filename = "customers"

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
        for pk, name, domain, country, *contact, phone, dap, since in rows.iterator(
            chunk_size=1000
        ):
            yield [
                str(pk),
                name,
                shown_domain(domain),
                country_names.get(country, country),
                *contact,
                shown_phone(phone),
                has_dap[dap],
                f"{localtime(since):%Y-%m-%d}",
            ]
