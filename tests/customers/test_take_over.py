"""R15: whoever takes a record over keeps or ends each partner before anything else."""

from importlib import import_module

import pytest
from django.apps import apps
from django.core import mail
from django.core.exceptions import ValidationError
from django.utils import timezone

from customers.models import Customer
from portal.authority import PORTAL, NotAllowed
from portal.models import Action, ActivityEntry, Membership, User
from subscriptions.models import add_customer
from tests.factories import (
    CustomerFactory,
    MembershipFactory,
    RelationshipFactory,
    SubscriptionFactory,
)
from tests.pages import Page, signed_in

OLE = "ole@werft.example"
TAKE_OVER = "/support/takeover/"
OPEN = ["/accounts/2fa/", "/accounts/password/change/", TAKE_OVER]
CLOSED = [
    "/",
    "/support/",
    "/support/partners/",
    "/support/domain/",
    "/activity/",
    "/activity/export/",
    "/settings/users/",
    "/settings/profile/",
    "/words/",
]


@pytest.fixture
def werft(demo):
    """Nordlicht, with a subscription, and Hafen IT typed it in; then its admin came."""
    customer = CustomerFactory(name="Werft Ost", domain="werft.example", partners_reviewed_at=None)
    nordlicht = demo.partner("Nordlicht Distribution")
    RelationshipFactory(customer=customer, partner=nordlicht)
    RelationshipFactory(customer=customer, partner=demo.partner("Hafen IT"))
    SubscriptionFactory(
        customer=customer, seller=nordlicht, offer=demo.offer("Power BI Pro"), friendly_name="BI"
    )
    MembershipFactory(customer=customer, user__email=OLE)
    return customer


def answers(customer, *ended):
    return {
        one.pk.hex: "end" if one.partner.name in ended else "keep"
        for one in customer.relationships.active()
    }


def decisions(customer, *ended):
    return {one.pk: one.partner.name not in ended for one in customer.relationships.active()}


def standing(customer):
    return {one.partner.name: one.has_dap for one in customer.relationships.active()}


class TestFirst:
    @pytest.mark.parametrize("path", CLOSED)
    def test_R15_every_page_leads_there_until_it_is_decided(self, werft, path):
        browser = signed_in(OLE)
        answer = browser.get(path)
        assert (answer.status_code, answer.url) == (302, TAKE_OVER)
        browser.post(TAKE_OVER, answers(werft))
        assert getattr(browser.get(path), "url", "") != TAKE_OVER

    @pytest.mark.parametrize("path", OPEN)
    def test_R15_its_own_account_stays_open(self, werft, path):
        assert getattr(signed_in(OLE).get(path), "url", "") != TAKE_OVER

    @pytest.mark.parametrize("path", ["/accounts/logout/", "/accounts/language/"])
    def test_R15_it_can_sign_out_and_change_the_language(self, werft, path):
        assert signed_in(OLE).post(path, {"language": "de"}).url != TAKE_OVER

    def test_R15_nothing_is_done_on_other_pages(self, demo, werft, nothing_written):
        hafen = demo.relationship("Werft Ost", "Hafen IT")
        browser = signed_in(OLE)
        with nothing_written():
            answer = browser.post(f"/support/partners/{hafen.pk}/remove-dap/")
        assert answer.url == TAKE_OVER

    def test_R15_each_partner_is_shown_with_what_follows(self, werft):
        page = Page(signed_in(OLE).get(TAKE_OVER))
        assert page.heading == "Which partners may stay?"
        assert page.all_text("section//h2") == ["Hafen IT", "Nordlicht Distribution"]
        assert "The relationship stays until the 1 active subscription that it sold" in page.text
        assert page.find("input[@checked]") == []

    def test_R15_who_has_no_partners_is_not_asked(self, demo):
        customer = CustomerFactory(partners_reviewed_at=None)
        MembershipFactory(customer=customer, user__email=OLE)
        assert signed_in(OLE).get("/support/").status_code == 200
        assert signed_in(OLE).get(TAKE_OVER).url == "/support/partners/"

    def test_R15_what_its_admin_accepts_needs_no_second_look(self, demo):
        customer = CustomerFactory(partners_reviewed_at=None)
        admin = MembershipFactory(customer=customer, user__email=OLE).user
        customer.relationships.grant(demo.partner("Hafen IT"), customer, with_dap=True, by=admin)
        assert signed_in(OLE).get("/support/").status_code == 200

    def test_R15_others_are_not_led_there(self, demo, werft):
        for email in ("admin@albers.example", "global@nordlicht.example"):
            assert signed_in(email).get("/").url != TAKE_OVER
        assert signed_in("global@nordlicht.example").get(TAKE_OVER).status_code == 403

    def test_R15_the_first_admin_that_a_partner_invited_is_asked(self, demo):
        customer = add_customer(
            Customer(name="Werft Neu", domain="neu.example", country="DE"),
            email="ina@neu.example",
            name="Ina",
            by=demo.user("sales@nordlicht.example"),
        )
        ina = demo.user("ina@neu.example")
        ina.set_password("demo-portal")
        ina.has_joined = True
        ina.save()
        assert signed_in("ina@neu.example").get("/").url == TAKE_OVER
        assert customer.must_review_partners


class TestDeciding:
    def test_R15_what_is_kept_stays_as_it_is(self, demo, werft):
        page = Page(signed_in(OLE).post(TAKE_OVER, answers(werft), follow=True))
        assert page.heading == "Partner relationships"
        assert standing(werft) == {"Nordlicht Distribution": True, "Hafen IT": True}
        entry = demo.log(customer=werft)[-1]
        assert entry.action == Action.CUSTOMER_TAKEN_OVER
        assert sorted(entry.after.pop("kept")) == ["Hafen IT", "Nordlicht Distribution"]
        assert entry.after == {}

    def test_R15_what_is_ended_has_no_rights_and_answers_for_nothing(self, demo, werft):
        bi = demo.subscription("Werft Ost", "BI")
        hafen = demo.partner("Hafen IT")
        bi.designate(hafen, by=demo.user("helpdesk@nordlicht.example"))
        mail.outbox.clear()
        page = Page(signed_in(OLE).post(TAKE_OVER, answers(werft, "Hafen IT"), follow=True))
        assert "1 relationship was ended." in page.text
        assert standing(werft) == {"Nordlicht Distribution": True}
        assert demo.subscription("Werft Ost", "BI").support_contact.name == "Nordlicht Distribution"
        told = [sent for sent in mail.outbox if sent.to == ["global@hafen.example"]]
        assert [one.subject for one in told] == [
            "Beziehung mit Werft Ost entfernt: BI von Werft Ost nicht mehr bei Ihnen"
        ]

    def test_R9_one_with_active_subscriptions_loses_its_dap_at_once(self, demo, werft):
        page = Page(
            signed_in(OLE).post(TAKE_OVER, answers(werft, "Nordlicht Distribution"), follow=True)
        )
        assert "Nordlicht Distribution has no delegated admin privileges any more." in page.text
        assert standing(werft) == {"Nordlicht Distribution": False, "Hafen IT": True}
        assert demo.log(customer=werft)[-1].after["without_dap"] == ["Nordlicht Distribution"]

    def test_T1_partners_do_not_read_of_each_other(self, demo, werft):
        signed_in(OLE).post(TAKE_OVER, answers(werft, "Hafen IT"))
        for email in ("global@nordlicht.example", "global@hafen.example"):
            seen = ActivityEntry.objects.visible_to(demo.user(email).membership)
            assert not seen.filter(action=Action.CUSTOMER_TAKEN_OVER).exists()

    def test_R15_each_must_be_decided(self, werft, nothing_written):
        browser = signed_in(OLE)
        data = answers(werft)
        data.popitem()
        with nothing_written():
            page = Page(browser.post(TAKE_OVER, data))
        assert page.field_errors == ["Say whether this partner may stay."]

    def test_R15_one_that_came_meanwhile_must_be_decided_too(self, demo, werft, nothing_written):
        admin = demo.user(OLE)
        seen = decisions(werft)
        RelationshipFactory(customer=werft, partner=demo.partner("Elbe Support"))
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            werft.take_over(seen, by=admin)
        assert refusal.value.code == "incomplete"

    @pytest.mark.parametrize("email", ["global@nordlicht.example", "admin@albers.example"])
    def test_R15_nobody_else_decides(self, demo, werft, email, nothing_written):
        with nothing_written(), pytest.raises(NotAllowed):
            werft.take_over(decisions(werft, "Hafen IT"), by=demo.user(email))


class TestRecords:
    """What partners typed for a domain that the firm has proved since."""

    @pytest.fixture
    def typed(self, demo):
        customer = CustomerFactory(
            name="Werft (getippt)", domain="werft.example", partners_reviewed_at=None
        )
        suedwind = demo.partner("Südwind Cloud")
        RelationshipFactory(customer=customer, partner=suedwind)
        RelationshipFactory(customer=customer, partner=demo.partner("Möwe Systems"))
        SubscriptionFactory(customer=customer, seller=suedwind, friendly_name="Getippt")
        return customer

    @pytest.fixture
    def proved(self, demo, werft):
        werft.settle_partners()
        werft.confirm_domain(by=PORTAL)
        return werft

    def test_T1_nothing_of_them_shows_before_the_domain_is_proved(self, demo, werft, typed):
        werft.settle_partners()
        browser = signed_in(OLE)
        assert "getippt" not in Page(browser.get("/support/partners/")).source
        assert browser.get(f"{TAKE_OVER}{typed.pk}/").status_code == 404
        assert browser.post(f"{TAKE_OVER}{typed.pk}/", answers(typed)).status_code == 404

    def test_R15_they_are_listed_with_their_partners(self, proved, typed):
        page = Page(signed_in(OLE).get("/support/partners/"))
        assert "Records that partners made for your domain" in page.text
        assert "Werft (getippt): Möwe Systems, Südwind Cloud" in page.text

    def test_R15_what_is_kept_moves_into_the_firms_own_record(self, demo, proved, typed):
        browser = signed_in(OLE)
        path = f"{TAKE_OVER}{typed.pk}/"
        assert "Partners made the record Werft (getippt)" in Page(browser.get(path)).text
        page = Page(browser.post(path, answers(typed, "Möwe Systems"), follow=True))
        assert page.heading == "Partner relationships"
        assert standing(proved) == {
            "Nordlicht Distribution": True,
            "Hafen IT": True,
            "Südwind Cloud": True,
        }
        assert demo.subscription("Werft Ost", "Getippt").customer == proved
        typed.refresh_from_db()
        assert typed.joined_into == proved
        assert not proved.must_review_partners
        assert "Werft (getippt):" not in page.text

    def test_R15_who_was_invited_to_it_and_never_came_is_no_admin(self, demo, proved, typed):
        Membership.objects.invite_first_admin(
            typed, email="squatter@mail.example", name="S", by=PORTAL
        )
        signed_in(OLE).post(f"{TAKE_OVER}{typed.pk}/", answers(typed))
        squatter = demo.user("squatter@mail.example")
        assert not squatter.is_active
        assert squatter.organisation == proved

    def test_R15_a_record_with_an_admin_is_for_operators_to_join(self, proved, typed):
        MembershipFactory(customer=typed)
        assert signed_in(OLE).get(f"{TAKE_OVER}{typed.pk}/").status_code == 404

    def test_R1_a_partner_on_both_is_refused_with_the_reason(
        self, demo, proved, typed, nothing_written
    ):
        RelationshipFactory(customer=typed, partner=demo.partner("Hafen IT"))
        browser = signed_in(OLE)
        with nothing_written():
            page = Page(browser.post(f"{TAKE_OVER}{typed.pk}/", answers(typed)))
        assert "Hafen IT has an active relationship with both records." in page.text
        browser.post(f"{TAKE_OVER}{typed.pk}/", answers(typed, "Hafen IT"))
        typed.refresh_from_db()
        assert typed.joined_into == proved


class TestTheUpdate:
    def test_R15_an_admin_who_has_been_here_is_not_asked_anew(self, demo, werft):
        """Another customer's admin was invited and never came."""
        fresh = CustomerFactory(partners_reviewed_at=None)
        MembershipFactory(customer=fresh, user__has_joined=False)
        User.objects.filter(email=OLE).update(last_login=timezone.now())
        module = import_module("customers.migrations.0005_reviewed_so_far")
        module.take_for_reviewed(apps, None)
        werft.refresh_from_db()
        fresh.refresh_from_db()
        assert werft.partners_reviewed_at is not None
        assert fresh.partners_reviewed_at is None
