"""Who is signed in, and what the roles of that user permit."""

from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib.auth.backends import ModelBackend
from django.db.models import Exists, OuterRef

from portal.models import User
from portal.models.users import FACTORS
from portal.permissions import PERMISSIONS_BY_ROLE, Permission

# One statement for what every request asks about whoever is signed in.
_PEOPLE = (
    User.objects.with_organisation()
    .select_related("actor")
    .annotate(
        has_second_factor=Exists(
            Authenticator.objects.filter(user=OuterRef("pk"), type__in=FACTORS)
        )
    )
)


class RoleBackend(ModelBackend):
    """Signs users in by email and password, and answers ``has_perm`` from the role table.

    An operator holds Django's own model permissions, for Django admin, and none of the portal's: it
    runs the installation but belongs to no tenant.
    """

    def get_user(self, user_id: Any) -> User | None:
        user = _PEOPLE.filter(pk=user_id).first()
        return user if user and self.user_can_authenticate(user) else None

    def user_can_authenticate(self, user: Any) -> bool:
        return user.is_active and user.may_sign_in

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        membership = getattr(user_obj, "membership", None)
        if not membership or obj is not None:
            return set()
        return {one for role in membership.roles for one in PERMISSIONS_BY_ROLE[role]}

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        if not self.user_can_authenticate(user_obj):
            return False
        if user_obj.is_staff:
            return perm not in Permission
        return perm in self.get_all_permissions(user_obj, obj)

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        return user_obj.is_active and user_obj.is_staff
