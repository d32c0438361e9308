"""What customers have bought, and who answers for it when help is needed."""

from .new_customers import add_customer
from .offers import Billing, Offer
from .querysets import RefusedOrder, SubscriptionStatus, order_id
from .sales import end_of_term
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
    "add_customer",
    "end_of_term",
    "order_id",
]
