"""What the links of requests carry: signed, so it can't be guessed, and not stored, so it can't be stolen."""

import uuid

from django.conf import settings
from django.core import signing

_proofs = signing.TimestampSigner(salt="relationships.registration", sep=".")


def _signer() -> signing.Signer:
    return signing.Signer(salt="relationships.RelationshipRequest", sep=".")


def write_token(key: uuid.UUID, number: int) -> str:
    """Return the token of the link with this number of the request with this key."""
    return _signer().sign(f"{key.hex}-{number}")


def read_token(token: str) -> tuple[uuid.UUID, int] | None:
    """Return the key of the request and the number of the link that ``token`` stands for, or None."""
    try:
        key, number = _signer().unsign(token).split("-")
        return uuid.UUID(hex=key), int(number)
    except (signing.BadSignature, ValueError):
        return None


def registration_proof(key: uuid.UUID, number: int, email: str) -> str:
    """Return what a mail carries to ``email``, by which its owner may answer the request with that link."""
    return _proofs.sign_object([key.hex, number, email])


def read_proof(proof: str) -> tuple[uuid.UUID, int, str] | None:
    """Return the key, the number and the email of ``registration_proof``, or None where it is none.

    Raises ``SignatureExpired`` where it is older than ``INVITATION_PERIOD``.
    """
    try:
        key, number, email = _proofs.unsign_object(proof, max_age=settings.INVITATION_PERIOD)
        return uuid.UUID(hex=key), number, email
    except signing.SignatureExpired:
        raise
    except (signing.BadSignature, ValueError, TypeError):
        return None
