"""The form bases that every app uses."""

from collections.abc import Collection
from typing import Any

from django import forms
from django.contrib.auth.forms import SetPasswordMixin
from django.core.exceptions import ValidationError
from django.utils.functional import cached_property
from django.utils.translation import get_language_info
from django.utils.translation import gettext_lazy as _

from lists.widgets import DateInput, FilteredSelect, ListSelect, SearchInput
from portal.authority import Principal
from portal.models import Action, Membership, Partner, User
from portal.permissions import Role, permissions_by_role
from portal.web_addresses import WebAddressFormField
from portal.zones import shown_zone, time_zones


class StyledField(forms.BoundField):
    """A field of a form, drawn with the classes of the design."""

    def value(self) -> Any:
        # A NUL byte is refused by every field; drawn again it would make the page invalid.
        value = super().value()
        return value.replace("\x00", "") if isinstance(value, str) else value

    def build_widget_attrs(
        self, attrs: dict[str, Any], widget: forms.Widget | None = None
    ) -> dict[str, Any]:
        widget = widget or self.field.widget
        if isinstance(widget, forms.Select):
            style = "form-select"
        elif isinstance(widget, forms.RadioSelect):  # and its kind, CheckboxSelectMultiple
            style = "choices"
        elif isinstance(widget, forms.CheckboxInput):
            style = "form-check-input"
        else:
            style = "form-control"
        if self.errors:
            style += " is-invalid"
        return super().build_widget_attrs({"class": style, **attrs}, widget)


class PortalModelForm(forms.ModelForm):
    """A ModelForm that checks every constraint of its instance.

    Django leaves out the constraints that name a field missing from the form, which would then end in
    a server error. Here they end as an error of the form, at the field where it has one.
    """

    def validate_unique(self) -> None:
        super().validate_unique()
        if self.errors:
            return
        try:
            self.instance.validate_constraints()
        except ValidationError as error:
            self.add_model_errors(error)

    fields: dict[str, Any]
    # Where a field of the model stands in the form under another name.
    model_field_names: dict[str, str] = {}

    def clean(self) -> dict[str, Any]:
        super().clean()
        return self.cleaned_data

    def add_model_errors(self, error: ValidationError) -> None:
        """Show what the model refuses: at the field where the form has it, else above the form."""
        for name, errors in error.update_error_dict({}).items():
            field = self.model_field_names.get(name, name)
            self.add_error(field if field in self.fields else None, errors)


class EditForm(PortalModelForm):
    """The base of the forms for an ``Editable`` row: it hands back the version that its reader saw."""

    bound_field_class = StyledField

    seen = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["seen"].initial = self.instance.version

    @property
    def edited_fields(self) -> list[str]:
        """The fields of the model that the form may have set."""
        shown = (name for name in self._meta.fields or () if name in self.fields)
        moved = (name for name, field in self.model_field_names.items() if field in self.fields)
        return [*shown, *moved]


class SearchForm(forms.Form):
    """One word or several, to be found in a list."""

    fields: dict[str, Any]
    bound_field_class = StyledField

    q = forms.CharField(
        label=_("Search"),
        required=False,
        max_length=200,
        widget=SearchInput,
    )


class ActivityFilterForm(forms.Form):
    """Which entries of the activity log to show: from day to day, of a customer, of a kind."""

    bound_field_class = StyledField

    start = forms.DateField(
        label=_("From"), required=False, widget=DateInput, input_formats=["%Y-%m-%d"]
    )
    end = forms.DateField(
        label=_("To"), required=False, widget=DateInput, input_formats=["%Y-%m-%d"]
    )
    customer = forms.CharField(
        label=_("Customer"), required=False, max_length=200, widget=SearchInput
    )
    action = forms.ChoiceField(
        label=_("Action"),
        required=False,
        choices=[("", _("All actions")), *Action.choices],
        widget=ListSelect,
    )

    def clean(self) -> None:
        super().clean()
        start, end = map(self.cleaned_data.get, ("start", "end"))
        if start and end and start > end:
            self.add_error("end", _("Choose a day that is not before the first one."))


class SupportLanguagesField(forms.MultipleChoiceField):
    """The languages in which a partner helps, named in the reader's language."""

    def __init__(self, **kwargs: Any) -> None:
        codes = ("cs", "da", "de", "en", "es", "fr", "it", "nl", "pl", "tr")
        super().__init__(
            label=_("Support languages"),
            required=False,
            widget=forms.CheckboxSelectMultiple,
            choices=lambda: [(code, get_language_info(code)["name_translated"]) for code in codes],
            **kwargs,
        )


class CompanyForm(PortalModelForm):
    """What customers read of a partner where it is their support contact."""

    bound_field_class = StyledField

    support_website = WebAddressFormField(
        label=_("Support website"), required=False, max_length=200
    )
    support_languages = SupportLanguagesField()

    class Meta:
        model = Partner
        fields = [
            "support_email",
            "support_phone",
            "support_website",
            "support_hours",
            "support_languages",
            "requires_second_factor",
        ]


class TimeZoneField(forms.ChoiceField):
    """The zone in which a person reads times; empty: that of the installation."""

    widget = FilteredSelect
    default_error_messages = {"invalid_choice": _("Choose a time zone of the list.")}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            label=_("Time zone"),
            required=False,
            help_text=User._meta.get_field("time_zone").help_text,
            choices=lambda: [(name, shown_zone(name)) for name in ("", *time_zones())],
            **kwargs,
        )


class ProfileForm(PortalModelForm):
    """What a user may change of itself."""

    bound_field_class = StyledField

    time_zone = TimeZoneField()

    class Meta:
        model = User
        fields = ["name", "language", "time_zone", "answering_mail"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # One who sends the form without it keeps what was picked.
        self.fields["answering_mail"].required = False

    def clean_answering_mail(self) -> str:
        return self.cleaned_data["answering_mail"] or self.initial["answering_mail"]


class RoleBoxes(forms.CheckboxSelectMultiple):
    """The roles to tick. Those of ``fixed`` can't be taken away; each still is sent with the form."""

    fixed: dict[Role, str] = {}

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(name, value, *args, **kwargs)
        if value in self.fixed:
            option["attrs"] |= {"disabled": True, "aria-describedby": f"why-{value}"}
        return option


class RolesField(forms.MultipleChoiceField):
    """The roles of a user, as far as its kind of organisation has them."""

    widget = RoleBoxes

    def __init__(self, **kwargs: Any) -> None:
        messages = {
            "required": _("Choose at least one role."),
            "invalid_choice": _("Choose among these roles."),
        }
        super().__init__(label=_("Roles"), error_messages=messages, **kwargs)

    def offer(self, roles: Collection[Role]) -> None:
        self.choices = [(role.value, role.label) for role in Role if role in roles]
        self.explained = permissions_by_role(roles)


class RolesForm(forms.Form):
    """The roles of one member, to be changed by ``by``."""

    fields: dict[str, Any]
    bound_field_class = StyledField

    roles = RolesField()

    def __init__(self, *args: Any, member: Membership, by: Principal, **kwargs: Any) -> None:
        super().__init__(*args, **{"initial": {"roles": member.roles}, **kwargs})
        self.member, self.by = member, by
        self.fields["roles"].offer(member.possible_roles)
        self.fields["roles"].widget.fixed = self.fixed

    @cached_property
    def fixed(self) -> dict[Role, str]:
        """The roles that ``by`` can't take away, each with the reason."""
        reasons = {}
        for role in self.member.roles:
            try:
                self.member.require_droppable(role, by=self.by)
            except ValidationError as error:
                reasons[role] = error.messages[0]
        return reasons

    def save(self) -> bool:
        """Set the roles. Returns whether they are set; if not, the error stands at the field."""
        try:
            self.member.set_roles(self.cleaned_data["roles"], by=self.by)
        except ValidationError as error:
            self.add_error("roles", error)
        return not self.errors


class InviteForm(PortalModelForm):
    """Whom to invite into the organisation of ``by``, and what for."""

    bound_field_class = StyledField

    roles = RolesField()

    class Meta:
        model = User
        fields = ["email", "name"]

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by = by
        possible = by.membership.possible_roles
        self.fields["email"].help_text = _(
            "The invitation goes there, and the user signs in with it."
        )
        self.fields["name"].required = True
        self.fields["roles"].offer(possible)
        if len(possible) == 1:
            self.initial["roles"] = list(possible)

    def _post_clean(self) -> None:
        # The user is made by Membership.objects.invite, which validates it as a whole.
        pass

    def invite(self) -> User | None:
        """Return the invited user, or None with the errors at their fields."""
        try:
            made = Membership.objects.invite(self.by.organisation, by=self.by, **self.cleaned_data)
            return made.user
        except ValidationError as error:
            self.add_model_errors(error)
            return None


class InvitedPasswordForm(SetPasswordMixin, forms.Form):
    """An invited user's first password."""

    bound_field_class = StyledField

    password1, password2 = SetPasswordMixin.create_password_fields(
        label1=_("Password"), label2=_("Password, again")
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean(self) -> dict[str, Any] | None:
        self.validate_passwords()
        self.validate_password_for_user(self.user, "password1")
        return super().clean()
