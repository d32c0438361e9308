"""The ground of the apps: partners, users with their memberships and roles, and the activity log."""

from .actions import Action, describe
from .activity import ActivityEntry
from .activity_lists import LogOf, actors_of
from .activity_readers import ActivityReader
from .actors import Actor, Named
from .due import Due, DueQuerySet, LeaseLost, Task, Worker
from .editing import Editable, StaleRow
from .fields import FoldedField, KeyField
from .limits import when_allowed
from .mails import Mail, MailStatus, MailTrouble, tell_undelivered
from .memberships import Membership, MembershipRole
from .notices import MOST_NAMED, Notice
from .partners import Partner, PartnerType, partner_labels
from .proofs import ProofMethod, ProvedAddress, read_confirmation
from .upward import rows_above
from .users import MailChoice, User, language_of

__all__ = [
    "MOST_NAMED",
    "Action",
    "ActivityEntry",
    "ActivityReader",
    "Actor",
    "Due",
    "DueQuerySet",
    "Editable",
    "FoldedField",
    "KeyField",
    "LeaseLost",
    "LogOf",
    "Mail",
    "MailChoice",
    "MailStatus",
    "MailTrouble",
    "Membership",
    "MembershipRole",
    "Named",
    "Notice",
    "Partner",
    "PartnerType",
    "ProofMethod",
    "ProvedAddress",
    "StaleRow",
    "Task",
    "User",
    "Worker",
    "actors_of",
    "describe",
    "language_of",
    "partner_labels",
    "read_confirmation",
    "rows_above",
    "tell_undelivered",
    "when_allowed",
]
