"""Fields of models and forms for phone numbers, which are kept in one form and shown in another."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models

from portal.phones import (
    KEPT_PHONE,
    LONGEST_PHONE,
    PHONE_HINT,
    is_kept_phone,
    normal_phone,
    shown_phone,
)


class PhoneFormField(forms.CharField):
    """A phone number as people write it. Which one it is, the model says: its row names the country."""

    widget = forms.TelInput

    def prepare_value(self, value: Any) -> Any:
        return shown_phone(value) if isinstance(value, str) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), self.prepare_value(data))


class PhoneField(models.CharField):
    """The phone number of the firm in whose row it stands, in the form of ``portal.phones``.

    A number without a country code is one of the row's ``country``. What was stored before there was this
    form and can't be read stays as it is until somebody enters another, and keeps nobody from changing
    something else.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"max_length": LONGEST_PHONE, **kwargs})

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        """To the database it is plain text: a migration knows of no form."""
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", args, {"max_length": self.max_length, **kwargs}

    def formfield(self, **kwargs: Any) -> forms.Field | None:
        hint = self.help_text or PHONE_HINT
        return super().formfield(**{"form_class": PhoneFormField, "help_text": hint, **kwargs})

    def clean(self, value: Any, model_instance: Any) -> Any:
        if value:
            try:
                value = normal_phone(value, model_instance.country)
            except ValidationError:
                stored = self._stored(model_instance)
                if value not in (stored, stored.strip(), shown_phone(stored)):
                    raise
                value = stored
        return super().clean(value, model_instance)

    def pre_save(self, model_instance: Any, add: bool) -> Any:
        value = getattr(model_instance, self.attname)
        if value and not is_kept_phone(value):
            try:
                value = normal_phone(value, model_instance.country)
            except ValidationError:
                return value
            setattr(model_instance, self.attname, value)
        return value

    def _stored(self, instance: models.Model) -> str:
        """What the row has had so far."""
        if instance._state.adding:
            return ""
        rows = type(instance)._base_manager.filter(pk=instance.pk)
        return rows.values_list(self.attname, flat=True).first() or ""


def unreadable_phones(field: str) -> models.Q:
    """Return the condition for rows whose phone in ``field`` is stored as it was and can't be read."""
    return ~models.Q(**{field: ""}) & ~models.Q(**{f"{field}__regex": KEPT_PHONE})
