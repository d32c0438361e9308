from typing import Any, cast

from django.db.models import Prefetch, QuerySet
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import ListView

from customers.models import Customer
from portal.answering import Answering
from portal.permissions import Permission
from portal.views import AskedActView, ScopedView
from relationships.models import Relationship, RelationshipRequest

from .concerned import lists_of


class PartnerListView(ScopedView, ListView):
    """The customer's partners, which of them have DAP, and the requests that wait for an answer (R8)."""

    permission_required = Permission.ANSWER_REQUESTS
    model = Relationship
    template_name = "relationships/partner_list.html"

    def get_queryset(self) -> QuerySet[Relationship]:
        found = super().get_queryset().active().select_related("partner")
        return found.with_supported_count().order_by("partner__name_key")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        customer = cast(Customer, self.membership.customer)  # partners do not get here
        standing = Relationship.objects.active().select_related("partner")
        return super().get_context_data(
            customer=customer,
            records=Customer.objects.made_for(customer).prefetch_related(
                Prefetch(
                    "relationships", standing.order_by("partner__name_key"), to_attr="standing"
                )
            ),
            waiting=RelationshipRequest.objects.waiting_for(self.membership),
            **kwargs,
        )


class RemoveDapView(AskedActView):
    permission_required = Permission.ANSWER_REQUESTS
    model = Relationship
    button = gettext_lazy("Remove delegated admin")
    done_message = gettext_lazy("The delegated admin privileges were removed.")

    def get_queryset(self) -> QuerySet[Relationship]:
        return super().get_queryset().active().select_related("partner", "customer")

    @cached_property
    def answering(self) -> Answering:
        return self.object.supported.visible_to(self.membership).weigh()

    def get_question(self) -> str:
        names = {"partner": self.object.partner}
        return _("Remove the delegated admin privileges of %(partner)s?") % names

    def get_refusal(self) -> str:
        if self.object.has_dap:
            return ""
        names = {"partner": self.object.partner}
        return _("%(partner)s has no delegated admin privileges.") % names

    def get_consequences(self) -> list[str]:
        names = {"partner": self.object.partner}
        return [
            self.answering.in_words(self.object.partner, self.membership.customer),
            _(
                "%(partner)s can no longer administer your products. The relationship and your"
                " subscriptions stay."
            )
            % names,
        ]

    def describe_question(self) -> dict[str, Any]:
        return super().describe_question() | lists_of(
            self.user,
            self.answering.count,
            "support:relationship",
            "support:relationship_export",
            self.object.pk,
        )

    def get_crumbs(self, back: str) -> list[tuple[str, str]]:
        return [(_("Partner relationships"), back)]

    def act(self) -> None:
        self.object.remove_dap(by=self.user)

    def get_success_url(self) -> str:
        return reverse("support_partners:list")
