"""What customers have bought, and who answers for it when help is needed."""

from .offers import Billing, Offer
from .querysets import SubscriptionStatus
from .subscriptions import Subscription
from .support_contacts import Candidate, StaleSupportContact, SupportContactAssignment

__all__ = [
    "Billing",
    "Candidate",
    "Offer",
    "StaleSupportContact",
    "Subscription",
    "SubscriptionStatus",
    "SupportContactAssignment",
]
