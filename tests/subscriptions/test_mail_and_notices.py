"""C9: seller, former contact and customer are told when a contact falls back; and who is told of a choice."""

import pytest
from django.core import mail
from django.db import transaction

from portal.authority import PORTAL
from portal.models import Action, ActivityEntry, User
from portal.permissions import Role
from tests.factories import MembershipFactory, SubscriptionFactory

NORDLICHT = "global@nordlicht.example"
HAFEN = "global@hafen.example"
ALBERS = "admin@albers.example"


@pytest.fixture
def helpdesk(demo):
    return demo.user("helpdesk@nordlicht.example")


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


def dap_removed(demo):
    demo.relationship("Reederei Albers", "Hafen IT").remove_dap(by=demo.user(ALBERS))


def relationship_ended(demo):
    demo.relationship("Reederei Albers", "Hafen IT").end(by=demo.user(HAFEN))


def partnership_ended(demo):
    demo.partnership("Nordlicht Distribution", "Hafen IT").end(by=demo.user(HAFEN))


def partner_deactivated(demo):
    demo.partner("Hafen IT").deactivate(by=demo.user("operator@portal.example"))


WAYS_TO_FALL = [
    (dap_removed, "Delegated admin privileges removed", "Delegierte Administratorrechte entfernt"),
    (relationship_ended, "Relationship removed", "Beziehung entfernt"),
    (partnership_ended, "Partnership ended", "Partnerschaft beendet"),
    (partner_deactivated, "Partner deactivated", "Partner deaktiviert"),
]


class TestFallBack:
    @pytest.mark.parametrize(("fall", "reason", "grund"), WAYS_TO_FALL)
    def test_C9_seller_former_contact_and_customer_are_told_with_the_reason(
        self, demo, office, fall, reason, grund
    ):
        english(NORDLICHT, ALBERS)
        fall(demo)
        told = mails("upport")
        assert told.keys() == {NORDLICHT, HAFEN, ALBERS}
        assert told[NORDLICHT].subject == "1 support contact has changed"
        assert told[ALBERS].subject == "1 support contact has changed"
        assert told[HAFEN].subject == "1 Supportkontakt hat sich geändert"
        assert f"Reason: {reason}." in told[ALBERS].body
        assert f"Reason: {reason}." in told[NORDLICHT].body
        assert f"Grund: {grund}." in told[HAFEN].body
        line = "Office 365 Business Standard: Hafen IT → Nordlicht Distribution"
        assert f"\n{line}\n" in told[ALBERS].body
        for email in (NORDLICHT, HAFEN):
            assert f"Reederei Albers, {line}" in told[email].body

    def test_C9_what_was_bought_elsewhere_has_no_seller_to_tell(self, demo, helpdesk):
        english(ALBERS)
        visio = demo.subscription("Reederei Albers", "Visio Plan 2")
        visio.designate(demo.partner("Hafen IT"), by=demo.user(HAFEN))
        mail.outbox.clear()
        dap_removed(demo)
        told = mails("upport")
        assert told.keys() == {HAFEN, ALBERS}
        assert "Visio Plan 2: Hafen IT → No partner designated" in told[ALBERS].body

    def test_C9_one_mail_for_each_party_whatever_the_number(self, demo, office, helpdesk):
        english(ALBERS, NORDLICHT, HAFEN)
        for name in ("Azure plan", "Microsoft 365 E3"):
            demo.subscription("Reederei Albers", name).designate(
                demo.partner("Hafen IT"), by=helpdesk
            )
        mail.outbox.clear()
        dap_removed(demo)
        told = mails("support contact")
        assert told.keys() == {NORDLICHT, HAFEN, ALBERS}
        for sent in told.values():
            assert sent.subject == "3 support contacts have changed"
            assert sent.body.count("→ Nordlicht Distribution") == 3

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
        told = mails("support contact")
        assert told.keys() == {
            NORDLICHT,
            HAFEN,
            ALBERS,
            "admin@huber.example",
            "global@suedwind.example",
        }
        for email in (NORDLICHT, ALBERS):
            assert "Office 365 Business Standard" in told[email].body
            assert "CANARY" not in told[email].body
        for email in ("admin@huber.example", "global@suedwind.example"):
            assert "CANARY" in told[email].body
            assert "Office 365 Business Standard" not in told[email].body
        assert told[HAFEN].subject == "2 support contacts have changed"

    def test_C9_where_nothing_falls_nobody_is_told(self, demo):
        partnership_ended(demo)
        assert mails("upportkontakt") == {}

    def test_C9_who_has_no_admin_is_no_reason_to_fail(self, demo, office):
        demo.user(ALBERS).membership.role_rows.all().delete()
        demo.relationship("Reederei Albers", "Hafen IT").remove_dap(by=PORTAL)
        assert mails("upportkontakt").keys() == {NORDLICHT, HAFEN}

    @pytest.mark.parametrize(("fall", "reason", "grund"), WAYS_TO_FALL)
    def test_C9_nobody_is_told_of_what_was_rolled_back(
        self, demo, office, queue, fall, reason, grund, nothing_written
    ):
        with nothing_written(), transaction.atomic():
            fall(demo)
            assert queue.count() >= 3
            transaction.set_rollback(True)

    @pytest.mark.parametrize(("fall", "reason", "grund"), WAYS_TO_FALL)
    def test_C9_mail_and_change_are_one_transaction(
        self, demo, office, queue, fall, reason, grund, monkeypatch, nothing_written
    ):
        def full_disk(*args, **kwargs):
            raise OSError("No space left on device")

        monkeypatch.setattr(type(ActivityEntry.objects), "record", full_disk)
        with nothing_written(), pytest.raises(OSError, match="No space left"):
            fall(demo)


def notices(demo, email):
    return [
        (entry.subject, entry.reason)
        for entry in ActivityEntry.objects.notices_for(demo.user(email))
    ]


class TestNotices:
    @pytest.mark.parametrize(
        ("fall", "reason"),
        [
            (dap_removed, Action.DAP_REMOVED),
            (relationship_ended, Action.RELATIONSHIP_ENDED),
            (partnership_ended, Action.PARTNERSHIP_ENDED),
            (partner_deactivated, Action.PARTNER_DEACTIVATED),
        ],
    )
    def test_C9_seller_former_contact_and_customer_notice_it(self, demo, office, fall, reason):
        fall(demo)
        for email in (NORDLICHT, "helpdesk@nordlicht.example", HAFEN, ALBERS):
            assert notices(demo, email) == [("Office 365 Business Standard", reason)]

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

    def test_C9_until_it_was_read(self, demo, office):
        dap_removed(demo)
        [newest] = ActivityEntry.objects.notices_for(demo.user(ALBERS))
        User.objects.filter(email=ALBERS).update(notices_seen=newest.pk)
        assert notices(demo, ALBERS) == []
        assert len(notices(demo, HAFEN)) == 1

    def test_C9_what_comes_later_is_noticed_again(self, demo, office, helpdesk):
        dap_removed(demo)
        [newest] = ActivityEntry.objects.notices_for(demo.user(ALBERS))
        User.objects.filter(email=ALBERS).update(notices_seen=newest.pk)
        demo.relationship("Reederei Albers", "Hafen IT").grant_dap(by=PORTAL)
        office.designate(demo.partner("Hafen IT"), by=helpdesk)
        assert notices(demo, ALBERS) == []
        dap_removed(demo)
        assert len(notices(demo, ALBERS)) == 1

    @pytest.mark.parametrize("email", [HAFEN, ALBERS])
    def test_C9_many_are_noticed_bit_by_bit_until_each_was_shown(
        self, demo, office, email, monkeypatch
    ):
        monkeypatch.setattr("portal.models.activity.MOST_NOTICES", 2)
        for number in range(4):
            SubscriptionFactory(
                customer=office.customer, seller=office.seller, friendly_name=f"Product {number}"
            ).designate(demo.partner("Hafen IT"), by=demo.user(NORDLICHT))
        dap_removed(demo)
        user, shown = demo.user(email), []
        while found := list(ActivityEntry.objects.notices_for(user)):
            assert len(found) <= 2
            assert found == sorted(found, key=lambda entry: -entry.pk)
            shown += found
            user.notices_seen = found[0].pk
        assert len(shown) == len(set(shown)) == 5

    def test_a_designation_is_no_notice(self, demo, office):
        assert notices(demo, ALBERS) == []


class TestDesignation:
    def test_contact_and_customer_are_told_in_their_language(self, demo, helpdesk):
        english(HAFEN)
        office = demo.subscription("Reederei Albers", "Office 365 Business Standard")
        office.designate(demo.partner("Hafen IT"), by=helpdesk)
        told = mails()
        assert told.keys() == {HAFEN, ALBERS}
        assert told[HAFEN].subject == "You are the support contact for Reederei Albers"
        page = f"/customers/{office.customer.pk}/subscriptions/{office.pk}/"
        assert f"https://portal.example{page}" in told[HAFEN].body
        assert told[ALBERS].subject == (
            "Der Supportkontakt für Office 365 Business Standard hat sich geändert"
        )
        assert "Telefon: +49 40 5550400" in told[ALBERS].body
        assert "E-Mail: support@hafen.example" in told[ALBERS].body
        assert "https://portal.example/support/" in told[ALBERS].body

    def test_taken_back_only_the_customer_is_told(self, demo, office, helpdesk):
        """The seller did it itself."""
        office.designate(demo.partner("Nordlicht Distribution"), by=helpdesk)
        assert mails().keys() == {ALBERS}

    def test_nobody_designated_is_said_so(self, demo, helpdesk):
        english(ALBERS)
        visio = demo.subscription("Reederei Albers", "Visio Plan 2")
        visio.designate(demo.partner("Hafen IT"), by=helpdesk)
        mail.outbox.clear()
        visio.designate(None, by=helpdesk)
        assert mails().keys() == {ALBERS}
        assert "No partner is designated for Visio Plan 2 any more." in mails()[ALBERS].body

    def test_C7_nothing_changed_nobody_told(self, demo, office, helpdesk):
        office.designate(demo.partner("Hafen IT"), by=helpdesk)
        assert mails() == {}

    def test_who_designates_its_own_firm_gets_no_mail_of_it(self, demo):
        hafen = demo.partner("Hafen IT")
        MembershipFactory(partner=hafen, roles=[Role.GLOBAL_ADMIN])
        visio = demo.subscription("Reederei Albers", "Visio Plan 2")
        visio.designate(hafen, by=demo.user(HAFEN))
        assert mails().keys() == {ALBERS}

    def test_nobody_is_told_of_what_was_rolled_back(self, demo, helpdesk, queue, nothing_written):
        office = demo.subscription("Reederei Albers", "Office 365 Business Standard")
        with nothing_written(), transaction.atomic():
            office.designate(demo.partner("Hafen IT"), by=helpdesk)
            assert queue.count() == 2
            transaction.set_rollback(True)
