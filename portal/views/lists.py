"""The bases of every list and of its export as a CSV file."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import cached_property
from django.views.generic import ListView, View
from django.views.generic.list import MultipleObjectMixin

from lists.keyset import Keyset, KeysetPage, SortOrder
from lists.list_queries import MOST_SORTED, ListQuery
from portal.csv import stream_csv
from portal.exports import ExportRefused, export, separator_of
from portal.forms import SearchForm
from portal.signed_in import user_of
from portal.zones import zone_of

from .access import ScopedView

# Up to this many matches are counted; beyond, a list says "more than" and counts them all on request.
COUNTED = MOST_SORTED


@dataclass
class Total:
    """How many rows match: exactly, or only that there are more than ``COUNTED``.

    ``count_rest`` is given how many to count at most, None for all, and counts those not ``seen`` yet.
    """

    count_rest: Callable[[int | None], int]
    is_exact: bool = False
    seen: int = 0

    @cached_property
    def found(self) -> int:
        most = None if self.is_exact else max(COUNTED + 1 - self.seen, 0)
        return self.seen + self.count_rest(most)

    @property
    def is_more(self) -> bool:
        return not self.is_exact and self.found > COUNTED

    @property
    def count(self) -> int:
        return COUNTED if self.is_more else self.found


class FilteredView(ScopedView, MultipleObjectMixin):
    """The organisation's rows, as the form in the address wants them.

    The form keeps its own words for what can't be: then nothing is looked for.
    """

    filter_form_class: type[forms.Form] = SearchForm

    @cached_property
    def search_form(self) -> Any:
        return self.filter_form_class(self.request.GET, **self.get_filter_form_kwargs())

    def get_filter_form_kwargs(self) -> dict[str, Any]:
        return {}

    def get_queryset(self) -> Any:
        found = self.prepare_queryset(super().get_queryset())
        if not self.search_form.is_valid():
            return found.none()
        return self.filter_queryset(found, **self.search_form.cleaned_data)

    def prepare_queryset(self, queryset: Any) -> QuerySet:
        """Add what the list sorts and filters by."""
        return queryset

    def filter_queryset(self, queryset: Any, **filters: Any) -> QuerySet:
        """Leave out what the filters of the address leave out."""
        return queryset.search(filters["q"])


class ScopedListView(FilteredView, ListView):
    """A list of the organisation's rows, in pages, filtered, and sorted by one of ``sorts``.

    ``sorts`` names the orders as addresses and column headings do; the first is the default. Pages are
    read by keyset, so the last costs as much as the first.
    """

    paginate_by: int | None = 25
    sorts: dict[str, SortOrder] = {}
    # What is read of each row, as named tuples: objects of a model cost more than the rest of a page.
    columns: tuple[str, ...] = ()

    @cached_property
    def sort(self) -> tuple[str, bool]:
        """The name of the chosen order, and whether it is turned around."""
        wanted = self.request.GET.get("sort", "")
        name = wanted.removeprefix("-")
        if name in self.sorts:
            return name, wanted.startswith("-")
        return next(iter(self.sorts)), False

    @property
    def order(self) -> SortOrder:
        name, is_turned = self.sort
        order = self.sorts[name]
        return order.reversed() if is_turned else order

    def read_rows(
        self, queryset: QuerySet, order: SortOrder, position: Sequence | None, limit: int
    ) -> list:
        """Return rows of the list as ``Keyset`` asks for them."""
        if self.columns:
            queryset = queryset.values_list(*self.columns, named=True)
        return order.read(queryset, position, limit)

    def paginate_queryset(self, queryset: Any, page_size: int) -> tuple[Any, Any, Any, bool]:
        """Return how many rows there are, the page, its rows, and whether there are other pages."""
        asked = self.request.GET
        keyset = Keyset(partial(self.read_rows, queryset), self.order, page_size)
        if "after" in asked:
            page = keyset.after(asked["after"])
        elif "before" in asked:
            page = keyset.before(asked["before"])
        else:
            page = keyset.number(self._page_number())
        return self.get_total(queryset, page), page, page.rows, page.has_other_pages

    def count_rows(self, queryset: QuerySet, position: Sequence | None, most: int | None) -> int:
        """Count the rows, or those after ``position``, but no more than ``most`` (None: all)."""
        if position:
            queryset = self.order.after(queryset, position)
        # In the order of the list, whose index holds what the list searches in.
        return self.order.sort(queryset).values(self.order.key)[:most].count()

    def get_total(self, queryset: QuerySet, page: KeysetPage) -> Total:
        is_exact = self.request.GET.get("count") == "all"
        if page.has_previous:
            return Total(partial(self.count_rows, queryset, None), is_exact)
        # The first page has looked through the list up to its last row.
        seen = len(page.rows)
        if not page.has_next:
            return Total(lambda most: 0, is_exact, seen)
        position = self.order.position(page.rows[-1])
        return Total(partial(self.count_rows, queryset, position), is_exact, seen)

    def _page_number(self) -> int:
        number = self.request.GET.get(self.page_kwarg, "")[:9]
        return max(int(number), 1) if number.isdecimal() else 1

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        filters = self.search_form.cleaned_data if self.search_form.is_valid() else {}
        if self.sorts:
            kwargs["sorting"] = self.describe_sorts()
        kwargs["kept"] = self.describe_kept()
        return super().get_context_data(
            search_form=self.search_form,
            query=filters.get("q"),
            is_filtered=not self.search_form.is_valid()
            or any(value not in (None, "") for value in filters.values()),
            **kwargs,
        )

    def describe_kept(self) -> dict[str, str]:
        """What the address says of the list apart from the filter, whose form sends it along."""
        name, is_turned = self.sort
        rules = {
            "sort": f"-{name}" if is_turned else name,
            "size": str(self.get_paginate_by(cast(QuerySet, self.object_list))),
        }
        return {key: rule for key, rule in rules.items() if self.request.GET.get(key) == rule}

    def describe_sorts(self) -> dict[str, dict[str, Any]]:
        """What each column heading says of itself, and where it leads."""
        chosen, is_turned = self.sort
        described = {}
        for name, order in self.sorts.items():
            is_chosen = name == chosen
            is_descending = order.is_descending != (is_chosen and is_turned)
            described[name] = {
                "wanted": f"-{name}" if is_chosen and not is_turned else name,
                "aria": is_chosen and ("descending" if is_descending else "ascending"),
            }
        return described


class ListQueryView(FilteredView):
    """A list whose rows are those of a ``ListQuery``, of the user's own organisation (T1)."""

    model: Any
    list_query_class: type[ListQuery]

    def get_asked(self, **filters: Any) -> dict[str, Any]:
        """Return what the filters of the address ask for, as ``list_query_class.of`` names it."""
        return filters

    @cached_property
    def list_query(self) -> ListQuery | None:
        """What is asked, for the organisation of the user; None where the filters can't be read."""
        if not self.search_form.is_valid():
            return None
        asked = self.get_asked(**self.search_form.cleaned_data)
        return self.list_query_class.of(self.membership, **asked)

    def get_queryset(self) -> Any:
        return self.list_query.queryset() if self.list_query else self.model._default_manager.none()


class CompiledListView(ListQueryView, ScopedListView):
    """A list that is read all day: its queries are compiled once, see ``CompiledQuery``."""

    def get_queryset(self) -> Any:
        return self.model._default_manager.none()  # ``list_query`` has the rows

    def read_rows(
        self, queryset: QuerySet, order: SortOrder, position: Sequence | None, limit: int
    ) -> list:
        if self.list_query is None:
            return []
        return self.list_query.read(self.columns, order, position, limit)

    def count_rows(self, queryset: QuerySet, position: Sequence | None, most: int | None) -> int:
        return self.list_query.count(self.order, position, most) if self.list_query else 0

    def get_total(self, queryset: QuerySet, page: KeysetPage) -> Total:
        total = super().get_total(queryset, page)

        known = self.list_query.count_before(self.order) if self.list_query else None
        return total if known is None or total.is_exact else Total(lambda most: known)


def csv_response(
    request: HttpRequest,
    filename: str,
    header: Sequence[str],
    rows: Iterable,
    *,
    are_lines: bool = False,
) -> HttpResponseBase:
    """A CSV file of ``rows``, lists of texts, complete before it is sent; see ``stream_csv`` and ``export``.

    Its name is ``filename`` with the day of the reader.

    Where the user may not have it now, a page says why.
    """
    try:
        pieces = stream_csv(header, rows, separator=separator_of(request), are_lines=are_lines)
        user = user_of(request)
        day = timezone.localdate(timezone=zone_of(user))
        return export(
            user,
            pieces,
            filename=f"{filename}-{day}.csv",
            content_type="text/csv; charset=utf-8",
        )
    except ExportRefused as refusal:
        context = {"reason": refusal.message}
        return render(request, refusal.template, context, status=refusal.status)


class ExportView(FilteredView, View):
    """All rows that match, as a CSV file, written while they are read: never all in memory."""

    filename = ""
    are_lines = False

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        rows = self.get_rows(self.get_queryset()) if self.search_form.is_valid() else ()
        return csv_response(
            request, self.filename, self.get_header(), rows, are_lines=self.are_lines
        )

    @cached_property
    def separator(self) -> str:
        return separator_of(self.request)

    def get_header(self) -> list[str]:
        """The titles of the columns, in the reader's language."""
        raise NotImplementedError

    def get_rows(self, queryset: Any) -> Iterable:
        """Yield a list of texts for each row; with ``are_lines`` a line with ``separator`` between cells."""
        raise NotImplementedError
