import uuid

from django.core import signing
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal.zones import written_day

from .request_kinds import RequestStatus


def _signer():
    # A token is signed, so it can't be guessed, and not stored, so it can't be stolen with the data.
    return signing.Signer(salt="relationships.RelationshipRequest", sep=".")


def read_token(token):
    """Return the key of the request and the number of the link that ``token`` stands for, or None."""
    try:
        key, number = _signer().unsign(token).split("-")
        return uuid.UUID(hex=key), int(number)
    except (signing.BadSignature, ValueError):
        return None


class PersonalLink:
    """The personal link of a request: it can't be guessed, and dies when the request is sent again (R4, R5).

    The part of a ``RelationshipRequest`` that is about its link.
    """

    @property
    def is_replaced(self):
        """Whether it was found by a link that died when the request was sent again (R5)."""
        return getattr(self, "opened_link_number", self.link_number) != self.link_number

    @property
    def token(self):
        return _signer().sign(f"{self.pk.hex}-{self.link_number}")

    @property
    def path(self):
        """The path of the personal link."""
        return reverse("invitations:detail", args=[self.token])

    def message(self, link):
        """The whole text of the mail: what the partner wrote, and the personal link (R4)."""
        return f"{self.text.strip()}\n\n{link}"

    def require_open(self):
        """Raise ``ValidationError`` with code ``dead``, saying why, unless it can be answered."""
        if self.is_replaced:
            raise ValidationError(
                _("This link was replaced: the request was sent again. Use the newest link."),
                code="dead",
            )
        for partner in self.partners:
            if not partner.is_active:
                raise ValidationError(
                    _("%(partner)s no longer takes part in the portal."),
                    code="dead",
                    params={"partner": partner},
                )
        if self.is_open:
            return
        sentences = {
            RequestStatus.ACCEPTED: _("This request was accepted on %(date)s."),
            RequestStatus.DECLINED: _("This request was declined on %(date)s."),
            RequestStatus.WITHDRAWN: _("%(partner)s withdrew this request on %(date)s."),
            RequestStatus.EXPIRED: _(
                "This request expired on %(date)s. Ask %(partner)s to send it again."
            ),
        }
        raise ValidationError(
            sentences[self.state],
            code="dead",
            params={
                "partner": self.partner,
                "date": written_day(self.answered_at or self.expires_at),
            },
        )
