"""How often a password may be tried, and the browsers whose attempts are counted apart.

A stranger who guesses uses up what his address may try, and from many addresses what may be tried for one
email. A browser in which the person has signed in before keeps a signed cookie, and has attempts of its
own: so nobody can keep the person out there.
"""

import secrets
from datetime import timedelta

from allauth.core.internal import ratelimit
from django.conf import settings
from django.core import signing
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse

from portal.addresses import normal_email
from portal.models import User

AT_ONE_ADDRESS = "20/5m/ip"
FOR_AN_EMAIL_AT_ONE_ADDRESS = "5/5m/key"
FOR_AN_EMAIL = "25/5m/key"
IN_A_KNOWN_BROWSER = "5/5m/key"

KNOWN_FOR = timedelta(days=365)
# A browser of several people, or of one with several accounts, knows so many of them.
MOST_PEOPLE = 5
_SALT = "portal.known_browser"


def count_attempt(request: HttpRequest, email: str) -> ratelimit.RateLimitUsage | None:
    """Count an attempt to sign in with a password, whether or not there is such an account.

    Returns what can be rolled back if it succeeds, or None where there were too many.
    """
    email = _counted(email)
    browser = _known_as(request, email)
    if browser:
        limits = [(IN_A_KNOWN_BROWSER, f"{email} in {browser}")]
    else:
        address = ratelimit.get_ip(request)
        limits = [(FOR_AN_EMAIL_AT_ONE_ADDRESS, f"{email} at {address}"), (FOR_AN_EMAIL, email)]
    counted = ratelimit.RateLimitUsage(usage=[])
    for rate, key in [(AT_ONE_ADDRESS, None), *limits]:
        one = ratelimit.consume(
            request,
            app="allauth.account",
            action="login_failed",
            config={"login_failed": rate},
            key=key,
        )
        if one is None:
            return None
        counted.usage += one.usage
    return counted


def remember_browser(request: HttpRequest, response: HttpResponse, user: User) -> None:
    """Let this browser be known as one in which ``user`` has signed in."""
    known = _people(request)
    name = known.pop(user.pk.hex, None) or secrets.token_hex(8)
    latest = [(user.pk.hex, name), *known.items()][:MOST_PEOPLE]
    response.set_cookie(
        settings.KNOWN_BROWSER_COOKIE_NAME,
        signing.dumps(latest, salt=_SALT),
        max_age=KNOWN_FOR,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _counted(email: str) -> str:
    """The one text under which attempts for ``email`` are counted, however it is written."""
    try:
        return normal_email(email)
    except ValidationError:
        return email.strip().lower()


def _people(request: HttpRequest) -> dict[str, str]:
    """Who has signed in in this browser, the latest first: the browser's name by the user's key."""
    cookie = request.COOKIES.get(settings.KNOWN_BROWSER_COOKIE_NAME, "")
    try:
        return dict(signing.loads(cookie, salt=_SALT, max_age=KNOWN_FOR))
    except signing.BadSignature:
        return {}


def _known_as(request: HttpRequest, email: str) -> str | None:
    """The name of this browser where the person with this email has signed in before, else None."""
    people = _people(request)
    if not people:
        return None
    key = User.objects.filter(email=email).values_list("pk", flat=True).first()
    return key and people.get(key.hex)
