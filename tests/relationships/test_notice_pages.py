"""C11: the notices of what fell back, and how each reader dismisses them."""

import pytest

from portal.authority import PORTAL
from portal.models import Notice
from tests.demo import ALBERS, GLOBAL, HAFEN, HELPDESK, MOEWE, OFFICE, PETERSEN
from tests.pages import Page, followed, opened, signed_in


@pytest.fixture
def fallen(demo):
    """Office 365 went to Hafen IT, whose DAP Reederei Albers then removed."""
    office = demo.subscription("Reederei Albers", OFFICE)
    office.designate(demo.partner("Hafen IT"), by=demo.user(HELPDESK))
    demo.relationship("Reederei Albers", "Hafen IT").remove_dap(by=demo.user(ALBERS))
    return office


def notices(page):
    return page.all_text("section[@aria-labelledby='notices-heading']/ul/li/span/a")


@pytest.mark.parametrize(
    ("email", "path", "said"),
    [
        (
            HELPDESK,
            "/customers/",
            "Delegated admin privileges of Hafen IT for Reederei Albers removed:"
            f" {OFFICE} of Reederei Albers now with you",
        ),
        (
            HAFEN,
            "/customers/",
            "Delegated admin privileges for Reederei Albers removed:"
            f" {OFFICE} of Reederei Albers no longer with you",
        ),
        (
            ALBERS,
            "/support/",
            "Delegated admin privileges of Hafen IT removed:"
            f" Nordlicht Distribution now answers for {OFFICE}",
        ),
    ],
)
def test_C11_seller_former_contact_and_customer_read_what_fell_back_and_why(
    fallen, email, path, said
):
    newest = notices(opened(email, path))[0]
    assert newest == said
    german = notices(opened(email, path, **{"accept-language": "de"}))[0]
    assert german.startswith("Delegierte Administratorrechte ")


@pytest.mark.parametrize(
    ("email", "path"),
    [
        ("global@suedwind.example", "/customers/"),
        (MOEWE, "/customers/"),
        ("global@elbe.example", "/customers/"),
        (PETERSEN, "/support/"),
    ],
)
def test_T1_nobody_else_reads_the_notice(fallen, email, path):
    assert notices(opened(email, path)) == []
    assert opened(email, "/notices/").find("tbody/tr") == []
    for notice in Notice.objects.all():
        opened(email, notice.get_absolute_url(), 404)
        answer = signed_in(email).post(f"{notice.get_absolute_url()}dismiss/")
        assert answer.status_code == 404


def test_C11_each_user_dismisses_a_notice_for_itself(demo, fallen):
    browser = signed_in(HELPDESK)
    page = Page(browser.get("/customers/"))
    assert len(notices(page)) == 1
    page = followed(browser.post("/notices/dismiss/", {"newest": page.hidden("newest")}))
    assert page.heading == "Customers"
    assert notices(page) == []
    assert len(notices(opened(GLOBAL, "/customers/"))) == 2
    assert len(notices(opened(ALBERS, "/support/"))) == 2
    # What falls back later is shown again.
    demo.relationship("Reederei Albers", "Hafen IT").grant_dap(by=demo.user(ALBERS))
    fallen.refresh_from_db()
    fallen.designate(demo.partner("Hafen IT"), by=demo.user(HELPDESK))
    demo.partnership("Nordlicht Distribution", "Hafen IT").end(by=PORTAL)
    [notice] = notices(opened(HELPDESK, "/customers/"))
    assert notice.startswith("Partnership with Hafen IT ended: ")


def test_C11_one_notice_is_dismissed_alone(fallen):
    browser = signed_in(ALBERS)
    page = Page(browser.get("/support/"))
    newest, older = notices(page)
    [action, _other] = [
        form.get("action")
        for form in page.find("section[@aria-labelledby='notices-heading']/ul/li/form")
    ]
    assert notices(followed(browser.post(action))) == [older]
    rows = Page(browser.get("/notices/")).all_text("tbody/tr/th")
    assert rows == [newest, older]
    page = followed(browser.post(action, {"next": "notices"}))
    assert page.heading == "Notices"


def test_C11_the_newest_three_stand_first_and_the_others_behind_a_link(demo, fallen):
    link = "section[@aria-labelledby='notices-heading']/form/a"
    page = opened(GLOBAL, "/customers/")
    assert len(notices(page)) == 2
    assert page.all_text(link) == ["All notices"]
    for _time in range(2):
        demo.relationship("Reederei Albers", "Hafen IT").grant_dap(by=demo.user(ALBERS))
        fallen.refresh_from_db()
        fallen.designate(demo.partner("Hafen IT"), by=demo.user(HELPDESK))
        demo.relationship("Reederei Albers", "Hafen IT").remove_dap(by=demo.user(ALBERS))
    page = opened(GLOBAL, "/customers/")
    every = opened(GLOBAL, "/notices/").all_text("tbody/tr/th")
    assert len(every) == 6
    assert notices(page) == every[:3]
    assert page.all_text(link) == ["Further notices"]


@pytest.mark.parametrize("newest", ["", "x", "-1", "1.5", "²", "\x00", "9" * 30, "1" * 5000])
def test_no_dismissal_is_an_error_of_the_server(fallen, newest, nothing_written):
    browser = signed_in(HELPDESK)
    with nothing_written():
        assert browser.post("/notices/dismiss/", {"newest": newest}).status_code == 302
    assert len(notices(opened(HELPDESK, "/customers/"))) == 1
