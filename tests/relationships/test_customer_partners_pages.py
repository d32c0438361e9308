"""What the customer sees of its partners: who has DAP (R8), and who asks (R6)."""

import uuid

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from portal.authority import PORTAL
from portal.models import ProofMethod
from relationships.models import Relationship
from tests.demo import ALBERS, GLOBAL, HAFEN, HELPDESK, KRANICH, OFFICE, PETERSEN, clock_at
from tests.pages import Page, followed, links, opened, signed_in

WAITING = "section[@aria-labelledby='waiting-heading']"


def remove_dap(relationship):
    return reverse("support_partners:remove_dap", args=[relationship.pk])


def test_R8_the_customer_sees_all_its_partners_and_who_has_dap(demo):
    page = opened(ALBERS, "/support/partners/")
    assert page.heading == "Partner relationships"
    assert [
        (row["Partner"], row["Type"], row["Delegated admin privileges"]) for row in page.table
    ] == [
        ("Elbe Support", "Indirect reseller", "No"),
        ("Hafen IT", "Indirect reseller", "Yes"),
        ("Möwe Systems", "Indirect reseller", "Yes"),
        ("Nordlicht Distribution", "Indirect provider", "Yes"),
        ("Südwind Cloud", "Indirect provider", "No"),
    ]
    asking = [one.get("action") for one in page.find("form[@data-question]")]
    assert asking == [
        remove_dap(demo.relationship("Reederei Albers", name))
        for name in ("Hafen IT", "Möwe Systems", "Nordlicht Distribution")
    ]


def test_R8_the_customer_removes_dap_and_the_relationship_stays(demo, albers):
    office = demo.subscription("Reederei Albers", OFFICE)
    office.designate(demo.partner("Hafen IT"), by=demo.user(HELPDESK))
    relationship = demo.relationship("Reederei Albers", "Hafen IT")
    page = opened(ALBERS, remove_dap(relationship))
    assert page.heading == "Remove the delegated admin privileges of Hafen IT?"
    assert "It answers for 1 of your products, which goes to Nordlicht Distribution." in page.text
    with clock_at(9, 9):
        page = followed(signed_in(ALBERS).post(remove_dap(relationship)))
    assert ("status", "The delegated admin privileges were removed.") in page.alerts
    rows = {row["Partner"]: row["Delegated admin privileges"] for row in page.table}
    assert rows["Hafen IT"] == "No, removed on 9 September 2100"
    office.refresh_from_db()
    assert office.support_contact.name == "Nordlicht Distribution"
    assert [row["Name"] for row in opened(HAFEN, "/customers/").table] == ["Reederei Albers"]


def test_T1_a_relationship_of_another_customer_does_not_exist(demo, nothing_written):
    browser = signed_in(ALBERS)
    demo.relationship("Reederei Albers", "Hafen IT").end(by=PORTAL)
    ended = Relationship.objects.get(partner__name="Hafen IT", customer__name="Reederei Albers")
    with nothing_written():
        for one in (demo.relationship("Backhaus Petersen", "Elbe Support"), ended):
            assert browser.post(remove_dap(one)).status_code == 404
        path = reverse("support_partners:remove_dap", args=[uuid.UUID(int=0)])
        assert browser.post(path).status_code == 404
    opened(GLOBAL, "/support/partners/", 403)


def test_requests_that_wait_stand_at_the_customer_s_partners(demo, ask):
    dead = ask()
    dead.withdraw(by=demo.user(KRANICH))
    made = ask()
    ask(KRANICH, "Backhaus", PETERSEN)
    page = opened(ALBERS, "/support/partners/")
    [waiting] = page.all_text("section/ul/li")
    assert waiting.startswith("Kranich Consulting")
    assert links(page)["Answer"] == made.path
    assert opened("admin@huber.example", "/support/partners/").find(WAITING) == []


def test_a_request_whose_link_is_dead_does_not_wait(demo, ask):
    ask()
    demo.partner("Kranich Consulting").deactivate(by=PORTAL)
    assert opened(ALBERS, "/support/partners/").find(WAITING) == []


def test_R6_requests_that_wait_are_told_on_the_customer_s_first_page(demo, ask):
    assert opened(ALBERS, "/support/").find(WAITING) == []
    made = ask()
    page = opened(ALBERS, "/support/")
    assert page.all_text(WAITING) == [
        "Requests that wait for your answer Kranich Consulting: Answer"
    ]
    assert links(page)["Answer"] == "/support/partners/"
    assert opened(ALBERS, "/support/?print=1").find(WAITING) == []
    assert opened(PETERSEN, "/support/").find(WAITING) == []
    made.withdraw(by=demo.user(KRANICH))
    assert opened(ALBERS, "/support/").find(WAITING) == []


def test_who_asks_is_named_once_however_many_requests_wait(demo, ask):
    browser = signed_in(ALBERS)
    browser.get("/support/")
    costs = []
    for address in (ALBERS, "it@albers.example"):
        demo.user(ALBERS).prove(address, how=ProofMethod.CONFIRMATION)
        ask(address=address)
        with CaptureQueriesContext(connection) as queries:
            page = Page(browser.get("/support/"))
        costs.append(len(queries))
        assert page.all_text(f"{WAITING}/p") == ["Kranich Consulting: Answer"]
    assert costs[0] == costs[1]
