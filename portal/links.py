"""Where the portal is reached: the one place that makes links which leave it, and reads a request's host.

Whoever sends a request picks one of ALLOWED_HOSTS, so a link made from it would lead the next reader where
the sender wants. What people copy, get by mail, or are sent back to by a provider leads to PORTAL_URL.
"""

import re
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponseRedirect, QueryDict
from django.http.request import split_domain_port, validate_host
from django.utils.http import url_has_allowed_host_and_scheme

# Says that this request was sent on to PORTAL_URL already. Behind a proxy that passes another host name on,
# its sender would else be sent round for ever.
MOVED = "moved"

_ADDRESS = re.compile(r"(https?)://([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?")
_USUAL_PORTS = {"http": "80", "https": "443"}


# Windows opens nothing beyond some 2,000 characters.
LONGEST_MAILTO = 1800


def mailto(address: str, subject: str, body: str) -> tuple[str, bool]:
    """Return the link that opens a mail in the reader's mail program, and whether ``body`` is in it.

    A link that would be too long to be opened has the subject only.
    """
    to = f"mailto:{quote(address, safe='@')}?{urlencode({'subject': subject}, quote_via=quote)}"
    lines = body.replace("\r\n", "\n").replace("\n", "\r\n")
    whole = f"{to}&{urlencode({'body': lines}, quote_via=quote)}"
    return (whole, True) if len(whole) <= LONGEST_MAILTO else (to, False)


def read_portal_url(text: str, *, hosts: list[str], debug: bool) -> str:
    """Return the scheme and host that PORTAL_URL holds; where it is empty, those of ``hosts``.

    Raises ``ImproperlyConfigured`` with a sentence that says what is wrong.
    """
    named = [host for host in hosts if not host.startswith((".", "*"))]
    if not text and not named and not debug:
        raise ImproperlyConfigured(
            "PORTAL_URL is not set, and ALLOWED_HOSTS names no single host to take for it. Set it to "
            "the address under which people reach the portal. See .env.example."
        )
    if not text:
        text = f"{'http' if debug else 'https'}://{named[0] if named else '127.0.0.1:8000'}"
    found = _ADDRESS.fullmatch(text.lower().removesuffix("/"))
    if not found or int(found[3] or 1) not in range(1, 65536):
        raise ImproperlyConfigured(
            f"PORTAL_URL can't be read: “{text}” must be a scheme and a host, such as "
            "https://portal.example.com, without user, path or parameters: the portal needs a host of its "
            "own. See .env.example."
        )
    scheme, host, port = found.groups()
    if scheme != "https" and not debug:
        raise ImproperlyConfigured(
            f"PORTAL_URL can't be used: “{text}” must start with https:// unless DEBUG is on. "
            "See .env.example."
        )
    # Without any ALLOWED_HOSTS, Django answers a developer's machine under its local names.
    if hosts and not validate_host(host, hosts):
        raise ImproperlyConfigured(
            f"PORTAL_URL can't be used: ALLOWED_HOSTS does not name its host “{host}”, so the portal "
            "would not answer there. Add it to ALLOWED_HOSTS. See .env.example."
        )
    return f"{scheme}://{host}" + (f":{port}" if port and port != _USUAL_PORTS[scheme] else "")


def absolute(path: str = "") -> str:
    """Return ``path`` as a link that works outside the portal, in a mail or on paper."""
    return f"{settings.PORTAL_URL}{path}"


def portal_host() -> str:
    """The name of the host of PORTAL_URL, without the port."""
    return split_domain_port(urlsplit(settings.PORTAL_URL).netloc)[0]


def passkey_host() -> str:
    """The name for which passkeys are made.

    Browsers make none for a numeric address. On a developer's machine they make them for ``localhost``.
    """
    host = portal_host()
    return "localhost" if settings.DEBUG and host in ("127.0.0.1", "[::1]") else host


def is_passkey_origin(origin: str) -> bool:
    """Whether a passkey was made, or given, on a page of PORTAL_URL.

    A page of a host below it could ask the browser for the same passkey; its answer is none of ours.
    """
    if passkey_host() == "localhost":
        return urlsplit(origin).scheme == "http" and urlsplit(origin).hostname == "localhost"
    return origin == settings.PORTAL_URL


def stays_in_portal(url: str, request: HttpRequest) -> bool:
    """Whether whoever follows ``url`` on the page of ``request`` stays on the host where it is."""
    return url_has_allowed_host_and_scheme(
        url, {request.get_host()}, require_https=request.is_secure()
    )


def is_elsewhere(request: HttpRequest) -> bool:
    """Whether the portal is shown under another of ALLOWED_HOSTS than that of PORTAL_URL.

    A form says itself from where it was sent, whatever name a proxy passes on.
    """
    if not settings.ALLOWED_HOSTS:
        return False
    origin = urlsplit(request.headers.get("Origin", "")).netloc
    return split_domain_port(origin or request.get_host())[0] != portal_host()


def move_to_portal_url(path: str, parameters: QueryDict) -> HttpResponseRedirect:
    """Send the browser to ``path`` at PORTAL_URL, with ``parameters``."""
    query = parameters.copy()
    query[MOVED] = "1"
    return HttpResponseRedirect(absolute(f"{path}?{query.urlencode()}"))


def to_portal_url(request: HttpRequest) -> HttpResponseRedirect | None:
    """Return what sends the browser to the same page at PORTAL_URL, or None where it is there.

    For pages that start what works on one host only: a passkey, the way to an identity provider and back.
    """
    if MOVED in request.GET or not is_elsewhere(request):
        return None
    return move_to_portal_url(request.path, request.GET)


class PortalUrlMixin:
    """A page that is shown at PORTAL_URL only, for it offers passkeys or identity providers."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return to_portal_url(request) or super().get(request, *args, **kwargs)  # type: ignore[misc]
