"""Authenticator apps, passkeys and recovery codes; who must have one, and what happens without."""

import json
from functools import partial
from urllib.parse import quote

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.test import Client

from portal.authority import PORTAL, Refusal
from portal.models import Action, Membership, Partner
from portal.permissions import Role
from portal.sign_in.forms import reset_path
from tests.demo import ALBERS, GLOBAL, HELPDESK, OPERATOR
from tests.pages import (
    PASSKEY,
    Page,
    code_of,
    set_up_app,
    set_up_passkey,
    show_factor,
    sign_in,
    signed_in,
)
from tests.races import ORDERS

INDEX = "/accounts/second-factor/"
ENTER = "/accounts/second-factor/enter/"
APP = "/accounts/second-factor/app/"
CODES = "/accounts/second-factor/codes/"
QUESTION = "/accounts/second-factor/confirm/"
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
    sign_in(browser, HELPDESK)
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
    [app] = demo.user(HELPDESK).second_factors
    assert app.type == "totp"
    assert [entry.action for entry in demo.log(actor__user=demo.user(HELPDESK))] == [
        Action.SECOND_FACTOR_ADDED
    ]
    assert [queued.recipient for queued in queue.all()] == [HELPDESK]

    again = Client(headers={"accept-language": "en"})
    assert sign_in(again, HELPDESK, next="/activity/?start=").url == ENTER
    assert not is_in(again)
    # The code that set it up was seen by whoever looked on.
    assert Page(again.post(ENTER, {"code": code_of(app)})).field_errors == [WRONG_CODE]
    assert again.post(ENTER, {"code": code_of(app, 1)}).url == "/activity/?start="
    assert is_in(again)


def key_of(browser):
    [field] = Page(browser.get(APP)).find("input[@id='key']")
    return field.get("value")


def test_the_key_stays_the_same_until_the_app_is_set_up(demo, browser):
    sign_in(browser, HELPDESK)
    key = key_of(browser)
    assert key_of(browser) == key
    refused = browser.post(APP, {"code": "000000"})
    assert Page(refused).find("input[@id='key']")[0].get("value") == key
    assert key_of(browser) == key
    assert browser.post(APP, {"code": code_of(Authenticator(data={"secret": key}))}).url == CODES

    browser.post(APP + "remove/")
    assert key_of(browser) != key
    other = Client()
    sign_in(other, HELPDESK)
    assert key_of(other) not in (key, key_of(browser))


def test_a_wrong_code_sets_no_app_up(demo, browser):
    sign_in(browser, HELPDESK)
    browser.get(APP)
    answer = browser.post(APP, {"code": "000000"})
    assert Page(answer).field_errors == [WRONG_CODE]
    assert not Authenticator.objects.exists()


@pytest.mark.parametrize("code", ["", "000000", "x", "\x00", "1" * 500, "１２３４５６"])
def test_a_wrong_code_lets_nobody_in(demo, browser, code):
    set_up_app(demo.user(HELPDESK))
    sign_in(browser, HELPDESK)
    answer = browser.post(ENTER, {"code": code})
    assert answer.status_code == 200
    assert Page(answer).field_errors
    assert not is_in(browser)


def test_a_code_works_once(demo, browser):
    app = set_up_app(demo.user(HELPDESK))
    sign_in(browser, HELPDESK)
    code = code_of(app)
    assert browser.post(ENTER, {"code": code}).status_code == 302
    thief = Client(headers={"accept-language": "en"})
    sign_in(thief, HELPDESK)
    assert Page(thief.post(ENTER, {"code": code})).field_errors == [WRONG_CODE]


@pytest.mark.parametrize("period", [-1, 0, 1])
def test_a_clock_may_be_half_a_minute_off(demo, browser, period):
    app = set_up_app(demo.user(HELPDESK))
    sign_in(browser, HELPDESK)
    assert browser.post(ENTER, {"code": code_of(app, period)}).url == "/"


@pytest.mark.parametrize("period", [-2, 2])
def test_a_clock_that_is_further_off_is_refused(demo, browser, period):
    app = set_up_app(demo.user(HELPDESK))
    sign_in(browser, HELPDESK)
    assert Page(browser.post(ENTER, {"code": code_of(app, period)})).field_errors == [WRONG_CODE]


@pytest.mark.parametrize("seconds", [0, 31, 59])
def test_a_used_code_is_not_good_again_while_the_clock_might_be_off(
    demo, browser, time_machine, seconds
):
    """The code of the next period, typed by a clock that is ahead, would be good for a minute and a half."""
    app = set_up_app(demo.user(HELPDESK))
    sign_in(browser, HELPDESK)
    code, older = code_of(app, 1), code_of(app)
    assert browser.post(ENTER, {"code": code}).url == "/"
    time_machine.shift(seconds)
    cache.clear()  # a cache may drop what it holds
    thief = Client(headers={"accept-language": "en"})
    sign_in(thief, HELPDESK)
    for used in (code, older):
        assert Page(thief.post(ENTER, {"code": used})).field_errors == [WRONG_CODE]
    assert not is_in(thief)


def test_a_used_code_confirms_nothing_either(demo, browser):
    app = set_up_app(demo.user(HELPDESK))
    sign_in(browser, HELPDESK)
    browser.post(ENTER, {"code": code_of(app)})
    answer = browser.post(QUESTION, {"code": code_of(app)})
    assert Page(answer).field_errors == [WRONG_CODE]


def test_codes_are_not_guessed_for_long(demo, browser):
    app = set_up_app(demo.user(HELPDESK))
    sign_in(browser, HELPDESK)
    for _ in range(5):
        assert Page(browser.post(ENTER, {"code": "000000"})).field_errors == [WRONG_CODE]
    assert Page(browser.post(ENTER, {"code": code_of(app)})).field_errors == [
        "Too many attempts. Wait five minutes and try again."
    ]


def test_the_second_step_without_the_first_leads_to_the_sign_in(browser):
    assert browser.get(ENTER).url == "/accounts/login/"
    assert browser.post(ENTER, {"code": "000000"}).url == "/accounts/login/"


def test_the_second_step_can_be_left(demo, browser):
    set_up_app(demo.user(HELPDESK))
    sign_in(browser, HELPDESK)
    assert browser.post("/accounts/logout/").url == "/accounts/login/"
    assert browser.get(ENTER).url == "/accounts/login/"


def test_T3_who_is_deactivated_between_the_steps_does_not_come_in(demo, browser):
    app = set_up_app(demo.user(HELPDESK))
    for lock in (demo.user(HELPDESK), demo.partner("Nordlicht Distribution")):
        browser = Client(headers={"accept-language": "en"})
        sign_in(browser, HELPDESK)
        lock.deactivate(by=PORTAL)
        answer = browser.post(ENTER, {"code": code_of(app)})
        assert answer.url == "/accounts/login/"
        lock.reactivate(by=PORTAL)
        Authenticator.objects.all().delete()
        app = set_up_app(demo.user(HELPDESK))
        assert not is_in(browser)


def test_a_new_password_by_mail_does_not_pass_the_second_factor_by(demo, browser):
    set_up_app(demo.user(HELPDESK))
    form = browser.get(reset_path(demo.user(HELPDESK))).url
    new = {"password1": "barrel-of-apples", "password2": "barrel-of-apples"}
    assert browser.post(form, new).url == "/accounts/password/reset/done/"
    assert browser.get("/activity/").url == "/accounts/login/?next=/activity/"
    assert sign_in(browser, HELPDESK, "barrel-of-apples").url == ENTER
    assert not is_in(browser)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("play", ORDERS)
def test_of_two_who_type_the_same_code_at_once_one_comes_in(demo, play):
    app = set_up_app(demo.user(HELPDESK))
    browsers = [Client(), Client()]
    for browser in browsers:
        sign_in(browser, HELPDESK)
    code = code_of(app)
    answers = play(*(partial(browser.post, ENTER, {"code": code}) for browser in browsers))
    assert sorted(one.value.status_code for one in answers) == [200, 302]
    assert sorted(map(is_in, browsers)) == [False, True]


# Recovery codes


def codes_of(browser):
    return Page(browser.get(CODES)).find("textarea")[0].text.split()


def test_a_recovery_code_stands_in_once(demo, browser):
    app = set_up_app(demo.user(HELPDESK))
    sign_in(browser, HELPDESK)
    browser.post(ENTER, {"code": code_of(app)})
    [code, *others] = codes_of(browser)

    for expected in (True, False):
        again = Client(headers={"accept-language": "en"})
        sign_in(again, HELPDESK)
        again.post(ENTER, {"code": code})
        assert is_in(again) == expected
    assert codes_of(browser) == others


def test_recovery_codes_can_be_downloaded_and_made_anew(
    demo, browser, queue, django_capture_on_commit_callbacks
):
    app = set_up_app(demo.user(HELPDESK))
    sign_in(browser, HELPDESK)
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
    assert entry.person == demo.user(HELPDESK)


def test_what_changes_a_factor_wants_one_that_was_shown_just_now(demo, browser, time_machine):
    """A password alone confirms nothing where there is a factor."""
    app, passkey = set_up_app(demo.user(HELPDESK)), set_up_passkey(demo.user(HELPDESK))
    sign_in(browser, HELPDESK)
    browser.post(ENTER, {"code": code_of(app)})
    paths = [CODES, CODES + "download/", CODES + "new/", APP + "remove/", "/accounts/passkeys/add/"]
    paths += [f"/accounts/passkeys/{passkey.pk}/{act}/" for act in ("name", "remove")]
    assert {browser.get(path).status_code for path in paths} == {200}
    time_machine.shift(301)
    for path in paths:
        asked = browser.get(path).url
        assert asked == f"{QUESTION}?next={path.replace('/', '%2F')}"
        by_password = browser.post(f"/accounts/confirm/?next={path}", {"password": "demo-portal"})
        assert by_password.url == asked
        assert browser.get(path).url == asked
        if path not in (CODES, CODES + "download/"):
            assert browser.post(path, {"name": "x"}).url == asked
    assert demo.user(HELPDESK).second_factors.count() == 2
    assert browser.post(f"{QUESTION}?next={CODES}", {"code": code_of(app)}).url == CODES
    assert {browser.get(path).status_code for path in paths} == {200}


def test_a_recovery_code_confirms_where_the_app_is_lost(demo, browser, time_machine):
    app = set_up_app(demo.user(HELPDESK))
    sign_in(browser, HELPDESK)
    browser.post(ENTER, {"code": code_of(app)})
    [code, *_others] = codes_of(browser)
    time_machine.shift(301)
    assert browser.get(APP + "remove/").status_code == 302
    assert browser.post(f"{QUESTION}?next={APP}remove/", {"code": code}).url == APP + "remove/"
    assert browser.post(APP + "remove/").url == INDEX


def test_the_passkey_is_asked_for_first_where_there_is_no_app(demo, browser):
    user = demo.user(HELPDESK)
    set_up_passkey(user)
    RecoveryCodes.activate(user)
    browser = signed_in(HELPDESK)
    asked = browser.get("/activity/")
    assert asked.url == "/accounts/passkeys/confirm/?next=%2Factivity%2F"
    page = Page(browser.get(asked.url))
    assert page.heading == "Second factor"
    [other] = page.find("li/a")
    assert other.get("href") == f"{QUESTION}?next=%2Factivity%2F"


def test_a_wrong_password_confirms_nothing(demo):
    left_open = signed_in(HELPDESK, **{"accept-language": "en"})
    answer = left_open.post(f"/accounts/confirm/?next={APP}", {"password": "wrong"})
    assert Page(answer).field_errors == ["This is not your password."]
    assert left_open.get(APP).status_code == 302


# Passkeys


def test_a_passkey_has_a_name_that_can_be_changed(demo, browser):
    sign_in(browser, HELPDESK)
    passkey = set_up_passkey(demo.user(HELPDESK))
    show_factor(browser)
    [row] = Page(browser.get("/accounts/passkeys/")).table
    assert (row["Name"], row["Last used"]) == ("Office laptop", "Never")
    path = f"/accounts/passkeys/{passkey.pk}/name/"
    assert Page(browser.post(path, {"name": ""})).field_errors == ["This field is required."]
    assert browser.post(path, {"name": "“Key” & <b>"}).url == "/accounts/passkeys/"
    [row] = Page(browser.get("/accounts/passkeys/")).table
    assert row["Name"] == "“Key” & <b>"


def test_T1_the_passkey_of_another_does_not_exist(demo, browser):
    theirs = set_up_passkey(demo.user(GLOBAL))
    sign_in(browser, HELPDESK)
    for act in ("name", "remove"):
        path = f"/accounts/passkeys/{theirs.pk}/{act}/"
        assert browser.get(path).status_code == 404
        assert browser.post(path, {"name": "x"}).status_code == 404
    assert Authenticator.objects.get() == theirs


@pytest.mark.parametrize("count", [1, 20])
def test_the_list_of_passkeys_costs_the_same_with_1_and_with_20(
    demo, browser, count, django_assert_num_queries
):
    sign_in(browser, HELPDESK)
    for number in range(count):
        set_up_passkey(demo.user(HELPDESK), f"Key {number}")
    show_factor(browser)
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
    set_up_passkey(demo.user(HELPDESK))
    if asked:
        challenge = browser.get(
            "/accounts/passkeys/sign-in/", headers={"accept": "application/json"}
        )
        assert challenge.json()["request_options"]["publicKey"]["challenge"]
    answer = browser.post("/accounts/passkeys/sign-in/", {"credential": credential})
    assert answer.url == "/accounts/login/"
    sign_in(browser, HELPDESK)
    answer = browser.post(ENTER, {"credential": credential})
    assert answer.status_code == 200
    assert not is_in(browser)


@pytest.mark.parametrize("credential", CREDENTIALS)
def test_a_made_up_passkey_is_not_added(demo, browser, credential):
    sign_in(browser, HELPDESK)
    browser.get("/accounts/passkeys/add/")
    answer = browser.post("/accounts/passkeys/add/", {"credential": credential, "name": "x"})
    assert answer.status_code == 200
    assert Page(answer).alerts
    assert not Authenticator.objects.exists()


@pytest.mark.parametrize("credential", ["x", json.dumps(PASSKEY)])
def test_a_made_up_passkey_confirms_nothing(demo, credential):
    set_up_passkey(demo.user(HELPDESK))
    left_open = signed_in(HELPDESK)
    path = f"/accounts/passkeys/confirm/?next={APP}"
    left_open.get(path)
    assert left_open.post(path, {"credential": credential}).url == path
    assert left_open.get(APP).status_code == 302
    assert not is_in(left_open)


# A session from before


# What opens nothing while the factor is missing: pages, acts, Django admin, files, personal links.
EVERYTHING = [
    "/",
    "/activity/",
    "/activity/export/",
    "/settings/profile/",
    "/accounts/password/change/",
    "/accounts/password/reset/",
    "/accounts/sessions/",
    "/accounts/identities/",
    "/accounts/passkeys/",
    "/accounts/passkeys/add/",
    "/accounts/login/",
    "/admin/",
    "/admin/portal/user/",
    "/admin/password_change/",
    "/invitations/x/",
    INDEX,
    APP,
    APP + "remove/",
    CODES,
    CODES + "download/",
    CODES + "new/",
]


@pytest.mark.parametrize("email", [HELPDESK, ALBERS, OPERATOR])
def test_a_session_that_has_shown_no_factor_opens_nothing(demo, nothing_written, email):
    before = signed_in(email)
    set_up_app(demo.user(email))
    with nothing_written():
        for path in EVERYTHING:
            answer = before.get(path, {"q": "x"})
            assert (answer.status_code, answer.url) == (
                302,
                f"{QUESTION}?next={quote(path, safe='')}%3Fq%3Dx",
            )
            posted = before.post(path, {"name": "X", "action": "reset_second_factor"})
            assert (posted.status_code, posted.url) == (302, QUESTION)


def test_it_is_asked_for_the_factor_and_led_on(demo):
    before = signed_in(HELPDESK)
    app = set_up_app(demo.user(HELPDESK))
    asked = before.get("/activity/?start=").url
    page = Page(before.get(asked))
    assert (page.heading, page.menu) == ("Second factor", [])
    assert "you have not shown it since you signed in" in page.text
    assert page.all_text("li/a") == []  # no other way: not by password
    assert before.post("/accounts/language/", {"language": "de", "next": asked}).url == asked
    assert Page(before.get(asked)).language == "de"
    assert before.post(asked, {"code": "000000"}).status_code == 200
    assert not is_in(before)
    assert before.post(asked, {"code": code_of(app)}).url == "/activity/?start="
    assert is_in(before)
    assert Page(before.get("/activity/")).menu


def test_it_can_sign_out(demo):
    before = signed_in(HELPDESK)
    set_up_app(demo.user(HELPDESK))
    assert before.post("/accounts/logout/").url == "/accounts/login/"
    assert before.get("/activity/").url == "/accounts/login/?next=/activity/"


def test_what_another_showed_in_the_same_browser_does_not_count(demo, browser):
    app = set_up_app(demo.user(HELPDESK))
    sign_in(browser, HELPDESK)
    browser.post(ENTER, {"code": code_of(app)})
    set_up_app(demo.user(ALBERS))
    browser.force_login(demo.user(ALBERS))
    assert browser.get("/activity/").url == f"{QUESTION}?next=%2Factivity%2F"


def test_the_first_factor_ends_the_other_sessions(demo, browser, required):
    """Also where it is set up because it became necessary, with a session of the past left open elsewhere."""
    before, elsewhere = signed_in(HELPDESK), Client()
    sign_in(elsewhere, HELPDESK)
    sign_in(browser, HELPDESK)
    key = key_of(browser)
    browser.post(APP, {"code": code_of(Authenticator(data={"secret": key}))})
    page = Page(browser.get(CODES))
    assert ("status", "You are signed out everywhere else.") in page.alerts
    assert is_in(browser)
    for ended in (before, elsewhere):
        assert ended.get("/activity/").url == "/accounts/login/?next=/activity/"


def test_a_second_one_ends_none(demo, browser, monkeypatch):
    passkey = set_up_passkey(demo.user(HELPDESK))
    other = signed_in(HELPDESK)
    sign_in(browser, HELPDESK)
    for client in (browser, other):
        client.force_login(demo.user(HELPDESK))
        show_factor(client)
    key = key_of(browser)
    browser.post(APP, {"code": code_of(Authenticator(data={"secret": key}))})
    assert [one.type for one in demo.user(HELPDESK).second_factors.order_by("pk")] == [
        passkey.type,
        "totp",
    ]
    assert is_in(browser)
    assert is_in(other)


def test_of_two_sessions_that_set_one_up_at_once_the_second_is_asked_for_the_first(
    demo, browser, monkeypatch
):
    sign_in(browser, HELPDESK)
    path = "/accounts/passkeys/add/"
    browser.get(path)

    def meanwhile(form):
        set_up_app(demo.user(HELPDESK))
        form.cleaned_data = {"name": "x", "credential": PASSKEY}
        return True

    monkeypatch.setattr("portal.sign_in.passkey_forms.PasskeyForm.is_valid", meanwhile)
    answer = browser.post(path, follow=True)
    assert [address for address, _status in answer.redirect_chain] == [
        path,
        f"{QUESTION}?next=%2Faccounts%2Fpasskeys%2Fadd%2F",
    ]
    assert [one.type for one in demo.user(HELPDESK).second_factors] == ["totp"]


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
    sign_in(browser, HELPDESK)
    page = Page(browser.get(APP))
    [key] = [field.get("value") for field in page.find("input[@id='key']")]
    browser.post(APP, {"code": code_of(Authenticator(data={"secret": key}))})
    assert browser.get(CODES).status_code == 200
    assert is_in(browser)


def test_an_invited_person_sets_it_up_before_anything_else(demo, browser, required):
    invited = Membership.objects.invite(
        demo.partner("Nordlicht Distribution"),
        by=demo.user(GLOBAL),
        email="neu@nordlicht.example",
        name="Änne Neu",
        roles=[Role.SALES_AGENT],
    ).user
    new = {"password1": "barrel-of-apples", "password2": "barrel-of-apples"}
    assert browser.post(invited.invitation_path, new).url == "/"
    assert browser.get("/activity/").url == INDEX
    browser.post(APP, {"code": code_of(Authenticator(data={"secret": key_of(browser)}))})
    assert is_in(browser)


def test_it_is_required_of_the_partner_s_own_people_only(demo, required):
    for email in ("global@hafen.example", ALBERS, OPERATOR):
        assert signed_in(email).get("/").url != INDEX


def test_it_is_required_from_the_next_request_on(demo, browser):
    sign_in(browser, HELPDESK)
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
    assert browser.get("/admin/").url == f"{QUESTION}?next=%2Fadmin%2F"
    show_factor(browser)
    assert browser.get("/admin/").status_code == 200
    assert signed_in(HELPDESK).get("/activity/").status_code == 200


def test_who_needs_none_is_not_asked(demo, django_assert_num_queries):
    browser = signed_in(HELPDESK)
    with django_assert_num_queries(2):
        browser.get("/accounts/language/")


# Removing


def test_an_app_can_be_removed_and_its_codes_go_with_it(demo, browser, queue):
    app = set_up_app(demo.user(HELPDESK))
    sign_in(browser, HELPDESK)
    browser.post(ENTER, {"code": code_of(app)})
    other = signed_in(HELPDESK)
    show_factor(other)
    assert is_in(other)
    assert browser.get(APP + "remove/").status_code == 200
    assert browser.post(APP + "remove/").url == INDEX
    assert not Authenticator.objects.exists()
    assert is_in(browser)
    # The other sessions end: one of them may be on the phone that was lost.
    assert not is_in(other)
    [entry] = demo.log(action=Action.SECOND_FACTOR_REMOVED)
    assert entry.person == demo.user(HELPDESK)
    assert sign_in(Client(), HELPDESK).url == "/"


def test_the_last_one_stays_while_one_is_required(demo, browser, required, nothing_written):
    app = set_up_app(demo.user(HELPDESK))
    sign_in(browser, HELPDESK)
    browser.post(ENTER, {"code": code_of(app)})
    reason = "Nordlicht Distribution requires a second factor. Add another one before you remove this one."
    page = Page(browser.get(APP + "remove/"))
    assert reason in page.text
    assert page.all_text("button") == []
    with nothing_written():
        assert browser.post(APP + "remove/").url == INDEX
    assert ("alert", reason) in Page(browser.get(INDEX)).alerts
    assert list(demo.user(HELPDESK).second_factors) == [app]

    passkey = set_up_passkey(demo.user(HELPDESK))
    question = Page(browser.get(f"/accounts/passkeys/{passkey.pk}/remove/"))
    assert question.heading == "Remove the passkey “Office laptop”?"
    assert browser.post(f"/accounts/passkeys/{passkey.pk}/remove/").url == "/accounts/passkeys/"
    passkey = set_up_passkey(demo.user(HELPDESK))
    browser.post(APP + "remove/")
    assert list(demo.user(HELPDESK).second_factors) == [passkey]
    browser.post(f"/accounts/passkeys/{passkey.pk}/remove/")
    assert list(demo.user(HELPDESK).second_factors) == [passkey]
    assert is_in(browser)


def test_whoever_removed_it_is_led_to_set_one_up_when_it_becomes_required(demo, browser, required):
    app = set_up_app(demo.user(HELPDESK))
    sign_in(browser, HELPDESK)
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
    for email in (HELPDESK, "users@nordlicht.example", "global@hafen.example"):
        signed_in(email).post("/settings/company/", company(partner, requires_second_factor="on"))
    assert not demo.partner("Nordlicht Distribution").requires_second_factor


def test_an_operator_takes_a_lost_factor_away(demo, admin_client):
    user = demo.user(HELPDESK)
    set_up_app(user)
    set_up_passkey(user)
    theirs = signed_in(HELPDESK)
    show_factor(theirs)
    assert is_in(theirs)
    chosen = {"action": "reset_second_factor", "_selected_action": [str(user.pk)]}
    asked = Page(admin_client.post("/admin/portal/user/", chosen))
    assert asked.heading == "Take the second factors of 1 user away?"
    assert "2 second factors are taken away, with the recovery codes" in asked.text
    assert Authenticator.objects.exists()
    chosen["post"] = "yes"
    admin_client.post("/admin/portal/user/", chosen)
    assert not Authenticator.objects.exists()
    assert not is_in(theirs)
    [entry] = demo.log(action=Action.SECOND_FACTOR_REMOVED)
    assert (entry.person, entry.subject) == (demo.user(OPERATOR), str(user))
    admin_client.post("/admin/portal/user/", chosen)
    assert len(demo.log(action=Action.SECOND_FACTOR_REMOVED)) == 1


def test_T2_nobody_else_takes_it_away(demo, nothing_written):
    set_up_app(demo.user(HELPDESK))
    for email in (GLOBAL, "users@nordlicht.example", "global@hafen.example", HELPDESK):
        with nothing_written(), pytest.raises(ValidationError) as refused:
            demo.user(HELPDESK).reset_second_factor(by=demo.user(email))
        assert refused.value.code in Refusal.values
    assert Authenticator.objects.exists()


NO_PASSKEYS = [
    {"id": 1},
    {"id": "\ud800"},
    [],
    "x",
    {},
    {"id": "AA", "rawId": "A", "type": "public-key", "response": {}},
    {"id": "AA", "rawId": "AA", "response": {"clientDataJSON": "AA", "attestationObject": "AA"}},
]


@pytest.mark.parametrize("given", [*map(json.dumps, NO_PASSKEYS), "[" * 100_000, '{"a":' * 3000])
def test_what_is_no_passkey_is_refused_like_a_wrong_one(demo, given):
    stranger = Client()
    stranger.get("/accounts/passkeys/sign-in/")
    answer = stranger.post("/accounts/passkeys/sign-in/", {"credential": given})
    assert answer.status_code in (200, 302)
    assert "_auth_user_id" not in stranger.session
    browser = signed_in("helpdesk@nordlicht.example")
    browser.get("/accounts/passkeys/add/")
    answer = browser.post("/accounts/passkeys/add/", {"name": "Key", "credential": given})
    assert answer.status_code in (200, 302)
    assert not demo.user("helpdesk@nordlicht.example").second_factors.exists()
