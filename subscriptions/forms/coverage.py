from django import forms
from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.forms import ListSelect, SearchForm
from portal.text import fold

from ..models import Coverage, Filters, Offer, SubscriptionStatus, partner_and_resellers

NOBODY = "none"


class CoverageFilterForm(SearchForm):
    """Which subscriptions to show of all that a partner sees.

    Reads the partners and offers to choose from, and whether the partner has few customers: all in one
    query.
    """

    contact = forms.ChoiceField(label=_("Support contact"), required=False, widget=ListSelect)
    offer = forms.ChoiceField(label=_("Offer"), required=False, widget=ListSelect)
    status = forms.ChoiceField(
        label=_("Status"),
        required=False,
        choices=[("", _("All")), *SubscriptionStatus.choices],
        widget=ListSelect,
    )
    still = forms.BooleanField(label=_("Still with the seller"), required=False)
    recent = forms.BooleanField(label=_("Changed in the last 30 days"), required=False)

    def __init__(self, *args, membership, **kwargs):
        super().__init__(*args, **kwargs)
        self.membership = membership
        self.fields["q"].label = _("Customer")
        of_contacts = partner_and_resellers(membership.partner).annotate(
            kind=models.Value("contact"), with_dap=Coverage.count_with_dap(membership.partner)
        )
        of_offers = Offer.objects.annotate(kind=models.Value("offer"), with_dap=models.Value(0))
        columns = ("kind", "pk", "name", "with_dap")
        known = list(
            of_contacts.order_by()
            .values_list(*columns)
            .union(of_offers.order_by().values_list(*columns), all=True)
        )
        known.sort(key=lambda row: fold(row[2]))
        self.names = {kind: {} for kind in ("contact", "offer")}
        for kind, pk, name, _with_dap in known:
            self.names[kind][str(pk)] = name
        self.has_few_customers = max(row[3] for row in known) <= Coverage.FEW
        self.fields["contact"].choices = [
            ("", _("All")),
            (NOBODY, _("No partner designated")),
            *self.names["contact"].items(),
        ]
        self.fields["offer"].choices = [("", _("All")), *self.names["offer"].items()]

    def clean(self):
        cleaned = super().clean()
        # An empty box is no condition.
        return {name: value or "" for name, value in cleaned.items()}

    @property
    def coverage(self):
        """The subscriptions that match."""
        wanted = self.cleaned_data
        contact = wanted["contact"]
        return Coverage(
            self.membership,
            Filters(
                customer=wanted["q"],
                contact=contact if contact != NOBODY else "",
                has_no_contact=contact == NOBODY,
                offer=wanted["offer"],
                status=wanted["status"],
                is_still_with_seller=bool(wanted["still"]),
                is_recent=bool(wanted["recent"]),
            ),
            has_few_customers=self.has_few_customers,
        )
