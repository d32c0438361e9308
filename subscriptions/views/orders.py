from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.formats import localize
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.generic import FormView

from portal.permissions import Permission
from portal.views import EditView, PortalView
from subscriptions.forms import OrderForm, SubscriptionForm
from subscriptions.models import Subscription
from subscriptions.models.querysets import SubscriptionQuerySet

from .subscriptions import CustomerMixin, CustomerPageMixin


class SubscriptionAddView(CustomerPageMixin, PortalView, FormView):
    """The catalogue, to add subscriptions to a customer: one or several at once (S1)."""

    permission_required = Permission.MANAGE_SUBSCRIPTIONS
    form_class = OrderForm
    template_name = "subscriptions/subscription_add.html"

    def has_permission(self) -> bool:
        if not super().has_permission():
            return False
        if not self.partner.may_sell:
            raise PermissionDenied(_("An indirect reseller sells through its provider."))
        return True

    def get_form_kwargs(self) -> dict[str, Any]:
        return {
            **super().get_form_kwargs(),
            "seller": self.partner,
            "customer": self.customer,
        }

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = self.get_form()
        pressed = form.pressed()
        if pressed is not None:
            form = OrderForm(**{**self.get_form_kwargs(), "data": pressed})
            return self.render_to_response(self.get_context_data(form=form))
        if not form.chosen:
            form.add_error(None, _("Choose at least one offer of the catalogue."))
        added = form.place(by=self.user) if form.is_valid() else None
        if not added:
            return self.form_invalid(form)
        return self.lead_on(added)

    def lead_on(self, added: Sequence[Subscription]) -> HttpResponse:
        """Say what was added, and lead to where its support contact can be chosen."""
        may_designate = self.user.has_perm(Permission.ASSIGN_SUPPORT_CONTACT)
        messages.success(
            self.request,
            ngettext(
                "%(count)s subscription was added.",
                "%(count)s subscriptions were added.",
                len(added),
            )
            % {"count": localize(len(added))},
        )
        if len(added) == 1:
            if may_designate:
                messages.info(
                    self.request,
                    _(
                        "Your company answers for it. If another partner is to do so, choose it here."
                    ),
                )
            return redirect("subscriptions:detail", self.customer.pk, added[0].pk)
        if may_designate:
            messages.info(
                self.request,
                _("Your company answers for them. Open one to choose another support contact."),
            )
        return redirect("subscriptions:list", self.customer.pk)


class SubscriptionEditView(CustomerMixin, EditView):
    """Name, quantity, renewal and reseller of record of a subscription that the partner sold (S1, S4)."""

    permission_required = Permission.MANAGE_SUBSCRIPTIONS
    model = Subscription
    form_class = SubscriptionForm
    template_name = "subscriptions/subscription_form.html"
    done_message = gettext_lazy("The subscription was changed.")

    def get_queryset(self) -> SubscriptionQuerySet:
        return super().get_queryset().filter(customer=self.customer).with_parties()

    def get_object(self, queryset: QuerySet | None = None) -> Subscription:
        found = super().get_object(queryset)
        if found.seller_id != self.partner.pk:
            raise PermissionDenied(_("Only the partner that sold the subscription may do this."))
        return found

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        # As stored: what a refused form has typed stands in the form only.
        stored = self.get_stored()
        return super().get_context_data(customer=self.customer, subscription=stored, **kwargs)

    def get_success_url(self) -> str:
        return reverse("subscriptions:detail", args=[self.customer.pk, self.object.pk])
