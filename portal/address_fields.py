"""Fields of models and forms that keep emails and domains in their one normal form (R14)."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import lookups

from portal.addresses import (
    SUSPECT_DOMAIN,
    SUSPECT_EMAIL,
    normal_domain,
    normal_email,
    out_of_form,
    shown_domain,
    shown_email,
)


class AsKept(str):
    """A text to compare with as it is, not in its normal form."""


class NormalFormField(forms.CharField):
    """The base of the fields of forms: what they hand on is in its normal form."""

    normal: Any
    shown: Any

    def to_python(self, value: Any) -> str | None:
        typed = super().to_python(value)
        # A NUL byte has a message of its own, by Django's validator.
        return self.normal(typed) if typed and "\x00" not in typed else typed

    def prepare_value(self, value: Any) -> Any:
        return self.shown(value) if isinstance(value, str) else value


class EmailFormField(NormalFormField, forms.EmailField):
    """An email address, in whichever form it is typed or the browser sends it."""

    normal, shown = staticmethod(normal_email), staticmethod(shown_email)


class DomainFormField(NormalFormField):
    """A domain, in whichever form people know it: with ``https://``, out of an address, with umlauts."""

    normal, shown = staticmethod(normal_domain), staticmethod(shown_domain)


class NormalField(models.CharField):
    """The base of the fields that keep a text in a normal form, and find it by any of its forms.

    What an installation kept before there was this form, and what fell together with another row when its
    rows were brought into it, stays as it is until an operator changes it.
    """

    form_field: type[forms.Field]
    plain_field: type[models.Field]

    suspect: str

    @staticmethod
    def normal(text: str) -> str:
        raise NotImplementedError

    @classmethod
    def out_of_form(cls, rows: models.QuerySet, name: str) -> list[tuple[Any, str, str]]:
        """Return key, text and normal form of those of ``rows`` that keep the field ``name`` in another."""
        return out_of_form(rows, name, cls.normal, cls.suspect)

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        """To the database it is a plain field: a migration knows of no form."""
        name, _path, args, kwargs = super().deconstruct()
        return name, f"django.db.models.{self.plain_field.__name__}", args, kwargs

    def formfield(self, **kwargs: Any) -> forms.Field | None:
        return super().formfield(**{"form_class": self.form_field, **kwargs})

    def clean(self, value: Any, model_instance: models.Model | None) -> Any:
        if value:
            stays = self._stays(value, model_instance)
            value = AsKept(value) if stays else self.normal(value)
        return super().clean(value, model_instance)

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = getattr(model_instance, self.attname)
        if isinstance(value, str) and not self._stays(value, model_instance):
            value = self.normal_or_same(value)
            setattr(model_instance, self.attname, value)
        return value

    def normal_or_same(self, text: str) -> str:
        """The normal form of ``text``; of what has none, the text itself, which nothing equals."""
        try:
            return self.normal(text)
        except ValidationError:
            return text.strip().lower()

    def _stays(self, value: str, instance: models.Model | None) -> bool:
        """Whether the row kept ``value`` before, and another has its normal form, which only one may."""
        normal = self.normal_or_same(value)
        if normal == value or instance is None or instance._state.adding:
            return False
        alone = [
            one
            for one in instance._meta.constraints
            if isinstance(one, models.UniqueConstraint) and one.fields == (self.name,)
        ]
        if not (self.unique or alone):
            return False
        conditions = (one.condition for one in alone if one.condition)
        rows = type(instance)._base_manager.filter(*conditions)
        return (
            rows.filter(pk=instance.pk, **{self.attname: AsKept(value)}).exists()
            and rows.filter(**{self.attname: normal}).exclude(pk=instance.pk).exists()
        )


class EmailField(NormalField, models.EmailField):
    """An email address in its normal form."""

    form_field, plain_field = EmailFormField, models.EmailField
    suspect = SUSPECT_EMAIL
    normal = staticmethod(normal_email)


class DomainField(NormalField):
    """The domain of a firm in its normal form."""

    form_field, plain_field = DomainFormField, models.CharField
    suspect = SUSPECT_DOMAIN
    normal = staticmethod(normal_domain)


class _Normalised(models.Lookup):
    """A comparison with a text, in the normal form of the field that it is compared with."""

    def get_prep_lookup(self) -> Any:
        prepared = super().get_prep_lookup()
        if isinstance(prepared, list | tuple | set):
            return [self._normal(one) for one in prepared]
        return self._normal(prepared)

    def _normal(self, value: Any) -> Any:
        if not isinstance(value, str) or isinstance(value, AsKept):
            return value
        return self.lhs.output_field.normal_or_same(value)


@NormalField.register_lookup
class NormalExact(_Normalised, lookups.Exact):
    pass


@NormalField.register_lookup
class NormalIn(_Normalised, lookups.In):
    pass
