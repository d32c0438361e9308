import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.functional import cached_property
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_countries.fields import Country

from portal import links, mail
from portal.address_fields import EmailField
from portal.addresses import normal_email, shown_email
from portal.authority import PORTAL, Organisation, Principal, person_of, require
from portal.clocks import now_after
from portal.permissions import Permission
from portal.zones import (
    moment_for,
    show_same_times,
    time_zones,
    validate_time_zone,
    written_day,
)

from .actions import Action
from .activity import ActivityEntry
from .editing import Editable
from .fields import FoldedField
from .invitations import MOST_BY_USER, MOST_TO_ADDRESS, OpenedInvitation, write_token
from .limits import when_allowed
from .proofs import CONFIRMATION_PERIOD, MAILS_WITHIN, MOST_MAILS, ProofMethod, confirmation_token
from .user_querysets import UserManager

if TYPE_CHECKING:
    from .memberships import Membership

GERMAN_SPEAKING = {"AT", "CH", "DE", "LI"}

# What counts as a second factor; recovery codes only stand in for one.
FACTORS = ("totp", "webauthn")


class MailChoice(models.TextChoices):
    """When a person wants mail about who answers for what (C11)."""

    AT_ONCE = "at_once", _("At once")
    DAILY = "daily", _("Once a day")
    NONE = "none", _("None")


def language_of(country: Country | str) -> str:
    """The language in which the portal writes to a firm in ``country`` that has not picked one."""
    return "de" if str(country) in GERMAN_SPEAKING else "en"


class User(Editable, AbstractBaseUser, PermissionsMixin, Principal):
    """A person who signs in by email.

    A user belongs to one partner or one customer through its membership, or is an operator of the
    installation (T3). What it may do follows from its roles, see ``portal.permissions``.
    """

    # Roles take the place of Django's groups and superusers.
    groups = None  # type: ignore[assignment]
    user_permissions = None  # type: ignore[assignment]
    is_superuser = None

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = EmailField(_("email"))
    name = models.CharField(_("name"), max_length=200, blank=True)
    name_key = FoldedField(source="name")
    language = models.CharField(
        _("language"),
        max_length=10,
        blank=True,
        choices=settings.LANGUAGES,
        help_text=_("Empty: the language of the browser."),
    )
    time_zone = models.CharField(
        _("time zone"),
        max_length=50,
        blank=True,
        validators=[validate_time_zone],
        help_text=_("The portal shows times in this zone. Empty: in that of the installation."),
    )
    # Whoever has picked a zone, or declined the one of its browser, is offered none any more.
    has_decided_zone = models.BooleanField(default=False, editable=False)
    answering_mail = models.CharField(
        _("mail about support contacts"),
        max_length=10,
        choices=MailChoice,
        default=MailChoice.AT_ONCE,
        help_text=_(
            "Who answers from now on, or no longer does. On your pages you read it in any case."
        ),
    )
    is_staff = models.BooleanField(
        _("operator"),
        default=False,
        help_text=_("Runs this installation: may use Django admin, belongs to no organisation."),
    )
    is_active = models.BooleanField(_("active"), default=True, editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    invited_at = models.DateTimeField(_("invited"), null=True, blank=True, editable=False)
    has_joined = models.BooleanField(
        _("joined"),
        default=True,
        editable=False,
        help_text=_("An invited user joins by its invitation; until then the email is nobody's."),
    )
    confirmation_asked_for = EmailField(blank=True, editable=False)
    # Who the user is in the log and the history, as of its last act; ``Actor.objects.of`` keeps it.
    actor = models.ForeignKey(
        "portal.Actor", models.PROTECT, related_name="+", null=True, editable=False
    )
    # Up to this notice all are dismissed; single ones beyond it in ``Notice.dismissed_by``.
    notices_dismissed = models.BigIntegerField(default=0, editable=False)
    sessions_ended_at = models.DateTimeField(null=True, editable=False)

    # Of django-allauth, which comes without types.
    authenticator_set: Any
    # What the personal link knew by which ``find_invited`` found this user.
    opened_invitation: OpenedInvitation

    edited_fields = ("name", "language", "time_zone", "answering_mail")
    changed_action = Action.USER_CHANGED

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    objects = UserManager()

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        ordering = ["email"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(email=Lower("email")),
                name="portal_user_email_lower",
                violation_error_message=_("Emails are stored in lower case."),
            ),
            models.UniqueConstraint(
                fields=["email"],
                condition=models.Q(has_joined=True),
                name="portal_user_email_once",
                violation_error_code="unique",
                violation_error_message=_("A user with this email exists."),
            ),
        ]
        indexes = [models.Index(fields=["email"], name="portal_user_email")]

    def __str__(self) -> str:
        return self.name or self.shown_email

    @property
    def distinct_name(self) -> str:
        """The name with the email, for the operator: people are called alike."""
        return f"{self.name} ({self.shown_email})" if self.name else self.shown_email

    @property
    def shown_email(self) -> str:
        """The email as people read it."""
        return shown_email(self.email)

    def clean(self) -> None:
        if self.is_staff and hasattr(self, "membership"):
            raise ValidationError(
                {
                    "is_staff": ValidationError(
                        _("A user of a partner or customer can't be an operator."), code="T3"
                    )
                }
            )

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        # Sessions end when the password changes (Django) and when they are ended on purpose (T3).
        return salted_hmac(
            "portal.User.get_session_auth_hash",
            f"{self.password}{self.sessions_ended_at or ''}",
            secret=secret,
            algorithm="sha256",
        ).hexdigest()

    @property
    def mail_language(self) -> str:
        """The language that mail speaks to this user: the picked one, else that of the country."""
        if self.language:
            return self.language
        return language_of(getattr(self.organisation, "country", ""))

    def name_for(self, membership: "Membership | None") -> str:
        """What ``membership`` may know of this user (T1): colleagues the name, others the organisation."""
        own = self.organisation
        if membership and own and own == membership.organisation:
            return str(self)
        return str(own or gettext("The operator of the portal"))

    @property
    def may_act(self) -> bool:
        return self.may_sign_in

    @property
    def is_last_resort(self) -> bool:
        return self.is_staff

    @property
    def person(self) -> "User":
        return self

    @property
    def organisation(self) -> Organisation | None:
        """The partner or customer that the user belongs to, or None."""
        membership = getattr(self, "membership", None)
        return membership and membership.organisation

    @transaction.atomic
    def change(self, fields: Iterable[str], *, by: Principal, seen: str | None = None) -> list[str]:
        """Save ``fields``, some of ``edited_fields``, as they are set on this object, and log what they were.

        Who renames itself has still acted under the former name. Who decides on its time zone, even
        to keep that of the installation, is offered no other from then on. Raises ``ValidationError`` like
        ``write_changes``, and ``NotAllowed`` unless ``by`` is this user or an operator.
        """
        require(by, (self, None))
        found = User.objects.with_organisation().select_related("actor")
        stored = found.select_for_update(of=("self",), no_key=True).get(pk=self.pk)
        changed = self.write_changes(
            fields, stored, by=stored if by.person == self else by, seen=seen
        )
        if "time_zone" in fields and not self.has_decided_zone:
            self.has_decided_zone = True
            self.save(update_fields=["has_decided_zone"])
        return changed

    @property
    def is_undecided_on_zone(self) -> bool:
        """Whether times are shown in the installation's zone without this person having chosen that."""
        return not (self.time_zone or self.has_decided_zone)

    def may_be_offered(self, zone: str) -> bool:
        """Whether to ask this person if times are to be shown in ``zone``, the one of its browser."""
        return (
            self.is_undecided_on_zone
            and zone in time_zones()
            and not show_same_times(zone, settings.TIME_ZONE)
        )

    @transaction.atomic
    def deactivate(self, *, by: Principal) -> None:
        """Lock the user out and end its sessions at once (T3).

        Raises ``ValidationError`` with code ``last_global_admin`` where nobody else could take over,
        with ``self`` where ``by`` would lock itself out, and ``NotAllowed`` unless ``by`` may manage
        the users of the organisation. Deactivating again changes nothing.
        """
        require(by, (self.organisation, Permission.MANAGE_USERS))
        asked = self.requests_answered.to_proofs_of(self)
        asked.lock()
        membership = getattr(self, "membership", None)
        if membership:
            membership.lock_organisation()
        self.refresh_from_db(fields=["is_active"])
        if not self.is_active:
            return
        self.require_dispensable(by=by)
        self.is_active = False
        self.sessions_ended_at = now_after(self.created_at, self.sessions_ended_at)
        self.save(update_fields=["is_active", "sessions_ended_at"])
        asked.bind_anew()
        self.record(Action.USER_DEACTIVATED, by=by)

    def dismiss_notices(self, newest: int) -> None:
        """Show the notices up to the one with the key ``newest`` no longer on the first page."""
        self.notices_dismissed = max(self.notices_dismissed, newest)
        self.save(update_fields=["notices_dismissed"])

    def require_dispensable(self, *, by: Principal) -> None:
        """Raise ``ValidationError``, saying why, where ``by`` can't deactivate this user."""
        if self == person_of(by):
            raise ValidationError(
                _("You can't deactivate your own account. Ask another admin to do it."), code="self"
            )
        if hasattr(self, "membership"):
            self.membership.require_other_admin()

    @transaction.atomic
    def reactivate(self, *, by: Principal) -> None:
        """Let the user sign in again. Reactivating an active user changes nothing.

        Raises ``NotAllowed`` like ``deactivate``.
        """
        require(by, (self.organisation, Permission.MANAGE_USERS))
        if User.objects.filter(pk=self.pk, is_active=False).update(is_active=True):
            self.is_active = True
            self.requests_answered.to_proofs_of(self).bind_anew()
            self.record(Action.USER_REACTIVATED, by=by)

    def record(self, action: Action, *, by: Principal, **changes: Any) -> None:
        """Write what happened to this user into the activity log of its organisation."""
        membership = getattr(self, "membership", None)
        ActivityEntry.objects.record(
            action,
            by=by,
            partners=[membership.partner] if membership else [],
            customer=membership.customer if membership else None,
            subject=self,
            **changes,
        )

    # Signing in: who may, with what second factor, until when

    @property
    def may_sign_in(self) -> bool:
        """T3: nobody signs in, or stays so, who is deactivated or whose partner is."""
        return self.is_active and getattr(self.organisation, "is_active", True)

    @property
    def needs_second_factor(self) -> bool:
        """Whether the user may do nothing without a second factor: its partner wants it, or the operator."""
        if self.is_staff:
            return settings.OPERATOR_SECOND_FACTOR
        return getattr(self.organisation, "requires_second_factor", False)

    @property
    def second_factors(self) -> Any:
        return self.authenticator_set.filter(type__in=FACTORS)

    @cached_property
    def has_second_factor(self) -> bool:
        """Whether the user has a second factor. The sign-in loads it together with the user."""
        return self.second_factors.exists()

    def may_remove_factor(self, factor: Any) -> bool:
        """Whether another second factor is left, where one is needed."""
        return not self.needs_second_factor or self.second_factors.exclude(pk=factor.pk).exists()

    def end_sessions(self) -> None:
        """Sign the user out everywhere, for good: no session of before is valid again."""
        self.sessions_ended_at = now_after(self.created_at, self.sessions_ended_at)
        self.save(update_fields=["sessions_ended_at"])

    @transaction.atomic
    def give_password(self, password: str, *, by: Principal, reason: str = "") -> None:
        """Set a password for this user, which signs it out, and log that it was set.

        Raises ``NotAllowed`` unless ``by`` is an operator or the portal itself.
        """
        require(by)
        self.set_password(password)
        self.save(update_fields=["password"])
        self.record(Action.PASSWORD_CHANGED, by=by, reason=reason)

    @transaction.atomic
    def reset_second_factor(self, *, by: Principal) -> None:
        """Take the second factors and recovery codes away, and end the sessions: for a lost device.

        Without any, nothing changes. Raises ``NotAllowed`` unless ``by`` is an operator.
        """
        require(by)
        if self.authenticator_set.all().delete()[0]:
            self.end_sessions()
            self.record(Action.SECOND_FACTOR_REMOVED, by=by, reason=str(_("Reset by the operator")))

    # The addresses it has proved (R14)

    def has_proved(self, email: str | None = None) -> bool:
        """Whether the user has proved ``email``, left out: the one that it signs in with."""
        return self.proved_addresses.filter(email=email or self.email).exists()

    @transaction.atomic
    def prove(self, email: str, *, how: ProofMethod) -> None:
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
    def should_be_asked_to_confirm(self) -> bool:
        """Whether the user has an organisation and an email that it has neither proved nor been asked for."""
        return (
            self.organisation is not None
            and self.confirmation_asked_for != self.email
            and not self.has_proved()
        )

    def note_asked_to_confirm(self) -> None:
        """Ask no more, unless the email changes."""
        self.confirmation_asked_for = self.email
        self.save(update_fields=["confirmation_asked_for"])

    def confirmation_path(self, email: str, following: str = "") -> str:
        """The path of the link that proves ``email`` and leads on to the path ``following``."""
        token = confirmation_token(self.pk, normal_email(email), following)
        return reverse("address_confirm", args=[token])

    @transaction.atomic
    def send_confirmation(self, email: str, *, following: str = "") -> None:
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

    # Its invitation to set a password: a personal link that works once, for a week. The link is made of the
    # password's hash and the time when it was sent, so setting a password kills it, and so does a newer one.

    @property
    def is_invited(self) -> bool:
        """Whether the user was invited and has not been here yet."""
        return self.invited_at is not None and self._awaits_invitation

    @property
    def _awaits_invitation(self) -> bool:
        return self.last_login is None and not self.has_usable_password()

    @property
    def invitation_expires_at(self) -> datetime | None:
        return self.invited_at + settings.INVITATION_PERIOD if self.invited_at else None

    @property
    def is_invitation_expired(self) -> bool:
        expires_at = self.invitation_expires_at
        return expires_at is not None and expires_at <= timezone.now()

    @property
    def _invitation(self) -> OpenedInvitation:
        sent = f"{self.invited_at:%Y%m%d%H%M%S%f}"
        return OpenedInvitation(self.pk, sent, self._fingerprint(settings.SECRET_KEY))

    def _fingerprint(self, secret: str) -> str:
        made = salted_hmac("portal.User.invitation", f"{self.email} {self.password}", secret=secret)
        return made.hexdigest()[:20]

    @property
    def invitation_path(self) -> str:
        """The path of the personal link."""
        return reverse("user_invitation", args=[write_token(self._invitation)])

    @transaction.atomic
    def send_invitation(self, *, by: Principal) -> None:
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
    def repeat_invitation(self) -> bool:
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

    def write_invitation(self, *, by: Principal) -> None:
        """Note and mail the invitation. Raises ``ValidationError`` (``too_many``) beyond the limits."""
        inviter = person_of(by)
        self._require_within_limits(inviter)
        self.invited_at = now_after(self.created_at, self.invited_at)
        self.save(update_fields=["invited_at"])
        self.record(Action.USER_INVITED, by=by)
        self._mail_invitation(inviter)

    def _require_within_limits(self, inviter: "User | None") -> None:
        day = timedelta(days=1)
        to_address = f"invitations:{self.membership.organisation.pk}:{self.email}"
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

    def _mail_invitation(self, inviter: "User | None") -> None:
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

    def _owner_of_address(self) -> "User | None":
        """The other user whose account has this address already, or None."""
        others = User.objects.joined().with_organisation().exclude(pk=self.pk)
        return others.filter(email=self.email).first()

    def require_open_invitation(self) -> None:
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
        expires_at = self.invitation_expires_at
        if expires_at and self.is_invitation_expired:
            raise ValidationError(
                _("This link expired on %(date)s."),
                code="expired",
                params={"date": written_day(expires_at)},
            )
        if self._owner_of_address():
            self._refuse_second_account()

    def _refuse_second_account(self) -> NoReturn:
        # Only who reads mail to the address has this link, so it may know of the account.
        raise ValidationError(
            _(
                "%(email)s has an account already, and an account belongs to one organisation. Ask "
                "%(organisation)s to invite another address of yours."
            ),
            code="dead",
            params={"email": self.email, "organisation": self.organisation},
        )

    def _require_active(self) -> None:
        if not self.may_sign_in:
            raise ValidationError(
                _("The account %(email)s is deactivated."),
                code="inactive",
                params={"email": self.shown_email},
            )

    @transaction.atomic
    def accept_invitation(self, password: str | None = None) -> None:
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

    def join_as(self, newcomer: "User") -> None:
        """Join with the name and password of ``newcomer``, a user not stored who proved the same address."""
        self.name, self.password, self.has_joined = newcomer.name, newcomer.password, True
        self.full_clean()
        self.save(update_fields=["name", "name_key", "password", "has_joined"])
        self.record(Action.USER_JOINED, by=self)

    @transaction.atomic
    def renew_invitation(self) -> None:
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

    def _lock_invitation(self) -> None:
        # Of two who use the same link at once, one finds it used.
        locked = User.objects.select_for_update(no_key=True)
        self.refresh_from_db(
            fields=["password", "last_login", "is_active", "invited_at", "has_joined"],
            from_queryset=locked,
        )
