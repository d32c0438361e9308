"""What the customer's admin sees of its products: whom to call for each."""

from itertools import groupby
from typing import Any

from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.http import content_disposition_header
from django.utils.text import slugify
from django.views.generic import DetailView, ListView, View
from django.views.generic.detail import SingleObjectMixin

from portal.models import Partner
from portal.permissions import Permission
from portal.vcard import vcard
from portal.views import FilteredView, NoticesMixin, PortalView, ScopedView
from portal.zones import day_writer
from relationships.models import RelationshipRequest
from subscriptions.models import Subscription, offer_label
from subscriptions.models.querysets import SubscriptionQuerySet

from .answered import RelationshipSubscriptionsExportView, RelationshipSubscriptionsView
from .subscriptions import ContactChangesMixin

# From so many products on, there is a search, and on a phone a list to jump by.
MANY = 10


class SupportListView(NoticesMixin, FilteredView, ListView):
    """For each support contact: how to reach it, and the products it answers for.

    ``?print=1`` is the same without anything around it, to be printed.
    """

    permission_required = Permission.VIEW_SUPPORT
    model = Subscription
    template_name = "subscriptions/support_list.html"

    def prepare_queryset(self, queryset: SubscriptionQuerySet) -> SubscriptionQuerySet:
        contact = F("support_contact__name_key").asc(nulls_last=True)
        found = queryset.select_related("support_contact").annotate(is_trial=F("offer__is_trial"))
        return found.order_by(contact, "support_contact", "name_key", "pk")

    def get_template_names(self) -> list[str]:
        return ["subscriptions/support_print.html"] if self.is_print else [self.template_name]

    @property
    def is_print(self) -> bool:
        return self.request.GET.get("print") == "1"

    def find_asking(self) -> list[Partner]:
        """The partners whose requests the user may answer, each once, the newest request first (R6)."""
        if self.is_print or not self.user.has_perm(Permission.ANSWER_REQUESTS):
            return []
        waiting = RelationshipRequest.objects.waiting_for(self.membership)
        return list(dict.fromkeys(partner for asked in waiting for partner in asked.partners))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        products = list(self.object_list)
        is_valid = self.search_form.is_valid()
        query = self.search_form.cleaned_data["q"] if is_valid else ""
        if self.is_print:
            kwargs["menu"] = []
        day = day_writer(self.user)
        groups = [
            (
                partner,
                [
                    (
                        str(one.pk),
                        offer_label(one.friendly_name, one.is_trial),
                        one.is_active,
                        one.contact_changed_at.isoformat(),
                        day(one.contact_changed_at),
                    )
                    for one in answered_for
                ],
            )
            for partner, answered_for in groupby(products, lambda one: one.support_contact)
        ]
        return super().get_context_data(
            groups=groups,
            search_form=self.search_form,
            query=query,
            count=len(products),
            many=MANY,
            has_search=len(products) >= MANY or query or not is_valid,
            is_print=self.is_print,
            asking=self.find_asking(),
            **kwargs,
        )


class SupportCardView(PortalView, SingleObjectMixin, View):
    """A support contact of the customer as a vCard, for its phone or address book."""

    permission_required = Permission.VIEW_SUPPORT

    def get_queryset(self) -> QuerySet[Partner]:
        # T1: other partners do not exist for the customer.
        products = Subscription.objects.visible_to(self.membership)
        return Partner.objects.filter(pk__in=products.values("support_contact"))

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        partner = self.get_object()
        name = slugify(partner.name, allow_unicode=True) or "support"
        return HttpResponse(
            vcard(partner),
            content_type="text/vcard; charset=utf-8",
            headers={
                "Content-Disposition": content_disposition_header(
                    as_attachment=True, filename=f"{name}.vcf"
                )
            },
        )


class ContactHistoryView(ContactChangesMixin, ScopedView, DetailView):
    """Every support contact that a product of the customer ever had (C10)."""

    permission_required = Permission.VIEW_SUPPORT
    model = Subscription
    template_name = "subscriptions/support_history.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        history = self.object.support_contact_history.with_people()
        return super().get_context_data(assignments=self.label_changes(history), **kwargs)


class PartnerProductsView(RelationshipSubscriptionsView):
    """The products for which a partner of the customer answers, and who would without it (C9)."""

    permission_required = Permission.VIEW_SUPPORT


class PartnerProductsExportView(RelationshipSubscriptionsExportView):
    permission_required = Permission.VIEW_SUPPORT
    filename = "products.csv"
