"""Two people at once around a request: whatever the order, one story is told and R1 holds.

Every race has two connections to a real PostgreSQL, see ``tests.races``.
"""

import pytest
from django.core.exceptions import ValidationError

from customers.models import Customer
from portal.authority import NotAllowed
from portal.models import Action, User
from relationships.models import (
    Partnership,
    Relationship,
    RelationshipRequest,
    RequestKind,
    RequestStatus,
)
from tests.factories import CustomerFactory, MembershipFactory, UserFactory
from tests.races import ORDERS

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

KRANICH = "global@kranich.example"
ALBERS = "admin@albers.example"
SECOND = "second@albers.example"

ANSWERS = (
    Action.REQUEST_ACCEPTED,
    Action.REQUEST_DECLINED,
    Action.REQUEST_WITHDRAWN,
)


@pytest.fixture
def second(demo):
    """Reederei Albers has two admins."""
    return MembershipFactory(customer=demo.customer("Reederei Albers"), user__email=SECOND).user


def ask(demo, to=ALBERS, **fields):
    return RelationshipRequest.objects.ask(
        by=demo.user(fields.pop("by", KRANICH)),
        recipient_name="Reederei Albers",
        recipient_email=to,
        language="de",
        **fields,
    )


def accept(token, email=ALBERS):
    """An act: what the page of ``email`` does, with the link opened and rows of its own."""

    def act():
        made = RelationshipRequest.objects.find(token)
        made.accept(by=User.objects.get(email=email), agrees=True)

    return act


def decline(token, email=SECOND):
    def act():
        made = RelationshipRequest.objects.find(token)
        made.decline(by=User.objects.get(email=email), reason="We have a partner.")

    return act


def withdraw(made):
    def act():
        own = RelationshipRequest.objects.get(pk=made.pk)
        own.withdraw(by=User.objects.get(email=KRANICH))

    return act


def renew(made):
    def act():
        own = RelationshipRequest.objects.get(pk=made.pk)
        own.renew(by=User.objects.get(email=KRANICH))

    return act


def relationships():
    return Relationship.objects.active().filter(
        partner__name="Kranich Consulting", customer__name="Reederei Albers"
    )


def only_one_wins(outcomes):
    """One act was done; the other was told that it came too late. Returns which one won."""
    [late] = [outcome.error for outcome in outcomes if outcome.error]
    assert isinstance(late, ValidationError)
    assert late.code == "dead"
    return 0 if outcomes[0].error is None else 1


def check_story(demo, made):
    """Status, relationship and log of a request say the same, and each thing once (R1)."""
    stored = RelationshipRequest.objects.get(pk=made.pk)
    answers = [
        entry.action for entry in demo.log(subject_id=made.pk) if entry.action in map(str, ANSWERS)
    ]
    by_status = {
        RequestStatus.OPEN: [],
        RequestStatus.ACCEPTED: [Action.REQUEST_ACCEPTED],
        RequestStatus.DECLINED: [Action.REQUEST_DECLINED],
        RequestStatus.WITHDRAWN: [Action.REQUEST_WITHDRAWN],
    }
    assert answers == by_status[stored.status]
    is_accepted = stored.status == RequestStatus.ACCEPTED
    assert relationships().count() == is_accepted
    started = demo.log(
        action=Action.RELATIONSHIP_STARTED, partners=demo.partner("Kranich Consulting")
    )
    assert len(started) == is_accepted
    return stored


@pytest.mark.parametrize("order", ORDERS)
def test_R6_of_two_acceptances_of_one_link_one_counts(demo, second, order):
    made = ask(demo)
    outcomes = order(accept(made.token), accept(made.token, SECOND))
    winner = [ALBERS, SECOND][only_one_wins(outcomes)]
    stored = check_story(demo, made)
    assert (stored.status, stored.answered_by.email) == (RequestStatus.ACCEPTED, winner)


@pytest.mark.parametrize("order", ORDERS)
def test_R5_accepted_or_withdrawn_but_not_both(demo, order):
    made = ask(demo)
    winner = only_one_wins(order(accept(made.token), withdraw(made)))
    assert check_story(demo, made).status == ["accepted", "withdrawn"][winner]


@pytest.mark.parametrize("order", ORDERS)
def test_R6_accepted_or_declined_but_not_both(demo, second, order):
    made = ask(demo)
    winner = only_one_wins(order(accept(made.token), decline(made.token)))
    stored = check_story(demo, made)
    assert stored.status == ["accepted", "declined"][winner]
    assert bool(stored.decline_reason) == (stored.status == RequestStatus.DECLINED)


@pytest.mark.parametrize("order", ORDERS)
def test_R5_declined_or_withdrawn_but_not_both(demo, second, order):
    made = ask(demo)
    only_one_wins(order(decline(made.token), withdraw(made)))
    check_story(demo, made)


@pytest.mark.parametrize("order", ORDERS)
def test_R5_a_link_that_is_replaced_while_it_is_accepted_is_either(demo, order):
    """Accepted by the old link before it died; or dead, and the new one works."""
    made = ask(demo)
    winner = only_one_wins(order(accept(made.token), renew(made)))
    stored = check_story(demo, made)
    if winner == 0:
        assert (stored.status, stored.link_number) == (RequestStatus.ACCEPTED, 1)
        assert demo.log(action=Action.REQUEST_RESENT) == []
    else:
        assert (stored.status, stored.link_number) == (RequestStatus.OPEN, 2)
        accept(stored.token)()
        assert check_story(demo, made).status == RequestStatus.ACCEPTED


@pytest.mark.parametrize("order", ORDERS)
def test_R5_sent_again_twice_there_is_one_newest_link(demo, order):
    made = ask(demo)
    outcomes = order(renew(made), renew(made))
    assert [outcome.error for outcome in outcomes] == [None, None]
    assert RelationshipRequest.objects.get(pk=made.pk).link_number == 3
    assert len(demo.log(action=Action.REQUEST_RESENT)) == 2


@pytest.mark.parametrize("order", ORDERS)
def test_R1_two_requests_of_a_partner_accepted_at_once_are_one_relationship(demo, second, order):
    """One asked for DAP and one did not: together they are a relationship with DAP (R7)."""
    with_dap, without = ask(demo), ask(demo, SECOND, with_dap=False)
    outcomes = order(accept(with_dap.token), accept(without.token, SECOND))
    assert [outcome.error for outcome in outcomes] == [None, None]
    assert relationships().get().has_dap
    actions = [
        entry.action
        for entry in demo.log(
            customer=demo.customer("Reederei Albers"), subject="Kranich Consulting"
        )
    ]
    assert actions in (
        [Action.RELATIONSHIP_STARTED],
        [Action.RELATIONSHIP_STARTED, Action.DAP_GRANTED],
    )
    assert len(demo.log(action=Action.REQUEST_ACCEPTED)) == 2


@pytest.mark.parametrize("order", ORDERS)
def test_R6_of_two_acceptances_the_agreement_is_accepted_once(demo, second, order):
    Customer.objects.update(agreement_accepted_at=None)
    one, other = ask(demo), ask(demo, SECOND)
    outcomes = order(accept(one.token), accept(other.token, SECOND))
    assert [outcome.error for outcome in outcomes] == [None, None]
    [entry] = demo.log(action=Action.AGREEMENT_ACCEPTED)
    assert entry.actor.email in (ALBERS, SECOND)


@pytest.mark.parametrize("order", ORDERS)
def test_R7_restored_or_ended_the_relationship_is_one(demo, order):
    """Elbe ends its relationship while the customer accepts its request for DAP."""
    made = RelationshipRequest.objects.ask(
        by=demo.user("global@elbe.example"),
        recipient_name="Reederei Albers",
        recipient_email=ALBERS,
        language="de",
    )
    own = demo.relationship("Reederei Albers", "Elbe Support")

    def end():
        Relationship.objects.get(pk=own.pk).end(by=User.objects.get(email="global@elbe.example"))

    outcomes = order(accept(made.token), end)
    assert [outcome.error for outcome in outcomes] == [None, None]
    own.refresh_from_db()
    assert (own.has_dap, own.ended_at is None) == (False, False)
    active = Relationship.objects.active().filter(
        partner=demo.partner("Elbe Support"), customer=demo.customer("Reederei Albers")
    )
    actions = [
        entry.action
        for entry in demo.log(customer=demo.customer("Reederei Albers"), subject="Elbe Support")
    ][1:]
    if active:
        assert active.get().has_dap
        assert actions == [Action.RELATIONSHIP_ENDED, Action.RELATIONSHIP_STARTED]
    else:
        assert actions == [Action.DAP_GRANTED, Action.RELATIONSHIP_ENDED]


@pytest.mark.parametrize("order", ORDERS)
def test_R7_restored_and_removed_dap_is_one_or_the_other(demo, second, order):
    made = RelationshipRequest.objects.ask(
        by=demo.user("global@elbe.example"),
        recipient_name="Reederei Albers",
        recipient_email=ALBERS,
        language="de",
    )

    def remove():
        demo.relationship("Reederei Albers", "Elbe Support").remove_dap(by=demo.user(SECOND))

    outcomes = order(accept(made.token), remove)
    assert [outcome.error for outcome in outcomes] == [None, None]
    actions = [
        entry.action
        for entry in demo.log(customer=demo.customer("Reederei Albers"), subject="Elbe Support")
    ][1:]
    has_dap = demo.relationship("Reederei Albers", "Elbe Support").has_dap
    assert (actions, has_dap) in (
        ([Action.DAP_GRANTED], True),
        ([Action.DAP_GRANTED, Action.DAP_REMOVED], False),
    )


def registration(token, email):
    """What the owner of this address does on the page that the mail leads to."""

    def act():
        made = RelationshipRequest.objects.find(token)
        proof = made.registration_path(email).split("/")[-2]
        firm = CustomerFactory.build(name="Werft Ost", domain=email.rpartition("@")[2])
        made.register(proof, firm, user=UserFactory.build(email=email))

    return act


@pytest.mark.parametrize("order", ORDERS)
def test_R6_of_two_who_register_with_one_link_one_is_there(demo, order):
    token = ask(demo, "info@werft.example").token
    emails = ["ole@werft.example", "ole@werft-ost.example"]
    outcomes = order(*(registration(token, email) for email in emails))
    winner = emails[only_one_wins(outcomes)]
    assert [user.email for user in User.objects.filter(email__startswith="ole@")] == [winner]
    [relationship] = Relationship.objects.active().filter(partner__name="Kranich Consulting")
    assert relationship.customer.memberships.get().user.email == winner


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("asked", ["info@werft.example", "ole@werft.example"])
def test_R6_of_two_who_register_one_person_with_two_links_one_is_there(demo, asked, order):
    links = [ask(demo, asked, by=by).token for by in (KRANICH, "global@brandt.example")]
    outcomes = order(*(registration(token, "ole@werft.example") for token in links))
    [late] = [outcome.error for outcome in outcomes if outcome.error]
    assert isinstance(late, ValidationError)
    assert demo.customer("Werft Ost").memberships.count() == 1
    assert User.objects.filter(email__endswith="@werft.example").count() == 1


@pytest.mark.parametrize("order", ORDERS)
def test_R14_an_admin_who_is_let_go_answers_before_or_not_at_all(demo, order):
    second = MembershipFactory(customer=demo.customer("Weingut Huber")).user
    made = ask(demo, second.email)

    def let_go():
        demo.user(second.email).deactivate(by=demo.user("admin@huber.example"))

    accepted, gone = order(accept(made.token, "admin@huber.example"), let_go)
    assert gone.error is None
    found = RelationshipRequest.objects.get(pk=made.pk)
    if accepted.error:
        assert isinstance(accepted.error, NotAllowed)
        assert (found.status, found.customer) == (RequestStatus.OPEN, None)
    else:
        assert found.customer == demo.customer("Weingut Huber")


@pytest.mark.parametrize("order", ORDERS)
def test_R14_a_domain_that_is_freed_binds_before_or_not_at_all(demo, order):
    made = ask(demo, "cellar@huber.example")

    def free():
        demo.customer("Weingut Huber").free_domain(by=demo.user("operator@portal.example"))

    accepted, freed = order(accept(made.token, "admin@huber.example"), free)
    assert freed.error is None
    found = RelationshipRequest.objects.get(pk=made.pk)
    assert (found.customer is None) == isinstance(accepted.error, NotAllowed)


@pytest.mark.parametrize("order", ORDERS)
def test_R12_a_joint_request_is_not_accepted_under_a_partnership_that_ends(demo, order):
    made = ask(demo, "admin@huber.example", provider=demo.partner("Nordlicht Distribution"))

    def end():
        demo.partnership("Nordlicht Distribution", "Kranich Consulting").end(by=demo.user(KRANICH))

    accepted, ended = order(accept(made.token, "admin@huber.example"), end)
    assert ended.error is None
    found = Relationship.objects.active().filter(customer__name="Weingut Huber")
    joint = found.filter(partner__name__in=["Nordlicht Distribution", "Kranich Consulting"])
    ended_at = Partnership.objects.get(reseller=demo.partner("Kranich Consulting")).ended_at
    made.refresh_from_db()
    if accepted.error:
        assert accepted.error.code == "dead"
        assert made.status == RequestStatus.WITHDRAWN
        assert not joint.exists()
    else:
        assert made.status == RequestStatus.ACCEPTED
        assert [one.started_at <= ended_at for one in joint] == [True, True]


@pytest.mark.parametrize("order", ORDERS)
def test_R10_of_two_invitations_authorized_at_once_one_counts(demo, order):
    second = MembershipFactory(partner=demo.partner("Hafen IT")).user
    invitations = [
        RelationshipRequest.objects.ask(
            by=demo.user("global@suedwind.example"),
            kind=RequestKind.RESELLER,
            recipient_name="Hafen IT",
            recipient_email=address,
            language="de",
            with_dap=False,
        )
        for address in ("global@hafen.example", second.email)
    ]
    outcomes = order(
        accept(invitations[0].token, "global@hafen.example"),
        accept(invitations[1].token, second.email),
    )
    [late] = [outcome.error for outcome in outcomes if outcome.error]
    assert late.messages == ["These two partners work together already."]
    assert (
        Partnership.objects.between(demo.partner("Südwind Cloud"), demo.partner("Hafen IT")).count()
        == 1
    )
    started = demo.log(
        action=Action.PARTNERSHIP_STARTED,
        subject="Südwind Cloud – Hafen IT",
    )
    assert len(started) == 1


@pytest.mark.parametrize("order", ORDERS)
def test_of_two_who_ask_the_same_firm_one_is_told_of_the_other(demo, order):
    outcomes = order(lambda: ask(demo), lambda: ask(demo))
    [made] = [outcome.value for outcome in outcomes if outcome.value]
    [refusal] = [outcome.error for outcome in outcomes if outcome.error]
    [error] = refusal.error_dict["recipient_email"]
    assert (error.code, error.params["request"]) == ("open", made)
    assert list(RelationshipRequest.objects.open()) == [made]


@pytest.mark.parametrize("order", ORDERS)
def test_of_one_who_asks_and_one_who_opens_an_old_request_again_one_is_refused(demo, order):
    dead = ask(demo)
    RelationshipRequest.objects.filter(pk=dead.pk).update(expires_at=dead.created_at)
    outcomes = order(lambda: ask(demo), renew(dead))
    assert sum(outcome.error is not None for outcome in outcomes) == 1
    assert RelationshipRequest.objects.open().count() == 1
