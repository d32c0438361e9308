"""The ground floor: partners, users with their memberships and roles, and the activity log."""

from .activity import Action, ActivityEntry
from .fields import FoldedField
from .partners import Partner, PartnerType
from .users import Membership, MembershipRole, User

__all__ = [
    "Action",
    "ActivityEntry",
    "FoldedField",
    "Membership",
    "MembershipRole",
    "Partner",
    "PartnerType",
    "User",
]
