from typing import cast

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.formats import localize
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.generic import FormView

from customers.models import Customer
from portal.permissions import Permission
from portal.views import PortalView
from relationships.forms import TakeOverForm


class TakeOverView(PortalView, FormView):
    """Which of the partners who were there before the customer's first admin may stay (R15)."""

    permission_required = Permission.ANSWER_REQUESTS
    form_class = TakeOverForm
    template_name = "relationships/take_over.html"

    def dispatch(self, request, *args, **kwargs):
        if self.has_permission() and self.is_done:
            return redirect(self.get_success_url())
        return super().dispatch(request, *args, **kwargs)

    @property
    def is_done(self):
        return not self.record.must_review_partners

    @cached_property
    def record(self):
        return self.membership.customer

    def get_form_kwargs(self):
        standing = self.record.relationships.active().select_related("partner").with_weight()
        return {
            **super().get_form_kwargs(),
            "relationships": standing.order_by("partner__name_key", "pk"),
        }

    def get_context_data(self, **kwargs):
        own = self.membership.customer
        is_own = self.record == own
        return super().get_context_data(record=self.record, is_own=is_own, customer=own, **kwargs)

    def form_valid(self, form):
        try:
            outcome = self.decide(form.decisions)
        except ValidationError as error:
            form.add_error(None, error)
            return self.form_invalid(form)
        self.tell(outcome)
        return redirect(self.get_success_url())

    def decide(self, decisions):
        return self.record.take_over(decisions, by=self.request.user)

    def tell(self, outcome):
        messages.success(self.request, _("Your decisions are in force."))
        for one in outcome.without_dap:
            messages.warning(
                self.request,
                _(
                    "%(partner)s has no delegated admin privileges any more. The relationship stays until"
                    " the active subscriptions that it sold to you are suspended."
                )
                % {"partner": one.partner},
            )
        if outcome.ended:
            count = len(outcome.ended)
            messages.info(
                self.request,
                ngettext(
                    "%(count)s relationship was ended.",
                    "%(count)s relationships were ended.",
                    count,
                )
                % {"count": localize(count)},
            )

    def get_success_url(self):
        return reverse("support_partners:list")


class RecordTakeOverView(TakeOverView):
    """The same for a record that partners made for the customer's proved domain; then it is joined (R15)."""

    is_done = False

    @cached_property
    def record(self):
        found = Customer.objects.made_for(cast(Customer, self.membership.customer))
        try:
            return found.get(pk=self.kwargs["pk"])
        except Customer.DoesNotExist:
            raise Http404 from None

    def decide(self, decisions):
        own = cast(Customer, self.membership.customer)
        return own.take_over_record(self.record, decisions, by=self.user)
