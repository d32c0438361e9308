"""Several rows are locked by key before they are updated (ADR 0003).

An UPDATE of several rows locks them in the order in which it meets them. Two that meet the same rows in
another order wait for each other, and the database ends one of them.
"""

import re

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from customers.models import Customer
from portal.authority import PORTAL
from portal.models import User
from relationships.models import Relationship
from subscriptions.models import Subscription
from tests.pages import signed_in
from tests.races import at_once

UPDATE = re.compile(r'UPDATE "(\w+)" SET .* WHERE (.*)', re.DOTALL)
LOCK = re.compile(r'FROM "(\w+)".* ORDER BY .*FOR NO KEY UPDATE', re.DOTALL)
# Rows that only one transaction can be at: each is reached through a row that is locked.
REACHED_THROUGH_LOCKED = {"subscriptions_supportcontactassignment"}


def rename(demo):
    albers = demo.customer("Reederei Albers")
    albers.name = "Reederei Albers & Söhne"
    albers.change(["name"], by=demo.user("global@nordlicht.example"))


def suspend_and_end(demo):
    """What the page to remove a relationship does: suspend what is chosen, then end it (R9)."""
    browser = signed_in("global@nordlicht.example")
    albers = demo.customer("Reederei Albers")
    browser.post(f"/customers/{albers.pk}/account/suspend/", {"all": "1"})
    browser.post(f"/customers/{albers.pk}/account/remove/")
    assert not albers.relationships.active().filter(partner__name="Nordlicht Distribution")


def end_partnership(demo):
    for name in ("Office 365 Business Standard", "Azure plan"):
        subscription = demo.subscription("Reederei Albers", name)
        subscription.designate(demo.partner("Hafen IT"), by=demo.user("global@nordlicht.example"))
    demo.partnership("Nordlicht Distribution", "Hafen IT").end(by=PORTAL)


def deactivate(demo):
    demo.partner("Nordlicht Distribution").deactivate(by=PORTAL)


@pytest.mark.parametrize("act", [rename, suspend_and_end, end_partnership, deactivate])
def test_whoever_updates_several_rows_has_locked_them_by_key(demo, act):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite locks no rows; the second run tests it")
    with CaptureQueriesContext(connection) as captured:
        act(demo)
    locked, of_several = set(), []
    for query in captured:
        statement = query["sql"]
        if found := LOCK.search(statement):
            locked.add(found[1])
        elif found := UPDATE.match(statement):
            table, condition = found.groups()
            if not re.fullmatch(rf'\(?"{table}"."(id|session_key)" = \S+\)?', condition):
                of_several.append(table)
                assert table in locked | REACHED_THROUGH_LOCKED, statement
    assert of_several


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_who_rename_a_customer_and_one_who_ends_its_rights_do_not_stop_each_other(demo):
    """Each of them needs several relationships of the customer: 18 deadlocks a minute were seen."""

    def change(email, name):
        def act():
            albers = Customer.objects.get(domain="albers.example")
            albers.name = name
            albers.change(["name"], by=User.objects.get(email=email))

        return act

    def take_all_away():
        with transaction.atomic():
            Relationship.objects.active().filter(customer__domain="albers.example").lock()

    for number in range(10):
        one = change("global@nordlicht.example", f"Albers {number}")
        other = change("global@hafen.example", f"Reederei {number}")
        for pair in ((one, other), (one, take_all_away)):
            for outcome in at_once(*pair):
                assert outcome.error is None
    assert Subscription.objects.filter(customer__domain="albers.example").exists()
