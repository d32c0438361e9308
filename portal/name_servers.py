"""Which name servers the portal asks."""

from collections.abc import Iterable
from ipaddress import ip_address

from django.core.exceptions import ImproperlyConfigured


def read_resolvers(texts: Iterable[str]) -> list[tuple[str, int]]:
    """Return addresses and ports of the name servers given as ``address`` or ``address:port``.

    An IPv6 address with a port stands in brackets. Raises ``ImproperlyConfigured`` for anything else.
    """
    return [_read(text.strip()) for text in texts]


def _read(text: str) -> tuple[str, int]:
    address, port = text, "53"
    if text.startswith("["):
        address, _bracket, port = text[1:].partition("]")
        port = port.removeprefix(":") or "53"
    elif text.count(":") == 1:
        address, _colon, port = text.partition(":")
    try:
        if not 0 < int(port) < 65536:
            raise ValueError
        return str(ip_address(address)), int(port)
    except ValueError:
        raise ImproperlyConfigured(
            f"DNS_RESOLVERS can't be read: {text!r} is not the address of a name server, such as "
            "192.0.2.53 or [2001:db8::53]:5353. See .env.example."
        ) from None
