"""Adding subscriptions of the catalogue to a customer, as the seller's staff does it."""

import re
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from portal.authority import PORTAL
from subscriptions.models import Subscription
from tests.factories import OfferFactory
from tests.pages import Page, signed_in

HELPDESK = "helpdesk@nordlicht.example"
SALES = "sales@nordlicht.example"


@pytest.fixture
def petersen(demo):
    return demo.customer("Backhaus Petersen")


@pytest.fixture
def path(petersen):
    return reverse("subscriptions:add", args=[petersen.pk])


def offered(page):
    return [re.sub(r" (Add-on|Trial)$", "", row["Offer"]) for row in page.table]


def row(page, offer):
    [found] = [row for row in page.table if row["Offer"].startswith(offer)]
    return found["Choose"]


def typed(*offers, **fields):
    """What the form holds for these offers: 5 licenses each, but for what ``fields`` says otherwise."""
    data = {"offer": [str(offer.pk) for offer in offers]}
    for offer in offers:
        if offer.is_licensed:
            data[f"quantity-{offer.pk}"] = "5"
        data |= {f"{name}-{offer.pk}": value for name, value in fields.items()}
    return data


def post(path, data, email=HELPDESK, **more):
    return signed_in(email).post(path, {**data, **more})


def added(petersen):
    demo = ("Exchange Online (Plan 1)", "Microsoft 365 Business Basic")
    return {one.friendly_name: one for one in petersen.subscriptions.exclude(offer__name__in=demo)}


class TestCatalogue:
    def test_it_shows_what_is_on_sale_and_says_what_cannot_be_chosen_and_why(self, path):
        page = Page(signed_in(HELPDESK).get(path))
        assert page.heading == "Add subscriptions"
        assert "Azure plan" in offered(page)
        assert "Project Plan 1" not in offered(page)
        assert row(page, "Azure plan") == "Choose"
        assert row(page, "Fjord Archive") == (
            "Choose This add-on needs an active subscription to one of: Fjord Endpoint Protection."
        )
        assert row(page, "Defender for Office 365 (Plan 1)") == "Choose"
        assert "Nothing yet. Choose offers of the catalogue above." in page.text

    @pytest.mark.parametrize(
        ("filters", "expected"),
        [
            ({"publisher": "Fjord Software", "billing": "usage"}, ["Fjord Backup"]),
            ({"q": "DEFENDER"}, ["Defender for Office 365 (Plan 1)"]),
            ({"category": "Cloud platform"}, ["Azure plan"]),
            ({"q": "nothing like it"}, []),
            (
                {"publisher": "nobody", "category": "Cloud platform"},
                ["Azure plan"],
            ),
        ],
    )
    def test_it_is_filtered(self, path, filters, expected):
        page = Page(post(path, filters, show="1"))
        assert offered(page) == expected
        if not expected:
            assert "No offer matches." in page.text

    def test_filtering_and_choosing_lose_nothing(self, demo, path, nothing_written):
        bi, backup = demo.offer("Power BI Pro"), demo.offer("Fjord Backup")
        data = typed(bi, name="BI of the bakery", quantity="8", mpn_id="5200200")
        with nothing_written():
            page = Page(post(path, data, publisher="Fjord Software", choose=str(backup.pk)))
        assert page.all_text("fieldset/legend") == [
            "Power BI Pro",
            "Fjord Backup",
        ]
        assert page.hidden(f"name-{bi.pk}") == "BI of the bakery"
        assert page.hidden(f"quantity-{bi.pk}") == "8"
        assert page.hidden(f"mpn_id-{bi.pk}") == "5200200"
        assert set(offered(page)) == {"Fjord Archive", "Fjord Backup", "Fjord Endpoint Protection"}
        assert row(page, "Fjord Backup") == "Choose Chosen below."

    def test_what_was_chosen_can_be_removed(self, demo, path, nothing_written):
        bi, backup = demo.offer("Power BI Pro"), demo.offer("Fjord Backup")
        with nothing_written():
            page = Page(post(path, typed(bi, backup), remove=str(bi.pk)))
        assert page.all_text("fieldset/legend") == ["Fjord Backup"]

    def test_an_add_on_can_be_chosen_with_its_base(self, demo, path):
        page = Page(post(path, typed(demo.offer("Fjord Endpoint Protection")), show="1"))
        assert row(page, "Fjord Archive") == "Choose"

    @pytest.mark.parametrize("key", ["", "x", "\x00", str(uuid.uuid4())])
    def test_what_is_no_offer_is_not_chosen(self, path, key, nothing_written):
        with nothing_written():
            page = Page(post(path, {"offer": [key]}, choose=key))
        assert page.all_text("fieldset/legend") == []

    def test_a_long_catalogue_says_how_many_are_left_out(self, demo, path):
        OfferFactory.create_batch(45)
        page = Page(signed_in(HELPDESK).get(path))
        assert len(page.table) == 50
        assert page.all_text("caption") == [
            "50 offers. 12 more match: narrow the search to see them."
        ]

    def test_it_costs_the_same_whatever_its_length(self, demo, path):
        browser = signed_in(HELPDESK)

        def cost():
            browser.get(path)
            with CaptureQueriesContext(connection) as queries:
                browser.get(path)
            return len(queries)

        few = cost()
        OfferFactory.create_batch(20)
        assert cost() == few


class TestAdding:
    def test_S1_C1_one_leads_on_to_the_choice_of_its_support_contact(self, demo, petersen, path):
        bi = demo.offer("Power BI Pro")
        data = typed(bi, name="BI", quantity="8", mpn_id="5200200", renews="on")
        browser = signed_in(HELPDESK)
        answer = browser.post(path, data)
        [subscription] = added(petersen).values()
        assert answer.url == reverse("subscriptions:detail", args=[petersen.pk, subscription.pk])
        assert (subscription.friendly_name, subscription.quantity) == ("BI", 8)
        assert subscription.reseller_of_record.name == "Elbe Support"
        assert subscription.auto_renew
        assert subscription.support_contact.name == "Nordlicht Distribution"
        page = Page(browser.get(answer.url))
        assert [text for _role, text in page.alerts] == [
            "1 subscription was added.",
            "Your company answers for it. If another partner is to do so, choose it here.",
        ]
        assert set(page.options) == {"Nordlicht Distribution", "Elbe Support"}

    def test_T2_who_may_not_choose_the_contact_is_not_asked_to(self, demo, path):
        answer = post(path, typed(demo.offer("Power BI Pro")), SALES)
        page = Page(signed_in(SALES).get(answer.url))
        assert "Your company answers for it" not in page.text

    def test_several_at_once_an_add_on_with_its_base(self, demo, petersen, path):
        offers = [demo.offer(name) for name in ("Fjord Archive", "Fjord Endpoint Protection")]
        browser = signed_in(HELPDESK)
        page = Page(browser.post(path, typed(*offers), follow=True))
        assert page.heading == "Backhaus Petersen"
        assert page.alerts[0] == ("status", "2 subscriptions were added.")
        assert set(added(petersen)) == {"Fjord Archive", "Fjord Endpoint Protection"}

    def test_sent_twice_it_is_added_once(self, demo, petersen, path):
        key = Page(signed_in(HELPDESK).get(path)).hidden("key")
        data = typed(demo.offer("Azure plan"), demo.offer("Power BI Pro")) | {"key": key}
        first, again = post(path, data), post(path, data)
        assert (first.status_code, again.status_code, first.url) == (302, 302, again.url)
        assert set(added(petersen)) == {"Azure plan", "Power BI Pro"}

    @pytest.mark.parametrize(
        ("fields", "error"),
        [
            ({"quantity": ""}, "Enter how many licenses."),
            ({"quantity": "many"}, "Enter a whole number."),
            ({"quantity": "4"}, "This offer is sold in quantities from 5."),
            ({"quantity": "5001"}, "This offer is sold in quantities up to 5,000."),
            ({"quantity": "-1"}, "Ensure this value is greater than or equal to 0."),
            (
                {"quantity": "9" * 30},
                "Ensure this value is less than or equal to 2147483647.",
            ),
            ({"name": "x" * 201}, "Ensure this value has at most 200 characters (it has 201)."),
            (
                {"mpn_id": "5200400"},
                "No indirect reseller that your company works with has this MPN ID.",
            ),
            (
                {"mpn_id": "0000"},
                "No indirect reseller that your company works with has this MPN ID.",
            ),
            (
                {"mpn_id": "4100100"},
                "No indirect reseller that your company works with has this MPN ID.",
            ),
        ],
    )
    def test_S4_what_is_wrong_is_said_at_its_field_and_nothing_is_written(
        self, demo, path, fields, error, nothing_written
    ):
        """5200400 is Möwe's, which has no partnership; that it exists is not told (T1)."""
        offer, other = demo.offer("Fjord Endpoint Protection"), demo.offer("Power BI Pro")
        data = typed(offer, other) | typed(offer, **fields)
        with nothing_written():
            answer = post(path, data | {"offer": [str(offer.pk), str(other.pk)]})
        assert answer.status_code == 200
        page = Page(answer)
        assert page.field_errors == [error]
        [(role, summary)] = page.alerts
        assert role == "alert"
        assert "Fjord Endpoint Protection, " in summary

    def test_nothing_chosen_is_an_error(self, path, nothing_written):
        with nothing_written():
            page = Page(post(path, {}))
        assert "Choose at least one offer of the catalogue." in page.text

    def test_an_offer_that_went_off_sale_meanwhile_is_no_longer_there(
        self, demo, petersen, path, nothing_written
    ):
        with nothing_written():
            page = Page(post(path, typed(demo.offer("Project Plan 1"))))
        assert "Choose at least one offer of the catalogue." in page.text

    def test_one_per_customer_is_refused_above_the_form(
        self, demo, petersen, path, nothing_written
    ):
        post(path, typed(demo.offer("Azure plan")))
        with nothing_written():
            page = Page(post(path, typed(demo.offer("Azure plan"), demo.offer("Power BI Pro"))))
        assert (
            "Azure plan: The customer has this offer already. It is sold once to each."
            in page.alerts[0][1]
        )

    def test_what_a_colleague_was_quicker_with_is_refused_too(
        self, demo, petersen, path, nothing_written, monkeypatch
    ):
        """The form found nothing to refuse; the model looks again, behind its lock."""
        post(path, typed(demo.offer("Azure plan")))
        monkeypatch.setattr(
            "subscriptions.forms.OrderForm.holdings", {"active": set(), "held": set()}
        )
        with nothing_written():
            page = Page(post(path, typed(demo.offer("Azure plan"))))
        assert "The customer has this offer already." in page.alerts[0][1]

    def test_R10_a_direct_bill_partner_has_no_reseller_of_record(self, demo):
        praxis = demo.customer("Praxis Dr. Yılmaz")
        path = reverse("subscriptions:add", args=[praxis.pk])
        bi = demo.offer("Power BI Pro")
        browser = signed_in("global@brandt.example")
        page = Page(browser.post(path, {"choose": str(bi.pk)}))
        assert page.main.find(f".//input[@name='mpn_id-{bi.pk}']") is None
        assert browser.post(path, typed(bi, mpn_id="5200200")).status_code == 302
        assert praxis.subscriptions.get(offer=bi).reseller_of_record is None


class TestWhoMay:
    def test_T2_a_reseller_reads_why_not(self, petersen, path, nothing_written):
        browser = signed_in("global@elbe.example")
        with nothing_written():
            for answer in (browser.get(path), browser.post(path, {})):
                assert answer.status_code == 403
                assert "An indirect reseller sells through its provider." in Page(answer).text

    def test_T1_another_partners_customer_is_not_there(self, demo, path, nothing_written):
        with nothing_written():
            answer = post(path, typed(demo.offer("Power BI Pro")), "global@suedwind.example")
        assert answer.status_code == 404

    def test_R9_without_a_relationship_nothing_is_sold(self, demo, petersen, path):
        for subscription in petersen.subscriptions.all():
            subscription.suspend(by=demo.user(HELPDESK))
        demo.relationship("Backhaus Petersen", "Nordlicht Distribution").end(by=PORTAL)
        assert post(path, typed(demo.offer("Power BI Pro"))).status_code == 404
        assert not Subscription.objects.filter(offer__name="Power BI Pro", customer=petersen)
