"""C11: whoever answers, whoever no longer does, and the customer are told once of each act."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from portal.authority import PORTAL
from portal.models import Action, ActivityEntry, MailChoice, Notice, Task, User
from portal.permissions import Role
from portal.worker import due
from tests.factories import (
    CustomerFactory,
    MembershipFactory,
    RelationshipFactory,
    SubscriptionFactory,
)
from tests.pages import Page, signed_in
from tests.subscriptions.contacts import (
    dap_removed,
    partner_deactivated,
    partnership_ended,
    relationship_ended,
)

NORDLICHT = "global@nordlicht.example"
HAFEN = "global@hafen.example"
ALBERS = "admin@albers.example"
# The support mailboxes, which no single person reads.
NORDLICHT_DESK = "support@nordlicht.example"
HAFEN_DESK = "support@hafen.example"
OFFICE = "Office 365 Business Standard"


@pytest.fixture
def office(demo, helpdesk):
    """Sold to Reederei Albers by Nordlicht; Hafen answers for it."""
    office = demo.subscription("Reederei Albers", "Office 365 Business Standard")
    office.designate(demo.partner("Hafen IT"), by=helpdesk)
    mail.outbox.clear()
    return office


def english(*emails):
    User.objects.filter(email__in=emails).update(language="en")


def mails(subject=None):
    """Who was sent what: subject by address."""
    sent = [(one.to[0], one) for one in mail.outbox if subject is None or subject in one.subject]
    assert len(dict(sent)) == len(sent), "two mails about one thing"
    return dict(sent)


# What each of the three reads first: the seller, the former contact, the customer.
DAP = "Delegated admin privileges"
WAYS_TO_FALL = [
    (
        dap_removed,
        (
            f"{DAP} of Hafen IT for Reederei Albers removed",
            f"{DAP} for Reederei Albers removed",
            f"{DAP} of Hafen IT removed",
        ),
    ),
    (
        relationship_ended,
        (
            "Relationship of Hafen IT with Reederei Albers removed",
            "Relationship with Reederei Albers removed",
            "Relationship with Hafen IT removed",
        ),
    ),
    (
        partnership_ended,
        (
            "Partnership with Hafen IT ended",
            "Partnership with Nordlicht Distribution ended",
            "Partnership ended",
        ),
    ),
    (
        partner_deactivated,
        (
            "Partner deactivated (Hafen IT)",
            "Partner deactivated",
            "Partner deactivated (Hafen IT)",
        ),
    ),
]


class TestFallBack:
    @pytest.mark.parametrize(("fall", "said"), WAYS_TO_FALL)
    def test_C11_seller_former_contact_and_customer_are_told_what_happened(
        self, demo, office, fall, said
    ):
        english(NORDLICHT, ALBERS, HAFEN)
        fall(demo)
        told = mails()
        assert told.keys() == {NORDLICHT, NORDLICHT_DESK, HAFEN, HAFEN_DESK, ALBERS}
        for_seller, for_former, for_customer = said
        assert told[NORDLICHT].subject == (
            f"{for_seller}: {OFFICE} of Reederei Albers now with you"
        )
        assert told[HAFEN].subject == (
            f"{for_former}: {OFFICE} of Reederei Albers no longer with you"
        )
        assert told[ALBERS].subject == (
            f"{for_customer}: Nordlicht Distribution now answers for {OFFICE}"
        )
        line = f"{OFFICE}: Hafen IT → Nordlicht Distribution"
        assert f"\n{line}\n" in told[ALBERS].body
        for email in (NORDLICHT, HAFEN):
            assert f"Reederei Albers, {line}" in told[email].body

    @pytest.mark.parametrize(("fall", "said"), WAYS_TO_FALL)
    def test_C11_former_contact_and_customer_read_the_new_number(self, demo, office, fall, said):
        english(HAFEN, ALBERS)
        fall(demo)
        told = mails()
        for email in (HAFEN, ALBERS):
            assert (
                "Whom to call from now on:\n\nNordlicht Distribution\n"
                "Phone: 040 5550100\nEmail: support@nordlicht.example\n"
            ) in told[email].body

    def test_C11_a_mailbox_is_written_to_in_the_language_of_its_country(self, demo, office):
        dap_removed(demo)
        assert mails()[HAFEN_DESK].subject == (
            f"Delegierte Administratorrechte für Reederei Albers entfernt: {OFFICE} von Reederei Albers"
            " nicht mehr bei Ihnen"
        )
        assert "/settings/profile/" not in mails()[HAFEN_DESK].body
        assert "https://portal.example/settings/profile/" in mails()[HAFEN].body

    def test_C11_a_mailbox_that_is_an_admin_s_too_gets_one_mail(self, demo, office):
        type(demo.partner("Hafen IT")).objects.filter(name="Hafen IT").update(support_email=HAFEN)
        dap_removed(demo)
        assert HAFEN in mails()

    def test_C9_what_was_bought_elsewhere_has_no_seller_to_tell(self, demo, helpdesk):
        english(ALBERS)
        visio = demo.subscription("Reederei Albers", "Visio Plan 2")
        visio.designate(demo.partner("Hafen IT"), by=demo.user(HAFEN))
        mail.outbox.clear()
        dap_removed(demo)
        told = mails()
        assert told.keys() == {HAFEN, HAFEN_DESK, ALBERS}
        assert told[ALBERS].subject.endswith(": No partner is designated for Visio Plan 2 now")
        assert "Visio Plan 2: Hafen IT → No partner designated" in told[ALBERS].body
        assert "Whom to call" not in told[ALBERS].body

    def test_C11_one_mail_for_each_party_whatever_the_number(self, demo, office, helpdesk):
        english(ALBERS, NORDLICHT, HAFEN)
        for name in ("Azure plan", "Microsoft 365 E3"):
            demo.subscription("Reederei Albers", name).designate(
                demo.partner("Hafen IT"), by=helpdesk
            )
        mail.outbox.clear()
        dap_removed(demo)
        told = mails()
        assert told.keys() == {NORDLICHT, NORDLICHT_DESK, HAFEN, HAFEN_DESK, ALBERS}
        for sent in told.values():
            assert sent.body.count("→ Nordlicht Distribution") == 3
        assert told[NORDLICHT].subject == (
            "Delegated admin privileges of Hafen IT for Reederei Albers removed:"
            " 3 subscriptions of Reederei Albers now with you"
        )
        assert told[ALBERS].subject == (
            "Delegated admin privileges of Hafen IT removed: 3 products have another support contact"
        )

    def test_C11_an_ended_partnership_is_one_act_with_numbers(self, demo, office, helpdesk):
        """Sixty subscriptions of three customers: a mail names the first fifty and says how many more."""
        english(ALBERS, NORDLICHT, HAFEN)
        hafen, nordlicht = demo.partner("Hafen IT"), demo.partner("Nordlicht Distribution")
        for customer in CustomerFactory.create_batch(2):
            for partner in (hafen, nordlicht):
                RelationshipFactory(partner=partner, customer=customer, has_dap=True)
            for number in range(30):
                SubscriptionFactory(
                    customer=customer, seller=nordlicht, friendly_name=f"Product {number}"
                ).designate(hafen, by=helpdesk)
        mail.outbox.clear()
        partnership_ended(demo)
        told = mails()
        assert told.keys() == {NORDLICHT, NORDLICHT_DESK, HAFEN, HAFEN_DESK, ALBERS}
        assert told[NORDLICHT].subject == (
            "Partnership with Hafen IT ended: 61 subscriptions of 3 customers now with you"
        )
        assert told[HAFEN].subject == (
            "Partnership with Nordlicht Distribution ended:"
            " 61 subscriptions of 3 customers no longer with you"
        )
        assert told[ALBERS].subject == (
            f"Partnership ended: Nordlicht Distribution now answers for {OFFICE}"
        )
        assert told[NORDLICHT].body.count("→") == 50
        assert "… and 11 more" in told[NORDLICHT].body

    @pytest.mark.parametrize("email", [NORDLICHT, HAFEN, ALBERS])
    def test_C11_the_link_in_the_mail_opens_what_it_tells(self, demo, office, email):
        partnership_ended(demo)
        [link] = re.findall(r"https://portal.example(/notices/\S+)", mails()[email].body)
        page = Page(signed_in(email).get(link))
        assert page.all_text("tbody/tr/th") == [OFFICE]

    def test_T1_everyone_reads_of_its_own_only(self, demo, office, helpdesk):
        """Hafen answered at two customers, for two sellers; each reads of its own."""
        english(NORDLICHT, HAFEN, ALBERS, "admin@huber.example", "global@suedwind.example")
        hafen = demo.partner("Hafen IT")
        huber = demo.customer("Weingut Huber")
        type(demo.relationship("Weingut Huber", "Südwind Cloud")).objects.start(
            hafen, huber, has_dap=True, by=PORTAL
        )
        type(demo.partnership("Südwind Cloud", "Möwe Systems")).objects.start(
            demo.partner("Südwind Cloud"), hafen, by=PORTAL
        )
        canary = SubscriptionFactory(
            customer=huber, seller=demo.partner("Südwind Cloud"), friendly_name="CANARY"
        )
        canary.designate(hafen, by=demo.user("global@suedwind.example"))
        mail.outbox.clear()
        hafen.deactivate(by=PORTAL)
        told = mails()
        assert told.keys() == {
            NORDLICHT,
            NORDLICHT_DESK,
            HAFEN,
            HAFEN_DESK,
            ALBERS,
            "admin@huber.example",
            "global@suedwind.example",
            "support@suedwind.example",
        }
        for email in (NORDLICHT, ALBERS):
            assert "Office 365 Business Standard" in told[email].body
            assert "CANARY" not in told[email].body
        for email in ("admin@huber.example", "global@suedwind.example"):
            assert "CANARY" in told[email].body
            assert "Office 365 Business Standard" not in told[email].body
        assert told[HAFEN].subject == (
            "Partner deactivated: 2 subscriptions of 2 customers no longer with you"
        )

    def test_C11_an_end_is_told_to_the_other_side_even_where_nothing_falls(self, demo):
        """Hafen's Global admin ended them itself; a mailbox hears only of who answers."""
        partnership_ended(demo)
        assert [(to, one.subject) for to, one in mails().items()] == [
            (NORDLICHT, "Partnerschaft mit Hafen IT beendet")
        ]
        mail.outbox.clear()
        relationship_ended(demo)
        assert [(to, one.subject) for to, one in mails().items()] == [
            (ALBERS, "Beziehung mit Hafen IT entfernt")
        ]

    def test_C9_who_has_no_admin_is_no_reason_to_fail(self, demo, office):
        demo.user(ALBERS).membership.role_rows.all().delete()
        demo.relationship("Reederei Albers", "Hafen IT").remove_dap(by=PORTAL)
        assert mails().keys() == {NORDLICHT, NORDLICHT_DESK, HAFEN, HAFEN_DESK}

    @pytest.mark.parametrize(("fall", "said"), WAYS_TO_FALL)
    def test_C9_nobody_is_told_of_what_was_rolled_back(
        self, demo, office, queue, fall, said, nothing_written
    ):
        with nothing_written(), transaction.atomic():
            fall(demo)
            assert queue.count() >= 3
            transaction.set_rollback(True)

    @pytest.mark.parametrize(("fall", "said"), WAYS_TO_FALL)
    def test_C9_mail_and_change_are_one_transaction(
        self, demo, office, queue, fall, said, monkeypatch, nothing_written
    ):
        def full_disk(*args, **kwargs):
            raise OSError("No space left on device")

        monkeypatch.setattr(type(ActivityEntry.objects), "record", full_disk)
        with nothing_written(), pytest.raises(OSError, match="No space left"):
            fall(demo)


def notices(demo, email):
    return [notice.headline for notice in Notice.objects.undismissed_by(demo.user(email))]


class TestNotices:
    @pytest.mark.parametrize(("fall", "said"), WAYS_TO_FALL)
    def test_C11_seller_former_contact_and_customer_notice_it(self, demo, office, fall, said):
        fall(demo)
        seller, former, customer = said
        for email in (NORDLICHT, "agent@nordlicht.example"):
            assert notices(demo, email)[0] == f"{seller}: {OFFICE} of Reederei Albers now with you"
        assert (
            notices(demo, HAFEN)[0] == f"{former}: {OFFICE} of Reederei Albers no longer with you"
        )
        assert notices(demo, ALBERS)[0] == (
            f"{customer}: Nordlicht Distribution now answers for {OFFICE}"
        )

    @pytest.mark.parametrize(
        "email",
        [
            "global@elbe.example",
            "global@suedwind.example",
            "global@moewe.example",
            "admin@petersen.example",
            "operator@portal.example",
        ],
    )
    def test_T1_nobody_else_does(self, demo, office, email):
        dap_removed(demo)
        assert notices(demo, email) == []

    def test_C11_a_choice_is_noticed_by_both_firms_and_the_customer(self, demo, office):
        assert notices(demo, HAFEN) == [
            f"Support contact changed: {OFFICE} of Reederei Albers now with you"
        ]
        assert notices(demo, NORDLICHT) == [
            f"Support contact changed: {OFFICE} of Reederei Albers no longer with you"
        ]
        assert notices(demo, ALBERS) == [
            f"Support contact changed: Hafen IT now answers for {OFFICE}"
        ]

    def test_C11_who_chose_needs_no_notice_of_it(self, demo, office, helpdesk):
        assert notices(demo, helpdesk.email) == []

    def test_C11_each_dismisses_for_itself_one_or_all(self, demo, office):
        dap_removed(demo)
        albers = demo.user(ALBERS)
        newest, older = Notice.objects.undismissed_by(albers)
        older.dismissed_by.add(albers)
        assert list(Notice.objects.undismissed_by(albers)) == [newest]
        albers.dismiss_notices(newest.pk)
        assert notices(demo, ALBERS) == []
        assert len(notices(demo, HAFEN)) == 2

    def test_C11_what_comes_later_is_noticed_again(self, demo, office, helpdesk):
        dap_removed(demo)
        albers = demo.user(ALBERS)
        albers.dismiss_notices(Notice.objects.undismissed_by(albers).first().pk)
        demo.relationship("Reederei Albers", "Hafen IT").grant_dap(by=PORTAL)
        office.designate(demo.partner("Hafen IT"), by=helpdesk)
        assert len(notices(demo, ALBERS)) == 1


class TestWhenMailComes:
    def pick(self, email, choice):
        User.objects.filter(email=email).update(answering_mail=choice, language="en")

    def test_C11_none_is_none_but_the_page_has_it(self, demo, office):
        self.pick(HAFEN, MailChoice.NONE)
        dap_removed(demo)
        assert mails().keys() == {NORDLICHT, NORDLICHT_DESK, HAFEN_DESK, ALBERS}
        assert len(notices(demo, HAFEN)) == 2

    def test_C11_once_a_day_the_worker_sends_one_mail(self, demo, office):
        self.pick(HAFEN, MailChoice.DAILY)
        dap_removed(demo)
        demo.partnership("Nordlicht Distribution", "Hafen IT").end(by=PORTAL)
        assert not [one for one in mail.outbox if one.to == [HAFEN]]
        mail.outbox.clear()
        run_task("digests")
        told = mails()
        assert told.keys() == {HAFEN}
        assert told[HAFEN].subject == "Who answers: 2 notices of the day"
        assert "Partnership with Nordlicht Distribution ended" in told[HAFEN].body
        assert f"{OFFICE} of Reederei Albers no longer with you" in told[HAFEN].body
        mail.outbox.clear()
        run_task("digests")
        assert mails() == {}

    @pytest.mark.parametrize("change", [{"answering_mail": "none"}, {"is_active": False}])
    def test_C11_who_wants_none_by_then_gets_none(self, demo, office, change):
        self.pick(HAFEN, MailChoice.DAILY)
        dap_removed(demo)
        mail.outbox.clear()
        User.objects.filter(email=HAFEN).update(**change)
        run_task("digests")
        assert mails() == {}
        User.objects.filter(email=HAFEN).update(answering_mail="daily", is_active=True)
        run_task("digests")
        assert mails() == {}

    def test_C11_it_is_picked_in_the_profile(self, demo):
        english(HAFEN)
        browser = signed_in(HAFEN)
        answer = browser.post(
            "/settings/profile/", {"name": "Hanna", "language": "en", "answering_mail": "daily"}
        )
        assert answer.status_code == 302
        assert demo.user(HAFEN).answering_mail == MailChoice.DAILY
        assert ("mail about support contacts", "At once", "Once a day") in demo.log(
            action=Action.USER_CHANGED
        )[-1].changes

    @pytest.mark.parametrize("sent", [{}, {"answering_mail": ""}])
    def test_C11_a_profile_sent_without_it_keeps_it(self, demo, sent):
        self.pick(HAFEN, MailChoice.DAILY)
        answer = signed_in(HAFEN).post("/settings/profile/", {"name": "Hanna", **sent})
        assert answer.status_code == 302
        assert demo.user(HAFEN).answering_mail == MailChoice.DAILY


class TestFormerContact:
    def test_C11_who_lost_a_subscription_reads_what_it_was_and_since_when_not(self, demo, office):
        dap_removed(demo)
        office.friendly_name = "CANARY"
        office.save()
        page = Page(
            signed_in(HAFEN).get(f"/customers/{office.customer.pk}/subscriptions/{office.pk}/")
        )
        assert page.heading == OFFICE
        assert page.all_text("dt") == ["Customer", "Your company answered for it until"]
        assert page.all_text("dd")[0] == "Reederei Albers"
        assert "CANARY" not in page.text
        assert "Nordlicht" not in page.text

    def test_C11_so_does_a_former_seller(self, demo, office):
        office.customer.subscriptions.update(status="suspended", suspended_at=timezone.now())
        demo.relationship("Reederei Albers", "Nordlicht Distribution").end(by=PORTAL)
        page = Page(
            signed_in(NORDLICHT).get(f"/customers/{office.customer.pk}/subscriptions/{office.pk}/")
        )
        assert page.heading == OFFICE
        assert page.all_text("dt")[-1] == "Relationship with the customer ended"

    @pytest.mark.parametrize("email", ["global@elbe.example", "global@moewe.example"])
    def test_T1_for_everyone_else_it_does_not_exist(self, demo, office, email):
        dap_removed(demo)
        page = f"/customers/{office.customer.pk}/subscriptions/{office.pk}/"
        assert signed_in(email).get(page).status_code == 404

    @pytest.mark.parametrize("page", ["history/", "edit/", "support-contact/review/"])
    def test_T1_nothing_more_than_that(self, demo, office, page):
        dap_removed(demo)
        address = f"/customers/{office.customer.pk}/subscriptions/{office.pk}/"
        assert signed_in(HAFEN).get(address + page).status_code == 404
        assert signed_in(HAFEN).post(address, {}).status_code in (403, 404)


def run_task(name):
    Task.objects.know([name])
    Task.objects.filter(name=name).update(due_at=Now())
    task = Task.objects.filter(name=name).claim()
    task.finish(due.recurring[name].run(task), again_in=timedelta(days=1))


class TestDesignation:
    def test_both_firms_and_the_customer_are_told_in_their_language(self, demo, helpdesk):
        english(HAFEN)
        office = demo.subscription("Reederei Albers", OFFICE)
        office.designate(demo.partner("Hafen IT"), by=helpdesk)
        told = mails()
        assert told.keys() == {HAFEN, HAFEN_DESK, NORDLICHT, NORDLICHT_DESK, ALBERS}
        assert told[HAFEN].subject == (
            f"Support contact changed: {OFFICE} of Reederei Albers now with you"
        )
        assert told[NORDLICHT].subject == (
            f"Supportkontakt geändert: {OFFICE} von Reederei Albers nicht mehr bei Ihnen"
        )
        assert told[ALBERS].subject == (
            f"Supportkontakt geändert: Hafen IT ist jetzt für {OFFICE} zuständig"
        )
        assert "Telefon: 040 5550400" in told[ALBERS].body
        assert "E-Mail: support@hafen.example" in told[ALBERS].body

    def test_C11_taken_back_the_former_contact_is_told_too(self, demo, office, helpdesk):
        english(HAFEN)
        office.designate(demo.partner("Nordlicht Distribution"), by=helpdesk)
        assert mails().keys() == {HAFEN, HAFEN_DESK, NORDLICHT, NORDLICHT_DESK, ALBERS}
        assert mails()[HAFEN].subject == (
            f"Support contact changed: {OFFICE} of Reederei Albers no longer with you"
        )

    def test_nobody_designated_is_said_so(self, demo, helpdesk):
        english(ALBERS)
        visio = demo.subscription("Reederei Albers", "Visio Plan 2")
        visio.designate(demo.partner("Hafen IT"), by=helpdesk)
        mail.outbox.clear()
        visio.designate(None, by=helpdesk)
        assert mails().keys() == {HAFEN, HAFEN_DESK, ALBERS}
        assert "No partner is designated for Visio Plan 2 now." in mails()[ALBERS].body

    def test_C7_nothing_changed_nobody_told(self, demo, office, helpdesk):
        office.designate(demo.partner("Hafen IT"), by=helpdesk)
        assert mails() == {}

    def test_C11_who_designates_its_own_firm_gets_no_mail_of_it_but_colleagues_do(self, demo):
        hafen = demo.partner("Hafen IT")
        colleague = MembershipFactory(partner=hafen, roles=[Role.GLOBAL_ADMIN]).user
        visio = demo.subscription("Reederei Albers", "Visio Plan 2")
        visio.designate(hafen, by=demo.user(HAFEN))
        assert mails().keys() == {colleague.email, HAFEN_DESK, ALBERS}

    def test_nobody_is_told_of_what_was_rolled_back(self, demo, helpdesk, queue, nothing_written):
        office = demo.subscription("Reederei Albers", OFFICE)
        with nothing_written(), transaction.atomic():
            office.designate(demo.partner("Hafen IT"), by=helpdesk)
            assert queue.count() == 5
            transaction.set_rollback(True)
