"""The forms about subscriptions and their support contacts."""

from .bulk import BulkContactForm, BulkFileForm, OutcomeForm
from .contacts import SupportContactForm
from .coverage import CoverageFilterForm

__all__ = [
    "BulkContactForm",
    "BulkFileForm",
    "CoverageFilterForm",
    "OutcomeForm",
    "SupportContactForm",
]
