"""The pages about subscriptions and new customers, for the partners, and what the customer sees."""

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
    SubscriptionDetailView,
    SubscriptionExportView,
    SubscriptionListView,
    SupportContactReviewView,
)
from .support import (
    ContactHistoryView,
    PartnerProductsExportView,
    PartnerProductsView,
    SupportCardView,
    SupportListView,
)

__all__ = [
    "BulkContactView",
    "BulkDetailView",
    "BulkExportView",
    "BulkFileView",
    "BulkStartView",
    "BulkSubmitView",
    "ContactHistoryView",
    "CoverageExportView",
    "CoverageListView",
    "CustomerAddView",
    "CustomerAddedView",
    "PartnerProductsExportView",
    "PartnerProductsView",
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
    "SupportCardView",
    "SupportContactHistoryExportView",
    "SupportContactHistoryView",
    "SupportContactReviewView",
    "SupportListView",
    "SuspendView",
]
