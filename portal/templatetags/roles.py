from django import template
from django.utils.translation import gettext as _

from portal.permissions import Permission, roles_with

register = template.Library()


@register.simple_tag
def who_may(permission: str) -> str:
    """Say which roles hold ``permission``, next to a control that is inactive for want of it (T2)."""
    roles = ", ".join(str(role.label) for role in roles_with(Permission(permission)))
    return _("Your roles do not include this. These roles may: %(roles)s.") % {"roles": roles}
