import uuid

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.forms import ListSelect, NamedRows, SearchForm
from portal.models import KeyText, Partner, dashed
from relationships.models import Partnership

from ..models import (
    Coverage,
    Filters,
    Offer,
    Subscription,
    SubscriptionStatus,
    partner_and_resellers,
)

NOBODY = "none"


class CoverageFilterForm(SearchForm):
    """Which subscriptions to show of all that a partner sees.

    Reads the partners and offers to choose from, and whether the partner has few customers: all in one
    query. ``partners`` has name and MPN ID by key, ``offers`` the name.
    """

    contact = forms.ChoiceField(
        label=_("Support contact"),
        required=False,
        widget=ListSelect,
        error_messages={"invalid_choice": _("This partner answers for none of these.")},
    )
    offer = forms.ChoiceField(
        label=_("Offer"),
        required=False,
        widget=ListSelect,
        error_messages={"invalid_choice": _("Choose an offer of the list.")},
    )
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
        try:
            words = self.fields["q"].clean(self.data.get("q"))
        except ValidationError:  # said at the field, in time
            words = ""
        with_dap, found = Coverage.look(membership.partner, words)
        contacts = partner_and_resellers(membership.partner)
        if not membership.partner.may_sell:
            providers = Partnership.objects.active().filter(reseller=membership.partner)
            contacts = contacts | Partner.objects.filter(pk__in=providers.values("provider"))
        of_contacts = contacts.annotate(
            kind=models.Value("contact"),
            number=models.F("mpn_id"),
            with_dap=with_dap,
            found=found,
        )
        of_offers = Offer.objects.annotate(
            kind=models.Value("offer"),
            number=models.Value(""),
            with_dap=models.Value(0),
            found=models.Value(""),
        )
        columns = ("kind", KeyText("pk"), "name", "number", "name_key", "with_dap", "found")
        known = (
            of_contacts.order_by()
            .values_list(*columns)
            .union(of_offers.order_by().values_list(*columns), all=True)
            .order_by("name_key")
        )
        self.partners, self.offers = {}, {}
        for kind, key, name, number, _name_key, with_dap, found in known:
            if kind == "offer":
                self.offers[dashed(key)] = name
            else:
                self.partners[dashed(key)] = (name, number)
                self.has_few_customers = with_dap <= Coverage.FEW
                self.found_customers = found.split(",") if found else []
        names = [(key, name) for key, (name, _number) in self.partners.items()]
        names += self.name_other_contact(self.data.get("contact", ""))
        self.fields["contact"].choices = NamedRows(
            [("", _("All")), (NOBODY, _("No partner designated")), *names]
        )
        self.fields["offer"].choices = NamedRows([("", _("All")), *self.offers.items()])

    def name_other_contact(self, key):
        """The choice of a contact that the partner does not work with, where it answers for what it sees.

        As it stands in the list, and leads here from the counts; others don't exist for it (T1).
        """
        try:
            wanted = str(uuid.UUID(key))
        except (ValueError, AttributeError):
            return []
        if wanted in self.partners:
            return []
        answers = Subscription.objects.visible_to(self.membership).filter(support_contact=wanted)
        names = answers.values_list("support_contact__name", "support_contact__mpn_id").first()
        if names:
            self.partners[wanted] = names
        return [(wanted, names[0])] if names else []

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
            found_customers=self.found_customers,
        )
