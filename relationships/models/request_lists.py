"""The list of the requests that a partner made."""

import uuid

from django.db import models

from portal.models import Parameter, Question, part_of

from .request_kinds import RequestStatus
from .requests import RelationshipRequest


class RequestsOfPartner(Question):
    """The requests that ``partner``, by its key, made (R5, T1).

    A recipient's name or address has every one of the words; case and accents of the name do not count,
    and a word may stand inside another. Only those in one ``state``, as people read it, where it is given.
    """

    PARAMETERS = {"partner": Parameter("partner", models.UUIDField())}

    partner: uuid.UUID | Parameter
    state: str = ""

    def queryset(self):
        found = RelationshipRequest.objects.filter(partner=self.partner)
        if self.state:
            found = found.filter(RequestStatus.is_at_present(self.state))
        for word in self.words:
            found = found.filter(
                part_of("recipient_key", word) | part_of("recipient_email", word, "icontains")
            )
        return found
