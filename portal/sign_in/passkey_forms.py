"""The forms of passkeys, apart from the others for the libraries that they need."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    EditWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from django import forms
from django.utils.translation import gettext_lazy as _
from fido2.utils import websafe_decode
from fido2.webauthn import CollectedClientData

from portal import links

from .forms import DesignedForm


def require_own_page(credential: Any) -> None:
    """Refuse what a browser has made or given on another page than one of PORTAL_URL.

    The library would take it from any host below that one, too. What can't be read it refuses itself.
    """
    try:
        data = CollectedClientData(websafe_decode(credential["response"]["clientDataJSON"]))
        origin = data.origin
    except (AttributeError, LookupError, TypeError, ValueError):
        return
    if not links.is_passkey_origin(origin):
        raise get_adapter().validation_error("incorrect_code")


@contextmanager
def understood() -> Iterator[None]:
    """Refuse, like a passkey that is wrong, what is none: the library fails in many ways where parts miss."""
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise get_adapter().validation_error("incorrect_code") from error


class CredentialField(forms.JSONField):
    """What the browser says of a passkey. JSON too deep to be read is refused like any that is none."""

    def __init__(self) -> None:
        super().__init__(required=True, widget=forms.HiddenInput)

    def to_python(self, value: Any) -> Any:
        try:
            return super().to_python(value)
        except RecursionError:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid") from None

    def bound_data(self, data: Any, initial: Any) -> Any:
        try:
            return super().bound_data(data, initial)
        except RecursionError:
            return ""


class OwnPageMixin(forms.Form):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["credential"] = CredentialField()

    def clean_credential(self) -> Any:
        require_own_page(self.cleaned_data["credential"])
        with understood():
            return super().clean_credential()  # type: ignore[misc]  # of allauth's form


class PasskeyAnswerForm(OwnPageMixin, AuthenticateWebAuthnForm):
    """A passkey as the second factor."""


class PasskeySignInForm(OwnPageMixin, LoginWebAuthnForm):
    """A passkey in the place of a password."""


class PasskeyConfirmForm(OwnPageMixin, ReauthenticateWebAuthnForm):
    """A passkey that confirms who sits at a session left open."""


class PasskeyForm(DesignedForm, AddWebAuthnForm):
    """A new passkey. The browser makes it and puts it into the form."""

    name = forms.CharField(max_length=100, required=False)
    labels = {"name": _("Name"), "passwordless": _("Sign in with it alone, without a password")}
    help_texts = {"name": _("Such as “Office laptop” or “Key on the key ring”.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["credential"] = CredentialField()
        self.fields["passwordless"].initial = True

    def clean_name(self) -> str:
        return self.cleaned_data["name"] or str(_("Passkey"))

    def clean(self) -> dict[str, Any] | None:
        require_own_page(self.cleaned_data.get("credential"))
        with understood():
            return super().clean()


class PasskeyNameForm(DesignedForm, EditWebAuthnForm):
    name = forms.CharField(max_length=100)
    labels = {"name": _("Name")}
