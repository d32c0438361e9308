"""The demo data: exactly these people, firms and subscriptions, again and again."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.utils import timezone

from customers.models import Customer
from portal.authority import PORTAL
from portal.models import ActivityEntry, Membership, Partner, ProofMethod, User
from portal.permissions import Role
from relationships.models import (
    Partnership,
    RegionCountry,
    Relationship,
    RelationshipRequest,
    RequestKind,
    SalesRegion,
)
from subscriptions.models import Offer, Subscription, SupportContactAssignment
from tests.conftest import load_demo, rows
from tests.factories import SubscriptionFactory

PARTNERS = {
    "Nordlicht Distribution": ("Indirect provider", "DE"),
    "Südwind Cloud": ("Indirect provider", "AT"),
    "Brandt Direkt": ("Direct-bill partner", "DE"),
    "Hafen IT": ("Indirect reseller", "DE"),
    "Elbe Support": ("Indirect reseller", "DE"),
    "Kranich Consulting": ("Indirect reseller", "DE"),
    "Möwe Systems": ("Indirect reseller", "DE"),
    "Pacific Resale": ("Indirect reseller", "US"),
}
PEOPLE = {
    "global@nordlicht.example": ("Nordlicht Distribution", ["Global admin"]),
    "agent@nordlicht.example": ("Nordlicht Distribution", ["Admin agent"]),
    "sales@nordlicht.example": ("Nordlicht Distribution", ["Sales agent"]),
    "helpdesk@nordlicht.example": ("Nordlicht Distribution", ["Helpdesk agent"]),
    "users@nordlicht.example": ("Nordlicht Distribution", ["User management admin"]),
    "global@suedwind.example": ("Südwind Cloud", ["Global admin"]),
    "global@brandt.example": ("Brandt Direkt", ["Global admin"]),
    "global@hafen.example": ("Hafen IT", ["Global admin"]),
    "global@elbe.example": ("Elbe Support", ["Global admin"]),
    "global@kranich.example": ("Kranich Consulting", ["Global admin"]),
    "global@moewe.example": ("Möwe Systems", ["Global admin"]),
    "global@pacific.example": ("Pacific Resale", ["Global admin"]),
    "admin@albers.example": ("Reederei Albers", ["Customer admin"]),
    "admin@petersen.example": ("Backhaus Petersen", ["Customer admin"]),
    "admin@yilmaz.example": ("Praxis Dr. Yılmaz", ["Customer admin"]),
    "admin@huber.example": ("Weingut Huber", ["Customer admin"]),
}
PARTNERSHIPS = {
    ("Nordlicht Distribution", "Hafen IT"),
    ("Nordlicht Distribution", "Elbe Support"),
    ("Nordlicht Distribution", "Kranich Consulting"),
    ("Südwind Cloud", "Möwe Systems"),
}
CUSTOMERS = {
    "Reederei Albers": "DE",
    "Backhaus Petersen": "DE",
    "Praxis Dr. Yılmaz": "DE",
    "Weingut Huber": "AT",
}
# customer, partner, with DAP, DAP was removed
RELATIONSHIPS = {
    ("Reederei Albers", "Nordlicht Distribution", True, False),
    ("Reederei Albers", "Hafen IT", True, False),
    ("Reederei Albers", "Elbe Support", False, False),
    ("Reederei Albers", "Möwe Systems", True, False),
    ("Reederei Albers", "Südwind Cloud", False, False),
    ("Backhaus Petersen", "Nordlicht Distribution", True, False),
    ("Backhaus Petersen", "Elbe Support", True, False),
    ("Praxis Dr. Yılmaz", "Brandt Direkt", True, False),
    ("Weingut Huber", "Südwind Cloud", True, False),
    ("Weingut Huber", "Möwe Systems", True, False),
}
# name: billing, quantity, seller, contact, status
ALBERS = {
    "Office 365 Business Standard": (
        "License-based",
        25,
        "Nordlicht Distribution",
        "Nordlicht Distribution",
        "Active",
    ),
    "Azure plan": (
        "Usage-based",
        None,
        "Nordlicht Distribution",
        "Nordlicht Distribution",
        "Active",
    ),
    "Dynamics 365 Sales": ("License-based", 5, "Südwind Cloud", "Südwind Cloud", "Active"),
    "Visio Plan 2": ("License-based", 3, None, None, "Active"),
}
# customer: how many subscriptions, and who sold them
OTHERS = {
    "Backhaus Petersen": (2, {"Nordlicht Distribution"}),
    "Praxis Dr. Yılmaz": (1, {"Brandt Direkt"}),
    "Weingut Huber": (2, {"Südwind Cloud"}),
}


def described(subscription):
    return (
        subscription.offer.get_billing_display(),
        subscription.quantity,
        subscription.seller and subscription.seller.name,
        subscription.support_contact and subscription.support_contact.name,
        subscription.get_status_display(),
    )


def check_section_6():
    """All of the table, row by row."""
    partners = {one.name: one for one in Partner.objects.active()}
    assert {
        name: (one.get_type_display(), one.country.code) for name, one in partners.items()
    } == PARTNERS
    for partner in partners.values():
        partner.full_clean()
        assert partner.support_email
        assert partner.support_phone

    people = {
        membership.user.email: (
            membership.organisation.name,
            [str(role.label) for role in membership.roles],
        )
        for membership in Membership.objects.all()
    }
    assert people == PEOPLE
    [operator] = User.objects.filter(membership=None)
    assert operator.email == "operator@portal.example"
    assert operator.is_staff
    for email in (*PEOPLE, "operator@portal.example"):
        assert authenticate(username=email, password="demo-portal") is not None

    assert {
        (one.provider.name, one.reseller.name) for one in Partnership.objects.active()
    } == PARTNERSHIPS
    assert not RelationshipRequest.objects.open().exists()
    assert {one.name: one.country.code for one in Customer.objects.all()} == CUSTOMERS
    assert {
        (
            one.customer.name,
            one.partner.name,
            one.has_dap,
            one.dap_removed_at is not None,
        )
        for one in Relationship.objects.active()
    } == RELATIONSHIPS

    at_albers = Subscription.objects.filter(customer__name="Reederei Albers")
    found = {one.friendly_name: described(one) for one in at_albers}
    e3 = found.pop("Microsoft 365 E3")
    assert found == ALBERS
    assert (e3[0], *e3[2:]) == (
        "License-based",
        "Nordlicht Distribution",
        "Nordlicht Distribution",
        "Suspended",
    )
    for customer, (count, sellers) in OTHERS.items():
        subscriptions = Subscription.objects.filter(customer__name=customer)
        assert subscriptions.count() == count
        assert {one.seller.name for one in subscriptions} == sellers
        assert all(one.support_contact == one.seller and one.is_active for one in subscriptions)

    for subscription in Subscription.objects.all():
        assert subscription.contact_in_force.partner == subscription.support_contact
        subscription.full_clean()


def counts():
    return [
        model.objects.count()
        for model in (Partner, User, Membership, Customer, Subscription, Offer)
    ] + [Relationship.objects.active().count(), Partnership.objects.active().count()]


@pytest.mark.django_db
def test_it_makes_exactly_what_section_6_says():
    load_demo()
    check_section_6()


def test_what_the_helpdesk_may_choose_is_what_section_6_promises(demo):
    office = demo.subscription("Reederei Albers", "Office 365 Business Standard")
    candidates = office.support_contact_candidates(demo.partner("Nordlicht Distribution"))
    assert {(one.name, one.reason) for one in candidates} == {
        ("Nordlicht Distribution", ""),
        ("Hafen IT", ""),
        ("Elbe Support", "no_dap"),
        ("Kranich Consulting", "no_relationship"),
    }


def test_the_rows_that_tests_get_are_those_that_the_command_makes(demo):
    """The fixture copies rows from one run of the command to the next test."""
    check_section_6()


def test_running_it_again_changes_nothing(demo):
    before = rows()
    load_demo()
    after = rows()
    assert after.keys() == before.keys()
    for label in before:
        assert after[label] == before[label], label
    check_section_6()


def test_it_prints_who_can_sign_in(demo):
    printed = load_demo()
    assert "Everyone's password: demo-portal" in printed
    lines = {line.split()[0]: line for line in printed.splitlines() if "@" in line}
    assert lines.keys() == {*PEOPLE, "operator@portal.example"}
    for email, (organisation, [role]) in PEOPLE.items():
        assert lines[email].split(maxsplit=1)[1] == f"{role}, {organisation}"
    assert "Operator" in lines["operator@portal.example"]


@pytest.mark.django_db
def test_it_refuses_where_debug_is_off_and_writes_nothing(settings, nothing_written):
    settings.DEBUG = False
    with nothing_written(), pytest.raises(CommandError, match="only where DEBUG is on"):
        call_command("load_demo")


def designate_hafen(demo):
    for name in ("Office 365 Business Standard", "Visio Plan 2"):
        demo.subscription("Reederei Albers", name).designate(
            demo.partner("Hafen IT"), by=demo.user("helpdesk@nordlicht.example")
        )


def remove_dap(demo):
    for partner in ("Hafen IT", "Nordlicht Distribution", "Elbe Support"):
        demo.relationship("Reederei Albers", partner).remove_dap(by=PORTAL)


def grant_dap(demo):
    demo.relationship("Reederei Albers", "Elbe Support").grant_dap(by=PORTAL)


def grant_and_remove_dap(demo):
    relationship = demo.relationship("Reederei Albers", "Elbe Support")
    relationship.grant_dap(by=PORTAL)
    relationship.remove_dap(by=PORTAL)


def add_kranich(demo):
    Relationship.objects.start(
        demo.partner("Kranich Consulting"),
        demo.customer("Reederei Albers"),
        has_dap=True,
        by=PORTAL,
    )


def add_partnership(demo):
    Partnership.objects.start(
        demo.partner("Nordlicht Distribution"), demo.partner("Möwe Systems"), by=PORTAL
    )


def end_partnership(demo):
    demo.partnership("Nordlicht Distribution", "Hafen IT").end(by=PORTAL)


def end_relationships(demo):
    demo.relationship("Reederei Albers", "Hafen IT").end(by=PORTAL)
    by = demo.user("global@nordlicht.example")
    for name in ("Office 365 Business Standard", "Azure plan"):
        demo.subscription("Reederei Albers", name).suspend(by=by)
    demo.relationship("Reederei Albers", "Nordlicht Distribution").end(by=by)


def deactivate_partner(demo):
    designate_hafen(demo)
    demo.partner("Hafen IT").deactivate(by=PORTAL)


def deactivate_seller(demo):
    designate_hafen(demo)
    demo.partner("Nordlicht Distribution").deactivate(by=PORTAL)


def deactivate_users(demo):
    demo.user("helpdesk@nordlicht.example").deactivate(by=PORTAL)
    demo.user("operator@portal.example").deactivate(by=PORTAL)


def change_passwords(demo):
    for email in ("helpdesk@nordlicht.example", "operator@portal.example"):
        user = demo.user(email)
        user.set_password("something else")
        user.save()


def change_roles(demo):
    everything = set(Role) - {Role.CUSTOMER_ADMIN}
    demo.user("helpdesk@nordlicht.example").membership.set_roles(everything, by=PORTAL)
    demo.user("global@nordlicht.example").membership.set_roles([Role.SALES_AGENT], by=PORTAL)


def change_details(demo):
    Partner.objects.filter(name="Hafen IT").update(name="Port IT", country="US")
    customer = demo.customer("Reederei Albers")
    customer.name, customer.domain = "Shipping Albers", "shipping.example"
    customer.save()
    office = Subscription.objects.get(friendly_name="Azure plan")
    office.friendly_name = "Our cloud"
    office.save()
    visio = Subscription.objects.get(friendly_name="Visio Plan 2")
    visio.quantity = 4000
    visio.save()


def suspend_and_reactivate(demo):
    by = demo.user("global@nordlicht.example")
    demo.subscription("Reederei Albers", "Office 365 Business Standard").suspend(by=by)
    demo.subscription("Reederei Albers", "Microsoft 365 E3").reactivate(by=by)


def request_relationships(demo):
    """One stays open; one was accepted, so Kranich has what the demo must not give it."""
    demo.user("admin@albers.example").prove("it@albers.example", how=ProofMethod.CONFIRMATION)
    for address in ("it@albers.example", "admin@albers.example"):
        made = RelationshipRequest.objects.ask(
            by=demo.user("global@kranich.example"),
            recipient_name="Reederei Albers",
            recipient_email=address,
            language="de",
        )
    made.accept(by=demo.user("admin@albers.example"))


def invite_reseller(demo):
    demo.user("global@moewe.example").prove("it@moewe.example", how=ProofMethod.CONFIRMATION)
    for address in ("it@moewe.example", "global@moewe.example"):
        made = RelationshipRequest.objects.ask(
            by=demo.user("global@nordlicht.example"),
            kind=RequestKind.RESELLER,
            recipient_name="Möwe Systems",
            recipient_email=address,
            language="de",
            with_dap=False,
        )
    made.accept(by=demo.user("global@moewe.example"))


def request_and_close(demo):
    request_relationships(demo)
    demo.partner("Kranich Consulting").deactivate(by=PORTAL)


def edit_regions(demo):
    """Austria is out, and what went across its border too."""
    demo.relationship("Weingut Huber", "Möwe Systems").end(by=PORTAL)
    demo.partnership("Südwind Cloud", "Möwe Systems").end(by=PORTAL)
    RegionCountry.objects.filter(country="AT").delete()


def delete_regions(demo):
    """A region goes only once no firm is in its countries."""
    demo.relationship("Weingut Huber", "Möwe Systems").end(by=PORTAL)
    RegionCountry.objects.all().delete()
    SalesRegion.objects.all().delete()


CHANGES = [
    request_relationships,
    invite_reseller,
    request_and_close,
    edit_regions,
    delete_regions,
    designate_hafen,
    remove_dap,
    grant_dap,
    grant_and_remove_dap,
    add_kranich,
    add_partnership,
    end_partnership,
    end_relationships,
    deactivate_partner,
    deactivate_seller,
    deactivate_users,
    change_passwords,
    change_roles,
    change_details,
    suspend_and_reactivate,
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_it_brings_back_what_was_changed(demo, change):
    before = counts()
    change(demo)
    load_demo()
    check_section_6()
    assert counts() == before


def test_it_brings_back_everything_at_once_and_forgets_nothing(demo):
    before = counts()
    entries, stretches = ActivityEntry.objects.count(), SupportContactAssignment.objects.count()
    for change in (designate_hafen, add_kranich, suspend_and_reactivate, change_roles):
        change(demo)
    remove_dap(demo)
    demo.partner("Südwind Cloud").deactivate(by=PORTAL)
    change_passwords(demo)
    load_demo()
    check_section_6()
    assert counts() == before
    assert ActivityEntry.objects.count() > entries
    assert SupportContactAssignment.objects.count() > stretches


def test_it_brings_back_a_demo_that_was_left_alone_for_half_a_year(demo):
    """S2 would let nobody reactivate by then; the demo is not to fail of it."""
    by = demo.user("global@nordlicht.example")
    demo.subscription("Reederei Albers", "Office 365 Business Standard").suspend(by=by)
    with time_machine.travel(timezone.now() + timedelta(days=180)):
        load_demo()
        check_section_6()


def test_the_suspended_subscription_can_always_be_reactivated(demo):
    """A visitor of next year's demo wants to see S2 too."""
    with time_machine.travel(timezone.now() + timedelta(days=180)):
        load_demo()
        e3 = demo.subscription("Reederei Albers", "Microsoft 365 E3")
        assert e3.reactivate_by >= timezone.localdate()


def test_what_was_added_around_it_stays(demo):
    extra = SubscriptionFactory(
        customer=demo.customer("Backhaus Petersen"),
        seller=demo.partner("Nordlicht Distribution"),
        friendly_name="Planner",
    )
    load_demo()
    extra.refresh_from_db()
    assert extra.is_active
    assert extra.friendly_name == "Planner"
