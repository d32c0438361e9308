"""The pages about who works with whom, as their readers see them."""

import re
import uuid
from datetime import UTC, datetime
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from django.conf import settings
from django.core import mail
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from time_machine import travel

from customers.models import Customer
from portal.authority import PORTAL
from portal.models import Action, Notice, ProofMethod, User
from portal.permissions import Role
from relationships.models import (
    Relationship,
    RelationshipRequest,
    RequestKind,
    RequestStatus,
)
from tests.factories import (
    MembershipFactory,
    PartnerFactory,
    PartnershipFactory,
    RelationshipFactory,
)
from tests.pages import Page, signed_in

GLOBAL = "global@nordlicht.example"
AGENT = "agent@nordlicht.example"
SALES = "sales@nordlicht.example"
HELPDESK = "helpdesk@nordlicht.example"
HAFEN = "global@hafen.example"
KRANICH = "global@kranich.example"
MOEWE = "global@moewe.example"
ALBERS = "admin@albers.example"
PETERSEN = "admin@petersen.example"
OPERATOR = "operator@portal.example"
OFFICE = "Office 365 Business Standard"
REQUESTS = "/relationships/requests/"
NEW = "/relationships/requests/new/"
WAITING = "section[@aria-labelledby='waiting-heading']"
NOT_ALLOWED = "Not allowed"
FIRM = {"recipient_name": "Werft Neu", "recipient_email": "anna@werft.example", "language": "en"}
ODD = {
    "NUL": "a\x00b",
    "long": "x" * 5000,
    "newline": "Firm\r\nBcc: everyone@elsewhere.example",
    "emoji": "🦋 Werft 👩‍🚀",
    "right to left": "\u202eشركة الميناء\u202c",
    "markup": "<script>alert(1)</script>{{ 7 }}",
}


def clock_at(*when):
    """The clock stands still, at a moment after everything that the demo data did."""
    return travel(datetime(2100, *when, tzinfo=UTC), tick=False)


def opened(email, path, status=200, **headers):
    browser = signed_in(email, **headers) if email else Client(headers={"accept-language": "en"})
    answer = browser.get(path)
    assert answer.status_code == status
    return Page(answer)


def followed(answer):
    """The page that an answer leads to, in the same browser."""
    assert answer.status_code == 302, Page(answer).text
    page = answer.client.get(answer.url)
    while page.status_code == 302:
        page = answer.client.get(page.url)
    assert page.status_code == 200
    return Page(page)


def value(page, name):
    """What a field of the form holds."""
    [field] = [one for one in page.main.iter() if one.get("name") == name]
    if field.tag == "textarea":
        return (field.text or "").removeprefix("\n")
    if field.tag == "select":
        chosen = [one for one in field.findall("option") if "selected" in one.attrib]
        return (chosen or field.findall("option"))[0].get("value")
    if field.get("type") == "checkbox":
        return "checked" in field.attrib
    return field.get("value") or ""


def links(page):
    return {" ".join("".join(link.itertext()).split()): link.get("href") for link in page.find("a")}


def errors(page, name):
    """What stands at a field."""
    return [
        text
        for field in page.main.iter("div")
        if any(one.get("name") == name for one in field.iter()) and "field" in field.get("class")
        for one in field.findall("ul[@class='errorlist']/li")
        for text in one.itertext()
    ]


def lines(text):
    return text.replace("\r\n", "\n")


@pytest.fixture
def albers(demo):
    return demo.customer("Reederei Albers")


@pytest.fixture
def ask(demo):
    """``ask(email, firm, address, **fields)``: an open request, with DAP unless told otherwise."""

    def ask(email=KRANICH, name="Reederei Albers", address=ALBERS, **fields):
        fields = {"language": "en", "subject": "Hello", "text": "Please accept.", **fields}
        return RelationshipRequest.objects.ask(
            by=demo.user(email), recipient_name=name, recipient_email=address, **fields
        )

    return ask


@pytest.fixture
def invite(ask):
    """``invite(address)``: an open invitation of Nordlicht to the reseller of this address."""

    def invite(address=MOEWE, **fields):
        return ask(GLOBAL, "Möwe", address, kind=RequestKind.RESELLER, with_dap=False, **fields)

    return invite


def page_of(made):
    return reverse("relationships:request", args=[made.pk])


# The list of requests


def test_R5_the_list_says_by_whom_to_whom_what_status_and_when(demo, ask):
    with clock_at(1, 1):
        ask(GLOBAL, "Expired AG", "a@expired.example", with_dap=False)
    with clock_at(6, 1):
        provider = demo.partner("Nordlicht Distribution")
        joint = ask(HAFEN, "Joint AG", "a@joint.example", provider=provider)
        ask(GLOBAL, "Open AG", "a@open.example")
        withdrawn = ask(SALES, "Withdrawn AG", "a@withdrawn.example", with_dap=False)
    with clock_at(6, 2):
        withdrawn.withdraw(by=demo.user(GLOBAL))
        declined = ask(GLOBAL, "Praxis", "admin@yilmaz.example")
    with clock_at(6, 3):
        declined.decline(by=demo.user("admin@yilmaz.example"), reason="We have <one>.")
        page = opened(HELPDESK, REQUESTS)
        hafen = opened(HAFEN, REQUESTS)
    rows = {row["To"]: row for row in page.table}
    assert next(iter(rows)) == "Praxisadmin@yilmaz.example"
    assert rows["Praxisadmin@yilmaz.example"] == {
        "To": "Praxisadmin@yilmaz.example",
        "Kind": "Reseller relationship",
        "Delegated admin privileges": "Yes",
        "Status": "Declined We have <one>.",
        "Created": "2 June 2100Global admin, Nordlicht Distribution",
        "Open until": "31 August 2100",
        "Closed": "3 June 2100Dr. Elif Yılmaz for Praxis Dr. Yılmaz",
    }
    assert {to.partition("@")[0]: row["Status"] for to, row in rows.items()} == {
        "Praxisadmin": "Declined We have <one>.",
        "Withdrawn AGa": "Withdrawn",
        "Open AGa": "Open",
        "Expired AGa": "Expired",
    }
    assert rows["Expired AGa@expired.example"]["Delegated admin privileges"] == "No"
    assert [row["Kind"] for row in hafen.table] == [
        "Reseller relationship (with Nordlicht Distribution)"
    ]
    assert links(hafen)["Joint AG"] == page_of(joint)


def test_the_list_is_searched_and_empty_it_says_what_to_do(demo, ask):
    assert "Your company has not requested a relationship yet." in opened(KRANICH, REQUESTS).text
    ask(KRANICH, "Werft & Co", "a@one.example")
    ask(KRANICH, "Other", "a@two.example")
    assert len(opened(KRANICH, REQUESTS + "?q=werft").table) == 1
    assert len(opened(KRANICH, REQUESTS + "?q=TWO.example").table) == 1
    page = opened(KRANICH, REQUESTS + "?q=<nothing>")
    assert "No request found for “<nothing>”." in page.text
    for query in ("?q=%00", "?q=" + "x" * 5000, "?page=%00", "?q=%ED%A0%80"):
        opened(KRANICH, REQUESTS + query)


@pytest.mark.parametrize(("email", "may"), [(GLOBAL, 1), (AGENT, 1), (SALES, 1), (HELPDESK, 0)])
def test_T2_only_who_may_ask_is_offered_to(demo, email, may):
    assert ("Request a relationship" in links(opened(email, REQUESTS))) == bool(may)


def test_T2_a_helpdesk_agent_may_not_ask_at_all(demo, nothing_written):
    page = opened(HELPDESK, NEW, 403)
    assert page.all_text("li") == ["Global admin", "Admin agent", "Sales agent"]
    with nothing_written():
        assert signed_in(HELPDESK).post(NEW, FIRM).status_code == 403


def test_the_list_costs_the_same_with_1_row_and_with_20(demo, ask):
    browser, costs = signed_in(KRANICH), []
    for more in (1, 19):
        for number in range(more):
            ask(KRANICH, "Firm", f"a@firm-{more}-{number}.example")
        with CaptureQueriesContext(connection) as queries:
            browser.get(REQUESTS)
        costs.append(len(queries))
    assert costs[0] == costs[1]


# A new request


def test_R3_the_form_asks_for_dap_unless_the_box_is_cleared(demo):
    page = opened(KRANICH, NEW)
    assert value(page, "with_dap") is True
    assert value(page, "language") == "de"
    browser = signed_in(KRANICH)
    for number, box in enumerate(({"with_dap": "on"}, {})):
        data = FIRM | box | {"recipient_email": f"a@firm-{number}.example"}
        browser.post(NEW, data)
    made = RelationshipRequest.objects.order_by("created_at")
    assert [one.with_dap for one in made] == [True, False]


@pytest.mark.parametrize(
    ("language", "subject", "greeting", "words"),
    [
        (
            "en",
            "Kranich Consulting asks to work with your company",
            "Dear admin of Werft Neu,",
            "We ask for delegated admin privileges",
        ),
        ("de", "Kranich Consulting", "Werft Neu", "Administratorrechte"),
    ],
)
def test_R4_creating_a_request_leads_to_its_draft(demo, language, subject, greeting, words):
    browser = signed_in(KRANICH)
    answer = browser.post(NEW, FIRM | {"with_dap": "on", "language": language})
    made = RelationshipRequest.objects.get()
    assert answer.url == page_of(made)
    page = followed(answer)
    assert page.heading == "Request to Werft Neu"
    assert page.facts["Status"] == "Open"
    assert page.facts["To"] == "Werft Neu, anna@werft.example"
    assert page.facts["Delegated admin privileges"] == "Yes"
    assert subject in value(page, "subject")
    assert greeting in value(page, "text")
    assert words in value(page, "text")
    assert value(page, "text").endswith("Kranich Consulting")
    assert "/invitations/" not in value(page, "text")
    assert mail.outbox == []


def test_R12_only_a_reseller_with_a_partnership_is_offered_a_joint_request(demo):
    page = opened(HAFEN, NEW)
    options = [option.text for option in page.find("select[@name='provider']/option")]
    assert options == ["Only my company", "Nordlicht Distribution"]
    for email in (GLOBAL, "global@brandt.example", "global@pacific.example"):
        assert not opened(email, NEW).find("select[@name='provider']")
    foreign = str(demo.partner("Südwind Cloud").pk)
    answer = signed_in(HAFEN).post(NEW, FIRM | {"provider": foreign})
    assert answer.status_code == 200
    assert errors(Page(answer), "provider")
    own = str(demo.partner("Nordlicht Distribution").pk)
    page = followed(signed_in(HAFEN).post(NEW, FIRM | {"provider": own, "with_dap": "on"}))
    assert page.facts["Kind"] == "Reseller relationship (with Nordlicht Distribution)"
    assert "Hafen IT and Nordlicht Distribution would like to work" in value(page, "text")


def test_T2_a_sales_agent_may_not_ask_for_dap_and_sees_why(demo):
    page = opened(SALES, NEW)
    [box] = [one for one in page.find("input") if one.get("name") == "with_dap"]
    assert "disabled" in box.attrib
    assert "checked" not in box.attrib
    assert "Your roles do not include requesting these." in page.text
    assert followed(signed_in(SALES).post(NEW, FIRM)).facts["Delegated admin privileges"] == "No"
    assert not RelationshipRequest.objects.get().with_dap


def test_T2_a_sales_agent_who_asks_for_dap_by_hand_is_told_the_roles_that_may(
    demo, nothing_written
):
    with nothing_written():
        answer = signed_in(SALES).post(NEW, FIRM | {"with_dap": "on"})
    assert answer.status_code == 403
    assert Page(answer).all_text("li") == ["Global admin", "Admin agent"]


def test_R7_a_customer_of_ones_own_is_filled_in_and_stays(demo, albers):
    path = f"{NEW}?customer={albers.pk}"
    page = opened("global@elbe.example", path)
    assert value(page, "recipient_name") == "Reederei Albers"
    assert value(page, "recipient_email") == albers.contact_email
    assert value(page, "language") == "de"
    [name] = [one for one in page.find("input") if one.get("name") == "recipient_name"]
    assert "disabled" in name.attrib
    data = FIRM | {"recipient_email": "someone@mail.example", "with_dap": "on"}
    page = followed(signed_in("global@elbe.example").post(path, data))
    assert page.facts["To"] == "Reederei Albers, someone@mail.example"
    made = RelationshipRequest.objects.get()
    assert made.customer == albers
    made.accept(by=demo.user(ALBERS))
    assert demo.relationship("Reederei Albers", "Elbe Support").has_dap


def test_what_the_customer_gave_already_is_not_asked_for_again(demo, albers, nothing_written):
    path = f"{NEW}?customer={albers.pk}"
    data = FIRM | {"with_dap": "on"}
    with nothing_written():
        answer = signed_in(GLOBAL).post(path, data)
    assert answer.status_code == 200
    assert "You already have this relationship with Reederei Albers." in Page(answer).text


@pytest.mark.parametrize("key", ["foreign", uuid.UUID(int=0), "x", "%00", "1", "A" * 5000])
def test_T1_a_customer_that_is_not_ones_own_is_not_found(demo, key):
    key = demo.customer("Weingut Huber").pk if key == "foreign" else key
    for answer in (
        signed_in(GLOBAL).get(f"{NEW}?customer={key}"),
        signed_in(GLOBAL).post(f"{NEW}?customer={key}", FIRM),
    ):
        assert answer.status_code == 404


def test_a_link_fills_in_name_and_email(demo):
    browser = signed_in(KRANICH)
    page = Page(browser.get(NEW, {"name": "Œuvre <& Söhne>", "email": "a+b@x.example"}))
    assert value(page, "recipient_name") == "Œuvre <& Söhne>"
    assert value(page, "recipient_email") == "a+b@x.example"
    for odd in ODD.values():
        answer = browser.get(NEW, {"name": odd, "email": odd})
        assert answer.status_code == 200
        assert b"<script>alert" not in answer.content


@pytest.mark.parametrize(
    ("email", "path", "data"),
    [
        (KRANICH, NEW, FIRM),
        (
            GLOBAL,
            "/relationships/resellers/invite/",
            FIRM | {"recipient_name": "Möwe", "recipient_email": MOEWE},
        ),
    ],
)
def test_a_second_open_request_is_refused_with_a_link_to_the_first(demo, email, path, data):
    browser = signed_in(email)
    first = browser.post(path, data).url
    page = Page(browser.post(path, {**data, "recipient_name": "Another"}))
    assert [text for text in page.field_errors if "already" in text]
    [link] = [one for one in page.find("a") if one.get("href") == first]
    assert Page(browser.get(link.get("href"))).heading
    assert value(page, "recipient_name") == "Another"
    assert RelationshipRequest.objects.filter(recipient_email=data["recipient_email"]).count() == 1
    browser.post(f"{first}withdraw/")
    assert browser.post(path, data).status_code == 302


def test_one_that_expired_leads_to_the_open_one_instead_of_opening(demo, ask):
    dead = ask()
    RelationshipRequest.objects.filter(pk=dead.pk).update(expires_at=dead.created_at)
    made = ask()
    answer = signed_in(KRANICH).post(f"{page_of(dead)}renew/")
    assert answer.url == page_of(made)
    assert "already" in followed(answer).alerts[0][1]


@pytest.mark.parametrize("kind", ODD)
@pytest.mark.parametrize("field", ["recipient_name", "recipient_email", "language", "provider"])
def test_no_new_request_is_an_error_of_the_server(demo, field, kind):
    answer = signed_in(HAFEN).post(NEW, FIRM | {field: ODD[kind]})
    if answer.status_code == 200:
        assert errors(Page(answer), field)
        assert not RelationshipRequest.objects.exists()
    else:
        made = RelationshipRequest.objects.get()
        assert field == "recipient_name"
        assert "\n" not in made.subject
        assert b"<script>alert" not in answer.client.get(answer.url).content
        assert answer.client.get(REQUESTS).status_code == 200


# A request


def test_R4_the_text_is_edited_and_saved_and_the_link_stays(demo, ask):
    made = ask()
    browser = signed_in(KRANICH)
    before = value_of_link(Page(browser.get(page_of(made))))
    assert before == f"https://portal.example{made.path}"
    data = {"subject": "  Grüße  ", "text": "Line 1\r\n\r\n<b>Line</b> & 2\r\n", "save": ""}
    page = followed(browser.post(page_of(made), data))
    assert ("status", "The text was saved.") in page.alerts
    assert value(page, "subject") == "Grüße"
    assert lines(value(page, "text")) == "Line 1\n\n<b>Line</b> & 2"
    assert value_of_link(page) == before
    assert mail.outbox == []


def value_of_link(page):
    [field] = [one for one in page.find("input") if one.get("id") == "link"]
    return field.get("value")


@pytest.mark.parametrize(
    "text", ["Line 1\r\n\r\nLine 2 & more? 100 % #1 + 1 = 2", "🦋 “Grüße” <b>", "\u202eعربي\u202c"]
)
def test_R4_the_mail_program_gets_the_saved_text_and_the_link(demo, ask, text):
    made = ask(address="o'hara+x@werft.example", name="Werft")
    browser = signed_in(KRANICH)
    page = followed(browser.post(page_of(made), {"subject": "A & B? Ä", "text": text}))
    mailto = urlsplit(links(page)["Open in the mail program"])
    assert mailto.scheme == "mailto"
    assert unquote(mailto.path) == "o'hara+x@werft.example"
    assert "+" not in mailto.query  # a mail program would show a plus sign for each space
    parts = parse_qs(mailto.query, strict_parsing=True)
    whole = f"{lines(text)}\n\nhttps://portal.example{made.path}"
    assert parts["subject"] == ["A & B? Ä"]
    assert lines(parts["body"][0]) == whole
    [copy] = [one for one in page.find("textarea") if one.get("id") == "message"]
    assert lines(copy.text) == whole
    assert "readonly" in copy.attrib


def test_R4_a_text_too_long_for_a_link_is_left_out_of_it_and_the_page_says_copy_it(demo, ask):
    made = ask(address="office@werft.example")
    browser = signed_in(KRANICH)
    said = "It is too long for a link: copy it into the mail that your mail program opens."
    page = followed(browser.post(page_of(made), {"subject": "Grüße", "text": "ä" * 200}))
    assert "body=" in links(page)["Open in the mail program"]
    assert said not in page.text
    page = followed(browser.post(page_of(made), {"subject": "Grüße", "text": "ä" * 300}))
    assert links(page)["Open in the mail program"] == (
        "mailto:office@werft.example?subject=Gr%C3%BC%C3%9Fe"
    )
    assert said in page.text


def test_R4_the_language_of_the_draft_can_be_picked(demo, ask):
    made = ask(language="de")
    browser = signed_in(KRANICH)
    page = followed(browser.post(page_of(made), {"language": "en", "anew": ""}))
    assert ("status", "The text was written anew.") in page.alerts
    assert value(page, "subject") == "Kranich Consulting asks to work with your company"
    assert "We ask for delegated admin privileges" in value(page, "text")
    made.refresh_from_db()
    assert made.language == "en"
    page = followed(browser.post(page_of(made), {"language": "de", "anew": ""}))
    assert (
        value(page, "subject") == "Kranich Consulting möchte mit Ihrem Unternehmen zusammenarbeiten"
    )


@pytest.mark.parametrize("language", ["", "fr", "\x00"])
def test_R4_there_is_no_draft_in_another_language(demo, ask, language, nothing_written):
    made = ask(language="de")
    browser = signed_in(KRANICH)
    with nothing_written():
        answer = browser.post(page_of(made), {"language": language, "anew": ""})
    assert answer.status_code == 200
    assert errors(Page(answer), "language")


def test_R4_a_text_that_was_refused_is_not_shown_as_saved(demo, ask):
    made = ask(text="What is saved.")
    answer = signed_in(KRANICH).post(page_of(made), {"subject": "x" * 300, "text": "Not saved."})
    page = Page(answer)
    assert errors(page, "subject")
    assert value(page, "text") == "Not saved."
    [copy] = [one for one in page.find("textarea") if one.get("id") == "message"]
    assert copy.text.startswith("What is saved.")
    assert "Not%20saved" not in links(page)["Open in the mail program"]


def test_R4_the_portal_sends_the_text_with_the_link(demo, ask):
    made = ask(language="de")
    data = {"subject": "Grüße\r\nBcc: all@x.example", "text": "Bitte <b>annehmen</b>.", "send": ""}
    with clock_at(2, 4, 12):
        # A year in which the request is still open, for a browser that signed in at that time.
        made.renew(by=demo.user(KRANICH))
        page = followed(signed_in(KRANICH).post(page_of(made), data))
    assert ("status", "The request is on its way to its recipient.") in page.alerts
    assert page.facts["Sent by the portal"] == "4 February 2100, 12:00 UTC"
    [sent] = mail.outbox
    assert sent.recipients() == [ALBERS]
    assert sent.subject == "Grüße Bcc: all@x.example"
    assert sent.body == f"Bitte <b>annehmen</b>.\n\nhttps://portal.example{made.path}"
    [(html, _kind)] = sent.alternatives
    assert "Bitte &lt;b&gt;annehmen&lt;/b&gt;." in html
    assert f'href="https://portal.example{made.path}"' in html


def test_R4_the_link_leads_to_the_portal_s_own_host_whatever_host_the_sender_names(
    demo, ask, settings
):
    """Else who asks would send the recipient to a host of the sender's choice."""
    settings.ALLOWED_HOSTS = ["portal.example", "support.reseller.example"]
    made = ask()
    browser = signed_in(KRANICH, host="support.reseller.example")
    answer = browser.get(page_of(made))
    assert value_of_link(Page(answer)) == f"https://portal.example{made.path}"
    assert b"support.reseller.example" not in answer.content
    browser.post(page_of(made), {"subject": "Hello", "text": "Please.", "send": ""})
    [sent] = mail.outbox
    assert sent.body == f"Please.\n\nhttps://portal.example{made.path}"


def test_R4_done_ends_the_step(demo, ask, invite):
    assert links(opened(KRANICH, page_of(ask())))["Done"] == REQUESTS
    assert links(opened(GLOBAL, page_of(invite())))["Done"] == "/relationships/resellers/"


@pytest.mark.parametrize("field", ["subject", "text"])
@pytest.mark.parametrize("kind", [*ODD, "empty"])
def test_no_draft_is_an_error_of_the_server(demo, ask, field, kind):
    made = ask()
    browser = signed_in(KRANICH)
    for button in ("save", "send"):
        data = {"subject": "A", "text": "B", field: ODD.get(kind, ""), button: ""}
        answer = browser.post(page_of(made), data)
        if answer.status_code == 200:
            assert errors(Page(answer), field)
            assert mail.outbox == []
        else:
            assert browser.get(answer.url).status_code == 200
    made.refresh_from_db()
    assert "\n" not in made.subject
    for sent in mail.outbox:
        assert sent.message().as_bytes()
        assert sent.recipients() == [ALBERS]


def test_R5_sending_again_makes_a_new_link_and_the_old_one_dies(demo, ask):
    with clock_at(1, 1):
        made = ask()
        old = made.path
    with clock_at(3, 1):
        page = followed(
            signed_in(KRANICH).post(reverse("relationships:request_renew", args=[made.pk]))
        )
        assert ("status", "There is a new link now. The old one no longer works.") in page.alerts
        made.refresh_from_db()
        assert made.path != old
        assert value_of_link(page).endswith(made.path)
        assert page.facts["Open until"] == "30 May 2100"
        opened(ALBERS, made.path)
        opened(ALBERS, old, 410)


def test_R5_an_expired_request_is_sent_again(demo, ask):
    with clock_at(1, 1):
        made = ask()
    with clock_at(6, 1):
        page = opened(KRANICH, page_of(made))
        assert page.facts["Status"] == "Expired"
        assert "Send from the portal" not in page.all_text("button")
        assert "New link, new term" in page.all_text("button")
        signed_in(KRANICH).post(reverse("relationships:request_renew", args=[made.pk]))
        made.refresh_from_db()
        assert opened(KRANICH, page_of(made)).facts["Status"] == "Open"
        opened(ALBERS, made.path)


def test_R5_a_request_is_withdrawn_and_a_new_one_is_not_blocked(demo, ask):
    made = ask()
    browser = signed_in(KRANICH)
    page = followed(browser.post(reverse("relationships:request_withdraw", args=[made.pk])))
    assert ("status", "The request was withdrawn.") in page.alerts
    assert page.facts["Status"] == "Withdrawn"
    assert page.all_text("button") == []
    for name in ("request_renew", "request_withdraw"):
        page = followed(browser.post(reverse(f"relationships:{name}", args=[made.pk])))
        [alert] = [text for role, text in page.alerts]
        assert "Kranich Consulting withdrew this request on" in alert
    answer = browser.post(page_of(made), {"subject": "A", "text": "B", "send": ""})
    assert answer.status_code == 200
    assert "Kranich Consulting withdrew this request on" in Page(answer).text
    assert mail.outbox == []
    data = FIRM | {"recipient_email": ALBERS, "with_dap": "on"}
    assert followed(browser.post(NEW, data)).facts["Status"] == "Open"


def test_R5_an_answered_request_says_what_became_of_it_and_stays_so(demo, ask):
    made = ask()
    made.decline(by=demo.user(ALBERS), reason="No & <never>")
    page = opened(KRANICH, page_of(made))
    assert page.facts["Status"] == "Declined"
    assert page.facts["Reason for declining"] == "No & <never>"
    assert page.all_text("button") == []
    browser = signed_in(KRANICH)
    for name in ("request_renew", "request_withdraw"):
        browser.post(reverse(f"relationships:{name}", args=[made.pk]))
    made.refresh_from_db()
    assert made.status == RequestStatus.DECLINED


def test_T1_a_request_of_another_partner_does_not_exist(demo, ask, nothing_written):
    made = ask()
    for email in (GLOBAL, HAFEN, "global@brandt.example"):
        browser = signed_in(email)
        with nothing_written():
            assert browser.get(page_of(made)).status_code == 404
            data = {"subject": "A", "text": "B", "send": ""}
            assert browser.post(page_of(made), data).status_code == 404
            for name in ("request_renew", "request_withdraw"):
                path = reverse(f"relationships:{name}", args=[made.pk])
                assert browser.post(path).status_code == 404
    # The customer's admin comes by the personal link only.
    opened(ALBERS, page_of(made), 403)


@pytest.mark.parametrize(
    ("email", "with_dap", "may"),
    [
        (AGENT, True, True),
        (SALES, True, False),
        (SALES, False, True),
        (HELPDESK, False, False),
    ],
)
def test_T2_who_may_not_ask_may_not_change_either(demo, ask, email, with_dap, may):
    made = ask(GLOBAL, "Werft", "a@werft.example", with_dap=with_dap)
    page = opened(email, page_of(made))
    assert ("Send from the portal" in page.all_text("button")) == may
    if not may:
        assert "Your roles do not include sending or changing this request." in page.text
        assert made.token not in page.source
    browser = signed_in(email)
    for path, data in (
        (page_of(made), {"subject": "A", "text": "B", "send": ""}),
        (reverse("relationships:request_renew", args=[made.pk]), {}),
        (reverse("relationships:request_withdraw", args=[made.pk]), {}),
    ):
        assert browser.post(path, data).status_code == (302 if may else 403)


# The personal link


@pytest.mark.parametrize(
    "token", ["x", "%00", "%ED%A0%80", "ü", "a-1.b", "-", ".", "x" * 3000, "null", "%2e%2e"]
)
def test_an_unknown_link_is_not_found(demo, token):
    for end in ("", "accept/", "decline/", "register/"):
        path = f"/invitations/{token}/{end}"
        assert Client().get(path).status_code == 404
        assert Client().post(path).status_code == 404


def test_a_link_cannot_be_made_from_another(demo, ask):
    made, other = ask(), ask(HAFEN, "Werft", "a@werft.example")
    signature = made.token.rpartition(".")[2]
    for forged in (
        f"{other.pk.hex}-1.{signature}",
        f"{made.pk.hex}-2.{signature}",
        f"{made.pk.hex}-1.{signature[:-1]}",
        f"{made.pk.hex}-1",
        str(made.pk),
    ):
        assert Client().get(f"/invitations/{forged}/").status_code == 404


def test_R6_the_first_page_names_the_partner_and_leads_to_the_sign_in(demo, ask):
    made = ask()
    page = opened(None, made.path)
    assert page.heading == "Kranich Consulting asks to work with your company"
    assert page.find("form") == []
    for hidden in ("Albers", "albers", "privileges", "MPN"):
        assert hidden not in page.source
    sign_in = links(page)["Sign in to answer"]
    browser = Client()
    answer = browser.post(
        sign_in,
        {"username": ALBERS, "password": "demo-portal", "next": parse_qs(sign_in)[LOGIN][0]},
    )
    assert answer.url == made.path
    page = Page(browser.get(answer.url))
    assert page.facts["Indirect reseller"] == "Kranich Consulting, Germany (MPN ID 5200300)"
    assert page.facts["To"] == "Reederei Albers, admin@albers.example"
    assert "Delegated admin privileges (DAP): the partner can administer" in page.text
    assert "Accept" in page.all_text("button")


def alike(answer):
    """All of an answer but for what belongs to its link and its form."""
    text = re.sub(r'(name="csrfmiddlewaretoken" value=")\w+', "", answer.content.decode())
    return answer.status_code, re.sub(r"/invitations/[\w.-]+/", "LINK", text)


@pytest.mark.parametrize("language", ["en", "de"])
def test_R14_known_or_unknown_each_firms_first_pages_look_alike(demo, ask, language):
    """The partner sees its own link too, and opens it in a private window."""
    known = ask()
    by_domain = ask(KRANICH, "Weingut Huber", "cellar@huber.example")
    unknown = ask(KRANICH, "Werft Neu", "anna@werft.example")
    own = ask(KRANICH, "Someone", "colleague@kranich.example", with_dap=False)

    def seen(made):
        browser = Client(headers={"accept-language": language})
        return [
            alike(browser.get(made.path)),
            alike(browser.get(made.path + "register/")),
            alike(browser.post(made.path + "register/", {"email": "x"})),
            alike(browser.post(made.path + "register/", {"email": "me@kranich-private.example"})),
            alike(browser.post(made.path + "accept/", {"agrees": "on"})),
            alike(browser.post(made.path + "decline/", {"reason": "No"})),
            alike(browser.post(made.path + "prove/")),
        ]

    assert seen(known) == seen(unknown)
    cache.clear()
    assert seen(by_domain) == seen(own)
    cache.clear()
    assert seen(by_domain) == seen(unknown)


def test_R14_a_reseller_signs_in_only(invite):
    known, unknown = invite(), invite("info@elsewhere.example")
    browser = Client(headers={"accept-language": "en"})
    assert alike(browser.get(known.path)) == alike(browser.get(unknown.path))
    page = Page(browser.get(known.path))
    assert "Sign in to answer" in links(page)
    assert "My company is new here: register" not in links(page)


LOGIN = "/accounts/login/?next"


def test_R6_a_request_without_dap_says_so(demo, ask):
    page = opened(ALBERS, ask(with_dap=False).path)
    assert "No delegated admin privileges." in page.text
    assert "can administer" not in page.text


def test_R12_a_joint_request_names_both(demo, ask):
    made = ask(HAFEN, address=PETERSEN, provider=demo.partner("Nordlicht Distribution"))
    page = opened(PETERSEN, made.path)
    assert page.facts["Indirect reseller"].startswith("Hafen IT")
    assert page.facts["Indirect provider"].startswith("Nordlicht Distribution")


def test_opening_a_link_changes_nothing(demo, ask, nothing_written):
    made = ask()
    browsers = [signed_in(ALBERS), signed_in(KRANICH), Client()]
    with nothing_written():
        for browser in browsers:
            browser.get(made.path)
            browser.head(made.path)


ADMINS_ONLY = "Only an admin of the customer that this is addressed to may answer."


@pytest.mark.parametrize(
    ("email", "organisation", "says"),
    [
        (PETERSEN, "Backhaus Petersen", "This was sent to an address that is not yet known"),
        (KRANICH, "Kranich Consulting", ADMINS_ONLY),
        (GLOBAL, "Nordlicht Distribution", ADMINS_ONLY),
        (OPERATOR, None, ADMINS_ONLY),
    ],
)
def test_R6_in_the_wrong_name_nothing_is_read_nor_accepted_and_a_switch_is_offered(
    demo, ask, email, organisation, says, nothing_written
):
    made = ask()
    browser = signed_in(email)
    page = Page(browser.get(made.path))
    assert page.heading == "Kranich Consulting asks to work with your company"
    assert f"You are signed in as {email}" in page.text
    assert says in page.text
    for hidden in ("Albers", "albers", "privileges"):
        assert hidden not in page.text
    if organisation:
        assert f"({organisation})" in page.text
    assert page.all_text("button")[-1] == "Sign out and switch"
    with nothing_written():
        for end, data in (
            ("accept/", {"agrees": "on"}),
            ("decline/", {"reason": "No"}),
            ("register/", {"email": "me@firm.example"}),
        ):
            answer = browser.post(made.path + end, data)
            assert (answer.status_code, answer.url) == (302, made.path)
    assert mail.outbox == []
    # Signed out, the link is there again; signed in as the right one, it can be answered.
    answer = browser.post("/accounts/logout/", {"next": page.hidden("next")})
    assert answer.url == made.path
    assert "Sign in to answer" in links(Page(browser.get(made.path)))


class TestProving:
    """R14: an admin with another address shows that it reads mail to the one that was asked."""

    ASKED = "info@werft.example"

    @pytest.fixture
    def forwarded(self, ask):
        return ask(HAFEN, "Werft Neu", self.ASKED)

    def test_R14_known_or_unknown_it_looks_alike(self, ask, forwarded):
        known = ask(HAFEN, "Werft Neu", "admin@huber.example")
        browser = signed_in(PETERSEN)
        assert alike(browser.get(known.path)) == alike(browser.get(forwarded.path))
        answers = [browser.post(one.path + "prove/", follow=True) for one in (known, forwarded)]
        assert alike(answers[0]) == alike(answers[1])

    def test_R14_the_mail_goes_to_the_address_that_was_asked_which_is_not_told(self, forwarded):
        page = Page(signed_in(PETERSEN).post(forwarded.path + "prove/", follow=True))
        assert ("status", "A mail is on its way to the address that was asked.") in page.alerts
        assert "werft" not in page.source
        assert [sent.to for sent in mail.outbox] == [[self.ASKED]]

    def test_R14_three_of_them_an_hour(self, forwarded):
        browser = signed_in(PETERSEN)
        for _time in range(4):
            page = Page(browser.post(forwarded.path + "prove/", follow=True))
        assert page.alerts[0][1].startswith("Several mails are on their way already.")
        assert "werft" not in page.source
        assert len(mail.outbox) == 3

    @pytest.mark.parametrize("email", [None, KRANICH, GLOBAL, OPERATOR])
    def test_R14_only_who_could_answer_has_one_sent(self, forwarded, email):
        browser = signed_in(email) if email else Client()
        assert browser.post(forwarded.path + "prove/").url == forwarded.path
        assert mail.outbox == []

    def test_R14_then_the_same_person_answers_and_both_are_named(self, demo, forwarded):
        browser = signed_in(PETERSEN)
        browser.post(forwarded.path + "prove/")
        [path] = re.findall(r"https://portal\.example(/accounts/\S+/)", mail.outbox[0].body)
        assert Page(browser.get(path)).find("form")
        assert "Accept" not in Page(browser.get(forwarded.path)).all_text("button")
        assert browser.post(path).url == forwarded.path
        page = Page(browser.get(forwarded.path))
        assert page.facts["To"] == "Werft Neu, info@werft.example"
        assert "You answer in the name of Backhaus Petersen." in page.text
        mail.outbox.clear()
        followed(browser.post(forwarded.path + "accept/"))
        demo.relationship("Backhaus Petersen", "Hafen IT")
        person = demo.user(PETERSEN)
        answer = f"{person} (admin@petersen.example) for Backhaus Petersen"
        asked = "Asked was info@werft.example of Werft Neu."
        assert opened(HAFEN, page_of(forwarded)).facts["Answered by"] == f"{answer} {asked}"
        row = opened(HAFEN, REQUESTS).table[0]
        assert row["Closed"].endswith(f"{person} for Backhaus Petersen")
        [sent] = mail.outbox
        assert sent.subject == "Backhaus Petersen hat Ihre Anfrage angenommen"
        assert "admin@petersen.example" in sent.body
        assert "info@werft.example" in sent.body
        entry = demo.log(action=Action.REQUEST_ACCEPTED)[-1]
        assert entry.subject == "Backhaus Petersen"
        assert entry.after == {
            "with_dap": True,
            "asked": "info@werft.example (Werft Neu)",
            "answered_by": f"{person} (admin@petersen.example)",
        }

    def test_R14_whose_proof_is_older_reads_that_it_is_for_another(self, demo, forwarded):
        demo.user(PETERSEN).prove(self.ASKED, how=ProofMethod.CONFIRMATION)
        demo.user("admin@huber.example").prove(self.ASKED, how=ProofMethod.CONFIRMATION)
        page = opened(PETERSEN, forwarded.path)
        assert "This request is for another company of the portal." in page.text
        assert "Werft" not in page.text

    def test_R14_that_another_account_signs_in_with_it_is_told_after_the_proof(self, demo, ask):
        made = ask()
        assert "signs in" not in opened(PETERSEN, made.path).text
        demo.user(PETERSEN).prove(ALBERS, how=ProofMethod.CONFIRMATION)
        page = opened(PETERSEN, made.path)
        assert "Another account of the portal signs in with admin@albers.example." in page.text


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


def dead_link(demo, ask, how):
    made = ask()
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
    path = dead_link(demo, ask, "withdrawn")
    answer = Client(headers={"accept-language": "de"}).get(path)
    page = Page(answer)
    assert page.language == "de"
    assert "This request" not in page.source
    assert "withdrew" not in page.source


# Registration

REGISTRATION = {
    "name": "Werft Neu GmbH",
    "domain": "Werft.example",
    "country": "DE",
    "contact_name": "Anna Neu",
    "contact_phone": "+49 40 123456",
    "password1": "barrel-of-apples",
    "password2": "barrel-of-apples",
    "agrees": "on",
}


@pytest.fixture
def joint(demo, ask):
    provider = demo.partner("Nordlicht Distribution")
    return ask(HAFEN, "Werft Neu", "anna@werft.example", provider=provider)


def register(made, **data):
    browser = Client(headers={"accept-language": "en"})
    return browser.post(made.registration_path("anna@werft.example"), REGISTRATION | data)


def test_R6_R12_registering_signs_in_and_lands_on_the_support_page(demo, joint):
    answer = register(joint)
    assert answer.status_code == 302, Page(answer).field_errors
    page = followed(answer)
    assert page.heading == "Support"
    assert page.menu == ["Support", "Partner relationships", "Activity log", "Settings"]
    assert ("status", "Welcome. Your company is registered, and you accepted the request.") in (
        page.alerts
    )
    partners = Page(answer.client.get("/support/partners/")).table
    assert [(row["Partner"], row["Delegated admin privileges"]) for row in partners] == [
        ("Hafen IT", "Yes"),
        ("Nordlicht Distribution", "Yes"),
    ]
    for email in (HAFEN, GLOBAL):
        assert "Werft Neu GmbH" in opened(email, "/customers/").all_text("tbody//a")
    # The link has done its work.
    assert Client().get(joint.path).status_code == 410
    # And the way in is there for the next time.
    browser = Client()
    data = {"username": "anna@werft.example", "password": "barrel-of-apples"}
    assert browser.post("/accounts/login/", data).url == "/"


@pytest.mark.parametrize(
    ("data", "field", "sentence"),
    [
        ({"domain": "no domain"}, "domain", "Enter a domain, such as firm.example."),
        ({"domain": ""}, "domain", "This field is required."),
        ({"name": ""}, "name", "This field is required."),
        ({"contact_name": ""}, "contact_name", "This field is required."),
        ({"country": "XX"}, "country", "Select a valid choice."),
        ({"country": ""}, "country", "This field is required."),
        ({"password2": "another-barrel"}, "password2", "The two password fields didn"),
        ({"password1": "12345", "password2": "12345"}, "password1", "This password is too short."),
        ({"password1": "", "password2": ""}, "password1", "This field is required."),
        ({"agrees": ""}, "agrees", "Tick the box to accept."),
        *(({field: ODD["NUL"]}, field, "Null") for field in ("name", "contact_name")),
        ({"name": ODD["long"]}, "name", "at most"),
        ({"contact_phone": ODD["long"]}, "contact_phone", "at most"),
        ({"password1": "\x00" * 20, "password2": "\x00" * 20}, "password1", ""),
    ],
)
def test_R6_a_refused_registration_says_why_at_the_field_and_writes_nothing(
    joint, data, field, sentence, nothing_written
):
    with nothing_written():
        answer = register(joint, **data)
    assert answer.status_code == 200
    page = Page(answer)
    assert sentence in " ".join(errors(page, field)), page.field_errors
    assert page.alerts[0][1].startswith("Nothing was saved.")
    assert "_auth_user_id" not in answer.client.session
    for name, typed in (REGISTRATION | data).items():
        if name.startswith("password"):
            assert value(page, name) == ""
        elif name == "agrees":
            assert value(page, name) == bool(typed)
        elif name != "country" and "\x00" not in typed:
            assert value(page, name) == typed


@pytest.mark.parametrize("kind", ["newline", "emoji", "right to left", "markup"])
@pytest.mark.parametrize("field", ["name", "domain", "country", "contact_name"])
def test_no_registration_is_an_error_of_the_server(joint, field, kind):
    answer = register(joint, **{field: ODD[kind]})
    assert answer.status_code in (200, 302)
    assert b"<script>alert" not in answer.content
    if answer.status_code == 302:
        assert b"<script>alert" not in answer.client.get("/support/partners/").content
        assert signed_in(HAFEN).get("/customers/").status_code == 200


@pytest.mark.parametrize("kind", ODD)
def test_no_address_is_an_error_of_the_server(joint, kind):
    answer = Client().post(joint.path + "register/", {"email": ODD[kind]})
    assert answer.status_code == 200
    assert Page(answer).field_errors
    assert mail.outbox == []


# Partnerships


def test_R10_both_lists_name_the_other_side(demo):
    page = opened(GLOBAL, "/relationships/resellers/")
    assert page.heading == "Indirect resellers"
    assert [row["Partner"] for row in page.table] == [
        "Elbe Support",
        "Hafen IT",
        "Kranich Consulting",
    ]
    assert page.table[0]["MPN ID"] == "5200200"
    page = opened(HAFEN, "/relationships/providers/")
    assert page.heading == "Indirect providers"
    assert [row["Partner"] for row in page.table] == ["Nordlicht Distribution"]
    page = opened("global@pacific.example", "/relationships/providers/")
    assert "Your company works with no indirect provider yet." in page.text


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("elbe", ["Elbe Support"]),
        ("5200100", ["Hafen IT"]),
        ("it hafen", ["Hafen IT"]),
        ("möwe", []),
        ("hafen elbe", []),
    ],
)
def test_a_list_of_partners_is_searched_by_name_and_number(demo, words, found):
    page = opened(GLOBAL, f"/relationships/resellers/?q={words}")
    if found:
        assert [row["Partner"] for row in page.table] == found
    else:
        assert f"No partner found for “{words}”." in page.text
        assert "Check the spelling" in page.text


def test_many_resellers_stand_on_pages(demo):
    nordlicht = demo.partner("Nordlicht Distribution")
    for number in range(60):
        reseller = PartnerFactory(name=f"Systemhaus {number:02}", reseller=True)
        PartnershipFactory(provider=nordlicht, reseller=reseller)
    path, seen = "/relationships/resellers/", []
    while path:
        page = opened(GLOBAL, path)
        assert page.all_text("caption") == ["63 partnerships"]
        seen += [row["Partner"] for row in page.table]
        following = [link.get("href") for link in page.find("a") if link.get("rel") == "next"]
        path = following[0] and f"/relationships/resellers/{following[0]}" if following else None
    assert len(seen) == 63
    assert seen == sorted(seen)


def test_open_invitations_are_the_newest_and_lead_on_to_the_others(demo):
    for number in range(12):
        RelationshipRequest.objects.ask(
            by=demo.user(GLOBAL),
            kind=RequestKind.RESELLER,
            with_dap=False,
            recipient_name=f"Systemhaus {number:02}",
            recipient_email=f"a@{number:02}.example",
            language="en",
        )
    shown = links(opened(GLOBAL, "/relationships/resellers/"))
    assert [name for name in shown if name.startswith("Systemhaus")] == [
        f"Systemhaus {number:02}" for number in range(11, 1, -1)
    ]
    assert shown["All requests"] == "/relationships/requests/"


@pytest.mark.parametrize(
    ("path", "email", "type_"),
    [
        ("/relationships/resellers/", HAFEN, "Indirect provider"),
        ("/relationships/resellers/", "global@brandt.example", "Indirect provider"),
        ("/relationships/resellers/invite/", HAFEN, "Indirect provider"),
        ("/relationships/providers/", GLOBAL, "Indirect reseller"),
        ("/relationships/providers/", "global@brandt.example", "Indirect reseller"),
    ],
)
def test_T2_the_lists_are_for_one_type_of_partner(demo, path, email, type_):
    page = opened(email, path, 403)
    assert page.heading == NOT_ALLOWED
    assert f"This page is for companies of the type “{type_}”." in page.text


def test_R10_a_provider_invites_and_the_reseller_authorizes(demo, nothing_written):
    browser = signed_in(SALES)
    data = {"recipient_name": "Möwe Systems", "recipient_email": MOEWE, "language": "en"}
    page = followed(browser.post("/relationships/resellers/invite/", data))
    made = RelationshipRequest.objects.get()
    assert page.facts["Kind"] == "Partnership"
    assert "tick the box" in value(page, "text")
    assert "Delegated admin privileges" not in page.facts
    page = opened(GLOBAL, "/relationships/resellers/")
    assert links(page)["Möwe Systems"] == page_of(made)

    browser = signed_in(MOEWE)
    page = Page(browser.get(made.path))
    assert "You answer in the name of Möwe Systems." in page.text
    assert "Either of you can end the partnership at any time." in page.text
    assert page.all_text("button") == ["Authorize", "Decline"]
    with nothing_written():
        answer = browser.post(made.path + "accept/")
    assert answer.status_code == 200
    assert errors(Page(answer), "agrees") == ["Tick the box to authorize."]
    page = followed(browser.post(made.path + "accept/", {"agrees": "on"}))
    assert page.heading == "Indirect providers"
    assert [row["Partner"] for row in page.table] == ["Nordlicht Distribution", "Südwind Cloud"]
    page = opened(GLOBAL, "/relationships/resellers/")
    assert "Möwe Systems" in [row["Partner"] for row in page.table]
    assert "Open invitations" not in page.text
    assert Client().get(made.path).status_code == 410


@pytest.mark.parametrize(
    "email", ["global@elbe.example", "global@suedwind.example", GLOBAL, ALBERS, OPERATOR]
)
def test_R10_nobody_else_authorizes(invite, email, nothing_written):
    made = invite()
    page = opened(email, made.path)
    assert page.all_text("button")[-1] == "Sign out and switch"
    assert "Authorize" not in page.all_text("button")
    is_other_reseller = email == "global@elbe.example"
    assert ("Only a Global admin of the indirect reseller" in page.text) != is_other_reseller
    browser = signed_in(email)
    with nothing_written():
        assert browser.post(made.path + "accept/", {"agrees": "on"}).url == made.path


def test_R10_only_a_global_admin_of_the_reseller_authorizes(demo, invite, nothing_written):
    made = invite()
    agent = MembershipFactory(partner=demo.partner("Möwe Systems"), roles=[Role.ADMIN_AGENT]).user
    browser = signed_in(agent.email)
    assert Page(browser.get(made.path)).all_text("button") == ["Sign out and switch"]
    with nothing_written():
        browser.post(made.path + "accept/", {"agrees": "on"})


def test_R10_a_partnership_that_is_there_already_is_not_invited_again(demo, nothing_written):
    data = {"recipient_name": "Hafen", "recipient_email": HAFEN, "language": "de"}
    with nothing_written():
        answer = signed_in(GLOBAL).post("/relationships/resellers/invite/", data)
    assert answer.status_code == 200
    assert "You already have a partnership with Hafen IT." in Page(answer).text


@pytest.mark.parametrize("kind", ODD)
@pytest.mark.parametrize("field", ["recipient_name", "recipient_email", "language"])
def test_no_invitation_is_an_error_of_the_server(demo, field, kind):
    browser = signed_in(GLOBAL)
    answer = browser.post("/relationships/resellers/invite/", FIRM | {field: ODD[kind]})
    if answer.status_code == 200:
        assert errors(Page(answer), field)
    else:
        assert b"<script>alert" not in browser.get(answer.url).content
        assert b"<script>alert" not in browser.get("/relationships/resellers/").content


@pytest.mark.parametrize(
    ("email", "path"),
    [(GLOBAL, "/relationships/resellers/"), (HAFEN, "/relationships/providers/")],
)
def test_R10_either_side_ends_it_and_the_contact_falls_back(demo, email, path):
    office = demo.subscription("Reederei Albers", OFFICE)
    office.designate(demo.partner("Hafen IT"), by=demo.user(HELPDESK))
    relationship = demo.relationship("Reederei Albers", "Hafen IT")
    end = reverse(
        "relationships:partnership_end",
        args=[demo.partnership("Nordlicht Distribution", "Hafen IT").pk],
    )
    page = opened(email, path)
    assert end in [form.get("action") for form in page.find("form[@data-question]")]
    page = opened(email, end)
    assert "Customers, relationships and delegated admin privileges stay as they are." in page.text
    page = followed(signed_in(email).post(end))
    assert ("status", "The partnership was ended.") in page.alerts
    office.refresh_from_db()
    assert office.support_contact.name == "Nordlicht Distribution"
    relationship.refresh_from_db()
    assert relationship.has_dap
    assert relationship.ended_at is None
    assert opened(HAFEN, "/relationships/providers/").table == []


def test_T2_only_a_global_admin_ends_a_partnership_and_others_see_who_may(demo, nothing_written):
    end = reverse(
        "relationships:partnership_end",
        args=[demo.partnership("Nordlicht Distribution", "Hafen IT").pk],
    )
    for email in (AGENT, SALES, HELPDESK):
        page = opened(email, "/relationships/resellers/")
        assert [one.get("disabled") for one in page.find("td/button")] == ["", "", ""]
        assert "These roles may: Global admin." in page.text
        browser = signed_in(email)
        with nothing_written():
            answer = browser.post(end)
        assert answer.status_code == 403
        assert Page(answer).all_text("li") == ["Global admin"]
    assert (
        "Invite an indirect reseller" in links(opened(HELPDESK, "/relationships/resellers/"))
    ) == 0
    opened(HELPDESK, "/relationships/resellers/invite/", 403)


def test_T1_a_partnership_of_others_does_not_exist(demo, nothing_written):
    end = reverse(
        "relationships:partnership_end",
        args=[demo.partnership("Südwind Cloud", "Möwe Systems").pk],
    )
    browser = signed_in(GLOBAL)
    with nothing_written():
        assert browser.post(end).status_code == 404


@pytest.mark.parametrize("path", ["/relationships/resellers/", "/support/partners/"])
def test_the_lists_cost_the_same_with_few_rows_and_with_many(demo, albers, path):
    nordlicht, costs = demo.partner("Nordlicht Distribution"), []
    browser = signed_in(GLOBAL if "resellers" in path else ALBERS)
    browser.get(path)
    for more in (0, 20):
        for _ in range(more):
            reseller = PartnerFactory(reseller=True)
            PartnershipFactory(provider=nordlicht, reseller=reseller)
            RelationshipFactory(partner=reseller, customer=albers)
        with CaptureQueriesContext(connection) as queries:
            browser.get(path)
        costs.append(len(queries))
    assert costs[0] == costs[1]


# The account of a customer


def account(customer, name="detail"):
    return reverse(f"account:{name}", args=[customer.pk])


def test_the_account_says_who_the_customer_is(demo, albers):
    page = opened(HELPDESK, account(albers))
    assert page.heading == "Reederei Albers"
    assert page.facts == {
        "Primary domain": "albers.example",
        "Country": "Germany",
        "Address": "Am Sandtorkai 1220457 Hamburg",
        "Contact person": "Jonas Albersadmin@albers.example",
    }
    assert page.all_text("nav[@class='nav nav-tabs']/a") == ["Subscriptions", "Account"]
    [current] = [link for link in page.find("nav/a") if link.get("aria-current") == "page"]
    assert current.text == "Account"
    tabs = opened(HELPDESK, f"/customers/{albers.pk}/")
    assert links(tabs)["Account"] == account(albers)


@pytest.mark.parametrize(
    ("email", "partners"),
    [
        (
            HELPDESK,
            [("Nordlicht Distribution", "Yes"), ("Elbe Support", "No"), ("Hafen IT", "Yes")],
        ),
        (HAFEN, [("Hafen IT", "Yes"), ("Nordlicht Distribution", "Yes")]),
        (MOEWE, [("Möwe Systems", "Yes"), ("Südwind Cloud", "No")]),
        ("global@suedwind.example", [("Südwind Cloud", "No"), ("Möwe Systems", "Yes")]),
    ],
)
def test_T1_the_account_shows_the_partners_that_one_works_with(demo, albers, email, partners):
    page = opened(email, account(albers))
    assert [(row["Partner"], row["Delegated admin privileges"]) for row in page.table] == partners
    named = {name for name, dap in partners}
    for name in {"Nordlicht", "Südwind", "Möwe", "Hafen", "Elbe", "Kranich", "Brandt"}:
        assert (name in page.source) == any(name in one for one in named)


def test_T1_no_account_of_someone_else_s_customer(demo, nothing_written):
    huber = demo.customer("Weingut Huber")
    browser = signed_in(GLOBAL)
    with nothing_written():
        assert browser.get(account(huber)).status_code == 404
        for name in ("give_up_dap", "suspend", "remove"):
            assert browser.post(account(huber, name), {"all": "1"}).status_code == 404
    for path in ("/customers/x/account/", f"/customers/{uuid.UUID(int=0)}/account/"):
        assert browser.get(path).status_code == 404


def test_R8_a_partner_gives_up_dap_and_asks_for_it_again(demo, albers):
    office = demo.subscription("Reederei Albers", OFFICE)
    office.designate(demo.partner("Hafen IT"), by=demo.user(HELPDESK))
    page = opened(HAFEN, account(albers))
    assert "Your company has delegated admin privileges for this customer." in page.text
    with clock_at(4, 5):
        page = followed(signed_in(HAFEN).post(account(albers, "give_up_dap")))
    assert ("status", "Your company gave up its delegated admin privileges.") in page.alerts
    assert "The delegated admin privileges were removed on 5 April 2100." in page.text
    again = links(page)["Request delegated admin"]
    assert again == f"{NEW}?customer={albers.pk}"
    form = opened(HAFEN, again)
    assert value(form, "recipient_name") == "Reederei Albers"
    assert value(form, "recipient_email") == albers.contact_email
    office.refresh_from_db()
    assert office.support_contact.name == "Nordlicht Distribution"
    assert [row["Name"] for row in opened(HAFEN, "/customers/").table] == ["Reederei Albers"]


def test_T2_only_these_roles_give_up_dap_and_others_see_who_may(demo, albers, nothing_written):
    for email in (SALES, HELPDESK):
        page = opened(email, account(albers))
        assert account(albers, "give_up_dap") not in page.source
        assert "These roles may: Global admin, Admin agent." in page.text
        browser = signed_in(email)
        with nothing_written():
            answer = browser.post(account(albers, "give_up_dap"))
        assert answer.status_code == 403
        assert Page(answer).all_text("li") == ["Global admin", "Admin agent"]


def test_R9_what_blocks_the_removal_is_listed_and_the_action_inactive(
    demo, albers, nothing_written
):
    page = opened(GLOBAL, account(albers))
    assert page.all_text("ul[@class='blocking']/li/a") == ["Azure plan", OFFICE]
    [remove] = [one for one in page.find("button") if one.text == "Remove the relationship"]
    assert "disabled" in remove.attrib
    browser = signed_in(GLOBAL)
    with nothing_written():
        answer = browser.post(account(albers, "remove"))
    page = followed(answer)
    assert page.heading == "Reederei Albers"
    [(_role, text)] = page.alerts
    assert text == (
        "Suspend the active subscriptions that Nordlicht Distribution sold to Reederei Albers first."
    )


def test_R9_one_is_suspended_then_all_then_the_relationship_is_removed(demo, albers):
    browser = signed_in(GLOBAL)
    azure = demo.subscription("Reederei Albers", "Azure plan")
    page = followed(browser.post(account(albers, "suspend"), {"subscription": azure.pk}))
    assert ("status", "1 subscription was suspended.") in page.alerts
    assert page.all_text("ul[@class='blocking']/li/a") == [OFFICE]
    page = followed(browser.post(account(albers, "suspend"), {"all": "1"}))
    assert ("status", "1 subscription was suspended.") in page.alerts
    assert page.find("ul[@class='blocking']") == []
    answer = browser.post(account(albers, "remove"))
    [ended] = albers.relationships.exclude(ended_at=None)
    assert answer.url == reverse("relationships:notice", args=[ended.pk])
    assert "Reederei Albers" not in opened(GLOBAL, "/customers/").text
    opened(GLOBAL, account(albers), 404)
    # Others' are untouched, and so is the past.
    assert demo.subscription("Reederei Albers", "Dynamics 365 Sales").is_active
    assert demo.log(action=Action.RELATIONSHIP_ENDED, customer=albers)
    partners = opened(ALBERS, "/support/partners/").table
    assert "Nordlicht Distribution" not in [row["Partner"] for row in partners]


def test_R9_all_are_suspended_together(demo, albers):
    page = followed(signed_in(HELPDESK).post(account(albers, "suspend"), {"all": "1"}))
    assert ("status", "2 subscriptions were suspended.") in page.alerts


@pytest.mark.parametrize("choice", ["", "x", "\x00", uuid.UUID(int=0), "sold by another"])
def test_R9_only_what_blocks_is_suspended_there(demo, albers, choice, nothing_written):
    if choice == "sold by another":
        choice = demo.subscription("Reederei Albers", "Dynamics 365 Sales").pk
    browser = signed_in(GLOBAL)
    with nothing_written():
        answer = browser.post(account(albers, "suspend"), {"subscription": choice})
    page = followed(answer)
    assert [text for role, text in page.alerts] == ["Choose a subscription of the list."]


def test_R9_T2_only_a_global_admin_removes_and_others_see_who_may(demo, nothing_written):
    agent = MembershipFactory(partner=demo.partner("Elbe Support"), roles=[Role.ADMIN_AGENT]).user
    albers = demo.customer("Reederei Albers")
    page = opened(agent.email, account(albers))
    assert account(albers, "remove") not in page.source
    assert "These roles may: Global admin." in page.text
    browser = signed_in(agent.email)
    with nothing_written():
        answer = browser.post(account(albers, "remove"))
    assert answer.status_code == 403
    assert Page(answer).all_text("li") == ["Global admin"]


@pytest.mark.parametrize(
    ("country", "picked", "language", "sentence"),
    [
        ("DE", "", "de", "beendet"),
        ("DE", "en", "en", "ended its reseller relationship with your company."),
        ("FR", "", "en", "ended its reseller relationship with your company."),
        ("FR", "de", "de", "beendet"),
    ],
)
def test_R9_the_notice_speaks_the_customer_s_language(
    demo, albers, country, picked, language, sentence
):
    Customer.objects.filter(pk=albers.pk).update(country=country)
    User.objects.filter(email=ALBERS).update(language=picked)
    answer = signed_in("global@elbe.example").post(account(albers, "remove"))
    page = followed(answer)
    [letter] = page.find("article")
    assert letter.get("lang") == language
    for text in (
        *("Elbe Support", sentence),
        *("Reederei Albers", "Jonas Albers", "Am Sandtorkai 12", "20457 Hamburg"),
    ):
        assert text in " ".join(letter.itertext())


@pytest.mark.parametrize(
    ("language", "heading", "done"),
    [
        ("en", "Notice to the customer", "The relationship was removed."),
        ("de", "Mitteilung an den Kunden", "Die Beziehung wurde entfernt."),
    ],
)
@pytest.mark.parametrize("of_customer", ["en", "de"])
def test_R9_around_the_notice_page_and_message_speak_the_reader_s_language(
    demo, albers, language, heading, done, of_customer
):
    User.objects.filter(email=ALBERS).update(language=of_customer)
    User.objects.filter(email="global@elbe.example").update(language=language)
    page = followed(signed_in("global@elbe.example").post(account(albers, "remove")))
    assert (page.language, page.heading) == (language, heading)
    assert page.alerts == [("status", done)]
    assert [letter.get("lang") for letter in page.find("article")] == [of_customer]


def test_T1_the_notice_is_for_an_ended_relationship_of_ones_own(demo):
    active = demo.relationship("Reederei Albers", "Nordlicht Distribution")
    demo.relationship("Reederei Albers", "Elbe Support").end(by=PORTAL)
    foreign = Relationship.objects.get(
        partner__name="Elbe Support", customer__name="Reederei Albers"
    )
    for one in (active, foreign):
        opened(GLOBAL, reverse("relationships:notice", args=[one.pk]), 404)
    opened(GLOBAL, f"/relationships/{uuid.UUID(int=0)}/notice/", 404)


def test_T1_the_notice_tells_nothing_that_changed_after_the_end(demo, albers):
    answer = signed_in("global@elbe.example").post(account(albers, "remove"))
    moved = {"name": "Albers & Töchter", "contact_name": "Someone New", "street": "Elsewhere 1"}
    Customer.objects.filter(pk=albers.pk).update(**moved)
    page = Page(answer.client.get(answer.url))
    for text in moved.values():
        assert text not in page.text


# The customer's partners


def remove_dap(relationship):
    return reverse("support_partners:remove_dap", args=[relationship.pk])


def test_R8_the_customer_sees_all_its_partners_and_who_has_dap(demo):
    page = opened(ALBERS, "/support/partners/")
    assert page.heading == "Partner relationships"
    assert [
        (row["Partner"], row["Type"], row["Delegated admin privileges"]) for row in page.table
    ] == [
        ("Elbe Support", "Indirect reseller", "No"),
        ("Hafen IT", "Indirect reseller", "Yes"),
        ("Möwe Systems", "Indirect reseller", "Yes"),
        ("Nordlicht Distribution", "Indirect provider", "Yes"),
        ("Südwind Cloud", "Indirect provider", "No"),
    ]
    asking = [one.get("action") for one in page.find("form[@data-question]")]
    assert asking == [
        remove_dap(demo.relationship("Reederei Albers", name))
        for name in ("Hafen IT", "Möwe Systems", "Nordlicht Distribution")
    ]


def test_R8_the_customer_removes_dap_and_the_relationship_stays(demo, albers):
    office = demo.subscription("Reederei Albers", OFFICE)
    office.designate(demo.partner("Hafen IT"), by=demo.user(HELPDESK))
    relationship = demo.relationship("Reederei Albers", "Hafen IT")
    page = opened(ALBERS, remove_dap(relationship))
    assert page.heading == "Remove the delegated admin privileges of Hafen IT?"
    assert "It answers for 1 of your products, which goes to Nordlicht Distribution." in page.text
    with clock_at(9, 9):
        page = followed(signed_in(ALBERS).post(remove_dap(relationship)))
    assert ("status", "The delegated admin privileges were removed.") in page.alerts
    rows = {row["Partner"]: row["Delegated admin privileges"] for row in page.table}
    assert rows["Hafen IT"] == "No, removed on 9 September 2100"
    office.refresh_from_db()
    assert office.support_contact.name == "Nordlicht Distribution"
    assert [row["Name"] for row in opened(HAFEN, "/customers/").table] == ["Reederei Albers"]


def test_T1_a_relationship_of_another_customer_does_not_exist(demo, nothing_written):
    browser = signed_in(ALBERS)
    demo.relationship("Reederei Albers", "Hafen IT").end(by=PORTAL)
    ended = Relationship.objects.get(partner__name="Hafen IT", customer__name="Reederei Albers")
    with nothing_written():
        for one in (demo.relationship("Backhaus Petersen", "Elbe Support"), ended):
            assert browser.post(remove_dap(one)).status_code == 404
        path = reverse("support_partners:remove_dap", args=[uuid.UUID(int=0)])
        assert browser.post(path).status_code == 404
    opened(GLOBAL, "/support/partners/", 403)


def test_requests_that_wait_stand_at_the_customer_s_partners(demo, ask):
    dead = ask()
    dead.withdraw(by=demo.user(KRANICH))
    made = ask()
    ask(KRANICH, "Backhaus", PETERSEN)
    page = opened(ALBERS, "/support/partners/")
    [waiting] = page.all_text("section/ul/li")
    assert waiting.startswith("Kranich Consulting")
    assert links(page)["Answer"] == made.path
    assert opened("admin@huber.example", "/support/partners/").find(WAITING) == []


def test_a_request_whose_link_is_dead_does_not_wait(demo, ask):
    ask()
    demo.partner("Kranich Consulting").deactivate(by=PORTAL)
    assert opened(ALBERS, "/support/partners/").find(WAITING) == []


def test_R6_requests_that_wait_are_told_on_the_customer_s_first_page(demo, ask):
    assert opened(ALBERS, "/support/").find(WAITING) == []
    made = ask()
    page = opened(ALBERS, "/support/")
    assert page.all_text(WAITING) == [
        "Requests that wait for your answer Kranich Consulting: Answer"
    ]
    assert links(page)["Answer"] == "/support/partners/"
    assert opened(ALBERS, "/support/?print=1").find(WAITING) == []
    assert opened(PETERSEN, "/support/").find(WAITING) == []
    made.withdraw(by=demo.user(KRANICH))
    assert opened(ALBERS, "/support/").find(WAITING) == []


def test_who_asks_is_named_once_however_many_requests_wait(demo, ask):
    browser = signed_in(ALBERS)
    browser.get("/support/")
    costs = []
    for address in (ALBERS, "it@albers.example"):
        demo.user(ALBERS).prove(address, how=ProofMethod.CONFIRMATION)
        ask(address=address)
        with CaptureQueriesContext(connection) as queries:
            page = Page(browser.get("/support/"))
        costs.append(len(queries))
        assert page.all_text(f"{WAITING}/p") == ["Kranich Consulting: Answer"]
    assert costs[0] == costs[1]


# Notices


@pytest.fixture
def fallen(demo):
    """Office 365 went to Hafen IT, whose DAP Reederei Albers then removed."""
    office = demo.subscription("Reederei Albers", OFFICE)
    office.designate(demo.partner("Hafen IT"), by=demo.user(HELPDESK))
    demo.relationship("Reederei Albers", "Hafen IT").remove_dap(by=demo.user(ALBERS))
    return office


def notices(page):
    return page.all_text("section[@aria-labelledby='notices-heading']/ul/li/span/a")


@pytest.mark.parametrize(
    ("email", "path", "said"),
    [
        (
            HELPDESK,
            "/customers/",
            "Delegated admin privileges of Hafen IT for Reederei Albers removed:"
            f" {OFFICE} of Reederei Albers now with you",
        ),
        (
            HAFEN,
            "/customers/",
            "Delegated admin privileges for Reederei Albers removed:"
            f" {OFFICE} of Reederei Albers no longer with you",
        ),
        (
            ALBERS,
            "/support/",
            "Delegated admin privileges of Hafen IT removed:"
            f" Nordlicht Distribution now answers for {OFFICE}",
        ),
    ],
)
def test_C11_seller_former_contact_and_customer_read_what_fell_back_and_why(
    fallen, email, path, said
):
    newest = notices(opened(email, path))[0]
    assert newest == said
    german = notices(opened(email, path, **{"accept-language": "de"}))[0]
    assert german.startswith("Delegierte Administratorrechte ")


@pytest.mark.parametrize(
    ("email", "path"),
    [
        ("global@suedwind.example", "/customers/"),
        (MOEWE, "/customers/"),
        ("global@elbe.example", "/customers/"),
        (PETERSEN, "/support/"),
    ],
)
def test_T1_nobody_else_reads_the_notice(fallen, email, path):
    assert notices(opened(email, path)) == []
    assert opened(email, "/notices/").find("tbody/tr") == []
    for notice in Notice.objects.all():
        opened(email, notice.get_absolute_url(), 404)
        answer = signed_in(email).post(f"{notice.get_absolute_url()}dismiss/")
        assert answer.status_code == 404


def test_C11_each_user_dismisses_a_notice_for_itself(demo, fallen):
    browser = signed_in(HELPDESK)
    page = Page(browser.get("/customers/"))
    assert len(notices(page)) == 1
    page = followed(browser.post("/notices/dismiss/", {"newest": page.hidden("newest")}))
    assert page.heading == "Customers"
    assert notices(page) == []
    assert len(notices(opened(GLOBAL, "/customers/"))) == 2
    assert len(notices(opened(ALBERS, "/support/"))) == 2
    # What falls back later is shown again.
    demo.relationship("Reederei Albers", "Hafen IT").grant_dap(by=demo.user(ALBERS))
    fallen.refresh_from_db()
    fallen.designate(demo.partner("Hafen IT"), by=demo.user(HELPDESK))
    demo.partnership("Nordlicht Distribution", "Hafen IT").end(by=PORTAL)
    [notice] = notices(opened(HELPDESK, "/customers/"))
    assert notice.startswith("Partnership with Hafen IT ended: ")


def test_C11_one_notice_is_dismissed_alone(fallen):
    browser = signed_in(ALBERS)
    page = Page(browser.get("/support/"))
    newest, older = notices(page)
    [action, _other] = [
        form.get("action")
        for form in page.find("section[@aria-labelledby='notices-heading']/ul/li/form")
    ]
    assert notices(followed(browser.post(action))) == [older]
    rows = Page(browser.get("/notices/")).all_text("tbody/tr/th")
    assert rows == [newest, older]
    page = followed(browser.post(action, {"next": "notices"}))
    assert page.heading == "Notices"


def test_C11_the_newest_three_stand_first_and_the_others_behind_a_link(demo, fallen):
    link = "section[@aria-labelledby='notices-heading']/form/a"
    page = opened(GLOBAL, "/customers/")
    assert len(notices(page)) == 2
    assert page.all_text(link) == ["All notices"]
    for _time in range(2):
        demo.relationship("Reederei Albers", "Hafen IT").grant_dap(by=demo.user(ALBERS))
        fallen.refresh_from_db()
        fallen.designate(demo.partner("Hafen IT"), by=demo.user(HELPDESK))
        demo.relationship("Reederei Albers", "Hafen IT").remove_dap(by=demo.user(ALBERS))
    page = opened(GLOBAL, "/customers/")
    every = opened(GLOBAL, "/notices/").all_text("tbody/tr/th")
    assert len(every) == 6
    assert notices(page) == every[:3]
    assert page.all_text(link) == ["Further notices"]


@pytest.mark.parametrize("newest", ["", "x", "-1", "1.5", "²", "\x00", "9" * 30, "1" * 5000])
def test_no_dismissal_is_an_error_of_the_server(fallen, newest, nothing_written):
    browser = signed_in(HELPDESK)
    with nothing_written():
        assert browser.post("/notices/dismiss/", {"newest": newest}).status_code == 302
    assert len(notices(opened(HELPDESK, "/customers/"))) == 1


# The cures of C5


def cures(page):
    """For each partner that can't be chosen: (what the link says, to whom, subject, text)."""
    found = {}
    for item in page.find("ul[@class='reasons']/li"):
        [link] = item.findall("a")
        mailto = urlsplit(link.get("href"))
        assert mailto.scheme == "mailto"
        parts = parse_qs(mailto.query, strict_parsing=True)
        name = item.find("bdi").text
        found[name] = (link.text, unquote(mailto.path), parts["subject"][0], parts["body"][0])
    return found


def test_C5_each_reason_has_its_cure(demo, albers, ask):
    office = demo.subscription("Reederei Albers", OFFICE)
    path = reverse("subscriptions:detail", args=[albers.pk, office.pk])
    found = cures(opened(HELPDESK, path))
    label, address, _subject, text = found["Kranich Consulting"]
    assert (label, address) == ("Ask it to request a relationship", "support@kranich.example")
    # The link in the mail opens a request that is filled in, for whoever gets it.
    [link] = [word for word in text.split() if word.startswith("https://")]
    assert link.startswith(f"{settings.PORTAL_URL}{NEW}?")
    form = opened(KRANICH, link.removeprefix(settings.PORTAL_URL))
    assert value(form, "recipient_name") == "Reederei Albers"
    assert value(form, "recipient_email") == albers.contact_email
    assert value(form, "with_dap") is True
    label, address, _subject, _text = found["Elbe Support"]
    assert label == "Ask it to request delegated admin privileges"
    assert address == "support@elbe.example"

    ask()
    label, address, subject, text = cures(opened(HELPDESK, path))["Kranich Consulting"]
    assert (label, address) == ("Remind the customer", albers.contact_email)
    assert "Kranich Consulting" in subject
    assert "/invitations/" not in text


def test_C5_the_mail_of_a_cure_speaks_the_receiver_s_language(demo, albers):
    office = demo.subscription("Reederei Albers", OFFICE)
    reseller = PartnerFactory(reseller=True, country="FR", name="Seine & Söhne")
    PartnershipFactory(provider=demo.partner("Nordlicht Distribution"), reseller=reseller)
    path = reverse("subscriptions:detail", args=[albers.pk, office.pk])
    found = cures(opened(HELPDESK, path, **{"accept-language": "de"}))
    assert found["Seine & Söhne"][2] == "Please request a relationship with Reederei Albers"
    assert "Please" not in found["Kranich Consulting"][2]


def test_C5_the_cure_works_to_the_end(demo, albers, ask):
    """What the reason names is cured by what the link starts."""
    office = demo.subscription("Reederei Albers", OFFICE)
    path = reverse("subscriptions:detail", args=[albers.pk, office.pk])
    _label, _address, _subject, text = cures(opened(HELPDESK, path))["Elbe Support"]
    [link] = [word for word in text.split() if word.startswith("https://")]
    form = opened("global@elbe.example", link.removeprefix(settings.PORTAL_URL))
    data = {name: value(form, name) for name in ("recipient_name", "recipient_email", "language")}
    signed_in("global@elbe.example").post(NEW, data | {"with_dap": "on"})
    made = RelationshipRequest.objects.get()
    signed_in(ALBERS).post(made.path + "accept/")
    assert "Elbe Support" in opened(HELPDESK, path).options
