"""What tests do with requests, and what they read of a refusal."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError

from portal.models import ProofMethod
from relationships.forms import RequestForm
from relationships.models import RelationshipRequest
from tests.demo import ALBERS, KRANICH

NOON = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)


def after_days(days):
    """When the last of so many days after ``NOON`` is over."""
    return (NOON + timedelta(days=days + 1)).replace(hour=0)


def ask(demo, email=KRANICH, to=ALBERS, **fields):
    """What ``email`` asks of the firm that the address ``to`` belongs to; with DAP, if not told otherwise."""
    return RelationshipRequest.objects.ask(
        by=demo.user(email),
        **{
            "recipient_name": "Reederei Albers",
            "recipient_email": to,
            "language": "en",
            "subject": "A request",
            "text": "Please accept.",
            **fields,
        },
    )


def ask_elsewhere(demo, **fields):
    """The same firm at another address, which its admin has proved."""
    demo.user(ALBERS).prove("second@albers.example", how=ProofMethod.CONFIRMATION)
    return ask(demo, to="second@albers.example", **fields)


def opened(made):
    """The request as the link in its mail opens it."""
    return RelationshipRequest.objects.find(made.token)


def accept(demo, made, email=ALBERS, **agreement):
    """Open the link as ``email`` and accept; the request as it is then."""
    found = opened(made)
    found.accept(by=demo.user(email), **agreement)
    return found


def decline(demo, made, email=ALBERS, reason="We have a partner."):
    """As ``accept``, but the other answer."""
    found = opened(made)
    found.decline(by=demo.user(email), reason=reason)
    return found


def withdraw(demo, made, email=KRANICH):
    made.withdraw(by=demo.user(email))


def expire(demo, made):
    """Let the time of the request be over."""
    RelationshipRequest.objects.filter(pk=made.pk).update(expires_at=made.created_at)


def refused(act, *args, **kwargs):
    """The codes of the ValidationError that ``act`` raises."""
    with pytest.raises(ValidationError) as refusal:
        act(*args, **kwargs)
    return {error.code for error in refusal.value.error_list}


def codes(error):
    """The codes of a ValidationError, with or without fields."""
    by_field = error.update_error_dict({})
    return {one.code for errors in by_field.values() for one in ValidationError(errors).error_list}


def fill_in(demo, email=KRANICH, customer=None, **data):
    """The form for a request, as ``email`` sends it."""
    given = {
        "recipient_name": "Reederei Albers",
        "recipient_email": ALBERS,
        "language": "en",
        "with_dap": "on",
        **data,
    }
    sent = {name: value for name, value in given.items() if value is not None}
    form = RequestForm(sent, user=demo.user(email), customer=customer)
    assert form.is_valid(), form.errors
    return form
