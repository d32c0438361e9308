"""The forms about subscriptions, their support contacts, and new customers."""

from .changes import MpnIdField, SubscriptionForm
from .contacts import SupportContactForm
from .filters import SubscriptionFilterForm
from .new_customers import AccountForm, ReviewForm
from .orders import OrderForm

__all__ = [
    "AccountForm",
    "MpnIdField",
    "OrderForm",
    "ReviewForm",
    "SubscriptionFilterForm",
    "SubscriptionForm",
    "SupportContactForm",
]
