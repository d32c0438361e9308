"""The ground floor: partners, users with their memberships and roles, and the activity log."""

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
from .prepared import (
    FEW,
    KeyList,
    Parameter,
    Prepared,
    Question,
    Unindexed,
    containing,
    having_one_of,
    part_of,
    placed,
)
from .proofs import ProofMethod, ProvedAddress, read_confirmation
from .statements import (
    bounded_count,
    first_keys,
    insert_selected,
    lock_selected,
    lock_text,
    look_up_by_key,
    recount_for_planner,
)
from .texts import DayText, KeyText, dashed
from .upward import rows_above
from .users import MailChoice, User, language_of

__all__ = [
    "FEW",
    "MOST_NAMED",
    "Action",
    "ActivityEntry",
    "ActivityReader",
    "Actor",
    "DayText",
    "Due",
    "DueQuerySet",
    "Editable",
    "FoldedField",
    "KeyField",
    "KeyList",
    "KeyText",
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
    "Parameter",
    "Partner",
    "PartnerType",
    "Prepared",
    "ProofMethod",
    "ProvedAddress",
    "Question",
    "StaleRow",
    "Task",
    "Unindexed",
    "User",
    "Worker",
    "actors_of",
    "bounded_count",
    "containing",
    "dashed",
    "describe",
    "first_keys",
    "having_one_of",
    "insert_selected",
    "language_of",
    "lock_selected",
    "lock_text",
    "look_up_by_key",
    "part_of",
    "partner_labels",
    "placed",
    "read_confirmation",
    "recount_for_planner",
    "rows_above",
    "tell_undelivered",
    "when_allowed",
]
