from django.db.models import Prefetch
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.generic import ListView

from customers.models import Customer
from portal.permissions import Permission
from portal.views import ActView, ScopedView
from relationships.models import Relationship, RelationshipRequest


class PartnerListView(ScopedView, ListView):
    """The customer's partners, which of them have DAP, and the requests that wait for an answer (R8)."""

    permission_required = Permission.ANSWER_REQUESTS
    model = Relationship
    template_name = "relationships/partner_list.html"

    def get_queryset(self):
        found = super().get_queryset().active().select_related("partner")
        return found.with_supported_count().order_by("partner__name_key")

    def get_context_data(self, **kwargs):
        customer = self.membership.customer
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


class RemoveDapView(ActView):
    permission_required = Permission.ANSWER_REQUESTS
    model = Relationship
    done_message = _("The delegated admin privileges were removed.")

    def get_queryset(self):
        return super().get_queryset().active().select_related("partner", "customer")

    def act(self):
        self.object.remove_dap(by=self.request.user)

    def get_success_url(self):
        return reverse("support_partners:list")
