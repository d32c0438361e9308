"""What cures the reason why a reseller can't be chosen as support contact (C5)."""

from typing import NamedTuple
from urllib.parse import quote, urlencode

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override

from customers.models import Customer
from portal import links
from portal.models import User, language_of

from .models import Candidate

# Stands for the reseller while a mail is written that differs in nothing else.
_PARTNER = "PARTNER0000"


class Cure(NamedTuple):
    """The one action that helps: a mail, written already, to whoever can act."""

    label: str
    url: str


class Cures:
    """The cures for the resellers that can't be the support contact at ``customer``, as ``user`` starts them.

    There may be hundreds, so the mail is written once for each reason and language.
    """

    def __init__(self, customer: Customer, user: User) -> None:
        self.customer, self.user = customer, user
        self._drafts: dict[tuple[str, str], tuple[str, str]] = {}

    def of(self, candidate: Candidate) -> Cure:
        """Return the cure for a candidate that can't be chosen.

        Only the reseller can ask for a relationship or for DAP, so it gets a link to a request that
        is filled in; where its request is open, the customer is reminded.
        """
        is_reminder = candidate.reason == Candidate.PENDING
        country = str(self.customer.country) if is_reminder else candidate.country
        address = self.customer.contact_email if is_reminder else candidate.support_email
        key = (candidate.reason, country)
        if key not in self._drafts:
            self._drafts[key] = (
                self._label(candidate.reason),
                self._draft(candidate.reason, country),
            )
        label, draft = self._drafts[key]
        if not address:
            return Cure(label, "")
        mail = draft.replace(_PARTNER, quote(candidate.name, safe=""))
        url = f"mailto:{quote(address, safe='@')}?{mail}"
        return Cure(label, url if len(url) <= links.LONGEST_MAILTO else url.partition("&body=")[0])

    @staticmethod
    def _label(reason: str) -> str:
        if reason == Candidate.PENDING:
            return _("Remind the customer")
        if reason == Candidate.NO_RELATIONSHIP:
            return _("Ask it to request a relationship")
        return _("Ask it to request delegated admin privileges")

    def _draft(self, reason: str, country: str) -> str:
        """Return subject and text for a link, with ``_PARTNER`` in the place of the reseller."""
        customer = self.customer
        prefilled = urlencode({"name": customer.name, "email": customer.contact_email})
        path = reverse("relationships:request_new")
        context = {
            "is_reminder": reason == Candidate.PENDING,
            "has_relationship": reason != Candidate.NO_RELATIONSHIP,
            "partner": _PARTNER,
            "customer": customer,
            "user": self.user,
            "link": links.absolute(f"{path}?{prefilled}"),
        }
        with override(language_of(country)):
            text = render_to_string("subscriptions/cure.txt", context).strip()
        subject, _newline, body = text.partition("\n")
        parts = {"subject": subject, "body": body.strip().replace("\n", "\r\n")}
        return urlencode(parts, quote_via=quote)
