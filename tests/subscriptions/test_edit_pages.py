"""Changing a subscription on its page (S1, S2, S4)."""

import pytest

from portal.authority import PORTAL
from subscriptions.models import Subscription
from subscriptions.views import SubscriptionEditView
from tests.pages import Page, signed_in

HELPDESK = "helpdesk@nordlicht.example"
AGENT = "agent@nordlicht.example"


def detail(subscription):
    return f"/customers/{subscription.customer_id}/subscriptions/{subscription.pk}/"


@pytest.fixture
def path(office):
    return f"{detail(office)}edit/"


def form(path, email=HELPDESK):
    return Page(signed_in(email).get(path))


TYPED = {
    "friendly_name": "Office of the fleet",
    "quantity": "30",
    "auto_renew": "on",
    "mpn_id": "5200100",
}


def test_S1_the_form_shows_what_is_and_saves_what_is_typed(demo, office, path):
    page = form(path)
    assert page.heading == "Change the subscription"
    assert page.hidden("friendly_name") == "Office 365 Business Standard"
    assert page.hidden("quantity") == "25"
    assert page.hidden("mpn_id") is None
    answer = signed_in(HELPDESK).post(path, {**TYPED, "seen": page.hidden("seen")}, follow=True)
    page = Page(answer)
    assert page.alerts == [("status", "The subscription was changed.")]
    assert page.heading == "Office of the fleet"
    assert page.facts["Quantity"] == "30 licenses"
    assert page.facts["Reseller of record"] == "Hafen IT (MPN ID 5200100)"
    assert form(path).hidden("mpn_id") == "5200100"


def test_saving_what_is_changes_nothing_and_says_so(office, path, nothing_written):
    browser = signed_in(HELPDESK)
    data = {"friendly_name": "", "quantity": "25", "auto_renew": "on", "mpn_id": ""}
    with nothing_written():
        page = Page(browser.post(path, data, follow=True))
    assert page.alerts == [("status", "Nothing was changed.")]


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"quantity": ""}, "Enter how many licenses."),
        ({"quantity": "x"}, "Enter a whole number."),
        ({"quantity": "0"}, "This offer is sold in quantities from 1."),
        ({"quantity": "301"}, "This offer is sold in quantities up to 300."),
        ({"quantity": "99999999"}, "This offer is sold in quantities up to 300."),
        ({"friendly_name": "x" * 201}, "Ensure this value has at most 200 characters"),
        ({"friendly_name": "\x00"}, "Null characters are not allowed."),
        ({"mpn_id": "5200400"}, "No indirect reseller that your company works with"),
        ({"mpn_id": "x" * 99}, "Ensure this value has at most 20 characters"),
    ],
)
def test_S4_what_is_wrong_is_said_at_its_field(path, fields, error, nothing_written):
    with nothing_written():
        answer = signed_in(HELPDESK).post(path, TYPED | fields)
    assert answer.status_code == 200
    page = Page(answer)
    assert len(page.field_errors) == 1
    assert page.field_errors[0].startswith(error)
    assert page.text.count("Office 365 Business Standard")


def test_a_quantity_beyond_all_numbers_is_an_error_at_its_field(path, nothing_written):
    with nothing_written():
        page = Page(signed_in(HELPDESK).post(path, TYPED | {"quantity": "9" * 40}))
    assert page.field_errors[0].startswith("Ensure this value is less than or equal to")


def test_S2_the_quantity_is_inactive_while_suspended_and_a_posted_one_is_not_taken(demo):
    e3 = demo.subscription("Reederei Albers", "Microsoft 365 E3")
    path = f"{detail(e3)}edit/"
    page = form(path)
    assert "disabled" in page.main.find(".//input[@name='quantity']").attrib
    assert "The quantity can't be changed while the subscription is suspended." in page.text
    answer = signed_in(HELPDESK).post(path, {**TYPED, "quantity": "99"})
    assert answer.status_code == 302
    e3.refresh_from_db()
    assert (e3.quantity, e3.friendly_name) == (10, "Office of the fleet")


def test_S2_suspended_while_the_form_was_open_is_an_error_at_the_quantity(
    demo, office, path, monkeypatch
):
    """The form was made for an active one; the model looks again."""
    original = SubscriptionEditView.form_valid

    def suspend_first(self, form):
        Subscription.objects.get(pk=office.pk).suspend(by=demo.user(AGENT))
        return original(self, form)

    monkeypatch.setattr(SubscriptionEditView, "form_valid", suspend_first)
    page = Page(signed_in(HELPDESK).post(path, TYPED))
    assert page.field_errors == [
        "The quantity can't be changed while the subscription is suspended."
    ]
    office.refresh_from_db()
    assert office.quantity == 25


def test_usage_based_has_no_quantity_to_change(demo):
    azure = demo.subscription("Reederei Albers", "Azure plan")
    path = f"{detail(azure)}edit/"
    assert form(path).main.find(".//input[@name='quantity']") is None
    assert signed_in(HELPDESK).post(path, TYPED).status_code == 302
    azure.refresh_from_db()
    assert (azure.quantity, azure.friendly_name) == (None, "Office of the fleet")


def test_who_was_overtaken_is_told_by_whom_and_how_and_can_save_again(
    demo, office, path, nothing_written
):
    seen = form(path).hidden("seen")
    signed_in(AGENT).post(
        path, {"friendly_name": "Agent's", "quantity": "26", "mpn_id": "", "auto_renew": "on"}
    )
    mine = {**TYPED, "seen": seen}
    with nothing_written():
        answer = signed_in(HELPDESK).post(path, mine)
    assert answer.status_code == 409
    page = Page(answer)
    [(role, text)] = page.alerts
    assert role == "alert"
    assert text.startswith(
        "Admin agent, Nordlicht Distribution (agent@nordlicht.example) changed this since you opened"
        " the page. Nothing was overwritten."
    )
    assert page.facts["quantity"] == "25 → 26"
    assert page.hidden("friendly_name") == "Office of the fleet"
    mine["seen"] = page.hidden("seen")
    assert signed_in(HELPDESK).post(path, mine).status_code == 302
    office.refresh_from_db()
    assert (office.friendly_name, office.quantity) == ("Office of the fleet", 30)


def test_R10_a_reseller_whose_partnership_ended_stays_on_record(demo):
    basic = demo.subscription("Backhaus Petersen", "Microsoft 365 Business Basic")
    demo.partnership("Nordlicht Distribution", "Elbe Support").end(by=PORTAL)
    path = f"{detail(basic)}edit/"
    assert form(path).hidden("mpn_id") == "5200200"
    assert signed_in(HELPDESK).post(path, TYPED | {"mpn_id": "5200200"}).status_code == 302
    basic.refresh_from_db()
    assert (basic.quantity, basic.reseller_of_record.name) == (30, "Elbe Support")
    signed_in(HELPDESK).post(path, TYPED | {"mpn_id": ""})
    answer = signed_in(HELPDESK).post(path, TYPED | {"mpn_id": "5200200"})
    assert Page(answer).field_errors == [
        "No indirect reseller that your company works with has this MPN ID."
    ]


@pytest.mark.parametrize(
    ("email", "status"),
    [
        ("users@nordlicht.example", 403),
        ("global@suedwind.example", 404),
        ("global@hafen.example", 404),
        ("admin@albers.example", 403),
    ],
)
def test_T1_T2_nobody_else(path, email, status, nothing_written):
    browser = signed_in(email)
    with nothing_written():
        assert browser.get(path).status_code == status
        assert browser.post(path, TYPED).status_code == status


def test_S1_who_sees_it_but_did_not_sell_it_reads_why_not(demo, office, path, nothing_written):
    office.designate(demo.partner("Hafen IT"), by=demo.user(HELPDESK))
    browser = signed_in("global@hafen.example")
    with nothing_written():
        for answer in (browser.get(path), browser.post(path, TYPED)):
            assert answer.status_code == 403
            assert "Only the partner that sold the subscription may do this." in Page(answer).text
    page = Page(browser.get(detail(office)))
    assert (
        "Only the staff of Nordlicht Distribution, which sold this subscription,"
        " may change, suspend or reactivate it." in page.text
    )


def test_C4_nobody_changes_what_was_bought_elsewhere(demo, nothing_written):
    visio = demo.subscription("Reederei Albers", "Visio Plan 2")
    browser = signed_in(HELPDESK)
    with nothing_written():
        assert browser.post(f"{detail(visio)}edit/", TYPED).status_code == 403


def test_S2_the_page_shows_the_dates(demo, office):
    page = Page(signed_in(HELPDESK).get(detail(office)))
    assert {"Started on", "Renews on"} <= set(page.facts)
    office.auto_renew = False
    office.change(["auto_renew"], by=demo.user(HELPDESK))
    office.suspend(by=demo.user(HELPDESK))
    page = Page(signed_in(HELPDESK).get(detail(office)))
    assert {"Suspended since", "Term ends on"} <= set(page.facts)
    assert "Must be reactivated by" in page.facts["Status"]
