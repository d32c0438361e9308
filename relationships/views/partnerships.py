from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.generic import ListView

from portal.models import PartnerType
from portal.permissions import Permission
from portal.views import ActView, ScopedView
from relationships.forms import InviteResellerForm
from relationships.models import Partnership, RelationshipRequest, RequestKind

from .requests import AskView


class PartnershipListView(ScopedView, ListView):
    """The base of both lists of partnerships: the other side, by name (R10)."""

    permission_required = Permission.VIEW_CUSTOMERS
    model = Partnership
    other_side = ""

    def get_queryset(self):
        own_side = {"reseller": "provider", "provider": "reseller"}[self.other_side]
        return (
            super()
            .get_queryset()
            .active()
            .filter(**{own_side: self.membership.partner})
            .select_related("provider", "reseller")
            .order_by(f"{self.other_side}__name_key")
        )

    def get_context_data(self, **kwargs):
        context = super().get_context_data(**kwargs)
        for partnership in context["object_list"]:
            partnership.other = getattr(partnership, self.other_side)
        return context


class ResellerListView(PartnershipListView):
    """A provider's resellers, and its open invitations."""

    other_side = "reseller"
    partner_type = PartnerType.INDIRECT_PROVIDER
    template_name = "relationships/reseller_list.html"

    def get_context_data(self, **kwargs):
        invitations = RelationshipRequest.objects.visible_to(self.membership).open()
        return super().get_context_data(
            invitations=invitations.filter(kind=RequestKind.RESELLER), **kwargs
        )


class ProviderListView(PartnershipListView):
    """A reseller's providers."""

    other_side = "provider"
    partner_type = PartnerType.INDIRECT_RESELLER
    template_name = "relationships/provider_list.html"


class ResellerInviteView(AskView):
    """Invite a reseller to a partnership (R10)."""

    permission_required = Permission.INVITE_RESELLERS
    partner_type = PartnerType.INDIRECT_PROVIDER
    form_class = InviteResellerForm
    template_name = "relationships/reseller_invite.html"


class PartnershipEndView(ActView):
    permission_required = Permission.AUTHORIZE_PARTNERSHIP
    model = Partnership
    done_message = _("The partnership was ended.")

    def act(self):
        self.object.end(by=self.request.user)

    def get_success_url(self):
        is_provider = self.membership.partner.is_provider
        return reverse("relationships:resellers" if is_provider else "relationships:providers")
