"""What holds for the session of whoever is signed in, at every request."""

from collections.abc import Callable

from allauth.account.adapter import get_adapter
from allauth.account.authentication import get_authentication_records
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import urlencode

from portal.middleware_base import Middleware
from portal.models import User

# Signing out, and reading what is asked in German or in the dark.
ALWAYS_OPEN = {"account_logout", "set_language", "set_theme"}
SET_UP = {"account_reauthenticate", "mfa_activate_totp", "mfa_add_webauthn", "mfa_index"}
QUESTION = {"account_reauthenticate", "mfa_reauthenticate", "mfa_reauthenticate_webauthn"}


def has_shown_factor(request: HttpRequest) -> bool:
    """Whether somebody showed a second factor, or a code that stands in for it, in this very session.

    A sign-in by passkey counts, and so does setting up the first factor.
    """
    return any(
        record["method"] == "mfa" for record in get_authentication_records(request, request.user)
    )


class ListedSessionMiddleware(Middleware):
    """Keep a session in the list of its user's, where Django has given it a new key.

    It does so when it meets a session that was signed with one of SECRET_KEY_FALLBACKS.
    """

    def process_view(self, request: HttpRequest, view: Callable, args: tuple, kwargs: dict) -> None:
        if request.user.is_authenticated:
            before = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
            now = request.session.session_key
            if before != now:
                UserSession.objects.filter(session_key=before).update(session_key=now)


class SecondFactorMiddleware(Middleware):
    """Open nothing to a session that has shown no second factor, where one is there or required.

    Who has one is asked for it, and sent on to the page that was wanted. Who needs one and has none is
    led to the page where one is set up. Django admin is behind it too.
    """

    def process_view(
        self, request: HttpRequest, view: Callable, args: tuple, kwargs: dict
    ) -> HttpResponse | None:
        user = request.user
        if not user.is_authenticated:
            return None
        has_factor = user.has_second_factor
        is_held = not has_shown_factor(request) if has_factor else user.needs_second_factor
        request.is_held = is_held  # type: ignore[attr-defined]  # for the menu, see ``navigation``
        if not is_held:
            return None
        allowed = QUESTION if has_factor else SET_UP
        match = request.resolver_match
        if match and match.view_name in ALWAYS_OPEN | allowed:
            return None
        return self.ask(request, user) if has_factor else redirect("mfa_index")

    def ask(self, request: HttpRequest, user: User) -> HttpResponse:
        """Send to the question for the factor; it leads on to the page, unless something was posted."""
        way = get_adapter().get_reauthentication_methods(user)[0]["url"]
        if request.method in ("GET", "HEAD"):
            way = f"{way}?{urlencode({REDIRECT_FIELD_NAME: request.get_full_path()})}"
        return redirect(way)
