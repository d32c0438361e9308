"""What follows when an operator takes something away, for the questions of Django admin.

Each function takes the chosen rows, and asks a number of queries that does not grow with them.
"""

import uuid
from collections import Counter
from collections.abc import Sequence

from allauth.mfa.models import Authenticator
from django.db.models import Count
from django.utils.formats import localize
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.admin_base import Consequence
from portal.answering import Answering
from portal.models import Membership, Partner, ProvedAddress, User, rows_above


def of_deactivating_partners(partners: Sequence[Partner]) -> dict[uuid.UUID, Consequence]:
    """People are signed out (T3), and support contacts fall back (C9); its requests can't be answered."""
    supported = rows_above(Partner.supported_subscriptions).filter(support_contact__in=partners)
    answering = supported.weigh_each("support_contact")
    members = Membership.objects.filter(partner__in=partners, user__is_active=True)
    people = Counter(members.values_list("partner", flat=True))
    requests = rows_above(Partner.requests).open().filter(partner__in=partners)
    requests = dict(requests.order_by().values_list("partner").annotate(Count("pk")))
    found = {}
    for partner in partners:
        if not partner.is_active:
            found[partner.pk] = Consequence([_("It is deactivated already; nothing changes.")])
            continue
        answers = answering.get((partner.pk,), Answering())
        sentences = [_tell_people(people[partner.pk]), answers.in_words(partner)]
        if count := requests.get(partner.pk):
            sentence = ngettext(
                "%(count)s open request of it can't be answered until it is reactivated.",
                "%(count)s open requests of it can't be answered until it is reactivated.",
                count,
            )
            sentences.append(sentence % {"count": localize(count)})
        found[partner.pk] = (
            Consequence.for_contact(sentences, partner) if answers.count else Consequence(sentences)
        )
    return found


def _tell_people(count: int) -> str:
    sentence = ngettext(
        "%(count)s person is signed out and can't sign in until it is reactivated.",
        "%(count)s people are signed out and can't sign in until it is reactivated.",
        count,
    )
    return sentence % {"count": localize(count)}


def of_deactivating_users(users: Sequence[User]) -> dict[uuid.UUID, Consequence]:
    """They are signed out (T3), and what only their addresses bind is for nobody of theirs (R14)."""
    requests = rows_above(User.requests_answered).bound_by_proofs_of(users)
    asked = dict(requests.order_by().values_list("recipient_email").annotate(Count("pk")))
    bound = Counter[uuid.UUID]()
    for key, email in ProvedAddress.objects.filter(user__in=users).values_list("user", "email"):
        bound[key] += asked.get(email, 0)
    found = {}
    for user in users:
        if not user.is_active:
            found[user.pk] = Consequence([_("The user is deactivated already; nothing changes.")])
            continue
        sentences = [
            _(
                "The user is signed out everywhere and can't sign in until you reactivate the account."
            )
        ]
        if count := bound[user.pk]:
            sentence = ngettext(
                "%(count)s open request to its address can no longer be answered by its organisation.",
                "%(count)s open requests to its addresses can no longer be answered by its organisation.",
                count,
            )
            sentences.append(sentence % {"count": localize(count)})
        found[user.pk] = Consequence(sentences)
    return found


def of_resetting_second_factors(users: Sequence[User]) -> dict[uuid.UUID, Consequence]:
    """The user signs in with the password alone, until it sets up a new one."""
    factors = Authenticator.objects.filter(user__in=users)
    factors = factors.exclude(type=Authenticator.Type.RECOVERY_CODES)
    counts = Counter(factors.values_list("user", flat=True))
    found = {}
    for user in users:
        count = counts[user.pk]
        if not count:
            found[user.pk] = Consequence([_("The user has no second factor; nothing changes.")])
            continue
        sentence = ngettext(
            "%(count)s second factor is taken away, with the recovery codes; the user is signed out"
            " everywhere.",
            "%(count)s second factors are taken away, with the recovery codes; the user is signed out"
            " everywhere.",
            count,
        )
        found[user.pk] = Consequence([sentence % {"count": localize(count)}])
    return found
