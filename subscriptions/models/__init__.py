"""What customers have bought, and who answers for it when help is needed."""

from .bulk import BulkAssignment
from .bulk_rows import BulkAssignmentRow, BulkOutcome
from .offers import Billing, Offer
from .querysets import SubscriptionStatus
from .subscriptions import Subscription
from .support_contacts import Candidate, StaleSupportContact, SupportContactAssignment

__all__ = [
    "Billing",
    "BulkAssignment",
    "BulkAssignmentRow",
    "BulkOutcome",
    "Candidate",
    "Offer",
    "StaleSupportContact",
    "Subscription",
    "SubscriptionStatus",
    "SupportContactAssignment",
]
