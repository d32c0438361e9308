"""How often somebody may do what costs others: counted by all processes together, over a moving period."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection, transaction

from portal.models import when_allowed
from tests.races import ORDERS

DAY = timedelta(hours=24)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def clock(db):
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


def test_what_is_too_much_is_allowed_again_when_the_first_is_a_day_ago(clock):
    assert when_allowed("mail of anna", 2, DAY) is None
    clock.shift(timedelta(hours=1))
    assert when_allowed("mail of anna", 2, DAY) is None
    for _again in range(3):  # what is refused counts for nothing
        clock.shift(timedelta(hours=1))
        assert when_allowed("mail of anna", 2, DAY) == NOON + DAY
    assert when_allowed("mail of bert", 2, DAY) is None
    clock.move_to(NOON + DAY + timedelta(seconds=1))
    assert when_allowed("mail of anna", 2, DAY) is None
    assert when_allowed("mail of anna", 2, DAY) == NOON + DAY + timedelta(hours=1)


def test_rows_wait_until_there_is_room_for_all_of_them(clock):
    for weight in (40, 30, 30):
        assert when_allowed("rows", 100, DAY, weight=weight) is None
        clock.shift(timedelta(hours=1))
    assert when_allowed("rows", 100, DAY, weight=40) == NOON + DAY
    assert when_allowed("rows", 100, DAY, weight=41) == NOON + DAY + timedelta(hours=1)
    assert when_allowed("rows", 100, DAY, weight=100) == NOON + DAY + timedelta(hours=2)
    with pytest.raises(ValueError, match="101 is never allowed"):
        when_allowed("rows", 100, DAY, weight=101)


def test_what_is_rolled_back_was_not_counted(db):
    for _again in range(3):
        with transaction.atomic():
            assert when_allowed("mail", 1, DAY) is None
            transaction.set_rollback(True)
    assert when_allowed("mail", 1, DAY) is None


def test_what_is_over_is_deleted_by_the_worker(clock):
    when_allowed("mail of anna", 1, DAY)
    clock.shift(timedelta(hours=25))
    when_allowed("mail of bert", 1, DAY)
    cache.set("for_good", 1, None)
    assert count_in_cache() == 3
    call_command("worker", once=True)
    assert count_in_cache() == 2
    assert when_allowed("mail of bert", 1, DAY)
    assert cache.get("for_good") == 1


def count_in_cache():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM portal_cache")
        return cursor.fetchone()[0]


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("order", ORDERS)
def test_of_two_at_once_one_is_too_much(order):
    def act():
        with transaction.atomic():
            return when_allowed("mail", 1, DAY)

    outcomes = order(act, act)
    assert [one.error for one in outcomes] == [None, None]
    assert sorted(one.value is None for one in outcomes) == [False, True]
