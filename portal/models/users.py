import uuid

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from portal.address_fields import AsKept, EmailField
from portal.addresses import shown_email
from portal.authority import PORTAL, Principal, person_of, require
from portal.clocks import now_after
from portal.permissions import Permission
from portal.text import words_of
from portal.zones import validate_time_zone

from .actions import Action, describe
from .activity import ActivityEntry
from .editing import Editable
from .fields import FoldedField
from .invitations import PersonalInvitation, read_token
from .prepared import part_of
from .proofs import AddressProofs, ProvedAddress
from .sign_in import SignIn
from .user_breaches import UserBreaches

GERMAN_SPEAKING = {"AT", "CH", "DE", "LI"}


class MailChoice(models.TextChoices):
    """When a person wants mail about who answers for what (C11)."""

    AT_ONCE = "at_once", _("At once")
    DAILY = "daily", _("Once a day")
    NONE = "none", _("None")


def language_of(country):
    """The language in which the portal writes to a firm in ``country`` that has not picked one."""
    return "de" if str(country) in GERMAN_SPEAKING else "en"


class UserQuerySet(UserBreaches):
    def visible_to(self, membership):
        """Return the users of the organisation of ``membership`` (T1)."""
        if membership is None:
            return self.none()
        return self.filter(
            membership__partner=membership.partner_id, membership__customer=membership.customer_id
        )

    def joined(self):
        """Return the users whose address is theirs: all but those who were invited and never came.

        An address is one account's among these only. Any organisation may invite it, and none of them
        learns by that whether there is an account.
        """
        return self.filter(has_joined=True)

    def with_organisation(self):
        return self.select_related("membership__partner", "membership__customer")

    def search(self, text):
        """Return the users whose name or email contains every word of ``text``.

        Case and accents do not count; a word may stand inside another. An email or a domain is found in
        either of its forms.
        """
        found = self
        for word in words_of(text, with_addresses=True):
            found = found.filter(part_of("name_key", word) | part_of("email", word))
        return found

    def called(self, email):
        """Return the user that joined whose email this is, in whichever form it is written, or None.

        Of two whose emails are the same in normal form, from before there was one, it is the one whose
        email is written like that.
        """
        written = email.strip().lower()
        found = list(self.joined().filter(email__in=[AsKept(written), email]))
        return next((user for user in found if user.email == written), next(iter(found), None))

    def who_proved(self, email):
        """Return the active user who was the last to prove that mail to ``email`` reaches it, or None (R14).

        A mailbox may have passed from one person to another, or be read by several: the latest proof counts.
        """
        proofs = ProvedAddress.objects.filter(
            email=email, user__is_active=True, user__has_joined=True
        ).select_related("user__membership__partner", "user__membership__customer")
        latest = proofs.order_by("-at", "-pk").first()
        return latest and latest.user

    def invited(self, email):
        """Return the users that were invited by this email and never came, the latest first."""
        waiting = self.with_organisation().filter(email=email, has_joined=False)
        return waiting.exclude(invited_at=None).order_by("-invited_at")

    def find_invited(self, token):
        """Return the user that a personal link invites, with what the link knew of it, or None."""
        opened = read_token(token)
        user = opened and self.with_organisation().filter(pk=opened.user_id).first()
        if user is None or user.organisation is None:
            return None
        user.opened_invitation = opened
        return user


class UserManager(BaseUserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]
    def create_user(self, email, password=None, **fields):
        """Create a user who signs in with ``email``; without a password nobody can sign in yet."""
        user = self.model(email=email, **fields)
        user.set_password(password)
        user.save()
        return user

    def create_superuser(self, email, password=None, **fields):
        """Create an operator. Called by ``manage.py createsuperuser``."""
        # The command asks the database only where a field is unique among all rows.
        user = self.model(email=email, is_staff=True, **fields)
        user.clean_fields(exclude={"password"})
        user.clean()
        user.validate_constraints()
        with transaction.atomic():
            user = self.create_user(email, password, is_staff=True, **fields)
            user.record(
                Action.USER_ADDED,
                by=PORTAL,
                after=describe(user, ["email", "name", "is_staff"]),
                reason="manage.py createsuperuser",
            )
        return user

    def get_by_natural_key(self, email):
        found = self.called(email)
        if found is None:
            raise self.model.DoesNotExist
        return found


class User(
    PersonalInvitation,
    SignIn,
    AddressProofs,
    Editable,
    AbstractBaseUser,
    PermissionsMixin,
    Principal,
):
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
        help_text=_("Of the times that the portal shows. Empty: that of the installation."),
    )
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

    def __str__(self):
        return self.name or self.shown_email

    @property
    def distinct_name(self):
        """The name with the email, for the operator: people are called alike."""
        return f"{self.name} ({self.shown_email})" if self.name else self.shown_email

    @property
    def shown_email(self):
        """The email as people read it."""
        return shown_email(self.email)

    def clean(self):
        if self.is_staff and hasattr(self, "membership"):
            raise ValidationError(
                {
                    "is_staff": ValidationError(
                        _("A user of a partner or customer can't be an operator."), code="T3"
                    )
                }
            )

    def _get_session_auth_hash(self, secret=None):
        # Sessions end when the password changes (Django) and when they are ended on purpose (T3).
        return salted_hmac(
            "portal.User.get_session_auth_hash",
            f"{self.password}{self.sessions_ended_at or ''}",
            secret=secret,
            algorithm="sha256",
        ).hexdigest()

    @property
    def mail_language(self):
        """The language that mail speaks to this user: the picked one, else that of the country."""
        if self.language:
            return self.language
        return language_of(getattr(self.organisation, "country", ""))

    def name_for(self, membership):
        """What ``membership`` may know of this user (T1): colleagues the name, others the organisation."""
        own = self.organisation
        if membership and own and own == membership.organisation:
            return str(self)
        return str(own or gettext("The operator of the portal"))

    @property
    def may_act(self):
        return self.may_sign_in

    @property
    def is_last_resort(self):
        return self.is_staff

    @property
    def person(self):
        return self

    @property
    def organisation(self):
        """The partner or customer that the user belongs to, or None."""
        membership = getattr(self, "membership", None)
        return membership and membership.organisation

    @transaction.atomic
    def change(self, fields, *, by, seen=None):
        """Save ``fields``, some of ``edited_fields``, as they are set on this object, and log what they were.

        Who renames itself has still acted under the former name. Raises ``ValidationError`` like
        ``write_changes``, and ``NotAllowed`` unless ``by`` is this user or an operator.
        """
        require(by, (self, None))
        found = type(self).objects.with_organisation().select_related("actor")
        stored = found.select_for_update(of=("self",), no_key=True).get(pk=self.pk)
        return self.write_changes(fields, stored, by=stored if by.person == self else by, seen=seen)

    @transaction.atomic
    def deactivate(self, *, by):
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

    def dismiss_notices(self, newest):
        """Show the notices up to the one with the key ``newest`` no longer on the first page."""
        self.notices_dismissed = max(self.notices_dismissed, newest)
        self.save(update_fields=["notices_dismissed"])

    def require_dispensable(self, *, by):
        """Raise ``ValidationError``, saying why, where ``by`` can't deactivate this user."""
        if self == person_of(by):
            raise ValidationError(
                _("You can't deactivate your own account. Ask another admin to do it."), code="self"
            )
        if hasattr(self, "membership"):
            self.membership.require_other_admin()

    @transaction.atomic
    def reactivate(self, *, by):
        """Let the user sign in again. Reactivating an active user changes nothing.

        Raises ``NotAllowed`` like ``deactivate``.
        """
        require(by, (self.organisation, Permission.MANAGE_USERS))
        if type(self).objects.filter(pk=self.pk, is_active=False).update(is_active=True):
            self.is_active = True
            self.requests_answered.to_proofs_of(self).bind_anew()
            self.record(Action.USER_REACTIVATED, by=by)

    def record(self, action, *, by, **changes):
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
