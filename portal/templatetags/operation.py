from typing import Any

from django import template

from portal.worker import due

register = template.Library()


@register.simple_tag
def alarms() -> list[Any]:
    """What someone must see to, in sentences."""
    return [finding.sentence for finding in due.findings() if finding.is_alarm]
