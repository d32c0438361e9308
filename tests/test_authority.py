"""Every door of the models asks ``portal.authority`` who acts.

A method or function of the models with a keyword-only ``by`` is found by itself; here it is listed as a
door, with what calls it, or as a part that goes along with doors. Each refuses nobody.
"""

import inspect
import sys
from functools import partial
from typing import NamedTuple

import pytest
from django.apps import apps
from django.contrib.auth.models import AnonymousUser
from django.core import mail
from django.db import transaction
from django.utils import timezone

from customers.domain_records import record_of
from customers.models import SharedDomain
from portal.authority import PORTAL, NotAllowed, Refusal
from portal.models import Action, ActivityEntry, Membership, Notice, User
from portal.permissions import Role
from relationships.models import Partnership, Relationship, RelationshipRequest, SalesRegion
from subscriptions.models import BulkAssignment, Subscription, add_customer
from subscriptions.models.telling import tell, telling
from tests.conftest import APPS, rows
from tests.factories import (
    CustomerFactory,
    MembershipFactory,
    OfferFactory,
    RelationshipFactory,
    UserFactory,
)
from tests.name_server import name_server

OPERATOR = "operator@portal.example"
NORDLICHT = "global@nordlicht.example"
HAFEN = "global@hafen.example"
MOEWE = "global@moewe.example"
KRANICH = "global@kranich.example"
ALBERS = "admin@albers.example"

# Functions whose ``by`` is a column to sort by.
NOT_ABOUT_PEOPLE = {"bounded_count", "first_keys"}


def takes_by(function):
    parameter = inspect.signature(function).parameters.get("by")
    return parameter is not None and parameter.kind is parameter.KEYWORD_ONLY


def public_functions(holder):
    for name, one in inspect.getmembers(holder, inspect.isfunction):
        if not name.startswith("_") and one.__module__.partition(".")[0] in APPS:
            yield one


def takers_of_by():
    """The names of all public methods and functions of the models that take ``by``."""
    holders = [
        module
        for name, module in sys.modules.items()
        if name.partition(".")[0] in APPS and ".models" in name
    ]
    for label in APPS:
        for model in apps.get_app_config(label).get_models():
            manager = model._default_manager
            holders += [model, type(manager), type(manager.all())]
    found = {
        one.__qualname__ for holder in holders for one in public_functions(holder) if takes_by(one)
    }
    return found - NOT_ABOUT_PEOPLE


class Door(NamedTuple):
    """``prepare(demo)`` returns what then is called with ``by`` alone.

    ``by`` is somebody who may, None where only an operator may; ``operators`` says whether they may too,
    as the portal itself may then. The ``foreign`` may do such a thing, but for another organisation.
    What is personal, no colleague may do.
    """

    prepare: object
    by: str | None
    operators: bool = True
    foreign: tuple[str, ...] = ("global@pacific.example", "admin@huber.example")
    is_personal: bool = False


# A door that acts for whichever partner ``by`` belongs to: another organisation is one that is no partner.
OWN_PARTNER = {"operators": False, "foreign": (ALBERS,)}


def user(email, method, *args, **how):
    return lambda demo: partial(getattr(demo.user(email), method), *args, **how)


def partner(name, method, *args):
    return lambda demo: partial(getattr(demo.partner(name), method), *args)


def relationship(name, method):
    return lambda demo: getattr(demo.relationship("Reederei Albers", name), method)


def subscription(name, method, *args):
    return lambda demo: partial(getattr(demo.subscription("Reederei Albers", name), method), *args)


def without_access(demo, email):
    User.objects.filter(email=email).update(is_active=False)
    return demo.user(email).reactivate


def changed(row, **values):
    for name, value in values.items():
        setattr(row, name, value)
    return partial(row.change, list(values))


def with_passkey(demo):
    helpdesk = demo.user("helpdesk@nordlicht.example")
    helpdesk.authenticator_set.create(type="webauthn", data={})
    return helpdesk.reset_second_factor


def reopened(demo):
    """Hafen IT was deactivated."""
    demo.partner("Hafen IT").deactivate(by=PORTAL)
    return demo.partner("Hafen IT").reactivate


def invited(demo):
    made = MembershipFactory(partner=demo.partner("Hafen IT"), user__password=None).user
    made.set_unusable_password()
    made.save()
    return made.send_invitation


def new_customer(demo):
    customer = CustomerFactory()
    RelationshipFactory(partner=demo.partner("Nordlicht Distribution"), customer=customer)
    first = {"email": "ina@werft.example", "name": "Ina Werft"}
    return partial(Membership.objects.invite_first_admin, customer, **first)


def asked(demo, method, *args, **how):
    """Kranich asks Reederei Albers for a relationship."""
    RelationshipRequest.objects.all().delete()
    made = question()(by=demo.user(KRANICH))
    mail.outbox.clear()
    return partial(getattr(made, method), *args, **how)


def question():
    return partial(
        RelationshipRequest.objects.ask,
        recipient_name="Reederei Albers",
        recipient_email=ALBERS,
        language="en",
        subject="A request",
        text="Please accept.",
    )


def without_agreement(demo):
    customer = demo.customer("Reederei Albers")
    type(customer).objects.update(agreement_accepted_at=None)
    customer.refresh_from_db()
    return partial(customer.accept_agreement, agrees=True)


def new_region(*, by):
    with SalesRegion.objects.edited(by=by):
        SalesRegion.objects.create(name="Elsewhere")


def office(demo):
    return demo.customer("Reederei Albers").subscriptions.filter(
        friendly_name="Office 365 Business Standard"
    )


def preview(demo, *, chosen=True):
    made = BulkAssignment.objects.start(office(demo), by=demo.user(NORDLICHT))
    if chosen:
        made.choose(demo.partner("Hafen IT"), by=demo.user(NORDLICHT))
    return made


def of_partnership(demo):
    between = (demo.partner("Nordlicht Distribution"), demo.partner("Hafen IT"))
    return {"at": timezone.now(), "between": between}


def submitting(demo):
    made = preview(demo)
    return lambda by: list(made.submitting(by=by))


def order(demo):
    return {"customer": demo.customer("Reederei Albers"), "offer": OfferFactory(), "quantity": 5}


def from_a_file(demo):
    line = (2, str(office(demo).get().pk), demo.partner("Hafen IT").mpn_id)
    return partial(BulkAssignment.objects.start_from_lines, [line])


def unproved(demo):
    albers = demo.customer("Reederei Albers")
    albers.free_domain(by=PORTAL)
    return albers


def proving(demo):
    albers = unproved(demo)

    def prove(by):
        with name_server({albers.domain: [record_of(albers)]}):
            albers.prove_domain(by=by)

    return prove


def every(customer):
    return {one.pk: False for one in customer.relationships.active()}


def made_for_albers(demo):
    """What Brandt Direkt typed in, before the domain was proved."""
    made = CustomerFactory(domain="albers.example")
    RelationshipFactory(customer=made, partner=demo.partner("Brandt Direkt"))
    return made


DOORS = {
    "User.change": Door(
        lambda demo: changed(demo.user("sales@nordlicht.example"), name="Sven Sales"),
        "sales@nordlicht.example",
        is_personal=True,
    ),
    "User.deactivate": Door(user("helpdesk@nordlicht.example", "deactivate"), NORDLICHT),
    "User.reactivate": Door(
        lambda demo: without_access(demo, "sales@nordlicht.example"), NORDLICHT
    ),
    "User.give_password": Door(
        user("helpdesk@nordlicht.example", "give_password", "barrel-of-apples"), None
    ),
    "User.reset_second_factor": Door(with_passkey, None),
    "User.send_invitation": Door(invited, HAFEN),
    "Membership.set_roles": Door(
        lambda demo: partial(
            demo.user("sales@nordlicht.example").membership.set_roles, [Role.ADMIN_AGENT]
        ),
        NORDLICHT,
    ),
    "MembershipQuerySet.join": Door(
        lambda demo: partial(
            Membership.objects.join, UserFactory(), demo.partner("Hafen IT"), [Role.SALES_AGENT]
        ),
        HAFEN,
    ),
    "MembershipQuerySet.invite": Door(
        lambda demo: partial(
            Membership.objects.invite,
            demo.customer("Reederei Albers"),
            email="second@albers.example",
            name="Second",
            roles=[Role.CUSTOMER_ADMIN],
        ),
        ALBERS,
    ),
    "MembershipQuerySet.invite_first_admin": Door(new_customer, NORDLICHT),
    "Partner.change": Door(
        lambda demo: changed(demo.partner("Hafen IT"), support_hours="Always"), HAFEN
    ),
    "Partner.deactivate": Door(partner("Hafen IT", "deactivate"), None),
    "Partner.reactivate": Door(reopened, None),
    "Customer.accept_agreement": Door(without_agreement, ALBERS, operators=False),
    "Customer.change": Door(
        lambda demo: changed(demo.customer("Reederei Albers"), city="Kiel"), NORDLICHT
    ),
    "Customer.confirm_domain": Door(lambda demo: unproved(demo).confirm_domain, None),
    "Customer.free_domain": Door(lambda demo: demo.customer("Reederei Albers").free_domain, None),
    "Customer.prove_domain": Door(proving, ALBERS),
    "Customer.take_over": Door(
        lambda demo: partial(
            demo.customer("Reederei Albers").take_over, every(demo.customer("Reederei Albers"))
        ),
        ALBERS,
        operators=False,
    ),
    "Customer.take_over_record": Door(
        lambda demo: (
            lambda record: partial(
                demo.customer("Reederei Albers").take_over_record, record, every(record)
            )
        )(made_for_albers(demo)),
        ALBERS,
        operators=False,
    ),
    "Customer.join": Door(
        lambda demo: partial(demo.customer("Reederei Albers").join, made_for_albers(demo)), None
    ),
    "ChangeOfHands.decide": Door(
        lambda demo: partial(
            demo.customer("Reederei Albers").relationships.decide,
            every(demo.customer("Reederei Albers")),
            to=demo.customer("Reederei Albers"),
        ),
        ALBERS,
        operators=False,
    ),
    "SalesRegionQuerySet.edited": Door(lambda demo: new_region, None),
    "PartnershipQuerySet.start": Door(
        lambda demo: partial(
            Partnership.objects.start,
            demo.partner("Nordlicht Distribution"),
            demo.partner("Möwe Systems"),
        ),
        MOEWE,
    ),
    "Partnership.end": Door(
        lambda demo: demo.partnership("Nordlicht Distribution", "Hafen IT").end, NORDLICHT
    ),
    "RelationshipQuerySet.start": Door(
        lambda demo: partial(
            Relationship.objects.start,
            demo.partner("Kranich Consulting"),
            demo.customer("Reederei Albers"),
            has_dap=True,
        ),
        ALBERS,
    ),
    "RelationshipQuerySet.grant": Door(
        lambda demo: partial(
            Relationship.objects.grant,
            demo.partner("Kranich Consulting"),
            demo.customer("Reederei Albers"),
            with_dap=True,
        ),
        ALBERS,
    ),
    "RelationshipQuerySet.add_customer": Door(
        lambda demo: partial(Relationship.objects.add_customer, CustomerFactory.build()),
        NORDLICHT,
        **OWN_PARTNER,
    ),
    "Relationship.grant_dap": Door(relationship("Elbe Support", "grant_dap"), ALBERS),
    "Relationship.remove_dap": Door(relationship("Hafen IT", "remove_dap"), HAFEN),
    "Relationship.end": Door(relationship("Hafen IT", "end"), HAFEN),
    "RelationshipRequestQuerySet.ask": Door(lambda demo: question(), KRANICH, **OWN_PARTNER),
    "RelationshipRequest.edit": Door(
        lambda demo: asked(demo, "edit", "Subject", "Text"), KRANICH, operators=False
    ),
    "RelationshipRequest.draft_anew": Door(
        lambda demo: asked(demo, "draft_anew", "en"), KRANICH, operators=False
    ),
    "RelationshipRequest.send": Door(
        lambda demo: asked(demo, "send", "https://portal.example/x"), KRANICH, operators=False
    ),
    "RelationshipRequest.renew": Door(lambda demo: asked(demo, "renew"), KRANICH, operators=False),
    "RelationshipRequest.withdraw": Door(
        lambda demo: asked(demo, "withdraw"), KRANICH, operators=False
    ),
    "RelationshipRequest.accept": Door(lambda demo: asked(demo, "accept"), ALBERS, operators=False),
    "RelationshipRequest.decline": Door(
        lambda demo: asked(demo, "decline", reason="No"), ALBERS, operators=False
    ),
    "Subscription.change": Door(
        lambda demo: changed(office(demo).get(), friendly_name="Office"), NORDLICHT
    ),
    "Subscription.suspend": Door(
        subscription("Office 365 Business Standard", "suspend"), NORDLICHT, operators=False
    ),
    "Subscription.reactivate": Door(
        subscription("Microsoft 365 E3", "reactivate"), NORDLICHT, operators=False
    ),
    "Subscription.designate": Door(
        lambda demo: partial(office(demo).get().designate, demo.partner("Hafen IT")),
        NORDLICHT,
        operators=False,
    ),
    "SubscriptionQuerySet.add": Door(
        lambda demo: partial(Subscription.objects.add, **order(demo)), NORDLICHT, foreign=(ALBERS,)
    ),
    "SubscriptionQuerySet.add_all": Door(
        lambda demo: partial(Subscription.objects.add_all, [order(demo)]), NORDLICHT, **OWN_PARTNER
    ),
    "BulkAssignmentQuerySet.start": Door(
        lambda demo: partial(BulkAssignment.objects.start, office(demo)), NORDLICHT, **OWN_PARTNER
    ),
    "BulkAssignmentQuerySet.start_from_lines": Door(from_a_file, NORDLICHT, **OWN_PARTNER),
    "BulkAssignment.choose": Door(
        lambda demo: partial(preview(demo, chosen=False).choose, demo.partner("Hafen IT")),
        NORDLICHT,
        operators=False,
    ),
    "BulkAssignment.submit": Door(lambda demo: preview(demo).submit, NORDLICHT, operators=False),
    "BulkAssignment.submitting": Door(submitting, NORDLICHT, operators=False),
    "add_customer": Door(
        lambda demo: partial(
            add_customer, CustomerFactory.build(), email="ina@werft.example", name="Ina Werft"
        ),
        NORDLICHT,
        **OWN_PARTNER,
    ),
}


def recorded(find):
    return lambda demo: partial(find(demo).record, Action.CUSTOMER_CHANGED)


# What goes along with a door, which has asked already: each takes its word for who acts, but not nobody's.
PARTS = {
    "ActivityEntryQuerySet.record": lambda demo: partial(
        ActivityEntry.objects.record,
        Action.CUSTOMER_CHANGED,
        partners=[],
        subject=demo.customer("Reederei Albers"),
    ),
    "ActivityEntryQuerySet.record_selected": lambda demo: partial(
        ActivityEntry.objects.record_selected,
        Subscription.objects.all(),
        Action.SUBSCRIPTION_CHANGED,
        at=timezone.now(),
        partners=[],
        customer=None,
        subject_id=None,
    ),
    "Customer.record": recorded(lambda demo: demo.customer("Reederei Albers")),
    "SharedDomain.record": lambda demo: partial(
        SharedDomain.objects.create(domain="provider.example").record, Action.SHARED_DOMAIN_SET
    ),
    "Partner.record": recorded(lambda demo: demo.partner("Hafen IT")),
    "Partnership.record": recorded(
        lambda demo: demo.partnership("Nordlicht Distribution", "Hafen IT")
    ),
    "Relationship.record": recorded(lambda demo: demo.relationship("Reederei Albers", "Hafen IT")),
    "Relationship.rights_changed": lambda demo: partial(
        demo.relationship("Reederei Albers", "Hafen IT").rights_changed,
        Action.DAP_GRANTED,
        before={},
    ),
    "RelationshipRequest.record": lambda demo: asked(demo, "record", Action.REQUEST_CREATED),
    "Offer.record": recorded(lambda demo: OfferFactory()),
    "Subscription.record": recorded(lambda demo: office(demo).get()),
    "User.record": recorded(lambda demo: demo.user(HAFEN)),
    "Editable.write_changes": lambda demo: partial(
        demo.customer("Reederei Albers").write_changes,
        [],
        demo.customer("Reederei Albers"),
        seen=None,
    ),
    "Membership.tell_admins": lambda demo: demo.user(HAFEN).membership.tell_admins,
    "Membership.require_droppable": lambda demo: partial(
        demo.user("sales@nordlicht.example").membership.require_droppable, Role.SALES_AGENT
    ),
    "User.require_dispensable": lambda demo: (
        demo.user("sales@nordlicht.example").require_dispensable
    ),
    "User.write_invitation": lambda demo: demo.user(HAFEN).write_invitation,
    "SubscriptionQuerySet.fall_back": lambda demo: partial(
        office(demo).fall_back, Action.DAP_REMOVED
    ),
    "BulkAssignmentRowQuerySet.judge": lambda demo: partial(
        preview(demo).rows.all().judge, demo.partner("Nordlicht Distribution")
    ),
    "tell": lambda demo: partial(tell, [], Action.PARTNERSHIP_ENDED, **of_partnership(demo)),
    "telling": lambda demo: (
        lambda by: list(telling([], Action.PARTNERSHIP_ENDED, by=by, **of_partnership(demo)))
    ),
    "NoticeQuerySet.tell": lambda demo: partial(
        Notice.objects.tell,
        [Notice(partner=demo.partner("Hafen IT"), action=Action.PARTNERSHIP_ENDED)],
    ),
}


def test_every_act_that_takes_by_is_listed_here():
    assert takers_of_by() == DOORS.keys() | PARTS.keys()
    assert not DOORS.keys() & PARTS.keys()


def refused(act, by):
    """The code with which ``by`` is refused; nothing is written or mailed."""
    before = rows()
    with pytest.raises(NotAllowed) as refusal:
        act(by=by)
    assert rows() == before
    assert mail.outbox == []
    return refusal.value.code


@pytest.mark.parametrize("name", DOORS)
def test_who_may_not_is_refused_by_each_door(demo, name):
    door = DOORS[name]
    act = door.prepare(demo)
    mail.outbox.clear()
    assert refused(act, None) == Refusal.NOBODY
    assert refused(act, AnonymousUser()) == Refusal.NOBODY

    somebody = demo.user(door.by or OPERATOR)
    somebody.is_active = False
    assert refused(act, somebody) == Refusal.INACTIVE

    others = (
        {Refusal.OPERATORS} if door.by is None else set(Refusal) - {Refusal.ROLE, Refusal.NOBODY}
    )
    for email in door.foreign:
        assert refused(act, demo.user(email)) in others

    place = demo.user(door.by or NORDLICHT).membership
    colleague = MembershipFactory(partner=place.partner, customer=place.customer)
    colleague.role_rows.all().delete()
    expected = Refusal.OPERATORS if door.by is None else Refusal.ROLE
    expected = Refusal.ELSEWHERE if door.is_personal else expected
    assert refused(act, User.objects.get(pk=colleague.user_id)) == expected


@pytest.mark.parametrize("name", DOORS)
def test_who_may_is_let_through_by_each_door(demo, name):
    door = DOORS[name]
    act = door.prepare(demo)
    mail.outbox.clear()
    if not door.operators:
        for by in (demo.user(OPERATOR), PORTAL):
            assert refused(act, by) in set(Refusal) - {Refusal.ROLE, Refusal.NOBODY}
    may = [demo.user(door.by)] if door.by else []
    for by in [*may, demo.user(OPERATOR), PORTAL] if door.operators else may:
        with transaction.atomic():
            act = door.prepare(demo)
            before = rows()
            act(by=by)
            assert rows() != before
            transaction.set_rollback(True)


@pytest.mark.parametrize("name", PARTS)
def test_nobody_is_refused_by_what_goes_along_with_a_door(demo, name):
    act = PARTS[name](demo)
    mail.outbox.clear()
    for nobody in (None, AnonymousUser()):
        assert refused(act, nobody) == Refusal.NOBODY


@pytest.mark.parametrize("email", [HAFEN, "admin@huber.example"])
def test_a_partner_that_was_deactivated_acts_for_nobody(demo, email):
    act = question()
    demo.partner("Hafen IT").deactivate(by=PORTAL)
    mail.outbox.clear()
    expected = Refusal.INACTIVE if email == HAFEN else Refusal.ELSEWHERE
    assert refused(act, demo.user(email)) == expected
