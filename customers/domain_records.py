"""The record in the DNS by which a customer proves its domain (R15)."""

from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from dns.resolver import Resolver

    from customers.models import Customer

LABEL = "_partner-portal"
# Seconds for each of the two names: a page waits for them.
PATIENCE = 4.0


@cache
def _dns() -> SimpleNamespace:
    # Imported when the first domain is checked: it would cost every start of a process a tenth of a second.
    import dns.exception
    import dns.nameserver
    import dns.resolver

    return SimpleNamespace(
        DNSException=dns.exception.DNSException,
        Timeout=dns.exception.Timeout,
        Do53Nameserver=dns.nameserver.Do53Nameserver,
        NXDOMAIN=dns.resolver.NXDOMAIN,
        NoAnswer=dns.resolver.NoAnswer,
        NoNameservers=dns.resolver.NoNameservers,
        NoResolverConfiguration=dns.resolver.NoResolverConfiguration,
        Resolver=dns.resolver.Resolver,
    )


def hosts_of(domain: str) -> list[str]:
    """Return the names at which the record may stand."""
    return [f"{LABEL}.{domain}", domain]


def record_of(customer: "Customer") -> str:
    """Return the text of the record: always the same for a customer, and another for each."""
    return _text(customer, settings.SECRET_KEY)


def _text(customer: "Customer", secret: str) -> str:
    mark = salted_hmac("customers.domain", str(customer.pk), secret=secret, algorithm="sha256")
    return f"partner-portal={mark.hexdigest()[:40]}"


def require_record(customer: "Customer") -> None:
    """Look for the record of ``customer`` in the DNS.

    Raises ``ValidationError``, saying what was found instead, with code ``no_record`` where there is no
    such record, with ``no_answer`` where the name servers did not answer well, and with ``timeout`` where
    they did not answer in time.
    """
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    wanted = [_text(customer, secret) for secret in secrets]
    errors = []
    for host in hosts_of(customer.domain):
        try:
            texts = _texts_at(host)
        except ValidationError as error:
            errors.append(error)
            continue
        if any(constant_time_compare(text, one) for text in texts for one in wanted):
            return
    if errors:
        raise errors[0]
    raise ValidationError(
        _(
            "No such record was found at %(first)s or %(second)s. It may take some hours until a new"
            " record is seen everywhere."
        ),
        code="no_record",
        params=dict(zip(("first", "second"), hosts_of(customer.domain), strict=True)),
    )


def _texts_at(host: str) -> list[str]:
    dns = _dns()
    try:
        answer = _resolver().resolve(host, "TXT", lifetime=PATIENCE, search=False)
    except (dns.NXDOMAIN, dns.NoAnswer):
        return []
    except dns.Timeout as error:
        raise ValidationError(
            _("The name servers of %(host)s did not answer in time. Try again later."),
            code="timeout",
            params={"host": host},
        ) from error
    except dns.NoResolverConfiguration as error:
        raise ValidationError(
            _(
                "The portal knows no name server to ask. Tell its operator, who can also confirm the"
                " domain."
            ),
            code="no_answer",
        ) from error
    except (dns.DNSException, OSError) as error:
        raise ValidationError(
            _("The name servers gave no usable answer for %(host)s. Try again later."),
            code="no_answer",
            params={"host": host},
        ) from error
    return [b"".join(one.strings).decode("utf-8", "replace").strip() for one in answer]


def _resolver() -> "Resolver":
    dns = _dns()
    if not settings.DNS_RESOLVERS:
        return dns.Resolver()
    resolver = dns.Resolver(configure=False)
    resolver.nameservers = [
        dns.Do53Nameserver(address, port) for address, port in settings.DNS_RESOLVERS
    ]
    return resolver
