"""R3, R4: the form by which a partner asks, and what it refuses."""

import uuid

import pytest
from django.core import mail

from relationships.models import RelationshipRequest
from tests.demo import ALBERS, GLOBAL, HAFEN, KRANICH, MOEWE, SALES
from tests.pages import ODD, Page, errors, followed, opened, signed_in, value
from tests.relationships.pages import FIRM, NEW, REQUESTS, page_of


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
