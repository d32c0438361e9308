import uuid
from datetime import timedelta
from functools import partial
from typing import NamedTuple

from django.conf import settings
from django.core import signing
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext_lazy as _

from portal import links, mail
from portal.authority import PORTAL, person_of, require
from portal.clocks import now_after
from portal.permissions import Permission
from portal.zones import moment_for, written_day

from .actions import Action
from .limits import when_allowed
from .proofs import ProofMethod

# Within a day: from one organisation to one address, and by one user.
MOST_TO_ADDRESS, MOST_BY_USER = 3, 100


def _signer():
    # A token is signed, so it can't be guessed, and not stored, so it can't be stolen with the data.
    return signing.Signer(salt="portal.User.invitation", sep=".")


class OpenedInvitation(NamedTuple):
    """What a personal link knew when it was made."""

    user_id: uuid.UUID
    sent: str
    fingerprint: str


def read_token(token):
    """Return what ``token`` stands for, or None where the portal did not make it."""
    try:
        key, sent, fingerprint = _signer().unsign(token).split("-")
        return OpenedInvitation(uuid.UUID(hex=key), sent, fingerprint)
    except (signing.BadSignature, ValueError):
        return None


class PersonalInvitation:
    """The invitation of a user to set a password: a personal link that works once, for a week.

    The part of a ``User`` that is about its invitation. The link is made of the password's hash and the
    time when it was sent, so setting a password kills it, and so does a newer one.
    """

    @property
    def is_invited(self):
        """Whether the user was invited and has not been here yet."""
        return self.invited_at is not None and self._awaits_invitation

    @property
    def _awaits_invitation(self):
        return self.last_login is None and not self.has_usable_password()

    @property
    def invitation_expires_at(self):
        return self.invited_at + settings.INVITATION_PERIOD

    @property
    def is_invitation_expired(self):
        return self.invitation_expires_at <= timezone.now()

    @property
    def _invitation(self):
        sent = f"{self.invited_at:%Y%m%d%H%M%S%f}"
        return OpenedInvitation(self.pk, sent, self._fingerprint(settings.SECRET_KEY))

    def _fingerprint(self, secret):
        made = salted_hmac("portal.User.invitation", f"{self.email} {self.password}", secret=secret)
        return made.hexdigest()[:20]

    @property
    def invitation_path(self):
        """The path of the personal link."""
        _key, sent, fingerprint = self._invitation
        token = _signer().sign(f"{self.pk.hex}-{sent}-{fingerprint}")
        return reverse("user_invitation", args=[token])

    @transaction.atomic
    def send_invitation(self, *, by):
        """Mail the user its personal link, a new one; an older link dies.

        Raises ``ValidationError`` with code ``joined`` if the user has a password or was signed in,
        with ``inactive`` if it may not sign in, with ``nowhere`` if it belongs to no organisation; and
        ``NotAllowed`` unless ``by`` may manage the users of the organisation.
        """
        require(by, (self.organisation, Permission.MANAGE_USERS))
        self._lock_invitation()
        if self.organisation is None:
            raise ValidationError(
                _("%(user)s belongs to no organisation yet."),
                code="nowhere",
                params={"user": self},
            )
        if not self._awaits_invitation:
            raise ValidationError(
                _("%(user)s needs no invitation: the account is in use."),
                code="joined",
                params={"user": self},
            )
        self._require_active()
        self.write_invitation(by=by)

    @transaction.atomic
    def repeat_invitation(self):
        """Mail the user its personal link once more: it asked for a new password before it had any.

        A link that works stays as it is, for anybody may have asked; an expired one is replaced. Returns
        whether a mail was sent: it is not to whom no invitation is open.
        """
        self._lock_invitation()
        if not self.is_invited or not self.may_sign_in or self.organisation is None:
            return False
        if self.is_invitation_expired:
            self.write_invitation(by=PORTAL)
        else:
            self._mail_invitation(None)
        return True

    def write_invitation(self, *, by):
        """Note and mail the invitation. Raises ``ValidationError`` (``too_many``) beyond the limits."""
        inviter = person_of(by)
        self._require_within_limits(inviter)
        self.invited_at = now_after(self.created_at, self.invited_at)
        self.save(update_fields=["invited_at"])
        self.record(Action.USER_INVITED, by=by)
        self._mail_invitation(inviter)

    def _require_within_limits(self, inviter):
        day = timedelta(days=1)
        to_address = f"invitations:{self.organisation.pk}:{self.email}"
        if next_at := when_allowed(to_address, MOST_TO_ADDRESS, day):
            raise ValidationError(
                _(
                    "%(count)s invitations went to %(email)s within 24 hours. The next one can be sent "
                    "on %(when)s."
                ),
                code="too_many",
                params={
                    "count": MOST_TO_ADDRESS,
                    "email": self.shown_email,
                    "when": moment_for(inviter or self, next_at),
                },
            )
        if inviter and (next_at := when_allowed(f"invitations-by:{inviter.pk}", MOST_BY_USER, day)):
            raise ValidationError(
                _(
                    "You have sent %(count)s invitations within 24 hours. You can send the next one on "
                    "%(when)s."
                ),
                code="too_many",
                params={"count": MOST_BY_USER, "when": moment_for(inviter, next_at)},
            )

    def _mail_invitation(self, inviter):
        owner = self._owner_of_address()
        reader = owner or self
        mail.send(
            "invitation_elsewhere" if owner else "invitation",
            [reader],
            organisation=self.organisation,
            # Called by the template, in the language of the mail.
            inviter=None
            if inviter in (None, self)
            else partial(inviter.name_for, getattr(reader, "membership", None)),
            link=links.absolute(self.invitation_path),
            expires_at=self.invitation_expires_at,
        )

    def _owner_of_address(self):
        """The other user whose account has this address already, or None."""
        others = type(self).objects.joined().with_organisation().exclude(pk=self.pk)
        return others.filter(email=self.email).first()

    def require_open_invitation(self):
        """Raise ``ValidationError``, saying why, unless the link that found this user can be used.

        The code is ``expired`` where a new link helps, else ``dead``.
        """
        if not self._awaits_invitation:
            raise ValidationError(
                _("This invitation was used. Sign in with your email and password."), code="dead"
            )
        self._require_active()
        opened = self.opened_invitation
        keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
        if opened.sent != self._invitation.sent or not any(
            constant_time_compare(opened.fingerprint, self._fingerprint(key)) for key in keys
        ):
            raise ValidationError(
                _("This link was replaced by a newer one. Use the newest mail."), code="dead"
            )
        if self.is_invitation_expired:
            raise ValidationError(
                _("This link expired on %(date)s."),
                code="expired",
                params={"date": written_day(self.invitation_expires_at)},
            )
        if self._owner_of_address():
            self._refuse_second_account()

    def _refuse_second_account(self):
        # Only who reads mail to the address has this link, so it may know of the account.
        raise ValidationError(
            _(
                "%(email)s has an account already, and an account belongs to one organisation. Ask "
                "%(organisation)s to invite another address of yours."
            ),
            code="dead",
            params={"email": self.email, "organisation": self.organisation},
        )

    def _require_active(self):
        if not self.may_sign_in:
            raise ValidationError(
                _("The account %(email)s is deactivated."),
                code="inactive",
                params={"email": self.shown_email},
            )

    @transaction.atomic
    def accept_invitation(self, password=None):
        """Set the password of the user who opened the link; without one it signs in some other way.

        Works once. Raises ``ValidationError`` like ``require_open_invitation``.
        """
        self.requests_answered.to_addresses([self.email]).lock()
        self._lock_invitation()
        self.require_open_invitation()
        self.set_password(password)
        self.has_joined = True
        try:
            with transaction.atomic():
                self.save(update_fields=["password", "has_joined"])
        except IntegrityError:
            # Another invitation to the same address was accepted just now.
            self._refuse_second_account()
        self.record(Action.USER_JOINED, by=self)
        self.prove(self.email, how=ProofMethod.INVITATION)

    def join_as(self, newcomer):
        """Join with the name and password of ``newcomer``, a user not stored who proved the same address."""
        self.name, self.password, self.has_joined = newcomer.name, newcomer.password, True
        self.full_clean()
        self.save(update_fields=["name", "name_key", "password", "has_joined"])
        self.record(Action.USER_JOINED, by=self)

    @transaction.atomic
    def renew_invitation(self):
        """Mail the user a new link in place of the expired one that was opened.

        It goes to the invited address only, and once for each expired link. Raises ``ValidationError``
        like ``require_open_invitation`` for a link that is dead for another reason; one that still
        works stays as it is.
        """
        self._lock_invitation()
        try:
            self.require_open_invitation()
        except ValidationError as error:
            if error.code != "expired":
                raise
            self.write_invitation(by=self)

    def _lock_invitation(self):
        # Of two who use the same link at once, one finds it used.
        locked = type(self).objects.select_for_update(no_key=True)
        self.refresh_from_db(
            fields=["password", "last_login", "is_active", "invited_at", "has_joined"],
            from_queryset=locked,
        )
