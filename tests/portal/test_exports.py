"""Exports are complete before they are sent, at most two at once, and speak the reader's list separator."""

import errno
import re

import pytest
from django.core.cache import cache
from django.db import connection

from portal import exports
from portal.models import User
from tests.pages import Page, signed_in

GLOBAL = "global@nordlicht.example"
EXPORTS = [
    "/customers/export/",
    "/subscriptions/export/",
    "/activity/export/",
    "/customers/{customer}/subscriptions/export/",
    "/customers/{customer}/subscriptions/{office}/history/export/",
]


@pytest.fixture
def paths(demo):
    customer = demo.customer("Reederei Albers")
    office = demo.subscription("Reederei Albers", "Office 365 Business Standard")
    return [path.format(customer=customer.pk, office=office.pk) for path in EXPORTS]


def first_line(answer):
    return answer.getvalue().decode("utf-8-sig").split("\r\n")[0]


def test_each_reader_gets_the_separator_of_its_language(paths):
    browser = signed_in(GLOBAL)
    for path in paths:
        assert "," in first_line(browser.get(path)), path
        assert ";" in first_line(browser.get(path, {"separator": "semicolon"})), path
    User.objects.filter(email=GLOBAL).update(language="de")
    for path in paths:
        assert ";" in first_line(browser.get(path)), path
        for separator in ("comma", ","):
            line = first_line(browser.get(path, {"separator": separator}))
            assert "," in line, path
            assert ";" not in line, path


def test_the_other_separator_is_one_link_away(paths):
    browser = signed_in(GLOBAL)
    for path in paths:
        # The page of a customer is the list of its subscriptions.
        around = re.sub(r"(/customers/.+)/subscriptions/export/$", r"\1/", path)
        page = Page(browser.get(around.removesuffix("export/")))
        links = [link.get("href") for link in page.find("a") if path in (link.get("href") or "")]
        assert len(links) == 2, path
        assert "separator=semicolon" in links[1], path
        assert ";" in first_line(browser.get(links[1])), path


def test_an_unknown_separator_is_refused_in_words(demo):
    answer = signed_in(GLOBAL).get("/customers/export/?separator=tab")
    assert answer.status_code == 400
    assert "The separator can be “comma” or “semicolon”." in Page(answer).text


def sent(user):
    return exports.export(user, ["a", "b"], filename="a.csv", content_type="text/csv")


def test_no_more_than_two_exports_of_a_user_are_under_way(demo):
    browser, user = signed_in(GLOBAL), demo.user(GLOBAL)
    first, second = exports.Place(user), exports.Place(user)
    refused = browser.get("/customers/export/")
    assert refused.status_code == 429
    assert "Two of your exports are under way." in Page(refused).text
    assert signed_in("agent@nordlicht.example").get("/customers/export/").status_code == 200
    first.release()
    for _again in range(3):
        assert browser.get("/customers/export/").status_code == 200
    second.release()


def test_what_is_sent_was_read_before(demo, django_assert_num_queries):
    answer = sent(demo.user(GLOBAL))
    with django_assert_num_queries(0):
        assert b"".join(answer.streaming_content) == b"ab"
    answer.file_to_stream.close()


@pytest.mark.django_db(transaction=True)
def test_a_slow_reader_holds_no_connection(demo):
    answer = sent(demo.user(GLOBAL))
    assert connection.connection is None
    answer.close()


def test_a_file_that_grows_too_large_is_given_up(demo, settings):
    settings.EXPORT_MAX_BYTES = 100
    browser = signed_in(GLOBAL)
    for _again in range(3):  # and its place is free again
        answer = browser.get("/customers/export/")
        assert answer.status_code == 400
        assert "Choose fewer rows with the filter." in Page(answer).text


def test_a_full_disk_is_told_and_logged_as_what_it_is(demo, monkeypatch, caplog):
    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(exports.tempfile, "TemporaryFile", full)
    browser = signed_in(GLOBAL)
    for _again in range(3):
        answer = browser.get("/customers/export/")
        assert answer.status_code == 503
        assert "The file could not be written." in Page(answer).text
    assert "An export could not be written" in caplog.messages


def test_a_place_is_forgotten_when_its_process_died(demo):
    user = demo.user(GLOBAL)
    exports.Place(user), exports.Place(user)
    with pytest.raises(exports.TooManyExports):
        exports.Place(user)
    cache.clear()  # as time does
    exports.Place(user).release()
