"""C10: the history of contacts, as each of its readers reads it."""

from datetime import UTC, datetime

from portal.models import Action, Actor
from subscriptions.models import SupportContactAssignment
from tests.demo import ALBERS, HAFEN, HELPDESK, OFFICE, clock_at
from tests.factories import MembershipFactory
from tests.pages import signed_in
from tests.subscriptions.pages import address, cost, opened, submit


def test_C10_the_history_says_who_when_by_whom_and_why(demo, office, hafen, nordlicht):
    added = office.created_at
    with clock_at(12, 24, 9, 5):
        submit(HELPDESK, office, hafen)
    with clock_at(12, 31, 23, 59):
        demo.relationship("Reederei Albers", "Hafen IT").remove_dap(by=demo.user(ALBERS))
    page = opened(HELPDESK, office, "history")
    assert page.heading == "History of support contacts"
    assert page.all_text("caption") == [f"Reederei Albers, {OFFICE}"]
    assert [list(row.values()) for row in page.table] == [
        [
            "Nordlicht Distribution",
            "31 December 2100, 23:59 UTC",
            "now",
            "Reederei Albers",
            "Delegated admin privileges removed",
        ],
        [
            "Hafen IT",
            "24 December 2100, 09:05 UTC",
            "31 December 2100, 23:59 UTC",
            f"Helpdesk agent, Nordlicht Distribution ({HELPDESK})",
            "Support contact designated",
        ],
        [
            "Nordlicht Distribution",
            page.table[2]["From"],
            "24 December 2100, 09:05 UTC",
            "the portal",
            "Subscription added",
        ],
    ]
    assert list(page.table[0]) == ["Support contact", "From", "To", "Changed by", "Reason"]
    times = [time.get("datetime") for time in page.find("tbody//time")]
    assert times[0] == "2100-12-31T23:59:00+00:00"
    assert times[-2] == added.isoformat()


def test_C10_outsiders_read_the_organisation_and_no_person(demo, office, hafen):
    submit(HELPDESK, office, hafen)
    page = opened(HAFEN, office, "history")
    assert [row["Changed by"] for row in page.table] == ["Nordlicht Distribution", "the portal"]
    assert "Helpdesk agent" not in page.source
    assert "Helpdesk agent" not in opened(HAFEN, office, "review").source
    assert "Helpdesk agent" not in opened(HAFEN, office).source


def test_C10_the_operator_is_no_person_either(demo, office, hafen):
    submit(HELPDESK, office, hafen)
    demo.relationship("Reederei Albers", "Hafen IT").remove_dap(
        by=demo.user("operator@portal.example")
    )
    page = opened(HELPDESK, office, "history")
    assert page.table[0]["Changed by"] == "The operator of the portal"


def test_C10_the_history_costs_the_same_with_1_row_and_with_20(demo):
    premium = demo.subscription("Praxis Dr. Yılmaz", "Microsoft 365 Business Premium")
    browser = signed_in("global@brandt.example")
    path = address(premium, "history")
    assert cost(browser, path) == (5, 1)
    premium.support_contact_history.update(ended_at=premium.created_at)
    for number in range(19):
        someone = MembershipFactory()
        SupportContactAssignment.objects.create(
            subscription=premium,
            partner=someone.partner,
            changed_by=Actor.objects.of(someone.user),
            reason=Action.SUPPORT_CONTACT_DESIGNATED,
            ended_at=None if number == 18 else datetime(2100, 1, 1, tzinfo=UTC),
        )
    assert cost(browser, path) == (5, 20)
