"""R6, R12: a customer registers behind its link, and what the form refuses."""

import pytest
from django.core import mail
from django.test import Client

from tests.demo import GLOBAL, HAFEN
from tests.pages import ODD, Page, errors, followed, opened, signed_in, value

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
