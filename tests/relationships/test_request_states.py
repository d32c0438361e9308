"""R5: what becomes of a request: answered, expired, sent again, withdrawn, and what a second one meets."""

from datetime import timedelta

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.utils import timezone

from lists.keyset import SortOrder
from portal.authority import PORTAL
from portal.models import Action
from portal.text import words_of
from portal.zones import written_day
from relationships.models import Relationship, RelationshipRequest, RequestsOfPartner, RequestStatus
from tests.demo import ALBERS, KRANICH
from tests.factories import CustomerFactory, RelationshipRequestFactory, UserFactory
from tests.pages import Page, signed_in
from tests.relationships.acts import (
    NOON,
    accept,
    after_days,
    ask,
    ask_elsewhere,
    codes,
    decline,
    expire,
    opened,
    refused,
    withdraw,
)


def refused_by_field(act, *args, **kwargs):
    with pytest.raises(ValidationError) as refusal:
        act(*args, **kwargs)
    return codes(refusal.value)


class TestR5:
    @pytest.mark.parametrize(
        ("kill", "state", "sentence"),
        [
            (accept, RequestStatus.ACCEPTED, "This request was accepted on 1 March 2027."),
            (decline, RequestStatus.DECLINED, "This request was declined on 1 March 2027."),
            (
                withdraw,
                RequestStatus.WITHDRAWN,
                "Kranich Consulting withdrew this request on 1 March 2027.",
            ),
        ],
    )
    def test_R5_the_status_and_what_the_link_says(self, demo, kill, state, sentence):
        with time_machine.travel(NOON, tick=False):
            made = ask(demo)
            kill(demo, made)
        found = opened(made)
        assert (found.state, found.answered_at) == (state, NOON)
        with pytest.raises(ValidationError) as refusal:
            found.require_open()
        assert refusal.value.messages == [sentence]

    def test_R5_declined_with_the_reason(self, demo):
        made = ask(demo)
        decline(demo, made, reason="We have a partner.")
        stored = RelationshipRequest.objects.get(pk=made.pk)
        assert (stored.decline_reason, stored.answered_by.email) == ("We have a partner.", ALBERS)
        entry = demo.log(action=Action.REQUEST_DECLINED)[-1]
        assert (entry.reason, entry.subject) == ("We have a partner.", "Reederei Albers")
        assert not Relationship.objects.filter(partner__name="Kranich Consulting").exists()

    def test_R5_a_long_reason_is_kept_whole(self, demo):
        made = ask(demo)
        decline(demo, made, reason="x" * 500)
        assert RelationshipRequest.objects.get(pk=made.pk).decline_reason == "x" * 500

    def test_R5_sent_again_it_has_a_new_link_and_a_new_time_and_the_old_link_is_dead(self, demo):
        with time_machine.travel(NOON, tick=False):
            made = ask(demo)
        old = made.token
        made.send("https://portal.example/x", by=demo.user(KRANICH))
        later = NOON + timedelta(days=30)
        with time_machine.travel(later, tick=False):
            made.renew(by=demo.user(KRANICH))
            assert made.token != old
            stored = RelationshipRequest.objects.get(pk=made.pk)
            assert (stored.expires_at, stored.sent_at) == (after_days(30 + 90), None)
            dead = RelationshipRequest.objects.find(old)
            assert (dead, dead.is_replaced) == (made, True)
            for act in (dead.accept, lambda by: dead.decline(by=by, reason="No")):
                with pytest.raises(ValidationError) as refusal:
                    act(by=demo.user(ALBERS))
                assert refusal.value.code == "dead"
                assert refusal.value.messages == [
                    "This link was replaced: the request was sent again. Use the newest link."
                ]
            newcomer = {"customer": CustomerFactory.build(), "user": UserFactory.build()}
            assert refused(dead.register, "proof", **newcomer) == {"dead"}
            assert refused(dead.send_registration, "a@firm.example") == {"dead"}
            accept(demo, made)
        assert demo.log(action=Action.REQUEST_RESENT)[-1].actor.email == KRANICH
        assert demo.relationship("Reederei Albers", "Kranich Consulting").has_dap

    def test_R5_every_link_but_the_newest_is_dead(self, demo):
        made = ask(demo)
        tokens = [made.token]
        for _ in range(3):
            made.renew(by=demo.user(KRANICH))
            tokens.append(made.token)
        assert len(set(tokens)) == 4
        replaced = [RelationshipRequest.objects.find(token).is_replaced for token in tokens]
        assert replaced == [True, True, True, False]

    def test_R5_an_expired_one_is_opened_again(self, demo):
        made = ask(demo)
        expire(demo, made)
        made.renew(by=demo.user(KRANICH))
        accept(demo, made)
        assert opened(made).state == RequestStatus.ACCEPTED

    def test_R5_an_expired_one_can_be_withdrawn(self, demo):
        made = ask(demo)
        expire(demo, made)
        made.withdraw(by=demo.user(KRANICH))
        assert opened(made).state == RequestStatus.WITHDRAWN

    @pytest.mark.parametrize("kill", [accept, decline, withdraw])
    def test_R5_what_was_answered_or_withdrawn_stays_so(self, demo, kill, nothing_written):
        made = ask(demo)
        kill(demo, made)
        found, by = opened(made), demo.user(KRANICH)
        with nothing_written():
            assert refused(made.renew, by=by) == {"dead"}
            assert refused(made.withdraw, by=by) == {"dead"}
            assert refused(found.accept, by=demo.user(ALBERS)) == {"dead"}
            assert refused(found.decline, by=demo.user(ALBERS), reason="No") == {"dead"}

    def test_R5_withdrawn_is_logged(self, demo):
        made = ask(demo)
        withdraw(demo, made)
        entry = demo.log()[-1]
        assert (entry.action, entry.actor.email) == (Action.REQUEST_WITHDRAWN, KRANICH)

    @pytest.mark.parametrize("kill", [decline, withdraw, expire])
    def test_R5_a_dead_one_never_blocks_a_new_one(self, demo, kill):
        dead = ask(demo)
        kill(demo, dead)
        accept(demo, ask(demo))
        assert demo.relationship("Reederei Albers", "Kranich Consulting").has_dap
        assert opened(dead).state != RequestStatus.OPEN

    @pytest.mark.parametrize("to", [ALBERS, "Admin@ALBERS.example", " admin@albers.example "])
    @pytest.mark.parametrize("fields", [{}, {"with_dap": False}, {"recipient_name": "Albers"}])
    def test_an_open_one_does_and_is_named(self, demo, to, fields, nothing_written):
        first = ask(demo)
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            ask(demo, to=to, **fields)
        [error] = refusal.value.error_dict["recipient_email"]
        assert (error.code, error.params["request"]) == ("open", first)
        assert error.messages == [
            f"Your company asked this firm on {written_day(first.created_at)} already, and the request is"
            " open. Send that one again, or withdraw it first."
        ]

    def test_one_that_expired_is_not_opened_again_beside_it(self, demo, nothing_written):
        dead = ask(demo)
        expire(demo, dead)
        made = ask(demo)
        with nothing_written():
            assert refused(dead.renew, by=demo.user(KRANICH)) == {"open"}
        made.renew(by=demo.user(KRANICH))
        withdraw(demo, made)
        dead.renew(by=demo.user(KRANICH))
        assert opened(dead).is_open

    def test_to_a_customer_of_its_own_it_is_one_whatever_the_address(self, demo, nothing_written):
        elbe, albers = "global@elbe.example", demo.customer("Reederei Albers")
        first = ask(demo, elbe, "it@albers.example", customer=albers)
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            ask(demo, elbe, "info@albers.example", customer=albers)
        assert refusal.value.error_dict["recipient_email"][0].params["request"] == first

    def test_R14_another_address_of_the_firm_and_another_partner_are_not_in_its_way(self, demo):
        """Or the partner would learn that two addresses belong to one firm, or who else asks it."""
        ask(demo)
        assert ask_elsewhere(demo).is_open
        assert ask(demo, "global@brandt.example").is_open
        invited = {"to": "global@moewe.example", "kind": "reseller", "with_dap": False}
        assert ask(demo, "global@nordlicht.example", invited["to"]).is_open
        assert ask(demo, "global@nordlicht.example", **invited).is_open
        assert refused_by_field(ask, demo, "global@nordlicht.example", **invited) == {"open"}

    def test_two_of_before_stay_open_and_can_be_answered(self, demo):
        ask(demo)
        partner, albers = demo.partner("Kranich Consulting"), demo.customer("Reederei Albers")
        twin = RelationshipRequestFactory(partner=partner, recipient_email=ALBERS, customer=albers)
        accept(demo, twin)
        assert demo.relationship("Reederei Albers", "Kranich Consulting").has_dap

    def test_R5_a_partner_sees_its_own_requests_and_a_customer_those_to_it(self, demo):
        mine = ask(demo)
        other = ask(demo, "global@brandt.example")
        elsewhere = ask(demo, "global@brandt.example", "admin@huber.example")

        def seen(email):
            return set(RelationshipRequest.objects.visible_to(demo.user(email).membership))

        assert seen(KRANICH) == {mine}
        assert seen("global@brandt.example") == {other, elsewhere}
        assert seen(ALBERS) == {mine, other}
        assert seen("admin@huber.example") == {elsewhere}
        assert seen("global@nordlicht.example") == set()
        assert set(RelationshipRequest.objects.visible_to(None)) == set()

    def test_R5_they_are_found_by_name_and_address(self, demo):
        made = ask(demo, recipient_name="Reederei Albers GmbH")
        other = ask(demo, to="info@werft.example", recipient_name="Werft Ost")

        def found(text):
            question = RequestsOfPartner(partner=made.partner_id, words=words_of(text))
            rows = question.read(("pk", "created_at"), SortOrder("created_at"), None, 10)
            assert question.count(SortOrder("created_at"), None, None) == len(rows)
            return set(RelationshipRequest.objects.in_bulk([row.pk for row in rows]).values())

        assert found("albers") == {made}
        assert found("WERFT") == {other}
        assert found("werft info") == {other}
        assert found("") == {made, other}
        assert found("albers werft") == set()

    def test_R5_they_are_found_by_the_status_that_people_read(self, demo):
        open_one, over, withdrawn = (
            ask(demo, to=f"info@firm-{number}.example", recipient_name=f"Firm {number}")
            for number in range(3)
        )
        withdrawn.withdraw(by=withdrawn.created_by)
        RelationshipRequest.objects.filter(pk=over.pk).update(
            created_at=timezone.now() - timedelta(days=200),
            expires_at=timezone.now() - timedelta(days=1),
        )

        def found(state):
            return set(RequestsOfPartner(partner=open_one.partner_id, state=state).queryset())

        assert found("open") == {open_one}
        assert found("expired") == {over}
        assert found("withdrawn") == {withdrawn}
        assert found("accepted") == set()
        assert found("") == {open_one, over, withdrawn}
        browser = signed_in(open_one.created_by.email)
        page = Page(browser.get("/relationships/requests/?state=expired&q=firm"))
        [row] = page.table
        assert row["To"].startswith("Firm 1")
        page = Page(browser.get("/relationships/requests/?state=accepted"))
        assert "No request matches." in page.text

    def test_R5_a_partner_that_was_deactivated_asks_for_nothing_any_more(
        self, demo, nothing_written
    ):
        made = ask(demo)
        demo.partner("Kranich Consulting").deactivate(by=PORTAL)
        found = opened(made)
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            found.accept(by=demo.user(ALBERS))
        assert refusal.value.code == "dead"
        assert refusal.value.messages == ["Kranich Consulting no longer takes part in the portal."]
