"""Adding a customer: one act, all of it or nothing (R2, R11, S1)."""

import pytest
from django.core.exceptions import ValidationError

from customers.models import Customer
from portal.authority import PORTAL, Refusal
from portal.models import Action, Mail, User
from relationships.models import Relationship
from subscriptions.models import RefusedOrder, add_customer
from tests.races import at_once

SALES = "sales@nordlicht.example"


def werft(**fields):
    return Customer(**{"name": "Werft Neu", "domain": "werft.example", "country": "DE", **fields})


@pytest.fixture
def add(demo):
    """``add(customer, email)``: what that person does on the last page."""

    def act(customer=None, by=SALES, **how):
        return add_customer(
            customer or werft(),
            by=demo.user(by),
            **{"email": "ina@werft.example", "name": "Ina Werft", "language": "en", **how},
        )

    return act


@pytest.fixture
def refused(add, nothing_written):
    def check(*args, **how):
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            add(*args, **how)
        return refusal.value

    return check


def acting(customer):
    return {one.partner.name: one.has_dap for one in customer.relationships.active()}


@pytest.mark.parametrize("person", ["global", "agent", "sales"])
def test_R2_the_partner_acts_for_it_with_dap(demo, add, person):
    customer = add(by=f"{person}@nordlicht.example")
    assert acting(customer) == {"Nordlicht Distribution": True}
    assert Customer.objects.visible_to(demo.user(SALES).membership).filter(pk=customer.pk)


def test_R2_a_provider_adds_it_for_a_reseller_which_acts_for_it_too(demo, add):
    customer = add(reseller=demo.partner("Hafen IT"))
    assert acting(customer) == {"Nordlicht Distribution": True, "Hafen IT": True}
    for email in (SALES, "global@hafen.example"):
        assert Customer.objects.visible_to(demo.user(email).membership).filter(pk=customer.pk)


def test_a_reseller_and_a_direct_bill_partner_add_it_for_themselves(add):
    for by, name in (
        ("global@hafen.example", "Hafen IT"),
        ("global@brandt.example", "Brandt Direkt"),
    ):
        domain = f"{by[7:12]}-werft.example"
        customer = add(werft(domain=domain), by, email=f"ina@{domain}")
        assert acting(customer) == {name: True}


def test_its_first_admin_is_invited_and_no_password_is_there(demo, add, queue):
    customer = add(language="en")
    user = demo.user("ina@werft.example")
    assert (user.organisation, user.name, user.language) == (customer, "Ina Werft", "en")
    assert not user.has_usable_password()
    [mail] = Mail.objects.all()
    assert mail.recipient == "ina@werft.example"
    assert user.invitation_path in mail.text


def test_it_starts_with_subscriptions(demo, add):
    hafen = demo.partner("Hafen IT")
    orders = [
        {
            "offer": demo.offer("Power BI Pro"),
            "quantity": 3,
            "friendly_name": "BI",
            "reseller_of_record": hafen,
        },
        {"offer": demo.offer("Azure plan")},
    ]
    customer = add(reseller=hafen, orders=orders)
    bought = {one.friendly_name: one for one in customer.subscriptions.all()}
    assert set(bought) == {"BI", "Azure plan"}
    assert {one.seller.name for one in bought.values()} == {"Nordlicht Distribution"}
    assert bought["BI"].reseller_of_record == hafen


def test_the_log_tells_those_who_take_part(demo, add):
    customer = add(reseller=demo.partner("Hafen IT"), orders=[{"offer": demo.offer("Azure plan")}])
    entries = demo.log(customer=customer)
    assert [entry.action for entry in entries] == [
        Action.RELATIONSHIP_STARTED,
        Action.RELATIONSHIP_STARTED,
        Action.CUSTOMER_ADDED,
        Action.SUBSCRIPTION_ADDED,
        Action.USER_ADDED,
        Action.USER_INVITED,
    ]
    assert {entry.actor.email for entry in entries} == {SALES}
    assert entries[2].after == {"name": "Werft Neu", "domain": "werft.example", "country": "DE"}
    assert {one.name for one in entries[2].partners.all()} == {
        "Nordlicht Distribution",
        "Hafen IT",
    }


@pytest.mark.parametrize(
    "email",
    [
        "helpdesk@nordlicht.example",
        "users@nordlicht.example",
        "admin@albers.example",
        "operator@portal.example",
    ],
)
def test_nobody_else_adds_one(refused, email):
    assert refused(by=email).code in Refusal.values


@pytest.mark.parametrize(
    ("fields", "field", "text"),
    [
        (
            {"domain": "albers.example"},
            "domain",
            "You have a customer with this domain: Reederei Albers.",
        ),
        (
            {"domain": "Huber.example"},
            "domain",
            "A customer with this domain is in the portal. Ask it for a relationship instead.",
        ),
        ({"domain": "CANARY"}, "domain", "Enter a domain, such as firm.example."),
        ({"name": ""}, "name", "This field cannot be blank."),
        (
            {"country": "US"},
            "country",
            "Nordlicht Distribution (Germany) and Werft Neu (United States)"
            " are not in the same sales region.",
        ),
    ],
)
def test_R11_what_is_not_valid_is_said_at_its_field(refused, fields, field, text):
    assert refused(werft(**fields)).message_dict == {field: [text]}


@pytest.mark.parametrize("reseller", ["Möwe Systems", "Südwind Cloud", "Pacific Resale"])
def test_R2_only_for_a_reseller_that_the_provider_works_with(demo, refused, reseller):
    error = refused(reseller=demo.partner(reseller))
    assert error.message_dict == {"reseller": ["Your company does not work with this reseller."]}


def test_R2_not_for_a_reseller_that_was_closed_down(demo, refused):
    hafen = demo.partner("Hafen IT")
    hafen.deactivate(by=PORTAL)
    assert list(refused(reseller=hafen).error_dict) == ["reseller"]


def test_T1_nobody_learns_that_its_first_admin_has_an_account_elsewhere(demo, add, queue):
    customer = add(email="admin@albers.example")
    [membership] = customer.memberships.all()
    assert (membership.user.is_invited, membership.user.has_joined) == (True, False)
    assert (
        User.objects.get_by_natural_key("admin@albers.example").organisation.name
        == "Reederei Albers"
    )
    [mail] = Mail.objects.all()
    assert mail.recipient == "admin@albers.example"
    assert "/accounts/invitations/" not in mail.text


def test_what_is_wrong_with_a_subscription_takes_all_of_it_back(demo, refused):
    error = refused(orders=[{"offer": demo.offer("Power BI Pro"), "quantity": 0}])
    assert isinstance(error, RefusedOrder)
    assert error.message_dict == {"quantity": ["This offer is sold in quantities from 1."]}


def test_S1_a_reseller_sells_through_its_provider(demo, refused):
    error = refused(by="global@hafen.example", orders=[{"offer": demo.offer("Azure plan")}])
    assert list(error.error_dict) == ["seller"]


def test_a_customer_that_is_there_is_not_taken_over(demo, refused):
    """Else anyone who knows its id could make itself a partner with DAP."""
    huber = demo.customer("Weingut Huber")
    huber.free_domain(by=demo.user("operator@portal.example"))
    assert refused(huber).message_dict == {"id": ["Customer with this Id already exists."]}


def test_R15_a_domain_that_nobody_proved_blocks_nobody(demo, add):
    """Südwind typed it before: Nordlicht gets a record of its own, and neither is told of the other."""
    add(by="global@suedwind.example", email="ina@suedwind-werft.example")
    customer = add()
    partners = {one.partner.name for one in customer.relationships.all()}
    assert partners == {"Nordlicht Distribution"}
    assert Customer.objects.filter(domain="werft.example").count() == 2


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("other", [SALES, "global@suedwind.example"])
def test_R15_of_two_colleagues_who_add_the_same_firm_one_is_told(demo, other):
    def act(email, name):
        def run():
            return add_customer(
                werft(), email=f"{name}@werft.example", name=name, by=demo.user(email)
            )

        return run

    outcomes = at_once(act("global@nordlicht.example", "ina"), act(other, "ole"))
    errors = [outcome.error.message_dict for outcome in outcomes if outcome.error]
    told = {"domain": ["You have a customer with this domain: Werft Neu."]}
    assert errors == ([told] if other == SALES else [])
    found = Relationship.objects.filter(customer__domain="werft.example")
    assert found.count() == 2 - len(errors)
