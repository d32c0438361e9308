from collections.abc import Iterable
from html import escape

from django import template
from django.utils.safestring import SafeString, mark_safe

register = template.Library()


@register.simple_tag
def reasons(rows: Iterable[tuple[str, str, str, str]]) -> SafeString:
    """The items of a list of partners that can't be chosen: name, sentence, and what helps.

    There may be hundreds; a loop in the template takes five times as long.
    """
    items = []
    for name, sentence, label, url in rows:
        cure = f'<a href="{escape(url)}">{escape(label)}</a>' if url else f"{escape(label)}."
        items.append(f"<li><bdi>{escape(name)}</bdi>: {escape(sentence)} {cure}</li>")
    return mark_safe("\n".join(items))  # noqa: S308  (escaped piece by piece)
