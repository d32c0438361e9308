from django import template
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.timezone import template_localtime  # type: ignore[attr-defined]

register = template.Library()


@register.simple_tag
def when(at):
    """A point in time in the reader's zone, as ``includes/when.html`` shows it, for long lists."""
    local = template_localtime(at)
    return format_html(
        '<time datetime="{}">{} {}</time>',
        local.isoformat(),
        date_format(local, "DATETIME_FORMAT"),
        local.tzname(),
    )
