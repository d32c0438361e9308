from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from lists.set_statements import lock_selected
from portal.authority import (
    Organisation,
    Principal,
    Refusal,
    person_of,
    require,
    require_standing,
)
from portal.permissions import Permission, Role

from .actions import Action
from .partners import Partner
from .user_querysets import UserQuerySet
from .users import User

if TYPE_CHECKING:
    from .memberships import Membership


def lock_organisation(organisation: Any) -> Any:
    """Lock the row of a partner or customer until the transaction ends, and return it as it is stored."""
    return type(organisation).objects.select_for_update(no_key=True).get(pk=organisation.pk)


class MembershipQuerySet(models.QuerySet["Membership"]):
    def visible_to(self, membership: "Membership | None") -> Self:
        """Return the memberships of the organisation of ``membership`` (T1)."""
        if membership is None:
            return self.none()
        return self.filter(partner=membership.partner_id, customer=membership.customer_id)

    def admins(self, *, except_for: Principal | None = None) -> UserQuerySet:
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
        cause = person_of(except_for) if except_for else None
        if cause is not None:
            found = found.exclude(pk=cause.pk)
        return found.select_related("membership__partner", "membership__customer")

    def end_sessions(self, *, at: datetime | None = None) -> None:
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
    def join(
        self, user: User, organisation: Organisation, roles: Collection[str], *, by: Principal
    ) -> "Membership":
        """Make ``user`` a member of a partner or customer, with ``roles``.

        Raises ``ValidationError`` if the user belongs somewhere already or is an operator (T3), and like
        ``require_joinable`` for the roles; and ``NotAllowed`` unless ``by`` may manage the users of the
        organisation.
        """
        require(by, (organisation, Permission.MANAGE_USERS))
        return self._join(user, organisation, roles, by)

    @transaction.atomic
    def join_first(self, user: User, organisation: Organisation) -> "Membership":
        """Make ``user``, who registers itself, the first member and admin of an organisation.

        Whether it may do so is for the act to say that adds the organisation. Here nobody gets into one
        that somebody has joined: raises ``ValidationError`` with code ``not_first`` then, and otherwise
        like ``join``.
        """
        self._require_empty(organisation, user__has_joined=True)
        return self._join(user, organisation, [self._first_role(organisation)], user)

    def _join(
        self, user: User, organisation: Organisation, roles: Collection[str], by: Principal
    ) -> "Membership":
        if isinstance(organisation, Partner):
            membership = self.model(user=user, partner=organisation)
        else:
            # Nobody joins a record that is joined into another meanwhile (R15).
            organisation.lock()
            membership = self.model(user=user, customer=organisation)
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
    def invite(
        self,
        organisation: Organisation,
        *,
        email: str,
        name: str,
        roles: Collection[str],
        by: Principal,
    ) -> "Membership":
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
    def invite_first_admin(
        self,
        organisation: Organisation,
        *,
        email: str,
        name: str,
        by: Principal,
        language: str = "",
    ) -> "Membership":
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
    def _first_role(organisation: Organisation) -> Role:
        return Role.GLOBAL_ADMIN if isinstance(organisation, Partner) else Role.CUSTOMER_ADMIN

    @staticmethod
    def _require_empty(organisation: Organisation, **members: Any) -> None:
        if lock_organisation(organisation).memberships.filter(**members).exists():
            raise ValidationError(
                _("%(organisation)s has users already; its admins invite further ones."),
                code="not_first",
                params={"organisation": organisation},
            )

    def _invite(
        self,
        organisation: Organisation,
        email: str,
        name: str,
        roles: Collection[str],
        by: Principal,
        *,
        language: str = "",
    ) -> "Membership":
        user = User(email=email, name=name.strip(), language=language, has_joined=False)
        user.set_unusable_password()
        # Of two who invite the same person at once, one waits here and is told.
        lock_organisation(organisation)
        self._require_new(email, organisation)
        user.full_clean()
        user.save()
        membership = self._join(user, organisation, roles, by)
        user.write_invitation(by=by)
        return membership

    @staticmethod
    def _require_new(email: str, organisation: Organisation) -> None:
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
