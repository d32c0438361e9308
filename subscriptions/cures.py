"""What cures the reason why a reseller can't be chosen as support contact (C5)."""

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override

from portal.models import language_of

from .models import Candidate


@dataclass(frozen=True)
class Cure:
    """The one action that helps: a mail, written already, to whoever can act."""

    label: str
    url: str

    @classmethod
    def of(cls, candidate, customer, user):
        """Return the cure for a candidate that can't be chosen, as ``user`` would start it.

        Only the reseller can ask for a relationship or for DAP, so it gets a link to a request that
        is filled in; where its request is open, the customer is reminded.
        """
        partner = candidate.partner
        if candidate.reason == Candidate.PENDING:
            label = _("Remind the customer")
            address, country = customer.contact_email, customer.country
        else:
            label = (
                _("Ask it to request a relationship")
                if candidate.reason == Candidate.NO_RELATIONSHIP
                else _("Ask it to request delegated admin privileges")
            )
            address, country = partner.support_email, partner.country
        prefilled = urlencode({"name": customer.name, "email": customer.contact_email})
        with override(language_of(country)):
            subject, _newline, body = (
                render_to_string(
                    "subscriptions/cure.txt",
                    {
                        "is_reminder": candidate.reason == Candidate.PENDING,
                        "partner": partner,
                        "customer": customer,
                        "user": user,
                        "link": f"{settings.PORTAL_URL}{reverse('relationships:request_new')}?{prefilled}",
                    },
                )
                .strip()
                .partition("\n")
            )
        parts = urlencode(
            {"subject": subject, "body": body.strip().replace("\n", "\r\n")}, quote_via=quote
        )
        return cls(label, f"mailto:{quote(address, safe='@')}?{parts}" if address else "")
