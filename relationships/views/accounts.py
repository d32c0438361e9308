from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.formats import localize
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, override
from django.views.generic import DetailView

from customers.forms import CustomerForm
from customers.models import Customer
from portal.models import language_of
from portal.permissions import Permission
from portal.views import ActView, EditView, ScopedView
from relationships.models import Partnership, Relationship


class CustomerAccountView(ScopedView, DetailView):
    """A customer's details, the partners that the user may see, DAP, and the end of the relationship."""

    permission_required = Permission.VIEW_CUSTOMERS
    model = Customer
    pk_url_kwarg = "customer_id"
    template_name = "relationships/customer_account.html"

    def get_context_data(self, **kwargs):
        partner = self.membership.partner
        active = Relationship.objects.active()
        own = get_object_or_404(active, partner=partner, customer=self.object)
        partnerships = Partnership.objects.active()
        known = self.object.relationships.active().filter(
            Q(partner__in=partnerships.filter(provider=partner).values("reseller"))
            | Q(partner__in=partnerships.filter(reseller=partner).values("provider"))
        )
        return super().get_context_data(
            relationship=own,
            others=known.select_related("partner").order_by("partner__name_key"),
            blocking=self.object.subscriptions.sold_by(partner).active().with_parties(),
            **kwargs,
        )


class CustomerEditView(EditView):
    """Name, address and contact person of a customer, as its partners edit them."""

    permission_required = Permission.EDIT_CUSTOMERS
    model = Customer
    pk_url_kwarg = "customer_id"
    form_class = CustomerForm
    template_name = "relationships/customer_form.html"
    done_message = gettext_lazy("The details were saved.")

    def get_context_data(self, **kwargs):
        # As stored: what a refused form has typed stands in the form only.
        stored = self.get_stored()
        return super().get_context_data(**kwargs | {"customer": stored})

    def get_success_url(self):
        return reverse("account:detail", args=[self.object.pk])


class OwnRelationshipActView(ActView):
    """An act on the relationship of the user's partner with the customer of the path."""

    model = Relationship

    def get_object(self, queryset=None):
        own = self.get_queryset().active().select_related("partner", "customer")
        return get_object_or_404(own, customer=self.kwargs["customer_id"])

    def get_success_url(self):
        return reverse("account:detail", args=[self.kwargs["customer_id"]])


class GiveUpDapView(OwnRelationshipActView):
    permission_required = Permission.REQUEST_DAP
    done_message = gettext_lazy("Your company gave up its delegated admin privileges.")

    def act(self):
        self.object.remove_dap(by=self.request.user)


class SuspendBlockingView(OwnRelationshipActView):
    """Suspend one or all of the active subscriptions that stand against removing the relationship (R9)."""

    permission_required = Permission.MANAGE_SUBSCRIPTIONS

    @transaction.atomic
    def act(self):
        blocking = self.object.customer.subscriptions.sold_by(self.object.partner).active()
        if "all" not in self.request.POST:
            try:
                blocking = blocking.filter(pk__in=self.request.POST.getlist("subscription"))
            except ValidationError:
                blocking = blocking.none()
        chosen = list(blocking.order_by("pk"))  # in the order of locks (ADR 0003)
        if not chosen:
            raise ValidationError(_("Choose a subscription of the list."))
        for subscription in chosen:
            subscription.suspend(by=self.request.user)
        messages.success(
            self.request,
            ngettext(
                "%(count)s subscription was suspended.",
                "%(count)s subscriptions were suspended.",
                len(chosen),
            )
            % {"count": localize(len(chosen))},
        )


class RelationshipRemoveView(OwnRelationshipActView):
    permission_required = Permission.REMOVE_RELATIONSHIP
    done_message = gettext_lazy("The relationship was removed.")

    def act(self):
        self.object.end(by=self.request.user)

    def get_success_url(self):
        if self.object.ended_at is None:
            return super().get_success_url()
        return reverse("relationships:notice", args=[self.object.pk])


class EndedNoticeView(ScopedView, DetailView):
    """A notice to print for the customer, in its language, that the relationship was removed (R9)."""

    permission_required = Permission.REMOVE_RELATIONSHIP
    model = Relationship
    template_name = "relationships/ended_notice.html"

    def get_queryset(self):
        ended = super().get_queryset().exclude(ended_at=None)
        return ended.select_related("partner", "customer")

    def render_to_response(self, context, **response_kwargs):
        customer = self.object.customer
        admin = customer.memberships.admins().exclude(language="").first()
        language = admin.language if admin else language_of(customer.country)
        with override(language):
            response = super().render_to_response(context, **response_kwargs).render()
        response["Content-Language"] = language
        return response
