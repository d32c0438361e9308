"""The list of one customer's subscriptions."""

import uuid
from dataclasses import dataclass
from typing import Self

from django.db import models

from lists.compiled_queries import BindParameter
from lists.expressions import having_words
from lists.list_queries import ListQuery
from portal.models import Membership
from portal.text import words_of

from .querysets import SubscriptionQuerySet
from .subscriptions import Subscription


@dataclass(frozen=True, kw_only=True)
class SubscriptionsOfCustomer(ListQuery):
    """The subscriptions of ``customer`` that exist for ``partner`` (T1), both by key.

    Only those with one ``status``, where it is given. A friendly name has every one of the words; case and
    accents do not count, and a word may stand inside another.
    """

    PARAMETERS = {
        "partner": BindParameter("partner", models.UUIDField()),
        "customer": BindParameter("customer", models.UUIDField()),
        "status": BindParameter("status", models.CharField()),
    }

    partner: uuid.UUID | BindParameter | None
    customer: uuid.UUID | BindParameter
    status: str | BindParameter = ""

    @classmethod
    def of(
        cls, membership: Membership, *, customer: uuid.UUID, q: str = "", status: str = ""
    ) -> Self:
        """Return what the partner of ``membership`` sees of ``customer``, with the words of ``q``."""
        return cls(
            partner=membership.partner_id, customer=customer, status=status, words=words_of(q)
        )

    def queryset(self) -> SubscriptionQuerySet:
        visible = Subscription.objects.visible_to_partner(self.partner)
        found = having_words(visible.filter(customer=self.customer), self.words, "name_key")
        return found.filter(status=self.status) if self.status else found
