"""Whole numbers as people write and read them, with the separators of their language."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.formats import get_format
from django.utils.translation import gettext_lazy as _

# What separates thousands in every language: spaces of all widths, and the apostrophe of Switzerland.
NEUTRAL = re.compile(r"(?<=\d)[\s'\u2019](?=\d{3}(?!\d))")
MINUS = {ord(sign): "-" for sign in "\u2212\u2010\u2011\u2012\u2013"}
GROUPED = r"[1-9]\d{0,2}(?:%s\d{3})+"


class NotWhole(ValueError):
    """The text is no whole number."""


class Ambiguous(ValueError):
    """The text is a whole number to some readers and another number to others."""

    def __init__(self, grouped: int, fraction: str) -> None:
        super().__init__(grouped, fraction)
        self.grouped, self.fraction = grouped, fraction


def read_whole_number(text: str) -> int:
    """Return the whole number that ``text`` is to a reader of the active language.

    A comma or a full stop separates thousands or decimals, by language; where both stand, the last one is
    that of decimals. Decimals are let in where all of them are zeros.

    The digits of every script and width are digits; exponents, fractions, circled and Roman numerals are not:
    5² is not 52.

    Raises ``NotWhole``, and ``Ambiguous`` for what the separators of another language would make a
    thousand times as much: "1.000" in English, "1,000" in German.
    """
    if any(map(_is_other_numeral, text)):
        raise NotWhole
    # Marks of direction and zero-width spaces come along when a number is copied.
    seen = "".join(char for char in text if unicodedata.category(char) != "Cf")
    typed = unicodedata.normalize("NFKC", seen).strip().translate(MINUS)
    sign = -1 if typed.startswith("-") else 1
    digits = NEUTRAL.sub("", typed.removeprefix("-").removeprefix("+").strip())
    if re.fullmatch(r"\d+", digits):
        return sign * _to_int(digits)
    own = get_format("THOUSAND_SEPARATOR")
    for thousands, decimal in ((own, _other(own)), (_other(own), own)):
        grouped = GROUPED % re.escape(thousands)
        if found := re.fullmatch(rf"({grouped})(?:{re.escape(decimal)}(\d+))?", digits):
            whole = sign * _to_int(found[1].replace(thousands, ""))
            if found[2] is None and thousands != own and found[1].count(thousands) == 1:
                raise Ambiguous(whole, digits)
            return _without_decimals(whole, found[2] or "")
    found = re.fullmatch(r"(\d+)([.,])(\d+)", digits)
    if found and (found[2] != own or len(found[3]) != 3):  # three digits were meant as thousands
        return _without_decimals(sign * _to_int(found[1]), found[3])
    raise NotWhole


def _is_other_numeral(character: str) -> bool:
    """Whether NFKC would make a digit, or its sign, of what stands for another number: ², ½, ①, Ⅷ, ⁻."""
    is_number = unicodedata.category(character) in ("No", "Nl", "So")
    return is_number or unicodedata.decomposition(character).startswith(("<super>", "<sub>"))


def _other(separator: str) -> str:
    return "," if separator == "." else "."


def _to_int(digits: str) -> int:
    if len(digits) > 1000:  # Python itself reads only so many thousands
        raise NotWhole
    return int(digits)


def _without_decimals(whole: int, decimals: str) -> int:
    if decimals.strip("0"):
        raise NotWhole
    return whole


class WholeNumberField(forms.IntegerField):
    """A whole number, typed with or without the separators of thousands of the reader's language.

    The browser's own field for numbers is not used: what it makes of a separator depends on the language
    of the browser, and is sent as another number without a word.
    """

    widget = forms.TextInput
    default_error_messages = {
        "ambiguous": _(
            "“%(typed)s” can mean %(grouped)s or %(fraction)s. Enter the number without separators."
        ),
    }

    def to_python(self, value: Any) -> int | None:
        if isinstance(value, str) and value.strip():
            try:
                value = read_whole_number(value)
            except NotWhole as error:
                raise ValidationError(self.error_messages["invalid"], code="invalid") from error
            except Ambiguous as error:
                raise ValidationError(
                    self.error_messages["ambiguous"],
                    code="ambiguous",
                    params={
                        "typed": value.strip(),
                        "grouped": error.grouped,
                        "fraction": _fraction(error.fraction),
                    },
                ) from error
        return super().to_python(value)

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {**super().widget_attrs(widget), "inputmode": "numeric", "autocomplete": "off"}


def _fraction(digits: str) -> str:
    """The other reading, as the active language writes it: 1 for 1.000, 1.5 for 1.500."""
    whole, decimals = re.split("[.,]", digits)
    decimals = decimals.rstrip("0")
    return whole + (get_format("DECIMAL_SEPARATOR") + decimals if decimals else "")


class WholeNumber(models.Field):
    """The part of a field of a model that lets forms read its number by ``WholeNumberField``."""

    def formfield(self, **kwargs: Any) -> forms.Field | None:
        return super().formfield(**{"form_class": WholeNumberField, **kwargs})

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        # To the database, and so to migrations, it is Django's own.
        name, _path, args, kwargs = super().deconstruct()
        return name, f"django.db.models.{self.get_internal_type()}", args, kwargs


class QuantityField(WholeNumber, models.PositiveIntegerField):
    """How many; never below zero."""

    def get_internal_type(self) -> str:
        return "PositiveIntegerField"


class MonthsField(WholeNumber, models.PositiveSmallIntegerField):
    """How many months; never below zero."""

    def get_internal_type(self) -> str:
        return "PositiveSmallIntegerField"
