"""A customer, and what is asked of it."""

import pytest

from relationships.models import RelationshipRequest, RequestKind
from tests.demo import ALBERS, GLOBAL, KRANICH, MOEWE


@pytest.fixture
def albers(demo):
    return demo.customer("Reederei Albers")


@pytest.fixture
def ask(demo):
    """``ask(email, firm, address, **fields)``: an open request, with DAP unless told otherwise."""

    def ask(email=KRANICH, name="Reederei Albers", address=ALBERS, **fields):
        fields = {"language": "en", "subject": "Hello", "text": "Please accept.", **fields}
        return RelationshipRequest.objects.ask(
            by=demo.user(email), recipient_name=name, recipient_email=address, **fields
        )

    return ask


@pytest.fixture
def invite(ask):
    """``invite(address)``: an open invitation of Nordlicht to the reseller of this address."""

    def invite(address=MOEWE, **fields):
        return ask(GLOBAL, "Möwe", address, kind=RequestKind.RESELLER, with_dap=False, **fields)

    return invite
