"""The list of one customer's subscriptions."""

import uuid

from django.db import models

from portal.models import Parameter, Question, containing

from .subscriptions import Subscription


class SubscriptionsOfCustomer(Question):
    """The subscriptions of ``customer`` that exist for ``partner`` (T1), both by key.

    Only those with one ``status``, where it is given. A friendly name has every one of the words; case and
    accents do not count, and a word may stand inside another.
    """

    PARAMETERS = {
        "partner": Parameter("partner", models.UUIDField()),
        "customer": Parameter("customer", models.UUIDField()),
        "status": Parameter("status", models.CharField()),
    }

    partner: uuid.UUID | Parameter
    customer: uuid.UUID | Parameter
    status: str | Parameter = ""

    def queryset(self):
        visible = Subscription.objects.visible_to_partner(self.partner)
        found = containing(visible.filter(customer=self.customer), self.words, "name_key")
        return found.filter(status=self.status) if self.status else found
