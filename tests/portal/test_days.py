"""Which day it is: the same on pages, in files, mails and filters, in the zone of whoever reads."""

import csv
import io
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core import mail
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.urls import reverse
from django.utils import timezone

from portal.models import MailChoice, User
from portal.zones import (
    end_of_last_day,
    last_day,
    read_time_zone,
    start_of_day,
    today,
    written_until,
    zone_of,
)
from relationships.models import RelationshipRequest, RequestStatus
from subscriptions.models import Subscription
from tests.pages import Page, signed_in

GLOBAL = "global@nordlicht.example"
HELPDESK = "helpdesk@nordlicht.example"
ALBERS = "admin@albers.example"
OFFICE = "Office 365 Business Standard"

# Half an hour before midnight in UTC: in Berlin and Auckland it is the next year already.
NEW_YEARS_EVE = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)
DAY_OF = {
    "": date(2026, 12, 31),
    "Europe/Berlin": date(2027, 1, 1),
    "Pacific/Auckland": date(2027, 1, 1),
    "America/New_York": date(2026, 12, 31),
}
EVERYWHERE = [*DAY_OF, "Asia/Kathmandu", "America/Santiago", "Pacific/Kiritimati", "Pacific/Niue"]


def live_in(zone, *emails):
    User.objects.filter(email__in=emails).update(time_zone=zone)


def rows_of(answer):
    text = answer.getvalue().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def on(day):
    """As every page writes a day: 1 January 2027."""
    return f"{day.day} {day:%B %Y}"


# The installation's zone


def test_the_zone_of_the_installation_is_a_setting(settings):
    for zone, day in list(DAY_OF.items())[1:]:
        settings.TIME_ZONE = zone
        with time_machine.travel(NEW_YEARS_EVE, tick=False):
            assert today() == day
            assert zone_of(None) == zone_of(User()) == ZoneInfo(zone)
            # Whoever reads meanwhile lives elsewhere: that makes no other day of sale.
            with timezone.override("Pacific/Kiritimati"):
                assert today() == day


@pytest.mark.parametrize("name", ["Mars/Phobos", "Berlin", "+01:00", "../../etc/passwd", "Europe/"])
def test_a_zone_of_the_installation_that_there_is_not_stops_the_start(name):
    with pytest.raises(ImproperlyConfigured) as caught:
        read_time_zone(name)
    assert str(caught.value) == (
        f"TIME_ZONE can't be read: “{name}” is no time zone. Set it to one such as Europe/Berlin, or "
        "leave it out for UTC. See .env.example."
    )
    assert read_time_zone("Europe/Berlin") == "Europe/Berlin"


@pytest.mark.parametrize(("zone", "day"), DAY_OF.items())
def test_started_on_is_the_day_of_the_installation_whoever_adds_it(demo, settings, zone, day):
    settings.TIME_ZONE = zone or "UTC"
    live_in("Pacific/Auckland", GLOBAL)
    customer = demo.customer("Reederei Albers")
    with time_machine.travel(NEW_YEARS_EVE, tick=False):
        browser = signed_in(GLOBAL)
        offer = Subscription._meta.get_field("offer").related_model.objects.get(name="Power BI Pro")
        with timezone.override("Pacific/Niue"):
            added = Subscription.objects.add(
                by=demo.user(GLOBAL), customer=customer, offer=offer, quantity=5
            )
        assert added.started_on == day
        shown = Page(browser.get(reverse("subscriptions:detail", args=[customer.pk, added.pk])))
        assert shown.facts["Started on"] == f"{day.day} {day:%B %Y}"


# Pages, files and filters


@pytest.mark.parametrize(("zone", "day"), DAY_OF.items())
def test_page_and_file_say_the_same_day(demo, zone, day):
    """Whatever is shown of one moment: contact, relationship, suspension, log and history."""
    live_in(zone, GLOBAL)
    browser = signed_in(GLOBAL)
    office = demo.subscription("Reederei Albers", OFFICE)
    customer = demo.customer("Reederei Albers")
    with time_machine.travel(NEW_YEARS_EVE, tick=False):
        office.designate(demo.partner("Hafen IT"), by=demo.user(HELPDESK))
        office.suspend(by=demo.user(HELPDESK))
    demo.relationship("Reederei Albers", "Nordlicht Distribution")
    customer.relationships.filter(partner=office.seller).update(started_at=NEW_YEARS_EVE)

    page = Page(browser.get("/subscriptions/?q=albers"))
    [shown] = [row for row in page.table if OFFICE in row["Subscription"]]
    told = rows_of(browser.get("/subscriptions/export/?q=albers"))
    [told] = [row for row in told if row["Subscription"] == OFFICE]
    assert on(day) in shown.values()
    assert told["Contact since"] == day.isoformat()

    [shown] = [
        row for row in Page(browser.get("/customers/")).table if row["Name"] == "Reederei Albers"
    ]
    [told] = [
        row
        for row in rows_of(browser.get("/customers/export/"))
        if row["Name"] == "Reederei Albers"
    ]
    assert on(day) in shown.values()
    assert told["Customer since"] == day.isoformat()

    [told] = [
        row
        for row in rows_of(browser.get(f"/customers/{customer.pk}/subscriptions/export/"))
        if row["Friendly name"] == OFFICE
    ]
    assert told["Suspended since"] == day.isoformat()

    only = f"?start={day}&end={day}&customer=albers"
    times = [
        one.get("datetime") for one in Page(browser.get(f"/activity/{only}")).find("tbody//time")
    ]
    told = [row["At"] for row in rows_of(browser.get(f"/activity/export/{only}"))]
    assert len(told) == 2
    assert told == times
    assert {one[:10] for one in told} == {day.isoformat()}

    path = reverse("subscriptions:history", args=[customer.pk, office.pk])
    newest = Page(browser.get(path)).find("tbody//time")[0].get("datetime")
    told = rows_of(
        browser.get(reverse("subscriptions:history_export", args=[customer.pk, office.pk]))
    )
    assert told[0]["From"] == newest
    assert newest[:10] == day.isoformat()


@pytest.mark.parametrize(("zone", "day"), DAY_OF.items())
def test_the_customer_reads_its_own_day_on_page_and_paper(demo, zone, day):
    live_in(zone, ALBERS)
    with time_machine.travel(NEW_YEARS_EVE, tick=False):
        office = demo.subscription("Reederei Albers", OFFICE)
        office.designate(demo.partner("Hafen IT"), by=demo.user(HELPDESK))
        browser = signed_in(ALBERS)
        for path in ("/support/", "/support/?print=1"):
            assert f"{day.day} {day:%B %Y}" in Page(browser.get(path)).text


@pytest.mark.parametrize(("zone", "day"), DAY_OF.items())
def test_a_mail_says_the_day_of_its_recipient(demo, zone, day):
    live_in(zone, ALBERS)
    live_in("Pacific/Kiritimati", HELPDESK)
    User.objects.filter(email=ALBERS).update(answering_mail=MailChoice.AT_ONCE)
    with time_machine.travel(NEW_YEARS_EVE, tick=False):
        mail.outbox.clear()
        office = demo.subscription("Reederei Albers", OFFICE)
        office.designate(demo.partner("Hafen IT"), by=demo.user(HELPDESK))
    [sent] = [one for one in mail.outbox if one.to == [ALBERS]]
    month = {1: "Januar", 12: "Dezember"}[day.month]
    assert f"{day.day}. {month} {day.year}: " in sent.body


@pytest.mark.parametrize(("zone", "day"), DAY_OF.items())
def test_what_python_writes_is_the_day_of_its_reader(demo, zone, day):
    """Dates in refusals, which no template writes."""
    made = a_request(demo)
    RelationshipRequest.objects.update(expires_at=NEW_YEARS_EVE)
    made.refresh_from_db()
    with (
        time_machine.travel(NEW_YEARS_EVE + timedelta(days=9), tick=False),
        timezone.override(zone_of(User(time_zone=zone))),
        pytest.raises(ValidationError, match=f"expired on {day.day} {day:%B %Y}"),
    ):
        made.require_open()


# Until when


def a_request(demo):
    return RelationshipRequest.objects.ask(
        by=demo.user("global@kranich.example"),
        recipient_name="Werft Neu",
        recipient_email="anna@werft.example",
        language="en",
        with_dap=True,
    )


@pytest.mark.parametrize(
    "installation", ["UTC", "Europe/Berlin", "Pacific/Auckland", "America/Santiago"]
)
@pytest.mark.parametrize("zone", EVERYWHERE)
def test_R3_open_until_a_day_is_open_through_the_whole_of_it(demo, settings, installation, zone):
    settings.TIME_ZONE = installation
    zone = zone or installation
    live_in(zone, "global@kranich.example")
    with time_machine.travel("2026-11-30 14:10Z", tick=False):
        made = a_request(demo)
        shown = Page(signed_in("global@kranich.example").get(f"/relationships/requests/{made.pk}/"))
    until = datetime.strptime(shown.facts["Open until"], "%d %B %Y").date()
    assert until in (date(2027, 2, 27), date(2027, 2, 28), date(2027, 3, 1))
    if zone == installation:
        # 90 days on, R3.
        begun = datetime(2026, 11, 30, 14, 10, tzinfo=UTC).astimezone(ZoneInfo(zone)).date()
        assert until == begun + timedelta(days=90)
    over = start_of_day(until + timedelta(days=1), ZoneInfo(zone))
    with time_machine.travel(over - timedelta(seconds=1), tick=False):
        assert RelationshipRequest.objects.open().filter(pk=made.pk).exists()
        assert made.state == RequestStatus.OPEN
    if zone == installation:
        with time_machine.travel(over, tick=False):
            assert not RelationshipRequest.objects.open().filter(pk=made.pk).exists()
            assert made.state == RequestStatus.EXPIRED


@pytest.mark.parametrize("zone", EVERYWHERE[1:])
def test_no_text_promises_a_moment_after_the_end(zone):
    """Through a year with its changes of the clock, whenever it ends and whenever it is read."""
    zone = ZoneInfo(zone)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(0, 366 * 24, 41):
        end = start + timedelta(hours=number, minutes=number % 60)
        for before in (timedelta(days=9), timedelta(hours=20), timedelta(minutes=5)):
            with time_machine.travel(end - before, tick=False):
                text = written_until(end, zone=zone)
            if "," in text:  # the moment itself
                assert text.endswith(end.astimezone(zone).tzname())
                continue
            day = datetime.strptime(text, "%d %B %Y").date()
            assert start_of_day(day + timedelta(days=1), zone) <= end
            assert day >= (end - before).astimezone(zone).date()


def test_elsewhere_the_rest_of_the_day_is_told_to_the_minute():
    end = datetime(2027, 3, 1, tzinfo=UTC)
    new_york = ZoneInfo("America/New_York")
    with time_machine.travel("2027-02-27 12:00Z", tick=False):
        assert written_until(end, zone=new_york) == "27 February 2027"
    with time_machine.travel("2027-02-28 12:00Z", tick=False):
        assert written_until(end, zone=new_york) == "28 February 2027, 19:00 EST"
        assert written_until(end, zone=ZoneInfo("Europe/Berlin")) == "28 February 2027"
    with time_machine.travel("2027-03-01 12:00Z", tick=False):
        assert written_until(end, zone=new_york) == "28 February 2027"


@pytest.mark.parametrize(
    ("zone", "at", "day", "end"),
    [
        ("UTC", "2026-11-30T14:10+00:00", date(2026, 12, 7), "2026-12-08T00:00+00:00"),
        # The clock is put back on the 25th, and on the way.
        ("Europe/Berlin", "2026-10-20T23:30+02:00", date(2026, 10, 27), "2026-10-28T00:00+01:00"),
        ("Europe/Berlin", "2026-10-18T23:30+02:00", date(2026, 10, 25), "2026-10-26T00:00+01:00"),
        # At midnight it is one o'clock: the day begins then.
        ("America/Santiago", "2026-08-29T12:00-04:00", date(2026, 9, 5), "2026-09-06T01:00-03:00"),
    ],
)
def test_days_are_counted_on_the_calendar_of_the_installation(settings, zone, at, day, end):
    settings.TIME_ZONE = zone
    at = datetime.fromisoformat(at)
    assert last_day(at, timedelta(days=7)) == day
    assert end_of_last_day(at, timedelta(days=7)) == datetime.fromisoformat(end)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York"])
def test_S2_reactivated_by_a_day_means_through_the_whole_of_it(demo, settings, zone):
    settings.TIME_ZONE = zone
    live_in("", HELPDESK)
    office = demo.subscription("Reederei Albers", OFFICE)
    with time_machine.travel(NEW_YEARS_EVE, tick=False):
        office.suspend(by=demo.user(HELPDESK))
    by = DAY_OF["" if zone == "UTC" else zone] + timedelta(days=90)
    office.refresh_from_db()
    assert office.reactivate_by == by
    over = start_of_day(by + timedelta(days=1))
    held = Subscription.objects.filter(pk=office.pk).holdings
    with time_machine.travel(over - timedelta(seconds=1), tick=False):
        assert held()["held"]
        page = Page(
            signed_in(HELPDESK).get(f"/customers/{office.customer_id}/subscriptions/{office.pk}/")
        )
        assert f"Must be reactivated by {by.day} {by:%B %Y}." in page.facts["Status"]
    with time_machine.travel(over, tick=False):
        assert not held()["held"]
        with pytest.raises(ValidationError, match=f"until {by.day} {by:%B %Y}"):
            office.reactivate(by=demo.user(HELPDESK))
    with time_machine.travel(over - timedelta(seconds=1), tick=False):
        office.reactivate(by=demo.user(HELPDESK))
    assert office.is_active
