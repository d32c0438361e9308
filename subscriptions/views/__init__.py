"""The pages about subscriptions and new customers, for the partners."""

from .new_customers import CustomerAddedView, CustomerAddView
from .orders import SubscriptionAddView, SubscriptionEditView
from .subscriptions import (
    ContactChangesMixin,
    ReactivateView,
    SubscriptionDetailView,
    SubscriptionExportView,
    SubscriptionListView,
    SupportContactHistoryView,
    SupportContactReviewView,
    SuspendView,
)

__all__ = [
    "ContactChangesMixin",
    "CustomerAddView",
    "CustomerAddedView",
    "ReactivateView",
    "SubscriptionAddView",
    "SubscriptionDetailView",
    "SubscriptionEditView",
    "SubscriptionExportView",
    "SubscriptionListView",
    "SupportContactHistoryView",
    "SupportContactReviewView",
    "SuspendView",
]
