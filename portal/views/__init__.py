"""The pages of the ground floor, and the bases of all others."""

from .access import PortalView, RoleRequired, ScopedListView, ScopedView
from .errors import bad_request, csrf_failure, page_not_found, permission_denied
from .pages import HomeView, ProfileView, SetLanguageView, SignInView
from .probes import alive, ready

__all__ = [
    "HomeView",
    "PortalView",
    "ProfileView",
    "RoleRequired",
    "ScopedListView",
    "ScopedView",
    "SetLanguageView",
    "SignInView",
    "alive",
    "bad_request",
    "csrf_failure",
    "page_not_found",
    "permission_denied",
    "ready",
]
