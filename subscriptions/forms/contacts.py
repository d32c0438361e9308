from django import forms
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from portal.forms import FilteredSelect, NamedRows, StyledField
from portal.models import Partner

from ..models import SupportContactAssignment


class SupportContactForm(forms.Form):
    """The choice of the designated support contact among the partners that are eligible now.

    ``seen`` carries the assignment that was in force when the page was opened (C8).
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

    def __init__(self, *args, subscription, candidates, **kwargs):
        self.assignment = assignment = subscription.contact_in_force
        super().__init__(
            *args,
            initial={"support_contact": assignment.partner_id or "", "seen": assignment.pk},
            **kwargs,
        )
        choices = {str(one.key): one.name for one in candidates if one.is_eligible}
        if assignment.partner:
            # The one in force can always be left as it is, also one that another partner chose (C4).
            choices.setdefault(str(assignment.partner_id), assignment.partner.name)
        field = self.fields["support_contact"]
        if subscription.is_bought_elsewhere:
            choices = {"": _("No partner designated"), **choices}
            field.required = False
        field.choices = NamedRows(choices.items())

    @cached_property
    def partner(self):
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
