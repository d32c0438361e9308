"""R6, R11: the customer's admin accepts or declines; a link that is dead says what became of it."""

from datetime import UTC, datetime

import pytest
from django.test import Client

from customers.models import Customer
from portal.authority import PORTAL
from portal.models import Action
from relationships.models import Relationship, RelationshipRequest
from tests.demo import ALBERS, GLOBAL, KRANICH, PETERSEN
from tests.pages import Page, errors, followed, opened, signed_in
from tests.relationships.pages import REQUESTS


def test_R6_the_admin_accepts(demo, ask):
    made = ask()
    page = opened(ALBERS, made.path)
    assert "You answer in the name of Reederei Albers." in page.text
    assert [one for one in page.find("input") if one.get("name") == "agrees"] == []
    page = followed(signed_in(ALBERS).post(made.path + "accept/"))
    assert page.heading == "Support"
    assert ("status", "You accepted. Kranich Consulting now works with your company.") in (
        page.alerts
    )
    assert demo.relationship("Reederei Albers", "Kranich Consulting").has_dap
    assert opened(KRANICH, "/customers/").table[0]["Name"] == "Reederei Albers"


def test_R6_a_customer_that_did_not_accept_the_agreement_does_so_on_the_way(
    demo, ask, albers, nothing_written
):
    Customer.objects.update(agreement_accepted_at=None)
    made = ask()
    browser = signed_in(ALBERS)
    page = Page(browser.get(made.path))
    assert "Customer agreement" in page.all_text("summary")
    with nothing_written():
        answer = browser.post(made.path + "accept/")
    assert answer.status_code == 200
    page = Page(answer)
    assert errors(page, "agrees") == ["Tick the box to accept."]
    assert page.alerts[0][0] == "alert"
    followed(browser.post(made.path + "accept/", {"agrees": "on"}))
    albers.refresh_from_db()
    assert albers.agreement_accepted_at
    assert demo.log(action=Action.AGREEMENT_ACCEPTED, customer=albers)


@pytest.mark.parametrize("reason", ["", "   ", "\x00", "x" * 501, "x" * 5000])
def test_R6_declining_needs_a_reason(demo, ask, reason, nothing_written):
    made = ask()
    browser = signed_in(ALBERS)
    with nothing_written():
        answer = browser.post(made.path + "decline/", {"reason": reason})
    assert answer.status_code == 200
    assert errors(Page(answer), "reason")


def test_R6_the_partner_reads_why_it_was_declined(demo, ask):
    made = ask()
    page = followed(signed_in(ALBERS).post(made.path + "decline/", {"reason": "🦋 <No>"}))
    assert ("status", "You declined. The partner is told why.") in page.alerts
    assert "Declined 🦋 <No>" in opened(KRANICH, REQUESTS).table[0]["Status"]
    assert not Relationship.objects.active().filter(partner=made.partner).exists()


def test_R11_a_partner_of_another_sales_region_cannot_be_accepted(demo, ask, nothing_written):
    made = ask("global@pacific.example")
    browser = signed_in(ALBERS)
    with nothing_written():
        answer = browser.post(made.path + "accept/")
    assert answer.url == made.path
    assert "are not in the same sales region." in Page(browser.get(answer.url)).text


def test_a_refused_answer_can_be_read_in_the_other_language(demo, ask):
    """The switch leads back to the page, wherever the form was sent to."""
    made = ask()
    browser = signed_in(ALBERS)
    refused = Page(browser.post(made.path + "decline/", {"reason": ""}))
    back = refused.tree.find(".//footer//input[@name='next']").get("value")
    answer = browser.post("/accounts/language/", {"language": "de", "next": back})
    assert followed(answer).language == "de"


def dead_link(demo, ask, how, **fields):
    made = ask(**fields)
    match how:
        case "accepted":
            made.accept(by=demo.user(ALBERS))
        case "declined":
            made.decline(by=demo.user(ALBERS), reason="No")
        case "withdrawn":
            made.withdraw(by=demo.user(KRANICH))
        case "replaced":
            old = made.path
            made.renew(by=demo.user(KRANICH))
            return old
        case "expired":
            RelationshipRequest.objects.update(expires_at=datetime(2020, 5, 1, tzinfo=UTC))
        case "partner":
            demo.partner("Kranich Consulting").deactivate(by=PORTAL)
    return made.path


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ("accepted", "This request was accepted on"),
        ("declined", "This request was declined on"),
        ("withdrawn", "Kranich Consulting withdrew this request on"),
        ("replaced", "This link was replaced: the request was sent again. Use the newest link."),
        (
            "expired",
            "This request expired on 1 May 2020. Ask Kranich Consulting to send it again.",
        ),
        ("partner", "Kranich Consulting no longer takes part in the portal."),
    ],
)
def test_R6_a_dead_link_says_what_became_of_it(demo, ask, how, sentence, nothing_written):
    path = dead_link(demo, ask, how)
    browsers = [Client(headers={"accept-language": "en"}), signed_in(ALBERS), signed_in(KRANICH)]
    with nothing_written():
        for browser in browsers[:2] if how == "partner" else browsers:
            for answer in (
                browser.get(path),
                browser.post(path + "accept/", {"agrees": "on"}),
                browser.post(path + "decline/", {"reason": "No"}),
                browser.post(path + "prove/"),
                browser.get(path + "register/"),
                browser.post(path + "register/", {"email": "me@firm.example"}),
                browser.get(path + "register/a.b.c/"),
            ):
                assert answer.status_code == 410
                page = Page(answer)
                assert page.heading == "This link no longer works"
                assert sentence in page.text
                assert page.facts["Partner"] == "Kranich Consulting"


def test_T1_a_dead_link_tells_a_stranger_neither_who_was_asked_nor_who_answered(demo, ask):
    path = dead_link(demo, ask, "accepted")
    for email in (None, PETERSEN, GLOBAL):
        page = opened(email, path, 410)
        assert list(page.facts) == ["Partner"]
        assert "Albers" not in page.text
    for email in (ALBERS, KRANICH):
        answer = opened(email, path, 410).facts["Answered by"]
        assert answer.endswith("(admin@albers.example) for Reederei Albers")


def test_a_dead_link_speaks_german_too(demo, ask):
    path = dead_link(demo, ask, "withdrawn", language="de")
    answer = Client(headers={"accept-language": "en"}).get(path)
    page = Page(answer)
    assert page.language == "de"
    assert "This request" not in page.source
    assert "withdrew" not in page.source
