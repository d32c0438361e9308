"""The forms of codes from an app, apart from the others so that the page to sign in does without them."""

from typing import Any

from allauth.core import context
from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms as factor_forms
from allauth.mfa.base.internal.flows import check_rate_limit
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.internal import auth as app
from django import forms
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from .forms import DesignedForm

CODE_HELP = _("The six digits that your authenticator app shows, or one of your recovery codes.")
# In what allauth stores of an app: the period of the last code that was used.
USED = "used_period"


def period_of(secret: str, code: str) -> int | None:
    """Return the period, of half a minute, whose code this is, or None: the present one or one beside it."""
    for period in app.yield_hotp_counters_from_time():
        expected = app.format_hotp_value(app.hotp_value(secret, period))
        if compare_user_code(actual=code, expected=expected):
            return period
    return None


def use_up(authenticator: Authenticator, period: int) -> None:
    """Let no code of ``period``, and none of an earlier one, be good any more."""
    authenticator.data[USED] = period
    authenticator.save(update_fields=["data"])


class UsedOnceMixin(forms.Form):
    """A code that its owner types: it is good once.

    allauth would forget a used code after one period, while with the tolerance of clocks it is good for
    three; and it forgets in the cache, which may drop what it holds.
    """

    user: Any  # as allauth's form has it

    def clean_code(self) -> str:
        clear_attempts = check_rate_limit(self.user)
        code = self.cleaned_data["code"]
        with transaction.atomic():
            # Of two who type the same code at once, the second finds it used.
            held = Authenticator.objects.select_for_update().filter(user=self.user)
            found = {one.type: one for one in held.exclude(type="webauthn").order_by("pk")}
            for authenticator in found.values():
                if self.is_good(authenticator, code):
                    authenticator.user = self.user
                    self.authenticator = authenticator
                    clear_attempts()
                    return code
        main = found.get("totp") or found.get("recovery_codes")
        if main:
            self._emit_authentication_failed(main)  # type: ignore[attr-defined]
        raise get_adapter().validation_error("incorrect_code")

    def is_good(self, authenticator: Authenticator, code: str) -> bool:
        if authenticator.type != "totp":
            return authenticator.wrap().validate_code(code)
        period = period_of(get_adapter().decrypt(authenticator.data["secret"]), code)
        if period is None or period <= authenticator.data.get(USED, 0):
            return False
        use_up(authenticator, period)
        return True


class CodeForm(UsedOnceMixin, DesignedForm, factor_forms.AuthenticateForm):
    labels = {"code": _("Code")}
    help_texts = {"code": CODE_HELP}


class CodeConfirmForm(UsedOnceMixin, DesignedForm, factor_forms.ReauthenticateForm):
    labels = {"code": _("Code")}
    help_texts = {"code": CODE_HELP}


class AppForm(DesignedForm, ActivateTOTPForm):
    """Sets an app up. The key stays the same however often the page is loaded, until the app is set up."""

    labels = {"code": _("Code")}
    help_texts = {"code": _("The six digits that the app shows now.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        session = context.request.session
        kept = session.get(app.SECRET_SESSION_KEY)
        super().__init__(*args, **kwargs)
        if kept:
            self.secret = session[app.SECRET_SESSION_KEY] = kept

    def clean_code(self) -> str:
        code = super().clean_code()
        self.period = period_of(self.secret, code)
        return code
