"""The subscriptions whose contact rests on a partnership or relationship: what its end changes (C9)."""

import uuid
from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from lists.keyset import SortOrder
from portal.models import Partner
from portal.permissions import Permission
from portal.views import ExportView, FilteredView, ScopedListView
from relationships.models import Partnership, Relationship
from subscriptions.models import Subscription
from subscriptions.models.querysets import SubscriptionQuerySet


class AnsweredMixin(FilteredView):
    """Of these as many as the user may see: the same that the question before the end counts."""

    permission_required = Permission.VIEW_CUSTOMERS
    model = Subscription

    @cached_property
    def right(self) -> Partnership | Relationship:
        """What the contacts rest on, where it is in force and the user's own (T1)."""
        raise NotImplementedError

    @property
    def contact(self) -> Partner:
        """Who answers by it."""
        raise NotImplementedError

    @property
    def page_above(self) -> tuple[str, str]:
        """The page from which one comes: its title and address."""
        raise NotImplementedError

    @property
    def queryset(self) -> SubscriptionQuerySet:  # type: ignore[override]  # read once for each request, as Django's class attribute is
        return self.right.supported.all()

    def describe_next(self, seller_id: uuid.UUID | None, seller: str) -> str:
        """Who answers once the right has ended."""
        return seller if seller_id else _("No partner designated")


class PartnershipMixin(AnsweredMixin):
    @cached_property
    def right(self) -> Partnership:
        own = Partnership.objects.visible_to(self.membership).active()
        return get_object_or_404(own.select_related("provider", "reseller"), pk=self.kwargs["pk"])

    @property
    def contact(self) -> Partner:
        return self.right.reseller

    @property
    def page_above(self) -> tuple[str, str]:
        if self.right.provider_id == self.partner.pk:
            return _("Indirect resellers"), reverse("relationships:resellers")
        return _("Indirect providers"), reverse("relationships:providers")


class RelationshipMixin(AnsweredMixin):
    @cached_property
    def right(self) -> Relationship:
        own = Relationship.objects.visible_to(self.membership).active()
        return get_object_or_404(own.select_related("partner", "customer"), pk=self.kwargs["pk"])

    @property
    def contact(self) -> Partner:
        return self.right.partner

    @property
    def page_above(self) -> tuple[str, str]:
        if self.membership.customer_id:
            return _("Partner relationships"), reverse("support_partners:list")
        customer = self.right.customer
        return str(customer), reverse("account:detail", args=[customer.pk])


class AnsweredListView(AnsweredMixin, ScopedListView):
    template_name = "subscriptions/answered_list.html"
    sorts = {"name": SortOrder("name_key"), "customer": SortOrder("customer_key")}
    columns = (
        "pk",
        "name_key",
        "customer_key",
        "friendly_name",
        "customer_id",
        "customer__name",
        "seller_id",
        "seller__name",
    )

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(
            contact=self.contact, page_above=self.page_above, **kwargs
        )
        context["rows"] = [
            (
                self.address_of(row),
                row.friendly_name,
                row.customer__name,
                self.describe_next(row.seller_id, row.seller__name),
            )
            for row in context["object_list"]
        ]
        return context

    def address_of(self, row: Any) -> str:
        if self.membership.customer_id:
            return reverse("support:history", args=[row.pk])
        return reverse("subscriptions:detail", args=[row.customer_id, row.pk])


class AnsweredExportView(AnsweredMixin, ExportView):
    permission_required = Permission.EXPORT_CUSTOMERS
    filename = "subscriptions"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.right  # noqa: B018  one that is not the user's is 404 before the file begins (T1)
        return super().get(request)

    def get_header(self) -> list[str]:
        return [
            _("Subscription ID"),
            _("Subscription"),
            _("Customer ID"),
            _("Customer"),
            _("Support contact"),
            _("MPN ID of the contact"),
            _("Support contact after"),
        ]

    def get_rows(self, queryset: SubscriptionQuerySet) -> Iterator[list[str]]:
        rows = queryset.order_by("customer_key", "name_key", "pk").values_list(
            "pk", "friendly_name", "customer_id", "customer__name", "seller_id", "seller__name"
        )
        contact = (str(self.contact), self.contact.mpn_id)
        for key, name, customer, firm, seller_id, seller in rows.iterator():
            after = self.describe_next(seller_id, seller)
            yield [str(key), name, str(customer), firm, *contact, after]


class PartnershipSubscriptionsView(PartnershipMixin, AnsweredListView):
    """The subscriptions for which a reseller answers by its partnership with a provider."""


class PartnershipSubscriptionsExportView(PartnershipMixin, AnsweredExportView):
    pass


class RelationshipSubscriptionsView(RelationshipMixin, AnsweredListView):
    """The subscriptions of a customer for which a partner answers."""


class RelationshipSubscriptionsExportView(RelationshipMixin, AnsweredExportView):
    pass
