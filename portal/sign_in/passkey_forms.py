"""The forms of passkeys, apart from the others for the libraries that they need."""

from allauth.mfa.webauthn.forms import AddWebAuthnForm, EditWebAuthnForm
from django import forms
from django.utils.translation import gettext_lazy as _

from .forms import DesignedForm


class PasskeyForm(DesignedForm, AddWebAuthnForm):
    """A new passkey. The browser makes it and puts it into the form."""

    name = forms.CharField(max_length=100, required=False)
    labels = {"name": _("Name"), "passwordless": _("Sign in with it alone, without a password")}
    help_texts = {"name": _("Such as “Office laptop” or “Key on the key ring”.")}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["passwordless"].initial = True

    def clean_name(self):
        return self.cleaned_data["name"] or str(_("Passkey"))


class PasskeyNameForm(DesignedForm, EditWebAuthnForm):
    name = forms.CharField(max_length=100)
    labels = {"name": _("Name")}
