import uuid
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.views.generic import DetailView
from django.views.generic.base import ContextMixin

from customers.models import Customer
from lists.keyset import SortOrder
from portal.models import Partner
from portal.permissions import Permission
from portal.views import (
    CompiledListView,
    ExportView,
    ListQueryView,
    PortalView,
    ScopedView,
)
from portal.zones import day_writer, iso_day
from subscriptions.forms import SubscriptionFilterForm, SupportContactForm
from subscriptions.models import (
    Candidate,
    Offer,
    StaleSupportContact,
    Subscription,
    SubscriptionsOfCustomer,
    SubscriptionStatus,
    SupportContactAssignment,
    end_of_term,
    offer_label,
)
from subscriptions.models.querysets import SubscriptionQuerySet

from .not_eligible import describe_not_eligible


class CustomerMixin(PortalView):
    """Something below ``/customers/<customer_id>/``; the customer is 404 where it is not the user's (T1)."""

    @cached_property
    def customer(self) -> Customer:
        return get_object_or_404(
            Customer.objects.visible_to(self.membership), pk=self.kwargs["customer_id"]
        )


class CustomerPageMixin(CustomerMixin, ContextMixin):
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(customer=self.customer, **kwargs)


class SubscriptionsMixin(CustomerMixin, ListQueryView):
    """The subscriptions of one customer, as far as the partner sees them."""

    permission_required = Permission.VIEW_CUSTOMERS
    model = Subscription
    filter_form_class = SubscriptionFilterForm
    list_query_class = SubscriptionsOfCustomer

    def get_asked(self, **filters: Any) -> dict[str, Any]:
        return {**filters, "customer": self.customer.pk}


class SubscriptionListView(SubscriptionsMixin, CustomerPageMixin, CompiledListView):
    sorts = {
        "name": SortOrder("name_key"),
        "status": SortOrder("status"),
        "started": SortOrder("started_on"),
    }
    columns = (
        "pk",
        "name_key",
        "friendly_name",
        "offer__is_trial",
        "quantity",
        "status",
        "started_on",
        "seller_id",
        "reseller_of_record__name",
        "reseller_of_record__mpn_id",
        "support_contact__name",
    )

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(may_sell=self.partner.may_sell, **kwargs)
        day = day_writer(self.user)
        context["rows"] = [
            (
                str(row.pk),
                offer_label(row.friendly_name, row.offer__is_trial),
                row.quantity,
                row.status == SubscriptionStatus.ACTIVE,
                day(row.started_on),
                row.seller_id,
                row.reseller_of_record__name,
                row.reseller_of_record__mpn_id,
                row.support_contact__name,
            )
            for row in context["object_list"]
        ]
        return context


class SubscriptionExportView(SubscriptionsMixin, ExportView):
    """All subscriptions of the customer that match, as a CSV file."""

    permission_required = Permission.EXPORT_CUSTOMERS
    filename = "subscriptions"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.customer  # noqa: B018  one that is not the user's is 404 before the file begins (T1)
        return super().get(request)

    def get_header(self) -> list[str]:
        return [
            _("Subscription ID"),
            _("Friendly name"),
            _("Offer"),
            _("Publisher"),
            _("Quantity"),
            _("Status"),
            _("Suspended since"),
            _("Started on"),
            _("Term ends on"),
            _("Renews automatically"),
            _("Seller"),
            _("Reseller of record"),
            _("MPN ID"),
            _("Designated support contact"),
            _("MPN ID of the contact"),
        ]

    def get_rows(self, queryset: SubscriptionQuerySet) -> Iterator[list[str]]:
        columns = ("name", "is_trial", "publisher", "term_months")
        offers = {pk: of for pk, *of in self._named(queryset, Offer, "offer", *columns)}
        partners: dict[uuid.UUID | None, tuple[str, str]] = {None: ("", "")}
        for role in ("seller", "reseller_of_record", "support_contact"):
            for pk, name, mpn_id in self._named(queryset, Partner, role, "name", "mpn_id"):
                partners[pk] = (name, mpn_id)
        statuses, yes_no = dict(SubscriptionStatus.choices), {True: _("Yes"), False: _("No")}
        rows = queryset.order_by("name_key", "id").values_list(
            "pk",
            "friendly_name",
            "offer",
            "quantity",
            "status",
            "suspended_at",
            "started_on",
            "renews_on",
            "auto_renew",
            "seller",
            "reseller_of_record",
            "support_contact",
        )
        for (
            pk,
            name,
            offer,
            quantity,
            status,
            suspended_at,
            started_on,
            renews_on,
            auto_renew,
            seller,
            record,
            contact,
        ) in rows.iterator(chunk_size=1000):
            product, is_trial, publisher, months = offers[offer]
            ends_on = end_of_term(renews_on, auto_renew=auto_renew, months=months)
            yield [
                str(pk),
                name,
                offer_label(product, is_trial),
                publisher,
                "" if quantity is None else str(quantity),
                str(statuses[status]),
                iso_day(suspended_at) if suspended_at else "",
                f"{started_on:%Y-%m-%d}",
                f"{ends_on:%Y-%m-%d}" if ends_on else "",
                yes_no[auto_renew],
                partners[seller][0] if seller else _("Bought elsewhere"),
                *partners[record],
                *partners[contact],
            ]

    @staticmethod
    def _named(
        queryset: SubscriptionQuerySet, model: type[Offer | Partner], field: str, *columns: str
    ) -> QuerySet:
        """The few rows of another table that the subscriptions name, read once instead of joined."""
        named = queryset.order_by().values(field)
        return model.objects.filter(pk__in=named).values_list("pk", *columns)


Assignments = TypeVar("Assignments", bound=Iterable[SupportContactAssignment])


class ContactChangesMixin(PortalView):
    """A page about what happened to support contacts (C10)."""

    def label_changes(self, assignments: Assignments) -> Assignments:
        """Say for each of ``assignments`` by whom it was made, as the user may know it."""
        for assignment in assignments:
            assignment.changed_by_label = assignment.changed_by_for(self.membership)
        return assignments


class SubscriptionPageView(CustomerPageMixin, ContactChangesMixin, ScopedView, DetailView):
    """The base of the pages about one subscription."""

    permission_required = Permission.VIEW_CUSTOMERS
    model = Subscription

    def get_queryset(self) -> SubscriptionQuerySet:
        found = super().get_queryset().filter(customer=self.kwargs["customer_id"])
        return found.with_parties().select_related("customer")

    @property
    def customer(self) -> Customer:
        """The customer of the subscription: who sees the one sees the other (T1)."""
        return self.object.customer

    @cached_property
    def may_designate(self) -> bool:
        return self.user.has_perm(
            Permission.ASSIGN_SUPPORT_CONTACT
        ) and self.object.may_be_designated_by(self.partner)


class SubscriptionDetailView(SubscriptionPageView):
    """A subscription, with the choice of its designated support contact.

    A partner that answered for it, or sold it, and now has nothing to do with it any more reads since
    when: links in its mail lead here (C11).
    """

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().get(request, *args, **kwargs)
        except Http404:
            former = Subscription.objects.formerly(
                self.partner.pk, kwargs["customer_id"], kwargs["pk"]
            )
            if former is None:
                raise
            return render(request, "subscriptions/subscription_former.html", {"former": former})

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        subscription = self.object
        if self.may_designate:
            kwargs["form"] = kwargs.get("form") or self.get_form()
            kwargs["assignment"] = kwargs["form"].assignment
            kwargs |= describe_not_eligible(
                self.candidates, kwargs["form"].labels, self.customer, self.request
            )
        else:
            kwargs["is_decided_here"] = subscription.may_be_designated_by(self.partner)
            kwargs["assignment"] = subscription.contact_in_force
        return super().get_context_data(**kwargs)

    @cached_property
    def candidates(self) -> list[Candidate]:
        return self.object.support_contact_candidates(self.partner)

    def get_form(self, data: QueryDict | None = None) -> SupportContactForm:
        return SupportContactForm(data, subscription=self.object, candidates=self.candidates)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """**Submit**: designate the chosen partner, and on to the review."""
        self.object = self.get_object()
        self.require(Permission.ASSIGN_SUPPORT_CONTACT)
        if not self.may_designate:
            raise PermissionDenied(
                _("Only the partner that sold this subscription may change its support contact.")
            )
        form = self.get_form(request.POST)
        if not form.is_valid():
            return self.render_to_response(self.get_context_data(form=form))
        page = (self.customer.pk, self.object.pk)
        try:
            assignment = self.object.designate(
                form.partner, by=self.user, seen=form.cleaned_data["seen"]
            )
        except StaleSupportContact as stale:
            [conflict] = self.label_changes([stale.assignment])
            return self.render_to_response(self.get_context_data(conflict=conflict), status=409)
        except ValidationError as error:
            form.add_error("support_contact", error)
            return self.render_to_response(self.get_context_data(form=form))
        if assignment is None:
            messages.info(
                request,
                _("%(partner)s already is the designated support contact. Nothing was changed.")
                % {"partner": form.partner}
                if form.partner
                else _("There is no designated partner already. Nothing was changed."),
            )
            return redirect("subscriptions:detail", *page)
        return redirect("subscriptions:review", *page)


class SupportContactReviewView(SubscriptionPageView):
    """What was changed, and what the customer reads from now on (C6)."""

    template_name = "subscriptions/support_contact_review.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.object = self.get_object()
        history = self.object.support_contact_history.with_people()[:2]
        if len(history) < 2:
            return redirect("subscriptions:detail", self.customer.pk, self.object.pk)
        [after, before] = self.label_changes(list(history))
        return self.render_to_response(
            self.get_context_data(after=after, before=before, may_undo=self.may_return_to(before))
        )

    def may_return_to(self, assignment: SupportContactAssignment) -> bool:
        if not self.may_designate:
            return False
        if assignment.partner is None:
            return self.object.is_bought_elsewhere
        eligible = self.object.eligible_support_contacts(self.partner)
        return eligible.filter(pk=assignment.partner_id).exists()
