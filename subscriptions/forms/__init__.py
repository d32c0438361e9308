"""The forms about subscriptions, their support contacts, and new customers."""

from .bulk import BulkContactForm, BulkFileForm, OutcomeForm
from .changes import MpnIdField, SubscriptionForm
from .contacts import HistoryFilterForm, SupportContactForm
from .coverage import CoverageFilterForm
from .filters import SubscriptionFilterForm
from .new_customers import AccountForm, ReviewForm
from .orders import OrderForm

__all__ = [
    "AccountForm",
    "BulkContactForm",
    "BulkFileForm",
    "CoverageFilterForm",
    "HistoryFilterForm",
    "MpnIdField",
    "OrderForm",
    "OutcomeForm",
    "ReviewForm",
    "SubscriptionFilterForm",
    "SubscriptionForm",
    "SupportContactForm",
]
