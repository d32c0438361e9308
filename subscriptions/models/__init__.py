"""What customers have bought, and who answers for it when help is needed."""

from .offers import Billing, Offer
from .querysets import RefusedOrder, SubscriptionStatus
from .subscriptions import Subscription
from .support_contacts import Candidate, StaleSupportContact, SupportContactAssignment

__all__ = [
    "Billing",
    "Candidate",
    "Offer",
    "RefusedOrder",
    "StaleSupportContact",
    "Subscription",
    "SubscriptionStatus",
    "SupportContactAssignment",
]
