"""The activity log as people read it, filter it and take it away."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse
from django.utils import timezone

from customers.models import Customer
from lists.keyset import SortOrder
from portal.authority import PORTAL
from portal.csv import safe_cell, stream_csv
from portal.models import ActivityEntry, ActivityReader, LogOf, User
from relationships.models import RelationshipRequest
from tests.conftest import unprotected
from tests.pages import Page, read_csv, signed_in, words

HELPDESK = "helpdesk@nordlicht.example"
ALBERS = "admin@albers.example"


@pytest.fixture
def designated(demo):
    """Nordlicht's helpdesk made Hafen IT the contact for Office 365 at Reederei Albers."""
    office = demo.subscription("Reederei Albers", "Office 365 Business Standard")
    office.designate(demo.partner("Hafen IT"), by=demo.user(HELPDESK))
    return office


def newest(email, **query):
    return Page(signed_in(email).get("/activity/", query)).table[0]


def test_an_entry_says_who_did_what_for_whom_from_what_to_what(designated):
    row = newest(HELPDESK)
    assert row["Action"] == "Support contact designated Office 365 Business Standard"
    assert row["Customer"] == "Reederei Albers"
    assert row["Changed by"] == f"Helpdesk agent, Nordlicht Distribution {HELPDESK}"
    assert row["Details"] == "Details support contact: Nordlicht Distribution → Hafen IT"


def test_T1_others_read_the_organisation_and_not_the_person(designated):
    for email in (ALBERS, "global@hafen.example"):
        assert newest(email)["Changed by"] == "Nordlicht Distribution"


def test_T1_whom_it_does_not_concern_reads_nothing_of_it(designated):
    for email in ("global@suedwind.example", "global@moewe.example", "admin@huber.example"):
        page = Page(signed_in(email).get("/activity/"))
        assert not [row for row in page.table if "Support contact" in row["Action"]]


@pytest.mark.parametrize(
    ("query", "is_there"),
    [
        ("", False),
        ("?count=all", False),
        ("?customer=&action=", False),
        ("?start=2026-01-01", True),
        ("?end=", True),
        ("?customer=albers", True),
        ("?action=support_contact.designated", True),
        ("?start=nonsense", True),
    ],
)
def test_what_was_filtered_can_be_reset(demo, query, is_there):
    page = Page(signed_in(HELPDESK).get(f"/activity/{query}"))
    links = [link.get("href") for link in page.find("form/a") if words(link) == "Reset"]
    assert links == ["/activity/"] * is_there


def test_without_dates_it_shows_the_last_month(demo):
    with unprotected():
        for model in (ActivityEntry, ActivityReader):
            model.objects.update(at=timezone.now() - timedelta(days=31))
    page = signed_in(HELPDESK).get("/activity/")
    assert "Nothing happened in this time that matches." in Page(page).text
    earlier = signed_in(HELPDESK).get("/activity/", {"start": ""})
    assert len(Page(earlier).table) > 5


def test_the_days_of_the_filter_are_both_included(designated):
    today = timezone.localdate().isoformat()
    assert newest(HELPDESK, start=today, end=today)["Customer"] == "Reederei Albers"


@pytest.mark.parametrize(
    ("zone", "around"),
    [
        ("Africa/Cairo", "2026-10-29"),
        ("Asia/Beirut", "2026-10-24"),
        ("America/Santiago", "2026-04-04"),
        ("America/Nuuk", "2026-10-24"),
        ("America/Havana", "2026-11-01"),
        ("Africa/Cairo", "2026-04-23"),
        ("Europe/Berlin", "2026-10-25"),
    ],
)
def test_every_hour_is_in_one_day_also_where_the_clock_goes_back_at_midnight(demo, zone, around):
    membership, tzinfo = demo.user(HELPDESK).membership, ZoneInfo(zone)
    middle = date.fromisoformat(around)
    days = [middle + timedelta(days=days) for days in range(-2, 4)]
    asked = {day: LogOf.of(membership, start=day, end=day, tzinfo=tzinfo) for day in days}
    noon = datetime.combine(middle, time(12), tzinfo=UTC)
    for hours in range(-30, 40):
        at = noon + timedelta(hours=hours, minutes=30)
        found = [day for day, log in asked.items() if log.since <= at < log.until]
        assert found == [at.astimezone(tzinfo).date()]


def test_the_hour_that_comes_twice_before_midnight_is_on_the_page_of_its_day(demo):
    User.objects.filter(email=HELPDESK).update(time_zone="Africa/Cairo")
    with unprotected():
        for model in (ActivityEntry, ActivityReader):
            # 23:30 for the second time, an hour before the new day.
            model.objects.update(at=datetime(2026, 10, 29, 21, 30, tzinfo=UTC))
    for day, is_there in (("2026-10-28", False), ("2026-10-29", True), ("2026-10-30", False)):
        page = Page(signed_in(HELPDESK).get("/activity/", {"start": day, "end": day}))
        assert bool(page.table) is is_there


def test_it_is_filtered_by_customer_and_action(designated):
    rows = Page(
        signed_in(HELPDESK).get(
            "/activity/", {"customer": "ALBERS", "action": "support_contact.designated"}
        )
    ).table
    assert [row["Customer"] for row in rows] == ["Reederei Albers"]
    assert not Page(signed_in(HELPDESK).get("/activity/", {"customer": "petersen x"})).table


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"start": "yesterday"}, "Enter a valid date."),
        (
            {"start": "2026-02-02", "end": "2026-01-01"},
            "Choose a day that is not before the first one.",
        ),
        (
            {"action": "bogus"},
            "Select a valid choice. bogus is not one of the available choices.",
        ),
        ({"customer": "a\x00b"}, "Null characters are not allowed."),
        ({"start": "0000-00-00"}, "Enter a valid date."),
    ],
)
def test_a_filter_that_cannot_be_says_why(demo, query, message):
    answer = signed_in(HELPDESK).get("/activity/", query)
    assert answer.status_code == 200
    assert message in Page(answer).text
    assert read_csv(signed_in(HELPDESK).get("/activity/export/", query)) == []


@pytest.mark.parametrize("zone", ["", "Europe/Berlin", "America/New_York", "Pacific/Pago_Pago"])
@pytest.mark.parametrize(
    ("start", "end", "is_empty"),
    [
        ("0001-01-01", "9999-12-31", False),
        ("0001-01-01", "0001-01-01", True),
        ("9999-12-31", "9999-12-31", True),
        ("0001-01-01", "", False),
        ("", "9999-12-31", False),
    ],
)
def test_the_ends_of_the_calendar_are_no_error(demo, zone, start, end, is_empty):
    User.objects.filter(email=HELPDESK).update(time_zone=zone)
    browser, query = signed_in(HELPDESK), {"start": start, "end": end}
    page = Page(browser.get("/activity/", query))
    assert (page.table == []) is is_empty
    assert (read_csv(browser.get("/activity/export/", query)) == []) is is_empty


def test_a_country_stands_in_the_log_by_its_name(demo):
    demo.customer("Reederei Albers").record(
        "customer.changed",
        by=demo.user(HELPDESK),
        before={"country": "DE"},
        after={"country": "AT"},
    )
    details = Page(signed_in(HELPDESK).get("/activity/")).table[0]["Details"]
    assert "country: Germany → Austria" in details


def test_the_export_has_all_that_match_and_is_safe_in_a_spreadsheet(designated, demo):
    Customer.objects.filter(name="Reederei Albers").update(name='=HYPERLINK("x")')
    answer = signed_in(HELPDESK).get("/activity/export/", {"action": "support_contact.designated"})
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    [row] = read_csv(answer)
    assert row["Customer"] == '\'=HYPERLINK("x")'
    assert row["After"] == "support contact: Hafen IT"
    assert row["Changed by"] == f"Helpdesk agent, Nordlicht Distribution ({HELPDESK})"
    assert row["IP address"] == ""


def test_T1_colleagues_read_from_where_it_was_done_and_others_do_not(demo):
    office = demo.subscription("Reederei Albers", "Office 365 Business Standard")
    path = reverse("subscriptions:detail", args=[office.customer_id, office.pk])
    hafen = {"support_contact": str(demo.partner("Hafen IT").pk)}
    signed_in(HELPDESK).post(path, hafen, REMOTE_ADDR="192.0.2.7")
    for email, address in (
        ("users@nordlicht.example", "192.0.2.7"),
        ("global@hafen.example", ""),
        (ALBERS, ""),
    ):
        query = {"action": "support_contact.designated"}
        [row] = read_csv(signed_in(email).get("/activity/export/", query))
        assert row["IP address"] == address, email
        page = signed_in(email).get("/activity/", query).content.decode()
        assert ("192.0.2.7" in page) == bool(address), email


def test_a_csv_starts_with_the_mark_that_spreadsheets_need_and_escapes_formulas():
    assert "".join(stream_csv(["a", "b"], [["+1", "x,y"]])) == '\ufeffa,b\r\n\'+1,"x,y"\r\n'
    assert [safe_cell(cell) for cell in ("@x", "-1", "\t1", "a=b", "")] == [
        "'@x",
        "'-1",
        "'\t1",
        "a=b",
        "",
    ]


def test_many_matches_are_counted_on_request(demo, monkeypatch):
    monkeypatch.setattr("portal.views.lists.COUNTED", 20)
    customer = demo.customer("Reederei Albers")
    for _each in range(30):
        customer.record("customer.changed", by=demo.user(HELPDESK), after={"name": "x"})
    browser = signed_in(HELPDESK)
    page = Page(browser.get("/activity/", {"action": "customer.changed"}))
    assert page.all_text("caption") == ["More than 20 entries"]
    [count] = [one.get("href") for one in page.find("a") if one.text == "Count all of them"]
    assert Page(browser.get(f"/activity/{count}")).all_text("caption") == ["30 entries"]


def test_a_page_costs_the_same_with_1_row_and_with_20(demo, django_assert_num_queries):
    customer = demo.customer("Reederei Albers")
    browser = signed_in(HELPDESK)
    for more in (0, 20):
        for _each in range(more):
            customer.record("customer.changed", by=demo.user(HELPDESK), after={"name": "x"})
        with django_assert_num_queries(5):
            browser.get("/activity/", {"action": "customer.changed" if more else ""})


def test_counting_reads_of_no_entry_what_a_row_would_show(demo, django_assert_num_queries):
    customer = demo.customer("Reederei Albers")
    for _each in range(30):
        customer.record("customer.changed", by=demo.user(HELPDESK), after={"name": "x"})
    browser = signed_in(HELPDESK)
    with django_assert_num_queries(6) as queries:
        browser.get("/activity/", {"action": "customer.changed"})
    [count] = [one["sql"] for one in queries if "COUNT(*)" in one["sql"]]
    assert "portal_activityreader" in count
    assert "portal_activityentry" not in count


def test_T1_each_who_acted_is_named_as_the_reader_may_know_it(demo):
    customer = demo.customer("Reederei Albers")
    people = (HELPDESK, "global@hafen.example", ALBERS, None, "operator@portal.example")
    for email in people:
        customer.record(
            "customer.changed",
            by=demo.user(email) if email else PORTAL,
            partners=[demo.partner("Nordlicht Distribution")],
        )
    rows = Page(signed_in(HELPDESK).get("/activity/", {"action": "customer.changed"})).table
    assert [row["Changed by"] for row in reversed(rows)] == [
        f"Helpdesk agent, Nordlicht Distribution {HELPDESK}",
        "Hafen IT",
        "Reederei Albers",
        "the portal",
        "The operator of the portal",
    ]


def test_T1_a_request_to_a_customer_that_is_not_yours_does_not_name_it(demo):
    kranich = demo.user("global@kranich.example")
    RelationshipRequest.objects.ask(
        by=kranich,
        recipient_name="Some shipping firm",
        recipient_email="someone@albers.example",
        language="de",
    )
    row = newest("global@kranich.example")
    assert row["Action"] == "Relationship requested Some shipping firm"
    assert row["Customer"] == "–"


@pytest.mark.parametrize("few", [1000, 3, 0])
@pytest.mark.parametrize("few_customers", [600, 1, 0])
def test_by_customers_it_is_the_same_however_it_is_read(demo, monkeypatch, few, few_customers):
    """Of few customers the entries are looked up, of many they are met among the newest."""
    monkeypatch.setattr("portal.models.activity_lists.MOST_SORTED", few)
    monkeypatch.setattr("portal.models.activity_lists.FEW_CUSTOMERS", few_customers)
    for name in ("Reederei Albers", "Backhaus Petersen"):
        for number in range(4):
            demo.customer(name).record(
                "customer.changed", by=demo.user(HELPDESK), after={"name": str(number)}
            )
    order = SortOrder("read_at", "read_id", is_descending=True)
    for email in (HELPDESK, "global@hafen.example", ALBERS, "global@suedwind.example"):
        membership = demo.user(email).membership
        for word, action in (("e", ""), ("albers", "customer.changed"), ("nobody", "")):
            log = LogOf.of(membership, customer=word, action=action)
            expected = ActivityEntry.objects.visible_to(membership).filter(
                customer__name_key__contains=word, **({"action": action} if action else {})
            )
            expected = [one.pk for one in expected.order_by("-at", "-pk")]
            read, position = [], None
            while rows := log.read(LogOf.COLUMNS, order, position, 2):
                read += [row.read_id for row in rows]
                position = order.position(rows[-1])
            assert read == expected
            assert log.count_before(order) == min(len(expected), few + 1)
            assert log.count(order, None, None) == len(expected)
            assert log.queryset().count() == len(expected)
