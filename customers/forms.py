from django import forms
from django.utils.translation import gettext_lazy as _

from portal.forms import EditForm, ListSelect, NameChoiceField, SearchForm
from portal.models import Partner, PartnerType

from .models import Customer


class CustomerFilterForm(SearchForm):
    """Which of a partner's customers to show: by name or domain, by reseller, with DAP or without."""

    reseller = NameChoiceField(
        label=_("Reseller"),
        required=False,
        queryset=Partner.objects.none(),
        empty_label=_("All customers"),
    )
    dap = forms.TypedChoiceField(
        label=_("Delegated admin privileges"),
        required=False,
        choices=[("", _("All")), ("yes", _("Yes")), ("no", _("No"))],
        widget=ListSelect,
        coerce=lambda value: value == "yes",
        empty_value=None,
    )

    def __init__(self, *args, partner, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["q"].label = _("Name or domain")
        if partner.type == PartnerType.INDIRECT_PROVIDER:
            self.fields["reseller"].queryset = Partner.objects.filter(
                partnerships_as_reseller__provider=partner,
                partnerships_as_reseller__ended_at=None,
            )
        else:
            del self.fields["reseller"]


class CustomerForm(EditForm):
    """The details of a customer that its partners edit."""

    class Meta:
        model = Customer
        fields = Customer.DETAILS
