"""The pages of the portal itself: the way in and out, the language, the profile, the probes, errors."""

from datetime import UTC, datetime

import pytest
from django.contrib.messages import get_messages
from django.db import OperationalError, connection
from django.test import Client

from portal.authority import PORTAL
from portal.models import Worker
from tests.demo import ALBERS, HELPDESK, OPERATOR
from tests.pages import Page, signed_in

MENU = [
    "Customers",
    "Subscriptions",
    "Relationship requests",
    "Indirect resellers",
    "Activity log",
    "Settings",
]
WRONG = "Email or password is wrong. Check both and try again."


@pytest.fixture
def browser(demo):
    return Client(headers={"accept-language": "en"})


def sign_in(browser, email, password="demo-portal", **data):
    return browser.post(
        "/accounts/login/", {"username": email, "password": password, **data}, follow=False
    )


# /


@pytest.mark.parametrize(
    ("email", "home"),
    [
        ("global@nordlicht.example", "/customers/"),
        ("agent@nordlicht.example", "/customers/"),
        ("sales@nordlicht.example", "/customers/"),
        ("helpdesk@nordlicht.example", "/customers/"),
        ("users@nordlicht.example", "/settings/users/"),
        ("global@brandt.example", "/customers/"),
        ("global@hafen.example", "/customers/"),
        (ALBERS, "/support/"),
        (OPERATOR, "/admin/"),
    ],
)
def test_the_start_page_leads_everyone_to_the_page_that_is_theirs(demo, email, home):
    browser = signed_in(email)
    answer = browser.get("/")
    assert (answer.status_code, answer.url) == (302, home)
    assert browser.get(home).status_code == 200


def test_nobody_is_sent_to_the_sign_in_and_back_to_where_they_wanted(browser):
    assert browser.get("/").url == "/accounts/login/?next=/"
    page = browser.get("/customers/?q=albers")
    assert page.url == "/accounts/login/?next=/customers/%3Fq%3Dalbers"
    form = Page(browser.get(page.url))
    assert form.heading == "Sign in"
    answer = sign_in(browser, HELPDESK, next=form.hidden("next"))
    assert answer.url == "/customers/?q=albers"


@pytest.mark.parametrize(
    ("email", "menu"),
    [
        (HELPDESK, MENU),
        (
            "global@hafen.example",
            [
                "Customers",
                "Subscriptions",
                "Relationship requests",
                "Indirect providers",
                "Activity log",
                "Settings",
            ],
        ),
        (
            "global@brandt.example",
            ["Customers", "Subscriptions", "Relationship requests", "Activity log", "Settings"],
        ),
        ("users@nordlicht.example", ["Activity log", "Settings"]),
        (ALBERS, ["Support", "Partner relationships", "Activity log", "Settings"]),
    ],
)
def test_the_menu_has_the_pages_that_the_roles_may_see(demo, email, menu):
    page = Page(signed_in(email).get("/settings/profile/"))
    assert page.menu == menu


def test_the_menu_of_a_customer_stands_under_the_heading_admin(demo):
    page = Page(signed_in(ALBERS).get("/support/"))
    assert [heading.text for heading in page.tree.findall(".//nav/h2")] == ["Admin"]
    assert Page(signed_in(HELPDESK).get("/customers/")).tree.find(".//nav/h2") is None


# Sign-in and sign-out


def test_signing_in_leads_home_and_shows_who_is_in(browser):
    assert sign_in(browser, HELPDESK).url == "/"
    page = Page(browser.get("/customers/"))
    header = page.tree.find(".//header").itertext()
    assert "Nordlicht Distribution" in header
    assert "Helpdesk agent, Nordlicht Distribution" in "".join(
        page.tree.find(".//p[@class='who']").itertext()
    )


def test_the_case_of_an_email_and_spaces_around_it_do_not_matter(browser):
    assert sign_in(browser, "  HelpDesk@Nordlicht.EXAMPLE ").url == "/"
    assert browser.get("/customers/").status_code == 200


@pytest.mark.parametrize(
    ("email", "password"),
    [
        (HELPDESK, "wrong"),
        ("nobody@nordlicht.example", "demo-portal"),
        (HELPDESK, " demo-portal"),
        (HELPDESK, "DEMO-PORTAL"),
        (HELPDESK, "x" * 5000),
    ],
)
def test_the_answer_to_a_wrong_sign_in_does_not_tell_whether_there_is_an_account(
    browser, email, password
):
    answer = sign_in(browser, email, password)
    assert answer.status_code == 200
    assert Page(answer).alerts == [("alert", WRONG)]
    assert browser.get("/customers/").url.startswith("/accounts/login/")


def test_T3_the_deactivated_cannot_sign_in_and_read_the_same_sentence(demo, browser):
    demo.user(HELPDESK).deactivate(by=PORTAL)
    demo.partner("Hafen IT").deactivate(by=PORTAL)
    for email in (HELPDESK, "global@hafen.example"):
        answer = sign_in(browser, email)
        assert answer.status_code == 200
        assert Page(answer).alerts == [("alert", WRONG)]


def test_T3_deactivating_signs_out_at_once_and_for_good(demo):
    user, partner = signed_in(HELPDESK), signed_in("global@hafen.example")
    assert user.get("/customers/").status_code == partner.get("/customers/").status_code == 200
    demo.user(HELPDESK).deactivate(by=PORTAL)
    demo.partner("Hafen IT").deactivate(by=PORTAL)
    assert user.get("/customers/").status_code == partner.get("/customers/").status_code == 302
    demo.user(HELPDESK).reactivate(by=PORTAL)
    demo.partner("Hafen IT").reactivate(by=PORTAL)
    assert user.get("/customers/").status_code == partner.get("/customers/").status_code == 302


@pytest.mark.parametrize(
    "email", ["", "\x00", "a@b\x00.example", "x" * 300, "ı@ſ.example", "' OR 1=1 --"]
)
@pytest.mark.parametrize("password", ["", "\x00", "x"])
def test_a_sign_in_with_odd_values_is_refused_with_a_sentence(browser, email, password):
    answer = sign_in(browser, email, password)
    assert answer.status_code == 200
    page = Page(answer)
    assert page.field_errors or page.alerts == [("alert", WRONG)]


@pytest.mark.parametrize(
    "target",
    ["https://elsewhere.example/", "//elsewhere.example/", "javascript:alert(1)", "/\\elsewhere"],
)
def test_the_sign_in_does_not_lead_out_of_the_portal(browser, target):
    assert sign_in(browser, HELPDESK, next=target).url == "/"


def test_signing_out_ends_the_session_and_leads_to_the_sign_in(browser):
    sign_in(browser, HELPDESK)
    answer = browser.post("/accounts/logout/")
    assert answer.url == "/accounts/login/"
    assert browser.get("/customers/").status_code == 302


def test_a_link_does_not_sign_anyone_out(browser):
    sign_in(browser, HELPDESK)
    assert browser.get("/accounts/logout/").status_code == 405
    assert browser.get("/customers/").status_code == 200


def test_a_new_session_begins_with_the_sign_in(browser):
    browser.get("/accounts/login/")
    browser.session["planted"] = "1"
    before = browser.session.session_key
    sign_in(browser, HELPDESK)
    assert browser.session.session_key != before


# Language


@pytest.mark.parametrize(
    ("accepts", "language"),
    [
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.5", "de"),
        ("en-GB,de;q=0.3", "en"),
        ("fr, de;q=0.8, en;q=0.5", "de"),
        ("fr", "en"),
        ("", "en"),
        ("*", "en"),
        ("x" * 5000, "en"),
    ],
)
def test_the_language_comes_from_the_browser(demo, accepts, language):
    browser = Client(headers={"accept-language": accepts})
    answer = browser.get("/accounts/login/")
    assert answer["Content-Language"] == Page(answer).language == language
    assert "Accept-Language" in answer["Vary"]


def test_the_switch_wins_over_the_browser_and_stays_for_the_user(demo):
    browser = signed_in(HELPDESK)
    answer = browser.post("/accounts/language/", {"language": "de", "next": "/customers/?q=albers"})
    assert answer.url == "/customers/?q=albers"
    assert Page(browser.get("/customers/")).language == "de"
    assert demo.user(HELPDESK).language == "de"
    # On another computer it is the same.
    assert Page(signed_in(HELPDESK).get("/customers/")).language == "de"
    browser.post("/accounts/language/", {"language": "en"})
    german = signed_in(HELPDESK, **{"accept-language": "de"})
    assert Page(german.get("/customers/")).language == "en"


def test_the_switch_works_before_the_sign_in(browser):
    browser.post("/accounts/language/", {"language": "de", "next": "/accounts/login/"})
    assert Page(browser.get("/accounts/login/")).language == "de"
    sign_in(browser, HELPDESK)
    assert Page(browser.get("/customers/")).language == "de"


def test_the_user_s_language_wins_over_the_one_another_left_in_the_browser(demo, browser):
    browser.post("/accounts/language/", {"language": "de"})
    user = demo.user(HELPDESK)
    user.language = "en"
    user.save()
    sign_in(browser, HELPDESK)
    assert Page(browser.get("/customers/")).language == "en"


@pytest.mark.parametrize("language", ["fr", "", "de ", "\x00", "x" * 5000, "../de", "DE\n"])
def test_a_language_that_the_portal_does_not_speak_is_ignored(demo, language, nothing_written):
    browser = signed_in(HELPDESK)
    with nothing_written():
        answer = browser.post("/accounts/language/", {"language": language})
    assert answer.status_code == 302
    assert Page(browser.get("/customers/")).language == "en"


@pytest.mark.parametrize(
    "target", ["https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example", ""]
)
def test_the_switch_does_not_lead_out_of_the_portal(demo, target):
    answer = signed_in(HELPDESK).post("/accounts/language/", {"language": "de", "next": target})
    assert answer.status_code == 302
    assert answer.url == "/"


def test_the_switch_stands_on_every_page_and_shows_the_language_in_use(demo):
    page = Page(signed_in(HELPDESK).get("/customers/?q=albers"))
    form = page.tree.find(".//footer/form")
    buttons = {button.text: button.get("aria-pressed") for button in form.findall("button")}
    assert buttons == {"English": "true", "Deutsch": "false"}
    assert form.find("input[@name='next']").get("value") == "/customers/?q=albers"


# Profile


def test_the_profile_says_who_someone_is(demo):
    page = Page(signed_in(HELPDESK).get("/settings/profile/"))
    assert page.heading == "Profile"
    assert page.facts == {
        "Email": "helpdesk@nordlicht.example (confirmed)",
        "Organisation": "Nordlicht Distribution",
        "Roles": "Helpdesk agent",
    }


def test_saving_the_profile_changes_name_and_language_and_says_so_in_it(demo):
    browser = signed_in(HELPDESK)
    data = {"name": "Änne Ğül", "language": "de"}
    answer = browser.post("/settings/profile/", data)
    assert answer.url == "/settings/profile/"
    [message] = get_messages(answer.wsgi_request)
    user = demo.user(HELPDESK)
    assert (user.name, user.language) == ("Änne Ğül", "de")
    page = Page(browser.get("/settings/profile/"))
    assert page.language == "de"
    assert page.alerts == [("status", str(message))]
    assert str(message) != "Your profile was saved."


def test_the_profile_changes_nothing_else(demo):
    browser = signed_in(HELPDESK)
    before = demo.user(HELPDESK)
    data = {"name": "Anna", "language": "", "email": "x@y.example", "is_staff": "on", "id": "1"}
    data |= {"password": "secret", "is_active": "", "roles": "global"}
    browser.post("/settings/profile/", data)
    after = demo.user(HELPDESK)
    assert (after.name, after.language) == ("Anna", "")
    assert (after.email, after.is_staff, after.is_active) == (before.email, False, True)
    assert after.password == before.password
    assert after.membership.roles == before.membership.roles


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"language": "fr"}, "Select a valid choice. fr is not one of the available choices."),
        ({"name": "a\x00b"}, "Null characters are not allowed."),
        (
            {"name": "x" * 201},
            "Ensure this value has at most 200 characters (it has 201).",
        ),
    ],
)
def test_a_refused_profile_says_why_at_the_field(demo, data, sentence, nothing_written):
    browser = signed_in(HELPDESK)
    with nothing_written():
        answer = browser.post("/settings/profile/", {"name": "", "language": "", **data})
    assert answer.status_code == 200
    page = Page(answer)
    assert page.field_errors == [sentence]
    [(role, text)] = page.alerts
    assert role == "alert"
    assert text.startswith("Nothing was saved. Please check:")
    assert text.endswith(sentence)


# Refusals


def test_T2_the_page_of_a_refusal_names_the_roles_that_may(demo):
    answer = signed_in("users@nordlicht.example").get("/customers/")
    assert answer.status_code == 403
    page = Page(answer)
    assert page.heading == "Not allowed"
    assert page.all_text("li") == ["Global admin", "Admin agent", "Sales agent", "Helpdesk agent"]


def test_a_broken_csrf_token_is_refused_in_the_portal_s_look(demo):
    browser = Client(enforce_csrf_checks=True, headers={"accept-language": "en"})
    browser.force_login(demo.user(HELPDESK))
    for token in ("", "x" * 64, "\x00", "ü"):
        answer = browser.post(
            "/settings/profile/", {"name": "X", "language": "", "csrfmiddlewaretoken": token}
        )
        assert answer.status_code == 403
        page = Page(answer)
        assert page.heading == "The page was open too long"
        assert "Nothing was changed." in page.text
        assert page.menu == MENU
    assert demo.user(HELPDESK).name == "Helpdesk agent, Nordlicht Distribution"


@pytest.mark.parametrize("email", [HELPDESK, ALBERS, None])
@pytest.mark.parametrize("path", ["/settings/profile/", "/accounts/login/", "/accounts/language/"])
def test_an_oversized_body_is_refused_in_the_portal_s_look(
    demo, browser, path, email, nothing_written
):
    browser = signed_in(email) if email else browser
    refusals = [
        ({"name": "x" * 2_700_000}, 413, "Too much to read"),
        ({f"field{number}": "x" for number in range(1100)}, 400, "Bad request"),
    ]
    for body, status, heading in refusals:
        with nothing_written():
            answer = browser.post(path, body, headers={"accept-language": "en"})
        if answer.status_code == 302 and email is None and path == "/settings/profile/":
            continue  # nobody is asked to sign in before the body is read
        assert (answer.status_code, Page(answer).heading) == (status, heading)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; na"),
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=\xc3\xbc", b"x"),
        ("application/x-www-form-urlencoded; charset=utf-16", b"name=x&language=fr"),
        ("application/x-www-form-urlencoded", b"name=%ED%A0%80&language=%ff%fe"),
        ("application/json", b"{"),
        ("", b"x"),
    ],
)
def test_a_body_that_is_no_form_is_no_error_of_the_server(demo, kind, body):
    answer = signed_in(HELPDESK).post("/settings/profile/", body, content_type=kind)
    assert answer.status_code in (200, 302, 400)


@pytest.mark.parametrize("email", [HELPDESK, ALBERS, OPERATOR, None])
@pytest.mark.parametrize(
    "path",
    ["/nowhere", "/customers/1/", "/%00", "/%ED%A0%80/", "/customers/%00/", "/" + "x" * 9000],
)
def test_an_unknown_path_is_not_found_in_the_portal_s_look(demo, browser, email, path):
    browser = signed_in(email) if email else browser
    answer = browser.get(path)
    assert answer.status_code == 404
    assert Page(answer).heading == "Page not found"


def test_a_path_without_its_last_slash_leads_to_the_page(demo):
    assert signed_in(HELPDESK).get("/customers").url == "/customers/"


def test_an_unknown_host_is_a_bad_request(demo, browser):
    answer = browser.get("/accounts/login/", headers={"host": "elsewhere.example"})
    assert answer.status_code == 400
    assert Page(answer).heading == "Bad request"


def test_an_error_of_the_server_is_told_in_the_portal_s_look(demo, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError("secret")

    monkeypatch.setattr("portal.views.HomeView.get", fail)
    browser = signed_in(HELPDESK)
    browser.raise_request_exception = False
    answer = browser.get("/")
    assert answer.status_code == 500
    assert Page(answer).heading == "Something went wrong"
    assert b"secret" not in answer.content


@pytest.mark.parametrize("cookie", ["x", "\x01", "x" * 4000, "../../etc"])
def test_a_broken_session_cookie_is_nobody_s(demo, browser, cookie):
    browser.cookies["sessionid"] = cookie
    assert browser.get("/customers/").status_code == 302


# Probes


def test_the_portal_is_alive_and_ready(browser):
    Worker.objects.tell("portal-1")
    for path in ("/healthz", "/readyz"):
        answer = browser.get(path)
        assert (answer.status_code, answer.content) == (200, b"ok\n")
        assert answer["Content-Type"] == "text/plain"
        assert "no-store" in answer["Cache-Control"]
        assert browser.head(path).status_code == 200


def test_a_worker_that_is_gone_is_a_line_and_keeps_no_page_from_being_served(browser):
    answer = browser.get("/readyz")
    assert (answer.status_code, answer.content) == (200, b"ok\nworker: never seen\n")
    Worker.objects.tell("portal-1")
    Worker.objects.update(seen_at=datetime(2026, 11, 30, 12, 5, tzinfo=UTC))
    answer = browser.get("/readyz")
    said = b"ok\nworker: last seen 2026-11-30 12:05 UTC\n"
    assert (answer.status_code, answer.content) == (200, said)


def test_alive_asks_no_database(browser, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert browser.get("/healthz").status_code == 200


def test_not_ready_while_a_migration_is_pending(browser):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'subscriptions'")
    answer = browser.get("/readyz")
    assert (answer.status_code, answer.content) == (503, b"migrations pending\n")
    assert browser.get("/healthz").status_code == 200


def test_not_ready_while_the_database_is_unreachable(browser, monkeypatch):
    def fail(*args, **kwargs):
        raise OperationalError("password=secret")

    with monkeypatch.context() as patch:
        patch.setattr(connection, "cursor", fail)
        answer = browser.get("/readyz")
        alive = browser.get("/healthz")
    assert (answer.status_code, answer.content) == (503, b"database unreachable\n")
    assert alive.status_code == 200
