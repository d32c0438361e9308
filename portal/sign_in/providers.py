"""The identity providers of an installation, as its environment names them."""

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured, ValidationError

from portal.addresses import normal_domain

REQUIRED = ("id", "name", "server_url", "client_id", "client_secret")
OPTIONAL = ("origins", "tenants", "token_auth_method", "trusted_domains")
TOKEN_AUTH_METHODS = ("client_secret_basic", "client_secret_post")
_TENANT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def apps_of(providers: Any) -> list[dict[str, Any]]:
    """Return the OpenID Connect apps of ``providers``, what the variable OIDC_PROVIDERS holds.

    Raises ``ImproperlyConfigured`` with a sentence that says what is wrong.
    """
    try:
        return [_app(provider) for provider in _checked(providers)]
    except ValueError as error:
        raise ImproperlyConfigured(
            f"OIDC_PROVIDERS can't be read: {error}. See .env.example."
        ) from error


def origins_of(apps: Iterable[dict[str, Any]]) -> list[str]:
    """The origins that a sign-in form may be sent on to."""
    found = [origin for app in apps for origin in app["settings"]["origins"]]
    return list(dict.fromkeys(found))


def _checked(providers: Any) -> list[dict[str, Any]]:
    if not isinstance(providers, list) or not all(isinstance(one, dict) for one in providers):
        raise ValueError("it must be a JSON list of objects, one for each provider")
    for number, provider in enumerate(providers, start=1):
        unknown = sorted(set(provider) - {*REQUIRED, *OPTIONAL})
        if unknown:
            raise ValueError(f"provider {number} has “{unknown[0]}”, which is not known")
        for key in REQUIRED:
            if not isinstance(provider.get(key), str) or not provider[key].strip():
                raise ValueError(f"provider {number} needs “{key}”, a text")
        if not re.fullmatch(r"[a-z0-9-]{1,50}", provider["id"]):
            raise ValueError(f"the id of provider {number} may have a–z, 0–9 and - only")
        origins = provider.get("origins", [])
        if not isinstance(origins, list) or not all(isinstance(one, str) for one in origins):
            raise ValueError(f"“origins” of provider {number} must be a list of texts")
        for url in (provider["server_url"], *origins):
            _origin(url)
        tenants = provider.get("tenants", [])
        if not isinstance(tenants, list) or not all(
            isinstance(one, str) and _TENANT.fullmatch(one) for one in tenants
        ):
            raise ValueError(
                f"“tenants” of provider {number} must be a list of tenant ids such as "
                "01234567-89ab-cdef-0123-456789abcdef"
            )
        if provider.get("token_auth_method", "client_secret_basic") not in TOKEN_AUTH_METHODS:
            raise ValueError(
                f"“token_auth_method” of provider {number} must be "
                f"{' or '.join(TOKEN_AUTH_METHODS)}"
            )
        _trusted_domains(provider, number)
    identifiers = [provider["id"] for provider in providers]
    if len(set(identifiers)) < len(identifiers):
        raise ValueError("two providers have the same id")
    return providers


def _trusted_domains(provider: dict[str, Any], number: int | str) -> list[str]:
    """The domains whose emails count as proved where this provider vouches for them (R14)."""
    domains = provider.get("trusted_domains", [])
    try:
        if isinstance(domains, list):
            return [normal_domain(domain) for domain in domains]
    except (AttributeError, ValidationError):
        pass
    raise ValueError(f"“trusted_domains” of provider {number} must be a list of domains")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or re.search(r"[\s;,'\"@]", parts.netloc):
        raise ValueError(f"“{url}” must be an address that starts with https://")
    return f"https://{parts.netloc}"


def _app(provider: dict[str, Any]) -> dict[str, Any]:
    urls = [provider["server_url"], *provider.get("origins", [])]
    return {
        "provider_id": provider["id"],
        "name": provider["name"],
        "client_id": provider["client_id"],
        "secret": provider["client_secret"],
        "settings": {
            "server_url": provider["server_url"],
            "origins": [_origin(url) for url in urls],
            "tenants": [tenant.lower() for tenant in provider.get("tenants", [])],
            "token_auth_method": provider.get("token_auth_method"),
            "oauth_pkce_enabled": True,
            "trusted_domains": _trusted_domains(provider, provider["id"]),
        },
    }
