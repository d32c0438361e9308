"""From where a request comes, for the activity log, without handing it through every method.

Behind proxies the peer of the connection is the nearest proxy, and what the client claims in
``X-Forwarded-For`` is worth nothing. Each proxy adds at the right end whom it saw; the setting
``TRUSTED_PROXIES`` says how many of these entries were written by proxies of the installation.
"""

import ipaddress
from contextlib import contextmanager
from contextvars import ContextVar

from django.conf import settings

_current: ContextVar[str | None] = ContextVar("portal_client_address", default=None)


def current_address():
    """Return the address of the request that is being answered, or None outside of any."""
    return _current.get()


@contextmanager
def acting_from(address):
    """Let what is written into the activity log inside carry ``address``."""
    token = _current.set(address)
    try:
        yield
    finally:
        _current.reset(token)


def address_of(request):
    """Return the address of the client as text, or None where it can't be told."""
    proxies = settings.TRUSTED_PROXIES
    if not proxies:
        return _parsed(request.META.get("REMOTE_ADDR", ""))
    seen = request.headers.get("X-Forwarded-For", "").split(",")
    # Fewer entries than proxies: the request came past one of them, so none of it is to be believed.
    return _parsed(seen[-proxies]) if len(seen) >= proxies else None


def _parsed(text):
    try:
        address = ipaddress.ip_address(text.strip().partition("%")[0])
    except ValueError:
        return None
    return str(getattr(address, "ipv4_mapped", None) or address)
