"""Who may do what: the role table of the portal, as data.

This is the only place where roles meet permissions. Views, templates, Django admin and tests read it
through ``user.has_perm()``, answered by ``portal.backends.RoleBackend``.

A permission answers *may this role do this at all*. For which organisation is a question for
``portal.authority``, on which rows one for the QuerySets (``visible_to``), and whether now is one for the
models.
"""

from collections.abc import Iterable

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Permission(models.TextChoices):
    """Something a role may do, in Django's form ``app.codename``."""

    VIEW_CUSTOMERS = "customers.view_customers", _("see customers, subscriptions and requests")
    EXPORT_CUSTOMERS = "customers.export_customers", _("export customers and subscriptions")
    ASSIGN_SUPPORT_CONTACT = (
        "subscriptions.assign_support_contact",
        _("assign the designated support contact"),
    )
    ADD_CUSTOMERS = "customers.add_customers", _("add customers")
    EDIT_CUSTOMERS = "customers.edit_customers", _("edit customer details")
    MANAGE_SUBSCRIPTIONS = (
        "subscriptions.manage_subscriptions",
        _("add, change, suspend and reactivate subscriptions"),
    )
    REQUEST_RELATIONSHIP = (
        "relationships.request_relationship",
        _("request a relationship without delegated admin privileges"),
    )
    REQUEST_DAP = (
        "relationships.request_dap",
        _("request or give up delegated admin privileges"),
    )
    REMOVE_RELATIONSHIP = "relationships.remove_relationship", _("remove a relationship")
    INVITE_RESELLERS = "relationships.invite_resellers", _("invite resellers to a partnership")
    AUTHORIZE_PARTNERSHIP = (
        "relationships.authorize_partnership",
        _("authorize or end a partnership"),
    )
    MANAGE_USERS = "portal.manage_users", _("manage users and their roles")
    EDIT_COMPANY = "portal.edit_company", _("edit the company's support details")
    VIEW_ACTIVITY = "portal.view_activity", _("see and export the activity log")
    VIEW_SUPPORT = "subscriptions.view_support", _("see the support contacts of the own company")
    ANSWER_REQUESTS = (
        "relationships.answer_requests",
        _("accept or decline partners and remove delegated admin privileges"),
    )


class Role(models.TextChoices):
    """What a user is in its organisation. A partner's user has one or more, a customer's has one."""

    GLOBAL_ADMIN = "global", _("Global admin")
    ADMIN_AGENT = "agent", _("Admin agent")
    SALES_AGENT = "sales", _("Sales agent")
    HELPDESK_AGENT = "helpdesk", _("Helpdesk agent")
    USER_MANAGEMENT_ADMIN = "users", _("User management admin")
    CUSTOMER_ADMIN = "customer", _("Customer admin")


PARTNER_ROLES = frozenset(Role) - {Role.CUSTOMER_ADMIN}
CUSTOMER_ROLES = frozenset({Role.CUSTOMER_ADMIN})

_G, _A, _S, _H, _U, _C = Role
_ROLES_BY_PERMISSION = {
    Permission.VIEW_CUSTOMERS: {_G, _A, _S, _H},
    Permission.EXPORT_CUSTOMERS: {_G, _A},
    Permission.ASSIGN_SUPPORT_CONTACT: {_G, _A, _H},
    Permission.ADD_CUSTOMERS: {_G, _A, _S},
    Permission.EDIT_CUSTOMERS: {_G, _A, _S, _H},
    Permission.MANAGE_SUBSCRIPTIONS: {_G, _A, _S, _H},
    Permission.REQUEST_RELATIONSHIP: {_G, _A, _S},
    Permission.REQUEST_DAP: {_G, _A},
    Permission.REMOVE_RELATIONSHIP: {_G},
    Permission.INVITE_RESELLERS: {_G, _A, _S},
    Permission.AUTHORIZE_PARTNERSHIP: {_G},
    Permission.MANAGE_USERS: {_G, _U, _C},
    Permission.EDIT_COMPANY: {_G},
    Permission.VIEW_ACTIVITY: {_G, _A, _S, _H, _U, _C},
    Permission.VIEW_SUPPORT: {_C},
    Permission.ANSWER_REQUESTS: {_C},
}

PERMISSIONS_BY_ROLE: dict[str, frozenset[str]] = {
    role: frozenset(
        permission.value for permission, roles in _ROLES_BY_PERMISSION.items() if role in roles
    )
    for role in Role
}


def roles_with(*permissions: str) -> list[Role]:
    """Return the roles that hold every one of ``permissions``, in the order of the role table."""
    return [role for role in Role if PERMISSIONS_BY_ROLE[role].issuperset(permissions)]


def permissions_by_role(roles: Iterable[str]) -> dict[Role, list[Promise]]:
    """Return what each of ``roles`` may do, in words, in the order of the role table."""
    return {
        role: [one.label for one in Permission if one in PERMISSIONS_BY_ROLE[role]]
        for role in Role
        if role in roles
    }
