"""Suspending and reactivating on the page of the subscription (S1, S2)."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from tests.pages import Page, signed_in

HELPDESK = "helpdesk@nordlicht.example"


@pytest.fixture
def path(office):
    return f"/customers/{office.customer_id}/subscriptions/{office.pk}/"


def test_S1_S2_suspended_and_reactivated_by_the_staff_of_the_seller(demo, office, path):
    browser = signed_in(HELPDESK)
    page = Page(browser.post(f"{path}suspend/", follow=True))
    assert page.alerts == [("status", "The subscription was suspended.")]
    assert page.facts["Status"].startswith("Suspended Must be reactivated by ")
    office.refresh_from_db()
    assert office.status == "suspended"
    page = Page(browser.post(f"{path}reactivate/", follow=True))
    assert page.alerts == [("status", "The subscription was reactivated.")]
    assert page.facts["Status"] == "Active"
    assert [entry.action for entry in demo.log(subject_id=office.pk)][-2:] == [
        "subscription.suspended",
        "subscription.reactivated",
    ]


def test_S2_too_late_says_until_when_it_was_possible(office, path):
    signed_in(HELPDESK).post(f"{path}suspend/")
    with time_machine.travel(timezone.now() + timedelta(days=92)):
        page = Page(signed_in(HELPDESK).post(f"{path}reactivate/", follow=True))
    assert page.alerts[0][1].startswith("It could be reactivated until ")
    office.refresh_from_db()
    assert office.status == "suspended"


def test_T2_the_users_admin_is_refused(path, nothing_written):
    browser = signed_in("users@nordlicht.example")
    with nothing_written():
        assert browser.post(f"{path}suspend/").status_code == 403


def test_S1_the_support_contact_that_is_not_the_seller_is_refused(
    demo, office, path, nothing_written
):
    office.designate(demo.partner("Hafen IT"), by=demo.user(HELPDESK))
    browser = signed_in("global@hafen.example")
    assert "Suspend" not in Page(browser.get(path)).text
    with nothing_written():
        page = Page(browser.post(f"{path}suspend/", follow=True))
    assert page.alerts == [("alert", "Only the partner that sold the subscription may do this.")]


def test_T1_for_others_it_does_not_exist(path, nothing_written):
    for email in ("global@suedwind.example", "global@brandt.example"):
        browser = signed_in(email)
        with nothing_written():
            assert browser.post(f"{path}suspend/").status_code == 404
