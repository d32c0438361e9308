import uuid
from datetime import timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from lists.widgets import FilterCheckbox, ListSelect, NamedRows
from portal.forms import SearchForm
from portal.models import Partner, partner_labels

from ..models import Coverage, CoverageChoices, Subscription, SubscriptionStatus

RECENT = timedelta(days=30)
NOBODY = "none"


class CoverageFilterForm(SearchForm):
    """Which subscriptions to show of all that ``partner`` sees.

    ``partners`` has name and MPN ID by key, ``offers`` the label; see ``CoverageChoices``.
    """

    contact = forms.ChoiceField(
        label=_("Support contact"),
        required=False,
        widget=ListSelect,
        error_messages={"invalid_choice": _("This partner answers for none of these.")},
    )
    offer = forms.ChoiceField(
        label=_("Offer"),
        required=False,
        widget=ListSelect,
        error_messages={"invalid_choice": _("Choose an offer of the list.")},
    )
    status = forms.ChoiceField(
        label=_("Status"),
        required=False,
        choices=[("", _("All")), *SubscriptionStatus.choices],
        widget=ListSelect,
    )
    still = forms.BooleanField(
        label=_("Still with the seller"), required=False, widget=FilterCheckbox
    )
    recent = forms.BooleanField(
        label=_("Changed in the last 30 days"), required=False, widget=FilterCheckbox
    )

    def __init__(self, *args: Any, partner: Partner, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.partner = partner
        self.fields["q"].label = _("Customer")
        try:
            words = self.fields["q"].clean(self.data.get("q"))
        except ValidationError:  # said at the field, in time
            words = ""
        self.known = CoverageChoices(partner, words)
        self.partners, self.offers = self.known.partners, self.known.offers
        self.know_other_contact(self.data.get("contact", ""))
        named = partner_labels((key, *names) for key, names in self.partners.items())
        self.fields["contact"].choices = NamedRows(
            [("", _("All")), (NOBODY, _("No partner designated")), *named]
        )
        self.fields["offer"].choices = NamedRows([("", _("All")), *self.offers.items()])

    def know_other_contact(self, text: str) -> None:
        """Add a contact that the partner does not work with, where it answers for what it sees.

        As it stands in the list, and leads here from the counts; others don't exist for it (T1).
        """
        try:
            key = uuid.UUID(text)
        except (ValueError, AttributeError):
            return
        if str(key) in self.partners:
            return
        visible = Subscription.objects.visible_to_partner(self.partner.pk)
        answers = visible.filter(support_contact=key)
        names = answers.values_list("support_contact__name", "support_contact__mpn_id").first()
        if names:
            self.partners[str(key)] = names

    def clean(self) -> dict[str, Any]:
        super().clean()
        # An empty box is no condition.
        return {name: value or "" for name, value in self.cleaned_data.items()}

    @property
    def coverage(self) -> Coverage:
        """The subscriptions that match."""
        wanted = self.cleaned_data
        contact = wanted["contact"]
        return Coverage(
            self.partner,
            customer=wanted["q"],
            has_few_customers=self.known.has_few_customers,
            found_customers=self.known.found_customers,
            contact=contact if contact != NOBODY else "",
            has_no_contact=contact == NOBODY,
            offer=wanted["offer"],
            status=wanted["status"],
            is_still_with_seller=bool(wanted["still"]),
            since=timezone.now() - RECENT if wanted["recent"] else None,
        )
