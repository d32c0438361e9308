"""Previews cost rows: how many one user may make, what it reads at the limit, and what the worker deletes."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.models import ActivityEntry, Task
from subscriptions.models import (
    BulkAssignment,
    BulkAssignmentRow,
    BulkOutcome,
    Subscription,
    SupportContactAssignment,
    bulk_limits,
)
from tests.demo import HELPDESK
from tests.pages import Page, signed_in
from tests.races import ORDERS

TITLES = "Subscription ID,MPN ID of the contact\n"
DAY = timedelta(days=1)


@pytest.fixture
def browser(demo):
    return signed_in(HELPDESK)


def start(by):
    return BulkAssignment.objects.start(Subscription.objects.all(), by=by)


def assign_all(browser):
    return browser.post("/subscriptions/assign/?status=active", {"all": "1"}, follow=True)


def send_file(browser, lines):
    file = SimpleUploadedFile("contacts.csv", (TITLES + "x,y\n" * lines).encode(), "text/csv")
    return browser.post("/subscriptions/assign/file/", {"file": file})


class TestLimits:
    def test_a_user_makes_so_many_previews_a_day(self, demo, browser, helpdesk, monkeypatch):
        monkeypatch.setattr(bulk_limits, "MOST_PREVIEWS", 2)
        for _time in range(2):
            assert Page(assign_all(browser)).heading == "Choose a support contact"
        page = Page(assign_all(browser))
        [(_kind, sentence)] = page.alerts
        assert re.fullmatch(
            r"At most 2 previews within 24 hours\. You can make the next one on .+ UTC\.", sentence
        )
        page = Page(send_file(browser, 1))
        assert page.field_errors == [sentence]
        assert BulkAssignment.objects.count() == 2
        start(demo.user("agent@nordlicht.example"))  # a colleague's are counted apart
        with time_machine.travel(timezone.now() + DAY, tick=False):
            start(helpdesk)

    def test_and_with_so_many_rows(self, browser, settings):
        settings.BULK_ROWS_PER_DAY = 5
        assert send_file(browser, 4).status_code == 302
        page = Page(send_file(browser, 2))
        [sentence] = page.field_errors
        assert re.fullmatch(
            r"Your previews may have at most 5 rows within 24 hours\. There is room for these on "
            r".+ UTC; for fewer maybe earlier\.",
            sentence,
        )
        assert BulkAssignmentRow.objects.count() == 4
        assert send_file(browser, 1).status_code == 302
        with time_machine.travel(timezone.now() + DAY, tick=False):
            assert send_file(browser, 5).status_code == 302

    @pytest.mark.parametrize("most", [1, 5])
    def test_what_is_refused_is_not_written_before(self, browser, settings, most):
        """Else whoever asks again and again lets the table grow, for rows that were rolled back take room."""
        settings.BULK_ROWS_PER_DAY = 5
        assert send_file(browser, 4).status_code == 302
        settings.BULK_ROWS_PER_DAY = most
        for ask in (assign_all, lambda browser: send_file(browser, 3)):
            with CaptureQueriesContext(connection) as captured:
                ask(browser)
            table = BulkAssignmentRow._meta.db_table
            assert not [one for one in captured if one["sql"].startswith(f'INSERT INTO "{table}"')]

    def test_one_preview_has_no_more_rows_than_a_day(self, browser, settings, nothing_written):
        settings.BULK_ROWS_PER_DAY = 1
        with nothing_written():
            page = Page(assign_all(browser))
            [(_kind, sentence)] = page.alerts
            assert sentence == "At most 1 subscription at a time. Narrow the choice."
            assert Page(send_file(browser, 2)).field_errors == [sentence]

    @pytest.mark.race
    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize("order", ORDERS)
    def test_of_two_at_once_the_second_is_one_too_many(self, helpdesk, order, monkeypatch):
        monkeypatch.setattr(bulk_limits, "MOST_PREVIEWS", 1)
        outcomes = order(lambda: start(helpdesk), lambda: start(helpdesk))
        [error] = [one.error for one in outcomes if one.error]
        assert error.code == "too_often"
        assert BulkAssignment.objects.count() == 1


class TestWhatIsKept:
    @pytest.fixture
    def kept(self, demo, helpdesk):
        """A preview, and what was submitted at the same time."""
        pending, done = start(helpdesk), start(helpdesk)
        for one in (pending, done):
            one.choose(demo.partner("Hafen IT"), by=helpdesk)
        done.submit(by=helpdesk)
        return pending, done

    def after(self, days, **settings):
        with time_machine.travel(timezone.now() + timedelta(days=days), tick=False):
            Task.objects.filter(name="bulk-assignments").delete()
            call_command("worker", once=True)
        return set(BulkAssignment.objects.values_list("pk", flat=True))

    def test_the_worker_deletes_previews_and_later_results(self, kept):
        pending, done = kept
        written = SupportContactAssignment.objects.count(), ActivityEntry.objects.count()
        assert self.after(days=6.9) == {pending.pk, done.pk}
        assert self.after(days=7.1) == {done.pk}
        assert done.rows.filter(outcome=BulkOutcome.CHANGE).exists()
        assert self.after(days=89.9) == {done.pk}
        assert self.after(days=90.1) == set()
        assert not BulkAssignmentRow.objects.exists()
        assert Task.objects.get(name="bulk-assignments").outcome == "1 bulk assignments forgotten"
        assert (SupportContactAssignment.objects.count(), ActivityEntry.objects.count()) == written

    def test_the_settings_say_for_how_long(self, kept, settings):
        pending, done = kept
        settings.BULK_PREVIEW_PERIOD, settings.BULK_RESULT_PERIOD = timedelta(30), timedelta(20)
        assert self.after(days=19.9) == {pending.pk, done.pk}
        assert self.after(days=20.1) == {pending.pk}
        assert self.after(days=30.1) == set()

    def test_who_comes_back_too_late_is_told_so(self, demo, helpdesk, kept, nothing_written):
        pending, _done = kept
        self.after(days=91)
        with nothing_written():
            for act in (
                lambda: pending.choose(demo.partner("Hafen IT"), by=helpdesk),
                lambda: pending.submit(by=helpdesk),
            ):
                with pytest.raises(ValidationError) as refusal:
                    act()
                assert refusal.value.code == "gone"
        browser = signed_in(HELPDESK)
        for one in kept:
            assert browser.get(f"/subscriptions/assign/{one.pk}/").status_code == 404
            assert browser.post(f"/subscriptions/assign/{one.pk}/submit/").status_code == 404
