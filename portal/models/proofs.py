"""Which addresses people have shown to be theirs (R14)."""

import uuid
from datetime import timedelta
from typing import NamedTuple

from django.core import signing
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal import links, mail
from portal.address_fields import EmailField
from portal.addresses import normal_email, shown_email
from portal.clocks import now_after
from portal.zones import moment_for

from .actions import Action
from .limits import when_allowed

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


class ProvedAddressQuerySet(models.QuerySet):
    def vouch(self, users, how):
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

    def __str__(self):
        return shown_email(self.email)


class OpenedConfirmation(NamedTuple):
    """What the link of a confirmation mail knew when it was made."""

    user_id: uuid.UUID
    email: str
    following: str
    is_expired: bool


def read_confirmation(token):
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


class AddressProofs:
    """The part of a ``User`` that is about the addresses it has proved (R14)."""

    def has_proved(self, email=None):
        """Whether the user has proved ``email``, left out: the one that it signs in with."""
        return self.proved_addresses.filter(email=email or self.email).exists()

    @transaction.atomic
    def prove(self, email, *, how):
        """Note that mail to ``email`` reaches this user, as it has just shown (R14).

        Where the user had proved it before, this is the newer proof. The first one is logged.
        """
        email = normal_email(email)
        before = self.proved_addresses.filter(email=email).values_list("at", flat=True).first()
        _row, is_new = self.proved_addresses.update_or_create(
            email=email, defaults={"how": how, "at": now_after(self.created_at, before)}
        )
        self.requests_answered.to_addresses([email]).bind_anew()
        if is_new:
            self.record(Action.ADDRESS_PROVED, by=self, after={"email": email})

    @property
    def should_be_asked_to_confirm(self):
        """Whether the user has an organisation and an email that it has neither proved nor been asked for."""
        return (
            self.organisation is not None
            and self.confirmation_asked_for != self.email
            and not self.has_proved()
        )

    def note_asked_to_confirm(self):
        """Ask no more, unless the email changes."""
        self.confirmation_asked_for = self.email
        self.save(update_fields=["confirmation_asked_for"])

    def confirmation_path(self, email, following=""):
        """The path of the link that proves ``email`` and leads on to the path ``following``."""
        token = _signer.sign_object([self.pk.hex, normal_email(email), following])
        return reverse("address_confirm", args=[token])

    @transaction.atomic
    def send_confirmation(self, email, *, following=""):
        """Mail a link to ``email``, by which this user, signed in, proves that mail reaches it.

        The link works for ``CONFIRMATION_PERIOD`` and leads on to the path ``following``. Raises
        ``ValidationError`` with code ``too_many`` after ``MOST_MAILS`` mails within an hour, and with
        ``invalid`` for what is no email.
        """
        email = normal_email(email)
        if next_at := when_allowed(f"confirmations:{self.pk}:{email}", MOST_MAILS, MAILS_WITHIN):
            raise ValidationError(
                _(
                    "%(count)s mails went to %(email)s within the last hour. Look into the spam folder. The "
                    "next one can be sent on %(when)s."
                ),
                code="too_many",
                params={
                    "count": MOST_MAILS,
                    "email": shown_email(email),
                    "when": moment_for(self, next_at),
                },
            )
        mail.send(
            "address_confirmation",
            [self],
            to=email,
            email=email,
            link=links.absolute(self.confirmation_path(email, following)),
            expires_at=timezone.now() + CONFIRMATION_PERIOD,
        )
