"""The form bases that every app uses."""

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from portal.models import User


class StyledField(forms.BoundField):
    """A field of a form, drawn with the classes of the design."""

    def build_widget_attrs(self, attrs, widget=None):
        widget = widget or self.field.widget
        if isinstance(widget, forms.Select):
            style = "form-select"
        elif isinstance(widget, (forms.CheckboxInput, forms.RadioSelect)):
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
            for field, errors in error.update_error_dict({}).items():
                self.add_error(field if field in self.fields else None, errors)


class SearchInput(forms.TextInput):
    input_type = "search"

    def format_value(self, value):
        # A NUL byte is refused by the field; drawn again it would make the page invalid.
        return super().format_value(value.replace("\x00", "") if value else value)


class SearchForm(forms.Form):
    """One word or several, to be found in a list."""

    bound_field_class = StyledField

    q = forms.CharField(
        label=_("Search"),
        required=False,
        max_length=200,
        widget=SearchInput,
    )


class SignInForm(AuthenticationForm):
    """Email and password. The answer does not tell whether an account exists."""

    bound_field_class = StyledField

    error_messages = {
        "invalid_login": _("Email or password is wrong. Check both and try again."),
        "inactive": _("Email or password is wrong. Check both and try again."),
    }

    def clean_username(self):
        return self.cleaned_data["username"].lower()


class ProfileForm(PortalModelForm):
    """What a user may change of itself."""

    bound_field_class = StyledField

    class Meta:
        model = User
        fields = ["name", "language"]
