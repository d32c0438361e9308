"""What customers have bought, and who answers for it when help is needed."""

from .bulk import BulkAssignment
from .bulk_limits import MOST_ROWS
from .bulk_rows import BulkAssignmentRow, BulkOutcome
from .candidates import partner_and_resellers
from .coverage import Coverage
from .coverage_choices import CoverageChoices
from .new_customers import add_customer
from .offers import Billing, Offer, offer_label
from .querysets import RefusedOrder, SubscriptionStatus, order_id
from .subscription_lists import SubscriptionsOfCustomer
from .subscriptions import Subscription
from .support_contacts import Candidate, StaleSupportContact, SupportContactAssignment
from .terms import end_of_term

__all__ = [
    "MOST_ROWS",
    "Billing",
    "BulkAssignment",
    "BulkAssignmentRow",
    "BulkOutcome",
    "Candidate",
    "Coverage",
    "CoverageChoices",
    "Offer",
    "RefusedOrder",
    "StaleSupportContact",
    "Subscription",
    "SubscriptionStatus",
    "SubscriptionsOfCustomer",
    "SupportContactAssignment",
    "add_customer",
    "end_of_term",
    "offer_label",
    "order_id",
    "partner_and_resellers",
]
