"""Editing a customer's details: by its partners, side by side, and what stays the operator's."""

import pytest
from django.core.exceptions import ValidationError

from customers.models import Customer
from portal.authority import PORTAL, Refusal
from portal.models import Action, StaleRow


@pytest.fixture
def albers(demo):
    return demo.customer("Reederei Albers")


@pytest.mark.parametrize(
    "email",
    [
        *(f"{person}@nordlicht.example" for person in ("global", "agent", "sales", "helpdesk")),
        "global@elbe.example",
    ],
)
def test_a_partner_edits_what_is_known_of_its_customer(demo, albers, email):
    by = demo.user(email)
    albers.name, albers.city, albers.contact_name = "Albers Shipping", "Bremen", ""
    changed = ["name", "city", "contact_name"]
    assert albers.change(Customer.DETAILS, by=by) == changed
    assert list(Customer.objects.filter(name_key__contains="shipping")) == [albers]
    entry = demo.log()[-1]
    assert (entry.action, entry.person, entry.customer) == (Action.CUSTOMER_CHANGED, by, albers)
    assert list(entry.partners.all()) == [by.membership.partner]
    assert entry.before == {
        "name": "Reederei Albers",
        "city": "Hamburg",
        "contact_name": "Jonas Albers",
    }
    assert entry.after == {"name": "Albers Shipping", "city": "Bremen", "contact_name": ""}


@pytest.mark.parametrize(
    "email",
    [
        "users@nordlicht.example",
        "global@brandt.example",
        "global@kranich.example",
        "admin@albers.example",
        "admin@petersen.example",
    ],
)
def test_nobody_else_does(demo, albers, email, nothing_written):
    albers.city = "Bremen"
    with nothing_written(), pytest.raises(ValidationError) as refused:
        albers.change(["city"], by=demo.user(email))
    assert refused.value.code in Refusal.values


@pytest.mark.parametrize("field", ["domain", "country"])
def test_R11_domain_and_country_are_the_operators(demo, albers, field, nothing_written):
    setattr(albers, field, {"domain": "other.example", "country": "AT"}[field])
    with nothing_written(), pytest.raises(ValidationError) as refused:
        albers.change([field], by=demo.user("global@nordlicht.example"))
    assert refused.value.code in Refusal.values
    assert albers.change([field], by=demo.user("operator@portal.example")) == [field]


def test_after_the_end_of_the_relationship_it_is_over(demo, albers, nothing_written):
    demo.relationship("Reederei Albers", "Elbe Support").end(by=PORTAL)
    albers.city = "Bremen"
    with nothing_written(), pytest.raises(ValidationError) as refused:
        albers.change(["city"], by=demo.user("global@elbe.example"))
    assert refused.value.code in Refusal.values


def test_nobody_overwrites_what_another_partner_changed_meanwhile(demo, albers, nothing_written):
    seen, elbe = albers.version, demo.user("global@elbe.example")
    theirs = demo.customer("Reederei Albers")
    theirs.contact_phone = "+49 40 1234567"
    theirs.change(["contact_phone"], by=elbe, seen=seen)
    albers.city = "Bremen"
    with nothing_written(), pytest.raises(StaleRow) as refused:
        albers.change(Customer.DETAILS, by=demo.user("helpdesk@nordlicht.example"), seen=seen)
    assert (refused.value.code, refused.value.entry.person) == ("stale", elbe)


def test_what_already_is_changes_and_logs_nothing(demo, albers, nothing_written):
    with nothing_written():
        assert albers.change(Customer.DETAILS, by=demo.user("global@elbe.example")) == []


def test_what_the_model_refuses_is_not_written(demo, albers, nothing_written):
    albers.name, albers.contact_email = "", "not an address"
    with nothing_written(), pytest.raises(ValidationError) as refused:
        albers.change(Customer.DETAILS, by=demo.user("global@elbe.example"))
    assert refused.value.message_dict == {
        "name": ["This field cannot be blank."],
        "contact_email": ["Enter a valid email address."],
    }
