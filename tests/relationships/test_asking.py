"""R3: who asks for what, with DAP or without, and for how long it stays open."""

from datetime import timedelta

import pytest
import time_machine
from django.core.exceptions import ValidationError

from portal.authority import Refusal
from relationships.forms import RequestForm
from relationships.models import RelationshipRequest, RequestStatus
from tests.demo import KRANICH
from tests.relationships.acts import (
    NOON,
    accept,
    after_days,
    ask,
    decline,
    fill_in,
    opened,
    refused,
)


class TestR3:
    def test_R3_a_request_asks_for_dap(self, demo):
        assert ask(demo).with_dap
        assert fill_in(demo, recipient_email="new@firm.example").asked().with_dap
        assert RequestForm(user=demo.user(KRANICH))["with_dap"].value() is True

    def test_R3_unless_the_box_is_cleared(self, demo):
        made = fill_in(demo, with_dap=None).asked()
        assert not made.with_dap
        accept(demo, made)
        assert not demo.relationship("Reederei Albers", "Kranich Consulting").has_dap

    @pytest.mark.parametrize(
        ("email", "with_dap", "without"),
        [
            ("global@nordlicht.example", True, True),
            ("agent@nordlicht.example", True, True),
            ("sales@nordlicht.example", False, True),
            ("helpdesk@nordlicht.example", False, False),
            ("users@nordlicht.example", False, False),
            ("admin@albers.example", False, False),
        ],
    )
    def test_R3_who_may_ask_for_what(self, demo, email, with_dap, without, nothing_written):
        for has_dap, may in ((True, with_dap), (False, without)):
            if may:
                to = f"{has_dap}@firm.example"
                assert ask(demo, email, to, with_dap=has_dap).is_open
            else:
                with nothing_written():
                    codes = refused(ask, demo, email, "new@firm.example", with_dap=has_dap)
                assert codes <= {Refusal.ROLE, Refusal.ELSEWHERE}

    @pytest.mark.parametrize("email", ["operator@portal.example", "nobody@portal.example"])
    def test_R3_who_belongs_to_no_partner_asks_for_nothing(self, demo, email, nothing_written):
        type(demo.user(KRANICH)).objects.create_user("nobody@portal.example")
        with nothing_written():
            assert refused(ask, demo, email) <= set(Refusal)

    def test_R3_a_sales_agent_finds_the_box_inactive(self, demo):
        """Posting it by hand does not help."""
        form = fill_in(demo, "sales@nordlicht.example", recipient_email="new@firm.example")
        assert form.fields["with_dap"].disabled
        assert not form.asked().with_dap

    @pytest.mark.parametrize("days", [90, 14])
    def test_R3_it_stays_open_for_a_time_that_is_a_setting(self, demo, settings, days):
        settings.RELATIONSHIP_REQUEST_PERIOD = timedelta(days=days)
        with time_machine.travel(NOON, tick=False):
            made = ask(demo)
        # Through the whole of the last day.
        last = after_days(days)
        assert made.expires_at == last
        with time_machine.travel(last - timedelta(seconds=1), tick=False):
            assert opened(made).state == RequestStatus.OPEN
            assert RelationshipRequest.objects.open().get() == made
        with time_machine.travel(last, tick=False):
            assert opened(made).state == RequestStatus.EXPIRED
            assert not RelationshipRequest.objects.open().exists()

    def test_R3_the_setting_is_90_days(self, settings):
        assert timedelta(days=90) == settings.RELATIONSHIP_REQUEST_PERIOD

    @pytest.mark.parametrize("answer", [accept, decline])
    def test_R3_once_expired_nobody_answers_it(self, demo, answer, nothing_written):
        with time_machine.travel(NOON, tick=False):
            made = ask(demo)
        with (
            time_machine.travel(after_days(90), tick=False),
            nothing_written(),
            pytest.raises(ValidationError) as refusal,
        ):
            answer(demo, made)
        assert refusal.value.code == "dead"
        assert refusal.value.messages == [
            "This request expired on 31 May 2027. Ask Kranich Consulting to send it again."
        ]

    def test_R3_the_last_moment_is_early_enough(self, demo):
        with time_machine.travel(NOON, tick=False):
            made = ask(demo)
        with time_machine.travel(after_days(90) - timedelta(seconds=1), tick=False):
            accept(demo, made)
        assert opened(made).state == RequestStatus.ACCEPTED


def test_it_is_named_by_its_recipient(demo):
    assert str(ask(demo)) == "Reederei Albers"
