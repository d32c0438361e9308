"""From where a request comes, for the activity log, without handing it through every method.

Behind proxies the peer of the connection is the nearest proxy, and what the client claims in
``X-Forwarded-For`` is worth nothing. Each proxy adds at the right end whom it saw; the setting
``TRUSTED_PROXIES`` says how many of these entries were written by proxies of the installation.
"""

import hashlib
import ipaddress
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.conf import settings
from django.http import HttpRequest

logger = logging.getLogger(__name__)

# An address with the port from which the client connected, as some proxies write it.
_WITH_PORT = re.compile(r"\[(?P<v6>[^\[\]]+)\](?::\d{1,5})?|(?P<v4>[^:\[\]]+):\d{1,5}")

_current: ContextVar[str | None] = ContextVar("portal_client_address", default=None)


def current_address() -> str | None:
    """Return the address of the request that is being answered, or None outside of any."""
    return _current.get()


@contextmanager
def acting_from(address: str | None) -> Iterator[None]:
    """Let what is written into the activity log inside carry ``address``."""
    token = _current.set(address)
    try:
        yield
    finally:
        _current.reset(token)


def address_of(request: HttpRequest) -> str | None:
    """Return the address of the client as text, or None where it can't be told."""
    return _parsed(_seen(request))


def counted_address_of(request: HttpRequest) -> str:
    """Return an address by which to count the attempts of the client of ``request``, always.

    It is the client's own where it can be told. A client that came past the proxies counts by its
    connection; one whose address can't be read counts by what stands in its place, as an address of the range
    that is routed nowhere: so it shares its count with nobody whose address can be read.
    """
    seen = _seen(request)
    found = _parsed(seen)
    if found is None and not seen.strip():
        found = _parsed(request.META.get("REMOTE_ADDR", ""))
    if found is None:
        logger.warning(
            "The address of a client can't be read; check TRUSTED_PROXIES and the proxy."
        )
        digest = hashlib.sha256(seen.encode()).digest()
        found = str(ipaddress.IPv6Address(b"\xfd" + digest[:15]))
    return found


def _seen(request: HttpRequest) -> str:
    """Return what the outermost proxy of the installation wrote of the client, or the peer without one."""
    proxies = settings.TRUSTED_PROXIES
    if not proxies:
        return request.META.get("REMOTE_ADDR", "")
    entries = request.headers.get("X-Forwarded-For", "").split(",")
    # Fewer entries than proxies: the request came past one of them, so none of it is to be believed.
    return entries[-proxies] if len(entries) >= proxies else ""


def _parsed(text: str) -> str | None:
    text = text.strip()
    if with_port := _WITH_PORT.fullmatch(text):
        text = with_port["v6"] or with_port["v4"]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return str(getattr(address, "ipv4_mapped", None) or address)
