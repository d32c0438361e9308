"""What holds for the session of whoever is signed in, at every request."""

from allauth.account.adapter import get_adapter
from allauth.account.authentication import get_authentication_records
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.shortcuts import redirect
from django.utils.http import urlencode

# Signing out, and reading what is asked in German or in the dark.
ALWAYS_OPEN = {"account_logout", "set_language", "set_theme"}
SET_UP = {"account_reauthenticate", "mfa_activate_totp", "mfa_add_webauthn", "mfa_index"}
QUESTION = {"account_reauthenticate", "mfa_reauthenticate", "mfa_reauthenticate_webauthn"}


def has_shown_factor(request):
    """Whether somebody showed a second factor, or a code that stands in for it, in this very session.

    A sign-in by passkey counts, and so does setting up the first factor.
    """
    return any(
        record["method"] == "mfa" for record in get_authentication_records(request, request.user)
    )


class ListedSessionMiddleware:
    """Keep a session in the list of its user's, where Django has given it a new key.

    It does so when it meets a session that was signed with one of SECRET_KEY_FALLBACKS.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_view(self, request, view, args, kwargs):
        if request.user.is_authenticated:
            before = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
            now = request.session.session_key
            if before != now:
                UserSession.objects.filter(session_key=before).update(session_key=now)


class SecondFactorMiddleware:
    """Open nothing to a session that has shown no second factor, where one is there or required.

    Who has one is asked for it, and sent on to the page that was wanted. Who needs one and has none is
    led to the page where one is set up. Django admin is behind it too.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_view(self, request, view, args, kwargs):
        user = request.user
        if not user.is_authenticated:
            return None
        if user.has_second_factor:
            request.is_held = not has_shown_factor(request)
        else:
            request.is_held = user.needs_second_factor
        if not request.is_held:
            return None
        allowed = QUESTION if user.has_second_factor else SET_UP
        if request.resolver_match.view_name in ALWAYS_OPEN | allowed:
            return None
        return self.ask(request) if user.has_second_factor else redirect("mfa_index")

    def ask(self, request):
        """Send to the question for the factor; it leads on to the page, unless something was posted."""
        way = get_adapter().get_reauthentication_methods(request.user)[0]["url"]
        if request.method in ("GET", "HEAD"):
            way = f"{way}?{urlencode({REDIRECT_FIELD_NAME: request.get_full_path()})}"
        return redirect(way)
