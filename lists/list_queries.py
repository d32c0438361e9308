"""Which rows a list shows, as a value, and the pages and counts of them, compiled once.

A list is read in two steps. Its ``ListQuery`` says what is asked: for whom, and by what it is filtered.
``parameterized`` takes the values out of it, so that what is left is the same for everybody who filters by
the same, and is compiled once; the values are bound when it runs.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache
from typing import Any, ClassVar, Self

from django.db import models

from .compiled_queries import BindParameter, CompiledQuery
from .expressions import Rows, Word
from .keyset import SortOrder

# Up to so many rows are found first and sorted then; more are found while walking them in order.
MOST_SORTED = 1000


@cache
def _word(number: int, spellings: int) -> tuple[BindParameter, ...]:
    """Parameters for the spellings of one word, of which there are so many."""
    return tuple(
        BindParameter(f"word_{number}_{spelling}", models.CharField())
        for spelling in range(spellings)
    )


@dataclass(frozen=True, kw_only=True)
class ListQuery:
    """Which rows a list shows: it holds all that the SQL for them depends on, and nothing else.

    A subclass says what each of its fields means. In ``words`` are those looked for, as ``words_of`` has
    them. In place of their spellings and of the values that ``PARAMETERS`` names there may be parameters: so
    what is asked again with others finds its SQL. A value that ``PARAMETERS`` does not name is part of the
    SQL, and there are few of it.
    """

    PARAMETERS: ClassVar[Mapping[str, BindParameter]] = {}

    # A class method that gives the query for what exists for a membership (T1), as the filters of a page
    # ask: ``of(membership, **filters)``. No page comes to its rows in another way, so none forgets for whom
    # they are. A query that no page is about has none.
    of: ClassVar[Callable[..., Any]]

    words: tuple[Word, ...] = ()

    def replace(self, **changes: Any) -> Self:
        """Return the same query, but with these values."""
        return replace(self, **changes)

    def queryset(self) -> models.QuerySet:
        """The rows, in no order."""
        raise NotImplementedError

    def queryset_to_count(self) -> models.QuerySet:
        """The same rows, with what they are sorted by alone: no table is read for what they show."""
        return self.queryset()

    @cached_property
    def parameterized(self) -> tuple[Self, dict[str, Any]]:
        """The same with a parameter for each value, and the values by name."""
        values = {name: getattr(self, name) for name in self.PARAMETERS if getattr(self, name)}
        bound: dict[str, Any] = {name: self.PARAMETERS[name] for name in values}
        words = tuple(_word(number, len(word)) for number, word in enumerate(self.words))
        for parameters, word in zip(words, self.words, strict=True):
            values.update((one.name, text) for one, text in zip(parameters, word, strict=True))
        return self.replace(words=words, **bound), values

    def run(
        self, compiled: Callable[..., CompiledQuery], *how: Any, position: Sequence | None = None
    ) -> list:
        """Return the rows of the query that ``compiled`` makes of this one."""
        query, values = self.parameterized
        return compiled(query, *how).run(values | _bound_position(position))

    def count_before(self, order: SortOrder) -> int | None:
        """Return how many rows there are, up to ``MOST_SORTED`` and one, where reading depends on that.

        Else None.
        """
        return None

    def read(
        self,
        columns: tuple[str, ...],
        order: SortOrder,
        position: Sequence | None,
        limit: int | None,
    ) -> list:
        """Return up to ``limit`` rows (None: all), as ``SortOrder.read`` does."""
        return self.run(_page, columns, order, position is not None, limit, position=position)

    def count(self, order: SortOrder, position: Sequence | None, limit: int | None) -> int:
        """Return how many rows there are, or follow ``position``; ``limit`` (None: all) is the most."""
        [[count]] = self.run(_count, order, position is not None, limit, position=position)
        return count


# Where a page of a list starts: behind what a row is sorted by, and its id. No list is sorted by more.
POSITION = tuple(BindParameter(f"after_{number}") for number in range(3))


def _bound_position(position: Sequence | None) -> dict[str, Any]:
    return {one.name: value for one, value in zip(POSITION, position or (), strict=False)}


def seek(rows: Rows, order: SortOrder, is_after: bool) -> Rows:
    """Return ``rows`` in an order, where ``is_after`` those behind ``POSITION``."""
    return order.sort(order.after(rows, POSITION[: len(order.columns)]) if is_after else rows)


@lru_cache(maxsize=1000)
def _page(
    query: ListQuery, columns: tuple[str, ...], order: SortOrder, is_after: bool, limit: int | None
) -> CompiledQuery:
    return CompiledQuery.rows_of(seek(query.queryset(), order, is_after)[:limit], *columns)


@lru_cache(maxsize=1000)
def _count(query: ListQuery, order: SortOrder, is_after: bool, limit: int | None) -> CompiledQuery:
    # In the order of the list, whose index holds what the list searches in.
    rows = seek(query.queryset_to_count(), order, is_after)
    return CompiledQuery.count_of(rows.values(order.key)[:limit])
