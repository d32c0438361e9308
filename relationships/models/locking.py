from typing import Self, TypeVar

from django.db import models

Row = TypeVar("Row", bound=models.Model)


class LockingQuerySet(models.QuerySet[Row]):
    def active(self) -> Self:
        return self.filter(ended_at=None)

    def lock(self) -> list[Row]:
        """Lock these rows until the transaction ends, in an order that can't deadlock; return them."""
        return list(self.select_for_update(of=("self",), no_key=True).order_by("pk"))
