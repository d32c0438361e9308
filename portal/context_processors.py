from django.urls import reverse

from portal.navigation import menu_for


def navigation(request):
    """The menu of the signed-in user, and the organisation it acts for."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {}
    menu = [{"label": item.label, "path": reverse(item.url_name)} for item in menu_for(user)]
    here = [item for item in menu if request.path.startswith(item["path"])]
    if here:
        current = max(here, key=lambda item: len(item["path"]))
        current["aria_current"] = "page" if current["path"] == request.path else "true"
    membership = getattr(user, "membership", None)
    return {
        "menu": menu,
        "organisation": user.organisation,
        "is_customer": bool(membership and membership.customer_id),
    }
