"""Columns read as text: for long lists and files, where making objects of them costs more than the rest."""

from django.db import models
from django.db.models.functions import Cast, TruncDate


class KeyText(Cast):
    """A UUID as the database writes it as text; see ``dashed``."""

    def __init__(self, expression):
        super().__init__(expression, models.CharField())


class DayText(Cast):
    """The day of a time in a zone, as year-month-day."""

    def __init__(self, expression, zone):
        super().__init__(TruncDate(expression, tzinfo=zone), models.CharField())


def dashed(key):
    """Return a ``KeyText`` in the usual form, with dashes, which SQLite leaves out."""
    if len(key) != 32:
        return key
    return f"{key[:8]}-{key[8:12]}-{key[12:16]}-{key[16:20]}-{key[20:]}"
