from functools import partial

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from lists.set_statements import lock_selected
from portal import mail
from portal.authority import Refusal, person_of, require, require_standing
from portal.permissions import (
    CUSTOMER_ROLES,
    PARTNER_ROLES,
    PERMISSIONS_BY_ROLE,
    Permission,
    Role,
)

from .actions import Action
from .partners import Partner
from .users import User


class MembershipQuerySet(models.QuerySet["Membership"]):
    def visible_to(self, membership):
        """Return the memberships of the organisation of ``membership`` (T1)."""
        if membership is None:
            return self.none()
        return self.filter(partner=membership.partner_id, customer=membership.customer_id)

    def admins(self, *, except_for=None):
        """Return the active users among these who are admin of their organisation, for mail to it.

        Who was invited and has not come is not among them: nobody knows whose that address is (R14). Whoever
        caused the mail, the principal ``except_for``, needs none.
        """
        found = User.objects.filter(
            membership__in=self.filter(
                role_rows__role__in=[Role.GLOBAL_ADMIN, Role.CUSTOMER_ADMIN]
            ),
            is_active=True,
            has_joined=True,
        )
        cause = except_for and person_of(except_for)
        if cause is not None:
            found = found.exclude(pk=cause.pk)
        return found.select_related("membership__partner", "membership__customer")

    def end_sessions(self, *, at=None):
        """Sign these members out everywhere, for good: no session of before is valid again (T3).

        ``at`` is the moment of the act that this is a part of.
        """
        users = User.objects.filter(pk__in=self.values("user"))
        lock_selected(users)
        now = at or timezone.now()
        is_ahead = models.Q(created_at__gt=now) | models.Q(sessions_ended_at__gte=now)
        for user in users.filter(is_ahead):
            user.end_sessions()
        users.exclude(is_ahead).update(sessions_ended_at=now)

    @transaction.atomic
    def join(self, user, organisation, roles, *, by):
        """Make ``user`` a member of a partner or customer, with ``roles``.

        Raises ``ValidationError`` if the user belongs somewhere already or is an operator (T3), and like
        ``require_joinable`` for the roles; and ``NotAllowed`` unless ``by`` may manage the users of the
        organisation.
        """
        require(by, (organisation, Permission.MANAGE_USERS))
        return self._join(user, organisation, roles, by)

    @transaction.atomic
    def join_first(self, user, organisation):
        """Make ``user``, who registers itself, the first member and admin of an organisation.

        Whether it may do so is for the act to say that adds the organisation. Here nobody gets into one
        that somebody has joined: raises ``ValidationError`` with code ``not_first`` then, and otherwise
        like ``join``.
        """
        self._require_empty(organisation, user__has_joined=True)
        return self._join(user, organisation, [self._first_role(organisation)], user)

    def _join(self, user, organisation, roles, by):
        place = "partner" if isinstance(organisation, Partner) else "customer"
        if place == "customer":
            # Nobody joins a record that is joined into another meanwhile (R15).
            organisation.lock()
        membership = self.model(user=user, **{place: organisation})
        membership.full_clean()
        # Of two who join at once the second sees the first.
        membership.lock_organisation()
        membership.require_joinable(roles)
        membership.save()
        membership.write_roles(roles)
        user.record(Action.USER_ADDED, by=by, after={"roles": sorted(roles)})
        if membership.admin_role in roles:
            membership.tell_admins(by=by)
        return membership

    @transaction.atomic
    def invite(self, organisation, *, email, name, roles, by):
        """Create a user without a password, make it a member, and mail it its personal link.

        Where the address has an account outside of the organisation, all is the same for whoever
        invites, also afterwards (T1): only its owner reads, in another mail, that an account belongs to
        one organisation (T3), and the invitation can't be accepted.

        Raises ``NotAllowed`` unless ``by`` may manage the users of the organisation; ``ValidationError`` at
        the field ``email`` with ``member`` if the organisation has this user; and like ``join``. Nothing is
        written or mailed then.
        """
        require(by, (organisation, Permission.MANAGE_USERS))
        return self._invite(organisation, email, name, roles, by)

    @transaction.atomic
    def invite_first_admin(self, organisation, *, email, name, by, language=""):
        """Invite the first admin of an organisation that ``by`` has just added.

        ``language`` is the one that the portal speaks to it; empty: that of the country.

        Nobody gets into an organisation that has users: raises ``ValidationError`` with code
        ``not_first`` then, and otherwise like ``invite``; and ``NotAllowed`` unless ``by`` is an operator or,
        for a customer, may add customers for a partner that looks after this one.
        """
        if isinstance(organisation, Partner):
            require(by)
        else:
            acting = require(by, (Partner, Permission.ADD_CUSTOMERS))
            if acting is not None:
                own = organisation.relationships.active().filter(partner=acting)
                require_standing(own.exists(), Refusal.ELSEWHERE)
        self._require_empty(organisation)
        roles = [self._first_role(organisation)]
        return self._invite(organisation, email, name, roles, by, language=language)

    @staticmethod
    def _first_role(organisation):
        return Role.GLOBAL_ADMIN if isinstance(organisation, Partner) else Role.CUSTOMER_ADMIN

    @staticmethod
    def _require_empty(organisation, **members):
        locked = type(organisation).objects.select_for_update(no_key=True)
        if locked.get(pk=organisation.pk).memberships.filter(**members).exists():
            raise ValidationError(
                _("%(organisation)s has users already; its admins invite further ones."),
                code="not_first",
                params={"organisation": organisation},
            )

    def _invite(self, organisation, email, name, roles, by, *, language=""):
        user = User(email=email, name=name.strip(), language=language, has_joined=False)
        user.set_unusable_password()
        # Of two who invite the same person at once, one waits here and is told.
        type(organisation).objects.select_for_update(no_key=True).get(pk=organisation.pk)
        self._require_new(email, organisation)
        user.full_clean()
        user.save()
        membership = self._join(user, organisation, roles, by)
        user.write_invitation(by=by)
        return membership

    @staticmethod
    def _require_new(email, organisation):
        known = User.objects.filter(
            email=email, pk__in=organisation.memberships.values("user")
        ).first()
        if known is None:
            return
        if known.is_active:
            error = ValidationError(_("This user is in your organisation already."), code="member")
        else:
            error = ValidationError(
                _("This user is in your organisation already, deactivated. Reactivate it instead."),
                code="member",
            )
        raise ValidationError({"email": error})


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
        held = {row.role for row in self.role_rows.all()}
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
        role, with ``self`` where ``by`` would give up managing users; and ``NotAllowed`` unless ``by``
        may manage the users of the organisation. Setting what already is changes and logs
        nothing. The other admins are mailed when someone becomes one of them.
        """
        require(by, (self.organisation, Permission.MANAGE_USERS))
        asked = self.user.requests_answered.to_proofs_of(self.user)
        asked.lock()
        self.lock_organisation()
        self._forget_roles()
        before, after = set(self.roles), set(roles)
        if before == after:
            return
        if self.admin_role not in after:
            self.require_other_admin()
        if self.user == person_of(by):
            self.require_way_back(after)
        self.write_roles(after)
        asked.bind_anew()
        self.user.record(
            Action.USER_ROLES_CHANGED,
            by=by,
            before={"roles": sorted(before)},
            after={"roles": sorted(after)},
        )
        if self.admin_role in after - before:
            self.tell_admins(by=by)

    def tell_admins(self, *, by):
        """Mail the other admins that this user is one of them now, so that it never goes unnoticed."""
        person = person_of(by)
        others = type(self).objects.visible_to(self).admins(except_for=by)
        # Called by the template, in the language of the mail.
        actor = partial(person.name_for, self) if person else None
        mail.send("admin_added", others.exclude(pk=self.user_id), membership=self, actor=actor)

    def require_joinable(self, roles):
        """Raise ``ValidationError`` unless a new member can come with ``roles``.

        The code is ``role`` for a role of another kind of organisation or none at all, and ``first_admin``
        where the organisation has nobody in its admin role yet, and gets nobody now: the first who comes
        has to be able to let the others in.
        """
        self._require_possible(roles)
        admins = Membership.objects.visible_to(self).filter(role_rows__role=self.admin_role)
        if self.admin_role not in roles and not admins.exists():
            raise ValidationError(
                _("%(organisation)s has no %(role)s yet. Give its first user this role."),
                code="first_admin",
                params={"organisation": self.organisation, "role": self.admin_role.label},
            )

    def _require_possible(self, roles):
        if not roles or not self.possible_roles.issuperset(roles):
            raise ValidationError(
                _("Choose at least one role, and only roles of this kind of organisation."),
                code="role",
            )

    def write_roles(self, roles):
        self._require_possible(roles)
        self.role_rows.exclude(role__in=roles).delete()
        MembershipRole.objects.bulk_create(
            [MembershipRole(membership=self, role=role) for role in sorted(roles)],
            ignore_conflicts=True,
        )
        self._forget_roles()

    def _forget_roles(self):
        self.__dict__.pop("roles", None)
        self.__dict__.get("_prefetched_objects_cache", {}).pop("role_rows", None)

    def lock_organisation(self):
        """Serialise what could take an organisation its last admin."""
        organisation = self.organisation
        type(organisation).objects.select_for_update(no_key=True).get(pk=organisation.pk)

    def require_other_admin(self):
        """Raise ``ValidationError`` if nobody but this user is an active admin of the organisation."""
        if self.admin_role not in self.roles or not self.user.is_active:
            return
        others = Membership.objects.visible_to(self).exclude(pk=self.pk)
        in_charge = others.filter(role_rows__role=self.admin_role, user__is_active=True)
        # Who was invited and has not been here yet can't take over.
        waiting = {"user__last_login": None, "user__password__startswith": UNUSABLE_PASSWORD_PREFIX}
        if not in_charge.exclude(**waiting).exists():
            raise ValidationError(
                _("%(user)s is the last %(role)s of %(organisation)s, and stays so."),
                code="last_global_admin",
                params={
                    "user": self.user,
                    "role": self.admin_role.label,
                    "organisation": self.organisation,
                },
            )

    def require_droppable(self, role, *, by):
        """Raise ``ValidationError``, saying why, where ``by`` can't take ``role`` from this user."""
        if role == self.admin_role:
            self.require_other_admin()
        if self.user == person_of(by):
            self.require_way_back(set(self.roles) - {role})

    @staticmethod
    def require_way_back(roles):
        """Raise ``ValidationError`` unless who keeps only ``roles`` goes on managing users."""
        if not any(Permission.MANAGE_USERS in PERMISSIONS_BY_ROLE.get(role, ()) for role in roles):
            raise ValidationError(
                _(
                    "You can't take the managing of users from yourself. Ask another admin to do it."
                ),
                code="self",
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
