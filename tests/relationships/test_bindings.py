"""R14: for whom a request is. Only a proved address or a proved domain counts."""

from importlib import import_module

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError

from customers.models import Customer
from portal.authority import Refusal
from portal.models import Membership, ProofMethod
from portal.permissions import Role
from relationships.forms import RequestForm
from relationships.models import RelationshipRequest, RequestStatus
from tests.factories import CustomerFactory, MembershipFactory

KRANICH = "global@kranich.example"
ALBERS = "admin@albers.example"
HUBER = "admin@huber.example"
VICTIM = "it@victim.example"


def ask(demo, to, by=KRANICH, **fields):
    return RelationshipRequest.objects.ask(
        by=demo.user(by),
        recipient_name="Whoever it is",
        recipient_email=to,
        language="en",
        **fields,
    )


def prove(demo, email, address):
    demo.user(email).prove(address, how=ProofMethod.CONFIRMATION)


def stored(made):
    return RelationshipRequest.objects.get(pk=made.pk)


def waiting(demo, email):
    return list(RelationshipRequest.objects.waiting_for(demo.user(email).membership))


def may_answer(demo, made, email):
    """Whether the door lets this person accept; the page asks the same."""
    found = RelationshipRequest.objects.find(made.token)
    assert found.may_be_answered_by(demo.user(email)) == (found in waiting(demo, email))
    return found.may_be_answered_by(demo.user(email))


class TestTyped:
    """What nobody proved shows nothing to anybody."""

    def test_R14_who_only_invites_an_address_gains_nothing(self, demo, nothing_written):
        Membership.objects.invite(
            demo.customer("Weingut Huber"),
            email=VICTIM,
            name="IT",
            roles=[Role.CUSTOMER_ADMIN],
            by=demo.user(HUBER),
        )
        made = ask(demo, VICTIM)
        assert made.customer is None
        assert waiting(demo, HUBER) == []
        with nothing_written():
            for act in (
                lambda: made.accept(by=demo.user(HUBER)),
                lambda: made.decline(by=demo.user(HUBER), reason="No"),
                lambda: made.accept(by=demo.user(VICTIM)),
            ):
                with pytest.raises(ValidationError):
                    act()

    def test_R14_no_more_does_who_has_an_account_that_proved_nothing(self, demo):
        MembershipFactory(
            customer=demo.customer("Weingut Huber"), user__email=VICTIM, user__has_proved=False
        )
        made = ask(demo, VICTIM)
        assert made.customer is None
        assert waiting(demo, HUBER) == []
        assert not may_answer(demo, made, VICTIM)

    def test_R14_a_domain_that_somebody_typed_binds_nothing(self, demo):
        squatter = CustomerFactory(domain="victim.example")
        MembershipFactory(customer=squatter, user__email="squatter@mail.example")
        prove(demo, "squatter@mail.example", "squatter@mail.example")
        assert ask(demo, VICTIM).customer is None
        assert waiting(demo, "squatter@mail.example") == []

    def test_R14_a_domain_that_looks_alike_is_another_one(self, demo):
        for address in (
            "a@sub.albers.example",
            "a@albers.example.de",
            "albers.example@mail.example",
        ):
            assert ask(demo, address).customer is None


class TestProved:
    @pytest.mark.parametrize("address", [ALBERS, "Admin@ALBERS.example", "anyone@albers.example"])
    def test_R14_a_proved_address_or_domain_binds_it(self, demo, address):
        made = ask(demo, address)
        assert made.customer == demo.customer("Reederei Albers")
        assert waiting(demo, ALBERS) == [made]
        assert may_answer(demo, made, ALBERS)
        assert not may_answer(demo, made, HUBER)

    def test_R14_the_address_counts_more_than_the_domain(self, demo):
        prove(demo, HUBER, "anna@albers.example")
        made = ask(demo, "anna@albers.example")
        assert made.customer == demo.customer("Weingut Huber")
        assert not may_answer(demo, made, ALBERS)

    def test_R14_an_address_that_is_proved_later_binds_what_is_open(self, demo):
        dead = ask(demo, VICTIM)
        dead.withdraw(by=demo.user(KRANICH))
        made = ask(demo, VICTIM)
        prove(demo, HUBER, VICTIM)
        assert stored(made).customer == demo.customer("Weingut Huber")
        assert stored(dead).customer is None
        assert waiting(demo, HUBER) == [made]
        assert may_answer(demo, made, HUBER)

    def test_R14_of_two_who_proved_it_the_latest_counts(self, demo):
        made = ask(demo, VICTIM)
        prove(demo, HUBER, VICTIM)
        prove(demo, ALBERS, VICTIM)
        assert may_answer(demo, made, ALBERS)
        assert not may_answer(demo, made, HUBER)
        prove(demo, HUBER, VICTIM)
        assert may_answer(demo, made, HUBER)
        assert not may_answer(demo, made, ALBERS)

    def test_R14_who_was_deactivated_binds_nothing_until_it_is_back(self, demo):
        made = ask(demo, VICTIM)
        second = MembershipFactory(
            customer=demo.customer("Weingut Huber"), user__email="second@huber.example"
        ).user
        prove(demo, second.email, VICTIM)
        assert may_answer(demo, made, HUBER)
        second.deactivate(by=demo.user(HUBER))
        assert not may_answer(demo, made, HUBER)
        assert stored(made).customer is None
        second.reactivate(by=demo.user(HUBER))
        assert may_answer(demo, made, HUBER)

    def test_R14_a_resellers_colleague_binds_once_it_is_global_admin(self, demo):
        partner = demo.partner("Hafen IT")
        agent = MembershipFactory(
            partner=partner, roles=[Role.ADMIN_AGENT], user__email="agent@hafen.example"
        ).user
        prove(demo, agent.email, agent.email)
        made = ask(demo, agent.email, "global@suedwind.example", kind="reseller", with_dap=False)
        assert made.reseller is None
        agent.membership.set_roles([Role.GLOBAL_ADMIN], by=demo.user("global@hafen.example"))
        assert stored(made).reseller == partner
        agent.membership.set_roles([Role.ADMIN_AGENT], by=demo.user("global@hafen.example"))
        assert stored(made).reseller is None

    def test_R14_sent_again_it_is_for_whom_the_address_is_now(self, demo):
        made = ask(demo, VICTIM)
        Customer.objects.filter(name="Weingut Huber").update(domain="victim.example")
        made.renew(by=demo.user(KRANICH))
        assert stored(made).customer == demo.customer("Weingut Huber")

    def test_R14_a_domain_that_is_proved_or_freed_later_counts_from_then_on(self, demo):
        made = ask(demo, VICTIM)
        firm = CustomerFactory(domain="victim.example")
        admin = MembershipFactory(customer=firm).user
        operator = demo.user("operator@portal.example")
        assert not may_answer(demo, made, admin.email)
        firm.confirm_domain(by=operator)
        assert may_answer(demo, made, admin.email)
        firm.free_domain(by=operator)
        assert not may_answer(demo, made, admin.email)
        assert stored(made).customer is None

    def test_R14_who_has_not_proved_its_own_email_answers_nothing_yet(self, demo, nothing_written):
        admin = MembershipFactory(
            customer=demo.customer("Reederei Albers"), user__has_proved=False
        ).user
        made = ask(demo, ALBERS)
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            made.accept(by=admin)
        assert refusal.value.code == "unproved"


class TestTheOwnCustomer:
    """A request from the page of the partner's own customer is for that record."""

    def test_R14_whatever_the_address(self, demo):
        albers = demo.customer("Reederei Albers")
        form = RequestForm(
            {"recipient_email": HUBER, "language": "en", "with_dap": "on"},
            user=demo.user("global@elbe.example"),
            customer=albers,
        )
        assert form.is_valid(), form.errors
        made = form.asked()
        assert (made.customer, made.names_customer) == (albers, True)
        prove(demo, HUBER, HUBER)
        assert may_answer(demo, made, ALBERS)
        assert not may_answer(demo, made, HUBER)

    def test_T1_none_that_is_not_the_partners(self, demo, nothing_written):
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            ask(demo, HUBER, customer=demo.customer("Weingut Huber"))
        assert refusal.value.code == Refusal.ELSEWHERE


def test_T1_an_answer_binds_it_for_good(demo):
    made = ask(demo, ALBERS)
    made.accept(by=demo.user(ALBERS))
    prove(demo, HUBER, ALBERS)
    found = stored(made)
    assert (found.customer, found.status) == (
        demo.customer("Reederei Albers"),
        RequestStatus.ACCEPTED,
    )


def test_R14_the_update_unbinds_what_nobody_proved(demo):
    huber = demo.customer("Weingut Huber")
    proved = ask(demo, HUBER)
    own = ask(demo, "anyone@mail.example", "global@elbe.example")
    typed, by_domain = (ask(demo, to) for to in (VICTIM, "it@huber.example"))
    answered = ask(demo, VICTIM, "global@brandt.example")
    invited = ask(demo, VICTIM, "global@suedwind.example", kind="reseller", with_dap=False)
    requests = RelationshipRequest.objects
    requests.filter(pk__in=[typed.pk, by_domain.pk]).update(customer=huber)
    requests.filter(pk=own.pk).update(customer=demo.customer("Reederei Albers"))
    requests.filter(pk=invited.pk).update(reseller=demo.partner("Hafen IT"))
    prove(demo, HUBER, VICTIM)
    answered.refresh_from_db()
    answered.decline(by=demo.user(HUBER), reason="No")
    demo.user(HUBER).proved_addresses.filter(email=VICTIM).delete()
    requests.filter(pk=typed.pk).update(customer=huber)
    migration = import_module("relationships.migrations.0010_whom_requests_are_for")
    migration.unbind_what_nobody_proved(apps, None)
    assert [stored(one).customer for one in (proved, typed, by_domain, answered)] == [
        huber,
        None,
        None,
        huber,
    ]
    assert (stored(own).customer.name, stored(own).names_customer) == ("Reederei Albers", True)
    assert stored(invited).reseller is None
