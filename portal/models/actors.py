"""Who acted, as the organisations that may know of it name them."""

import uuid
from typing import NamedTuple

from django.utils.translation import gettext as _


class Actor(NamedTuple):
    """A user who acted: its name, and its partner or customer by key and name, if it has one."""

    name: str
    partner: uuid.UUID | None
    customer: uuid.UUID | None
    organisation: str

    def is_of(self, membership):
        """Whether ``membership`` is of the same organisation."""
        own = (self.partner, self.customer)
        return any(own) and own == (membership.partner_id, membership.customer_id)

    def name_for(self, membership):
        """What ``membership`` may know of this user (T1): colleagues the name, others the organisation."""
        if membership and self.is_of(membership):
            return self.name
        return self.organisation or _("The operator of the portal")
