"""The buttons of a subscription."""

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import localize
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from portal.authority import Refusal
from portal.permissions import Permission
from portal.views import ActView, AskedActView
from portal.zones import end_of_last_day, written_until
from subscriptions.models import Subscription
from subscriptions.models.querysets import SubscriptionQuerySet
from subscriptions.models.terms import REACTIVATION_PERIOD

from .subscriptions import CustomerMixin


class SubscriptionActView(CustomerMixin, ActView):
    """The base of the buttons of a subscription (S1)."""

    permission_required = Permission.MANAGE_SUBSCRIPTIONS
    model = Subscription

    def get_queryset(self) -> SubscriptionQuerySet:
        found = super().get_queryset().filter(customer=self.customer)
        return found.select_related("customer", "seller")

    def get_success_url(self) -> str:
        return reverse("subscriptions:detail", args=[self.customer.pk, self.object.pk])


class SuspendView(SubscriptionActView, AskedActView):
    button = gettext_lazy("Suspend")
    done_message = gettext_lazy("The subscription was suspended.")

    def get_question(self) -> str:
        return _("Suspend %(subscription)s of %(customer)s?") % {
            "subscription": self.object,
            "customer": self.customer,
        }

    def get_refusal(self) -> str:
        if self.object.seller != self.partner:
            return str(Refusal.SELLER.label)
        return "" if self.object.is_active else _("This subscription is suspended already.")

    def get_consequences(self) -> list[str]:
        ends_at = end_of_last_day(timezone.now(), REACTIVATION_PERIOD)
        until = {"date": written_until(ends_at)}
        count = self.object.quantity
        if count is None:
            sentence = _(
                "The customer can't use it until it is reactivated. That is possible until %(date)s."
            )
            return [sentence % until]
        sentence = ngettext(
            "The customer can't use its %(count)s license until it is reactivated. That is possible until"
            " %(date)s.",
            "The customer can't use its %(count)s licenses until it is reactivated. That is possible until"
            " %(date)s.",
            count,
        )
        return [sentence % {"count": localize(count), **until}]

    def get_crumbs(self, back: str) -> list[tuple[str, str]]:
        return [
            (_("Customers"), reverse("customers:list")),
            (str(self.customer), reverse("subscriptions:list", args=[self.customer.pk])),
            (str(self.object), back),
        ]

    def act(self) -> None:
        self.object.suspend(by=self.user)


class ReactivateView(SubscriptionActView):
    done_message = gettext_lazy("The subscription was reactivated.")

    def act(self) -> None:
        self.object.reactivate(by=self.user)
