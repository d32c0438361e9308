"""The menu: which pages there are for whom, in the words of the product."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.permissions import Permission


@dataclass(frozen=True)
class MenuItem:
    label: Promise
    url_name: str
    permission: Permission | None = None


PARTNER_MENU = [
    MenuItem(_("Customers"), "customers:list", Permission.VIEW_CUSTOMERS),
    MenuItem(_("Settings"), "profile"),
]
CUSTOMER_MENU = [
    MenuItem(_("Support"), "support:list", Permission.VIEW_SUPPORT),
    MenuItem(_("Settings"), "profile"),
]


def menu_for(user):
    """Return the menu items whose pages ``user`` may open, in order; none for operators."""
    membership = getattr(user, "membership", None)
    if membership is None:
        return []
    items = PARTNER_MENU if membership.partner_id else CUSTOMER_MENU
    return [item for item in items if item.permission is None or user.has_perm(item.permission)]
