"""The pages of second factors by the names that urls.py gives: those of allauth, some with a rule more."""

from allauth.mfa.base.views import authenticate, index, reauthenticate
from allauth.mfa.recovery_codes.views import (
    download_recovery_codes,
    generate_recovery_codes,
    view_recovery_codes,
)
from allauth.mfa.totp.views import DeactivateTOTPView, activate_totp
from allauth.mfa.webauthn.views import (
    ReauthenticateWebAuthnView,
    RemoveWebAuthnView,
    add_webauthn,
    edit_webauthn,
    list_webauthn,
    login_webauthn,
)
from django.contrib import messages
from django.db import transaction
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from portal.models import User

from .middleware import HAS_SECOND_FACTOR
from .views import end_other_sessions

__all__ = [
    "activate_totp",
    "add_webauthn",
    "authenticate",
    "deactivate_totp",
    "download_recovery_codes",
    "edit_webauthn",
    "generate_recovery_codes",
    "index",
    "list_webauthn",
    "login_webauthn",
    "reauthenticate",
    "reauthenticate_webauthn",
    "remove_webauthn",
    "view_recovery_codes",
]


class LastFactorMixin:
    """Removing a second factor: refused for the last one while one is needed.

    Without any left the other sessions end, so that none of them remembers to have one.
    """

    @property
    def factor(self):
        raise NotImplementedError

    @transaction.atomic
    def post(self, request, *args, **kwargs):
        # Of two who remove one each, the second finds the first one gone.
        user = User.objects.select_for_update(no_key=True).get(pk=request.user.pk)
        if not request.user.may_remove_factor(self.factor):
            messages.error(request, self.explanation)
            return redirect("mfa_index")
        answer = super().post(request, *args, **kwargs)
        if not user.second_factors.exists():
            request.session.pop(HAS_SECOND_FACTOR, None)
            end_other_sessions(request)
        return answer

    def get_context_data(self, **kwargs):
        allowed = self.request.user.may_remove_factor(self.factor)
        return super().get_context_data(refusal="" if allowed else self.explanation, **kwargs)

    @property
    def explanation(self):
        organisation = self.request.user.organisation
        if organisation is None:
            return _("Operators need a second factor. Add another one before you remove this one.")
        return _(
            "%(organisation)s requires a second factor. Add another one before you remove this one."
        ) % {"organisation": organisation}


class AppRemoveView(LastFactorMixin, DeactivateTOTPView):
    @property
    def factor(self):
        return self.authenticator


class PasskeyRemoveView(LastFactorMixin, RemoveWebAuthnView):
    @property
    def factor(self):
        return self.get_object()


class PasskeyConfirmView(ReauthenticateWebAuthnView):
    def form_invalid(self, form):
        super().form_invalid(form)
        return redirect(self.request.get_full_path())


deactivate_totp = AppRemoveView.as_view()
reauthenticate_webauthn = PasskeyConfirmView.as_view()
remove_webauthn = PasskeyRemoveView.as_view()
