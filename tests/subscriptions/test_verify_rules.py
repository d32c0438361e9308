"""``manage.py verify_rules``: what came past the doors is found and named, and nothing else."""

import re
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from customers.models import SharedDomain
from portal.authority import PORTAL
from portal.models import Action, Actor, Membership, MembershipRole, Partner, User
from portal.permissions import Role
from relationships.models import Partnership, Relationship, RelationshipRequest
from subscriptions.models import Subscription, SupportContactAssignment
from tests.conftest import rows, unprotected
from tests.factories import (
    CustomerFactory,
    MembershipFactory,
    SubscriptionFactory,
    UserFactory,
)

NORDLICHT = "Nordlicht Distribution"


def verify():
    """What the command prints, line by line: (rule, row, sentence); and how it ends."""
    output = StringIO()
    try:
        call_command("verify_rules", stdout=output)
    except CommandError as error:
        ends = str(error)
    else:
        ends = None
    return [tuple(line.split("\t")) for line in output.getvalue().splitlines()], ends


def acting(email):
    """Who acts where the user with this email does."""
    return Actor.objects.of(User.objects.get(email=email))


def broken():
    """The rules that it names, with what is wrong, and nothing about the rows."""
    lines, ends = verify()
    assert bool(ends) == (
        lines != [("The rules C1, C2, C3, C4, C9, C10, R1, R14, R15, S4, T1, T3 hold.",)]
    )
    return [(rule, sentence) for rule, _row, sentence in lines] if ends else []


@pytest.fixture
def with_hafen(demo, office):
    """Office 365 with Hafen IT as its contact."""
    office.designate(demo.partner("Hafen IT"), by=demo.user("helpdesk@nordlicht.example"))
    return office


@pytest.fixture
def to_hafen(demo):
    return Relationship.objects.filter(pk=demo.relationship("Reederei Albers", "Hafen IT").pk)


def contact(subscription, partner):
    """Set a contact past every door, in both places where it stands."""
    with unprotected():
        subscription.support_contact_history.filter(ended_at=None).update(partner=partner)
    Subscription.objects.filter(pk=subscription.pk).update(support_contact=partner)


# What the doors do is never a breach


def test_the_demo_data_keeps_the_rules(demo):
    assert broken() == []


def test_it_changes_nothing(demo, office):
    contact(office, demo.partner("Pacific Resale"))
    before = rows()
    assert verify()[1]
    assert rows() == before


def test_what_the_doors_do_keeps_the_rules(demo, with_hafen, visio):
    """Everything that ends a right, and everything that gives one."""
    helpdesk, hafen = demo.user("helpdesk@nordlicht.example"), demo.partner("Hafen IT")
    boss, albers = demo.user("global@nordlicht.example"), demo.user("admin@albers.example")
    visio.designate(hafen, by=helpdesk)
    assert broken() == []
    # Its own DAP goes; the contact that it chose for Visio keeps its own right (C4).
    demo.relationship("Reederei Albers", NORDLICHT).remove_dap(by=albers)
    assert broken() == []
    demo.relationship("Reederei Albers", "Hafen IT").remove_dap(by=albers)
    assert broken() == []
    demo.relationship("Reederei Albers", "Hafen IT").grant_dap(by=albers)
    with_hafen.refresh_from_db()
    with_hafen.designate(hafen, by=helpdesk)
    visio.refresh_from_db()
    visio.designate(demo.partner("Möwe Systems"), by=demo.user("global@moewe.example"))
    demo.partnership(NORDLICHT, "Hafen IT").end(by=boss)
    demo.partnership(NORDLICHT, "Elbe Support").end(by=boss)
    assert broken() == []
    demo.partner("Möwe Systems").deactivate(by=PORTAL)
    demo.user("sales@nordlicht.example").deactivate(by=boss)
    demo.relationship("Backhaus Petersen", "Elbe Support").end(by=PORTAL)
    assert broken() == []
    demo.partner("Möwe Systems").reactivate(by=PORTAL)
    assert broken() == []


# Each rule


def test_C1_a_first_contact_that_is_not_the_seller(demo, office):
    contact(office, demo.partner("Hafen IT"))
    assert broken() == [
        ("C1", f"the first contact is “Hafen IT” and not the seller, “{NORDLICHT}”.")
    ]


def test_C1_a_first_contact_of_what_was_bought_elsewhere(demo, visio):
    with unprotected():
        visio.support_contact_history.update(partner=demo.partner("Hafen IT"))
    assert ("C1", "the first contact is “Hafen IT” and not the seller, nobody.") in broken()


@pytest.mark.parametrize(
    ("partner", "sentence"),
    [
        ("Südwind Cloud", "is neither the seller nor an indirect reseller."),
        ("Möwe Systems", "has no partnership with the partner that may choose it."),
        ("Kranich Consulting", "has no relationship with the customer."),
        ("Elbe Support", "has no delegated admin privileges."),
    ],
)
def test_C2_a_contact_that_never_was_eligible(demo, with_hafen, partner, sentence):
    contact(with_hafen, demo.partner(partner))
    assert broken() == [("C2", f"its support contact “{partner}” {sentence}")]


def test_C2_nobody_although_it_was_sold(demo, with_hafen):
    contact(with_hafen, None)
    assert broken() == [("C2", f"was sold by “{NORDLICHT}” and has no support contact.")]


@pytest.mark.parametrize(
    "change",
    [
        {"designated_for": "Südwind Cloud"},
        {"designated_for": None},
        {"changed_by": "global@suedwind.example"},
        {"changed_by": "admin@albers.example"},
        {"changed_by": "operator@portal.example"},
        {"changed_by": None},
    ],
)
def test_C3_a_contact_that_others_designated(demo, with_hafen, change):
    [(name, who)] = change.items()
    find = acting if name == "changed_by" else demo.partner
    with unprotected():
        with_hafen.support_contact_history.filter(ended_at=None).update(**{name: who and find(who)})
    assert broken() == [("C3", "“Hafen IT” was not designated by staff of the one who may.")]


def test_C3_a_seller_that_changed_its_contact_for_another_seller(demo, with_hafen):
    """Both rows agree with each other, and not with the subscription."""
    suedwind = demo.user("global@suedwind.example")
    with unprotected():
        with_hafen.support_contact_history.filter(ended_at=None).update(
            changed_by=Actor.objects.of(suedwind), designated_for=suedwind.membership.partner
        )
    assert [rule for rule, _sentence in broken()] == ["C3"]


@pytest.mark.parametrize(
    ("partner", "sentence"),
    [
        ("Elbe Support", "has no delegated admin privileges."),
        ("Kranich Consulting", "has no relationship with the customer."),
        ("Möwe Systems", "has no partnership with the partner that may choose it."),
        ("Südwind Cloud", "is neither the seller nor an indirect reseller."),
    ],
)
def test_C4_a_contact_of_what_was_bought_elsewhere(demo, visio, partner, sentence):
    visio.designate(demo.partner("Hafen IT"), by=demo.user("helpdesk@nordlicht.example"))
    contact(visio, demo.partner(partner))
    assert broken() == [("C4", f"its support contact “{partner}” {sentence}")]


def test_C4_a_contact_that_nobody_designated(demo, visio):
    contact(visio, demo.partner("Hafen IT"))
    assert ("C4", "its support contact “Hafen IT” was designated by no partner.") in broken()


@pytest.mark.parametrize(
    ("lose", "sentence"),
    [
        (
            lambda demo, own: own.update(has_dap=False, dap_removed_at=timezone.now()),
            "lost its delegated admin privileges.",
        ),
        (
            lambda demo, own: own.update(has_dap=False, ended_at=timezone.now()),
            "lost its relationship with the customer.",
        ),
        (
            lambda demo, own: Partnership.objects.update(ended_at=timezone.now()),
            "lost its partnership.",
        ),
        (
            lambda demo, own: Partner.objects.filter(name="Hafen IT").update(
                deactivated_at="2026-01-02T03:04:05Z"
            ),
            "was deactivated on 2026-01-02.",
        ),
    ],
)
def test_C9_a_contact_that_stayed_when_it_lost_its_right(
    demo, with_hafen, to_hafen, lose, sentence
):
    lose(demo, to_hafen)
    assert ("C9", f"its support contact “Hafen IT” {sentence}") in broken()


def test_C9_a_contact_that_fell_to_another_than_the_seller(demo, with_hafen, to_hafen):
    demo.relationship("Reederei Albers", "Hafen IT").remove_dap(by=PORTAL)
    contact(with_hafen, None)
    assert (
        "C9",
        f"fell back to nobody and not to the seller, “{NORDLICHT}”.",
    ) in broken()


def test_C10_a_subscription_without_history(demo, office):
    with unprotected():
        office.support_contact_history.all().delete()
    contact = f"“{NORDLICHT}”"
    assert broken() == [("C10", f"its support contact is {contact}, its history has no open end.")]


def test_C10_a_contact_that_its_history_does_not_know(demo, with_hafen):
    Subscription.objects.filter(pk=with_hafen.pk).update(support_contact=F("seller"))
    assert broken() == [
        ("C10", f"its support contact is “{NORDLICHT}”, its history names another one.")
    ]


def test_C10_a_gap_in_the_history(demo, with_hafen):
    with unprotected():
        with_hafen.support_contact_history.filter(ended_at=None).update(
            started_at=timezone.now() + timedelta(hours=1)
        )
    assert broken() == [("C10", "it does not start when the one before ended.")]


def test_C10_a_row_in_the_middle_that_was_pruned(demo, with_hafen):
    with_hafen.designate(with_hafen.seller, by=demo.user("helpdesk@nordlicht.example"))
    middle = with_hafen.support_contact_history.get(partner__name="Hafen IT")
    with unprotected():
        middle.delete()
    assert broken() == [("C10", "it does not start when the one before ended.")]


def test_C10_a_trigger_that_is_gone(demo):
    with unprotected():
        found = broken()
    gone = {"sqlite": "missing", "postgresql": "disabled"}[connection.vendor]
    sentence = f"this trigger is {gone}: what was written can be changed."
    assert found == [("C10", sentence) for _ in range(12)]


def test_C10_a_person_who_was_erased_without_an_entry(demo):
    helpdesk = demo.user("helpdesk@nordlicht.example")
    assert acting(helpdesk.email).user == helpdesk
    sentence = "was erased from what is told of who acted, and no entry says so."
    assert helpdesk.actors.update(erased_at=timezone.now(), name="", email="") == 1
    assert broken() == [("C10", sentence)]
    helpdesk.record(Action.USER_ERASED, by=PORTAL)
    assert broken() == []


def test_R1_two_active_relationships(demo, to_hafen):
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX relationships_one_active")
    own = to_hafen.get()
    Relationship.objects.create(partner=own.partner, customer=own.customer)
    assert broken() == [
        ("R1", "the partner has another active relationship with the same customer.")
    ]


@pytest.mark.parametrize("reseller", ["Möwe Systems", "Südwind Cloud"])
def test_S4_a_reseller_of_record_without_partnership(demo, office, reseller):
    Subscription.objects.filter(pk=office.pk).update(reseller_of_record=demo.partner(reseller))
    assert broken() == [
        ("S4", f"its reseller of record “{reseller}” never had a partnership with “{NORDLICHT}”.")
    ]


def test_T3_an_operator_in_an_organisation(demo):
    User.objects.filter(email="sales@nordlicht.example").update(is_staff=True)
    assert broken() == [
        ("T3", "belongs to more than one of: a partner, a customer, the operators.")
    ]


def test_T3_a_user_of_a_partner_and_a_customer(demo):
    member = Membership.objects.filter(user__email="sales@nordlicht.example")
    if connection.vendor == "sqlite":
        sql = "PRAGMA ignore_check_constraints = ON"
    else:
        sql = "ALTER TABLE portal_membership DROP CONSTRAINT portal_membership_one_organisation"
    connection.check_constraints()  # PostgreSQL alters no table that has a check still to come
    with connection.cursor() as cursor:
        cursor.execute(sql)
    try:
        member.update(customer=demo.customer("Reederei Albers"))
        assert broken() == [
            ("T3", "belongs to more than one of: a partner, a customer, the operators.")
        ]
    finally:
        if connection.vendor == "sqlite":
            connection.cursor().execute("PRAGMA ignore_check_constraints = OFF")


def test_T3_a_user_of_nothing(demo):
    UserFactory()
    assert broken() == [("T3", "belongs to no partner and no customer, and is no operator.")]


def test_T3_sessions_of_a_user_who_was_deactivated(demo):
    User.objects.filter(email="sales@nordlicht.example").update(is_active=False)
    assert broken() == [("T3", "was deactivated, or its partner, without ending its sessions.")]


@pytest.mark.parametrize("ended_at", [None, "2020-01-01T00:00:00Z"])
def test_T3_sessions_of_the_people_of_a_partner_that_was_deactivated(demo, ended_at):
    User.objects.filter(email="global@pacific.example").update(sessions_ended_at=ended_at)
    Partner.objects.filter(name="Pacific Resale").update(deactivated_at=timezone.now())
    assert broken() == [("T3", "was deactivated, or its partner, without ending its sessions.")]


def test_T3_who_came_after_the_partner_was_deactivated_never_had_a_session(demo):
    pacific = demo.partner("Pacific Resale")
    pacific.deactivate(by=PORTAL)
    late = UserFactory()
    membership = Membership.objects.create(user=late, partner=pacific)
    MembershipRole.objects.create(membership=membership, role=Role.SALES_AGENT)
    assert broken() == []


# What it prints


def test_a_line_names_rule_row_and_fault_and_the_end_counts_them(demo, with_hafen, office):
    contact(with_hafen, demo.partner("Kranich Consulting"))
    UserFactory()
    lines, ends = verify()
    [c2, t3] = lines
    assert c2[:2] == ("C2", f"subscription {office.pk}")
    assert t3[0] == "T3"
    assert re.fullmatch(r"user [0-9a-f-]{36}", t3[1])
    assert ends == "The rules are broken (C2: 1, T3: 1)."


def test_it_costs_as_many_queries_with_many_rows_as_with_few(demo):
    costs = []
    for more in (0, 20):
        nordlicht = demo.partner(NORDLICHT)
        for _each in range(more):
            wrong = SubscriptionFactory(customer=demo.customer("Reederei Albers"), seller=nordlicht)
            contact(wrong, demo.partner("Pacific Resale"))
        with CaptureQueriesContext(connection) as queries:
            lines, _ends = verify()
        costs.append(len(queries))
    assert len(lines) == 40  # C1 and C2 of each
    assert costs[0] == costs[1] <= 21


def test_every_history_row_is_looked_at(demo, with_hafen):
    """Not only what is in force: the past of a subscription must be right, too."""
    with_hafen.designate(with_hafen.seller, by=demo.user("helpdesk@nordlicht.example"))
    with unprotected():
        SupportContactAssignment.objects.filter(
            subscription=with_hafen, partner__name="Hafen IT"
        ).update(changed_by=acting("global@suedwind.example"))
    assert [rule for rule, _sentence in broken()] == ["C3"]


def test_T1_a_sale_in_the_lists_of_a_seller_that_has_left(demo, office):
    Subscription.objects.filter(pk=office.pk).update(visible_seller=None)
    assert broken() == [("T1", f"it is missing in the lists of its seller, “{NORDLICHT}”.")]


def test_T1_a_sale_that_stands_in_lists_though_the_relationship_has_ended(demo):
    demo.relationship("Weingut Huber", "Südwind Cloud").delete()
    found = [line for line in broken() if line[0] == "T1"]
    assert found == [("T1", "it stands in the lists of its seller, “Südwind Cloud”.")] * 2


def test_R15_a_shared_domain_that_is_proved(demo):
    SharedDomain.objects.bulk_create([SharedDomain(domain="albers.example")])
    fault = "its domain albers.example is proved, though many firms share it."
    assert broken() == [("R15", fault)]


def test_R15_a_record_that_was_joined_and_is_used(demo):
    albers = demo.customer("Reederei Albers")
    joined = CustomerFactory(joined_into=albers, joined_at=timezone.now())
    assert broken() == []
    MembershipFactory(customer=joined)
    fault = "was joined into another record and is used all the same."
    assert broken() == [("R15", fault)]


def test_R14_a_request_that_is_for_whom_nothing_was_proved(demo):
    def ask(to, by="global@nordlicht.example", **fields):
        return RelationshipRequest.objects.ask(
            by=demo.user(by),
            recipient_name="Whoever",
            recipient_email=to,
            language="en",
            **fields,
        )

    ask("admin@huber.example")
    ask("cellar@huber.example")
    albers = demo.customer("Reederei Albers")
    ask("anyone@firm.example", "global@elbe.example", customer=albers)
    ask("global@moewe.example", kind="reseller", with_dap=False)
    made = ask("it@victim.example")
    invited = ask("it@victim.example", kind="reseller", with_dap=False)
    assert broken() == []
    RelationshipRequest.objects.filter(pk=made.pk).update(customer=demo.customer("Weingut Huber"))
    RelationshipRequest.objects.filter(pk=invited.pk).update(
        reseller=demo.partner("Pacific Resale")
    )
    told = "which proved neither the asked address nor its domain."
    assert sorted(broken()) == [
        ("R14", f"is for “Pacific Resale”, {told}"),
        ("R14", f"is for “Weingut Huber”, {told}"),
    ]
