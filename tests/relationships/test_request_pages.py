"""R4, R5: the page of a request: its draft, its link, sent, sent again and withdrawn."""

from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from django.core import mail
from django.urls import reverse

from relationships.models import RequestStatus
from tests.demo import AGENT, ALBERS, GLOBAL, HAFEN, HELPDESK, KRANICH, SALES, clock_at
from tests.pages import ODD, Page, errors, followed, links, opened, signed_in, value
from tests.relationships.pages import FIRM, NEW, REQUESTS, page_of


def lines(text):
    return text.replace("\r\n", "\n")


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
