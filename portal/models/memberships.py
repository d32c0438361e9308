from collections.abc import Collection
from functools import partial

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from portal import mail
from portal.authority import Organisation, Principal, person_of, require
from portal.permissions import (
    CUSTOMER_ROLES,
    PARTNER_ROLES,
    PERMISSIONS_BY_ROLE,
    Permission,
    Role,
)

from .actions import Action
from .membership_querysets import MembershipQuerySet, lock_organisation
from .partners import Partner
from .users import User


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

    def __str__(self) -> str:
        return f"{self.user} ({self.organisation})"

    def clean(self) -> None:
        if self.user_id and self.user.is_staff:
            raise ValidationError(
                {
                    "user": ValidationError(
                        _("An operator can't belong to a partner or customer."), code="T3"
                    )
                }
            )

    @property
    def organisation(self) -> Organisation:
        return self.partner or self.customer

    @cached_property
    def roles(self) -> list[Role]:
        """The roles, in the order of the role table."""
        held = {row.role for row in self.role_rows.all()}
        return [role for role in Role if role in held]

    @property
    def possible_roles(self) -> frozenset[Role]:
        return PARTNER_ROLES if self.partner_id else CUSTOMER_ROLES

    @property
    def admin_role(self) -> Role:
        """The role that every organisation keeps at least one active user in."""
        return Role.GLOBAL_ADMIN if self.partner_id else Role.CUSTOMER_ADMIN

    @transaction.atomic
    def set_roles(self, roles: Collection[str], *, by: Principal) -> None:
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

    def tell_admins(self, *, by: Principal) -> None:
        """Mail the other admins that this user is one of them now, so that it never goes unnoticed."""
        person = person_of(by)
        others = type(self).objects.visible_to(self).admins(except_for=by)
        # Called by the template, in the language of the mail.
        actor = partial(person.name_for, self) if person else None
        mail.send("admin_added", others.exclude(pk=self.user_id), membership=self, actor=actor)

    def require_joinable(self, roles: Collection[str]) -> None:
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

    def _require_possible(self, roles: Collection[str]) -> None:
        if not roles or not self.possible_roles.issuperset(roles):
            raise ValidationError(
                _("Choose at least one role, and only roles of this kind of organisation."),
                code="role",
            )

    def write_roles(self, roles: Collection[str]) -> None:
        self._require_possible(roles)
        self.role_rows.exclude(role__in=roles).delete()
        MembershipRole.objects.bulk_create(
            [MembershipRole(membership=self, role=role) for role in sorted(roles)],
            ignore_conflicts=True,
        )
        self._forget_roles()

    def _forget_roles(self) -> None:
        self.__dict__.pop("roles", None)
        self.__dict__.get("_prefetched_objects_cache", {}).pop("role_rows", None)

    def lock_organisation(self) -> None:
        """Serialise what could take an organisation its last admin."""
        lock_organisation(self.organisation)

    def require_other_admin(self) -> None:
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

    def require_droppable(self, role: str, *, by: Principal) -> None:
        """Raise ``ValidationError``, saying why, where ``by`` can't take ``role`` from this user."""
        if role == self.admin_role:
            self.require_other_admin()
        if self.user == person_of(by):
            self.require_way_back(set(self.roles) - {role})

    @staticmethod
    def require_way_back(roles: Collection[str]) -> None:
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

    def __str__(self) -> str:
        return self.get_role_display()
