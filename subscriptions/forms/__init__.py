"""The forms about subscriptions and their support contacts."""

from .bulk import BulkContactForm, BulkFileForm, OutcomeForm
from .contacts import HistoryFilterForm, SupportContactForm
from .coverage import CoverageFilterForm

__all__ = [
    "BulkContactForm",
    "BulkFileForm",
    "CoverageFilterForm",
    "HistoryFilterForm",
    "OutcomeForm",
    "SupportContactForm",
]
