import uuid
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from lists.widgets import FilteredSelect
from portal.address_fields import EmailFormField
from portal.forms import PortalModelForm, StyledField
from portal.models import Partner, language_of
from portal.partner_fields import PartnerChoiceField
from relationships.models import SalesRegion


class AccountForm(PortalModelForm):
    """A customer that is to be added, with its first admin; by a provider also for a reseller (R2)."""

    bound_field_class = StyledField

    email = EmailFormField(
        label=_("Email of the first admin"),
        max_length=254,
        help_text=_("The portal mails a personal link there, to set a password."),
    )
    language = forms.ChoiceField(label=_("Language of the first admin"), choices=settings.LANGUAGES)
    reseller = PartnerChoiceField(
        label=_("Indirect reseller"),
        queryset=Partner.objects.none(),
        required=False,
        empty_label=_("Only my company"),
        widget=FilteredSelect,
        help_text=_("It may act for the customer too, with delegated admin privileges."),
    )

    class Meta:
        model = Customer
        fields = [
            "name",
            "domain",
            "country",
            "street",
            "postal_code",
            "city",
            "contact_name",
            "contact_phone",
        ]
        labels = {"name": _("Firm"), "contact_name": _("Name of the first admin")}

    def __init__(self, *args: Any, partner: Partner, **kwargs: Any) -> None:
        self.partner = partner
        super().__init__(*args, **kwargs)
        self.fields["contact_name"].required = True
        self.initial.setdefault("country", self.partner.country)
        self.fields["language"].initial = language_of(self.partner.country)
        if self.partner.is_provider:
            self.fields["reseller"].queryset = Partner.objects.active().filter(
                partnerships_as_reseller__provider=self.partner,
                partnerships_as_reseller__ended_at=None,
            )
        else:
            del self.fields["reseller"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("domain"):
            try:
                Customer.objects.require_new(cleaned["domain"], to=self.partner)
            except ValidationError as error:
                self.add_error(None, error)
        if cleaned.get("country"):
            draft = Customer(name=cleaned.get("name", ""), country=cleaned["country"])
            self._require_region(self.partner, draft, "country")
            if cleaned.get("reseller"):
                self._require_region(cleaned["reseller"], draft, "reseller")
        return cleaned

    def _require_region(self, partner: Partner, customer: Customer, field: str) -> None:
        """R11, at the field that can cure it."""
        try:
            SalesRegion.objects.require_common(partner, customer)
        except ValidationError as error:
            self.add_error(field, error)

    @cached_property
    def is_known(self) -> bool:
        """Whether the firm is in the portal already, so that it can't be added.

        By a domain that is proved, or that one of its partner's own customers has.
        """
        return self.has_error("domain", "own") or self.has_error("domain", "proved")

    @cached_property
    def own_customer(self) -> Customer | None:
        """The customer that it is, where that is the partner's own; of others nothing is told (T1)."""
        for error in self.errors.as_data().get("domain", []):
            if error.code == "own":
                return (error.params or {})["customer"]
        return None

    @property
    def customer(self) -> Customer:
        """The customer as it is to be added."""
        customer = self.instance
        customer.contact_email = self.cleaned_data["email"]
        return customer


class ReviewForm(forms.Form):
    """What the last page of adding a customer hands back: which customer, and what its reader saw."""

    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    seen = forms.CharField(widget=forms.HiddenInput)
