"""What customers have bought, and who answers for it when help is needed."""

from .bulk import MOST_ROWS, BulkAssignment
from .bulk_rows import BulkAssignmentRow, BulkOutcome
from .coverage import Coverage, Filters
from .designation import partner_and_resellers
from .offers import Billing, Offer
from .querysets import SubscriptionStatus
from .subscriptions import Subscription
from .support_contacts import Candidate, StaleSupportContact, SupportContactAssignment

__all__ = [
    "MOST_ROWS",
    "Billing",
    "BulkAssignment",
    "BulkAssignmentRow",
    "BulkOutcome",
    "Candidate",
    "Coverage",
    "Filters",
    "Offer",
    "StaleSupportContact",
    "Subscription",
    "SubscriptionStatus",
    "SupportContactAssignment",
    "partner_and_resellers",
]
