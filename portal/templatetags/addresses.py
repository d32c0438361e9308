from django import template

from portal.addresses import shown_email

register = template.Library()


@register.filter
def readable(address):
    """Return an email or a domain, which the portal keeps in ASCII, with its own letters."""
    return shown_email(address)
