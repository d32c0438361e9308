"""The choice of a partner in a form."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.forms.models import ModelChoiceIterator

from portal.models import partner_labels


class _Partners(ModelChoiceIterator):
    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        if self.field.empty_label is not None:
            yield "", self.field.empty_label
        yield from partner_labels(self.queryset.values_list("pk", "name", "mpn_id"))


class PartnerChoiceField(forms.ModelChoiceField):
    """One of the partners of a queryset; those of one name carry their MPN ID."""

    iterator = _Partners
