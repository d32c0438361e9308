"""The pages of the portal itself, and the bases of all others."""

from .access import NoticesMixin, PortalView, RoleRequired, ScopedView
from .activity import ActivityExportView, ActivityListView
from .acts import ActView, AskedActView
from .addresses import AddressConfirmView, AddressView
from .edits import EditView
from .errors import (
    bad_request,
    conflict,
    csrf_failure,
    page_not_found,
    permission_denied,
    server_error,
    too_many_requests,
)
from .invitations import (
    UserInvitationRenewView,
    UserInvitationView,
)
from .lists import (
    CompiledListView,
    ExportView,
    FilteredView,
    ListQueryView,
    ScopedListView,
    csv_response,
)
from .notices import (
    DismissNoticesView,
    DismissNoticeView,
    NoticeDetailView,
    NoticeListView,
)
from .pages import (
    CompanyView,
    HomeView,
    ProfileView,
    SetLanguageView,
    SetThemeView,
    SetTimeZoneView,
    WordsView,
)
from .probes import alive, ready
from .streams import StreamedActView
from .users import (
    UserDeactivateView,
    UserDetailView,
    UserInviteAgainView,
    UserInviteView,
    UserListView,
    UserReactivateView,
)

__all__ = [
    "ActView",
    "ActivityExportView",
    "ActivityListView",
    "AddressConfirmView",
    "AddressView",
    "AskedActView",
    "CompanyView",
    "CompiledListView",
    "DismissNoticeView",
    "DismissNoticesView",
    "EditView",
    "ExportView",
    "FilteredView",
    "HomeView",
    "ListQueryView",
    "NoticeDetailView",
    "NoticeListView",
    "NoticesMixin",
    "PortalView",
    "ProfileView",
    "RoleRequired",
    "ScopedListView",
    "ScopedView",
    "SetLanguageView",
    "SetThemeView",
    "SetTimeZoneView",
    "StreamedActView",
    "UserDeactivateView",
    "UserDetailView",
    "UserInvitationRenewView",
    "UserInvitationView",
    "UserInviteAgainView",
    "UserInviteView",
    "UserListView",
    "UserReactivateView",
    "WordsView",
    "alive",
    "bad_request",
    "conflict",
    "csrf_failure",
    "csv_response",
    "page_not_found",
    "permission_denied",
    "ready",
    "server_error",
    "too_many_requests",
]
