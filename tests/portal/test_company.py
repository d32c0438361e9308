"""A partner's support details, as its Global admin edits them and its customers read them."""

import pytest

from tests.pages import Page, signed_in

GLOBAL = "global@nordlicht.example"
PATH = "/settings/company/"
DETAILS = {
    "support_email": "hilfe@nordlicht.example",
    "support_phone": "+49 40 7770000",
    "support_website": "hilfe.nordlicht.example",
    "support_hours": "",
    "support_languages": ["de", "fr"],
}
WEB = "Enter a web address that begins with http:// or https://."
USER = "Leave out the user name and password: everybody could read them."


def test_a_change_shows_at_once_to_the_customer(demo):
    answer = signed_in(GLOBAL).post(PATH, DETAILS, follow=True)
    assert Page(answer).alerts == [("status", "The support details were saved.")]
    page = Page(signed_in("admin@albers.example").get("/support/?q=azure"))
    assert page.all_text("div[@class='support-details']") == [
        "Nordlicht Distribution Phone: 040 7770000 Email: hilfe@nordlicht.example "
        "Website: https://hilfe.nordlicht.example Languages: German, French"
    ]


def test_a_change_is_logged_with_what_was_before(demo):
    signed_in(GLOBAL).post(PATH, {**DETAILS, "support_languages": ["de", "en"]})
    [entry] = demo.log(action="partner.changed")
    assert entry.person == demo.user(GLOBAL)
    assert entry.before["support_phone"] == "+49405550100"
    assert entry.after["support_phone"] == "+49407770000"
    assert "support_languages" not in entry.after


def test_saving_what_already_is_changes_and_logs_nothing(demo, nothing_written):
    form = {
        **DETAILS,
        "support_email": "support@nordlicht.example",
        "support_phone": "+49 40 5550100",
        "support_website": "https://support.nordlicht.example/",
        "support_hours": "Mon–Fri 07:00–20:00 CET",
        "support_languages": ["de", "en"],
    }
    browser = signed_in(GLOBAL)
    with nothing_written():
        answer = browser.post(PATH, form, follow=True)
    assert Page(answer).alerts == [("status", "Nothing was changed.")]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"support_email": ""}, "This field is required."),
        ({"support_email": "nobody"}, "Enter a valid email address."),
        (
            {"support_phone": "0800 help"},
            "Write the number in digits. A word may only stand before its extension: ext. 12.",
        ),
        ({"support_website": "javascript:alert(1)"}, WEB),
        ({"support_website": "ftp://hilfe.nordlicht.example"}, WEB),
        ({"support_website": "ftps://hilfe.nordlicht.example/a"}, WEB),
        ({"support_website": "mailto:hilfe@nordlicht.example"}, WEB),
        ({"support_website": "https://hilfe nordlicht"}, WEB),
        ({"support_website": "https://user:pw@hilfe.nordlicht.example/"}, USER),
        ({"support_website": "HTTPS://user@hilfe.nordlicht.example/"}, USER),
        ({"support_website": "https://:pw@hilfe.nordlicht.example"}, WEB),
        ({"support_website": "//user:pw@hilfe.nordlicht.example/"}, USER),
        (
            {"support_languages": ["xx"]},
            "Select a valid choice. xx is not one of the available choices.",
        ),
        ({"support_hours": "a\x00b"}, "Null characters are not allowed."),
    ],
)
def test_what_cannot_be_is_refused_at_the_field(demo, nothing_written, wrong, message):
    browser = signed_in(GLOBAL)
    with nothing_written():
        answer = browser.post(PATH, {**DETAILS, **wrong})
    assert answer.status_code == 200
    assert message in Page(answer).text


@pytest.mark.parametrize(
    "email", ["agent@nordlicht.example", "users@nordlicht.example", "admin@albers.example"]
)
def test_T2_other_roles_are_refused_and_have_no_tab(demo, nothing_written, email):
    browser = signed_in(email)
    with nothing_written():
        assert browser.post(PATH, DETAILS).status_code == 403
    assert browser.get(PATH).status_code == 403
    assert PATH.encode() not in browser.get("/settings/profile/").content
