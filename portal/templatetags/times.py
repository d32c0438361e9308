from datetime import datetime

from django import template

from portal.zones import written_until

register = template.Library()


@register.filter
def until(at: datetime) -> str:
    """Return until when something may be done that ends ``at`` a moment; see ``written_until``."""
    return written_until(at)
