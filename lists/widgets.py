"""What filters and long choices are drawn with, in one go: templates for their parts cost too much."""

from collections.abc import Iterable, Iterator
from html import escape
from typing import Any

from django import forms
from django.forms.utils import flatatt
from django.utils.choices import BaseChoiceIterator
from django.utils.html import format_html
from django.utils.safestring import mark_safe


def escaped(texts: Iterable[str]) -> list[str]:
    """Escape many texts for HTML at once, as one text: to call for each costs more than its letters."""
    return escape("\x00".join(texts)).split("\x00")  # which no field lets in


class ListSelect(forms.Select):
    """A list of choices without groups, drawn in one go: Django's takes a template for each choice."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> Any:
        return self.drawn(name, attrs, self.drawn_options(value))

    def drawn_options(self, value: Any) -> list[str]:
        chosen = set(self.format_value(value))
        keys, labels = [], []
        for key, label in self.choices:
            keys.append(str(key))
            labels.append(str(label))
        return [
            f'<option value="{shown}"{" selected" if key in chosen else ""}>{label}</option>'
            for key, shown, label in zip(keys, escaped(keys), escaped(labels), strict=True)
        ]

    def drawn(self, name: str, attrs: Any, options: list[str]) -> Any:
        attributes = flatatt({"name": name, **self.build_attrs(self.attrs, attrs)})
        lines = "\n".join(options)
        return mark_safe(f"<select{attributes}>{lines}</select>")  # noqa: S308  (escaped above)


class NamedRows(BaseChoiceIterator):
    """Choices that are pairs already, a key and a name: Django goes through other lists to make them so."""

    def __init__(self, pairs: Iterable[tuple[Any, Any]]) -> None:
        self.pairs = list(pairs)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.pairs)


class FilteredSelect(ListSelect):
    """A list of choices; a long one gets a field that searches in it (``filter-select.js``)."""

    template_name = "lists/filtered_select.html"
    long = 12

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> Any:
        context = forms.Widget.get_context(self, name, value, attrs)
        options = self.drawn_options(value)
        context["is_long"] = len(options) > self.long
        context["select"] = self.drawn(name, attrs, options)
        return self._render(self.template_name, context, renderer)  # type: ignore[attr-defined]


class DrawnInput(forms.Widget):
    """An input of the filters, which every list has: drawn without a template."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> Any:
        widget = self.get_context(name, value, attrs)["widget"]
        value = {} if widget["value"] is None else {"value": widget["value"]}
        attributes = {"type": widget["type"], "name": name, **value, **widget["attrs"]}
        return format_html("<input{}>", flatatt(attributes))


class FilterInput(DrawnInput, forms.TextInput):
    pass


class FilterCheckbox(DrawnInput, forms.CheckboxInput):
    pass


class SearchInput(FilterInput):
    input_type = "search"


class DateInput(FilterInput, forms.DateInput):
    input_type = "date"

    def __init__(self, attrs: Any = None) -> None:
        super().__init__(attrs, format="%Y-%m-%d")
