from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from portal.navigation import menu_for

THEMES = ("light", "dark")


def appearance(request: HttpRequest) -> dict[str, str]:
    """The colours that this browser was told to show (none: the system's)."""
    theme = request.COOKIES.get(settings.THEME_COOKIE_NAME, "")
    return {"theme": theme if theme in THEMES else ""}


def navigation(request: HttpRequest) -> dict[str, Any]:
    """The menu of the signed-in user, and the organisation it acts for.

    While a second factor is missing nothing else opens, so there is no menu.
    """
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {}
    if getattr(request, "is_held", False):
        return {"organisation": user.organisation, "is_held": True}
    menu: list[dict[str, Any]] = []
    for item in menu_for(user):
        path = reverse(item.url_name)
        menu.append({"label": item.label, "path": path, "section": item.section or path})
    here = [item for item in menu if request.path.startswith(item["section"])]
    if here:
        current = max(here, key=lambda item: len(item["path"]))
        current["aria_current"] = "page" if current["path"] == request.path else "true"
    membership = getattr(user, "membership", None)
    return {
        "menu": menu,
        "organisation": user.organisation,
        "is_customer": bool(membership and membership.customer_id),
    }
