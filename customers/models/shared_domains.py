import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from customers.public_domains import is_public, names_of
from portal.address_fields import DomainField
from portal.addresses import normal_domain
from portal.authority import Principal
from portal.models import Action, ActivityEntry


class SharedDomainQuerySet(models.QuerySet["SharedDomain"]):
    def judge(self, domain: str) -> bool:
        """Return whether ``domain`` is shared: nobody can prove it, as many firms have addresses in it.

        Operators have the last word, else the lists do. What holds for a domain holds for those below,
        unless something is said of them. What is no domain, such as an IP address, is shared.
        """
        names = _names_of(domain)
        return _judge(names, dict(self.filter(domain__in=names).values_list("domain", "is_shared")))

    def shared_among(self, domains: Iterable[str]) -> set[str]:
        """Return those of ``domains`` that are shared, by one query for however many."""
        said = dict(self.values_list("domain", "is_shared"))
        return {domain for domain in domains if _judge(_names_of(domain), said)}


def _names_of(domain: str) -> list[str]:
    try:
        return names_of(normal_domain(domain))
    except ValidationError:
        return []


def _judge(names: list[str], said: Mapping[str, bool]) -> bool:
    for name in names:
        if name in said:
            return said[name]
    return not names or is_public(names)


class SharedDomain(models.Model):
    """What an operator says of a domain: that it is shared, or that it is wrongly taken for shared.

    Shared are public mail, internet providers and public suffixes: no customer can prove such a domain
    (R15). The lists that the portal brings know most of them.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    domain = DomainField(_("domain"), max_length=253, unique=True)
    is_shared = models.BooleanField(
        _("shared"),
        default=True,
        help_text=_("Clear the box for a firm's own domain that the portal takes for shared."),
    )

    objects = SharedDomainQuerySet.as_manager()

    class Meta:
        verbose_name = _("shared domain")
        verbose_name_plural = _("shared domains")
        ordering = ["domain"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(domain=Lower("domain")),
                name="customers_shared_domain_lower",
                violation_error_message=_("Domains are stored in lower case."),
            )
        ]

    def __str__(self) -> str:
        return self.domain

    def clean(self) -> None:
        if not self.is_shared:
            return
        # Customers import this module: their doors ask it.
        customers = self._meta.apps.get_model("customers.Customer").objects.with_proved_domain()
        inside = models.Q(domain=self.domain) | models.Q(domain__endswith=f".{self.domain}")
        for customer in customers.filter(inside):
            if self.domain in names_of(customer.domain):
                raise ValidationError(
                    _("%(customer)s has proved the domain %(domain)s. Free it first."),
                    code="R15",
                    params={"customer": customer, "domain": customer.domain},
                )

    def record(self, action: Action, *, by: Principal, **changes: Any) -> None:
        """Write what an operator said of this domain into the log, for operators to read."""
        ActivityEntry.objects.record(action, by=by, partners=[], subject=self, **changes)


def is_shared(domain: str) -> bool:
    """Return whether many firms share ``domain``, as ``SharedDomainQuerySet.judge`` says."""
    return SharedDomain.objects.judge(domain)
