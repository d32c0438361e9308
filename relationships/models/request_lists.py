"""The list of the requests that a partner made."""

import uuid
from dataclasses import dataclass
from typing import Self

from django.db import models

from lists.compiled_queries import BindParameter
from lists.expressions import has_word
from lists.list_queries import ListQuery
from portal.models import Membership
from portal.text import words_of

from .request_kinds import RequestStatus
from .request_querysets import RelationshipRequestQuerySet
from .requests import RelationshipRequest


@dataclass(frozen=True, kw_only=True)
class RequestsOfPartner(ListQuery):
    """The requests that ``partner``, by its key, made (R5, T1).

    A recipient's name or address has every one of the words; case and accents of the name do not count,
    and a word may stand inside another. Only those in one ``state``, as people read it, where it is given.
    """

    PARAMETERS = {"partner": BindParameter("partner", models.UUIDField())}

    partner: uuid.UUID | BindParameter | None
    state: str = ""

    @classmethod
    def of(cls, membership: Membership, *, q: str = "", state: str = "") -> Self:
        """Return the requests of the partner of ``membership``, with the words of ``q``."""
        words = words_of(q, with_addresses=True)
        return cls(partner=membership.partner_id, words=words, state=state)

    def queryset(self) -> RelationshipRequestQuerySet:
        found = RelationshipRequest.objects.filter(partner=self.partner)
        if self.state:
            found = found.filter(RequestStatus.is_at_present(self.state))
        for word in self.words:
            found = found.filter(
                has_word("recipient_key", word) | has_word("recipient_email", word, "icontains")
            )
        return found
