from django import forms
from django.utils.translation import gettext_lazy as _

from portal.forms import SearchForm
from subscriptions.models import SubscriptionStatus


class SubscriptionFilterForm(SearchForm):
    """Which subscriptions of a customer to show: by name, and by status."""

    status = forms.ChoiceField(
        label=_("Status"), required=False, choices=[("", _("All")), *SubscriptionStatus.choices]
    )
