import uuid

from django.urls import reverse

from portal.models import User
from portal.permissions import Permission


def lists_of(
    user: User, count: int, list_name: str, export_name: str, key: uuid.UUID, *, query: str = ""
) -> dict[str, str]:
    """Return the addresses of the list of what a question is about, and of its export, for its page.

    Nothing where ``count`` is none; no export where the roles of ``user`` do not include it (T2).
    """
    if not count:
        return {}
    lists = {"list_url": reverse(list_name, args=[key]) + query}
    if user.membership.customer_id or user.has_perm(Permission.EXPORT_CUSTOMERS):
        lists["export_url"] = reverse(export_name, args=[key]) + query
    return lists
