"""Every page is HTML without an error, and has what a reader's tools look for."""

from datetime import timedelta

import html5lib
import pytest
import time_machine
from django.conf import settings
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal.authority import PORTAL
from portal.models import Membership, User
from portal.permissions import Role
from relationships.models import RelationshipRequest, RequestKind
from subscriptions.models import BulkAssignment
from tests.demo import ALBERS, GLOBAL, HELPDESK, OPERATOR
from tests.factories import CustomerFactory, MembershipFactory, RelationshipFactory
from tests.pages import (
    Page,
    own_routes,
    set_up_app,
    set_up_passkey,
    show_factor,
    sign_in,
    signed_in,
)

# Which page whom to show; the answers of the others are not HTML.
PAGES = {
    "account_login": (None,),
    "account_reauthenticate": (HELPDESK, OPERATOR),
    "account_change_password": (HELPDESK, OPERATOR),
    "account_reset_password": (None, HELPDESK),
    "account_reset_password_done": (None, HELPDESK),
    "account_reset_password_from_key": (None, HELPDESK),
    "account_reset_password_from_key_done": (None, HELPDESK),
    "mfa_index": (HELPDESK, OPERATOR),
    "mfa_list_webauthn": (HELPDESK, OPERATOR),
    "usersessions_list": (HELPDESK, OPERATOR),
    "sessions_end": (HELPDESK, OPERATOR),
    "socialaccount_connections": (HELPDESK, OPERATOR),
    "socialaccount_login_cancelled": (None, HELPDESK),
    "openid_connect_login": (None, HELPDESK),
    "profile": (HELPDESK, ALBERS),
    "address": (HELPDESK, ALBERS),
    "address_confirm": (HELPDESK,),
    "customers:list": (HELPDESK,),
    "coverage:list": (GLOBAL, "sales@nordlicht.example", "global@moewe.example"),
    "coverage:partnership": (HELPDESK, "global@hafen.example"),
    "coverage:relationship": ("global@hafen.example",),
    "coverage:file": (HELPDESK,),
    "coverage:contact": (HELPDESK,),
    "coverage:bulk": (HELPDESK,),
    "subscriptions:list": (HELPDESK, "global@moewe.example"),
    "subscriptions:add": (HELPDESK, "global@suedwind.example"),
    "subscriptions:edit": (HELPDESK,),
    "new_customer:step": (GLOBAL, "global@hafen.example", "global@brandt.example"),
    "new_customer:done": (GLOBAL, "global@elbe.example"),
    "account:edit": (HELPDESK, "global@elbe.example"),
    "subscriptions:detail": (
        HELPDESK,
        "sales@nordlicht.example",
        "global@hafen.example",
    ),
    "subscriptions:suspend": (HELPDESK,),
    "subscriptions:review": (HELPDESK, "sales@nordlicht.example"),
    "subscriptions:history": (HELPDESK, "global@hafen.example"),
    "support:list": (ALBERS, "admin@huber.example"),
    "support:history": (ALBERS,),
    "support:relationship": (ALBERS,),
    "account:detail": (GLOBAL, HELPDESK, "global@elbe.example", "global@suedwind.example"),
    "account:give_up_dap": ("global@hafen.example", GLOBAL),
    "account:remove": ("global@hafen.example", GLOBAL),
    "account:suspend": (GLOBAL, "global@hafen.example"),
    "relationships:requests": (GLOBAL, HELPDESK, "global@pacific.example"),
    "relationships:request_new": (GLOBAL, "sales@nordlicht.example", "global@hafen.example"),
    "relationships:request": (GLOBAL, HELPDESK),
    "relationships:request_withdraw": (GLOBAL,),
    "relationships:partnership_end": (GLOBAL, "global@hafen.example"),
    "relationships:resellers": (GLOBAL, HELPDESK, "global@suedwind.example"),
    "relationships:reseller_invite": (GLOBAL,),
    "relationships:providers": ("global@hafen.example", "global@pacific.example"),
    "invitations:detail": (None, ALBERS, GLOBAL, OPERATOR),
    "invitations:register": (None,),
    "invitations:registration": (None,),
    "support_partners:remove_dap": (ALBERS,),
    "support_partners:list": (ALBERS, "admin@huber.example"),
    "customer_domain": ("admin@huber.example", ALBERS),
    "take_over:own": ("admin@werft.example",),
    "take_over:record": (ALBERS,),
    "activity": (GLOBAL, ALBERS, "users@nordlicht.example"),
    "notices": (GLOBAL, ALBERS, "global@hafen.example"),
    "notice": (GLOBAL,),
    "words": (HELPDESK, ALBERS),
    "company": (GLOBAL, "global@brandt.example"),
    "users:list": (GLOBAL, "users@nordlicht.example", ALBERS),
    "users:invite": (GLOBAL, ALBERS),
    "users:detail": (GLOBAL, "users@nordlicht.example"),
    "users:deactivate": (GLOBAL, "users@nordlicht.example"),
    "user_invitation": (None, GLOBAL),
}
# The notice is there once a relationship has ended; its own test is below.
NOT_A_PAGE = {"home", "account_logout", "set_language", "set_theme", "healthz", "readyz"} | {
    "set_time_zone",  # a part of one
    "relationships:notice",
    # Files.
    "activity_export",
    "customers:export",
    "support:vcard",
    "mfa_download_recovery_codes",
    "mfa_login_webauthn",  # the answer of a script
    # Those of an account with second factors are read below.
    "account_set_password",
    "mfa_authenticate",
    "mfa_reauthenticate",
    "mfa_reauthenticate_webauthn",
    "mfa_activate_totp",
    "mfa_deactivate_totp",
    "mfa_view_recovery_codes",
    "mfa_generate_recovery_codes",
    "mfa_add_webauthn",
    "mfa_edit_webauthn",
    "mfa_remove_webauthn",
    "user_invitation_provider",
    "identity_unlink",  # read in tests/portal/test_identity_providers.py
    # So is what an identity provider's answer leads to.
    "openid_connect_callback",
    "subscriptions:export",
    "new_customer:start",  # leads to the first step
    "coverage:export",
    "subscriptions:history_export",
    "coverage:bulk_export",
    "coverage:partnership_export",
    "coverage:relationship_export",
    "support:relationship_export",
    "coverage:submit",  # a page that is sent piece by piece; its own test is below
    # A button leads to each of these, and each leads back to a page.
    "coverage:assign",
    "dismiss_notice",
    "dismiss_notices",
    "user_invitation_renew",
    "users:invite_again",
    "users:reactivate",
    "invitations:accept",
    "invitations:decline",
    "invitations:prove",
    "relationships:request_renew",
    "subscriptions:reactivate",
}


def test_every_route_is_read_here_or_is_no_page():
    assert set(own_routes()) == set(PAGES) | NOT_A_PAGE


def ask_several(demo):
    nordlicht, hafen = demo.user(GLOBAL), demo.user("global@hafen.example")
    provider = demo.partner("Nordlicht Distribution")
    demo.relationship("Reederei Albers", "Nordlicht Distribution").remove_dap(by=PORTAL)
    new = {"recipient_name": "Werft „Neu“ & Söhne", "recipient_email": "a@werft-neu.example"}
    new["language"] = "de"
    return {
        "own": ask(nordlicht, demo.customer("Reederei Albers"), subject="“A” & <b>", text="<i>\n&"),
        "new": RelationshipRequest.objects.ask(by=hafen, provider=provider, **new),
        "reseller": RelationshipRequest.objects.ask(
            by=nordlicht, kind=RequestKind.RESELLER, with_dap=False, **new
        ),
        "moewe": RelationshipRequest.objects.ask(
            by=nordlicht,
            kind=RequestKind.RESELLER,
            with_dap=False,
            **new | {"recipient_email": "global@moewe.example"},
        ),
    }


@pytest.fixture
def requests(demo, stage):
    """A joint request to Reederei Albers, one to a new firm, and two invitations to resellers."""
    return stage(ask_several, demo)


def ask(by, customer, **fields):
    return RelationshipRequest.objects.ask(
        by=by,
        customer=customer,
        recipient_name=customer.name,
        recipient_email=customer.contact_email,
        language="de",
        **fields,
    )


def let_happen(demo):
    """Office 365 went to Hafen IT, fell back, so that there are notices, and went there again."""
    office = demo.subscription("Reederei Albers", "Office 365 Business Standard")
    office.designate(demo.partner("Hafen IT"), by=demo.user(HELPDESK))
    demo.relationship("Reederei Albers", "Hafen IT").remove_dap(by=demo.user(ALBERS))
    demo.relationship("Reederei Albers", "Hafen IT").grant_dap(by=demo.user(ALBERS))
    office.refresh_from_db()
    office.designate(demo.partner("Hafen IT"), by=demo.user(HELPDESK))

    demo.customer("Weingut Huber").free_domain(by=PORTAL)
    taken_over = CustomerFactory(partners_reviewed_at=None)
    MembershipFactory(customer=taken_over, user__email="admin@werft.example")
    typed = CustomerFactory(name="<b>“A” &", domain="albers.example")
    for customer in (taken_over, typed):
        RelationshipFactory(customer=customer, partner=demo.partner("Brandt Direkt"))

    helpdesk = demo.user(HELPDESK)
    bulk = BulkAssignment.objects.start(office.customer.subscriptions.all(), by=helpdesk)
    bulk.choose(demo.partner("Elbe Support"), by=helpdesk)
    return {"office": office, "typed": typed, "bulk": bulk}


@pytest.fixture
def address(demo, requests, stage):
    """``address(name)``: the path of a page about Reederei Albers, where something has happened."""
    made = stage(let_happen, demo)
    office, typed, bulk = made["office"], made["typed"], made["bulk"]

    def of(name):
        keys = []
        if name in ("coverage:contact", "coverage:bulk"):
            keys = [bulk.pk]
        elif name.startswith("subscriptions:"):
            keys = [office.customer_id, office.pk][: 1 if name.endswith((":list", ":add")) else 2]
        elif name == "new_customer:step":
            keys = ["account"]
        elif name.startswith("account:") or name == "new_customer:done":
            keys = [office.customer_id]
        elif name == "support:history":
            keys = [office.pk]
        elif name == "take_over:record":
            keys = [typed.pk]
        elif name == "notice":
            keys = [demo.partner("Nordlicht Distribution").notices.first().uuid]
        elif name in ("users:detail", "users:deactivate"):
            keys = [invited(demo).pk]
        elif name == "user_invitation":
            return invited(demo).invitation_path
        elif name == "address_confirm":
            return demo.user(HELPDESK).confirmation_path("info@nordlicht.example")
        elif name in ("coverage:partnership", "relationships:partnership_end"):
            keys = [demo.partnership("Nordlicht Distribution", "Hafen IT").pk]
        elif name.endswith(":relationship") or name == "support_partners:remove_dap":
            keys = [demo.relationship("Reederei Albers", "Hafen IT").pk]
        elif name in ("relationships:request", "relationships:request_withdraw"):
            keys = [requests["own"].pk]
        elif name == "invitations:detail":
            keys = [requests["own"].token]
        elif name == "invitations:register":
            keys = [requests["new"].token]
        elif name == "invitations:registration":
            return requests["new"].registration_path("ole@firm.example")
        elif name == "account_reset_password_from_key":
            keys = [demo.user(HELPDESK).pk.hex, "wrong"]
        elif name == "openid_connect_login":
            keys = ["contoso"]
        return reverse(name, args=keys)

    return of


def invited(demo):
    """A user of Nordlicht whose name is not easy to show, and who has not been here yet."""
    if known := User.objects.filter(email="new@nordlicht.example").first():
        return known
    return Membership.objects.invite(
        demo.partner("Nordlicht Distribution"),
        email="new@nordlicht.example",
        name="<b>“Neu” & \u202e",
        roles=[Role.SALES_AGENT, Role.GLOBAL_ADMIN],
        by=demo.user(GLOBAL),
    ).user


def require_good_html(response):
    assert response["Content-Type"] == "text/html; charset=utf-8"
    source = response.content.decode()
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    tree = parser.parse(source)
    assert tree.get("lang") == response.headers.get("Content-Language", tree.get("lang"))
    assert tree.get("lang") in ("en", "de")
    page = Page(response)
    assert len(tree.findall(".//h1")) == 1
    assert len(tree.findall(".//title")) == 1
    assert page.heading
    assert page.title.endswith(" – Partner portal") or page.title.endswith(" – Partnerportal")
    assert not page.title.startswith("–")
    assert len(tree.findall(".//main")) == 1
    assert tree.find(".//a[@class='skip-link']").get("href") == "#main"
    names = [element.get("id") for element in tree.iter() if element.get("id")]
    assert len(names) == len(set(names)), "an id stands twice"
    for element in tree.iter():
        assert element.tag != "style"
        assert element.tag != "script" or element.get("src"), "an inline script"
        for attribute, value in element.attrib.items():
            assert attribute != "style", "an inline style"
            assert not attribute.startswith("on"), "an inline script"
            assert not value.strip().lower().startswith("javascript:")
            if attribute in ("for", "aria-labelledby", "aria-describedby"):
                assert set(value.split()) <= set(names), f"{attribute} leads nowhere"
            if attribute == "href" and value.startswith("#"):
                assert value[1:] in names, f"a link to {value} leads nowhere"
        if "disabled" in element.attrib and element.tag != "option":
            assert element.get("aria-describedby"), "an inactive control does not say why"
        if "popover" in element.attrib:
            openers = tree.findall(f".//button[@popovertarget='{element.get('id')}']")
            assert len(openers) == 2, "a popover opens and closes by a button"
        if "data-question" in element.attrib:
            assert element.tag == "form", "without scripts a form leads to the question"
    for field in tree.findall(".//form//*"):
        if field.tag in ("input", "select", "textarea") and field.get("type") != "hidden":
            assert tree.find(f".//label[@for='{field.get('id')}']") is not None, "no label"
    for table in tree.findall(".//table"):
        assert table.find("caption") is not None
        assert all(cell.get("scope") for cell in table.iter("th"))


def browser_of(email, language):
    """A browser in which this language was picked: a request's link else speaks that of its mail."""
    browser = signed_in(email) if email else Client()
    browser.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    return browser


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize(
    ("name", "email"), [(name, email) for name, people in PAGES.items() for email in people]
)
def test_a_page_is_good_html(address, name, email, language):
    response = browser_of(email, language).get(address(name))
    assert response.status_code == 200
    assert Page(response).language == language
    require_good_html(response)


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("users:invite", {}),
        ("relationships:request_new", {}),
        ("relationships:reseller_invite", {}),
        ("company", {"support_email": "x", "support_languages": "x"}),
        ("profile", {"language": "x", "time_zone": "x"}),
        ("account:edit", {}),
        ("coverage:file", {}),
    ],
)
def test_a_refused_form_leads_from_each_error_to_its_field(address, name, data, language):
    answer = signed_in(GLOBAL, **{"accept-language": language}).post(address(name), data)
    assert answer.status_code == 200
    require_good_html(answer)
    [summary] = Page(answer).find("div[@role='alert']")
    assert len(summary.findall(".//a")) == len(Page(answer).field_errors) > 0


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("email", [HELPDESK, OPERATOR])
def test_the_pages_of_the_second_factor_are_good_html(demo, email, language):
    browser = Client(headers={"accept-language": language})
    sign_in(browser, email)
    for name in ("mfa_activate_totp", "mfa_add_webauthn"):
        require_good_html(browser.get(reverse(name)))
    app, passkey = set_up_app(demo.user(email)), set_up_passkey(demo.user(email))
    require_good_html(browser.get(reverse("mfa_index"), follow=True))
    show_factor(browser)
    pages = [
        reverse(name)
        for name in (
            "mfa_index",
            "mfa_deactivate_totp",
            "mfa_view_recovery_codes",
            "mfa_generate_recovery_codes",
            "mfa_list_webauthn",
            "mfa_reauthenticate",
            "mfa_reauthenticate_webauthn",
        )
    ]
    pages += [reverse(f"mfa_{act}_webauthn", args=[passkey.pk]) for act in ("edit", "remove")]
    for path in pages:
        answer = browser.get(path)
        assert answer.status_code == 200, path
        assert Page(answer).language == language
        require_good_html(answer)
    for path in (reverse("mfa_edit_webauthn", args=[passkey.pk]), reverse("mfa_reauthenticate")):
        require_good_html(browser.post(path, {}))
    again = Client(headers={"accept-language": language})
    assert sign_in(again, email).url == "/accounts/second-factor/enter/"
    require_good_html(again.get("/accounts/second-factor/enter/"))
    require_good_html(again.post("/accounts/second-factor/enter/", {"code": "\x00<b>"}))
    passkey.delete()
    require_good_html(again.get("/accounts/second-factor/enter/"))
    assert app.user == demo.user(email)


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_page_to_set_a_first_password_is_good_html(demo, language):
    user = demo.user(HELPDESK)
    user.set_unusable_password()
    user.save()
    browser = signed_in(HELPDESK, **{"accept-language": language})
    require_good_html(browser.get("/accounts/password/set/"))
    require_good_html(browser.post("/accounts/password/set/", {"password1": "x"}))


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize(
    ("which", "email"),
    [
        ("own", "admin@petersen.example"),
        ("new", None),
        ("new", ALBERS),
        ("moewe", None),
        ("moewe", "global@moewe.example"),
        ("moewe", "global@elbe.example"),
        ("reseller", "global@pacific.example"),
    ],
)
def test_an_invitation_is_good_html_for_whoever_opens_it(requests, which, email, language):
    response = browser_of(email, language).get(requests[which].path)
    assert response.status_code == 200
    require_good_html(response)


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_pages_of_an_unproved_address_are_good_html(demo, language):
    demo.user(HELPDESK).proved_addresses.all().delete()
    browser = signed_in(HELPDESK, **{"accept-language": language})
    require_good_html(browser.get("/accounts/address/?next=/customers/"))
    own, other = (
        demo.user(email).confirmation_path("info@nordlicht.example") for email in (HELPDESK, GLOBAL)
    )
    refused = browser.get(other)
    assert refused.status_code == 403
    require_good_html(refused)
    with time_machine.travel(timezone.now() + timedelta(days=8)):
        expired = signed_in(HELPDESK, **{"accept-language": language}).get(own)
    assert expired.status_code == 410
    require_good_html(expired)


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_page_of_a_running_assignment_is_good_html(demo, language):
    helpdesk = demo.user(HELPDESK)
    made = BulkAssignment.objects.start(
        demo.customer("Reederei Albers").subscriptions.all(), by=helpdesk
    )
    made.choose(demo.partner("Hafen IT"), by=helpdesk)
    browser = signed_in(HELPDESK, **{"accept-language": language})
    streamed = browser.post(reverse("coverage:submit", args=[made.pk]))
    response = HttpResponse(streamed.getvalue(), headers=streamed.headers)
    assert Page(response).language == language
    require_good_html(response)


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_dead_link_is_good_html(demo, requests, language):
    browser = browser_of(None, language)
    requests["own"].withdraw(by=demo.user(GLOBAL))
    response = browser.get(requests["own"].path)
    assert response.status_code == 410
    require_good_html(response)


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_notice_to_the_customer_is_good_html(demo, language):
    demo.relationship("Reederei Albers", "Elbe Support").end(by=PORTAL)
    [ended] = demo.customer("Reederei Albers").relationships.exclude(ended_at=None)
    browser = signed_in("global@elbe.example", **{"accept-language": language})
    response = browser.get(reverse("relationships:notice", args=[ended.pk]))
    assert Page(response).language == language
    require_good_html(response)


def test_the_forms_about_relationships_are_good_html_when_refused(requests):
    boss, albers, nobody = signed_in(GLOBAL), signed_in(ALBERS), Client()
    odd = "\x00\u202e<b>&amp;"
    detail = reverse("relationships:request", args=[requests["own"].pk])
    for answer in (
        boss.post("/relationships/requests/new/", {}),
        boss.post("/relationships/requests/new/", {"recipient_name": odd, "recipient_email": odd}),
        boss.get("/relationships/requests/new/", {"name": odd, "email": odd}),
        boss.post("/relationships/resellers/invite/", {"recipient_name": odd}),
        boss.post(detail, {"subject": odd, "text": odd}),
        albers.post(requests["own"].path + "decline/", {"reason": odd}),
        nobody.post(requests["new"].path + "register/", {}),
        nobody.post(requests["new"].path + "register/", {"name": odd, "domain": odd, "email": odd}),
    ):
        assert answer.status_code == 200
        require_good_html(answer)


@pytest.mark.parametrize("path", ["/support/?print=1", "/support/?q=visio", "/support/?q=%00"])
def test_what_the_customer_prints_or_searches_is_good_html(demo, path):
    for language in ("en", "de"):
        require_good_html(signed_in(ALBERS, **{"accept-language": language}).get(path))


@pytest.mark.parametrize(
    "path",
    [
        "/customers/?sort=-name",
        "/subscriptions/?sort=-since&size=100",
        "/settings/users/?sort=email",
    ],
)
def test_a_list_in_another_order_is_good_html(demo, path):
    require_good_html(signed_in("global@nordlicht.example").get(path))


@pytest.mark.parametrize("path", ["/customers/?q=%C3%9Cml%C3%A4ut%3C%26%22", "/customers/?q=%00"])
def test_a_search_without_a_result_is_good_html(demo, path):
    require_good_html(signed_in(HELPDESK).get(path))


def test_a_refused_form_is_good_html(demo, address):
    answer = signed_in(HELPDESK).post(address("subscriptions:detail"), {"support_contact": "x"})
    assert answer.status_code == 200
    require_good_html(answer)
    answer = Client().post("/accounts/login/", {"username": "", "password": ""})
    assert answer.status_code == 200
    require_good_html(answer)
    answer = signed_in(HELPDESK).post("/settings/profile/", {"language": "fr"})
    assert answer.status_code == 200
    require_good_html(answer)


def test_C8_the_page_of_a_conflict_is_good_html(demo, address):
    nordlicht = demo.partner("Nordlicht Distribution")
    answer = signed_in(HELPDESK).post(
        address("subscriptions:detail"), {"support_contact": str(nordlicht.pk), "seen": "0"}
    )
    assert answer.status_code == 409
    require_good_html(answer)


@pytest.mark.parametrize("email", [None, HELPDESK, ALBERS, OPERATOR])
def test_the_pages_of_errors_are_good_html(demo, email, monkeypatch):
    def browser(**options):
        client = Client(raise_request_exception=False, **options)
        if email:
            client.force_login(demo.user(email))
        return client

    def fail(*args, **kwargs):
        raise RuntimeError

    wrong = {"username": "x", "password": "y"}
    answers = [
        (400, browser().get("/accounts/login/", headers={"host": "elsewhere.example"})),
        (403, browser(enforce_csrf_checks=True).post("/accounts/login/", wrong)),
        (404, browser().get("/nowhere/")),
    ]
    if email in (ALBERS, OPERATOR):
        answers.append((403, browser().get("/customers/")))
    monkeypatch.setattr("allauth.account.views.PasswordResetView.get_context_data", fail)
    answers.append((500, browser().get("/accounts/password/reset/")))
    for status, answer in answers:
        assert answer.status_code == status
        require_good_html(answer)
