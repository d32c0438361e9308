"""Authenticator apps, passkeys and recovery codes; who must have one, and what happens without."""

import json

import pytest
from allauth.mfa.models import Authenticator
from django.core.exceptions import ValidationError
from django.test import Client

from portal.models import Action, Partner
from tests.pages import (
    ALBERS,
    NORDLICHT,
    OPERATOR,
    PASSKEY,
    Page,
    code_of,
    set_up_app,
    set_up_passkey,
    sign_in,
    signed_in,
)

INDEX = "/accounts/second-factor/"
ENTER = "/accounts/second-factor/enter/"
APP = "/accounts/second-factor/app/"
CODES = "/accounts/second-factor/codes/"
GLOBAL = "global@nordlicht.example"
WRONG_CODE = "This code is wrong or was used already. Try the next one."


@pytest.fixture
def browser(demo):
    return Client(headers={"accept-language": "en"})


@pytest.fixture(autouse=True)
def _noon(time_machine):
    """A code is good for half a minute; here the clock stands at the start of one."""
    time_machine.move_to("2026-06-01 12:00:00+00:00", tick=False)


def is_in(browser):
    return browser.get("/activity/").status_code == 200


# The app


def test_an_app_is_set_up_and_asked_for_at_the_next_sign_in(
    demo, browser, queue, django_capture_on_commit_callbacks
):
    sign_in(browser, NORDLICHT)
    page = Page(browser.get(APP))
    assert page.heading == "Set up an authenticator app"
    [key] = [field.get("value") for field in page.find("input[@id='key']")]
    [image] = page.find("img")
    assert image.get("src").startswith("data:image/svg+xml;base64,")

    made = Authenticator(data={"secret": key})
    with django_capture_on_commit_callbacks(execute=True):
        assert browser.post(APP, {"code": code_of(made)}).url == CODES
    codes = Page(browser.get(CODES)).find("textarea")[0].text.split()
    assert len(set(codes)) == 10
    [app] = demo.user(NORDLICHT).second_factors
    assert app.type == "totp"
    assert [entry.action for entry in demo.log(actor=demo.user(NORDLICHT))] == [
        Action.SECOND_FACTOR_ADDED
    ]
    assert [queued.to for queued in queue.all()] == [[NORDLICHT]]

    again = Client(headers={"accept-language": "en"})
    assert sign_in(again, NORDLICHT, next="/activity/?start=").url == ENTER
    assert not is_in(again)
    assert again.post(ENTER, {"code": code_of(app)}).url == "/activity/?start="
    assert is_in(again)


def test_a_wrong_code_sets_no_app_up(demo, browser):
    sign_in(browser, NORDLICHT)
    browser.get(APP)
    answer = browser.post(APP, {"code": "000000"})
    assert Page(answer).field_errors == [WRONG_CODE]
    assert not Authenticator.objects.exists()


@pytest.mark.parametrize("code", ["", "000000", "x", "\x00", "1" * 500, "１２３４５６"])
def test_a_wrong_code_lets_nobody_in(demo, browser, code):
    set_up_app(demo.user(NORDLICHT))
    sign_in(browser, NORDLICHT)
    answer = browser.post(ENTER, {"code": code})
    assert answer.status_code == 200
    assert Page(answer).field_errors
    assert not is_in(browser)


def test_a_code_works_once(demo, browser):
    app = set_up_app(demo.user(NORDLICHT))
    sign_in(browser, NORDLICHT)
    code = code_of(app)
    assert browser.post(ENTER, {"code": code}).status_code == 302
    thief = Client(headers={"accept-language": "en"})
    sign_in(thief, NORDLICHT)
    assert Page(thief.post(ENTER, {"code": code})).field_errors == [WRONG_CODE]


def test_an_old_code_does_not_work(demo, browser):
    app = set_up_app(demo.user(NORDLICHT))
    sign_in(browser, NORDLICHT)
    assert Page(browser.post(ENTER, {"code": code_of(app, -1)})).field_errors == [WRONG_CODE]


def test_codes_are_not_guessed_for_long(demo, browser):
    app = set_up_app(demo.user(NORDLICHT))
    sign_in(browser, NORDLICHT)
    for _ in range(5):
        assert Page(browser.post(ENTER, {"code": "000000"})).field_errors == [WRONG_CODE]
    assert Page(browser.post(ENTER, {"code": code_of(app)})).field_errors == [
        "Too many attempts. Wait five minutes and try again."
    ]


def test_the_second_step_without_the_first_leads_to_the_sign_in(browser):
    assert browser.get(ENTER).url == "/accounts/login/"
    assert browser.post(ENTER, {"code": "000000"}).url == "/accounts/login/"


def test_the_second_step_can_be_left(demo, browser):
    set_up_app(demo.user(NORDLICHT))
    sign_in(browser, NORDLICHT)
    assert browser.post("/accounts/logout/").url == "/accounts/login/"
    assert browser.get(ENTER).url == "/accounts/login/"


def test_T3_who_is_deactivated_between_the_steps_does_not_come_in(demo, browser):
    app = set_up_app(demo.user(NORDLICHT))
    for lock in (demo.user(NORDLICHT), demo.partner("Nordlicht Distribution")):
        browser = Client(headers={"accept-language": "en"})
        sign_in(browser, NORDLICHT)
        lock.deactivate(by=None)
        answer = browser.post(ENTER, {"code": code_of(app)})
        assert answer.url == "/accounts/login/"
        lock.reactivate(by=None)
        Authenticator.objects.all().delete()
        app = set_up_app(demo.user(NORDLICHT))
        assert not is_in(browser)


def test_a_new_password_by_mail_does_not_pass_the_second_factor_by(demo, browser):
    set_up_app(demo.user(NORDLICHT))
    user = demo.user(NORDLICHT)
    user.set_password("barrel-of-apples")
    user.save()
    assert sign_in(browser, NORDLICHT, "barrel-of-apples").url == ENTER


# Recovery codes


def codes_of(browser):
    return Page(browser.get(CODES)).find("textarea")[0].text.split()


def test_a_recovery_code_stands_in_once(demo, browser):
    app = set_up_app(demo.user(NORDLICHT))
    sign_in(browser, NORDLICHT)
    browser.post(ENTER, {"code": code_of(app)})
    [code, *others] = codes_of(browser)

    for expected in (True, False):
        again = Client(headers={"accept-language": "en"})
        sign_in(again, NORDLICHT)
        again.post(ENTER, {"code": code})
        assert is_in(again) == expected
    assert codes_of(browser) == others


def test_recovery_codes_can_be_downloaded_and_made_anew(
    demo, browser, queue, django_capture_on_commit_callbacks
):
    app = set_up_app(demo.user(NORDLICHT))
    sign_in(browser, NORDLICHT)
    browser.post(ENTER, {"code": code_of(app)})
    codes = codes_of(browser)
    file = browser.get(CODES + "download/")
    assert file["Content-Disposition"] == 'attachment; filename="recovery-codes.txt"'
    assert file["Content-Type"] == "text/plain"
    assert "no-store" in file["Cache-Control"]
    assert file.content.decode().split() == codes

    with django_capture_on_commit_callbacks(execute=True):
        assert browser.post(CODES + "new/").url == CODES
    assert not set(codes) & set(codes_of(browser))
    [entry] = demo.log(action=Action.RECOVERY_CODES_MADE)
    assert entry.actor == demo.user(NORDLICHT)


def test_codes_are_shown_to_a_fresh_sign_in_only(demo, time_machine):
    set_up_app(demo.user(NORDLICHT))
    left_open = signed_in(NORDLICHT)
    for path in (CODES, CODES + "download/", CODES + "new/", APP + "remove/"):
        assert left_open.get(path).url == f"/accounts/confirm/?next={path.replace('/', '%2F')}"
    sure = left_open.post(f"/accounts/confirm/?next={CODES}", {"password": "demo-portal"})
    assert sure.url == CODES
    assert left_open.get(CODES).status_code == 200
    time_machine.shift(301)
    assert left_open.get(CODES).status_code == 302


def test_a_wrong_password_confirms_nothing(demo):
    left_open = signed_in(NORDLICHT, **{"accept-language": "en"})
    answer = left_open.post(f"/accounts/confirm/?next={APP}", {"password": "wrong"})
    assert Page(answer).field_errors == ["This is not your password."]
    assert left_open.get(APP).status_code == 302


# Passkeys


def test_a_passkey_has_a_name_that_can_be_changed(demo, browser):
    sign_in(browser, NORDLICHT)
    passkey = set_up_passkey(demo.user(NORDLICHT))
    [row] = Page(browser.get("/accounts/passkeys/")).table
    assert (row["Name"], row["Last used"]) == ("Office laptop", "Never")
    path = f"/accounts/passkeys/{passkey.pk}/name/"
    assert Page(browser.post(path, {"name": ""})).field_errors == ["This field is required."]
    assert browser.post(path, {"name": "“Key” & <b>"}).url == "/accounts/passkeys/"
    [row] = Page(browser.get("/accounts/passkeys/")).table
    assert row["Name"] == "“Key” & <b>"


def test_T1_the_passkey_of_another_does_not_exist(demo, browser):
    theirs = set_up_passkey(demo.user(GLOBAL))
    sign_in(browser, NORDLICHT)
    for act in ("name", "remove"):
        path = f"/accounts/passkeys/{theirs.pk}/{act}/"
        assert browser.get(path).status_code == 404
        assert browser.post(path, {"name": "x"}).status_code == 404
    assert Authenticator.objects.get() == theirs


@pytest.mark.parametrize("count", [1, 20])
def test_the_list_of_passkeys_costs_the_same_with_1_and_with_20(
    demo, browser, count, django_assert_num_queries
):
    sign_in(browser, NORDLICHT)
    for number in range(count):
        set_up_passkey(demo.user(NORDLICHT), f"Key {number}")
    with django_assert_num_queries(4):
        assert len(Page(browser.get("/accounts/passkeys/")).table) == count


CREDENTIALS = [
    "",
    "x",
    "null",
    "[]",
    "{}",
    "1",
    json.dumps(PASSKEY),
    json.dumps(PASSKEY | {"response": {}}),
    json.dumps(PASSKEY | {"response": {"userHandle": "eA", "clientDataJSON": "e30"}}),
    json.dumps(
        {
            "id": "eA",
            "rawId": "eA",
            "type": "public-key",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": PASSKEY["response"]["clientDataJSON"],
                "authenticatorData": "SZYN5YgOjGh0NBcPZHZgW4_krrmihjLHmVzzuoMdl2MFAAAAAA",
                "signature": "eA",
                "userHandle": "eA",
            },
        }
    ),
]


@pytest.mark.parametrize("credential", CREDENTIALS)
@pytest.mark.parametrize("asked", [True, False])
def test_a_made_up_passkey_lets_nobody_in(demo, browser, credential, asked):
    set_up_passkey(demo.user(NORDLICHT))
    if asked:
        challenge = browser.get(
            "/accounts/passkeys/sign-in/", headers={"accept": "application/json"}
        )
        assert challenge.json()["request_options"]["publicKey"]["challenge"]
    answer = browser.post("/accounts/passkeys/sign-in/", {"credential": credential})
    assert answer.url == "/accounts/login/"
    sign_in(browser, NORDLICHT)
    answer = browser.post(ENTER, {"credential": credential})
    assert answer.status_code == 200
    assert not is_in(browser)


@pytest.mark.parametrize("credential", CREDENTIALS)
def test_a_made_up_passkey_is_not_added(demo, browser, credential):
    sign_in(browser, NORDLICHT)
    browser.get("/accounts/passkeys/add/")
    answer = browser.post("/accounts/passkeys/add/", {"credential": credential, "name": "x"})
    assert answer.status_code == 200
    assert Page(answer).alerts
    assert not Authenticator.objects.exists()


@pytest.mark.parametrize("credential", ["x", json.dumps(PASSKEY)])
def test_a_made_up_passkey_confirms_nothing(demo, credential):
    set_up_passkey(demo.user(NORDLICHT))
    left_open = signed_in(NORDLICHT)
    path = f"/accounts/passkeys/confirm/?next={APP}"
    left_open.get(path)
    assert left_open.post(path, {"credential": credential}).url == path
    assert left_open.get(APP).status_code == 302


# Who needs one


@pytest.fixture
def required(demo):
    Partner.objects.filter(name="Nordlicht Distribution").update(requires_second_factor=True)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/customers/",
        "/activity/export/",
        "/settings/profile/",
        "/settings/company/",
        "/accounts/password/change/",
        "/accounts/sessions/",
        "/accounts/identities/",
        "/accounts/passkeys/",
    ],
)
def test_who_needs_one_and_has_none_is_led_to_set_it_up(demo, browser, required, path):
    sign_in(browser, GLOBAL)
    for method in (browser.get, browser.post):
        answer = method(path)
        assert (answer.status_code, answer.url) == (302, INDEX)


def test_nothing_else_can_be_done_but_sign_out_and_change_the_language(
    demo, browser, required, nothing_written
):
    sign_in(browser, GLOBAL)
    with nothing_written():
        browser.post("/settings/profile/", {"name": "X", "language": ""})
    page = Page(browser.get(INDEX))
    [(_role, text)] = page.alerts
    assert (
        text == "Nordlicht Distribution requires a second factor of everyone. Set one up to go on."
    )
    assert browser.post("/accounts/language/", {"language": "de", "next": INDEX}).url == INDEX
    assert Page(browser.get(INDEX)).language == "de"
    assert browser.get("/nowhere/").status_code == 404
    assert browser.post("/accounts/logout/").url == "/accounts/login/"


def test_set_up_it_opens_the_portal(demo, browser, required):
    sign_in(browser, NORDLICHT)
    page = Page(browser.get(APP))
    [key] = [field.get("value") for field in page.find("input[@id='key']")]
    browser.post(APP, {"code": code_of(Authenticator(data={"secret": key}))})
    assert browser.get(CODES).status_code == 200
    assert is_in(browser)


def test_it_is_required_of_the_partner_s_own_people_only(demo, required):
    for email in ("global@hafen.example", ALBERS, OPERATOR):
        assert signed_in(email).get("/").url != INDEX


def test_it_is_required_from_the_next_request_on(demo, browser):
    sign_in(browser, NORDLICHT)
    assert is_in(browser)
    Partner.objects.filter(name="Nordlicht Distribution").update(requires_second_factor=True)
    assert browser.get("/activity/").url == INDEX


def test_operators_need_one_where_the_environment_says_so(demo, browser, settings):
    settings.OPERATOR_SECOND_FACTOR = True
    sign_in(browser, OPERATOR)
    for path in ("/", "/admin/", "/admin/portal/user/", "/admin/password_change/"):
        assert browser.get(path).url == INDEX
        assert browser.post(path).url == INDEX
    [(_role, text)] = Page(browser.get(INDEX)).alerts
    assert text == "Operators need a second factor. Set one up to go on."
    set_up_app(demo.user(OPERATOR))
    assert browser.get("/admin/").status_code == 200
    assert signed_in(NORDLICHT).get("/activity/").status_code == 200


def test_who_needs_none_is_not_asked(demo, django_assert_num_queries):
    browser = signed_in(NORDLICHT)
    with django_assert_num_queries(2):
        browser.get("/accounts/language/")


# Removing


def test_an_app_can_be_removed_and_its_codes_go_with_it(demo, browser, queue):
    app = set_up_app(demo.user(NORDLICHT))
    sign_in(browser, NORDLICHT)
    browser.post(ENTER, {"code": code_of(app)})
    other = signed_in(NORDLICHT)
    assert browser.get(APP + "remove/").status_code == 200
    assert browser.post(APP + "remove/").url == INDEX
    assert not Authenticator.objects.exists()
    assert is_in(browser)
    # The other sessions end: none of them goes on as if there were a second factor.
    assert not is_in(other)
    [entry] = demo.log(action=Action.SECOND_FACTOR_REMOVED)
    assert entry.actor == demo.user(NORDLICHT)
    assert sign_in(Client(), NORDLICHT).url == "/"


def test_the_last_one_stays_while_one_is_required(demo, browser, required, nothing_written):
    app = set_up_app(demo.user(NORDLICHT))
    sign_in(browser, NORDLICHT)
    browser.post(ENTER, {"code": code_of(app)})
    reason = "Nordlicht Distribution requires a second factor. Add another one before you remove this one."
    page = Page(browser.get(APP + "remove/"))
    assert reason in page.text
    assert page.all_text("button") == []
    with nothing_written():
        assert browser.post(APP + "remove/").url == INDEX
    assert ("alert", reason) in Page(browser.get(INDEX)).alerts
    assert list(demo.user(NORDLICHT).second_factors) == [app]

    passkey = set_up_passkey(demo.user(NORDLICHT))
    assert browser.post(f"/accounts/passkeys/{passkey.pk}/remove/").url == "/accounts/passkeys/"
    passkey = set_up_passkey(demo.user(NORDLICHT))
    browser.post(APP + "remove/")
    assert list(demo.user(NORDLICHT).second_factors) == [passkey]
    browser.post(f"/accounts/passkeys/{passkey.pk}/remove/")
    assert list(demo.user(NORDLICHT).second_factors) == [passkey]
    assert is_in(browser)


def test_whoever_removed_it_is_led_to_set_one_up_when_it_becomes_required(demo, browser, required):
    app = set_up_app(demo.user(NORDLICHT))
    sign_in(browser, NORDLICHT)
    browser.post(ENTER, {"code": code_of(app)})
    assert is_in(browser)
    Partner.objects.update(requires_second_factor=False)
    browser.post(APP + "remove/")
    Partner.objects.update(requires_second_factor=True)
    assert browser.get("/activity/").url == INDEX


# The partner's and the operator's part


def company(partner, **changes):
    return {
        "support_email": partner.support_email,
        "support_phone": partner.support_phone,
        "support_website": partner.support_website,
        "support_hours": partner.support_hours,
        "support_languages": partner.support_languages,
    } | changes


def test_a_global_admin_requires_it_of_everyone_and_that_is_logged(demo):
    browser = signed_in(GLOBAL, **{"accept-language": "en"})
    partner = demo.partner("Nordlicht Distribution")
    browser.post("/settings/company/", company(partner, requires_second_factor="on"))
    assert demo.partner("Nordlicht Distribution").requires_second_factor
    [entry] = demo.log(action=Action.PARTNER_CHANGED)
    [change] = entry.changes
    assert change == ("second factor required", "No", "Yes")
    assert browser.get("/customers/").url == INDEX


def test_T2_nobody_else_does(demo, nothing_written):
    partner = demo.partner("Nordlicht Distribution")
    for email in (NORDLICHT, "users@nordlicht.example", "global@hafen.example"):
        signed_in(email).post("/settings/company/", company(partner, requires_second_factor="on"))
    assert not demo.partner("Nordlicht Distribution").requires_second_factor


def test_an_operator_takes_a_lost_factor_away(demo, admin_client):
    user = demo.user(NORDLICHT)
    set_up_app(user)
    set_up_passkey(user)
    theirs = signed_in(NORDLICHT)
    chosen = {"action": "reset_second_factor", "_selected_action": [str(user.pk)]}
    admin_client.post("/admin/portal/user/", chosen)
    assert not Authenticator.objects.exists()
    assert not is_in(theirs)
    [entry] = demo.log(action=Action.SECOND_FACTOR_REMOVED)
    assert (entry.actor, entry.subject) == (demo.user(OPERATOR), str(user))
    admin_client.post("/admin/portal/user/", chosen)
    assert len(demo.log(action=Action.SECOND_FACTOR_REMOVED)) == 1


def test_T2_nobody_else_takes_it_away(demo, nothing_written):
    set_up_app(demo.user(NORDLICHT))
    for email in (GLOBAL, "users@nordlicht.example", "global@hafen.example", NORDLICHT):
        with nothing_written(), pytest.raises(ValidationError) as refused:
            demo.user(NORDLICHT).reset_second_factor(by=demo.user(email))
        assert refused.value.code == "not_allowed"
    assert Authenticator.objects.exists()
