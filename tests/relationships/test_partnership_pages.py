"""R10: the lists of resellers and of providers, inviting, authorizing and ending."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from portal.permissions import Role
from relationships.models import RelationshipRequest, RequestKind
from tests.demo import AGENT, ALBERS, GLOBAL, HAFEN, HELPDESK, MOEWE, OFFICE, OPERATOR, SALES
from tests.factories import (
    MembershipFactory,
    PartnerFactory,
    PartnershipFactory,
    RelationshipFactory,
)
from tests.pages import ODD, Page, errors, followed, links, opened, signed_in, value
from tests.relationships.pages import FIRM, page_of

NOT_ALLOWED = "Not allowed"


def test_R10_both_lists_name_the_other_side(demo):
    page = opened(GLOBAL, "/relationships/resellers/")
    assert page.heading == "Indirect resellers"
    assert [row["Partner"] for row in page.table] == [
        "Elbe Support",
        "Hafen IT",
        "Kranich Consulting",
    ]
    assert page.table[0]["MPN ID"] == "5200200"
    page = opened(HAFEN, "/relationships/providers/")
    assert page.heading == "Indirect providers"
    assert [row["Partner"] for row in page.table] == ["Nordlicht Distribution"]
    page = opened("global@pacific.example", "/relationships/providers/")
    assert "Your company works with no indirect provider yet." in page.text


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("elbe", ["Elbe Support"]),
        ("5200100", ["Hafen IT"]),
        ("it hafen", ["Hafen IT"]),
        ("möwe", []),
        ("hafen elbe", []),
    ],
)
def test_a_list_of_partners_is_searched_by_name_and_number(demo, words, found):
    page = opened(GLOBAL, f"/relationships/resellers/?q={words}")
    if found:
        assert [row["Partner"] for row in page.table] == found
    else:
        assert f"No partner found for “{words}”." in page.text
        assert "Check the spelling" in page.text


def test_many_resellers_stand_on_pages(demo):
    nordlicht = demo.partner("Nordlicht Distribution")
    for number in range(60):
        reseller = PartnerFactory(name=f"Systemhaus {number:02}", reseller=True)
        PartnershipFactory(provider=nordlicht, reseller=reseller)
    path, seen = "/relationships/resellers/", []
    while path:
        page = opened(GLOBAL, path)
        assert page.all_text("caption") == ["63 partnerships"]
        seen += [row["Partner"] for row in page.table]
        following = [link.get("href") for link in page.find("a") if link.get("rel") == "next"]
        path = following[0] and f"/relationships/resellers/{following[0]}" if following else None
    assert len(seen) == 63
    assert seen == sorted(seen)


def test_open_invitations_are_the_newest_and_lead_on_to_the_others(demo):
    for number in range(12):
        RelationshipRequest.objects.ask(
            by=demo.user(GLOBAL),
            kind=RequestKind.RESELLER,
            with_dap=False,
            recipient_name=f"Systemhaus {number:02}",
            recipient_email=f"a@{number:02}.example",
            language="en",
        )
    shown = links(opened(GLOBAL, "/relationships/resellers/"))
    assert [name for name in shown if name.startswith("Systemhaus")] == [
        f"Systemhaus {number:02}" for number in range(11, 1, -1)
    ]
    assert shown["All requests"] == "/relationships/requests/"


@pytest.mark.parametrize(
    ("path", "email", "type_"),
    [
        ("/relationships/resellers/", HAFEN, "Indirect provider"),
        ("/relationships/resellers/", "global@brandt.example", "Indirect provider"),
        ("/relationships/resellers/invite/", HAFEN, "Indirect provider"),
        ("/relationships/providers/", GLOBAL, "Indirect reseller"),
        ("/relationships/providers/", "global@brandt.example", "Indirect reseller"),
    ],
)
def test_T2_the_lists_are_for_one_type_of_partner(demo, path, email, type_):
    page = opened(email, path, 403)
    assert page.heading == NOT_ALLOWED
    assert f"This page is for companies of the type “{type_}”." in page.text


def test_R10_a_provider_invites_and_the_reseller_authorizes(demo, nothing_written):
    browser = signed_in(SALES)
    data = {"recipient_name": "Möwe Systems", "recipient_email": MOEWE, "language": "en"}
    page = followed(browser.post("/relationships/resellers/invite/", data))
    made = RelationshipRequest.objects.get()
    assert page.facts["Kind"] == "Partnership"
    assert "tick the box" in value(page, "text")
    assert "Delegated admin privileges" not in page.facts
    page = opened(GLOBAL, "/relationships/resellers/")
    assert links(page)["Möwe Systems"] == page_of(made)

    browser = signed_in(MOEWE)
    page = Page(browser.get(made.path))
    assert "You answer in the name of Möwe Systems." in page.text
    assert "Either of you can end the partnership at any time." in page.text
    assert page.all_text("button") == ["Authorize", "Decline"]
    with nothing_written():
        answer = browser.post(made.path + "accept/")
    assert answer.status_code == 200
    assert errors(Page(answer), "agrees") == ["Tick the box to authorize."]
    page = followed(browser.post(made.path + "accept/", {"agrees": "on"}))
    assert page.heading == "Indirect providers"
    assert [row["Partner"] for row in page.table] == ["Nordlicht Distribution", "Südwind Cloud"]
    page = opened(GLOBAL, "/relationships/resellers/")
    assert "Möwe Systems" in [row["Partner"] for row in page.table]
    assert "Open invitations" not in page.text
    assert Client().get(made.path).status_code == 410


@pytest.mark.parametrize(
    "email", ["global@elbe.example", "global@suedwind.example", GLOBAL, ALBERS, OPERATOR]
)
def test_R10_nobody_else_authorizes(invite, email, nothing_written):
    made = invite()
    page = opened(email, made.path)
    assert page.all_text("button")[-1] == "Sign out and switch"
    assert "Authorize" not in page.all_text("button")
    is_other_reseller = email == "global@elbe.example"
    assert ("Only a Global admin of the indirect reseller" in page.text) != is_other_reseller
    browser = signed_in(email)
    with nothing_written():
        assert browser.post(made.path + "accept/", {"agrees": "on"}).url == made.path


def test_R10_only_a_global_admin_of_the_reseller_authorizes(demo, invite, nothing_written):
    made = invite()
    agent = MembershipFactory(partner=demo.partner("Möwe Systems"), roles=[Role.ADMIN_AGENT]).user
    browser = signed_in(agent.email)
    assert Page(browser.get(made.path)).all_text("button") == ["Sign out and switch"]
    with nothing_written():
        browser.post(made.path + "accept/", {"agrees": "on"})


def test_R10_a_partnership_that_is_there_already_is_not_invited_again(demo, nothing_written):
    data = {"recipient_name": "Hafen", "recipient_email": HAFEN, "language": "de"}
    with nothing_written():
        answer = signed_in(GLOBAL).post("/relationships/resellers/invite/", data)
    assert answer.status_code == 200
    assert "You already have a partnership with Hafen IT." in Page(answer).text


@pytest.mark.parametrize("kind", ODD)
@pytest.mark.parametrize("field", ["recipient_name", "recipient_email", "language"])
def test_no_invitation_is_an_error_of_the_server(demo, field, kind):
    browser = signed_in(GLOBAL)
    answer = browser.post("/relationships/resellers/invite/", FIRM | {field: ODD[kind]})
    if answer.status_code == 200:
        assert errors(Page(answer), field)
    else:
        assert b"<script>alert" not in browser.get(answer.url).content
        assert b"<script>alert" not in browser.get("/relationships/resellers/").content


@pytest.mark.parametrize(
    ("email", "path"),
    [(GLOBAL, "/relationships/resellers/"), (HAFEN, "/relationships/providers/")],
)
def test_R10_either_side_ends_it_and_the_contact_falls_back(demo, email, path):
    office = demo.subscription("Reederei Albers", OFFICE)
    office.designate(demo.partner("Hafen IT"), by=demo.user(HELPDESK))
    relationship = demo.relationship("Reederei Albers", "Hafen IT")
    end = reverse(
        "relationships:partnership_end",
        args=[demo.partnership("Nordlicht Distribution", "Hafen IT").pk],
    )
    page = opened(email, path)
    assert end in [form.get("action") for form in page.find("form[@data-question]")]
    page = opened(email, end)
    assert "Customers, relationships and delegated admin privileges stay as they are." in page.text
    page = followed(signed_in(email).post(end))
    assert ("status", "The partnership was ended.") in page.alerts
    office.refresh_from_db()
    assert office.support_contact.name == "Nordlicht Distribution"
    relationship.refresh_from_db()
    assert relationship.has_dap
    assert relationship.ended_at is None
    assert opened(HAFEN, "/relationships/providers/").table == []


def test_T2_only_a_global_admin_ends_a_partnership_and_others_see_who_may(demo, nothing_written):
    end = reverse(
        "relationships:partnership_end",
        args=[demo.partnership("Nordlicht Distribution", "Hafen IT").pk],
    )
    for email in (AGENT, SALES, HELPDESK):
        page = opened(email, "/relationships/resellers/")
        assert [one.get("disabled") for one in page.find("td/button")] == ["", "", ""]
        assert "These roles may: Global admin." in page.text
        browser = signed_in(email)
        with nothing_written():
            answer = browser.post(end)
        assert answer.status_code == 403
        assert Page(answer).all_text("li") == ["Global admin"]
    assert (
        "Invite an indirect reseller" in links(opened(HELPDESK, "/relationships/resellers/"))
    ) == 0
    opened(HELPDESK, "/relationships/resellers/invite/", 403)


def test_T1_a_partnership_of_others_does_not_exist(demo, nothing_written):
    end = reverse(
        "relationships:partnership_end",
        args=[demo.partnership("Südwind Cloud", "Möwe Systems").pk],
    )
    browser = signed_in(GLOBAL)
    with nothing_written():
        assert browser.post(end).status_code == 404


@pytest.mark.parametrize("path", ["/relationships/resellers/", "/support/partners/"])
def test_the_lists_cost_the_same_with_few_rows_and_with_many(demo, albers, path):
    nordlicht, costs = demo.partner("Nordlicht Distribution"), []
    browser = signed_in(GLOBAL if "resellers" in path else ALBERS)
    browser.get(path)
    for more in (0, 20):
        for _ in range(more):
            reseller = PartnerFactory(reseller=True)
            PartnershipFactory(provider=nordlicht, reseller=reseller)
            RelationshipFactory(partner=reseller, customer=albers)
        with CaptureQueriesContext(connection) as queries:
            browser.get(path)
        costs.append(len(queries))
    assert costs[0] == costs[1]
