"""``/support/domain/``: a customer's admin proves its domain by a record in the DNS (R15)."""

import dns.rcode
import pytest
from django.core.cache import cache

from customers.domain_records import record_of
from portal.models import Action
from tests.factories import CustomerFactory, MembershipFactory
from tests.name_server import SILENT, name_server
from tests.pages import Page, signed_in

PATH = "/support/domain/"
HOST = "_partner-portal.werft.example"


@pytest.fixture
def werft(demo):
    cache.clear()
    customer = CustomerFactory(name="Werft Ost", domain="werft.example")
    MembershipFactory(customer=customer, user__email="ole@werft.example")
    return customer


@pytest.fixture
def browser(werft):
    return signed_in("ole@werft.example")


def check(browser, records):
    with name_server(records):
        return Page(browser.post(PATH, follow=True))


def test_R15_the_page_names_the_record(werft, browser):
    page = Page(browser.get(PATH))
    assert page.facts["Primary domain"] == "werft.example"
    assert page.facts["State"] == "Not proved"
    assert page.facts["Name"] == f"{HOST} or werft.example"
    assert page.facts["Value"] == record_of(werft)


def test_R15_it_stays_the_same_and_is_another_for_each_customer(werft):
    assert record_of(werft) == record_of(type(werft).objects.get(pk=werft.pk))
    assert record_of(werft) != record_of(CustomerFactory(domain="werft.example"))


@pytest.mark.parametrize("host", [HOST, "werft.example"])
def test_R15_the_record_proves_the_domain(demo, werft, browser, host):
    texts = ["v=spf1 -all", record_of(werft)]
    page = check(browser, {host: texts})
    assert page.alerts[0] == ("status", "The record was found: the domain is proved.")
    assert page.facts["State"] == "Proved"
    assert page.facts["How"] == "Record found in the DNS"
    werft.refresh_from_db()
    assert werft.domain_proved_how == "dns"
    entry = demo.log(customer=werft)[-1]
    assert (entry.action, entry.actor.email) == (Action.DOMAIN_PROVED, "ole@werft.example")


def test_R15_a_text_in_pieces_is_read_as_one(werft, browser):
    text = record_of(werft)
    check(browser, {HOST: [f'"{text[:20]}" "{text[20:]}"']})
    werft.refresh_from_db()
    assert werft.is_domain_proved


def test_R15_a_record_that_was_made_with_the_key_before_proves_it_too(werft, browser, settings):
    record = record_of(werft)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-key-that-is-long-enough-for-django"
    browser = signed_in("ole@werft.example")
    assert Page(browser.get(PATH)).facts["Value"] != record
    check(browser, {HOST: [record]})
    werft.refresh_from_db()
    assert werft.is_domain_proved


@pytest.mark.parametrize(
    ("records", "sentence"),
    [
        ({}, f"No such record was found at {HOST} or werft.example."),
        ({HOST: [], "werft.example": []}, "No such record was found"),
        ({"werft.example": ["partner-portal=1234"]}, "No such record was found"),
        (
            {HOST: dns.rcode.SERVFAIL, "werft.example": dns.rcode.SERVFAIL},
            f"The name servers gave no usable answer for {HOST}. Try again later.",
        ),
        (
            {HOST: SILENT, "werft.example": ["v=spf1 -all"]},
            f"The name servers of {HOST} did not answer in time. Try again later.",
        ),
    ],
)
def test_R15_what_is_wrong_is_said_in_words_and_nothing_is_written(
    werft, browser, records, sentence, monkeypatch
):
    monkeypatch.setattr("customers.domain_records.PATIENCE", 0.3)
    page = check(browser, records)
    assert page.alerts[0][0] == "alert"
    assert page.alerts[0][1].startswith(sentence)
    werft.refresh_from_db()
    assert not werft.is_domain_proved


def test_R15_another_customers_record_proves_nothing(werft, browser):
    check(browser, {HOST: [record_of(CustomerFactory(domain="werft.example"))]})
    werft.refresh_from_db()
    assert not werft.is_domain_proved


def test_R15_a_domain_that_another_has_proved_is_not_looked_up(demo, werft, browser):
    other = CustomerFactory(name="CANARY", domain="werft.example")
    other.confirm_domain(by=demo.user("operator@portal.example"))
    page = Page(browser.get(PATH))
    assert "Another customer of the portal has proved the domain werft.example." in page.text
    assert "CANARY" not in page.source
    with name_server({HOST: [record_of(werft)]}) as asked:
        browser.post(PATH)
    assert asked == []
    werft.refresh_from_db()
    assert not werft.is_domain_proved


def test_R15_a_shared_domain_is_not_looked_up(werft, browser):
    werft.domain = "werft.t-online.de"
    werft.save()
    assert "Many firms share the domain" in Page(browser.get(PATH)).text
    with name_server({"werft.t-online.de": [record_of(werft)]}) as asked:
        browser.post(PATH)
    assert asked == []
    werft.refresh_from_db()
    assert not werft.is_domain_proved


def test_R15_nobody_makes_the_portal_ask_again_and_again(werft, browser):
    with name_server({}) as asked:
        pages = [Page(browser.post(PATH, follow=True)) for _ in range(7)]
    assert len(asked) == 2 * 5
    assert pages[-1].alerts[0] == (
        "alert",
        "You have checked several times. Try again in a minute.",
    )


def test_R15_in_german(werft):
    page = Page(signed_in("ole@werft.example", **{"accept-language": "de"}).get(PATH))
    assert page.heading == "Nachweis der Domäne"
