from customers.models import Customer
from portal.authority import may
from portal.models import Partner, User

from .request_kinds import RequestKind


class Binding:
    """The part of a ``RelationshipRequest`` about who may answer it (R14).

    That is the organisation one of whose active admins has proved the address that was asked, else the
    customer that has proved its domain. An address that somebody typed, invited or registered with counts
    for nothing. A request that the partner made from its own customer's page is for that record.
    """

    def bound_to(self):
        """Return the customer or reseller that it is for, as things stand now, or None."""
        if self.names_customer:
            own = self.customer.relationships.active().filter(partner=self.partner)
            return self.customer if own.exists() else None
        is_for_reseller = self.kind == RequestKind.RESELLER
        owner = User.objects.who_proved(self.recipient_email)
        anyone = Partner if is_for_reseller else Customer
        if may(owner, (anyone, self.permission_to_answer), last_resort=False):
            asked = owner.organisation
            if not is_for_reseller or asked.is_reseller:
                return asked
        return None if is_for_reseller else Customer.objects.of_address(self.recipient_email)

    def bind(self):
        """Tie it to the organisation that it is for."""
        if self.kind == RequestKind.RESELLER:
            self.reseller = self.bound_to()
        else:
            self.customer = self.bound_to()
