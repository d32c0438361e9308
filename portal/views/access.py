from collections.abc import Callable
from typing import Any, NoReturn, cast

from django.contrib.auth.mixins import PermissionRequiredMixin
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.generic import View
from django.views.generic.base import ContextMixin

from portal.models import Membership, Notice, Partner, PartnerType, User
from portal.permissions import Permission
from portal.signed_in import user_of


class RoleRequired(PermissionDenied):
    """The user's roles do not include what is needed (T2). The page names the roles that do."""

    def __init__(self, *permissions: str) -> None:
        super().__init__()
        self.permissions = permissions


class PortalView(PermissionRequiredMixin):
    """The base of every page of an organisation: it states the permission that it needs.

    The project does not start with a view that states none. ``permission_required = ()`` opens a page
    to every member of an organisation. Users without an organisation (operators) are refused, and so are
    partners of another type than ``partner_type``, where the page is for one type.
    """

    request: HttpRequest
    kwargs: dict[str, Any]
    permission_required: Permission | tuple[()] | None = None
    partner_type: PartnerType | None = None

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Callable[..., Any]:
        if cls.permission_required is None:
            raise ImproperlyConfigured(f"{cls.__name__} states no permission_required.")
        return super().as_view(**initkwargs)  # type: ignore[misc]  # of the generic view beside

    @property
    def user(self) -> User:
        return user_of(self.request)

    @property
    def membership(self) -> Membership:
        return self.user.membership

    @property
    def partner(self) -> Partner:
        """The partner that the user works for, on a page that is for partners only."""
        return cast(Partner, self.membership.partner)

    def has_permission(self) -> bool:
        if not hasattr(self.request.user, "membership") or not super().has_permission():
            return False
        if self.partner_type and self.partner.type != self.partner_type:
            raise PermissionDenied(
                _("This page is for companies of the type “%(type)s”.")
                % {"type": self.partner_type.label}
            )
        return True

    def handle_no_permission(self) -> NoReturn:
        raise RoleRequired(*self.get_permission_required())

    def require(self, permission: Permission) -> None:
        """Refuse with 403 where the permission that this act needs is not among the user's (T2)."""
        if not self.user.has_perm(permission):
            raise RoleRequired(permission)


class ScopedView(PortalView):
    """A page about rows: it shows only those that exist for the user's organisation (T1)."""

    object: Any  # the row of a page about one

    def get_queryset(self) -> Any:
        found = super().get_queryset()  # type: ignore[misc]  # of the generic view beside
        return found.visible_to(self.membership)

    def get_stored(self) -> Any:
        """Return the row of the page as it is stored, whatever a refused form has set on ``object``.

        Raises ``Http404`` where someone has taken it away from the user meanwhile (T1).
        """
        return get_object_or_404(self.get_queryset(), pk=self.object.pk)


class NoticesMixin(ContextMixin, View):
    """A first page: it begins with what is new to the user, the newest first, until dismissed (C11)."""

    notices_shown = 3

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        found = Notice.objects.undismissed_by(user_of(self.request))[: self.notices_shown + 1]
        notices = list(found)
        return super().get_context_data(
            notices=notices[: self.notices_shown],
            has_more_notices=len(notices) > self.notices_shown,
            **kwargs,
        )
