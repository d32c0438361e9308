"""What the portal decides where django-allauth asks: who may sign in, what people are told."""

import time
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import (
    get_authentication_records,
    record_authentication,
)
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp, SocialLogin
from allauth.socialaccount.providers.base import AuthError, AuthProcess
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from portal import links, mail
from portal.addresses import normal_email
from portal.client_address import counted_address_of
from portal.hashers import TooBusy
from portal.models import Action, ProofMethod, User
from portal.signed_in import user_of

from .attempts import count_attempt, remember_browser
from .failures import describe, error_code, log_failure

# In the state of a sign-in by an identity provider: the token of the invitation that began it.
INVITATION = "invitation"

WRONG = _("Email or password is wrong. Check both and try again.")
WRONG_CODE = _("This code is wrong or was used already. Try the next one.")
TOO_MANY = _("Too many attempts. Wait five minutes and try again.")

# What a page says after something was done, by the name that allauth has for it.
DONE = {
    "account/messages/password_changed.txt": _("Your new password is set."),
    "account/messages/password_set.txt": _("Your new password is set."),
    "mfa/messages/totp_activated.txt": _("Your authenticator app is set up."),
    "mfa/messages/totp_deactivated.txt": _("The authenticator app was removed."),
    "mfa/messages/webauthn_added.txt": _("The passkey was added."),
    "mfa/messages/webauthn_removed.txt": _("The passkey was removed."),
    "mfa/messages/recovery_codes_generated.txt": _(
        "Here are your recovery codes. Keep them where you find them without this device."
    ),
    "socialaccount/messages/account_connected.txt": _("From now on you can sign in with it."),
    "socialaccount/messages/account_connected_updated.txt": _("You can sign in with it already."),
    "socialaccount/messages/account_connected_other.txt": _(
        "This identity belongs to another account of the portal. Nothing was linked."
    ),
    "socialaccount/messages/account_disconnected.txt": _("You can't sign in with it any more."),
    "usersessions/messages/sessions_logged_out.txt": _("You are signed out everywhere else."),
}

# What stands in the activity log and is told to the person by mail.
EVENTS = {
    "account/email/password_changed": Action.PASSWORD_CHANGED,
    "account/email/password_reset": Action.PASSWORD_CHANGED,
    "account/email/password_set": Action.PASSWORD_CHANGED,
    "mfa/email/totp_activated": Action.SECOND_FACTOR_ADDED,
    "mfa/email/totp_deactivated": Action.SECOND_FACTOR_REMOVED,
    "mfa/email/webauthn_added": Action.SECOND_FACTOR_ADDED,
    "mfa/email/webauthn_removed": Action.SECOND_FACTOR_REMOVED,
    "mfa/email/recovery_codes_generated": Action.RECOVERY_CODES_MADE,
    "socialaccount/email/account_connected": Action.IDENTITY_LINKED,
    "socialaccount/email/account_disconnected": Action.IDENTITY_UNLINKED,
}


class AccountAdapter(DefaultAccountAdapter):
    """Accounts are made by invitations, operators and registrations (R6), never by a sign-up."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": WRONG,
        "enter_current_password": _("This is not your current password."),
        "incorrect_password": _("This is not your password."),
        "incorrect_code": WRONG_CODE,
        "too_many_login_attempts": TOO_MANY,
        "rate_limited": TOO_MANY,
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def is_ajax(self, request: HttpRequest) -> bool:
        """Only the passkey's challenge is asked for by a script; every page is a page."""
        match = request.resolver_match
        if match is None or match.url_name != "mfa_login_webauthn":
            return False
        return super().is_ajax(request)

    def is_safe_url(self, url: str) -> bool:
        """Whether ``url`` stays in the portal."""
        return links.stays_in_portal(url, self.request)

    def get_client_ip(self, request: HttpRequest) -> str:
        """The address whose attempts are counted."""
        return counted_address_of(request)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        # By this name allauth takes the attempt back if it succeeds.
        self._login_failed_rl_usage = count_attempt(request, credentials.get("email", ""))
        if not self._login_failed_rl_usage:
            raise self.validation_error("too_many_login_attempts")

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        try:
            return super().authenticate(request, **credentials)
        except TooBusy:
            self._rollback_login_failed_rl_usage()  # the password was not looked at
            raise

    def pre_login(self, request: HttpRequest, user: User, **kwargs: Any) -> None:
        self.require_active(user)

    def login(self, request: HttpRequest, user: User) -> None:
        # The user may have been deactivated while it was asked for the second factor.
        self.require_active(User.objects.select_related("membership__partner").get(pk=user.pk))
        super().login(request, user)
        if not get_authentication_records(request, user):
            # By a personal link: the person has set its password at this moment.
            record_authentication(request, user, "new_password")

    def post_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse:
        """Go on; who has not proved its email is asked to, once, on the way (R14)."""
        response = super().post_login(request, user, **kwargs)
        if user.should_be_asked_to_confirm:
            user.note_asked_to_confirm()
            query = urlencode({REDIRECT_FIELD_NAME: response.url})
            response["Location"] = f"{reverse('address')}?{query}"
        remember_browser(request, response, user)
        return response

    def require_active(self, user: User) -> None:
        """Refuse whom T3 locks out, whichever way it came in."""
        if not user.may_sign_in:
            self.logout(self.request)
            messages.error(self.request, _("This account can't sign in. Ask your admin."))
            raise ImmediateHttpResponse(redirect("account_login"))

    def set_password(self, user: User, password: str) -> None:
        user.set_password(password)
        user.save(update_fields=["password"])

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Whoever has just signed in is not asked again; who has a second factor has to have shown it."""
        user = user_of(self.request)
        records = get_authentication_records(self.request, user)
        if user.has_second_factor:
            records = [record for record in records if record["method"] == "mfa"]
        period = settings.ACCOUNT_REAUTHENTICATION_TIMEOUT  # type: ignore[misc]  # of allauth's settings
        if records and time.time() - records[-1]["at"] < period:
            return False
        return super().is_reauthentication_required(app=app, **kwargs)

    def get_reauthentication_methods(self, user: User | AnonymousUser) -> list[dict[str, Any]]:
        """How ``user`` can confirm that it is it, the best first; not by password where there is a factor."""
        ways = {way["id"]: way for way in super().get_reauthentication_methods(user)}
        if user.is_authenticated and user.has_second_factor:
            ways.pop("reauthenticate", None)
            if not user.second_factors.filter(type="totp").exists():
                # A recovery code is the last resort of who has passkeys only.
                ways["mfa_reauthenticate"] = ways.pop("mfa_reauthenticate", None)
        return [way for way in ways.values() if way]

    def add_message(
        self,
        request: HttpRequest,
        level: int,
        message_template: str | None = None,
        *args: Any,
        message: str | None = None,
        **kwargs: Any,
    ) -> None:
        text = message or DONE.get(message_template or "")
        if text:
            messages.add_message(request, level, text)

    def send_notification_mail(
        self, template_prefix: str, user: User, context: Any = None, email: str | None = None
    ) -> None:
        """Log what changed about how ``user`` signs in, and tell it: it may have been somebody else."""
        action = EVENTS[template_prefix]
        with transaction.atomic():
            user.record(action, by=user)
            mail.send("sign_in_changed", [user], action=action)


class SecondFactorAdapter(DefaultMFAAdapter):
    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": WRONG_CODE,
        "cannot_generate_recovery_codes": _("Set up a second factor first."),
    }

    def generate_authenticator_name(self, user: User, type: str) -> str:
        return ""

    def get_totp_issuer(self) -> str:
        return links.portal_host()

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {"id": links.passkey_host(), "name": links.portal_host()}


class ProviderAdapter(DefaultSocialAccountAdapter):
    """Identities are linked by an invitation or from the profile, never because the emails are alike."""

    error_messages = DefaultSocialAccountAdapter.error_messages | {
        "no_password": _("Set a password first, else you could not sign in any more."),
    }

    def list_apps(
        self, request: HttpRequest, provider: str | None = None, client_id: str | None = None
    ) -> list[SocialApp]:
        """The providers that the environment names, and no others."""
        apps = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"]
        return [
            SocialApp(provider="openid_connect", **app)
            for app in apps
            if provider in (None, "openid_connect", app["provider_id"])
            and client_id in (None, app["client_id"])
        ]

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Refuse an identity that nobody of the portal has linked, whatever email it shows.

        A sign-in that an invitation began links the identity to the invited user.
        """
        state = sociallogin.state
        if sociallogin.is_existing:
            prove_by_identity(sociallogin)
        if sociallogin.is_existing or state.get("process") == AuthProcess.CONNECT:
            return
        if self.accept_invitation(request, sociallogin, state.get("data") or {}):
            return
        log_failure(
            sociallogin.provider.sub_id, "no account of the portal is linked to this identity"
        )
        context = {"provider": sociallogin.provider}
        raise ImmediateHttpResponse(
            render(request, "socialaccount/invitation_needed.html", context, status=403)
        )

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider: Any,
        error: str | None = None,
        exception: Exception | None = None,
        extra_context: dict[str, Any] | None = None,
    ) -> None:
        """Log why, in words that name no person; the page says only that it failed."""
        log_failure(provider.sub_id, self._reason(request, error, exception, extra_context or {}))

    def _reason(
        self,
        request: HttpRequest,
        error: str | None,
        exception: Exception | None,
        context: dict[str, Any],
    ) -> str:
        if exception is not None:
            return describe(exception)
        if error == AuthError.CANCELLED:
            return "the person cancelled there"
        if "state_id" in context:
            return "this browser began no such sign-in, or more than ten minutes ago (state)"
        if "error" in request.GET:
            return f"the provider answered with the error {error_code(request.GET['error'])}"
        return "the provider answered without a code"

    @transaction.atomic
    def accept_invitation(
        self, request: HttpRequest, sociallogin: SocialLogin, data: dict[str, str]
    ) -> bool:
        """Link the identity to the user whose invitation began this sign-in, if it still works."""
        invited = User.objects.find_invited(data.get(INVITATION, ""))
        if invited is None:
            return False
        try:
            invited.accept_invitation()
        except ValidationError:
            return False
        sociallogin.connect(request, invited)
        return True


def prove_by_identity(sociallogin: SocialLogin) -> None:
    """Count the email of a linked identity as proved, where its provider is trusted for that domain (R14).

    The provider must say that it verified the email. Of any other provider or domain an identity proves
    nothing: whoever runs a provider writes into a claim what it likes.
    """
    claims = sociallogin.account.extra_data.get("id_token") or {}
    trusted = sociallogin.provider.app.settings.get("trusted_domains", [])
    try:
        email = normal_email(str(claims.get("email", "")))
    except ValidationError:
        return
    if claims.get("email_verified") is True and email.rpartition("@")[2] in trusted:
        sociallogin.user.prove(email, how=ProofMethod.PROVIDER)
