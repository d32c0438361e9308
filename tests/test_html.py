"""Every page is HTML without an error, and has what a reader's tools look for."""

import html5lib
import pytest
from django.test import Client
from django.urls import reverse

from tests.pages import ALBERS, NORDLICHT, OPERATOR, Page, own_routes, signed_in

# Which page whom to show; the answers of the others are not HTML.
PAGES = {
    "login": (None, OPERATOR),
    "profile": (NORDLICHT, ALBERS),
    "customers:list": (NORDLICHT,),
    "subscriptions:list": (NORDLICHT, "global@moewe.example"),
    "subscriptions:detail": (
        NORDLICHT,
        "sales@nordlicht.example",
        "global@hafen.example",
    ),
    "subscriptions:review": (NORDLICHT, "sales@nordlicht.example"),
    "subscriptions:history": (NORDLICHT, "global@hafen.example"),
    "support:list": (ALBERS, "admin@huber.example"),
}
NOT_A_PAGE = {"home", "logout", "set_language", "healthz", "readyz"}


def test_every_route_is_read_here_or_is_no_page():
    assert set(own_routes()) == set(PAGES) | NOT_A_PAGE


@pytest.fixture
def address(demo):
    """``address(name)``: the path of a page about Office 365 at Reederei Albers, with a history."""
    office = demo.subscription("Reederei Albers", "Office 365 Business Standard")
    office.designate(demo.partner("Hafen IT"), by=demo.user(NORDLICHT))

    def of(name):
        if not name.startswith("subscriptions:"):
            return reverse(name)
        keys = [office.customer_id] if name.endswith(":list") else [office.customer_id, office.pk]
        return reverse(name, args=keys)

    return of


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
    for field in tree.findall(".//form//*"):
        if field.tag in ("input", "select", "textarea") and field.get("type") != "hidden":
            assert tree.find(f".//label[@for='{field.get('id')}']") is not None, "no label"
    for table in tree.findall(".//table"):
        assert table.find("caption") is not None
        assert all(cell.get("scope") for cell in table.iter("th"))


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize(
    ("name", "email"), [(name, email) for name, people in PAGES.items() for email in people]
)
def test_a_page_is_good_html(address, name, email, language):
    headers = {"accept-language": language}
    browser = signed_in(email, **headers) if email else Client(headers=headers)
    response = browser.get(address(name))
    assert response.status_code == 200
    assert Page(response).language == language
    require_good_html(response)


@pytest.mark.parametrize("path", ["/customers/?q=%C3%9Cml%C3%A4ut%3C%26%22", "/customers/?q=%00"])
def test_a_search_without_a_result_is_good_html(demo, path):
    require_good_html(signed_in(NORDLICHT).get(path))


def test_a_refused_form_is_good_html(demo, address):
    answer = signed_in(NORDLICHT).post(address("subscriptions:detail"), {"support_contact": "x"})
    assert answer.status_code == 200
    require_good_html(answer)
    answer = Client().post("/accounts/login/", {"username": "", "password": ""})
    assert answer.status_code == 200
    require_good_html(answer)
    answer = signed_in(NORDLICHT).post("/settings/profile/", {"language": "fr"})
    assert answer.status_code == 200
    require_good_html(answer)


def test_C8_the_page_of_a_conflict_is_good_html(demo, address):
    nordlicht = demo.partner("Nordlicht Distribution")
    answer = signed_in(NORDLICHT).post(
        address("subscriptions:detail"), {"support_contact": str(nordlicht.pk), "seen": "0"}
    )
    assert answer.status_code == 409
    require_good_html(answer)


@pytest.mark.parametrize("email", [None, NORDLICHT, ALBERS, OPERATOR])
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
    monkeypatch.setattr("portal.views.SignInView.get_context_data", fail)
    answers.append((500, browser().get("/accounts/login/")))
    for status, answer in answers:
        assert answer.status_code == status
        require_good_html(answer)
