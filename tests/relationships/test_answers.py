"""R1, R2, R6, R7, R11: the customer answers, and what follows from it."""

import pytest
import time_machine
from django.core import mail
from django.core.exceptions import ValidationError

from customers.models import Customer
from portal.authority import PORTAL, Refusal
from portal.models import Action, ActivityEntry
from relationships.models import Relationship, RequestStatus
from tests.demo import ALBERS, KRANICH
from tests.factories import MembershipFactory, RelationshipRequestFactory
from tests.relationships.acts import (
    NOON,
    accept,
    ask,
    ask_elsewhere,
    codes,
    decline,
    opened,
    refused,
)


class TestR1:
    def test_R1_two_requests_of_a_partner_end_in_one_relationship(self, demo):
        first, second = ask(demo), ask_elsewhere(demo)
        accept(demo, first)
        accept(demo, second)
        relationship = demo.relationship("Reederei Albers", "Kranich Consulting")
        assert relationship.has_dap
        started = demo.log(
            action=Action.RELATIONSHIP_STARTED, partners=demo.partner("Kranich Consulting")
        )
        assert len(started) == 1

    def test_R1_after_its_end_a_request_starts_a_new_one(self, demo):
        accept(demo, ask(demo))
        first = demo.relationship("Reederei Albers", "Kranich Consulting")
        first.end(by=demo.user(KRANICH))
        accept(demo, ask(demo))
        assert demo.relationship("Reederei Albers", "Kranich Consulting") != first

    def test_R1_whoever_has_it_already_is_told_so(self, demo, nothing_written):
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            ask(demo, "global@hafen.example")
        assert refusal.value.messages == [
            "You already have this relationship with Reederei Albers."
        ]
        with nothing_written(), pytest.raises(ValidationError):
            ask(demo, "global@elbe.example", with_dap=False)


class TestR2:
    def test_R2_the_relationship_starts_when_the_customer_accepts(self, demo):
        with time_machine.travel(NOON, tick=False):
            made = ask(demo)
            assert not Relationship.objects.filter(partner__name="Kranich Consulting").exists()
            accept(demo, made)
        relationship = demo.relationship("Reederei Albers", "Kranich Consulting")
        assert (relationship.has_dap, relationship.started_at) == (True, NOON)

    def test_R2_the_log_tells_one_story_to_both(self, demo):
        made = ask(demo)
        accept(demo, made)
        story = [
            (Action.REQUEST_CREATED, KRANICH, "Reederei Albers"),
            (Action.RELATIONSHIP_STARTED, ALBERS, "Kranich Consulting"),
            (Action.REQUEST_ACCEPTED, ALBERS, "Reederei Albers"),
        ]
        assert [(one.action, one.actor.email, one.subject) for one in demo.log()[-3:]] == story
        for email, first in ((KRANICH, 0), (ALBERS, 1)):
            seen = ActivityEntry.objects.visible_to(demo.user(email).membership)
            newest = list(seen.order_by("id"))[first - 3 :]
            assert [(one.action, one.actor.email, one.subject) for one in newest] == story[first:]

    def test_R2_it_says_what_was_asked_for(self, demo):
        ask(demo, with_dap=False)
        assert demo.log(action=Action.REQUEST_CREATED)[-1].after == {"with_dap": False}


class TestR6:
    @pytest.mark.parametrize(
        "email",
        [
            "admin@petersen.example",
            "admin@huber.example",
            "global@kranich.example",
            "global@nordlicht.example",
            "operator@portal.example",
        ],
    )
    def test_R6_only_an_admin_of_that_customer_answers(self, demo, email, nothing_written):
        made = ask(demo)
        assert not made.may_be_answered_by(demo.user(email))
        with nothing_written():
            assert refused(accept, demo, made, email) <= set(Refusal)
            assert refused(decline, demo, made, email) <= set(Refusal)
        assert mail.outbox == []

    def test_R6_not_once_the_admin_is_deactivated(self, demo, nothing_written):
        made = ask(demo)
        MembershipFactory(customer=demo.customer("Reederei Albers"))
        demo.user(ALBERS).deactivate(by=PORTAL)
        with nothing_written():
            assert refused(accept, demo, made) <= set(Refusal)

    def test_R6_any_admin_of_it_does(self, demo):
        second = MembershipFactory(customer=demo.customer("Reederei Albers")).user
        accept(demo, ask(demo), second.email)
        assert demo.relationship("Reederei Albers", "Kranich Consulting").has_dap

    def test_R6_nobody_who_is_not_signed_in(self, demo, client):
        made = ask(demo)
        answer = client.get(made.path)
        assert not made.may_be_answered_by(answer.wsgi_request.user)

    def test_R6_it_works_once(self, demo, nothing_written):
        made = ask(demo)
        accept(demo, made)
        with nothing_written():
            assert refused(accept, demo, made) == {"dead"}
        assert len(demo.log(action=Action.REQUEST_ACCEPTED)) == 1

    def test_R6_accepting_includes_the_agreement_if_it_was_not_accepted_before(self, demo):
        Customer.objects.update(agreement_accepted_at=None)
        made = ask(demo)
        with time_machine.travel(made.created_at, tick=False):
            accept(demo, made, agrees=True)
        assert demo.customer("Reederei Albers").agreement_accepted_at == made.created_at
        [entry] = demo.log(action=Action.AGREEMENT_ACCEPTED)
        assert (entry.actor.email, entry.customer.name) == (ALBERS, "Reederei Albers")

    def test_R6_without_it_nothing_is_accepted(self, demo, nothing_written):
        Customer.objects.update(agreement_accepted_at=None)
        made = ask(demo)
        with nothing_written():
            assert refused(accept, demo, made) == {"agreement"}
        decline(demo, made)

    def test_R6_accepted_before_it_stays_as_it_is(self, demo):
        Customer.objects.update(agreement_accepted_at=NOON)
        accept(demo, ask(demo), agrees=True)
        assert demo.customer("Reederei Albers").agreement_accepted_at == NOON
        assert demo.log(action=Action.AGREEMENT_ACCEPTED) == []


class TestR7:
    def test_R7_a_request_to_a_customer_without_dap_restores_it(self, demo):
        elbe = demo.relationship("Reederei Albers", "Elbe Support")
        made = ask(demo, "global@elbe.example")
        accept(demo, made)
        restored = demo.relationship("Reederei Albers", "Elbe Support")
        assert (restored, restored.has_dap) == (elbe, True)
        actions = [entry.action for entry in demo.log()][-2:]
        assert actions == [Action.DAP_GRANTED, Action.REQUEST_ACCEPTED]

    def test_R7_also_what_was_removed(self, demo):
        demo.relationship("Reederei Albers", "Hafen IT").remove_dap(by=demo.user(ALBERS))
        accept(demo, ask(demo, "global@hafen.example"))
        restored = demo.relationship("Reederei Albers", "Hafen IT")
        assert (restored.has_dap, restored.dap_removed_at) == (True, None)

    def test_R7_declined_it_restores_nothing(self, demo):
        decline(demo, ask(demo, "global@elbe.example"))
        assert not demo.relationship("Reederei Albers", "Elbe Support").has_dap

    def test_R7_a_request_without_dap_takes_none_away(self, demo):
        without, with_dap = ask(demo, with_dap=False), ask_elsewhere(demo)
        accept(demo, with_dap)
        accept(demo, without)
        assert demo.relationship("Reederei Albers", "Kranich Consulting").has_dap
        assert demo.log(action=Action.DAP_REMOVED) == []


class TestR11:
    def test_R11_acceptance_refuses_what_is_not_in_the_sales_region(self, demo, nothing_written):
        """T1: until then the partner isn't told, for Albers is none of its own."""
        made = ask(demo, "global@pacific.example")
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            accept(demo, made)
        assert refusal.value.messages == [
            "Pacific Resale (United States) and Reederei Albers (Germany) are not in the "
            "same sales region."
        ]
        assert codes(refusal.value) == {"R11"}
        assert opened(made).is_open
        assert mail.outbox == []

    def test_R11_declining_works(self, demo):
        made = ask(demo, "global@pacific.example")
        assert decline(demo, made).state == RequestStatus.DECLINED

    def test_T1_asking_tells_a_partner_nothing_of_whom_it_does_not_see(self, demo):
        """Known or unknown, in its region or not: the answer and what it may read are the same."""
        known = ask(demo, "global@pacific.example", recipient_name="A")
        unknown = ask(demo, "global@pacific.example", "boss@firm.example", recipient_name="A")
        assert known.state == unknown.state
        membership = demo.user("global@pacific.example").membership
        entries = ActivityEntry.objects.visible_to(membership).filter(action=Action.REQUEST_CREATED)
        assert len(entries) == 2
        visible = Customer.objects.visible_to(membership)
        assert {entry.customer for entry in entries} <= {None, *visible}

    def test_T1_no_more_does_asking_again(self, demo):
        """Not even that another partner has what it asks for."""
        for _ in range(2):
            made = ask(demo, "global@brandt.example")
            assert made.is_open
            made.withdraw(by=demo.user("global@brandt.example"))

    def test_R11_for_its_own_customer_the_partner_is_told_at_once(self, demo, nothing_written):
        Customer.objects.filter(name="Reederei Albers").update(country="US")
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            ask(demo, "global@elbe.example")
        assert codes(refusal.value) == {"R11"}


def test_a_request_without_an_answer_has_no_date_of_one(demo):
    with pytest.raises(ValidationError) as refusal:
        RelationshipRequestFactory.build(
            partner=demo.partner("Kranich Consulting"),
            created_by=demo.user(KRANICH),
            answered_at=NOON,
        ).full_clean()
    assert refusal.value.messages == ["A request is open until it is answered."]
