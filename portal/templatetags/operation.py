from django import template
from django.utils.functional import Promise

from portal.worker import due

register = template.Library()


@register.simple_tag
def alarms() -> list[str | Promise]:
    """What someone must see to, in sentences."""
    return [finding.sentence for finding in due.findings() if finding.is_alarm]
