"""The way in by email and password, a forgotten password, the lockout, the sessions, the operators' door."""

import os
import re
import subprocess
import sys
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core import mail, signing
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from portal import settings as portal_settings
from portal.authority import PORTAL
from portal.models import Action, Membership, Partner, User
from portal.permissions import Role
from tests.demo import ALBERS, HELPDESK, OPERATOR
from tests.factories import MembershipFactory, UserFactory
from tests.pages import Page, set_up_app, sign_in, signed_in

WRONG = "Email or password is wrong. Check both and try again."
TOO_MANY = "Too many attempts. Wait five minutes and try again."
HOME = "/customers/"
NEW = "barrel-of-apples"


@pytest.fixture
def browser(demo):
    return Client(headers={"accept-language": "en"})


def is_in(browser):
    return browser.get("/accounts/sessions/").status_code == 200


# What there is not


@pytest.mark.parametrize(
    "path", ["signup/", "email/", "inactive/", "login/code/", "confirm-email/"]
)
def test_nobody_signs_up_or_changes_the_email(browser, path):
    for client in (browser, signed_in(HELPDESK)):
        assert client.get(f"/accounts/{path}").status_code == 404
        assert client.post(f"/accounts/{path}", {"email": "a@b.example"}).status_code == 404


@pytest.mark.parametrize("name", ["account_signup", "account_email", "socialaccount_signup"])
def test_such_a_page_has_no_path(name):
    with pytest.raises(NoReverseMatch):
        reverse(name)


def test_the_answer_is_a_page_whoever_asks(browser):
    """No second way to read the same in JSON."""
    for headers in ({"accept": "application/json"}, {"x-requested-with": "XMLHttpRequest"}):
        answer = browser.post("/accounts/login/", {"username": HELPDESK}, headers=headers)
        assert answer["Content-Type"] == "text/html; charset=utf-8"


# Where it leads


@pytest.mark.parametrize(
    "target",
    [
        "https://elsewhere.example/",
        "//elsewhere.example/",
        "/\\elsewhere.example",
        "javascript:alert(1)",
        "https:elsewhere.example",
        "http:///elsewhere.example",
        " //elsewhere.example",
    ],
)
@pytest.mark.parametrize("path", ["login", "logout"])
def test_next_does_not_lead_out_of_the_portal(browser, settings, path, target):
    settings.ALLOWED_HOSTS = ["portal.example", ".elsewhere.example"]
    settings.CSRF_TRUSTED_ORIGINS = ["https://elsewhere.example"]
    home = "/" if path == "login" else "/accounts/login/"
    if path == "logout":
        sign_in(browser, HELPDESK)
    data = {"username": HELPDESK, "password": "demo-portal", "next": target}
    assert browser.post(f"/accounts/{path}/", data).url == home
    if path == "login":
        # Whoever is in already is not led out either.
        assert browser.get("/accounts/login/", {"next": target}).url == home


def test_whoever_is_in_is_led_on(demo):
    browser = signed_in(HELPDESK)
    assert browser.get("/accounts/login/").url == "/"
    assert browser.get("/accounts/login/?next=/activity/").url == "/activity/"


def test_the_confirmation_does_not_lead_out_of_the_portal(demo):
    browser = signed_in(HELPDESK)
    address = "/accounts/confirm/?next=https://elsewhere.example/"
    assert browser.post(address, {"password": "demo-portal"}).url == "/"


# The password


def test_passwords_are_kept_as_argon2_hashes():
    assert portal_settings.PASSWORD_HASHERS == ["portal.hashers.Argon2PasswordHasher"]


def test_a_new_password_signs_out_everywhere_else_is_logged_and_told(demo, queue):
    here, there = Client(), Client()
    for client in (here, there):
        sign_in(client, HELPDESK)
    answer = here.post(
        "/accounts/password/change/",
        {"oldpassword": "demo-portal", "password1": NEW, "password2": NEW},
    )
    assert answer.url == "/accounts/password/change/"
    page = Page(here.get(answer.url))
    assert page.alerts == [("status", "Your new password is set.")]
    assert not is_in(there)
    assert demo.user(HELPDESK).check_password(NEW)
    [entry] = demo.log(action=Action.PASSWORD_CHANGED)
    assert (entry.person, entry.subject) == (demo.user(HELPDESK), str(demo.user(HELPDESK)))
    assert NEW not in str(entry.__dict__)
    [told] = queue.all()
    assert told.recipient == HELPDESK
    assert told.subject == "Ihr Konto: Passwort geändert"


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"oldpassword": "wrong"}, "This is not your current password."),
        ({"password2": "another-one"}, "You must type the same password each time."),
        ({"password1": "password", "password2": "password"}, "This password is too common."),
        ({"password1": "", "password2": ""}, "This field is required."),
        (
            {"password1": "k9 qfxw", "password2": "k9 qfxw"},
            "This password is too short. It must contain at least 8 characters.",
        ),
        (
            {"password1": "Helpdesk@Nordlicht", "password2": "Helpdesk@Nordlicht"},
            "The password is too similar to the email.",
        ),
        (
            {"password1": "Hanna.Petersen", "password2": "Hanna.Petersen"},
            "The password is too similar to the name.",
        ),
    ],
)
def test_a_refused_password_says_why_at_the_field(demo, nothing_written, data, sentence):
    User.objects.filter(email=HELPDESK).update(name="Hanna Petersen")
    browser = signed_in(HELPDESK, **{"accept-language": "en"})
    posted = {"oldpassword": "demo-portal", "password1": NEW, "password2": NEW} | data
    with nothing_written():
        answer = browser.post("/accounts/password/change/", posted)
    assert answer.status_code == 200
    assert sentence in Page(answer).field_errors


@pytest.mark.parametrize(
    "password", ["k9 qfx w", " spaces around ", "ßÄ私のパスワード", "x7" * 2000]
)
def test_a_password_counts_as_it_was_typed(demo, browser, password):
    """Of any kind of characters, eight or thousands, with its spaces, and large and small ones."""
    changing = signed_in(HELPDESK)
    typed = {"oldpassword": "demo-portal", "password1": password, "password2": password}
    assert changing.post("/accounts/password/change/", typed).status_code == 302
    for other in {password.strip(), password.swapcase(), password[:-1], password[:72]} - {password}:
        assert sign_in(Client(), HELPDESK, other).status_code == 200
    assert sign_in(browser, HELPDESK, password).url == "/"


def test_password_managers_find_the_fields_and_nobody_reads_along(demo):
    fields = []
    browsers = {"/accounts/login/": Client(), "/accounts/password/change/": signed_in(HELPDESK)}
    for path, browser in browsers.items():
        fields += Page(browser.get(path)).find("input[@autocomplete]")
    assert [(one.get("name"), one.get("type"), one.get("autocomplete")) for one in fields] == [
        ("username", "email", "username"),
        ("password", "password", "current-password"),
        ("oldpassword", "password", "current-password"),
        ("password1", "password", "new-password"),
        ("password2", "password", "new-password"),
    ]


def test_who_has_no_password_sets_one(demo):
    user = demo.user(HELPDESK)
    user.set_unusable_password()
    user.save()
    browser = signed_in(HELPDESK)
    assert browser.get("/accounts/password/change/").url == "/accounts/password/set/"
    browser.post("/accounts/password/set/", {"password1": NEW, "password2": NEW})
    assert demo.user(HELPDESK).check_password(NEW)
    assert is_in(browser)


# Forgotten


def ask_for_a_link(browser, email):
    return browser.post("/accounts/password/reset/", {"email": email})


def link_of(queued):
    [address] = re.findall(r"https://portal\.example(/accounts/password/reset/\S+)", queued.text)
    return address


@pytest.mark.parametrize("email", [HELPDESK, " HelpDesk@Nordlicht.EXAMPLE ", OPERATOR, ALBERS])
def test_the_link_in_the_mail_sets_a_new_password_once(demo, browser, queue, email):
    answer = ask_for_a_link(browser, email)
    assert answer.url == "/accounts/password/reset/sent/"
    [queued] = queue.all()
    user = demo.user(email.strip().lower())
    assert queued.recipient == user.email
    old = signed_in(user.email)

    link = link_of(queued)
    page = browser.get(link)
    # The key does not stay in the address.
    assert page.url.endswith("/set-password/")
    form = Page(browser.get(page.url))
    assert form.heading == "New password"
    done = browser.post(page.url, {"password1": NEW, "password2": NEW})
    assert done.url == "/accounts/password/reset/done/"
    assert not is_in(browser)
    assert not is_in(old)
    assert sign_in(browser, user.email, NEW).url == "/"

    again = Client(headers={"accept-language": "en"})
    assert "does not work any more" in Page(again.get(link)).text
    assert [entry.action for entry in demo.log(actor__user=user)] == [Action.PASSWORD_CHANGED]


def test_the_mail_speaks_the_language_of_the_person(demo, browser, queue):
    user = demo.user(HELPDESK)
    for language, subject in (
        ("de", "Ein neues Passwort für das Partnerportal festlegen"),
        ("en", "Set a new password for the partner portal"),
    ):
        user.language = language
        user.save()
        ask_for_a_link(browser, HELPDESK)
        assert queue.latest("id").subject == subject


@pytest.fixture
def locked_out(demo):
    """Emails of those who can't come in by a password, and of nobody."""
    demo.user(HELPDESK).deactivate(by=PORTAL)
    demo.partner("Hafen IT").deactivate(by=PORTAL)
    invited = MembershipFactory(user__password=None, user__email="invited@elbe.example").user
    return [HELPDESK, "global@hafen.example", invited.email, "nobody@nowhere.example"]


def test_T3_the_answer_to_a_forgotten_password_does_not_tell_whether_there_is_an_account(
    browser, queue, locked_out, nothing_written
):
    known = ask_for_a_link(browser, "agent@nordlicht.example")
    queue.all().delete()
    for email in locked_out:
        with nothing_written():
            answer = ask_for_a_link(browser, email)
        assert (answer.status_code, answer.url) == (known.status_code, known.url)
    assert mail.outbox == []
    assert not EmailAddress.objects.exists()


def test_a_forgotten_password_is_as_much_work_for_nobody_as_for_somebody(
    browser, queue, invited, monkeypatch
):
    """What takes time, the key and the texts, is made in either case."""
    made = []
    real = sys.modules["portal.mail"].compose
    monkeypatch.setattr(
        "portal.mail.compose", lambda *args, **kw: made.append(1) or real(*args, **kw)
    )
    for email in (HELPDESK, invited.email, "nobody@nowhere.example"):
        ask_for_a_link(browser, email)
    assert len(made) == 3
    assert len(queue.all()) == 2


def test_a_password_is_checked_for_nobody_as_for_somebody(browser, monkeypatch):
    hashed = []
    real = User.set_password
    monkeypatch.setattr(User, "set_password", lambda *args: hashed.append(1) or real(*args))
    sign_in(browser, "nobody@nowhere.example")
    assert hashed == [1]


@pytest.fixture
def invited(demo, queue):
    """Someone whom Nordlicht has invited, and who has not been here yet."""
    user = Membership.objects.invite(
        demo.partner("Nordlicht Distribution"),
        by=demo.user("users@nordlicht.example"),
        email="neu@nordlicht.example",
        name="Änne Neu",
        roles=[Role.SALES_AGENT],
    ).user
    queue.all().delete()
    return user


def invitations(queue):
    """The personal links in the mails of the queue, by whom they went to."""
    found = []
    for queued in queue.order_by("id"):
        [path] = re.findall(r"https://portal\.example(/accounts/invitations/\S+)", queued.text)
        found.append((queued.recipient, path))
    return found


@pytest.mark.parametrize("email", ["neu@nordlicht.example", " NEU@Nordlicht.example "])
def test_an_invited_person_who_asks_for_a_new_password_gets_the_invitation_again(
    demo, browser, queue, invited, email
):
    before = demo.log()
    assert ask_for_a_link(browser, email).url == "/accounts/password/reset/sent/"
    assert invitations(queue) == [(invited.email, invited.invitation_path)]
    # Anybody may have asked: the link that was sent before works as it did, and nobody did anything.
    assert demo.log() == before
    assert browser.get(invited.invitation_path).status_code == 200


def test_an_expired_invitation_is_replaced_then(demo, browser, queue, invited, time_machine):
    time_machine.move_to(timezone.now() + timedelta(days=8))
    assert browser.get(invited.invitation_path).status_code == 410
    ask_for_a_link(browser, invited.email)
    [(to, path)] = invitations(queue)
    assert to == invited.email
    assert browser.get(path).status_code == 200
    entry = demo.log()[-1]
    # Whoever asked was not signed in.
    assert (entry.action, entry.actor) == (Action.USER_INVITED, None)


def test_T3_who_was_deactivated_before_it_came_gets_no_invitation(
    demo, browser, queue, invited, nothing_written
):
    invited.deactivate(by=demo.user("users@nordlicht.example"))
    with nothing_written():
        answer = ask_for_a_link(browser, invited.email)
    assert answer.url == "/accounts/password/reset/sent/"


def test_whom_several_have_invited_gets_each_invitation(demo, browser, queue, invited):
    other = Membership.objects.invite(
        demo.partner("Südwind Cloud"),
        by=demo.user("global@suedwind.example"),
        email=invited.email,
        name="Änne Neu",
        roles=[Role.SALES_AGENT],
    ).user
    queue.all().delete()
    ask_for_a_link(browser, invited.email)
    assert invitations(queue) == [(invited.email, one.invitation_path) for one in (other, invited)]


def test_T3_a_link_that_was_sent_before_does_not_let_the_deactivated_in(demo, browser, queue):
    ask_for_a_link(browser, HELPDESK)
    ask_for_a_link(browser, "global@hafen.example")
    links = [link_of(queued) for queued in queue.order_by("id")]
    demo.user(HELPDESK).deactivate(by=PORTAL)
    demo.partner("Hafen IT").deactivate(by=PORTAL)
    for link in links:
        assert "does not work any more" in Page(browser.get(link)).text
    # Nor after it was let in again: it asks for a new one.
    demo.user(HELPDESK).reactivate(by=PORTAL)
    demo.partner("Hafen IT").reactivate(by=PORTAL)
    for link in links:
        assert "does not work any more" in Page(browser.get(link)).text


def test_T3_who_is_deactivated_while_the_form_is_open_does_not_set_a_password(demo, browser, queue):
    ask_for_a_link(browser, HELPDESK)
    form = browser.get(link_of(queue.get())).url
    demo.user(HELPDESK).deactivate(by=PORTAL)
    answer = browser.post(form, {"password1": NEW, "password2": NEW})
    assert "does not work any more" in Page(answer).text
    assert demo.user(HELPDESK).check_password("demo-portal")


@pytest.mark.parametrize("uid", ["1", "0" * 32, "zz", "00000000-0000-0000-0000-000000000000"])
@pytest.mark.parametrize("key", ["x", "set-password", "%00", "a-b", "ü"])
def test_a_made_up_link_is_refused_with_a_sentence(browser, uid, key):
    answer = browser.get(f"/accounts/password/reset/{uid}/{key}/")
    assert answer.status_code == 200
    assert "does not work any more" in Page(answer).text


# Lockout


def fail(browser, email, times, **extra):
    for _ in range(times):
        answer = browser.post("/accounts/login/", {"username": email, "password": "wrong"}, **extra)
        assert Page(answer).alerts == [("alert", WRONG)]


def at(address, **headers):
    """A browser at this address of the network, in which nobody has signed in yet."""
    return Client(headers={"accept-language": "en", **headers}, REMOTE_ADDR=address)


@pytest.mark.parametrize("email", [HELPDESK, "nobody@nowhere.example"])
def test_after_five_failures_an_email_is_locked_for_a_while_at_that_address(
    browser, settings, email
):
    settings.ALLOWED_HOSTS = ["portal.example", "other.example"]
    fail(browser, email, 5)
    # Nor does another browser help, or another of the portal's own hosts.
    for client in (browser, at("127.0.0.1"), at("127.0.0.1", host="other.example")):
        for password in ("wrong", "demo-portal"):
            assert Page(sign_in(client, email.upper(), password)).alerts == [("alert", TOO_MANY)]
            assert not is_in(client)
    assert sign_in(browser, ALBERS).url == "/"
    fail(at("198.51.100.7"), email, 5)


@pytest.mark.parametrize("email", [HELPDESK, "nobody@nowhere.example"])
def test_after_twenty_five_failures_anywhere_an_email_is_locked_for_a_while(browser, email):
    for number in range(5):
        fail(at(f"198.51.100.{number}"), email, 5)
    for password in ("wrong", "demo-portal"):
        assert Page(sign_in(browser, email, password)).alerts == [("alert", TOO_MANY)]
        assert not is_in(browser)
    assert sign_in(browser, ALBERS).url == "/"


def test_an_address_written_in_another_way_gives_no_new_attempts(browser):
    fail(browser, "chef@müller-bau.example", 2)
    fail(browser, "CHEF@xn--mller-bau-q9a.example", 2)
    fail(browser, "chef@MÜLLER-bau.example", 1)
    answer = sign_in(browser, "chef@müller-bau.example", "wrong")
    assert Page(answer).alerts == [("alert", TOO_MANY)]


def test_all_of_a_network_of_IPv6_is_one_address(browser):
    for number in range(5):
        fail(at(f"2001:db8::{number}"), HELPDESK, 1)
    answer = sign_in(at("2001:db8::ffff"), HELPDESK)
    assert Page(answer).alerts == [("alert", TOO_MANY)]


@pytest.fixture
def locked(demo):
    """Strangers have tried so many passwords of a person that nobody may try another one."""

    def lock(email):
        for number in range(5):
            fail(at(f"198.51.100.{number}"), email, 5)
        assert Page(sign_in(at("203.0.113.9"), email)).alerts == [("alert", TOO_MANY)]

    return lock


def known_to(email, address="192.0.2.1"):
    """A browser in which this person has signed in, and out again."""
    browser = at(address)
    assert sign_in(browser, email).url == "/"
    browser.post("/accounts/logout/")
    return browser


def test_no_stranger_keeps_a_person_out_of_a_browser_that_signed_in_before(locked):
    mine = known_to(HELPDESK)
    locked(HELPDESK)
    assert sign_in(mine, HELPDESK).url == "/"


def test_attempts_in_a_known_browser_are_counted_too(locked):
    mine = known_to(HELPDESK)
    fail(mine, HELPDESK, 5)
    assert Page(sign_in(mine, HELPDESK)).alerts == [("alert", TOO_MANY)]
    # Signing in does not give it a new name.
    again = known_to(HELPDESK, "192.0.2.2")
    fail(again, HELPDESK, 4)
    assert sign_in(again, HELPDESK).url == "/"
    again.post("/accounts/logout/")
    fail(again, HELPDESK, 1)
    assert Page(sign_in(again, HELPDESK)).alerts == [("alert", TOO_MANY)]


def test_a_browser_is_known_for_whoever_signed_in_there_alone(locked):
    theirs = known_to(ALBERS)
    locked(HELPDESK)
    assert Page(sign_in(theirs, HELPDESK)).alerts == [("alert", TOO_MANY)]
    locked_too = "nobody@nowhere.example"
    fail(theirs, locked_too, 5)
    assert Page(sign_in(theirs, locked_too)).alerts == [("alert", TOO_MANY)]


def test_a_browser_of_several_people_is_known_for_each(demo, locked):
    shared = known_to(HELPDESK)
    for email in ("agent@nordlicht.example", "sales@nordlicht.example"):
        sign_in(shared, email)
        shared.post("/accounts/logout/")
    locked(HELPDESK)
    assert sign_in(shared, HELPDESK).url == "/"


@pytest.mark.parametrize("change", [lambda it: it + "x", lambda it: "", lambda it: "x:y:z"])
def test_a_made_up_browser_is_not_known(locked, change):
    mine = known_to(HELPDESK)
    cookie = settings.KNOWN_BROWSER_COOKIE_NAME
    mine.cookies[cookie] = change(mine.cookies[cookie].value)
    locked(HELPDESK)
    assert Page(sign_in(mine, HELPDESK)).alerts == [("alert", TOO_MANY)]


def test_a_browser_is_known_for_a_year(locked, time_machine):
    time_machine.move_to("2026-06-01 12:00:00+00:00", tick=False)
    mine = known_to(HELPDESK)
    time_machine.move_to("2027-06-01 12:00:01+00:00", tick=False)
    locked(HELPDESK)
    assert Page(sign_in(mine, HELPDESK)).alerts == [("alert", TOO_MANY)]


def test_the_address_of_a_known_browser_is_counted_as_any(locked):
    mine = known_to(HELPDESK)
    for number in range(20):
        fail(at("192.0.2.1"), f"person-{number}@nowhere.example", 1)
    assert Page(sign_in(mine, HELPDESK)).alerts == [("alert", TOO_MANY)]


def test_half_a_sign_in_makes_no_browser_known(demo, browser):
    set_up_app(demo.user(HELPDESK))
    answer = sign_in(browser, HELPDESK)
    assert answer.url == "/accounts/second-factor/enter/"
    assert settings.KNOWN_BROWSER_COOKIE_NAME not in browser.cookies


def test_the_cookie_of_a_known_browser_names_nobody(demo, browser, settings):
    settings.SESSION_COOKIE_SECURE = True
    cookie = sign_in(browser, HELPDESK).cookies[settings.KNOWN_BROWSER_COOKIE_NAME]
    assert "nordlicht" not in signing.b64_decode(cookie.value.split(":")[0].encode()).decode()
    assert (cookie["httponly"], cookie["secure"], cookie["samesite"]) == (True, True, "Lax")
    assert (cookie["path"], cookie["domain"]) == ("/", "")


def test_after_twenty_failures_an_address_is_locked_for_a_while(browser):
    for number in range(20):
        fail(browser, f"person-{number}@nowhere.example", 1)
    assert Page(sign_in(browser, HELPDESK)).alerts == [("alert", TOO_MANY)]
    elsewhere = Client(REMOTE_ADDR="198.51.100.7")
    assert sign_in(elsewhere, HELPDESK).url == "/"


def test_a_success_in_between_does_not_give_new_attempts(browser):
    """Else whoever has an account of his own could guess on for ever."""
    fail(browser, HELPDESK, 4)
    own = Client()
    sign_in(own, ALBERS)
    fail(browser, HELPDESK, 1)
    assert Page(sign_in(browser, HELPDESK)).alerts == [("alert", TOO_MANY)]


def test_the_lockout_ends_by_itself(browser, time_machine):
    time_machine.move_to("2026-06-01 12:00:00+00:00")
    fail(browser, HELPDESK, 5)
    assert Page(sign_in(browser, HELPDESK)).alerts == [("alert", TOO_MANY)]
    time_machine.move_to("2026-06-01 12:05:01+00:00")
    assert sign_in(browser, HELPDESK).url == "/"


def test_the_count_stands_in_the_database(browser):
    assert settings.CACHES["default"]["BACKEND"].endswith("SharedCache")
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM portal_cache")
        [before] = cursor.fetchone()
        fail(browser, HELPDESK, 1)
        cursor.execute("SELECT count(*) FROM portal_cache")
        [after] = cursor.fetchone()
    assert before == 0 < after


@pytest.mark.django_db(transaction=True)
def test_the_lockout_survives_a_new_process(live_server):
    """Three failures of one process and two of another are five."""
    UserFactory(email="person@people.example")
    program = (
        "import django, sys; django.setup()\n"
        "from django.test import Client\n"
        "browser = Client(headers={'accept-language': 'en'})\n"
        "for _ in range(int(sys.argv[1])):\n"
        "    answer = browser.post('/accounts/login/', {'username': 'person@people.example',"
        " 'password': sys.argv[2]})\n"
        "print('TOO MANY' if b'Too many attempts' in answer.content else answer.status_code)"
    )

    def attempts(times, password):
        database = connection.settings_dict
        if connection.vendor == "sqlite":
            url = f"sqlite:///{database['NAME']}"
        else:
            url = "postgres://{USER}:{PASSWORD}@{host}:{PORT}/{NAME}".format(
                **database, host=database["HOST"].replace("/", "%2F")
            )
        found = subprocess.run(
            [sys.executable, "-c", program, str(times), password],
            cwd=settings.BASE_DIR,
            env={
                **os.environ,
                "DATABASE_URL": url,
                "DJANGO_SETTINGS_MODULE": "portal.settings",
                "ALLOWED_HOSTS": "testserver",
                "PORTAL_URL": "https://testserver",
            },
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert found.returncode == 0, found.stderr
        return found.stdout.strip()

    try:
        assert attempts(3, "wrong") == "200"
        assert attempts(2, "wrong") == "200"
        assert attempts(1, "demo-portal") == "TOO MANY"
    finally:
        cache.clear()


def test_too_many_requests_are_answered_in_the_portal_s_look(browser):
    for number in range(30):
        browser.post("/accounts/login/", {"username": f"p{number}", "password": ""})
    answer = sign_in(browser, HELPDESK)
    assert answer.status_code == 429
    assert Page(answer).heading == "Too many attempts"


def test_an_email_gets_five_links_in_an_hour(browser, queue):
    for _ in range(5):
        assert ask_for_a_link(browser, HELPDESK).status_code == 302
    assert ask_for_a_link(browser, HELPDESK).status_code == 429
    assert len(queue.all()) == 5
    assert ask_for_a_link(browser, ALBERS).status_code == 302


def test_behind_a_proxy_the_address_is_what_the_proxy_saw(browser, settings):
    """What a client writes into the header itself does not give it new attempts."""
    settings.TRUSTED_PROXIES = 1
    for number in range(20):
        header = {"HTTP_X_FORWARDED_FOR": f"192.0.2.{number}, 198.51.100.7"}
        fail(browser, f"person-{number}@nowhere.example", 1, **header)
    for seen, expected in (("198.51.100.7", [("alert", TOO_MANY)]), ("198.51.100.8", None)):
        answer = browser.post(
            "/accounts/login/",
            {"username": HELPDESK, "password": "demo-portal"},
            HTTP_X_FORWARDED_FOR=f"192.0.2.99, {seen}",
        )
        assert Page(answer).alerts == expected if expected else answer.url == "/"


# Sessions


def test_the_list_shows_where_someone_is_signed_in(demo):
    here = Client(headers={"user-agent": "Here", "accept-language": "en"})
    there = Client(headers={"user-agent": "There"}, REMOTE_ADDR="198.51.100.7")
    for client in (there, here):
        sign_in(client, HELPDESK)
    other = Client(headers={"user-agent": "Another person"})
    sign_in(other, ALBERS)
    rows = Page(here.get("/accounts/sessions/")).table
    assert [(row["Browser"], row["Address"]) for row in rows] == [
        ("Here this one", "127.0.0.1"),
        ("There", "198.51.100.7"),
    ]


def test_signing_out_everywhere_else_does_so_at_once(demo):
    here, there, unlisted = Client(headers={"accept-language": "en"}), Client(), Client()
    for client in (there, here):
        sign_in(client, HELPDESK)
    unlisted.force_login(demo.user(HELPDESK))
    stranger = signed_in(ALBERS)
    assert all(map(is_in, (here, there, unlisted)))
    answer = here.post("/accounts/sessions/")
    page = Page(here.get(answer.url))
    assert page.alerts == [("status", "You are signed out everywhere else.")]
    assert [row["Browser"] for row in page.table] == ["– this one"]
    assert not is_in(there)
    assert not is_in(unlisted)
    assert is_in(stranger)
    assert [entry.action for entry in demo.log(actor__user=demo.user(HELPDESK))] == [
        Action.SESSIONS_ENDED
    ]


def test_a_session_that_ended_is_not_listed(demo):
    here, there = Client(headers={"user-agent": "Here"}), Client(headers={"user-agent": "There"})
    for client in (there, here):
        sign_in(client, HELPDESK)
    there.post("/accounts/logout/")
    [row] = Page(here.get("/accounts/sessions/")).table
    assert row["Browser"].startswith("Here")
    demo.user(HELPDESK).end_sessions()
    fresh = Client(headers={"user-agent": "Fresh"})
    sign_in(fresh, HELPDESK)
    [row] = Page(fresh.get("/accounts/sessions/")).table
    assert row["Browser"].startswith("Fresh")


def test_the_list_costs_the_same_with_1_row_and_with_20(demo, django_assert_num_queries):
    here = Client()
    sign_in(here, HELPDESK)
    with django_assert_num_queries(5):
        assert len(Page(here.get("/accounts/sessions/")).table) == 1
    for _ in range(19):
        sign_in(Client(), HELPDESK)
    with django_assert_num_queries(5):
        assert len(Page(here.get("/accounts/sessions/")).table) == 20


def test_a_session_ends_two_weeks_after_the_last_thing_it_kept(demo, time_machine):
    """Pages that are only read do not prolong it."""
    time_machine.move_to(timezone.now())
    browser = Client()
    sign_in(browser, HELPDESK)
    time_machine.shift(timedelta(days=13))
    assert is_in(browser)
    time_machine.shift(timedelta(days=1))
    assert not is_in(browser)

    sign_in(browser, HELPDESK)
    time_machine.shift(timedelta(days=13))
    browser.post("/settings/profile/", {"name": "Hanna", "language": ""})
    time_machine.shift(timedelta(days=13))
    assert is_in(browser)


def test_a_page_writes_nothing_about_the_session(demo):
    browser = Client()
    sign_in(browser, HELPDESK)
    browser.get(HOME)
    before = [list(model.objects.order_by("pk").values()) for model in (Session, UserSession)]
    for path in (HOME, "/activity/", "/accounts/sessions/"):
        assert browser.get(path).status_code == 200
    assert before == [
        list(model.objects.order_by("pk").values()) for model in (Session, UserSession)
    ]


def test_who_is_signed_in_costs_two_queries(demo, django_assert_num_queries):
    """The session, and the user with its organisation; the answer itself, 405, asks for nothing."""
    browser = Client()
    sign_in(browser, HELPDESK)
    for needed in (False, True):
        Partner.objects.update(requires_second_factor=needed)
        if needed:
            set_up_app(demo.user(HELPDESK))
            browser.get(HOME)
        with django_assert_num_queries(2):
            assert browser.get("/accounts/language/").status_code == 405


# The operators' door


def test_the_sign_in_of_django_admin_is_the_portal_s(browser):
    answer = browser.get("/admin/login/?next=/admin/portal/user/")
    assert answer.url == "/accounts/login/?next=%2Fadmin%2Fportal%2Fuser%2F"
    answer = browser.post("/admin/login/", {"username": OPERATOR, "password": "demo-portal"})
    assert answer.url.startswith("/accounts/login/")
    assert not is_in(browser)


def test_whoever_is_no_operator_is_refused_there(demo):
    browser = signed_in(HELPDESK)
    assert browser.get("/admin/", follow=True).status_code == 403


def test_an_operator_finds_the_second_factor_in_django_admin(admin_client):
    page = admin_client.get("/admin/").content.decode()
    assert 'href="/accounts/second-factor/"' in page
    assert 'href="/accounts/sessions/"' in page
