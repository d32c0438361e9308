"""Two subscriptions of Reederei Albers, and who may answer for them."""

import pytest

from tests.demo import HELPDESK, OFFICE


@pytest.fixture
def helpdesk(demo):
    return demo.user(HELPDESK)


@pytest.fixture
def office(demo):
    """Sold to Reederei Albers by Nordlicht, who answers for it."""
    return demo.subscription("Reederei Albers", OFFICE)


@pytest.fixture
def visio(demo):
    """Reederei Albers bought it elsewhere; nobody answers for it."""
    return demo.subscription("Reederei Albers", "Visio Plan 2")


@pytest.fixture
def hafen(demo):
    return demo.partner("Hafen IT")


@pytest.fixture
def nordlicht(demo):
    return demo.partner("Nordlicht Distribution")
