from typing import Any

from django.db.models import F, QuerySet
from django.urls import reverse
from django.utils.formats import localize
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from lists.expressions import has_word
from lists.keyset import SortOrder
from portal.answering import Answering
from portal.models import PartnerType
from portal.permissions import Permission
from portal.text import words_of
from portal.views import AskedActView, ScopedListView
from relationships.forms import InviteResellerForm
from relationships.models import Partnership, RelationshipRequest, RequestKind
from relationships.models.partnerships import PartnershipQuerySet

from .concerned import lists_of
from .requests import AskView


class PartnershipListView(ScopedListView):
    """The base of both lists of partnerships: the other side, by name (R10)."""

    permission_required = Permission.VIEW_CUSTOMERS
    model = Partnership
    other_side = ""
    sorts = {"name": SortOrder("other_key")}

    def prepare_queryset(self, queryset: PartnershipQuerySet) -> PartnershipQuerySet:
        own_side = {"reseller": "provider", "provider": "reseller"}[self.other_side]
        return (
            queryset.active()
            .filter(**{own_side: self.partner})
            .annotate(other_key=F(f"{self.other_side}__name_key"))
            .select_related("provider", "reseller")
        )

    def filter_queryset(self, queryset: QuerySet, **filters: Any) -> QuerySet:
        """Each word is a part of the name, or the beginning of the MPN ID."""
        for word in words_of(filters["q"]):
            of_number = has_word(f"{self.other_side}__mpn_id", word, "startswith")
            queryset = queryset.filter(has_word("other_key", word) | of_number)
        return queryset

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        for partnership in context["object_list"]:
            partnership.other = getattr(partnership, self.other_side)
        return context


class ResellerListView(PartnershipListView):
    """A provider's resellers, and its open invitations."""

    other_side = "reseller"
    partner_type = PartnerType.INDIRECT_PROVIDER
    template_name = "relationships/reseller_list.html"
    # Of the open invitations; the others are among the requests.
    MOST_INVITATIONS = 10

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        invitations = RelationshipRequest.objects.visible_to(self.membership).open()
        newest = invitations.filter(kind=RequestKind.RESELLER).order_by("-created_at")
        found = list(newest[: self.MOST_INVITATIONS + 1])
        return super().get_context_data(
            invitations=found[: self.MOST_INVITATIONS],
            has_more_invitations=len(found) > self.MOST_INVITATIONS,
            **kwargs,
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


class PartnershipEndView(AskedActView):
    permission_required = Permission.AUTHORIZE_PARTNERSHIP
    model = Partnership
    button = gettext_lazy("End the partnership")
    done_message = gettext_lazy("The partnership was ended.")

    def get_queryset(self) -> QuerySet[Partnership]:
        return super().get_queryset().select_related("provider", "reseller")

    @property
    def is_provider(self) -> bool:
        return self.object.provider_id == self.membership.partner_id

    @cached_property
    def answering(self) -> Answering:
        return self.object.supported.visible_to(self.membership).weigh()

    def get_question(self) -> str:
        other = self.object.reseller if self.is_provider else self.object.provider
        return _("End the partnership with %(partner)s?") % {"partner": other}

    def get_refusal(self) -> str:
        return _("This partnership has ended.") if self.object.ended_at else ""

    def get_consequences(self) -> list[str]:
        partner = self.partner
        sentences = [self.answering.in_words(self.object.reseller, partner)]
        count = self.object.joint_requests.count()
        if count:
            sentence = ngettext(
                "%(count)s request ends: it asks for both of you together.",
                "%(count)s requests end: they ask for both of you together.",
                count,
            )
            sentences.append(sentence % {"count": localize(count)})
        return [
            *sentences,
            _("Customers, relationships and delegated admin privileges stay as they are."),
        ]

    def describe_question(self) -> dict[str, Any]:
        if self.object.ended_at:
            return super().describe_question()
        return super().describe_question() | lists_of(
            self.user,
            self.answering.count,
            "coverage:partnership",
            "coverage:partnership_export",
            self.object.pk,
        )

    def get_crumbs(self, back: str) -> list[tuple[str, str]]:
        label = _("Indirect resellers") if self.is_provider else _("Indirect providers")
        return [(label, back)]

    def act(self) -> None:
        self.object.end(by=self.user)

    def get_success_url(self) -> str:
        return reverse("relationships:resellers" if self.is_provider else "relationships:providers")
