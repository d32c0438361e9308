import uuid
from collections.abc import Mapping
from typing import Any, cast

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
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
from relationships.models.changes_of_hands import Decided


class TakeOverView(PortalView, FormView):
    """Which of the partners who were there before the customer's first admin may stay (R15)."""

    permission_required = Permission.ANSWER_REQUESTS
    form_class = TakeOverForm
    template_name = "relationships/take_over.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if self.has_permission() and self.is_done:
            return redirect(self.get_success_url())
        return super().dispatch(request, *args, **kwargs)

    @property
    def own(self) -> Customer:
        """The customer that the user works for: partners do not get to this page."""
        return cast(Customer, self.membership.customer)

    @property
    def is_done(self) -> bool:
        return not self.record.must_review_partners

    @cached_property
    def record(self) -> Customer:
        return self.own

    def get_form_kwargs(self) -> dict[str, Any]:
        standing = self.record.relationships.active().select_related("partner").with_weight()
        return {
            **super().get_form_kwargs(),
            "relationships": standing.order_by("partner__name_key", "pk"),
        }

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        is_own = self.record == self.own
        return super().get_context_data(
            record=self.record, is_own=is_own, customer=self.own, **kwargs
        )

    def form_valid(self, form: TakeOverForm) -> HttpResponse:
        try:
            outcome = self.decide(form.decisions)
        except ValidationError as error:
            form.add_error(None, error)
            return self.form_invalid(form)
        self.tell(outcome)
        return redirect(self.get_success_url())

    def decide(self, decisions: Mapping[uuid.UUID, bool]) -> Decided:
        return self.record.take_over(decisions, by=self.user)

    def tell(self, outcome: Decided) -> None:
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

    def get_success_url(self) -> str:
        return reverse("support_partners:list")


class RecordTakeOverView(TakeOverView):
    """The same for a record that partners made for the customer's proved domain; then it is joined (R15)."""

    is_done = False

    @cached_property
    def record(self) -> Customer:
        found = Customer.objects.made_for(self.own)
        try:
            return found.get(pk=self.kwargs["pk"])
        except Customer.DoesNotExist:
            raise Http404 from None

    def decide(self, decisions: Mapping[uuid.UUID, bool]) -> Decided:
        return self.own.take_over_record(self.record, decisions, by=self.user)
