"""The personal link by which a user joins, and how many mails with one may be sent."""

import uuid
from typing import NamedTuple

from django.core import signing

# Within a day: from one organisation to one address, and by one user.
MOST_TO_ADDRESS, MOST_BY_USER = 3, 100


def _signer() -> signing.Signer:
    # A token is signed, so it can't be guessed, and not stored, so it can't be stolen with the data.
    return signing.Signer(salt="portal.User.invitation", sep=".")


class OpenedInvitation(NamedTuple):
    """What a personal link knew when it was made."""

    user_id: uuid.UUID
    sent: str
    fingerprint: str


def write_token(opened: OpenedInvitation) -> str:
    """Return the token of a personal link that knows ``opened``."""
    return _signer().sign(f"{opened.user_id.hex}-{opened.sent}-{opened.fingerprint}")


def read_token(token: str) -> OpenedInvitation | None:
    """Return what ``token`` stands for, or None where the portal did not make it."""
    try:
        key, sent, fingerprint = _signer().unsign(token).split("-")
        return OpenedInvitation(uuid.UUID(hex=key), sent, fingerprint)
    except (signing.BadSignature, ValueError):
        return None
