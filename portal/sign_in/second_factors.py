"""The pages of second factors by the names that urls.py gives: those of allauth, some with a rule more."""

from typing import Any

from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.base.views import authenticate, index, reauthenticate
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.views import (
    download_recovery_codes,
    generate_recovery_codes,
    view_recovery_codes,
)
from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView
from allauth.mfa.webauthn.views import (
    AddWebAuthnView,
    ReauthenticateWebAuthnView,
    RemoveWebAuthnView,
    edit_webauthn,
    list_webauthn,
    login_webauthn,
)
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.generic import View
from django.views.generic.base import ContextMixin
from django.views.generic.edit import FormMixin

from portal.models import User
from portal.signed_in import user_of

from .adapters import DONE
from .code_forms import use_up
from .middleware import has_shown_factor
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


class FirstFactorMixin(FormMixin, View):
    """Adding a second factor: the first one ends the other sessions, which have shown none.

    This session has shown it by setting it up.
    """

    @transaction.atomic
    def form_valid(self, form: Any) -> HttpResponse:
        # Of two sessions that add the first one each, the second has not shown what is there by now.
        user = User.objects.select_for_update(no_key=True).get(pk=self.request.user.pk)
        is_first = not user.has_second_factor
        if not is_first and not has_shown_factor(self.request):
            return redirect(self.request.path)  # which asks for it
        answer = super().form_valid(form)
        added = user.second_factors.latest("pk")
        self.added(added, form)
        if is_first:
            end_other_sessions(self.request)
            messages.info(self.request, DONE["usersessions/messages/sessions_logged_out.txt"])
            record_authentication(
                self.request, self.request.user, "mfa", id=added.pk, type=added.type
            )
        return answer

    def added(self, factor: Authenticator, form: Any) -> None:
        pass


class AppAddView(FirstFactorMixin, ActivateTOTPView):
    def added(self, factor: Authenticator, form: Any) -> None:
        use_up(factor, form.period)


class PasskeyAddView(FirstFactorMixin, AddWebAuthnView):
    pass


class LastFactorMixin(ContextMixin, View):
    """Removing a second factor: refused for the last one while one is needed.

    The other sessions end: one of them may be on the device that was lost.
    """

    @property
    def factor(self) -> Authenticator:
        raise NotImplementedError

    @transaction.atomic
    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        # Of two who remove one each, the second finds the first one gone.
        user = User.objects.select_for_update(no_key=True).get(pk=request.user.pk)
        if not user_of(request).may_remove_factor(self.factor):
            messages.error(request, self.explanation)
            return redirect("mfa_index")
        count = user.second_factors.count()
        answer = super().post(request, *args, **kwargs)  # type: ignore[misc]  # of allauth's view
        if user.second_factors.count() < count:
            end_other_sessions(request)
        return answer

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        allowed = user_of(self.request).may_remove_factor(self.factor)
        return super().get_context_data(refusal="" if allowed else self.explanation, **kwargs)

    @property
    def explanation(self) -> str:
        organisation = user_of(self.request).organisation
        if organisation is None:
            return _("Operators need a second factor. Add another one before you remove this one.")
        return _(
            "%(organisation)s requires a second factor. Add another one before you remove this one."
        ) % {"organisation": organisation}


class AppRemoveView(LastFactorMixin, DeactivateTOTPView):
    @property
    def factor(self) -> Authenticator:
        return self.authenticator


class PasskeyRemoveView(LastFactorMixin, RemoveWebAuthnView):
    @property
    def factor(self) -> Authenticator:
        return self.get_object()


class PasskeyConfirmView(ReauthenticateWebAuthnView):
    def form_invalid(self, form: Any) -> HttpResponse:
        super().form_invalid(form)
        return redirect(self.request.get_full_path())


activate_totp = AppAddView.as_view()
add_webauthn = PasskeyAddView.as_view()
deactivate_totp = AppRemoveView.as_view()
reauthenticate_webauthn = PasskeyConfirmView.as_view()
remove_webauthn = PasskeyRemoveView.as_view()
