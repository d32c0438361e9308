import uuid
from collections.abc import Sequence
from typing import Any, cast

from django import forms
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from lists.widgets import FilteredSelect, NamedRows
from portal.forms import StyledField
from portal.models import Partner, partner_labels

from ..models import Candidate, Subscription, SupportContactAssignment


class SupportContactForm(forms.Form):
    """The choice of the designated support contact among the partners that are eligible now.

    ``seen`` carries the assignment that was in force when the page was opened (C8). ``labels`` has how
    each candidate is called, by its key, also of those that can't be chosen.
    """

    bound_field_class = StyledField

    support_contact = forms.ChoiceField(
        label=_("Designated support contact"),
        widget=FilteredSelect,
        error_messages={
            "required": _("Choose a partner."),
            "invalid_choice": _(
                "This partner can't be the support contact. Choose one of the list."
            ),
        },
    )
    seen = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(
        self,
        *args: Any,
        subscription: Subscription,
        candidates: Sequence[Candidate],
        **kwargs: Any,
    ) -> None:
        self.assignment = assignment = subscription.contact_in_force
        initial = {"support_contact": assignment.partner_id or "", "seen": assignment.pk}
        super().__init__(*args, **{"initial": initial, **kwargs})
        partners: dict[uuid.UUID, Candidate | Partner] = {one.key: one for one in candidates}
        if assignment.partner:
            partners.setdefault(assignment.partner.pk, assignment.partner)
        self.labels = dict(
            partner_labels((key, one.name, one.mpn_id) for key, one in partners.items())
        )
        # The one in force can always be left as it is, also one that another partner chose (C4).
        offered = {one.key for one in candidates if one.is_eligible} | {assignment.partner_id}
        choices = {str(key): label for key, label in self.labels.items() if key in offered}
        field = cast(forms.ChoiceField, self.fields["support_contact"])
        if subscription.is_bought_elsewhere:
            choices = {"": _("No partner designated"), **choices}
            field.required = False
        field.choices = NamedRows(choices.items())

    @cached_property
    def partner(self) -> Partner | None:
        """The chosen partner, or None for *no partner designated*."""
        chosen = self.cleaned_data["support_contact"]
        return Partner.objects.get(pk=chosen) if chosen else None


class HistoryFilterForm(forms.Form):
    """Which of a subscription's support contacts to show: all, or those of one reason."""

    bound_field_class = StyledField

    reason = forms.ChoiceField(
        label=_("Reason"),
        required=False,
        choices=[("", _("All")), *SupportContactAssignment.REASONS],
    )
