"""The form bases that every app uses."""

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.utils.translation import get_language_info
from django.utils.translation import gettext_lazy as _

from portal.models import Action, Partner, User


class StyledField(forms.BoundField):
    """A field of a form, drawn with the classes of the design."""

    def value(self):
        # A NUL byte is refused by every field; drawn again it would make the page invalid.
        value = super().value()
        return value.replace("\x00", "") if isinstance(value, str) else value

    def build_widget_attrs(self, attrs, widget=None):
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

    def validate_unique(self):
        super().validate_unique()
        if self.errors:
            return
        try:
            self.instance.validate_constraints()
        except ValidationError as error:
            self.add_model_errors(error)

    def add_model_errors(self, error):
        """Show what the model refuses: at the field where the form has it, else above the form."""
        for field, errors in error.update_error_dict({}).items():
            self.add_error(field if field in self.fields else None, errors)


class SearchInput(forms.TextInput):
    input_type = "search"


class SearchForm(forms.Form):
    """One word or several, to be found in a list."""

    bound_field_class = StyledField

    q = forms.CharField(
        label=_("Search"),
        required=False,
        max_length=200,
        widget=SearchInput,
    )


class DateInput(forms.DateInput):
    input_type = "date"

    def __init__(self, attrs=None):
        super().__init__(attrs, format="%Y-%m-%d")


class ActivityFilterForm(forms.Form):
    """Which entries of the activity log to show: from day to day (UTC), of a customer, of a kind."""

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
        label=_("Action"), required=False, choices=[("", _("All actions")), *Action.choices]
    )

    def clean(self):
        cleaned = super().clean()
        if cleaned.get("start") and cleaned.get("end") and cleaned["start"] > cleaned["end"]:
            self.add_error("end", _("Choose a day that is not before the first one."))
        return cleaned


class SignInForm(AuthenticationForm):
    """Email and password. The answer does not tell whether an account exists."""

    bound_field_class = StyledField

    error_messages = {
        "invalid_login": _("Email or password is wrong. Check both and try again."),
        "inactive": _("Email or password is wrong. Check both and try again."),
    }

    def clean_username(self):
        return self.cleaned_data["username"].lower()


class SupportLanguagesField(forms.MultipleChoiceField):
    """The languages in which a partner helps, named in the reader's language."""

    def __init__(self, **kwargs):
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

    support_website = forms.URLField(
        label=_("Support website"), required=False, max_length=200, assume_scheme="https"
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
        ]


class ProfileForm(PortalModelForm):
    """What a user may change of itself."""

    bound_field_class = StyledField

    class Meta:
        model = User
        fields = ["name", "language"]
