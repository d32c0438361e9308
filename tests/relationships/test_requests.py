"""Rules R1 to R7 and R12: a partner asks a customer, and the customer answers."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import time_machine
from django.core import mail, signing
from django.core.exceptions import ValidationError
from django.utils import timezone

from customers.models import Customer
from lists.keyset import SortOrder
from portal.authority import PORTAL, Refusal
from portal.models import Action, ActivityEntry, ProofMethod
from portal.text import words_of
from portal.zones import written_day
from relationships.forms import DraftForm, RequestForm
from relationships.models import (
    Partnership,
    Relationship,
    RelationshipRequest,
    RequestsOfPartner,
    RequestStatus,
)
from relationships.models.personal_links import read_token
from tests.factories import (
    CustomerFactory,
    MembershipFactory,
    RelationshipRequestFactory,
    UserFactory,
)
from tests.pages import Page, signed_in

KRANICH = "global@kranich.example"
ALBERS = "admin@albers.example"
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
    found = opened(made)
    found.accept(by=demo.user(email), **agreement)
    return found


def decline(demo, made, email=ALBERS, reason="We have a partner."):
    found = opened(made)
    found.decline(by=demo.user(email), reason=reason)
    return found


def withdraw(demo, made, email=KRANICH):
    made.withdraw(by=demo.user(email))


def expire(demo, made):
    RelationshipRequest.objects.filter(pk=made.pk).update(expires_at=made.created_at)


def refused(act, *args, **kwargs):
    """The codes of the ValidationError that ``act`` raises."""
    with pytest.raises(ValidationError) as refusal:
        act(*args, **kwargs)
    return {error.code for error in refusal.value.error_list}


def refused_by_field(act, *args, **kwargs):
    with pytest.raises(ValidationError) as refusal:
        act(*args, **kwargs)
    return codes(refusal.value)


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


class TestR4:
    def test_R4_the_draft_is_written_already_in_the_language_of_the_customer(self, demo):
        made = fill_in(demo, language="de").asked()
        assert made.subject == "Kranich Consulting möchte mit Ihrem Unternehmen zusammenarbeiten"
        assert made.text.startswith("Sehr geehrte Damen und Herren bei Reederei Albers,")
        assert "Wir bitten um delegierte Administratorrechte" in made.text
        assert made.text.endswith("Global admin, Kranich Consulting\nKranich Consulting")
        other = {"recipient_email": "new@firm.example", "language": "en", "with_dap": None}
        made = fill_in(demo, **other).asked()
        assert made.subject == "Kranich Consulting asks to work with your company"
        assert "We do not ask for delegated admin privileges." in made.text

    def test_R4_the_text_can_be_edited_and_the_link_stays(self, demo):
        made = ask(demo)
        token = made.token
        made.edit("Our offer", "Dear Jonas,\nlet us help you.", by=demo.user(KRANICH))
        stored = RelationshipRequest.objects.get(pk=made.pk)
        assert (stored.subject, stored.text) == ("Our offer", "Dear Jonas,\nlet us help you.")
        assert stored.token == token
        assert RelationshipRequest.objects.find(token) == made

    def test_R4_the_link_is_no_part_of_the_text_that_can_be_edited(self, demo):
        made = ask(demo)
        assert made.token not in made.text
        assert list(DraftForm(instance=made).fields) == ["subject", "text"]
        made.edit("Our offer", "  Dear Jonas,  ", by=demo.user(KRANICH))
        assert made.message("https://portal.example/x") == (
            "Dear Jonas,\n\nhttps://portal.example/x"
        )

    def test_R4_the_portal_sends_it_with_the_link(self, demo):
        made = ask(demo, subject="Our offer", text="Dear Jonas,")
        link = f"https://portal.example{made.path}"
        with time_machine.travel(made.created_at, tick=False):
            made.send(link, by=demo.user(KRANICH))
        assert RelationshipRequest.objects.get(pk=made.pk).sent_at == made.created_at
        [sent] = mail.outbox
        assert (sent.subject, sent.to) == ("Our offer", [ALBERS])
        assert sent.body == f"Dear Jonas,\n\n{link}"
        [(html, kind)] = sent.alternatives
        assert kind == "text/html"
        assert f'href="{link}"' in html

    @pytest.mark.parametrize("language", ["en", "de"])
    def test_R4_the_mail_says_in_which_language_it_is(self, demo, language):
        made = ask(demo, language=language)
        made.send("https://portal.example/x", by=demo.user(KRANICH))
        [(html, _kind)] = mail.outbox[0].alternatives
        assert f'<html lang="{language}">' in html

    @pytest.mark.parametrize(
        "email",
        [
            "global@nordlicht.example",
            "global@hafen.example",
            "admin@albers.example",
            "operator@portal.example",
        ],
    )
    def test_R4_no_one_else_touches_it(self, demo, email, nothing_written):
        made, by = ask(demo), demo.user(email)
        with nothing_written():
            assert refused(made.edit, "X", "Y", by=by) <= set(Refusal)
            assert refused(made.send, "https://portal.example/x", by=by) <= set(Refusal)
            assert refused(made.renew, by=by) <= set(Refusal)
            assert refused(made.withdraw, by=by) <= set(Refusal)
        assert mail.outbox == []

    def test_R4_a_sales_agent_touches_only_those_without_dap(self, demo, nothing_written):
        sales = demo.user("sales@nordlicht.example")
        made = ask(demo, "global@nordlicht.example", "new@firm.example")
        with nothing_written():
            assert refused(made.edit, "X", "Y", by=sales) <= set(Refusal)
        made = ask(demo, "global@nordlicht.example", "it@firm.example", with_dap=False)
        made.edit("X", "Y", by=sales)
        assert made.text == "Y"

    @pytest.mark.parametrize("kill", [accept, decline, withdraw, expire])
    def test_R4_what_is_dead_is_neither_edited_nor_sent(self, demo, kill, nothing_written):
        made = ask(demo)
        kill(demo, made)
        mail.outbox.clear()
        by = demo.user(KRANICH)
        with nothing_written():
            assert refused(made.edit, "X", "Y", by=by) == {"dead"}
            assert refused(made.send, "https://portal.example/x", by=by) == {"dead"}
        assert mail.outbox == []


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


class TestTokens:
    """R4, R5: a link can't be guessed, and dies with what it rests on."""

    def test_it_stands_for_one_request(self, demo):
        made, other = ask(demo), ask(demo, to="new@firm.example")
        assert read_token(made.token) == (made.pk, 1)
        assert RelationshipRequest.objects.find(made.token) == made
        assert made.token != other.token

    @pytest.mark.parametrize("token", ["", "x", "x.y", ".", "\x00", "ü", "a-1.b", "-", "%2e"])
    def test_what_is_none_opens_nothing(self, demo, token):
        ask(demo)
        assert read_token(token) is None
        assert RelationshipRequest.objects.find(token) is None

    def test_tampering_with_any_letter_opens_nothing(self, demo):
        token = ask(demo).token
        for place, letter in enumerate(token):
            changed = token[:place] + ("a" if letter != "a" else "b") + token[place + 1 :]
            assert read_token(changed) is None, place
        for changed in (token[:-1], token + "=", token + "x", token.upper(), f" {token}"):
            assert read_token(changed) is None, changed

    def test_the_key_and_the_number_alone_are_no_link(self, demo):
        made = ask(demo)
        signature = made.token.rpartition(".")[2]
        made.renew(by=demo.user(KRANICH))
        assert read_token(f"{made.pk.hex}-2.{signature}") is None
        assert read_token(f"{made.pk.hex}-2") is None
        assert read_token(made.pk.hex) is None

    @pytest.mark.parametrize(
        "signer",
        [
            signing.Signer(key="another", salt="relationships.RelationshipRequest", sep="."),
            signing.Signer(salt="another", sep="."),
        ],
        ids=["another-SECRET_KEY", "another-purpose"],
    )
    def test_signed_by_another_hand_it_opens_nothing(self, demo, signer):
        made = ask(demo)
        assert read_token(signer.sign(f"{made.pk.hex}-1")) is None

    def test_of_a_request_that_is_not_there_it_opens_nothing(self, db):
        token = RelationshipRequest(pk=uuid4()).token
        assert read_token(token)
        assert RelationshipRequest.objects.find(token) is None


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


class TestR12:
    @pytest.fixture
    def joint(self, demo):
        """Kranich asks Albers for itself and for its provider, who is new there."""
        Partnership.objects.start(
            demo.partner("Südwind Cloud"), demo.partner("Kranich Consulting"), by=PORTAL
        )
        relationship = demo.relationship("Reederei Albers", "Südwind Cloud")
        for subscription in relationship.customer.subscriptions.sold_by(relationship.partner):
            subscription.suspend(by=demo.user("global@suedwind.example"))
        relationship.end(by=PORTAL)
        return ask(demo, provider=demo.partner("Südwind Cloud"))

    def test_R12_both_relationships_start_at_once(self, demo, joint):
        accept(demo, joint)
        for partner in ("Kranich Consulting", "Südwind Cloud"):
            assert demo.relationship("Reederei Albers", partner).has_dap

    def test_R12_without_dap_for_both(self, demo, joint):
        RelationshipRequest.objects.filter(pk=joint.pk).update(with_dap=False)
        accept(demo, joint)
        for partner in ("Kranich Consulting", "Südwind Cloud"):
            assert not demo.relationship("Reederei Albers", partner).has_dap

    def test_R12_what_the_provider_has_stays(self, demo):
        before = demo.relationship("Reederei Albers", "Nordlicht Distribution")
        accept(demo, ask(demo, provider=demo.partner("Nordlicht Distribution"), with_dap=False))
        after = demo.relationship("Reederei Albers", "Nordlicht Distribution")
        assert (after, after.has_dap) == (before, True)
        assert not demo.relationship("Reederei Albers", "Kranich Consulting").has_dap

    def test_R12_who_has_its_own_may_ask_for_its_provider(self, demo):
        demo.relationship("Reederei Albers", "Nordlicht Distribution").remove_dap(by=PORTAL)
        accept(
            demo,
            ask(demo, "global@hafen.example", provider=demo.partner("Nordlicht Distribution")),
        )
        assert demo.relationship("Reederei Albers", "Nordlicht Distribution").has_dap

    def test_R12_the_provider_reads_of_it_in_its_log(self, demo, joint):
        accept(demo, joint)
        seen = ActivityEntry.objects.visible_to(demo.user("global@suedwind.example").membership)
        assert [entry.action for entry in seen.order_by("id")][-3:] == [
            Action.REQUEST_CREATED,
            Action.RELATIONSHIP_STARTED,
            Action.REQUEST_ACCEPTED,
        ]

    @pytest.mark.parametrize("provider", ["Südwind Cloud", "Brandt Direkt", "Hafen IT"])
    def test_R12_only_with_a_provider_it_has_a_partnership_with(
        self, demo, provider, nothing_written
    ):
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            ask(demo, provider=demo.partner(provider))
        assert refusal.value.message_dict == {
            "provider": ["You have no partnership with this provider."]
        }
        assert codes(refusal.value) == {"R12"}

    def test_R12_one_that_ended_does_not_count(self, demo, nothing_written):
        demo.partnership("Nordlicht Distribution", "Kranich Consulting").end(by=PORTAL)
        with nothing_written(), pytest.raises(ValidationError):
            ask(demo, provider=demo.partner("Nordlicht Distribution"))

    def test_R12_if_it_ends_before_the_answer_the_provider_gets_nothing(
        self, demo, joint, nothing_written
    ):
        demo.partnership("Südwind Cloud", "Kranich Consulting").end(by=PORTAL)
        with nothing_written():
            assert refused(accept, demo, joint) == {"dead"}

    def test_R12_nor_if_the_provider_is_deactivated(self, demo, joint, nothing_written):
        demo.partner("Südwind Cloud").deactivate(by=PORTAL)
        with nothing_written():
            assert refused(accept, demo, joint) == {"dead"}

    def test_R12_the_form_offers_exactly_the_own_providers(self, demo):
        def offered(email):
            field = RequestForm(user=demo.user(email)).fields.get("provider")
            return field and [str(partner) for partner in field.queryset]

        assert offered(KRANICH) == ["Nordlicht Distribution"]
        assert offered("global@moewe.example") == ["Südwind Cloud"]
        for email in (
            "global@pacific.example",
            "global@nordlicht.example",
            "global@brandt.example",
        ):
            assert offered(email) is None
        demo.partner("Nordlicht Distribution").deactivate(by=PORTAL)
        assert offered(KRANICH) is None

    def test_R12_the_draft_names_both(self, demo):
        nordlicht = demo.partner("Nordlicht Distribution")
        made = fill_in(demo, provider=nordlicht.pk).asked()
        assert made.provider == nordlicht
        assert (
            "Kranich Consulting and Nordlicht Distribution would like to work with your company."
            in made.text
        )

    def test_R11_the_region_counts_for_both(self, demo, joint, nothing_written):
        """The reseller is in the customer's region, its provider is not: neither gets anything."""
        suedwind = demo.partner("Südwind Cloud")
        type(suedwind).objects.filter(pk=suedwind.pk).update(country="US")
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            accept(demo, joint)
        assert codes(refusal.value) == {"R11"}
        assert not Relationship.objects.active().filter(
            partner__name="Kranich Consulting", customer__name="Reederei Albers"
        )


class TestMail:
    """Whoever asked is told the answer, in its own language."""

    @pytest.mark.parametrize(
        ("language", "subject"),
        [
            ("en", "Reederei Albers accepted your request"),
            ("de", "Reederei Albers hat Ihre Anfrage angenommen"),
            ("", "Reederei Albers hat Ihre Anfrage angenommen"),
        ],
    )
    def test_accepted(self, demo, language, subject):
        made = ask(demo)
        type(made.created_by).objects.filter(email=KRANICH).update(language=language)
        accept(demo, made)
        [sent] = mail.outbox
        assert (sent.subject, sent.to) == (subject, [KRANICH])
        path = f"/customers/{demo.customer('Reederei Albers').pk}/"
        assert f"https://portal.example{path}" in sent.body

    def test_declined_with_the_reason(self, demo):
        made = ask(demo)
        type(made.created_by).objects.filter(email=KRANICH).update(language="en")
        decline(demo, made, reason="We have <b>a partner</b> & it's good.")
        [sent] = mail.outbox
        assert (sent.subject, sent.to) == ("Reederei Albers declined your request", [KRANICH])
        assert "Reason: We have <b>a partner</b> & it's good." in sent.body
        [(html, _kind)] = sent.alternatives
        assert "<b>a partner" not in html
        assert f"https://portal.example/relationships/requests/{made.pk}/" in sent.body

    def test_where_whoever_asked_is_gone_its_admins_are_told(self, demo):
        made = ask(demo, "agent@nordlicht.example", "admin@huber.example")
        demo.user("agent@nordlicht.example").deactivate(by=PORTAL)
        decline(demo, made, "admin@huber.example")
        assert [sent.to for sent in mail.outbox] == [["global@nordlicht.example"]]

    def test_R12_the_provider_is_told_too(self, demo):
        made = ask(demo, to="admin@huber.example", provider=demo.partner("Nordlicht Distribution"))
        accept(demo, made, "admin@huber.example")
        assert sorted(sent.to for sent in mail.outbox) == [
            ["global@kranich.example"],
            ["global@nordlicht.example"],
        ]

    def test_nobody_is_told_of_what_was_not_accepted(self, demo, queue, monkeypatch):
        """What is rolled back is never sent."""
        made = ask(demo)

        def full_disk(*args, **kwargs):
            raise OSError("No space left on device")

        monkeypatch.setattr("relationships.models.requests.RelationshipRequest.record", full_disk)
        with pytest.raises(OSError, match="No space left"):
            accept(demo, made)
        assert not queue.exists()
        monkeypatch.undo()
        accept(demo, made)
        assert [one.recipient for one in queue.all()] == [KRANICH]


def test_a_request_without_an_answer_has_no_date_of_one(demo):
    with pytest.raises(ValidationError) as refusal:
        RelationshipRequestFactory.build(
            partner=demo.partner("Kranich Consulting"),
            created_by=demo.user(KRANICH),
            answered_at=NOON,
        ).full_clean()
    assert refusal.value.messages == ["A request is open until it is answered."]


def test_it_is_named_by_its_recipient(demo):
    assert str(ask(demo)) == "Reederei Albers"
