from html import escape

from django import template
from django.utils.safestring import SafeString, mark_safe

from portal.addresses import shown_email

register = template.Library()


@register.filter
def readable(address: str) -> str:
    """Return an email or a domain, which the portal keeps in ASCII, with its own letters."""
    return shown_email(address)


@register.filter
def breakable(address: str) -> SafeString:
    """Return the same for a narrow column: a line ends in front of an @ or a dot, if anywhere."""
    shown = escape(shown_email(address))
    return mark_safe(shown.replace("@", "<wbr>@").replace(".", "<wbr>."))  # noqa: S308  (escaped above)
