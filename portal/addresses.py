"""Emails and domains in the one form in which the portal keeps and compares them (R14).

Domains are kept in the ASCII form of IDNA 2008, ``xn--mller-kva.de``, which is what browsers send from an
email field and what DNS and mail servers speak. People read the other one, ``müller.de``.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from typing import Any

import idna
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

NO_DOMAIN = _("Enter a domain, such as firm.example.")
_DOMAIN = re.compile(
    r"(?=.{4,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]"
)
# What a text has that may not be in its normal form, for the database to find: few have it.
SUSPECT_DOMAIN = r"[^a-z0-9.-]|^www\.|\.$|xn--"
SUSPECT_EMAIL = r"[^!-~]|[A-Z]|\.$|xn--"
# Longer texts are none, and the tables of IDNA are slow to find that out.
_MOST = 320


def normal_domain(text: str) -> str:
    """Return the domain that ``text`` names, in the form that is kept and compared.

    People copy it from where they find it: with ``https://`` and a path, with ``www.`` in front, out of an
    email address, with umlauts or as ``xn--``. Raises ``ValidationError`` with code ``domain`` for an IP
    address, for a name without a dot and for whatever else is no domain.
    """
    place = re.sub(r"\A([a-z][a-z0-9+.-]*:)?//", "", text.strip(), flags=re.IGNORECASE)
    host = re.split(r"[/?#\\]", place, maxsplit=1)[0].rpartition("@")[2]
    try:
        host = _ascii_form(re.sub(r":[0-9]*\Z", "", host))
    except ValueError:
        host = ""
    while host.startswith("www.") and host.count(".") > 1:
        host = host.removeprefix("www.")
    if not _DOMAIN.fullmatch(host):
        raise ValidationError(NO_DOMAIN, code="domain")
    return host


def normal_email(text: str) -> str:
    """Return the email address ``text`` in the form that is kept and compared.

    Case does not count, and of the domain neither does a dot at its end nor whether it is written with
    umlauts or as ``xn--``. Raises ``ValidationError`` with code ``invalid`` for what is no address.
    """
    name, _at, domain = text.strip().rpartition("@")
    name = unicodedata.normalize("NFC", name.lower())
    try:
        email = f"{name}@{_ascii_form(domain)}"
    except ValueError:
        email = ""
    validate_email(email)
    return email


def shown_domain(domain: str) -> str:
    """Return a kept domain as people read it: ``müller.de`` for ``xn--mller-kva.de``.

    A label that mixes scripts, or that is of another script than Latin below an ending that is not, could
    be taken for another firm's name: it stays as it is kept.
    """
    if "xn--" not in domain:
        return domain
    labels = unicode_domain(domain).split(".")
    ending = _scripts(labels[-1])
    return ".".join(
        shown if _scripts(shown) in ({"LATIN"}, ending) else kept
        for shown, kept in zip(labels, domain.split("."), strict=True)
    )


def shown_email(email: str) -> str:
    """Return a kept email address as people read it, with its domain as ``shown_domain`` has it."""
    name, at, domain = email.rpartition("@")
    return f"{name}{at}{shown_domain(domain)}"


def out_of_form(
    rows: QuerySet, field: str, normal: Callable[[str], str], suspect: str
) -> list[tuple[Any, str, str]]:
    """Return key, text and normal form of those of ``rows`` whose ``field`` is not in its normal form (R14).

    Of what has no normal form nothing is said: it equals nothing in any form.
    """
    found = []
    for pk, text in rows.filter(**{f"{field}__regex": suspect}).values_list("pk", field):
        try:
            form = normal(text)
        except ValidationError:
            continue
        if form != text:
            found.append((pk, text, form))
    return found


def bring_into_form(
    rows: QuerySet,
    field: str,
    normal: Callable[[str], str],
    suspect: str,
    *,
    is_unique: bool = False,
) -> None:
    """Bring ``field`` of ``rows`` into its normal form, for a migration.

    Where it must be unique, texts that fall together with each other or with another row's stay as they are.
    """
    if not is_unique:
        rows.exclude(**{field: Lower(field)}).update(**{field: Lower(field)})
    found = out_of_form(rows, field, normal, suspect)
    times = Counter(form for _pk, _text, form in found)
    for pk, _text, form in found:
        if not is_unique or (times[form] == 1 and not rows.filter(**{field: form}).exists()):
            rows.filter(pk=pk).update(**{field: form})


def unicode_domain(domain: str) -> str:
    """Return a kept domain with its own letters, whatever they could be taken for: to be searched in."""
    return ".".join(map(_readable, domain.split(".")))


def kept_address(text: str) -> str:
    """Return an email or a domain with umlauts, or a part of one, as it is kept; other text as it is.

    For what a search looks for: a text without a dot and an @ may as well be a name.
    """
    name, at, domain = text.rpartition("@")
    if text.isascii() or not (at or "." in domain):
        return text
    try:
        return f"{name}{at}{_ascii_form(domain)}"
    except ValueError:
        return text


def _ascii_form(host: str) -> str:
    host = host.lower()
    if len(host) > _MOST:
        raise ValueError("too long for a domain")
    if not host.isascii() or "xn--" in host:
        host = idna.encode(host, uts46=True, std3_rules=True).decode()
    return host.removesuffix(".")


def _readable(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return idna.decode(label)
    except ValueError:
        return label


def _scripts(label: str) -> set[str]:
    """The scripts of the letters of ``label``, by the first word of their Unicode names."""
    return {unicodedata.name(sign, "").split(" ")[0] for sign in label if sign.isalpha()}
