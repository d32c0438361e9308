"""The pages about subscriptions: for the partners, and for the customer that uses them."""

from .bulk import (
    BulkContactView,
    BulkDetailView,
    BulkExportView,
    BulkFileView,
    BulkStartView,
    BulkSubmitView,
)
from .coverage import CoverageExportView, CoverageListView
from .subscriptions import (
    ContactChangesMixin,
    ReactivateView,
    SubscriptionDetailView,
    SubscriptionListView,
    SupportContactHistoryExportView,
    SupportContactHistoryView,
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
    "ReactivateView",
    "SubscriptionDetailView",
    "SubscriptionListView",
    "SupportContactHistoryExportView",
    "SupportContactHistoryView",
    "SupportContactReviewView",
    "SuspendView",
]
