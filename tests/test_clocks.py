"""Two hosts whose clocks differ by an hour: nothing ends, closes or answers before it began."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from django.db import IntegrityError, models, transaction
from django.utils import timezone

from portal.authority import PORTAL
from portal.clocks import now_after
from portal.models import Membership, Partner, ProvedAddress, User
from portal.permissions import Role
from relationships.models import Partnership, Relationship, RelationshipRequest
from subscriptions.models import BulkAssignment, Subscription
from tests.conftest import models as all_models
from tests.factories import CustomerFactory, PartnerFactory, PartnershipFactory, RelationshipFactory
from tests.migrations import past_database
from tests.test_architecture import LAYERS

CHECKOUT = Path(__file__).resolve().parent.parent
AHEAD = datetime(2027, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
NORDLICHT, KRANICH = "global@nordlicht.example", "global@kranich.example"
ALBERS = "admin@albers.example"

BY_DATABASE = "written by the clock of the database alone"
STORED = "beside created_at, which says when the row was stored: the acts keep it in order"
# What is kept in order by other means than ``in_order``.
ELSEWHERE = {
    "customers.Customer.agreement_accepted_at": STORED,
    "customers.Customer.domain_proved_at": STORED,
    "customers.Customer.joined_at": STORED,
    "customers.Customer.partners_reviewed_at": STORED,
    "portal.Partner.deactivated_at": STORED,
    "portal.User.invited_at": STORED,
    "portal.User.sessions_ended_at": STORED,
    "portal.User.last_login": "Django's own",
    "portal.Actor.erased_at": "of an append-only table, whose triggers look at it",
    "portal.Mail.due_at": BY_DATABASE,
    "portal.Mail.done_at": BY_DATABASE,
    "portal.Mail.held_until": BY_DATABASE,
    "portal.Task.due_at": BY_DATABASE,
    "portal.Task.done_at": BY_DATABASE,
    "portal.Task.held_until": BY_DATABASE,
    "subscriptions.Subscription.suspended_at": STORED,
    "subscriptions.SupportContactAssignment.ended_at": "subscriptions_contact_ends_after_start",
}


def pairs():
    """The models with the fields that a constraint keeps in order: first, then."""
    for model in all_models():
        for constraint in model._meta.constraints:
            if isinstance(constraint, models.CheckConstraint):
                match constraint.condition.children:
                    case [(then, None), (later, models.F(name=first))] if (
                        later == f"{then}__gte"
                        and constraint.name not in ELSEWHERE.values()
                        and isinstance(model._meta.get_field(then), models.DateTimeField)
                    ):
                        yield pytest.param(model, first, then, id=constraint.name)


@pytest.fixture
def ahead():
    """The host on which everything was begun: its clock is an hour ahead."""
    with time_machine.travel(AHEAD, tick=False):
        yield


@pytest.fixture
def behind():
    """``with behind():`` the other host, at the same moment."""
    return lambda: time_machine.travel(AHEAD - HOUR, tick=False)


def test_what_follows_is_never_before_nor_at_what_is_still_to_come():
    with time_machine.travel(AHEAD, tick=False):
        assert now_after() == now_after(None) == now_after(AHEAD) == AHEAD
        assert now_after(AHEAD - HOUR, None) == AHEAD
        assert now_after(AHEAD + HOUR, AHEAD) == AHEAD + HOUR + timedelta(microseconds=1)


def test_every_moment_that_may_follow_another_is_kept_in_order_or_named_here():
    kept = {f"{one.values[0]._meta.label}.{one.values[2]}" for one in pairs()}
    found = {
        f"{model._meta.label}.{field.name}"
        for model in all_models()
        for field in model._meta.concrete_fields
        if isinstance(field, models.DateTimeField) and field.null
    }
    assert found == kept | ELSEWHERE.keys()
    assert not kept & ELSEWHERE.keys()


@pytest.mark.parametrize(
    ("what", "pattern"),
    [
        # A moment that follows another one: ``now_after``.
        ("a moment that is set on a row", r"self\.\w+_at\b[^=\n]* = [^\n]*timezone\.now\(\)"),
        # The day of the reader or of UTC, where the installation's is meant: ``portal.zones.today``.
        ("a day in whatever zone is current", r"localdate\(\)"),
        ("the day of a moment in UTC", r"_at\b[^\n]{0,30}(\.date\(\)|:%Y-)"),
    ],
)
def test_the_sources_leave_no_clock_and_no_day_to_chance(what, pattern):
    found = [
        f"{path.relative_to(CHECKOUT)}: {line.strip()}"
        for app in LAYERS
        for path in (CHECKOUT / app).rglob("*.py")
        if "migrations" not in path.parts
        for line in path.read_text().splitlines()
        if re.search(pattern, line) and "localtime(" not in line
    ]
    assert found == [], what


COMPANIONS = {
    "dap_removed_at": {"has_dap": False},
    "answered_at": {"status": "withdrawn"},
}


@pytest.mark.parametrize(("model", "first", "then"), list(pairs()))
def test_the_database_refuses_what_is_not_in_order(demo, request, model, first, then):
    key = row_of(demo, model).pk
    row = model._base_manager.filter(pk=key)
    with_it = COMPANIONS.get(then, {"has_dap": False} if model is Relationship else {})
    start = row.values_list(first, flat=True).get() or timezone.now()
    row.update(**{**with_it, first: start, then: start})
    name = request.node.callspec.id
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        row.update(**{then: start - timedelta(microseconds=1)})


def row_of(demo, model):
    if model is RelationshipRequest:
        return asked(demo)
    if model is BulkAssignment:
        return previewed(demo)
    if model is Relationship:
        return RelationshipFactory(
            partner=demo.partner("Hafen IT"), customer=CustomerFactory(), has_dap=False
        )
    return model._base_manager.order_by("pk").first()


def asked(demo):
    return RelationshipRequest.objects.ask(
        by=demo.user(KRANICH),
        recipient_name="Reederei Albers",
        recipient_email=ALBERS,
        customer=None,
        language="en",
        with_dap=True,
    )


def previewed(demo):
    by = demo.user(NORDLICHT)
    made = BulkAssignment.objects.start(demo.customer("Reederei Albers").subscriptions.all(), by=by)
    made.choose(demo.partner("Hafen IT"), by=by)
    return made


def test_a_relationship_and_its_rights_end_after_they_began(demo, ahead, behind):
    customer = CustomerFactory(country="DE")
    made = RelationshipFactory(partner=demo.partner("Hafen IT"), customer=customer)
    with behind():
        made.remove_dap(by=PORTAL)
        made.end(by=PORTAL)
    made.refresh_from_db()
    assert AHEAD == made.started_at < made.dap_removed_at < made.ended_at


def test_a_partnership_ends_after_it_began(demo, ahead, behind):
    made = PartnershipFactory(
        provider=demo.partner("Nordlicht Distribution"),
        reseller=PartnerFactory(reseller=True, country="DE"),
    )
    with behind():
        made.end(by=PORTAL)
    made.refresh_from_db()
    assert AHEAD == made.started_at < made.ended_at


@pytest.mark.parametrize("answer", ["accept", "decline", "withdraw"])
def test_a_request_is_answered_after_it_was_made_and_sent(demo, ahead, behind, answer):
    made = asked(demo)
    made.send("https://portal.example/x", by=demo.user(KRANICH))
    with behind():
        made = RelationshipRequest.objects.get(pk=made.pk)
        if answer == "withdraw":
            made.withdraw(by=demo.user(KRANICH))
        elif answer == "accept":
            made.accept(by=demo.user(ALBERS), agrees=True)
        else:
            made.decline(by=demo.user(ALBERS), reason="No")
    made.refresh_from_db()
    assert AHEAD == made.created_at == made.sent_at < made.answered_at


def test_a_request_is_sent_and_comes_back_after_it_was_made(demo, ahead, behind):
    made = asked(demo)
    with behind():
        made.send("https://portal.example/x", by=demo.user(KRANICH))
        made.note_undelivered("550 no such user")
    made.refresh_from_db()
    assert AHEAD == made.created_at < made.sent_at < made.undelivered_at


def test_contacts_follow_each_other(demo, ahead, behind):
    office = demo.subscription("Reederei Albers", "Office 365 Business Standard")
    boss = demo.user(NORDLICHT)
    office.designate(demo.partner("Hafen IT"), by=boss)
    with behind():
        office.designate(demo.partner("Nordlicht Distribution"), by=boss)
        office.designate(demo.partner("Hafen IT"), by=boss)
        demo.relationship("Reederei Albers", "Hafen IT").remove_dap(by=PORTAL)
    history = list(office.support_contact_history.order_by("pk"))
    assert [one.ended_at for one in history[:-1]] == [one.started_at for one in history[1:]]
    assert history[-1].ended_at is None
    times = [one.started_at for one in history]
    assert times == sorted(set(times))


def test_a_bulk_assignment_is_submitted_after_it_was_made(demo, ahead, behind):
    made = previewed(demo)
    with behind():
        made.submit(by=demo.user(NORDLICHT))
    made.refresh_from_db()
    assert AHEAD == made.created_at < made.submitted_at


def test_a_subscription_is_suspended_after_it_was_added(demo, ahead, behind):
    offer = Subscription._meta.get_field("offer").related_model.objects.get(name="Power BI Pro")
    boss = demo.user(NORDLICHT)
    added = Subscription.objects.add(
        by=boss, customer=demo.customer("Reederei Albers"), offer=offer, quantity=5
    )
    with behind():
        added.suspend(by=boss)
    added.refresh_from_db()
    assert AHEAD == added.created_at < added.suspended_at


def test_a_partner_is_closed_down_after_it_was_added_and_signs_its_people_out(demo, ahead, behind):
    partner = PartnerFactory(reseller=True, country="DE")
    user = User.objects.create(email="neu@firm.example", has_joined=True)
    Membership.objects.join(user, partner, [Role.GLOBAL_ADMIN], by=PORTAL)
    with behind():
        partner.deactivate(by=PORTAL)
    partner.refresh_from_db()
    user.refresh_from_db()
    assert AHEAD == partner.created_at < partner.deactivated_at
    assert user.sessions_ended_at > user.created_at
    assert not User.objects.with_sessions_left().exists()


def test_T3_sessions_that_end_twice_end_twice(demo, ahead, behind):
    """What a session was signed with is the moment: it must be another one each time."""
    user = User.objects.create(email="neu@firm.example", has_joined=True)
    hashes = [user.get_session_auth_hash()]
    user.end_sessions()
    hashes.append(user.get_session_auth_hash())
    for _time in range(2):
        with behind():
            user.end_sessions()
        hashes.append(user.get_session_auth_hash())
    assert len(set(hashes)) == 4


def test_the_newer_invitation_is_the_one_that_works(demo, ahead, behind):
    user = User.objects.create(email="neu@firm.example", password="!")
    Membership.objects.join(user, demo.partner("Hafen IT"), [Role.SALES_AGENT], by=PORTAL)
    user.send_invitation(by=PORTAL)
    paths = [user.invitation_path]
    for _time in range(2):
        with behind():
            user.send_invitation(by=PORTAL)
        paths.append(user.invitation_path)
    assert len(set(paths)) == 3


def test_the_newer_proof_of_an_address_is_the_newer(demo, ahead, behind):
    user = demo.user(ALBERS)
    user.prove(ALBERS, how="reset")
    with behind():
        user.prove(ALBERS, how="confirmation")
    proof = ProvedAddress.objects.get(user=user, email=ALBERS)
    assert (proof.how, proof.at > AHEAD) == ("confirmation", True)


def test_a_customer_is_reviewed_and_proved_after_it_was_added(demo, ahead, behind):
    customer = CustomerFactory(country="DE", partners_reviewed_at=None)
    with behind():
        customer.settle_partners()
        customer.confirm_domain(by=PORTAL)
    customer.refresh_from_db()
    assert AHEAD == customer.created_at < customer.partners_reviewed_at
    assert customer.created_at < customer.domain_proved_at


@pytest.mark.django_db(transaction=True)
def test_an_update_puts_in_order_what_was_not(tmp_path):
    with past_database(tmp_path) as past:
        apps = past.migrate(("relationships", "0011_region_europe"))
        partners = apps.get_model("portal", "Partner").objects
        provider, reseller = (
            partners.create(
                name=name,
                name_key=name,
                type=kind,
                mpn_id=mpn,
                country="DE",
                support_email="a@b.example",
                support_phone="1",
            )
            for name, kind, mpn in (("a", "provider", "1"), ("b", "reseller", "2"))
        )
        apps.get_model("relationships", "Partnership").objects.create(
            provider=provider, reseller=reseller, started_at=AHEAD, ended_at=AHEAD - HOUR
        )
        past.migrate()
        [made] = Partnership.objects.all()
        assert made.started_at == made.ended_at == AHEAD
        assert Partner.objects.count() == 2
