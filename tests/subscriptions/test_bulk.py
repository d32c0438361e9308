"""A bulk assignment keeps, for many subscriptions at once, every rule that ``designate`` keeps for one."""

import json
import uuid
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.authority import PORTAL, Refusal
from portal.models import Action, ActivityEntry, Actor, Partner, User
from portal.permissions import Role
from subscriptions.models import (
    BulkAssignment,
    BulkOutcome,
    Subscription,
    SupportContactAssignment,
    bulk,
    bulk_limits,
    bulk_rows,
)
from tests.factories import (
    CustomerFactory,
    MembershipFactory,
    PartnerFactory,
    PartnershipFactory,
    RelationshipFactory,
    RelationshipRequestFactory,
    SubscriptionFactory,
)

HELPDESK = "helpdesk@nordlicht.example"
LATER = timezone.now() + timedelta(hours=1)


@pytest.fixture
def crowd(demo, nordlicht, hafen, helpdesk):
    """Customers of Nordlicht with every reason why Hafen can be their contact, or not."""
    elbe = demo.partner("Elbe Support")
    made = {}
    for name in ("ready", "same", "no dap", "dap removed", "pending", "nothing", "elsewhere"):
        customer = CustomerFactory(name=f"Firm {name}")
        MembershipFactory(customer=customer, user__email=f"{name.replace(' ', '-')}@crowd.example")
        RelationshipFactory(partner=nordlicht, customer=customer)
        if name != "nothing":
            RelationshipFactory(
                partner=hafen, customer=customer, has_dap=name not in ("no dap", "pending")
            )
        made[name] = [
            SubscriptionFactory(
                customer=customer,
                seller=None if name == "elsewhere" else nordlicht,
                reseller_of_record=elbe if number and name != "elsewhere" else None,
                friendly_name=f"{name} {number}",
            )
            for number in range(2)
        ]
    for one in made["same"]:
        one.designate(hafen, by=helpdesk)
    made["dap removed"][0].customer.relationships.get(partner=hafen).remove_dap(by=PORTAL)
    RelationshipRequestFactory(
        partner=hafen,
        created_by=demo.user("global@hafen.example"),
        customer=made["pending"][0].customer,
        with_dap=True,
        expires_at=timezone.now() + timedelta(days=1),
    )
    made["foreign"] = [demo.subscription("Reederei Albers", "Visio Plan 2")]
    mail.outbox.clear()
    return made


def all_of(*groups):
    return Subscription.objects.filter(pk__in=[one.pk for group in groups for one in group])


def prepare(subscriptions, contact, by):
    made = BulkAssignment.objects.start(subscriptions, by=by)
    made.choose(contact, by=by)
    return made


def outcomes(made):
    """What stands in the preview or the result: outcome by subscription."""
    return {str(row): row.outcome for row in made.rows.all()}


def one_by_one(subscriptions, contact, by):
    for subscription in subscriptions:
        with transaction.atomic():
            try:
                subscription.designate(contact, by=by)
            except ValidationError:
                transaction.set_rollback(True)


def at_once(subscriptions, contact, by):
    prepare(subscriptions, contact, by).submit(by=by)


def written(act, *args):
    """Everything that ``act`` leaves behind of contacts, history and log, without the keys."""
    with time_machine.travel(LATER, tick=False):
        last = ActivityEntry.objects.first().pk
        with transaction.atomic():
            act(*args)
            found = {
                "subscriptions": list(Subscription.objects.order_by("pk").values()),
                "history": [
                    [row[name] for name in row if name != "id"]
                    for row in SupportContactAssignment.objects.order_by(
                        "subscription", "id"
                    ).values()
                ],
                "log": [
                    (
                        entry.action,
                        entry.at,
                        entry.actor_id,
                        entry.customer_id,
                        entry.subject,
                        entry.subject_id,
                        entry.before,
                        entry.after,
                        entry.reason,
                        sorted(entry.partners.values_list("name", flat=True)),
                    )
                    for entry in ActivityEntry.objects.filter(pk__gt=last).order_by("subject_id")
                ],
            }
            transaction.set_rollback(True)
    return found


@pytest.mark.parametrize("contact", ["Hafen IT", "Nordlicht Distribution", "Elbe Support"])
@pytest.mark.parametrize("chunk", [1000, 3])
def test_it_writes_what_designate_writes_one_by_one(crowd, helpdesk, contact, chunk, monkeypatch):
    monkeypatch.setattr(bulk, "CHUNK", chunk)
    chosen, partner = Subscription.objects.all(), Partner.objects.get(name=contact)
    many = written(at_once, chosen, partner, helpdesk)
    single = written(one_by_one, chosen, partner, helpdesk)
    assert many == single
    assert len(many["log"]) > 1


def test_the_partners_concerned_are_those_of_a_single_designation(crowd, helpdesk, hafen):
    log = written(at_once, all_of(crowd["ready"]), hafen, helpdesk)["log"]
    assert [entry[-1] for entry in sorted(log, key=lambda entry: entry[4])] == [
        ["Hafen IT", "Nordlicht Distribution"],
        ["Elbe Support", "Hafen IT", "Nordlicht Distribution"],
    ]


def test_the_preview_says_of_each_row_what_would_become_of_it(crowd, helpdesk, hafen, nordlicht):
    preview = prepare(Subscription.objects.all(), hafen, helpdesk)
    found = outcomes(preview)
    expected = {
        "ready": BulkOutcome.CHANGE,
        "same": BulkOutcome.SAME,
        "no dap": BulkOutcome.NO_DAP,
        "dap removed": BulkOutcome.DAP_REMOVED,
        "pending": BulkOutcome.PENDING,
        "nothing": BulkOutcome.NO_RELATIONSHIP,
        "elsewhere": BulkOutcome.CHANGE,
    }
    for name, outcome in expected.items():
        assert [found[str(one)] for one in crowd[name]] == [outcome] * 2, name
    assert found["Visio Plan 2"] == BulkOutcome.CHANGE
    assert found["Office 365 Business Standard"] == BulkOutcome.CHANGE
    # Sold by Südwind to the same customer: for Nordlicht it does not exist.
    assert "Dynamics 365 Sales" not in found
    assert sum(preview.counts.values()) == len(found)
    assert preview.counts[BulkOutcome.NO_DAP] == 2


def test_C3_what_another_partner_decides_on_is_refused(demo, crowd, hafen):
    """Hafen sees what it answers for, and does not decide on it."""
    boss = demo.user("global@hafen.example")
    preview = prepare(Subscription.objects.all(), hafen, boss)
    assert outcomes(preview) == {
        "same 0": BulkOutcome.NOT_ALLOWED,
        "same 1": BulkOutcome.NOT_ALLOWED,
        "elsewhere 0": BulkOutcome.CHANGE,
        "elsewhere 1": BulkOutcome.CHANGE,
        "Visio Plan 2": BulkOutcome.CHANGE,
    }


def test_T1_what_is_not_visible_can_not_be_chosen(demo, helpdesk, hafen):
    hidden = SubscriptionFactory(friendly_name="CANARY")
    shown = demo.subscription("Reederei Albers", "Azure plan")
    preview = prepare(all_of([hidden, shown]), hafen, helpdesk)
    assert outcomes(preview) == {"Azure plan": BulkOutcome.CHANGE}
    with pytest.raises(ValidationError) as refusal:
        BulkAssignment.objects.start(all_of([hidden]), by=helpdesk)
    assert refusal.value.code == "empty"


@pytest.mark.parametrize("email", ["sales@nordlicht.example", "admin@albers.example"])
def test_who_may_not_designate_may_not_start(demo, crowd, email, nothing_written):
    with nothing_written(), pytest.raises(ValidationError) as refusal:
        BulkAssignment.objects.start(Subscription.objects.all(), by=demo.user(email))
    assert refusal.value.code in Refusal.values


@pytest.mark.parametrize("email", ["global@nordlicht.example", "global@hafen.example"])
def test_only_who_made_the_preview_may_go_on_with_it(demo, crowd, helpdesk, hafen, email):
    preview = prepare(all_of(crowd["ready"]), hafen, helpdesk)
    for act in (preview.submit, lambda by: preview.choose(hafen, by=by)):
        with pytest.raises(ValidationError) as refusal:
            act(by=demo.user(email))
        assert refusal.value.code in Refusal.values


def test_who_lost_the_role_since_the_preview_is_refused(crowd, helpdesk, hafen, nothing_written):
    preview = prepare(all_of(crowd["ready"]), hafen, helpdesk)
    helpdesk.membership.set_roles([Role.SALES_AGENT], by=PORTAL)
    with nothing_written(), pytest.raises(ValidationError) as refusal:
        preview.submit(by=User.objects.get(pk=helpdesk.pk))
    assert refusal.value.code in Refusal.values


@pytest.mark.parametrize("name", ["Pacific Resale", "Möwe Systems", "Südwind Cloud"])
def test_a_partner_that_one_does_not_work_with_can_not_be_chosen(demo, crowd, helpdesk, name):
    preview = BulkAssignment.objects.start(all_of(crowd["ready"]), by=helpdesk)
    with pytest.raises(ValidationError) as refusal:
        preview.choose(demo.partner(name), by=helpdesk)
    assert refusal.value.code == "not_eligible"
    assert set(outcomes(preview).values()) == {BulkOutcome.WAITING}


def test_another_contact_can_be_chosen_until_it_is_submitted(
    crowd, helpdesk, hafen, nordlicht, demo
):
    preview = prepare(all_of(crowd["ready"], crowd["nothing"]), hafen, helpdesk)
    preview.choose(nordlicht, by=helpdesk)
    assert set(outcomes(preview).values()) == {BulkOutcome.SAME}
    preview.choose(hafen, by=helpdesk)
    preview.submit(by=helpdesk)
    with pytest.raises(ValidationError) as refusal:
        preview.choose(nordlicht, by=helpdesk)
    assert refusal.value.code == "submitted"


def test_submitting_twice_does_nothing_more(crowd, helpdesk, hafen, nothing_written):
    preview = prepare(all_of(crowd["ready"], crowd["no dap"]), hafen, helpdesk)
    preview.submit(by=helpdesk)
    first = preview.submitted_at
    with nothing_written():
        BulkAssignment.objects.get(pk=preview.pk).submit(by=helpdesk)
    assert BulkAssignment.objects.get(pk=preview.pk).submitted_at == first
    assert preview.counts == {BulkOutcome.CHANGE: 2, BulkOutcome.NO_DAP: 2}


def test_who_stops_in_the_middle_has_done_nothing(
    crowd, helpdesk, hafen, nothing_written, monkeypatch
):
    monkeypatch.setattr(bulk, "CHUNK", 1)
    preview = prepare(all_of(crowd["ready"]), hafen, helpdesk)
    with nothing_written():
        steps = preview.submitting(by=helpdesk)
        assert [next(steps)[:] for _step in range(3)] == [
            (bulk.Phase.CHECKING, 0, 0),
            (bulk.Phase.ASSIGNING, 0, 2),
            (bulk.Phase.ASSIGNING, 1, 2),
        ]
        assert ActivityEntry.objects.first().action == Action.SUPPORT_CONTACT_DESIGNATED
        steps.close()
    steps = BulkAssignment.objects.get(pk=preview.pk).submitting(by=helpdesk)
    assert [(done, total) for phase, done, total in steps if phase == bulk.Phase.ASSIGNING] == [
        (0, 2),
        (1, 2),
        (2, 2),
    ]


class TestSinceThePreview:
    """What changed between the preview and Submit counts, row by row."""

    def submit(self, preview, by):
        preview.submit(by=by)
        return outcomes(preview)

    def test_C8_what_someone_else_changed_is_not_overwritten(
        self, demo, crowd, helpdesk, hafen, nordlicht
    ):
        changed = crowd["ready"][1]
        preview = prepare(all_of(crowd["ready"], crowd["same"]), hafen, helpdesk)
        boss = demo.user("global@nordlicht.example")
        changed.designate(hafen, by=boss)
        changed.designate(nordlicht, by=boss)
        crowd["same"][0].designate(nordlicht, by=boss)
        assert self.submit(preview, helpdesk) == {
            "ready 0": BulkOutcome.CHANGE,
            "ready 1": BulkOutcome.STALE,
            "same 0": BulkOutcome.STALE,
            "same 1": BulkOutcome.SAME,
        }
        changed.refresh_from_db()
        assert changed.support_contact == nordlicht

    def test_C8_what_one_has_done_oneself_meanwhile_is_so_already(self, crowd, helpdesk, hafen):
        preview = prepare(all_of(crowd["ready"]), hafen, helpdesk)
        crowd["ready"][0].designate(hafen, by=helpdesk)
        assert self.submit(preview, helpdesk) == {
            "ready 0": BulkOutcome.SAME,
            "ready 1": BulkOutcome.CHANGE,
        }

    def test_C2_a_contact_that_lost_its_right_is_refused(self, crowd, helpdesk, hafen):
        preview = prepare(all_of(crowd["ready"], crowd["elsewhere"]), hafen, helpdesk)
        crowd["ready"][0].customer.relationships.get(partner=hafen).remove_dap(by=PORTAL)
        found = self.submit(preview, helpdesk)
        assert found["ready 0"] == found["ready 1"] == BulkOutcome.DAP_REMOVED
        assert found["elsewhere 0"] == BulkOutcome.CHANGE

    @pytest.mark.parametrize(
        ("loss", "outcome"),
        [
            (lambda demo: demo.partner("Hafen IT").deactivate(by=PORTAL), BulkOutcome.DEACTIVATED),
            (
                lambda demo: demo.partnership("Nordlicht Distribution", "Hafen IT").end(by=PORTAL),
                BulkOutcome.NO_PARTNERSHIP,
            ),
        ],
    )
    def test_C2_all_rows_can_lose_their_right(self, demo, crowd, helpdesk, hafen, loss, outcome):
        preview = prepare(all_of(crowd["ready"]), hafen, helpdesk)
        loss(demo)
        assert set(self.submit(preview, helpdesk).values()) == {outcome}
        assert preview.is_submitted

    def test_C4_who_lost_dap_decides_no_longer_on_what_was_bought_elsewhere(
        self, crowd, helpdesk, hafen, nordlicht
    ):
        preview = prepare(all_of(crowd["elsewhere"]), hafen, helpdesk)
        crowd["elsewhere"][0].customer.relationships.get(partner=nordlicht).remove_dap(by=PORTAL)
        assert set(self.submit(preview, helpdesk).values()) == {BulkOutcome.NOT_ALLOWED}

    def test_the_history_has_no_gap_where_the_clock_goes_back(self, crowd, helpdesk, hafen):
        preview = prepare(all_of(crowd["ready"]), hafen, helpdesk)
        with time_machine.travel(timezone.now() - timedelta(hours=1), tick=False):
            preview.submit(by=helpdesk)
        for one in crowd["ready"]:
            after, before = one.support_contact_history.all()
            assert before.ended_at == after.started_at >= before.started_at
            one.refresh_from_db()
            assert one.contact_changed_at == after.started_at


class TestMail:
    def test_each_party_gets_one_mail_whatever_the_number(self, crowd, helpdesk, hafen):
        User.objects.update(language="en")
        prepare(all_of(*crowd.values()), hafen, helpdesk).submit(by=helpdesk)
        told = {one.to[0]: one for one in mail.outbox}
        assert len(told) == len(mail.outbox)
        assert told.keys() == {
            "global@hafen.example",
            "support@hafen.example",
            "global@nordlicht.example",
            "support@nordlicht.example",
            "ready@crowd.example",
            "elsewhere@crowd.example",
            "admin@albers.example",
        }
        mine = told["global@hafen.example"]
        assert (
            mine.subject == "Support contact changed: 5 subscriptions of 3 customers now with you"
        )
        assert "Firm ready, ready 0: Nordlicht Distribution → Hafen IT\n" in mine.body
        former = told["support@nordlicht.example"]
        assert former.subject.startswith("Supportkontakt geändert: ")
        assert former.subject.endswith(" nicht mehr bei Ihnen")
        theirs = told["ready@crowd.example"]
        assert theirs.subject == (
            "Support contact changed: 2 products have another support contact"
        )
        assert "\nready 0: Nordlicht Distribution → Hafen IT\nready 1: " in theirs.body
        assert "Hafen IT\nPhone: 040 5550400\nEmail: support@hafen.example\n" in theirs.body
        assert "elsewhere" not in theirs.body

    def test_long_lists_are_cut(self, crowd, nordlicht, hafen, helpdesk):
        User.objects.update(language="en")
        customer = crowd["ready"][0].customer
        for number in range(60):
            SubscriptionFactory(
                customer=customer, seller=nordlicht, friendly_name=f"more {number:02}"
            )
        prepare(customer.subscriptions.all(), hafen, helpdesk).submit(by=helpdesk)
        for sent in mail.outbox:
            assert "62" in sent.subject
            assert sent.body.count("more ") + sent.body.count("ready 0") >= 50
            assert "more 59" not in sent.body
            assert "12" in sent.body.partition("… ")[2]

    def test_C11_given_back_the_former_contact_is_told_too(self, crowd, nordlicht, helpdesk):
        prepare(all_of(crowd["same"]), nordlicht, helpdesk).submit(by=helpdesk)
        assert {one.to[0] for one in mail.outbox} == {
            "global@nordlicht.example",
            "support@nordlicht.example",
            "global@hafen.example",
            "support@hafen.example",
            "same@crowd.example",
        }


class TestFile:
    def start(self, by, *lines):
        return BulkAssignment.objects.start_from_lines(
            ((number, *line) for number, line in enumerate(lines, 2)), by=by
        )

    def test_every_line_names_its_contact(self, demo, crowd, helpdesk, hafen, nordlicht):
        ready, same = crowd["ready"][0], crowd["same"][0]
        made = self.start(helpdesk, [str(ready.pk), hafen.mpn_id], [str(same.pk), nordlicht.mpn_id])
        assert outcomes(made) == {"ready 0": BulkOutcome.CHANGE, "same 0": BulkOutcome.CHANGE}
        made.submit(by=helpdesk)
        ready.refresh_from_db()
        same.refresh_from_db()
        assert (ready.support_contact, same.support_contact) == (hafen, nordlicht)

    def test_what_is_wrong_with_a_line_stands_in_its_row(self, demo, crowd, helpdesk, hafen):
        foreign = SubscriptionFactory(friendly_name="CANARY")
        dynamics = demo.subscription("Reederei Albers", "Dynamics 365 Sales")
        moewe, ready = demo.partner("Möwe Systems"), crowd["ready"][0]
        made = self.start(
            helpdesk,
            [str(ready.pk).upper(), hafen.mpn_id],
            [str(ready.pk), hafen.mpn_id],
            ["Office", hafen.mpn_id],
            [str(uuid.uuid4()), hafen.mpn_id],
            [str(foreign.pk), hafen.mpn_id],
            [str(dynamics.pk), hafen.mpn_id],
            [str(crowd["ready"][1].pk), moewe.mpn_id],
            [str(crowd["ready"][1].pk), "0"],
            [str(crowd["ready"][1].pk), ""],
            ["", ""],
            [str(crowd["no dap"][1].pk), hafen.mpn_id],
        )
        assert [(row.line, row.outcome) for row in made.rows.all()] == [
            (2, BulkOutcome.CHANGE),
            (3, BulkOutcome.TWICE),
            (4, BulkOutcome.BAD_ID),
            (5, BulkOutcome.UNKNOWN),
            (6, BulkOutcome.UNKNOWN),
            (7, BulkOutcome.UNKNOWN),
            (8, BulkOutcome.UNKNOWN_PARTNER),
            (9, BulkOutcome.TWICE),
            (10, BulkOutcome.TWICE),
            (11, BulkOutcome.BAD_ID),
            (12, BulkOutcome.NO_DAP),
        ]
        assert made.rows.get(line=4).given == f"Office; {hafen.mpn_id}"
        assert not made.rows.filter(subscription=foreign).exists()
        made.submit(by=helpdesk)
        assert made.counts[BulkOutcome.CHANGE] == 1

    def test_a_line_without_a_contact_leaves_its_subscription_as_it_is(
        self, demo, crowd, helpdesk, hafen, nordlicht
    ):
        """Whoever decides on it: nothing is asked for. What isn't there, or stands there twice, is told."""
        foreign = SubscriptionFactory(friendly_name="CANARY")
        visio = demo.subscription("Reederei Albers", "Visio Plan 2")
        ready, same = crowd["ready"], crowd["same"]
        made = self.start(
            helpdesk,
            [str(same[0].pk), ""],
            [str(visio.pk), ""],
            [str(ready[0].pk), hafen.mpn_id],
            [str(foreign.pk), ""],
            [str(ready[0].pk), ""],
            ["Office", ""],
        )
        assert [(row.outcome, row.before) for row in made.rows.all()] == [
            (BulkOutcome.LEFT, hafen),
            (BulkOutcome.LEFT, None),
            (BulkOutcome.CHANGE, nordlicht),
            (BulkOutcome.UNKNOWN, None),
            (BulkOutcome.TWICE, None),
            (BulkOutcome.BAD_ID, None),
        ]
        made.submit(by=helpdesk)
        assert made.counts[BulkOutcome.LEFT] == 2
        for one, contact in [(same[0], hafen), (visio, None), (ready[0], hafen)]:
            one.refresh_from_db()
            assert one.support_contact == contact

    def test_what_a_spreadsheet_made_of_an_ID_is_refused_with_that_reason(
        self, crowd, helpdesk, nordlicht
    ):
        zeros = PartnerFactory(reseller=True, mpn_id="0012345")
        PartnershipFactory(provider=nordlicht, reseller=zeros)
        expected = {
            "5200100.0": BulkOutcome.MANGLED,
            "5200100,00": BulkOutcome.MANGLED,
            "5.200.100": BulkOutcome.MANGLED,
            "1E+06": BulkOutcome.MANGLED,
            "#######": BulkOutcome.MANGLED,
            "12345": BulkOutcome.SHORTENED,
            "100": BulkOutcome.SHORTENED,
            "0012345": BulkOutcome.NO_RELATIONSHIP,
            "52001000": BulkOutcome.UNKNOWN_PARTNER,
            "Hafen IT": BulkOutcome.UNKNOWN_PARTNER,
        }
        customer = crowd["ready"][0].customer
        sold = [SubscriptionFactory(customer=customer, seller=nordlicht) for _one in expected]
        lines = [(str(one.pk), mpn_id) for one, mpn_id in zip(sold, expected, strict=True)]
        made = self.start(helpdesk, *lines)
        assert [row.outcome for row in made.rows.all()] == list(expected.values())
        [bad] = self.start(helpdesk, ["1.23457E+31", "5200100"]).rows.all()
        assert bad.outcome == BulkOutcome.MANGLED

    def test_an_empty_file_is_refused(self, helpdesk, nothing_written):
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            self.start(helpdesk)
        assert refusal.value.code == "empty"


def test_too_many_are_refused(crowd, helpdesk, nothing_written, monkeypatch):
    monkeypatch.setattr(bulk_limits, "MOST_ROWS", 2)
    with nothing_written():
        for start, rows in (
            (BulkAssignment.objects.start, all_of(*crowd.values())),
            (BulkAssignment.objects.start_from_lines, [(number, "", "") for number in range(3)]),
        ):
            with pytest.raises(ValidationError) as refusal:
                start(rows, by=helpdesk)
            assert refusal.value.code == "too_many"
            assert refusal.value.messages == [
                "At most 2 subscriptions at a time. Narrow the choice."
            ]
    assert BulkAssignment.objects.start(all_of(crowd["ready"]), by=helpdesk)


def test_the_number_of_queries_does_not_grow_with_the_rows(helpdesk, nordlicht, hafen):
    def queries(count):
        customer = CustomerFactory()
        for partner in (nordlicht, hafen):
            RelationshipFactory(partner=partner, customer=customer)
        for _number in range(count):
            SubscriptionFactory(customer=customer, seller=nordlicht)
        preview = prepare(customer.subscriptions.all(), hafen, helpdesk)
        with CaptureQueriesContext(connection) as captured:
            preview.submit(by=helpdesk)
        return len(captured)

    Actor.objects.of(helpdesk)  # that it has acted before
    assert queries(1) == queries(20)


def test_T1_a_row_of_a_former_customer_is_no_longer_shown(crowd, helpdesk, hafen, nordlicht):
    preview = prepare(all_of(crowd["ready"], crowd["same"]), hafen, helpdesk)
    preview.submit(by=helpdesk)
    rows = preview.rows.visible_to(helpdesk.membership)
    assert rows.count() == 4
    customer = crowd["ready"][0].customer
    customer.subscriptions.update(status="suspended", suspended_at=timezone.now())
    customer.relationships.get(partner=nordlicht).end(by=PORTAL)
    assert {str(row) for row in rows.all()} == {"same 0", "same 1"}


@pytest.mark.skipif(
    connection.vendor != "postgresql", reason="needs PostgreSQL, which plans by what it counted"
)
def test_many_rows_are_not_joined_as_if_they_were_few(crowd, helpdesk, hafen, monkeypatch):
    monkeypatch.setattr(bulk_rows, "MOST_SORTED", 5)
    preview = BulkAssignment.objects.start(all_of(*crowd.values()), by=helpdesk)
    with connection.cursor() as cursor:
        # As autovacuum may between two requests. That table has rows of no other outcome then.
        cursor.execute("ANALYZE subscriptions_bulkassignmentrow")
    preview.choose(hafen, by=helpdesk)
    to_change = preview.rows.to_change()
    [plan] = json.loads(to_change.explain(format="json"))
    assert plan["Plan"]["Plan Rows"] >= to_change.count() > 1
