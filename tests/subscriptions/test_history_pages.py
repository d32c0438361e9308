"""C10: the history of contacts, filtered by reason, and as a file."""

import csv
import io

import pytest
from django.urls import reverse

from portal.authority import PORTAL
from tests.demo import GLOBAL, HELPDESK
from tests.pages import Page, signed_in


@pytest.fixture
def office(demo):
    """Hafen IT answered for it, and lost DAP."""
    office = demo.subscription("Reederei Albers", "Office 365 Business Standard")
    office.designate(demo.partner("Hafen IT"), by=demo.user(HELPDESK))
    demo.relationship("Reederei Albers", "Hafen IT").remove_dap(by=PORTAL)
    return office


def ask(office, name, query="", email=GLOBAL):
    address = reverse(f"subscriptions:{name}", args=[office.customer_id, office.pk])
    answer = signed_in(email).get(address + query)
    assert answer.status_code == 200
    return answer


def test_it_is_filtered_by_reason(office):
    page = Page(ask(office, "history"))
    assert [row["Support contact"] for row in page.table] == [
        "Nordlicht Distribution",
        "Hafen IT",
        "Nordlicht Distribution",
    ]
    page = Page(ask(office, "history", "?reason=relationship.dap_removed"))
    assert [row["Reason"] for row in page.table] == ["Delegated admin privileges removed"]
    page = Page(ask(office, "history", "?reason=partner.deactivated"))
    assert "The support contact never changed for this reason." in page.text
    assert Page(ask(office, "history", "?reason=nonsense")).field_errors


def test_the_file_has_what_the_page_shows(office):
    text = ask(office, "history_export").getvalue().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["Support contact"], row["Changed by"]) for row in rows] == [
        ("Nordlicht Distribution", "the portal"),
        ("Hafen IT", "Helpdesk agent, Nordlicht Distribution (helpdesk@nordlicht.example)"),
        ("Nordlicht Distribution", "the portal"),
    ]
    assert (rows[0]["To"], rows[1]["To"]) == ("", rows[0]["From"])
    text = ask(office, "history_export", "?reason=subscription.added").getvalue().decode()
    assert text.count("\n") == 2


def test_who_may_not_export_is_offered_no_file(office):
    assert "Export (CSV)" not in Page(ask(office, "history", email=HELPDESK)).text
