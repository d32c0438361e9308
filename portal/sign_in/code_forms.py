"""The forms of codes from an app, apart from the others so that the page to sign in does without them."""

from allauth.mfa.base import forms as factor_forms
from allauth.mfa.totp.forms import ActivateTOTPForm
from django.utils.translation import gettext_lazy as _

from .forms import DesignedForm

CODE_HELP = _("The six digits that your authenticator app shows, or one of your recovery codes.")


class CodeForm(DesignedForm, factor_forms.AuthenticateForm):
    labels = {"code": _("Code")}
    help_texts = {"code": CODE_HELP}


class CodeConfirmForm(DesignedForm, factor_forms.ReauthenticateForm):
    labels = {"code": _("Code")}
    help_texts = {"code": CODE_HELP}


class AppForm(DesignedForm, ActivateTOTPForm):
    labels = {"code": _("Code")}
    help_texts = {"code": _("The six digits that the app shows now.")}
