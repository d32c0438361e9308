"""What follows when an operator ends what two firms have with each other, for the questions of Django admin.

Each function takes the chosen rows, and asks a number of queries that does not grow with them.
"""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Count
from django.utils.formats import localize
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.admin_base import Consequence
from portal.answering import Answering
from portal.models import Partner, rows_above

from .models import Partnership, Relationship, RelationshipRequest


def of_ending_partnerships(partnerships: Sequence[Partnership]) -> dict[uuid.UUID, Consequence]:
    """Support contacts fall back to the provider (C9), and joint requests end (R12)."""
    resellers = {one.reseller_id for one in partnerships}
    providers = {one.provider_id for one in partnerships}
    supported = rows_above(Partner.supported_subscriptions).with_chooser()
    supported = supported.filter(support_contact__in=resellers, chooser__in=providers)
    answering = supported.weigh_each("support_contact", "chooser")
    joint = RelationshipRequest.objects.open().filter(partner__in=resellers, provider__in=providers)
    counted = joint.order_by().values_list("partner", "provider").annotate(count=Count("pk"))
    requests = {(reseller, provider): count for reseller, provider, count in counted}
    found = {}
    for one in partnerships:
        if one.ended_at:
            found[one.pk] = Consequence([_("It has ended already; nothing changes.")])
            continue
        pair = (one.reseller_id, one.provider_id)
        answers = answering.get(pair, Answering())
        sentences = [answers.in_words(one.reseller, is_named=True)]
        if count := requests.get(pair):
            sentence = ngettext(
                "%(count)s request that asks for both together ends.",
                "%(count)s requests that ask for both together end.",
                count,
            )
            sentences.append(sentence % {"count": localize(count)})
        found[one.pk] = _with_list(sentences, answers, one.reseller)
    return found


def of_removing_dap(relationships: Sequence[Relationship]) -> dict[uuid.UUID, Consequence]:
    """The relationship stays; support contacts that rested on the privileges fall back (C9)."""
    answering = _weigh(relationships)
    found = {}
    for one in relationships:
        if not one.has_dap:
            found[one.pk] = Consequence(
                [_("It has no delegated admin privileges; nothing changes.")]
            )
            continue
        answers = answering.get((one.partner_id, one.customer_id), Answering())
        sentences = [answers.in_words(one.partner, is_named=True, of_customers=False)]
        found[one.pk] = _with_list(sentences, answers, one.partner, customer=one.customer)
    return found


def of_removing_relationships(
    relationships: Sequence[Relationship],
) -> dict[uuid.UUID, Consequence]:
    """Refused while active subscriptions stand against it (R9); else support contacts fall back (C9)."""
    answering = _weigh(relationships)
    weighed = Relationship.objects.filter(pk__in=[one.pk for one in relationships]).with_weight()
    sold = dict(weighed.values_list("pk", "sold_count"))
    found = {}
    for one in relationships:
        answers = answering.get((one.partner_id, one.customer_id), Answering())
        if one.ended_at:
            sentences = [_("It has ended already; nothing changes.")]
            answers = Answering()
        elif count := sold[one.pk]:
            sentence = ngettext(
                "It stays: %(count)s active subscription that %(partner)s sold stands against it.",
                "It stays: %(count)s active subscriptions that %(partner)s sold stand against it.",
                count,
            )
            sentences = [sentence % {"count": localize(count), "partner": one.partner}]
        else:
            sentences = [answers.in_words(one.partner, is_named=True, of_customers=False)]
        found[one.pk] = _with_list(sentences, answers, one.partner, customer=one.customer)
    return found


def _weigh(
    relationships: Sequence[Relationship],
) -> Mapping[tuple[uuid.UUID, uuid.UUID], Answering]:
    supported = rows_above(Partner.supported_subscriptions).filter(
        support_contact__in={one.partner_id for one in relationships},
        customer__in={one.customer_id for one in relationships},
    )
    return supported.weigh_each("support_contact", "customer")


def _with_list(
    sentences: list[str], answers: Answering, contact: Partner, **filters: Any
) -> Consequence:
    if not answers.count:
        return Consequence(sentences)
    return Consequence.for_contact(sentences, contact, **filters)
