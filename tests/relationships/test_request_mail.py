"""What the portal mails for a partner (R4): in its name, logged, limited, and what did not arrive is told."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.core import mail as django_mail
from django.db.models.functions import Now
from django.utils import timezone

from portal.models import Action, Mail, MailStatus
from portal.models.mails import MOST_OF_ONE_USER
from relationships import due
from relationships.models import RelationshipRequest, request_querysets
from tests.factories import RelationshipRequestFactory
from tests.pages import Page, signed_in
from tests.races import ORDERS

KRANICH, HAFEN, NORDLICHT = (
    "global@kranich.example",
    "global@hafen.example",
    "global@nordlicht.example",
)
ANNA = "anna@werft.example"
REASON = "550 5.1.1 No such user here"

assert due  # what the worker loads


@pytest.fixture
def ask(demo, queue):
    """``ask(by)``: an open request of that person's partner to Anna, who is new to the portal."""

    def made(by=KRANICH, to=ANNA):
        user = demo.user(by)
        return RelationshipRequestFactory(
            partner=user.membership.partner,
            created_by=user,
            recipient_name="Werft Neu",
            recipient_email=to,
            text="Please work with us.",
        )

    return made


def send(made):
    return made.send(f"https://portal.example{made.path}", by=made.created_by)


def waiting():
    return list(Mail.objects.waiting().order_by("pk"))


def all_sent(hours_ago=0):
    """The worker was here, that long ago."""
    Mail.objects.waiting().update(
        status=MailStatus.SENT,
        due_at=None,
        text="",
        done_at=Now() - timedelta(hours=hours_ago),
        html="",
    )


def page_of(made):
    return f"/relationships/requests/{made.pk}/"


def followed(answer):
    return Page(answer.client.get(answer.url))


class TestSending:
    def test_it_goes_out_in_the_name_of_the_partner(self, demo, ask):
        made = ask()
        assert send(made) is None
        [mail] = waiting()
        assert mail.from_email == '"Kranich Consulting via Partner portal" <portal@portal.example>'
        partner = demo.partner("Kranich Consulting")
        assert mail.reply_to == f'"Kranich Consulting" <{partner.support_email}>'
        assert mail.sent_by == made.created_by
        assert made.path in mail.text

    def test_each_sending_is_logged_with_recipient_and_subject(self, demo, ask):
        made = ask()
        send(made)
        made.edit("Once more", "Please.", by=made.created_by)
        send(made)
        first, second = demo.log(action=Action.REQUEST_MAILED)
        assert first.actor.email == KRANICH
        assert first.after == {"recipient": ANNA, "subject": "A request"}
        assert second.after == {"recipient": ANNA, "subject": "Once more"}
        assert [partner.name for partner in first.partners.all()] == ["Kranich Consulting"]
        assert {change.label for change in first.changes} == {"recipient", "subject"}

    def test_what_still_waits_is_replaced_by_newer_words(self, ask):
        made = ask()
        send(made)
        made.edit("Once more", "Please.", by=made.created_by)
        send(made)
        assert [mail.subject for mail in waiting()] == ["Once more"]
        assert Mail.objects.filter(status=MailStatus.WITHDRAWN).count() == 1

    @pytest.mark.parametrize("act", ["renew", "withdraw"])
    def test_R5_a_dead_link_is_not_sent(self, ask, act):
        made = ask()
        send(made)
        getattr(made, act)(by=made.created_by)
        assert waiting() == []
        assert Mail.objects.get().text == ""

    def test_nothing_is_taken_back_that_is_just_being_sent(self, ask):
        made = ask()
        send(made)
        in_hand = Mail.objects.claim()
        made.renew(by=made.created_by)
        in_hand.succeed()
        assert Mail.objects.get().status == MailStatus.SENT


class TestLimits:
    """R4: at most 3 mails to one address in 24 hours, 500 a user and day; the queue says when."""

    def fill_up(self, ask):
        for by in (KRANICH, HAFEN, NORDLICHT):
            assert send(ask(by)) is None

    def test_the_fourth_mail_to_an_address_waits_a_day(self, ask):
        self.fill_up(ask)
        due_at = send(ask())
        assert timedelta(hours=23) < due_at - timezone.now() <= timedelta(hours=24)
        assert [mail.due_at == due_at for mail in waiting()] == [False, False, False, True]
        assert send(ask(to="other@werft.example")) is None

    def test_a_day_after_the_first_there_is_room_again(self, ask):
        self.fill_up(ask)
        all_sent()
        oldest = Mail.objects.order_by("pk").first()
        Mail.objects.filter(pk=oldest.pk).update(done_at=Now() - timedelta(hours=23))
        due_at = send(ask())
        assert timedelta(minutes=50) < due_at - timezone.now() < timedelta(minutes=70)
        Mail.objects.filter(pk=oldest.pk).update(done_at=Now() - timedelta(hours=25))
        Mail.objects.waiting().withdraw()
        assert send(ask()) is None

    def test_those_that_wait_wait_one_after_the_other(self, ask):
        self.fill_up(ask)
        times = [send(ask()) for _ in range(4)]
        assert times[0] <= times[1] <= times[2]
        assert times[3] - times[0] > timedelta(hours=23)

    def test_what_was_taken_back_does_not_count(self, ask):
        self.fill_up(ask)
        Mail.objects.all().withdraw()
        assert send(ask()) is None

    def test_what_the_portal_says_itself_does_not_count(self, ask):
        for number in range(5):
            Mail.objects.create(recipient=ANNA, due_at=Now(), subject=f"Notice {number}")
        assert send(ask()) is None

    def test_a_user_sends_500_a_day(self, ask):
        made = ask()
        Mail.objects.bulk_create(
            Mail(
                recipient=f"admin@firm-{number}.example",
                sent_by=made.created_by,
                status=MailStatus.SENT,
                done_at=Now(),
            )
            for number in range(MOST_OF_ONE_USER - 1)
        )
        assert send(made) is None
        assert send(ask(to="other@werft.example")) is not None
        assert send(ask(HAFEN, to="other@werft.example")) is None

    @pytest.mark.race
    @pytest.mark.parametrize("race", ORDERS)
    @pytest.mark.django_db(transaction=True)
    def test_not_even_two_at_once_get_past_it(self, ask, race):
        for by in (KRANICH, HAFEN):
            send(ask(by))
        made = [ask(NORDLICHT), ask(KRANICH)]
        outcomes = race(lambda: send(made[0]), lambda: send(made[1]))
        assert [outcome.error for outcome in outcomes] == [None, None]
        assert sorted(outcome.value is None for outcome in outcomes) == [False, True]


class TestTheSender:
    def test_reads_that_the_request_waits_and_then_that_it_was_sent(self, ask):
        made = ask()
        browser = signed_in(KRANICH)
        text = {"subject": "A", "text": "B", "send": ""}
        page = followed(browser.post(page_of(made), text))
        assert ("status", "The request is on its way to its recipient.") in page.alerts
        assert "Waits to be sent by the portal" in page.facts
        all_sent()
        page = followed(browser.post(page_of(made), text | {"save": ""}))
        all_sent()
        made = RelationshipRequest.objects.get(pk=made.pk)
        page = signed_in(KRANICH).get(page_of(made)).content.decode()
        assert "Sent by the portal" in page
        assert "Waits to be sent" not in page

    def test_reads_until_when_it_waits(self, ask):
        for by in (KRANICH, HAFEN, NORDLICHT):
            send(ask(by))
        made = ask()
        page = followed(
            signed_in(KRANICH).post(page_of(made), {"subject": "A", "text": "B", "send": ""})
        )
        [(_kind, told)] = page.alerts
        assert told.startswith("The portal sends the request on ")
        assert " UTC: in 24 hours" in told
        assert told.endswith(
            "in 24 hours at most 3 mails go to one address, and at most 500 for one user."
        )

    def undelivered(self, made):
        send(made)
        mail = Mail.objects.claim()
        mail.refuse(REASON)
        return RelationshipRequest.objects.get(pk=made.pk)

    def test_reads_on_its_page_and_by_mail_that_it_did_not_arrive(self, demo, ask):
        made = self.undelivered(ask())
        page = signed_in(KRANICH).get(page_of(made)).content.decode()
        assert f"The mail could not be delivered to {ANNA}." in page
        assert REASON in page
        assert "Sent by the portal" not in page
        [told] = waiting()
        assert told.recipient == KRANICH
        assert told.subject in (
            "Your request to Werft Neu was not delivered",
            "Ihre Anfrage an Werft Neu wurde nicht zugestellt",
        )
        assert REASON in told.text
        [entry] = demo.log(action=Action.REQUEST_UNDELIVERED)
        assert (entry.actor, entry.reason, entry.after) == (None, REASON, {"recipient": ANNA})

    def test_may_send_it_again(self, ask):
        made = self.undelivered(ask())
        send(made)
        page = signed_in(KRANICH).get(page_of(made)).content.decode()
        assert "could not be delivered" not in page

    def test_hears_nothing_of_an_older_mail_or_an_answered_request(self, ask):
        made = ask()
        send(made)
        older = Mail.objects.claim()
        send(made)
        older.refuse(REASON)
        made.refresh_from_db()
        assert made.undelivered_at is None
        newer = Mail.objects.claim()
        made.withdraw(by=made.created_by)
        newer.refuse(REASON)
        made.refresh_from_db()
        assert made.undelivered_at is None
        assert waiting() == []

    def test_that_nobody_can_be_told_does_not_send_it_again(self, ask, monkeypatch, caplog):
        def fail(request, answer):
            raise RuntimeError

        monkeypatch.setattr(RelationshipRequest, "note_undelivered", fail)
        made = self.undelivered(ask())
        assert made.undelivered_at is None
        assert Mail.objects.get().status == MailStatus.REFUSED
        assert "Nobody could be told of undelivered mail" in caplog.text


def test_the_demo_needs_no_queue(demo):
    """In tests without the queue mail is in the outbox at once."""
    made = RelationshipRequestFactory(
        partner=demo.partner("Kranich Consulting"), created_by=demo.user(KRANICH)
    )
    send(made)
    assert [sent.to for sent in django_mail.outbox] == [[made.recipient_email]]


def ask_new(browser, number):
    data = {
        "recipient_name": "Werft",
        "recipient_email": f"a{number}@werft.example",
        "language": "de",
    }
    return browser.post("/relationships/requests/new/", data)


def test_a_user_makes_so_many_requests_a_day_and_reads_when_it_goes_on(demo, monkeypatch):
    """Each costs rows, and a mail that somebody else gets."""
    monkeypatch.setattr(request_querysets, "MOST_OF_ONE_USER", 2)
    browser = signed_in(KRANICH)
    for number in range(2):
        assert ask_new(browser, number).status_code == 302
    page = Page(ask_new(browser, 2))
    assert page.heading == "Request a relationship"
    assert re.search(
        r"You have made 2 requests within 24 hours\. You can make the next one on .+ UTC\.",
        page.text,
    )
    assert RelationshipRequest.objects.count() == 2
    assert ask_new(signed_in(HAFEN), 3).status_code == 302
    with time_machine.travel(timezone.now() + timedelta(days=1), tick=False):
        assert ask_new(signed_in(KRANICH), 4).status_code == 302
