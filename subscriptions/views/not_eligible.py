"""Why partners can't be chosen as the support contact of a subscription, and what helps (C5)."""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.models import Customer
from portal.forms import SearchForm
from portal.models import User
from portal.signed_in import user_of
from portal.text import fold, words_of
from portal.zones import day_writer
from subscriptions.cures import Cures
from subscriptions.models import Candidate

# More than so many stand grouped by their reason, with a search.
MOST_AT_ONCE = 12

# Each reason as the heading of those that have it, and behind the name of one.
REASONS = {
    Candidate.NO_RELATIONSHIP: (
        gettext_lazy("No relationship with this customer"),
        gettext_lazy("has no relationship with this customer."),
    ),
    Candidate.PENDING: (
        gettext_lazy("Request to the customer open"),
        gettext_lazy("its request to the customer has been open since %(date)s."),
    ),
    Candidate.NO_DAP: (
        gettext_lazy("No delegated admin privileges for this customer"),
        gettext_lazy("has no delegated admin privileges for this customer."),
    ),
    Candidate.DAP_REMOVED: (
        gettext_lazy("Delegated admin privileges removed"),
        gettext_lazy("its delegated admin privileges were removed on %(date)s."),
    ),
}


def describe_not_eligible(
    candidates: Iterable[Candidate],
    labels: Mapping[uuid.UUID, str],
    customer: Customer,
    request: HttpRequest,
) -> dict[str, Any]:
    """What the page says of those of ``candidates`` that can't be the support contact at ``customer``.

    Up to ``MOST_AT_ONCE`` are one list by name; more are grouped by reason, and the search of the address
    leaves those whose name or MPN ID it finds. ``labels`` has by key what they are called.
    """
    refused = [one for one in candidates if not one.is_eligible]
    explain = _explainer(labels, customer, user_of(request))
    if len(refused) <= MOST_AT_ONCE:
        return {"not_eligible": [explain(one) for one in refused]}
    form = SearchForm(request.GET)
    form.fields["q"].label = _("Name or MPN ID")
    query = form.cleaned_data["q"] if form.is_valid() else ""
    words = words_of(query)
    found = [one for one in refused if _has(one, words)] if form.is_valid() else []
    groups = (
        (title, [explain(one) for one in found if one.reason == reason])
        for reason, (title, _sentence) in REASONS.items()
    )
    return {
        "by_reason": [(title, rows) for title, rows in groups if rows],
        "count": len(found),
        "search_form": form,
        "query": query,
    }


def _has(one: Candidate, words: Sequence[Sequence[str]]) -> bool:
    name = fold(one.name) if words else ""
    return all(one.mpn_id in word or any(part in name for part in word) for word in words)


def _explainer(
    labels: Mapping[uuid.UUID, str], customer: Customer, user: User
) -> Callable[[Candidate], tuple[str, str, str, str]]:
    """Return what says of one: its label, a sentence, and label and address of what helps."""
    cures, day = Cures(customer, user), day_writer(user)
    sentences = {reason: str(sentence) for reason, (_title, sentence) in REASONS.items()}

    def explain(one: Candidate) -> tuple[str, str, str, str]:
        sentence = sentences[one.reason]
        if one.since:
            sentence = sentence % {"date": day(one.since)}
        return labels[one.key], sentence, *cures.of(one)

    return explain
