import uuid
from collections.abc import Iterable
from typing import Any, cast

from django import forms
from django.contrib.auth.forms import SetPasswordMixin
from django.core.exceptions import ValidationError
from django.utils.formats import localize
from django.utils.functional import Promise
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext_lazy as _

from customers.models import Customer, is_shared
from lists.expressions import dashed
from lists.widgets import ListSelect, NamedRows
from portal.address_fields import EmailFormField
from portal.addresses import shown_domain
from portal.forms import PortalModelForm, SearchForm, StyledField
from portal.models import Partner, PartnerType, User, language_of, partner_labels
from portal.partner_fields import PartnerChoiceField
from portal.permissions import Permission

from .models import (
    Relationship,
    RelationshipRequest,
    RequestKind,
    RequestStatus,
    ResellersOfProvider,
)

# What an admin says of a partner that it takes over.
KEEP, END = "keep", "end"


class CustomerFilterForm(SearchForm):
    """Which of a partner's customers to show: by name or domain, by reseller, by whose DAP there is.

    With a reseller, they are its customers too; or, on demand, those where the reseller has no DAP.
    """

    reseller = forms.ChoiceField(
        label=_("Reseller"),
        required=False,
        widget=ListSelect,
        error_messages={"invalid_choice": _("Choose one of your resellers.")},
    )
    dap = forms.TypedChoiceField(
        label=_("Delegated admin privileges"),
        required=False,
        choices=[("", _("All")), ("yes", _("Yes")), ("no", _("No"))],
        widget=ListSelect,
        coerce=lambda value: value == "yes",
        empty_value=None,
    )
    reseller_dap = forms.TypedChoiceField(
        label=_("Admin rights of the reseller"),
        required=False,
        choices=[
            ("", _("With or without")),
            ("yes", _("Yes")),
            ("no", _("None")),
        ],
        widget=ListSelect,
        coerce=lambda value: value == "yes",
        empty_value=None,
    )

    def __init__(self, *args: Any, partner: Partner, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["q"].label = _("Name or domain")
        self.fields["dap"].label = _("Delegated admin privileges of %(partner)s") % {
            "partner": partner
        }
        if partner.type == PartnerType.INDIRECT_PROVIDER:
            resellers = partner_labels(ResellersOfProvider(provider=partner.pk).named())
            self.fields["reseller"].choices = NamedRows(
                [("", _("All customers")), *((dashed(key), label) for key, label in resellers)]
            )
        else:
            del self.fields["reseller"], self.fields["reseller_dap"]

    def clean(self) -> dict[str, Any]:
        super().clean()
        cleaned = self.cleaned_data
        is_incomplete = cleaned.get("reseller_dap") is not None and not cleaned.get("reseller")
        if is_incomplete and not self.has_error("reseller"):
            self.add_error("reseller", _("Choose the reseller whose rights you ask for."))
        return cleaned

    @property
    def reseller_without_rights(self) -> str | None:
        """The name of the reseller that is to have no DAP, or None where that is not asked."""
        asked = self.cleaned_data if self.is_valid() else {}
        if asked.get("reseller_dap") is not False:
            return None
        return dict(self.fields["reseller"].choices)[asked["reseller"]]


class RequestFilterForm(SearchForm):
    """Which of a partner's requests to show: by the name or address of whom was asked, and by status."""

    state = forms.ChoiceField(
        label=_("Status"),
        required=False,
        choices=[("", _("All")), *RequestStatus.choices],
        widget=ListSelect,
    )


class AskForm(PortalModelForm):
    """The base of the forms that create a request: to whom, and in which language."""

    bound_field_class = StyledField
    kind = RequestKind.CUSTOMER

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.partner = cast(Partner, user.membership.partner)  # whose staff alone asks
        self.fields["language"].initial = language_of(self.partner.country)

    def _post_clean(self) -> None:
        # The instance is made by RelationshipRequest.objects.ask, which validates it as a whole.
        pass

    @property
    def open_request(self) -> RelationshipRequest | None:
        """The open request to the same firm that stands in the way, or None."""
        for error in self.errors.as_data().get("recipient_email", []):
            if error.code == "open":
                return (error.params or {})["request"]
        return None

    def asked(self) -> RelationshipRequest | None:
        """Return the new request, or None with the errors at their fields."""
        fields = {**self.cleaned_data, "kind": self.kind}
        draft = RelationshipRequest(partner=self.partner, **fields)
        subject, text = draft.drafted(self.user)
        try:
            return RelationshipRequest.objects.ask(
                by=self.user, subject=subject, text=text, **fields
            )
        except ValidationError as error:
            self.add_model_errors(error)
            return None


class RequestForm(AskForm):
    """A request to a customer (R3, R12). To one of the partner's own, ``customer`` fixes to whom."""

    class Meta:
        model = RelationshipRequest
        fields = ["recipient_name", "recipient_email", "language", "with_dap", "provider"]
        field_classes = {"provider": PartnerChoiceField}

    def __init__(self, *args: Any, customer: Customer | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.customer = customer
        providers = Partner.objects.active().filter(
            partnerships_as_provider__reseller=self.partner,
            partnerships_as_provider__ended_at=None,
        )
        if self.partner.is_reseller and providers:
            self.fields["provider"].queryset = providers
            self.fields["provider"].empty_label = _("Only my company")
        else:
            del self.fields["provider"]
        if not self.user.has_perm(Permission.REQUEST_DAP):
            self.fields["with_dap"].disabled = True
            self.fields["with_dap"].initial = False
            self.fields["with_dap"].help_text = _("Your roles do not include requesting these.")
        if customer:
            self.fields["recipient_name"].disabled = True
            self.initial.setdefault("recipient_email", customer.contact_email)
            self.initial["recipient_name"] = customer.name
            self.fields["language"].initial = language_of(customer.country)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if self.customer:
            cleaned["customer"] = self.customer
        return cleaned


class InviteResellerForm(AskForm):
    """A provider's invitation to a reseller (R10)."""

    kind = RequestKind.RESELLER

    class Meta:
        model = RelationshipRequest
        fields = ["recipient_name", "recipient_email", "language"]
        labels = {
            "recipient_name": _("Indirect reseller"),
            "recipient_email": _("Email of its Global admin"),
        }

    def clean(self) -> dict[str, Any]:
        return {**super().clean(), "with_dap": False}


class DraftForm(PortalModelForm):
    """The text of the mail; the personal link is not part of it and stays (R4)."""

    bound_field_class = StyledField

    class Meta:
        model = RelationshipRequest
        fields = ["subject", "text"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.required = True

    def clean_subject(self) -> str:
        return " ".join(self.cleaned_data["subject"].split())


class DraftLanguageForm(PortalModelForm):
    """In which language the portal proposes the text of the mail."""

    bound_field_class = StyledField

    class Meta:
        model = RelationshipRequest
        fields = ["language"]


class AcceptForm(forms.Form):
    """What must be ticked to accept: the customer agreement, or the authorization of a partnership."""

    bound_field_class = StyledField

    agrees = forms.BooleanField(
        label=_("My company accepts the customer agreement."),
        error_messages={"required": _("Tick the box to accept.")},
    )


class AuthorizeForm(AcceptForm):
    agrees = forms.BooleanField(
        label=_("I authorize this indirect provider to work with my company."),
        error_messages={"required": _("Tick the box to authorize.")},
    )


class DeclineForm(forms.Form):
    bound_field_class = StyledField

    reason = forms.CharField(
        label=_("Reason for declining"),
        max_length=500,
        help_text=_("The partner reads it."),
        error_messages={"required": _("Tell the partner why.")},
    )


class RegistrationEmailForm(forms.Form):
    """Where a customer that is new in the portal reads mail: the way on is mailed there (R14)."""

    bound_field_class = StyledField

    email = EmailFormField(
        label=_("Your email"), help_text=_("You sign in with it."), max_length=254
    )


class RegistrationForm(SetPasswordMixin, PortalModelForm):
    """A customer that is new in the portal, with its first admin, who has proved ``email`` (R6, R14).

    A record that the partner made for it is taken over as it is, so nothing of it is asked.
    """

    bound_field_class = StyledField

    password1, password2 = SetPasswordMixin.create_password_fields(
        label1=_("Password"), label2=_("Password, again")
    )
    agrees = forms.BooleanField(
        label=_("My company accepts the customer agreement."),
        error_messages={"required": _("Tick the box to accept.")},
    )

    class Meta:
        model = Customer
        fields = ["name", "domain", "country", "contact_name", "contact_phone"]
        labels = {
            "name": _("Firm"),
            "contact_name": _("Your name"),
            "contact_phone": _("Your phone"),
        }

    def __init__(
        self, *args: Any, request: RelationshipRequest, email: str, proof: str, **kwargs: Any
    ) -> None:
        self.relationship_request, self.email, self.proof = request, email, proof
        domain = email.rpartition("@")[2]
        initial = {
            "domain": "" if is_shared(domain) else shown_domain(domain),
            "country": request.partner.country,
        }
        if email == request.recipient_email:
            initial["name"] = request.recipient_name
        self.record = request.record_to_take_over(email)
        super().__init__(*args, **{"initial": initial, **kwargs})
        self.fields["contact_name"].required = True
        if self.record:
            for name in ("name", "domain", "country", "contact_phone", "agrees"):
                del self.fields[name]

    def _post_clean(self) -> None:
        if not self.record:
            super()._post_clean()  # type: ignore[misc]  # Django's own hook has no types

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        self.validate_passwords()
        # Who is new goes on in the language in which it registers.
        name, language = cleaned.get("contact_name", ""), get_language() or ""
        self.user = User(email=self.email, name=name, language=language)
        self.validate_password_for_user(self.user, "password1")
        return cleaned

    def register(self) -> User | None:
        """Register and accept. Returns the new admin, or None with the errors at their fields."""
        customer = self.record or self.instance
        if not self.record:
            customer.contact_email = self.email
        self.user.set_password(self.cleaned_data["password1"])
        try:
            return self.relationship_request.register(self.proof, customer, user=self.user)
        except ValidationError as error:
            self.add_model_errors(error)
            return None


class TakeOverForm(forms.Form):
    """For each relationship whether it is kept or ended; none is decided beforehand."""

    bound_field_class = StyledField

    def __init__(self, *args: Any, relationships: Iterable[Relationship], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.relationships = list(relationships)
        partners = [one.partner for one in self.relationships]
        labels = dict(partner_labels((one.pk, one.name, one.mpn_id) for one in partners))
        for one in self.relationships:
            self.fields[one.pk.hex] = forms.ChoiceField(
                label=labels[one.partner_id],
                choices=[
                    (KEEP, _("Keep: everything stays as it is.")),
                    (END, self.what_ends(one)),
                ],
                widget=forms.RadioSelect,
                error_messages={"required": _("Say whether this partner may stay.")},
            )

    @staticmethod
    def what_ends(relationship: Relationship) -> str | Promise:
        """What follows where it is ended, as its reader is told."""
        if not relationship.sold_count:
            return _("End: it can no longer act for your company, nor administer your products.")
        return ngettext(
            "End: it can no longer administer your products. The relationship stays until the %(count)s"
            " active subscription that it sold to you is suspended.",
            "End: it can no longer administer your products. The relationship stays until the %(count)s"
            " active subscriptions that it sold to you are suspended.",
            relationship.sold_count,
        ) % {"count": localize(relationship.sold_count)}

    @property
    def rows(self) -> list[tuple[Relationship, forms.BoundField]]:
        """The relationships, each with its field."""
        return [(one, self[one.pk.hex]) for one in self.relationships]

    @property
    def decisions(self) -> dict[uuid.UUID, bool]:
        return {one.pk: self.cleaned_data[one.pk.hex] == KEEP for one in self.relationships}
