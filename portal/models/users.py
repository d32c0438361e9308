import uuid

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from portal.permissions import CUSTOMER_ROLES, PARTNER_ROLES, Permission, Role, require_one_of

from .activity import Action, ActivityEntry
from .partners import Partner

GERMAN_SPEAKING = {"AT", "CH", "DE", "LI"}


def language_of(country):
    """The language in which the portal writes to a firm in ``country`` that has not picked one."""
    return "de" if str(country) in GERMAN_SPEAKING else "en"


class UserManager(BaseUserManager):
    def create_user(self, email, password=None, **fields):
        """Create a user who signs in with ``email``; without a password nobody can sign in yet."""
        user = self.model(email=email, **fields)
        user.set_password(password)
        user.save()
        return user

    def create_superuser(self, email, password=None, **fields):
        """Create an operator. Called by ``manage.py createsuperuser``."""
        return self.create_user(email, password, is_staff=True, **fields)

    def get_by_natural_key(self, email):
        return self.get(email=email.strip().lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in by email.

    A user belongs to one partner or one customer through its membership, or is an operator of the
    installation (T3). What it may do follows from its roles, see ``portal.permissions``.
    """

    # Roles take the place of Django's groups and superusers.
    groups = None  # type: ignore[assignment]
    user_permissions = None  # type: ignore[assignment]
    is_superuser = None

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(
        _("email"), unique=True, error_messages={"unique": _("A user with this email exists.")}
    )
    name = models.CharField(_("name"), max_length=200, blank=True)
    language = models.CharField(
        _("language"),
        max_length=10,
        blank=True,
        choices=settings.LANGUAGES,
        help_text=_("Empty: the language of the browser."),
    )
    is_staff = models.BooleanField(
        _("operator"),
        default=False,
        help_text=_("Runs this installation: may use Django admin, belongs to no organisation."),
    )
    is_active = models.BooleanField(_("active"), default=True, editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    notices_seen = models.BigIntegerField(default=0, editable=False)
    sessions_ended_at = models.DateTimeField(null=True, editable=False)

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
            )
        ]

    def __str__(self):
        return self.name or self.email

    def clean(self):
        self.email = self.email.strip().lower()
        if self.is_staff and Membership.objects.filter(user=self).exists():
            raise ValidationError(
                {
                    "is_staff": ValidationError(
                        _("A user of a partner or customer can't be an operator."), code="T3"
                    )
                }
            )

    def save(self, *args, **kwargs):
        self.email = self.email.strip().lower()
        super().save(*args, **kwargs)

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
        """What ``membership`` may know of this user: colleagues the name, others the organisation."""
        if membership and self.organisation == membership.organisation:
            return str(self)
        return str(self.organisation or _("The operator of the portal"))

    @property
    def organisation(self):
        """The partner or customer that the user belongs to, or None."""
        membership = getattr(self, "membership", None)
        return membership and membership.organisation

    @transaction.atomic
    def deactivate(self, *, by):
        """Lock the user out and end its sessions at once (T3).

        Raises ``ValidationError`` with code ``last_global_admin`` where nobody else could take over, and
        with ``not_allowed`` unless ``by`` may manage the users of the organisation. Deactivating again
        changes nothing.
        """
        require_one_of(by, (self.organisation, Permission.MANAGE_USERS))
        membership = getattr(self, "membership", None)
        if membership:
            membership.lock_organisation()
        self.refresh_from_db(fields=["is_active"])
        if not self.is_active:
            return
        if membership:
            membership.require_other_admin()
        self.is_active = False
        self.sessions_ended_at = timezone.now()
        self.save(update_fields=["is_active", "sessions_ended_at"])
        self.record(Action.USER_DEACTIVATED, by=by)

    @transaction.atomic
    def reactivate(self, *, by):
        """Let the user sign in again. Reactivating an active user changes nothing.

        Raises ``ValidationError`` with code ``not_allowed`` like ``deactivate``.
        """
        require_one_of(by, (self.organisation, Permission.MANAGE_USERS))
        if type(self).objects.filter(pk=self.pk, is_active=False).update(is_active=True):
            self.is_active = True
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


class MembershipQuerySet(models.QuerySet):
    def visible_to(self, membership):
        """Return the memberships of the organisation of ``membership`` (T1)."""
        if membership is None:
            return self.none()
        return self.filter(partner=membership.partner_id, customer=membership.customer_id)

    def admins(self, *, except_for=None):
        """Return the active users among these who are admin of their organisation, for mail to it.

        Whoever caused the mail, ``except_for``, needs none.
        """
        found = User.objects.filter(
            membership__in=self.filter(
                role_rows__role__in=[Role.GLOBAL_ADMIN, Role.CUSTOMER_ADMIN]
            ),
            is_active=True,
        )
        if except_for is not None:
            found = found.exclude(pk=except_for.pk)
        return found.select_related("membership__partner", "membership__customer")

    def end_sessions(self):
        """Sign these members out everywhere, for good: no session of before is valid again (T3)."""
        User.objects.filter(membership__in=self).update(sessions_ended_at=timezone.now())

    @transaction.atomic
    def join(self, user, organisation, roles, *, by):
        """Make ``user`` a member of a partner or customer, with ``roles``.

        Raises ``ValidationError`` if the user belongs somewhere already or is an operator (T3), and
        where a role is not one of that kind of organisation.
        """
        place = "partner" if isinstance(organisation, Partner) else "customer"
        membership = self.model(user=user, **{place: organisation})
        membership.full_clean()
        membership.save()
        membership.write_roles(roles)
        user.record(Action.USER_ADDED, by=by, after={"roles": sorted(roles)})
        return membership


class Membership(models.Model):
    """A user's place in the one organisation it belongs to (T3), with the roles it has there."""

    user = models.OneToOneField(
        User, models.PROTECT, related_name="membership", verbose_name=_("user")
    )
    partner = models.ForeignKey(
        Partner,
        models.PROTECT,
        related_name="memberships",
        verbose_name=_("partner"),
        null=True,
        blank=True,
    )
    customer = models.ForeignKey(
        "customers.Customer",
        models.PROTECT,
        related_name="memberships",
        verbose_name=_("customer"),
        null=True,
        blank=True,
    )

    objects = MembershipQuerySet.as_manager()

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(partner=None) ^ models.Q(customer=None),
                name="portal_membership_one_organisation",
                violation_error_message=_("A user belongs to one partner or to one customer."),
            )
        ]

    def __str__(self):
        return f"{self.user} ({self.organisation})"

    def clean(self):
        if self.user_id and self.user.is_staff:
            raise ValidationError(
                {
                    "user": ValidationError(
                        _("An operator can't belong to a partner or customer."), code="T3"
                    )
                }
            )

    @property
    def organisation(self):
        return self.partner or self.customer

    @cached_property
    def roles(self):
        """The roles, in the order of the role table."""
        held = set(self.role_rows.values_list("role", flat=True))
        return [role for role in Role if role in held]

    @property
    def possible_roles(self):
        return PARTNER_ROLES if self.partner_id else CUSTOMER_ROLES

    @property
    def admin_role(self):
        """The role that every organisation keeps at least one active user in."""
        return Role.GLOBAL_ADMIN if self.partner_id else Role.CUSTOMER_ADMIN

    @transaction.atomic
    def set_roles(self, roles, *, by):
        """Give the user exactly ``roles``; in force with its next request.

        Raises ``ValidationError`` with code ``role`` for a role of another kind of organisation or
        none at all, with ``last_global_admin`` where the organisation's last admin would lose its
        role, and with ``not_allowed`` unless ``by`` may manage the users of the organisation. Setting what
        already is changes and logs nothing.
        """
        require_one_of(by, (self.organisation, Permission.MANAGE_USERS))
        self.lock_organisation()
        self.__dict__.pop("roles", None)
        before, after = set(self.roles), set(roles)
        if before == after:
            return
        if self.admin_role not in after:
            self.require_other_admin()
        self.write_roles(after)
        self.user.record(
            Action.USER_ROLES_CHANGED,
            by=by,
            before={"roles": sorted(before)},
            after={"roles": sorted(after)},
        )

    def write_roles(self, roles):
        roles = set(roles)
        if not roles or not roles <= self.possible_roles:
            raise ValidationError(
                _("Choose at least one role, and only roles of this kind of organisation."),
                code="role",
            )
        self.role_rows.exclude(role__in=roles).delete()
        MembershipRole.objects.bulk_create(
            [MembershipRole(membership=self, role=role) for role in sorted(roles)],
            ignore_conflicts=True,
        )
        self.__dict__.pop("roles", None)

    def lock_organisation(self):
        """Serialise what could take an organisation its last admin."""
        organisation = self.organisation
        type(organisation).objects.select_for_update(no_key=True).get(pk=organisation.pk)

    def require_other_admin(self):
        """Raise ``ValidationError`` if nobody but this user is an active admin of the organisation."""
        if self.admin_role not in self.roles or not self.user.is_active:
            return
        others = Membership.objects.visible_to(self).exclude(pk=self.pk)
        if not others.filter(role_rows__role=self.admin_role, user__is_active=True).exists():
            raise ValidationError(
                _("%(user)s is the last %(role)s of %(organisation)s, and stays so."),
                code="last_global_admin",
                params={
                    "user": self.user,
                    "role": self.admin_role.label,
                    "organisation": self.organisation,
                },
            )


class MembershipRole(models.Model):
    """One role that a member holds. Written by ``Membership.set_roles``."""

    membership = models.ForeignKey(
        Membership, models.PROTECT, related_name="role_rows", verbose_name=_("membership")
    )
    role = models.CharField(_("role"), max_length=20, choices=Role)

    class Meta:
        verbose_name = _("role of a member")
        verbose_name_plural = _("roles of members")
        constraints = [
            models.UniqueConstraint(fields=["membership", "role"], name="portal_role_once"),
            models.CheckConstraint(
                condition=models.Q(role__in=Role.values),
                name="portal_role_exists",
                violation_error_message=_("This role does not exist."),
            ),
        ]

    def __str__(self):
        return self.get_role_display()
