from django.db import models, transaction
from django.utils import timezone

from portal.authority import require
from portal.models import Action, Partner

from .personal_links import read_token
from .request_kinds import RequestKind, RequestStatus


class RelationshipRequestQuerySet(models.QuerySet):
    def visible_to(self, membership):
        """Return the requests that a partner made, or that are addressed to a customer (T1)."""
        if membership is None:
            return self.none()
        if membership.customer_id:
            return self.filter(customer=membership.customer_id)
        return self.filter(partner=membership.partner_id)

    def open(self, at=None):
        """Return those that can still be answered; ``at`` some other time than now."""
        return self.filter(
            status=RequestStatus.OPEN,
            expires_at__gt=at or timezone.now(),
            partner__deactivated_at=None,
        )

    def waiting_for(self, membership):
        """Return those that the customer of ``membership`` is asked to answer, with who asks (R6, R8)."""
        found = self.visible_to(membership).open().filter(kind=RequestKind.CUSTOMER)
        return found.select_related("partner", "provider")

    def find(self, token):
        """Return the request whose personal link carries ``token``, or None; see ``is_replaced``."""
        read = read_token(token)
        found = read and self.filter(pk=read[0]).first()
        if found:
            found.opened_link_number = read[1]
        return found

    @transaction.atomic
    def note_undelivered(self, mail):
        """Say of the open request that ``mail`` was about that it can't be delivered; newer mail may."""
        found = self.select_for_update(no_key=True, of=("self",)).filter(pk=mail.about_id).first()
        if found and found.is_open and found.last_mail == mail:
            found.note_undelivered(mail.answer)

    @transaction.atomic
    def ask(self, *, by, **fields):
        """Create a request as the staff member ``by`` of its partner wants it, and log it (R3, R10, R12).

        Where the portal knows the customer or reseller, by the domain or a user of the recipient's
        address, only that one can answer; the partner isn't told. Raises ``NotAllowed`` unless ``by`` may
        ask for this in the name of a partner, and ``ValidationError`` for what ``clean`` refuses.
        """
        made = self.model(**fields)
        made.partner = require(by, (Partner, made.permission_needed), last_resort=False)
        made.created_by = by.person
        made.bind()
        made.full_clean()
        made.save()
        made.record(Action.REQUEST_CREATED, by=by)
        return made
