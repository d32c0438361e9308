"""The ground floor: partners, users with their memberships and roles, and the activity log."""

from .activity import Action, ActivityEntry, describe
from .editing import Editable, StaleRow
from .fields import FoldedField, KeyField
from .memberships import Membership, MembershipRole
from .partners import Partner, PartnerType
from .users import User, language_of

__all__ = [
    "Action",
    "ActivityEntry",
    "Editable",
    "FoldedField",
    "KeyField",
    "Membership",
    "MembershipRole",
    "Partner",
    "PartnerType",
    "StaleRow",
    "User",
    "describe",
    "language_of",
]
