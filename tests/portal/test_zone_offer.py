"""The browser's time zone is offered once: nobody in Hamburg reads UTC."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.models import Action, ActivityEntry, User
from portal.zones import normal_zone, show_same_times, time_zones
from tests.demo import ALBERS, HELPDESK, OPERATOR
from tests.pages import Page, signed_in, words

PATH = "/accounts/time-zone/"


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("Asia/Calcutta", "Asia/Kolkata"),
        ("Europe/Kiev", "Europe/Kyiv"),
        ("America/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        ("US/Eastern", "America/New_York"),
        ("Africa/Asmera", "Africa/Asmara"),
        # Its clock is that of Berlin, but nobody there would look for it under that name.
        ("Europe/Stockholm", "Europe/Stockholm"),
        ("Etc/UTC", "Etc/UTC"),
        ("Europe/Atlantis", "Europe/Atlantis"),
        ("", ""),
    ],
)
def test_a_zone_has_one_name(name, zone):
    assert normal_zone(name) == zone
    assert normal_zone(zone) == zone
    assert zone in time_zones() or name == zone


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Europe/Berlin", "Europe/Vienna", True),
        ("Europe/Berlin", "Africa/Tunis", False),  # in summer it is another
        ("Europe/London", "UTC", False),
        ("Atlantic/Reykjavik", "UTC", True),
        ("America/Denver", "America/Phoenix", False),
        ("Asia/Kolkata", "Asia/Kathmandu", False),
    ],
)
def test_zones_show_the_same_times_where_their_clocks_go_alike_all_year(one, other, same):
    assert show_same_times(one, other) is same


def offered(browser, zone):
    """What the buttons of the offer say, and which zone each stands for."""
    offer = Page(browser.get(PATH, {"zone": zone})).tree
    return {words(button): button.get("value") for button in offer.iter("button")}


@pytest.mark.parametrize("email", [HELPDESK, ALBERS, OPERATOR])
def test_the_zone_of_the_browser_is_offered_until_there_is_an_answer(demo, email):
    browser = signed_in(email)
    assert offered(browser, "Europe/Berlin") == {
        "Show times in Europe/Berlin": "Europe/Berlin",
        "Keep UTC": "",
    }
    answer = browser.post(PATH, {"time_zone": "Europe/Berlin", "next": "/words/?x=1"})
    assert answer.url == "/words/?x=1"
    assert demo.user(email).time_zone == "Europe/Berlin"
    [entry] = ActivityEntry.objects.filter(action=Action.USER_CHANGED)
    assert (entry.before, entry.after) == ({"time_zone": ""}, {"time_zone": "Europe/Berlin"})
    assert browser.get(PATH, {"zone": "Asia/Tokyo"}).status_code == 204


def test_who_declined_is_never_asked_again(demo):
    browser = signed_in(HELPDESK)
    browser.post(PATH, {"time_zone": ""})
    assert browser.get(PATH, {"zone": "Europe/Berlin"}).status_code == 204
    assert "zone-offer" not in browser.get("/words/").content.decode()
    assert demo.user(HELPDESK).time_zone == ""
    assert not ActivityEntry.objects.filter(action=Action.USER_CHANGED)


def test_who_went_back_to_the_zone_of_the_installation_is_not_asked(demo):
    browser = signed_in(HELPDESK)
    for zone in ("Asia/Tokyo", ""):
        browser.post("/settings/profile/", {"name": "A", "language": "", "time_zone": zone})
    assert browser.get(PATH, {"zone": "Europe/Berlin"}).status_code == 204


@pytest.mark.parametrize(
    ("present", "zone"),
    [
        ("UTC", "UTC"),
        ("UTC", "Atlantic/Reykjavik"),
        ("Europe/Berlin", "Europe/Vienna"),
        ("Asia/Kolkata", "Asia/Calcutta"),
        ("Europe/Berlin", "Etc/UTC"),  # of a browser that keeps its zone to itself
        ("UTC", "Europe/Atlantis"),
        ("UTC", "Europe/Berlin\x00"),
        ("UTC", "../../etc/passwd"),
        ("UTC", ""),
    ],
)
def test_no_zone_is_offered_that_would_change_nothing_or_that_there_is_not(
    demo, settings, present, zone
):
    settings.TIME_ZONE = present
    assert signed_in(HELPDESK).get(PATH, {"zone": zone}).status_code == 204


def test_another_name_is_offered_and_kept_as_the_one_of_the_list(demo):
    browser = signed_in(HELPDESK)
    assert offered(browser, "Asia/Calcutta")["Show times in Asia/Kolkata"] == "Asia/Kolkata"
    browser.post(PATH, {"time_zone": "Asia/Calcutta"})
    assert demo.user(HELPDESK).time_zone == "Asia/Kolkata"


@pytest.mark.parametrize("zone", ["Europe/Atlantis", "Etc/UTC", "UTC\x00", "x" * 50])
def test_a_zone_that_does_not_exist_is_refused_with_a_reason(demo, nothing_written, zone):
    browser = signed_in(HELPDESK)
    with nothing_written():
        answer = browser.post(PATH, {"time_zone": zone, "next": "/words/"})
    assert Page(browser.get(answer.url)).all_text("p[@role='alert']") == [
        "Choose a time zone of the list."
    ]


def test_the_offer_costs_no_query(demo):
    browser = signed_in(HELPDESK)
    counts = []
    for decided in (False, True):
        User.objects.filter(email=HELPDESK).update(has_decided_zone=decided)
        with CaptureQueriesContext(connection) as queries:
            browser.get("/words/")
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_a_zone_that_was_picked_by_another_name_is_called_by_that_of_the_list(past):
    before = past.migrate(("portal", "0020_zone_of_the_installation"))
    zones = {"a@x.example": "Asia/Calcutta", "b@x.example": "Europe/Berlin", "c@x.example": ""}
    for email, zone in zones.items():
        before.get_model("portal", "User").objects.create(email=email, time_zone=zone)
    users = past.migrate(("portal", "0021_zone_offered_once")).get_model("portal", "User").objects
    assert dict(users.values_list("email", "time_zone")) == zones | {"a@x.example": "Asia/Kolkata"}
    assert not users.filter(has_decided_zone=True)
