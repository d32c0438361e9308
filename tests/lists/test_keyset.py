"""Pages by keyset: one list, in order, each row once."""

from datetime import UTC, datetime

import pytest

from lists.keyset import Keyset, KeysetPage, SortOrder, read_cursor, write_cursor
from portal.models import Partner
from tests.factories import PartnerFactory

SIZE = 3


@pytest.fixture
def partners(db):
    for number in range(8):
        PartnerFactory(name=f"Firm {number // 2}", country="DE" if number % 3 else "AT")
    return Partner.objects.order_by("name_key", "pk")


def paged(queryset, key="name_key", *, is_descending=False):
    order = SortOrder(key, is_descending=is_descending)
    return Keyset(lambda order, *rest: order.read(queryset, *rest), order, SIZE)


def walk(keyset):
    """The pages from the first to the last, and those on the way back."""
    pages = [keyset.first()]
    while pages[-1].has_next:
        pages.append(keyset.after(pages[-1].after))
    back = [pages[-1]]
    while back[-1].has_previous:
        back.append(keyset.before(back[-1].before))
    return pages, back


@pytest.mark.parametrize("is_descending", [False, True])
def test_every_row_is_on_one_page_in_order_forth_and_back(partners, is_descending):
    expected = list(partners.reverse() if is_descending else partners)
    pages, back = walk(paged(Partner.objects.all(), is_descending=is_descending))
    assert [page.rows for page in pages] == [expected[:3], expected[3:6], expected[6:]]
    assert [page.rows for page in back] == [expected[6:], expected[3:6], expected[:3]]
    assert [(page.has_previous, page.has_next) for page in pages] == [
        (False, True),
        (True, True),
        (True, False),
    ]


@pytest.mark.parametrize("is_descending", [False, True])
def test_where_the_key_is_the_same_another_column_decides(partners, is_descending):
    order = SortOrder("country", is_descending=is_descending, then="name_key")
    expected = list(order.sort(Partner.objects.all()))
    assert [(one.country.code, one.name_key) for one in expected] == sorted(
        ((one.country.code, one.name_key) for one in partners), reverse=is_descending
    )
    keyset = Keyset(lambda order, *rest: order.read(partners, *rest), order, SIZE)
    pages, back = walk(keyset)
    assert [row for page in pages for row in page.rows] == expected
    assert [page.rows for page in back[::-1]] == [page.rows for page in pages]
    # The cursor of a list that is sorted otherwise leads to the first page.
    assert keyset.after(paged(partners).first().after).rows == expected[:SIZE]


def test_a_page_number_past_the_end_leads_to_the_last_rows(partners):
    keyset = paged(Partner.objects.all())
    page = keyset.number(9)
    assert page.rows == list(partners)[-3:]
    assert (page.has_previous, page.has_next) == (True, False)


def test_a_page_number_leaves_out_no_more_rows_than_a_bound(partners, monkeypatch):
    monkeypatch.setattr("lists.keyset.FURTHEST_OFFSET", 4)
    keyset = paged(Partner.objects.all())
    assert keyset.number(9).rows == list(partners)[4:7]


def test_an_empty_list_has_one_page_without_rows(db):
    keyset = paged(Partner.objects.all())
    assert keyset.first() == keyset.last() == keyset.number(7) == KeysetPage([])
    assert keyset.after(write_cursor(["a", "b"])) == KeysetPage([])


def test_before_the_second_row_is_the_first_page(partners):
    second = list(partners)[1]
    keyset = paged(partners)
    page = keyset.before(write_cursor([second.name_key, second.pk]))
    assert page.rows == list(partners)[:3]
    assert not page.has_previous


def test_a_cursor_survives_the_way_through_an_address(partners):
    position = ["straße & co?", str(partners[0].pk)]
    word = write_cursor(position)
    assert word.replace("-", "").replace("_", "").isalnum()
    assert read_cursor(word) == tuple(position)


def test_a_cursor_keeps_a_time_to_the_microsecond(partners):
    """Many rows of one moment are not left out, as after a bulk assignment."""
    at = datetime(2026, 11, 25, 4, 0, 0, 123456, tzinfo=UTC)
    Partner.objects.update(created_at=at)
    expected = list(Partner.objects.order_by("-created_at", "-pk"))
    pages, _back = walk(paged(Partner.objects.all(), "created_at", is_descending=True))
    assert [row for page in pages for row in page.rows] == expected
