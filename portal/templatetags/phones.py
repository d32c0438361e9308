from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from portal.phones import phone_uri, shown_phone

register = template.Library()


@register.filter
def phone(number: str, country: Any) -> str:
    """Return a phone number as a reader in ``country`` writes it."""
    return shown_phone(number, country)


@register.filter
def phone_link(number: str, country: Any) -> SafeString:
    """Return the same as a link that dials it; a number that can't be read stands as it is stored."""
    shown, uri = shown_phone(number, country), phone_uri(number)
    if not uri:
        return format_html("<bdi>{}</bdi>", shown)
    return format_html('<a href="{}"><bdi>{}</bdi></a>', uri, shown)
