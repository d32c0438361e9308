"""The menu: which pages there are for whom, in the words of the product."""

from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.models import Partner, PartnerType, User
from portal.permissions import Permission


class MenuItem(NamedTuple):
    label: Promise
    url_name: str
    permission: Permission | None = None
    partner_type: PartnerType | None = None
    # The paths it stands for, where they are more than those below its own.
    section: tuple[str, ...] = ()

    def is_for(self, user: User, partner: Partner | None) -> bool:
        """Whether ``user`` of ``partner`` (None: of a customer) may open the page."""
        if self.partner_type and (partner is None or partner.type != self.partner_type):
            return False
        return self.permission is None or user.has_perm(self.permission)


PARTNER_MENU = [
    MenuItem(_("Customers"), "customers:list", Permission.VIEW_CUSTOMERS),
    MenuItem(_("Subscriptions"), "coverage:list", Permission.VIEW_CUSTOMERS),
    MenuItem(_("Relationship requests"), "relationships:requests", Permission.VIEW_CUSTOMERS),
    MenuItem(
        _("Indirect resellers"),
        "relationships:resellers",
        Permission.VIEW_CUSTOMERS,
        PartnerType.INDIRECT_PROVIDER,
    ),
    MenuItem(
        _("Indirect providers"),
        "relationships:providers",
        Permission.VIEW_CUSTOMERS,
        PartnerType.INDIRECT_RESELLER,
    ),
    MenuItem(_("Activity log"), "activity", Permission.VIEW_ACTIVITY),
    MenuItem(_("Settings"), "profile", section=("/settings/", "/accounts/")),
]
CUSTOMER_MENU = [
    MenuItem(_("Support"), "support:list", Permission.VIEW_SUPPORT),
    MenuItem(_("Partner relationships"), "support_partners:list", Permission.ANSWER_REQUESTS),
    MenuItem(_("Activity log"), "activity", Permission.VIEW_ACTIVITY),
    MenuItem(_("Settings"), "profile", section=("/settings/", "/accounts/")),
]


def menu_for(user: User) -> list[MenuItem]:
    """Return the menu items whose pages ``user`` may open, in order; none for operators."""
    membership = getattr(user, "membership", None)
    if membership is None:
        return []
    items = PARTNER_MENU if membership.partner_id else CUSTOMER_MENU
    return [item for item in items if item.is_for(user, membership.partner)]
