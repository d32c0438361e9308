from typing import Any

from django import template
from django.utils.translation import get_language

from portal.csv import SEPARATORS, separator_for

register = template.Library()


@register.inclusion_tag("includes/export.html", takes_context=True)
def export_link(context: template.Context, url: str) -> dict[str, Any]:
    """Draw a link to the export of a list, with its filter, and one to it with the other separator."""
    usual = separator_for(get_language())
    [other] = (name for name, sign in SEPARATORS.items() if sign != usual)
    return {"request": context["request"], "url": url, "other": other}
