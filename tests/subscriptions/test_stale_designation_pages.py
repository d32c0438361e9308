"""C8: what somebody else changed meanwhile is told, and not overwritten."""

from datetime import UTC, datetime

import pytest

from tests.demo import ALBERS, GLOBAL, HELPDESK
from tests.pages import Page
from tests.subscriptions.pages import address, contact, opened, submit


def test_C8_what_another_changed_is_not_overwritten(
    office, hafen, nordlicht, nothing_written, time_machine
):
    seen = opened(HELPDESK, office).hidden("seen")
    time_machine.move_to(datetime(2100, 12, 24, 9, 5, tzinfo=UTC), tick=False)
    submit(GLOBAL, office, hafen, seen=seen)
    with nothing_written():
        answer = submit(HELPDESK, office, nordlicht, seen=seen)
    assert answer.status_code == 409
    assert contact(office) == "Hafen IT"
    page = Page(answer)
    [(role, text)] = page.alerts
    assert role == "alert"
    assert text.startswith(
        f"Global admin, Nordlicht Distribution ({GLOBAL}) changed the support contact since you "
        "opened this page. Nothing was overwritten."
    )
    assert page.facts["When"] == "24 December 2100, 09:05 UTC"
    assert page.facts["Designated support contact now"] == "Hafen IT"
    assert page.facts["Reason"] == "Support contact designated"
    # The page offers to choose again, from what is now.
    assert [link.get("href") for link in page.find("a") if link.text == "Choose again"] == [
        "#id_support_contact"
    ]
    assert page.chosen == "Hafen IT"
    answer = submit(HELPDESK, office, nordlicht, seen=page.hidden("seen"))
    assert answer.url == address(office, "review")
    assert contact(office) == "Nordlicht Distribution"


def test_C8_the_same_choice_as_the_other_s_is_told_too(office, hafen):
    seen = opened(HELPDESK, office).hidden("seen")
    submit(GLOBAL, office, hafen, seen=seen)
    assert submit(HELPDESK, office, hafen, seen=seen).status_code == 409


def test_C8_a_change_there_and_back_is_a_change(office, hafen, nordlicht):
    seen = opened(HELPDESK, office).hidden("seen")
    submit(GLOBAL, office, hafen)
    submit(GLOBAL, office, nordlicht)
    assert submit(HELPDESK, office, hafen, seen=seen).status_code == 409
    assert contact(office) == "Nordlicht Distribution"


def test_C8_the_customer_s_change_is_told_without_the_person(demo, office, hafen, nordlicht):
    submit(GLOBAL, office, hafen)
    seen = opened(HELPDESK, office).hidden("seen")
    demo.relationship("Reederei Albers", "Hafen IT").remove_dap(by=demo.user(ALBERS))
    answer = submit(HELPDESK, office, hafen, seen=seen)
    # Hafen can't be chosen any more, so the page says that at the field.
    assert answer.status_code == 200
    answer = submit(HELPDESK, office, nordlicht, seen=seen)
    assert answer.status_code == 409
    page = Page(answer)
    assert "Reederei Albers changed the support contact" in page.text
    assert "Jonas Albers" not in page.text
    assert page.facts["Reason"] == "Delegated admin privileges removed"


@pytest.mark.parametrize(
    "seen", ["x", "1.5", "-1", "0", "9" * 30, "9" * 5000, "\x00", "1" * 300_000]
)
def test_C8_a_mark_that_was_made_up_overwrites_nothing(office, hafen, nothing_written, seen):
    with nothing_written():
        answer = submit(HELPDESK, office, hafen, seen=seen)
    assert answer.status_code in (200, 409)
    assert Page(answer).alerts
