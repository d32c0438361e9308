"""Who acted, as they were called then: the log and the history say so whatever comes after."""

from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from portal.append_only import REFUSAL, broken_triggers
from portal.authority import PORTAL
from portal.backends import RoleBackend
from portal.models import Action, ActivityEntry, Actor, User
from tests.factories import UserFactory
from tests.pages import Page, read_csv, signed_in
from tests.races import ORDERS

HELPDESK = "helpdesk@nordlicht.example"
AGENT = "agent@nordlicht.example"
HAFEN = "global@hafen.example"
OPERATOR = "operator@portal.example"
CALLED = "Helpdesk agent, Nordlicht Distribution"


def act(demo, email, **more):
    """Something that this person does, for Nordlicht and Hafen IT to read."""
    customer = demo.customer("Reederei Albers")
    by = RoleBackend().get_user(demo.user(email).pk)
    partners = [demo.user(AGENT).organisation, demo.partner("Hafen IT")]
    customer.record(Action.CUSTOMER_CHANGED, by=by, partners=partners, **more)
    return demo.log()[-1]


def changed_by(reader):
    """Who changed what, from the first to the last, as the log shows it to ``reader``."""
    answer = signed_in(reader).get("/activity/", {"action": "customer.changed"})
    return [row["Changed by"] for row in reversed(Page(answer).table)]


def test_the_log_says_who_acted_as_they_were_called_then(demo):
    act(demo, HELPDESK)
    signed_in(HELPDESK).post("/settings/profile/", {"name": "Möwe Systems", "language": "en"})
    act(demo, HELPDESK)
    assert changed_by(AGENT) == [f"{CALLED} {HELPDESK}", f"Möwe Systems {HELPDESK}"]
    rows = read_csv(signed_in(AGENT).get("/activity/export/", {"action": "customer.changed"}))
    assert [row["Changed by"] for row in rows] == [
        f"Möwe Systems ({HELPDESK})",
        f"{CALLED} ({HELPDESK})",
    ]


def test_T1_others_read_the_organisation_as_it_was_called_then(demo):
    act(demo, HELPDESK)
    partner = demo.partner("Nordlicht Distribution")
    partner.name = "Nordlicht AG"
    partner.change(["name"], by=demo.user(OPERATOR))
    act(demo, HELPDESK)
    assert changed_by(HAFEN) == ["Nordlicht Distribution", "Nordlicht AG"]
    assert changed_by(AGENT) == [f"{CALLED} {HELPDESK}"] * 2


def test_the_history_says_who_changed_a_contact_as_they_were_called_then(demo):
    office = demo.subscription("Reederei Albers", "Office 365 Business Standard")
    office.designate(demo.partner("Hafen IT"), by=demo.user(HELPDESK))
    User.objects.filter(email=HELPDESK).update(name="Somebody Else", email="else@nordlicht.example")
    path = f"/customers/{office.customer_id}/subscriptions/{office.pk}/history/"
    [now, _first] = Page(signed_in(AGENT).get(path)).table
    assert now["Changed by"] == f"{CALLED} ({HELPDESK})"


def test_renaming_oneself_is_logged_under_the_former_name(demo):
    signed_in(HELPDESK).post("/settings/profile/", {"name": "Anna Berg", "language": ""})
    entry = demo.log()[-1]
    assert (entry.action, entry.subject) == (Action.USER_CHANGED, "Anna Berg")
    assert (entry.before, entry.after) == ({"name": CALLED}, {"name": "Anna Berg"})
    assert (entry.person, entry.actor.name) == (demo.user(HELPDESK), CALLED)


def test_saving_the_profile_as_it_is_logs_nothing(demo, nothing_written):
    browser = signed_in(HELPDESK)
    with nothing_written():
        browser.post("/settings/profile/", {"name": CALLED, "language": ""})


def test_an_operator_who_changes_name_and_email_is_logged(demo, admin_client):
    user = demo.user(HELPDESK)
    data = {"email": "new@nordlicht.example", "name": "Anna Berg", "language": ""}
    admin_client.post(f"/admin/portal/user/{user.pk}/change/", data)
    entry = demo.log()[-1]
    assert (entry.action, entry.person) == (Action.USER_CHANGED, demo.user(OPERATOR))
    assert entry.before == {"email": HELPDESK, "name": CALLED}
    assert entry.after == {"email": "new@nordlicht.example", "name": "Anna Berg"}


def test_there_is_one_row_for_each_person_and_each_change(demo):
    user = demo.user(HELPDESK)
    for name, organisation in (
        ("Anna", "Nordlicht Distribution"),
        ("Anna", "Nordlicht Distribution"),
        ("Berta", "Nordlicht Distribution"),
        ("Berta", "Nordlicht AG"),
        ("Anna", "Nordlicht AG"),
    ):
        User.objects.filter(pk=user.pk).update(name=name)
        type(user.organisation).objects.filter(pk=user.organisation.pk).update(name=organisation)
        act_as = demo.user(HELPDESK)
        demo.customer("Reederei Albers").record(Action.CUSTOMER_CHANGED, by=act_as, partners=[])
    rows = user.actors.order_by("number").values_list("number", "name", "organisation")
    assert list(rows) == [
        (1, "Anna", "Nordlicht Distribution"),
        (2, "Berta", "Nordlicht Distribution"),
        (3, "Berta", "Nordlicht AG"),
        (4, "Anna", "Nordlicht AG"),
    ]


def test_what_a_rolled_back_act_has_made_is_not_taken_for_there(demo):
    """The same object of a user goes on after an act that was refused."""
    by = demo.user(HELPDESK)
    customer = demo.customer("Reederei Albers")
    with transaction.atomic():
        customer.record(Action.CUSTOMER_CHANGED, by=by, partners=[])
        transaction.set_rollback(True)
    assert not by.actors.exists()
    customer.record(Action.CUSTOMER_CHANGED, by=by, partners=[])
    connection.check_constraints()
    assert demo.log()[-1].person == by


def test_an_entry_costs_no_query_for_who_acted(demo):
    """Who is signed in comes with the row that says so."""
    act(demo, HELPDESK)
    customer = demo.customer("Reederei Albers")
    costs = []
    for by in (PORTAL, RoleBackend().get_user(demo.user(HELPDESK).pk)):
        with CaptureQueriesContext(connection) as queries:
            customer.record(Action.CUSTOMER_CHANGED, by=by, partners=[])
        costs.append(len(queries))
    assert costs[0] == costs[1]


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("race", ORDERS)
def test_two_first_acts_at_once_make_one_row(demo, race):
    person = UserFactory(name="Anna Berg")

    def act():
        with transaction.atomic():
            return Actor.objects.of(User.objects.get(pk=person.pk)).pk

    one, other = race(act, act)
    assert (one.error, other.error) == (None, None)
    assert one.value == other.value == person.actors.get().pk


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("race", ORDERS)
def test_two_operators_who_change_each_other_wait_for_nobody_for_ever(demo, race):
    """Each locks the other's row, and would then wait for its own to be free."""
    people = [UserFactory(is_staff=True).pk for _number in range(2)]

    def rename(mine, other):
        by, user = User.objects.get(pk=mine), User.objects.get(pk=other)
        user.name = "Renamed"
        return user.change(["name"], by=by)

    for outcome in race(lambda: rename(*people), lambda: rename(*reversed(people))):
        assert (outcome.error, outcome.value) == (None, ["name"])


# Erasing a person (ADR 0012)


def erase(actors, **more):
    return actors.update(**{"erased_at": timezone.now(), "name": "", "email": "", **more})


def test_a_person_who_was_erased_stands_under_a_pseudonym(demo):
    act(demo, HELPDESK)
    user = demo.user(HELPDESK)
    assert erase(user.actors) == 1
    pseudonym = f"erased person {str(user.pk)[:8]}"
    assert changed_by(AGENT) == [pseudonym]
    assert changed_by(HAFEN) == ["Nordlicht Distribution"]
    assert str(user.actors.get()) == pseudonym
    act(demo, HELPDESK)
    assert changed_by(AGENT) == [pseudonym, f"{CALLED} {HELPDESK}"]


def test_nothing_but_name_and_email_goes_with_it_and_only_once(demo, nothing_written):
    act(demo, HELPDESK)
    actors = demo.user(HELPDESK).actors
    tries = [
        lambda: actors.update(name="", email=""),
        lambda: actors.update(name="Möwe Systems"),
        lambda: erase(actors, organisation=""),
        lambda: erase(actors, user=demo.user(AGENT)),
        lambda: erase(actors, as_of_update=True),
    ]
    with nothing_written():
        for attempt in tries:
            with pytest.raises(IntegrityError, match=REFUSAL), transaction.atomic():
                attempt()
        for other in ({"name": "Möwe Systems"}, {"email": HELPDESK}):
            with pytest.raises(IntegrityError), transaction.atomic():
                erase(actors, **other)
    erase(actors)
    with pytest.raises(IntegrityError, match=REFUSAL), transaction.atomic():
        erase(actors)


# The update of an installation


def test_older_entries_say_that_their_name_is_as_of_the_update(demo):
    user = demo.user(HELPDESK)
    old = Actor.objects.create(user=user, number=1, as_of_update=True, **Actor.described(user))
    entry = act(demo, HELPDESK)
    assert entry.actor != old
    ActivityEntry.objects.create(
        actor=old, action=Action.CUSTOMER_CHANGED, subject="x", subject_id=user.pk
    )
    assert str(old) == f"{CALLED} ({HELPDESK}, name as of the update)"
    reader = demo.user(HAFEN).membership
    assert str(old.seen_by(reader)) == "Nordlicht Distribution (name as of the update)"
    with translation.override("de"):
        assert str(old).endswith(", Name zur Zeit der Aktualisierung)")


BEFORE = [("portal", "0014_proved_addresses"), ("subscriptions", "0010_guard_every_key")]
LATER = [("portal", "0015_who_acted"), ("subscriptions", "0011_who_changed_contacts")]
AT = datetime(2026, 3, 1, tzinfo=UTC)


def fill(apps):
    """Two people of whom one has changed a contact, and an operator; all that the log then said."""
    model = apps.get_model
    nordlicht = model("portal", "Partner").objects.create(
        name="Nordlicht Distribution",
        type="provider",
        mpn_id="123456",
        country="DE",
        support_email="support@nordlicht.example",
        support_phone="+49 40 123456",
    )
    albers = model("customers", "Customer").objects.create(
        name="Reederei Albers", domain="albers.example", country="DE"
    )
    offer = model("subscriptions", "Offer").objects.create(name="Office", publisher="P")
    sold = model("subscriptions", "Subscription").objects.create(
        customer=albers,
        offer=offer,
        friendly_name="Office",
        seller=nordlicht,
        support_contact=nordlicht,
        started_on=AT.date(),
        quantity=1,
    )
    users = model("portal", "User").objects
    people = {
        name: users.create(name=name, email=f"{name.lower()}@nordlicht.example", password="!")
        for name in ("Anna", "Berta", "Clara", "Dora")
    }
    for name in ("Anna", "Berta", "Clara"):
        model("portal", "Membership").objects.create(user=people[name], partner=nordlicht)
    entries = model("portal", "ActivityEntry").objects
    for who in ("Anna", "Dora", None, "Anna"):
        entries.create(
            at=AT,
            actor=who and people[who],
            action="customer.changed",
            customer=albers,
            subject="Reederei Albers",
            subject_id=albers.pk,
        )
    history = model("subscriptions", "SupportContactAssignment").objects
    history.create(subscription=sold, started_at=AT, ended_at=AT, reason="subscription.added")
    history.create(
        subscription=sold,
        partner=nordlicht,
        started_at=AT,
        changed_by=people["Berta"],
        designated_for=nordlicht,
        reason="support_contact.designated",
    )


def test_the_update_names_those_who_acted_before_it(past):
    fill(past.migrate(*BEFORE))
    apps = past.migrate(*LATER)
    entries = apps.get_model("portal", "ActivityEntry").objects.order_by("pk")
    told = entries.values_list("actor__name", "actor__email", "actor__organisation")
    anna = ("Anna", "anna@nordlicht.example", "Nordlicht Distribution")
    dora = ("Dora", "dora@nordlicht.example", "")
    assert list(told) == [anna, dora, (None, None, None), anna]
    stretches = apps.get_model("subscriptions", "SupportContactAssignment").objects.order_by("pk")
    assert [row.changed_by and row.changed_by.name for row in stretches] == [None, "Berta"]
    actors = apps.get_model("portal", "Actor").objects.order_by("name")
    assert [(row.name, row.number, row.as_of_update) for row in actors] == [
        ("Anna", 1, True),
        ("Berta", 1, True),
        ("Dora", 1, True),
    ]
    assert not apps.get_model("portal", "User").objects.exclude(actor=None).exists()
    with pytest.raises(IntegrityError, match=REFUSAL):
        entries.update(reason="x")


def test_the_update_can_be_taken_back(past):
    fill(past.migrate(*BEFORE))
    past.migrate(*LATER)
    apps = past.migrate(*BEFORE)
    entries = apps.get_model("portal", "ActivityEntry").objects.order_by("pk")
    assert list(entries.values_list("actor__name", flat=True)) == ["Anna", "Dora", None, "Anna"]
    with pytest.raises(IntegrityError, match=REFUSAL):
        entries.update(reason="x")


def test_after_an_update_the_triggers_are_those_of_a_new_installation(past):
    fill(past.migrate(*BEFORE))
    past.migrate()
    assert broken_triggers() == []
