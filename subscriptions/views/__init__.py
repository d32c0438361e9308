"""The pages about subscriptions and new customers, for the partners."""

from .bulk import (
    BulkContactView,
    BulkDetailView,
    BulkExportView,
    BulkFileView,
    BulkStartView,
    BulkSubmitView,
)
from .coverage import CoverageExportView, CoverageListView
from .history import SupportContactHistoryExportView, SupportContactHistoryView
from .new_customers import CustomerAddedView, CustomerAddView
from .orders import SubscriptionAddView, SubscriptionEditView
from .subscriptions import (
    ContactChangesMixin,
    ReactivateView,
    SubscriptionDetailView,
    SubscriptionExportView,
    SubscriptionListView,
    SupportContactReviewView,
    SuspendView,
)

__all__ = [
    "BulkContactView",
    "BulkDetailView",
    "BulkExportView",
    "BulkFileView",
    "BulkStartView",
    "BulkSubmitView",
    "ContactChangesMixin",
    "CoverageExportView",
    "CoverageListView",
    "CustomerAddView",
    "CustomerAddedView",
    "ReactivateView",
    "SubscriptionAddView",
    "SubscriptionDetailView",
    "SubscriptionEditView",
    "SubscriptionExportView",
    "SubscriptionListView",
    "SupportContactHistoryExportView",
    "SupportContactHistoryView",
    "SupportContactReviewView",
    "SuspendView",
]
