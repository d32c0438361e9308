"""C2: what is refused where a support contact is submitted, and the error at the field."""

import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.demo import ALBERS, HELPDESK
from tests.pages import Page, signed_in
from tests.subscriptions.pages import address, contact, opened, submit

REFUSED = "This partner can't be the support contact. Choose one of the list."


@pytest.mark.parametrize(
    "partner",
    [
        "Elbe Support",  # no DAP
        "Kranich Consulting",  # no relationship
        "Möwe Systems",  # no partnership
        "Südwind Cloud",  # another provider
        "Brandt Direkt",
        "Pacific Resale",
    ],
)
def test_C2_another_partner_posted_by_hand_is_refused_at_the_field(
    demo, office, nothing_written, partner
):
    with nothing_written():
        answer = submit(HELPDESK, office, demo.partner(partner))
    assert answer.status_code == 200
    page = Page(answer)
    assert page.field_errors == [REFUSED]
    assert page.alerts == [
        (
            "alert",
            f"Nothing was saved. Please check: Designated support contact: {REFUSED}",
        )
    ]
    assert page.find("div[@role='alert']//a")[0].get("href") == "#id_support_contact"
    [select] = page.find("select")
    assert select.get("aria-invalid") == "true"
    assert select.get("id") == "id_support_contact"


@pytest.mark.parametrize(
    "value",
    [
        "x",
        "0",
        "None",
        str(uuid.UUID(int=0)),
        "\x00",
        "Hafen IT",
        "x" * 100_000,
        "<script>alert(1)</script>",
        "🦋",
        "' OR 1=1 --",
    ],
)
def test_a_value_that_is_no_partner_is_refused_at_the_field(office, nothing_written, value):
    with nothing_written():
        answer = submit(HELPDESK, office, value)
    assert answer.status_code == 200
    page = Page(answer)
    assert page.field_errors == [REFUSED]
    assert "<script>alert" not in page.source
    assert "\x00" not in page.source


def test_a_lone_surrogate_is_refused_at_the_field(office, nothing_written):
    with nothing_written():
        answer = signed_in(HELPDESK).post(
            address(office),
            "support_contact=%ED%A0%80",
            content_type="application/x-www-form-urlencoded",
        )
    assert Page(answer).field_errors == [REFUSED]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({}, "Choose a partner."),
        ({"support_contact": ""}, "Choose a partner."),
        ({"support_contact": "   "}, REFUSED),
    ],
)
def test_no_value_is_refused_at_the_field(office, nothing_written, data, sentence):
    with nothing_written():
        answer = signed_in(HELPDESK).post(address(office), data)
    assert answer.status_code == 200
    assert Page(answer).field_errors == [sentence]


def test_several_values_never_reach_past_the_choices(demo, office, hafen, nothing_written):
    moewe = demo.partner("Möwe Systems")
    with nothing_written():
        data = {"support_contact": [str(hafen.pk), str(moewe.pk)]}
        answer = signed_in(HELPDESK).post(address(office), data)
    assert Page(answer).field_errors == [REFUSED]


def test_a_file_in_place_of_a_value_is_refused_at_the_field(office, nothing_written):
    with nothing_written():
        data = {"support_contact": SimpleUploadedFile("x.txt", b"x")}
        answer = signed_in(HELPDESK).post(address(office), data)
    assert Page(answer).field_errors == ["Choose a partner."]


def test_an_id_in_capitals_is_refused_or_taken_but_never_an_error(office, hafen):
    assert submit(HELPDESK, office, str(hafen.pk).upper()).status_code in (200, 302)


def test_a_submit_without_a_csrf_token_changes_nothing(demo, office, hafen, nothing_written):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(demo.user(HELPDESK))
    with nothing_written():
        answer = browser.post(address(office), {"support_contact": str(hafen.pk)})
    assert answer.status_code == 403
    assert Page(answer).heading == "The page was open too long"


def test_an_oversized_submit_changes_nothing(office, hafen, nothing_written):
    with nothing_written():
        answer = submit(HELPDESK, office, hafen, more="x" * 2_700_000)
    assert answer.status_code == 413
    assert Page(answer).heading == "Too much to read"


def test_C2_a_reseller_that_lost_dap_while_the_page_was_open_is_refused_at_the_field(
    demo, office, hafen
):
    seen = opened(HELPDESK, office).hidden("seen")
    demo.relationship("Reederei Albers", "Hafen IT").remove_dap(by=demo.user(ALBERS))
    answer = submit(HELPDESK, office, hafen, seen=seen)
    assert answer.status_code == 200
    page = Page(answer)
    assert page.field_errors == [REFUSED]
    assert page.options == ["Nordlicht Distribution"]
    assert contact(office) == "Nordlicht Distribution"
