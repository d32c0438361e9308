"""Whom and what of the demo data tests name, and the clock after it."""

from datetime import UTC, datetime

from time_machine import travel

GLOBAL = "global@nordlicht.example"
AGENT = "agent@nordlicht.example"
SALES = "sales@nordlicht.example"
HELPDESK = "helpdesk@nordlicht.example"
HAFEN = "global@hafen.example"
KRANICH = "global@kranich.example"
MOEWE = "global@moewe.example"
ALBERS = "admin@albers.example"
PETERSEN = "admin@petersen.example"
OPERATOR = "operator@portal.example"
OFFICE = "Office 365 Business Standard"


def clock_at(*when):
    """The clock stands still, at a moment after everything that the demo data did."""
    return travel(datetime(2100, *when, tzinfo=UTC), tick=False)
