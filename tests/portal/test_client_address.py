"""Whose address stands in the activity log: what a proxy of the installation saw, not what a client says."""

import pytest
from django.test import Client, RequestFactory

from portal.authority import PORTAL
from portal.client_address import (
    acting_from,
    address_of,
    counted_address_of,
    current_address,
)
from portal.models import Action, ActivityEntry
from portal.permissions import Role
from tests.pages import signed_in


@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [
        (0, None, "192.0.2.1"),
        (0, "203.0.113.9", "192.0.2.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "10.9.9.9, 203.0.113.9", "203.0.113.9"),
        (2, "203.0.113.9, 198.51.100.2", "203.0.113.9"),
        (2, "10.9.9.9,203.0.113.9,198.51.100.2", "203.0.113.9"),
        (2, "203.0.113.9", None),
        (1, None, None),
        (1, "", None),
        (1, "unknown", None),
        (1, "<script>", None),
        (1, "2001:DB8::0:1", "2001:db8::1"),
        (1, "::ffff:203.0.113.9", "203.0.113.9"),
        (1, "fe80::1%eth0", "fe80::1"),
        (1, "203.0.113.7:50001", "203.0.113.7"),
        (1, "10.9.9.9:1, [2001:db8::7]:4444", "2001:db8::7"),
        (1, "[2001:db8::7]", "2001:db8::7"),
        (1, "[::ffff:203.0.113.9]:80", "203.0.113.9"),
        (1, "[203.0.113.7]:", None),
        (1, "203.0.113.7:http", None),
        (1, "2001:db8::7:4444", "2001:db8::7:4444"),
        (1, "_hidden", None),
    ],
)
def test_only_what_proxies_of_the_installation_wrote_is_believed(
    settings, proxies, forwarded, expected
):
    settings.TRUSTED_PROXIES = proxies
    headers = {} if forwarded is None else {"x-forwarded-for": forwarded}
    request = RequestFactory().get("/", headers=headers, REMOTE_ADDR="192.0.2.1")
    assert address_of(request) == expected


@pytest.mark.parametrize("peer", ["", "unix:", None])
def test_a_peer_without_an_address_is_none(peer):
    """A server behind a socket in the file system names no peer."""
    assert address_of(RequestFactory().get("/", REMOTE_ADDR=peer or "")) is None


def counted(forwarded, peer="192.0.2.1"):
    headers = {} if forwarded is None else {"x-forwarded-for": forwarded}
    return counted_address_of(RequestFactory().get("/", headers=headers, REMOTE_ADDR=peer))


def test_who_can_not_be_told_counts_apart_from_everyone_else(settings, caplog):
    """Attempts of a client whose address can't be read lock out nobody whose address can."""
    settings.TRUSTED_PROXIES = 1
    assert counted("203.0.113.7:50001") == "203.0.113.7"
    assert caplog.messages == []
    unread = [counted("unknown"), counted("_hidden"), counted("999.1.1.1")]
    assert len(set(unread)) == 3
    assert {one[:2] for one in unread} == {"fd"}
    assert len(caplog.messages) == 3
    assert "can't be read" in caplog.messages[0]


def test_who_came_past_the_proxy_counts_by_its_connection(settings):
    settings.TRUSTED_PROXIES = 1
    assert counted(None) == "192.0.2.1"
    settings.TRUSTED_PROXIES = 2
    assert counted("203.0.113.9") == "192.0.2.1"
    assert counted(None, peer="").startswith("fd")


def test_an_entry_carries_the_address_of_its_request_and_of_no_other(demo, settings):
    settings.TRUSTED_PROXIES = 1
    browser = signed_in("admin@albers.example")
    relationship = demo.relationship("Reederei Albers", "Hafen IT")
    path = f"/support/partners/{relationship.pk}/remove-dap/"
    browser.post(path, headers={"x-forwarded-for": "10.0.0.1, 2001:db8::7"})
    [entry] = demo.log(action=Action.DAP_REMOVED)
    assert entry.address == "2001:db8::7"
    assert current_address() is None
    demo.user("sales@nordlicht.example").membership.set_roles([Role.ADMIN_AGENT], by=PORTAL)
    assert demo.log()[-1].address is None


def test_the_address_is_forgotten_where_a_page_fails(demo, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError

    monkeypatch.setattr("portal.sign_in.views.SignInView.get_context_data", fail)
    Client(raise_request_exception=False).get("/accounts/login/")
    assert current_address() is None


def test_what_acts_inside_another_address_keeps_its_own(demo):
    customer = demo.customer("Reederei Albers")
    with acting_from("192.0.2.1"):
        with acting_from("192.0.2.2"):
            customer.record(Action.CUSTOMER_CHANGED, by=PORTAL)
        customer.record(Action.CUSTOMER_CHANGED, by=PORTAL)
    found = ActivityEntry.objects.filter(action=Action.CUSTOMER_CHANGED).order_by("id")
    assert list(found.values_list("address", flat=True)) == ["192.0.2.2", "192.0.2.1"]
