"""R5: the list of a partner's requests, by whom, to whom, in which status."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.demo import AGENT, GLOBAL, HAFEN, HELPDESK, KRANICH, SALES, clock_at
from tests.pages import links, opened, signed_in
from tests.relationships.pages import FIRM, NEW, REQUESTS, page_of


def test_R5_the_list_says_by_whom_to_whom_what_status_and_when(demo, ask):
    with clock_at(1, 1):
        ask(GLOBAL, "Expired AG", "a@expired.example", with_dap=False)
    with clock_at(6, 1):
        provider = demo.partner("Nordlicht Distribution")
        joint = ask(HAFEN, "Joint AG", "a@joint.example", provider=provider)
        ask(GLOBAL, "Open AG", "a@open.example")
        withdrawn = ask(SALES, "Withdrawn AG", "a@withdrawn.example", with_dap=False)
    with clock_at(6, 2):
        withdrawn.withdraw(by=demo.user(GLOBAL))
        declined = ask(GLOBAL, "Praxis", "admin@yilmaz.example")
    with clock_at(6, 3):
        declined.decline(by=demo.user("admin@yilmaz.example"), reason="We have <one>.")
        page = opened(HELPDESK, REQUESTS)
        hafen = opened(HAFEN, REQUESTS)
    rows = {row["To"]: row for row in page.table}
    assert next(iter(rows)) == "Praxisadmin@yilmaz.example"
    assert rows["Praxisadmin@yilmaz.example"] == {
        "To": "Praxisadmin@yilmaz.example",
        "Kind": "Reseller relationship",
        "Delegated admin privileges": "Yes",
        "Status": "Declined We have <one>.",
        "Created": "2 June 2100Global admin, Nordlicht Distribution",
        "Open until": "31 August 2100",
        "Closed": "3 June 2100Dr. Elif Yılmaz for Praxis Dr. Yılmaz",
    }
    assert {to.partition("@")[0]: row["Status"] for to, row in rows.items()} == {
        "Praxisadmin": "Declined We have <one>.",
        "Withdrawn AGa": "Withdrawn",
        "Open AGa": "Open",
        "Expired AGa": "Expired",
    }
    assert rows["Expired AGa@expired.example"]["Delegated admin privileges"] == "No"
    assert [row["Kind"] for row in hafen.table] == [
        "Reseller relationship (with Nordlicht Distribution)"
    ]
    assert links(hafen)["Joint AG"] == page_of(joint)


def test_the_list_is_searched_and_empty_it_says_what_to_do(demo, ask):
    assert "Your company has not requested a relationship yet." in opened(KRANICH, REQUESTS).text
    ask(KRANICH, "Werft & Co", "a@one.example")
    ask(KRANICH, "Other", "a@two.example")
    assert len(opened(KRANICH, REQUESTS + "?q=werft").table) == 1
    assert len(opened(KRANICH, REQUESTS + "?q=TWO.example").table) == 1
    page = opened(KRANICH, REQUESTS + "?q=<nothing>")
    assert "No request found for “<nothing>”." in page.text
    for query in ("?q=%00", "?q=" + "x" * 5000, "?page=%00", "?q=%ED%A0%80"):
        opened(KRANICH, REQUESTS + query)


@pytest.mark.parametrize(("email", "may"), [(GLOBAL, 1), (AGENT, 1), (SALES, 1), (HELPDESK, 0)])
def test_T2_only_who_may_ask_is_offered_to(demo, email, may):
    assert ("Request a relationship" in links(opened(email, REQUESTS))) == bool(may)


def test_T2_a_helpdesk_agent_may_not_ask_at_all(demo, nothing_written):
    page = opened(HELPDESK, NEW, 403)
    assert page.all_text("li") == ["Global admin", "Admin agent", "Sales agent"]
    with nothing_written():
        assert signed_in(HELPDESK).post(NEW, FIRM).status_code == 403


def test_the_list_costs_the_same_with_1_row_and_with_20(demo, ask):
    browser, costs = signed_in(KRANICH), []
    for more in (1, 19):
        for number in range(more):
            ask(KRANICH, "Firm", f"a@firm-{more}-{number}.example")
        with CaptureQueriesContext(connection) as queries:
            browser.get(REQUESTS)
        costs.append(len(queries))
    assert costs[0] == costs[1]
