"""The pages about subscriptions and new customers, for the partners."""

from .acts import ReactivateView, SuspendView
from .answered import (
    PartnershipSubscriptionsExportView,
    PartnershipSubscriptionsView,
    RelationshipSubscriptionsExportView,
    RelationshipSubscriptionsView,
)
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
    SubscriptionDetailView,
    SubscriptionExportView,
    SubscriptionListView,
    SupportContactReviewView,
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
    "PartnershipSubscriptionsExportView",
    "PartnershipSubscriptionsView",
    "ReactivateView",
    "RelationshipSubscriptionsExportView",
    "RelationshipSubscriptionsView",
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
