"""Which addresses people have shown to be theirs (R14)."""

import uuid
from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from django.core import signing
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.address_fields import EmailField
from portal.addresses import shown_email

if TYPE_CHECKING:
    from .users import User

# So long the link of a confirmation mail works.
CONFIRMATION_PERIOD = timedelta(days=7)
MOST_MAILS, MAILS_WITHIN = 3, timedelta(hours=1)
# A token is signed, so it can't be guessed, and not stored, so it can't be stolen with the data.
_signer = signing.TimestampSigner(salt="portal.User.address", sep=".")


class ProofMethod(models.TextChoices):
    """By what an address was proved."""

    INVITATION = "invitation", _("an invitation, accepted by the link in its mail")
    RESET = "reset", _("a new password, set by the link in a mail")
    CONFIRMATION = "confirmation", _("the link in a confirmation mail")
    PROVIDER = "provider", _("an identity provider that the operator trusts for its domain")
    DEMO = "demo", _("demo or sample data")


class ProvedAddressQuerySet(models.QuerySet["ProvedAddress"]):
    def vouch(self, users: "Iterable[User]", how: ProofMethod) -> None:
        """Count the addresses of ``users`` as proved, without asking them: for demo and sample data."""
        proved = [self.model(user=user, email=user.email, how=how) for user in users]
        self.bulk_create(proved, ignore_conflicts=True)


class ProvedAddress(models.Model):
    """An email address whose owner has shown that mail reaches it (R14).

    Written by ``User.prove``. An address that was typed, invited or registered proves nothing, nor does a
    password that an operator set, nor a linked identity, unless the operator trusts its provider for that
    very domain. A user may have proved several; when its email changes, the proof of the old one stays one
    of the old one.
    """

    user = models.ForeignKey(
        "portal.User", models.PROTECT, related_name="proved_addresses", verbose_name=_("user")
    )
    email = EmailField(_("email"))
    how = models.CharField(_("proved by"), max_length=20, choices=ProofMethod)
    at = models.DateTimeField(_("proved at"), default=timezone.now)

    objects = ProvedAddressQuerySet.as_manager()

    class Meta:
        verbose_name = _("proved address")
        verbose_name_plural = _("proved addresses")
        ordering = ["-at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["user", "email"], name="portal_proof_once"),
            models.CheckConstraint(
                condition=models.Q(how__in=ProofMethod.values), name="portal_proof_method"
            ),
        ]
        indexes = [models.Index(fields=["email", "at"], name="portal_proof_of_email")]

    def __str__(self) -> str:
        return shown_email(self.email)


class OpenedConfirmation(NamedTuple):
    """What the link of a confirmation mail knew when it was made."""

    user_id: uuid.UUID
    email: str
    following: str
    is_expired: bool


def confirmation_token(user_id: uuid.UUID, email: str, following: str) -> str:
    """Return the token of a link by which that user proves ``email``, and goes on to ``following``."""
    return _signer.sign_object([user_id.hex, email, following])


def read_confirmation(token: str) -> OpenedConfirmation | None:
    """Return what ``token`` stands for, or None where the portal did not make it."""
    try:
        key, email, following = _signer.unsign_object(token)
        opened = OpenedConfirmation(uuid.UUID(hex=key), email, following, is_expired=False)
        _signer.unsign(token, max_age=CONFIRMATION_PERIOD)
    except signing.SignatureExpired:
        return opened._replace(is_expired=True)
    except (signing.BadSignature, ValueError):
        return None
    return opened
