import json
from typing import Any

from django import template
from django.core.serializers.json import DjangoJSONEncoder

register = template.Library()


@register.filter
def as_json(value: Any) -> str:
    """Return ``value`` for an attribute that a script reads; a page has no inline script to hold it."""
    return json.dumps(value, cls=DjangoJSONEncoder)
