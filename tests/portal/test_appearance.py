"""How the pages look and read to each person: colours, times in the own zone, long lists."""

from datetime import UTC, datetime

import pytest
from django.conf import settings
from django.test import Client

from portal.models import ActivityEntry, User
from portal.zones import time_zones
from tests.demo import ALBERS, HELPDESK
from tests.factories import PartnerFactory, PartnershipFactory, RelationshipFactory
from tests.pages import Page, signed_in

PROFILE = "/settings/profile/"


def html(answer):
    return Page(answer).tree


@pytest.mark.parametrize("email", [None, HELPDESK, ALBERS])
def test_the_colours_follow_the_system_until_one_is_picked(demo, email):
    browser = signed_in(email) if email else Client(headers={"accept-language": "en"})
    path = PROFILE if email else "/accounts/login/"
    page = html(browser.get(path))
    assert "data-bs-theme" not in page.attrib
    assert page.find(".//meta[@name='color-scheme']").get("content") == "light dark"
    for theme in ("dark", "light"):
        answer = browser.post("/accounts/theme/", {"theme": theme, "next": path})
        assert answer.url == path
        page = html(browser.get(path))
        assert page.get("data-bs-theme") == theme
        assert page.find(".//meta[@name='color-scheme']").get("content") == theme
        pressed = page.findall(".//footer//button[@aria-pressed='true']")
        assert theme in [button.get("value") for button in pressed]
    browser.post("/accounts/theme/", {"theme": "", "next": path})
    assert "data-bs-theme" not in html(browser.get(path)).attrib


@pytest.mark.parametrize("theme", ["x", "dark\x00", '"><b>', "\u202e", "DARK"])
def test_colours_that_do_not_exist_are_those_of_the_system(demo, theme):
    browser = signed_in(HELPDESK)
    browser.post("/accounts/theme/", {"theme": "dark"})
    browser.post("/accounts/theme/", {"theme": theme})
    assert "data-bs-theme" not in html(browser.get(PROFILE)).attrib
    browser.cookies[settings.THEME_COOKIE_NAME] = "contrast"
    assert "data-bs-theme" not in html(browser.get(PROFILE)).attrib


@pytest.mark.parametrize("back", ["", "https://elsewhere.example/", "//elsewhere.example", "/\\x"])
def test_picking_colours_never_leads_out_of_the_portal(demo, back):
    answer = signed_in(HELPDESK).post("/accounts/theme/", {"theme": "dark", "next": back})
    assert answer.url == "/"


def test_the_cookie_of_the_colours_says_nothing_else(demo, settings):
    settings.SESSION_COOKIE_SECURE = True
    settings.THEME_COOKIE_NAME = "__Host-theme"
    browser = signed_in(HELPDESK)
    cookie = browser.post("/accounts/theme/", {"theme": "dark"}).cookies["__Host-theme"]
    assert cookie.value == "dark"
    assert cookie["httponly"]
    assert cookie["secure"]
    assert cookie["samesite"] == "Lax"
    assert html(browser.get(PROFILE)).get("data-bs-theme") == "dark"
    gone = browser.post("/accounts/theme/", {"theme": ""}).cookies["__Host-theme"]
    # A browser takes no such cookie, and so forgets none, unless it is Secure and for all paths.
    assert (gone.value, gone["max-age"], gone["secure"], gone["path"]) == ("", 0, True, "/")


# Time zones


@pytest.fixture
def entry(demo):
    """An entry of Albers' log from the last minutes of a summer's day in UTC, when Berlin has the next."""
    made = ActivityEntry.objects.filter(customer=demo.customer("Reederei Albers")).first()
    moment = datetime(2025, 7, 31, 22, 30, tzinfo=UTC)
    copy = ActivityEntry.objects.create(
        at=moment,
        action=made.action,
        customer=made.customer,
        subject="Night shift",
        subject_id=made.subject_id,
    )
    return copy


def test_times_are_in_utc_until_a_zone_is_picked_in_the_profile(demo, entry):
    browser = signed_in(ALBERS)
    day = "/activity/?start=2025-07-31&end=2025-07-31"
    assert Page(browser.get(day)).all_text("time") == ["31 July 2025, 22:30 UTC"]
    answer = browser.post(PROFILE, {"name": "A", "language": "", "time_zone": "Europe/Berlin"})
    assert answer.status_code == 302
    assert demo.user(ALBERS).time_zone == "Europe/Berlin"
    # In Berlin it was August already, and so it is for the filter.
    assert Page(browser.get(day)).all_text("time") == []
    page = Page(browser.get("/activity/?start=2025-08-01&end=2025-08-01"))
    assert page.all_text("time") == ["1 August 2025, 00:30 CEST"]
    assert page.find("time")[0].get("datetime") == "2025-08-01T00:30:00+02:00"
    # The file says the same day, to the same moment.
    exported = browser.get("/activity/export/?start=2025-08-01&end=2025-08-01").getvalue().decode()
    assert "2025-08-01T00:30:00+02:00" in exported


@pytest.mark.parametrize(
    "name", ["Europe/Atlantis", "../../etc/passwd", "UTC\x00", "Berlin", "x" * 99]
)
def test_a_zone_that_does_not_exist_is_refused_at_the_field(demo, nothing_written, name):
    with nothing_written():
        answer = signed_in(HELPDESK).post(PROFILE, {"name": "A", "language": "", "time_zone": name})
    assert answer.status_code == 200
    assert len(Page(answer).field_errors) == 1


def test_a_zone_that_the_system_no_longer_knows_is_utc(demo, entry):
    User.objects.filter(email=ALBERS).update(time_zone="Europe/Atlantis")
    page = Page(signed_in(ALBERS).get("/activity/?start=2025-07-31&end=2025-07-31"))
    assert page.all_text("time") == ["31 July 2025, 22:30 UTC"]


def test_the_zones_to_pick_are_those_that_people_live_in():
    assert {"Europe/Berlin", "America/New_York", "Asia/Kolkata"} <= set(time_zones())
    assert not [name for name in time_zones() if name.startswith("Etc/") or "/" not in name]


# Long lists


def office_page(demo, count):
    nordlicht = demo.partner("Nordlicht Distribution")
    albers = demo.customer("Reederei Albers")
    for number in range(count):
        reseller = PartnerFactory(name=f"Werft {number:03}", reseller=True)
        PartnershipFactory(provider=nordlicht, reseller=reseller)
        RelationshipFactory(partner=reseller, customer=albers)
    office = demo.subscription("Reederei Albers", "Office 365 Business Standard")
    path = f"/customers/{office.customer_id}/subscriptions/{office.pk}/"
    return Page(signed_in(HELPDESK).get(path))


@pytest.mark.parametrize(("more", "fields"), [(10, 0), (11, 1)])
def test_only_a_long_list_has_a_field_that_searches_in_it(demo, more, fields):
    page = office_page(demo, more)
    assert len(page.options) == more + 2
    assert len(page.find("input[@data-filters='id_support_contact']")) == fields
