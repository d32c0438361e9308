from typing import TYPE_CHECKING, Self

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from portal.addresses import normal_domain
from portal.models import Membership, Partner

from .customer_breaches import CustomerBreaches
from .shared_domains import is_shared

if TYPE_CHECKING:
    from .customers import Customer


class CustomerQuerySet(CustomerBreaches):
    def visible_to(self, membership: Membership | None) -> Self:
        """Return the customers that exist for ``membership`` (T1).

        For a partner those with an active relationship, for a customer itself.
        """
        if membership is None:
            return self.none()
        if membership.customer_id:
            return self.filter(pk=membership.customer_id)
        return self.filter(
            relationships__partner=membership.partner_id, relationships__ended_at=None
        )

    def living(self) -> Self:
        """Return those that were not joined into another: of one firm, the record that counts (R15)."""
        return self.filter(joined_into=None)

    def with_proved_domain(self) -> Self:
        return self.filter(domain_proved_at__isnull=False)

    def of_address(self, address: str) -> "Customer | None":
        """Return the customer that has proved the domain of an email address, or None (R14)."""
        return self.with_proved_domain().filter(domain=address.rpartition("@")[2]).first()

    def made_for(self, customer: "Customer") -> Self:
        """Return the records that partners made for the proved domain of ``customer`` (R15, T1).

        Those with the same domain that nobody has come to as an admin; none while the domain is not proved.
        """
        if not customer.is_domain_proved:
            return self.none()
        found = self.living().filter(domain=customer.domain).exclude(pk=customer.pk)
        return found.exclude(memberships__user__has_joined=True)

    def require_new(self, domain: str, *, to: Partner) -> None:
        """Raise ``ValidationError`` at ``domain`` where the partner ``to`` can't add a firm with it (R15).

        With code ``own`` where that is a customer of its own, and with ``proved`` where another customer
        has proved the domain. A domain that nobody proved blocks nobody, and several firms may share one.
        """
        try:
            domain = normal_domain(domain)
        except ValidationError:
            return  # said where the row is validated
        own = self.filter(
            domain=domain, relationships__partner=to, relationships__ended_at=None
        ).first()
        if own and not is_shared(domain):
            error = ValidationError(
                _("You have a customer with this domain: %(customer)s."),
                code="own",
                params={"customer": own},
            )
        elif self.with_proved_domain().filter(domain=domain).exists():
            error = ValidationError(
                _(
                    "A customer with this domain is in the portal. Ask it for a relationship instead."
                ),
                code="proved",
            )
        else:
            return
        raise ValidationError({"domain": error})

    def require_unproved(self, domain: str) -> None:
        """Raise ``ValidationError`` at ``domain`` (``proved``) where a customer has proved it (R15).

        For a firm that registers itself: it would pass for the one whose domain that is.
        """
        if self.with_proved_domain().filter(domain=domain).exists():
            error = ValidationError(
                _(
                    "This domain is that of a company in the portal. Ask one of its admins to invite you."
                ),
                code="proved",
            )
            raise ValidationError({"domain": error})
