"""The account of a customer: who works with it, DAP given up (R8), the relationship removed (R9)."""

import uuid

import pytest
from django.urls import reverse

from customers.models import Customer
from portal.authority import PORTAL
from portal.models import Action, User
from portal.permissions import Role
from relationships.models import Relationship
from tests.demo import ALBERS, GLOBAL, HAFEN, HELPDESK, MOEWE, OFFICE, SALES, clock_at
from tests.factories import MembershipFactory
from tests.pages import Page, followed, links, opened, signed_in, value
from tests.relationships.pages import NEW


def account(customer, name="detail"):
    return reverse(f"account:{name}", args=[customer.pk])


def test_the_account_says_who_the_customer_is(demo, albers):
    page = opened(HELPDESK, account(albers))
    assert page.heading == "Reederei Albers"
    assert page.facts == {
        "Primary domain": "albers.example",
        "Country": "Germany",
        "Address": "Am Sandtorkai 1220457 Hamburg",
        "Contact person": "Jonas Albersadmin@albers.example",
    }
    assert page.all_text("nav[@class='nav nav-tabs']/a") == ["Subscriptions", "Account"]
    [current] = [link for link in page.find("nav/a") if link.get("aria-current") == "page"]
    assert current.text == "Account"
    tabs = opened(HELPDESK, f"/customers/{albers.pk}/")
    assert links(tabs)["Account"] == account(albers)


@pytest.mark.parametrize(
    ("email", "partners"),
    [
        (
            HELPDESK,
            [("Nordlicht Distribution", "Yes"), ("Elbe Support", "No"), ("Hafen IT", "Yes")],
        ),
        (HAFEN, [("Hafen IT", "Yes"), ("Nordlicht Distribution", "Yes")]),
        (MOEWE, [("Möwe Systems", "Yes"), ("Südwind Cloud", "No")]),
        ("global@suedwind.example", [("Südwind Cloud", "No"), ("Möwe Systems", "Yes")]),
    ],
)
def test_T1_the_account_shows_the_partners_that_one_works_with(demo, albers, email, partners):
    page = opened(email, account(albers))
    assert [(row["Partner"], row["Delegated admin privileges"]) for row in page.table] == partners
    named = {name for name, dap in partners}
    for name in {"Nordlicht", "Südwind", "Möwe", "Hafen", "Elbe", "Kranich", "Brandt"}:
        assert (name in page.source) == any(name in one for one in named)


def test_T1_no_account_of_someone_else_s_customer(demo, nothing_written):
    huber = demo.customer("Weingut Huber")
    browser = signed_in(GLOBAL)
    with nothing_written():
        assert browser.get(account(huber)).status_code == 404
        for name in ("give_up_dap", "suspend", "remove"):
            assert browser.post(account(huber, name), {"all": "1"}).status_code == 404
    for path in ("/customers/x/account/", f"/customers/{uuid.UUID(int=0)}/account/"):
        assert browser.get(path).status_code == 404


def test_R8_a_partner_gives_up_dap_and_asks_for_it_again(demo, albers):
    office = demo.subscription("Reederei Albers", OFFICE)
    office.designate(demo.partner("Hafen IT"), by=demo.user(HELPDESK))
    page = opened(HAFEN, account(albers))
    assert "Your company has delegated admin privileges for this customer." in page.text
    with clock_at(4, 5):
        page = followed(signed_in(HAFEN).post(account(albers, "give_up_dap")))
    assert ("status", "Your company gave up its delegated admin privileges.") in page.alerts
    assert "The delegated admin privileges were removed on 5 April 2100." in page.text
    again = links(page)["Request delegated admin"]
    assert again == f"{NEW}?customer={albers.pk}"
    form = opened(HAFEN, again)
    assert value(form, "recipient_name") == "Reederei Albers"
    assert value(form, "recipient_email") == albers.contact_email
    office.refresh_from_db()
    assert office.support_contact.name == "Nordlicht Distribution"
    assert [row["Name"] for row in opened(HAFEN, "/customers/").table] == ["Reederei Albers"]


def test_T2_only_these_roles_give_up_dap_and_others_see_who_may(demo, albers, nothing_written):
    for email in (SALES, HELPDESK):
        page = opened(email, account(albers))
        assert account(albers, "give_up_dap") not in page.source
        assert "These roles may: Global admin, Admin agent." in page.text
        browser = signed_in(email)
        with nothing_written():
            answer = browser.post(account(albers, "give_up_dap"))
        assert answer.status_code == 403
        assert Page(answer).all_text("li") == ["Global admin", "Admin agent"]


def test_R9_what_blocks_the_removal_is_listed_and_the_action_inactive(
    demo, albers, nothing_written
):
    page = opened(GLOBAL, account(albers))
    assert page.all_text("ul[@class='blocking']/li/a") == ["Azure plan", OFFICE]
    [remove] = [one for one in page.find("button") if one.text == "Remove the relationship"]
    assert "disabled" in remove.attrib
    browser = signed_in(GLOBAL)
    with nothing_written():
        answer = browser.post(account(albers, "remove"))
    page = followed(answer)
    assert page.heading == "Reederei Albers"
    [(_role, text)] = page.alerts
    assert text == (
        "Suspend the active subscriptions that Nordlicht Distribution sold to Reederei Albers first."
    )


def test_R9_one_is_suspended_then_all_then_the_relationship_is_removed(demo, albers):
    browser = signed_in(GLOBAL)
    azure = demo.subscription("Reederei Albers", "Azure plan")
    page = followed(browser.post(account(albers, "suspend"), {"subscription": azure.pk}))
    assert ("status", "1 subscription was suspended.") in page.alerts
    assert page.all_text("ul[@class='blocking']/li/a") == [OFFICE]
    page = followed(browser.post(account(albers, "suspend"), {"all": "1"}))
    assert ("status", "1 subscription was suspended.") in page.alerts
    assert page.find("ul[@class='blocking']") == []
    answer = browser.post(account(albers, "remove"))
    [ended] = albers.relationships.exclude(ended_at=None)
    assert answer.url == reverse("relationships:notice", args=[ended.pk])
    assert "Reederei Albers" not in opened(GLOBAL, "/customers/").text
    opened(GLOBAL, account(albers), 404)
    # Others' are untouched, and so is the past.
    assert demo.subscription("Reederei Albers", "Dynamics 365 Sales").is_active
    assert demo.log(action=Action.RELATIONSHIP_ENDED, customer=albers)
    partners = opened(ALBERS, "/support/partners/").table
    assert "Nordlicht Distribution" not in [row["Partner"] for row in partners]


def test_R9_all_are_suspended_together(demo, albers):
    page = followed(signed_in(HELPDESK).post(account(albers, "suspend"), {"all": "1"}))
    assert ("status", "2 subscriptions were suspended.") in page.alerts


@pytest.mark.parametrize("choice", ["", "x", "\x00", uuid.UUID(int=0), "sold by another"])
def test_R9_only_what_blocks_is_suspended_there(demo, albers, choice, nothing_written):
    if choice == "sold by another":
        choice = demo.subscription("Reederei Albers", "Dynamics 365 Sales").pk
    browser = signed_in(GLOBAL)
    with nothing_written():
        answer = browser.post(account(albers, "suspend"), {"subscription": choice})
    page = followed(answer)
    assert [text for role, text in page.alerts] == ["Choose a subscription of the list."]


def test_R9_T2_only_a_global_admin_removes_and_others_see_who_may(demo, nothing_written):
    agent = MembershipFactory(partner=demo.partner("Elbe Support"), roles=[Role.ADMIN_AGENT]).user
    albers = demo.customer("Reederei Albers")
    page = opened(agent.email, account(albers))
    assert account(albers, "remove") not in page.source
    assert "These roles may: Global admin." in page.text
    browser = signed_in(agent.email)
    with nothing_written():
        answer = browser.post(account(albers, "remove"))
    assert answer.status_code == 403
    assert Page(answer).all_text("li") == ["Global admin"]


@pytest.mark.parametrize(
    ("country", "picked", "language", "sentence"),
    [
        ("DE", "", "de", "beendet"),
        ("DE", "en", "en", "ended its reseller relationship with your company."),
        ("FR", "", "en", "ended its reseller relationship with your company."),
        ("FR", "de", "de", "beendet"),
    ],
)
def test_R9_the_notice_speaks_the_customer_s_language(
    demo, albers, country, picked, language, sentence
):
    Customer.objects.filter(pk=albers.pk).update(country=country)
    User.objects.filter(email=ALBERS).update(language=picked)
    answer = signed_in("global@elbe.example").post(account(albers, "remove"))
    page = followed(answer)
    [letter] = page.find("article")
    assert letter.get("lang") == language
    for text in (
        *("Elbe Support", sentence),
        *("Reederei Albers", "Jonas Albers", "Am Sandtorkai 12", "20457 Hamburg"),
    ):
        assert text in " ".join(letter.itertext())


@pytest.mark.parametrize(
    ("language", "heading", "done"),
    [
        ("en", "Notice to the customer", "The relationship was removed."),
        ("de", "Mitteilung an den Kunden", "Die Beziehung wurde entfernt."),
    ],
)
@pytest.mark.parametrize("of_customer", ["en", "de"])
def test_R9_around_the_notice_page_and_message_speak_the_reader_s_language(
    demo, albers, language, heading, done, of_customer
):
    User.objects.filter(email=ALBERS).update(language=of_customer)
    User.objects.filter(email="global@elbe.example").update(language=language)
    page = followed(signed_in("global@elbe.example").post(account(albers, "remove")))
    assert (page.language, page.heading) == (language, heading)
    assert page.alerts == [("status", done)]
    assert [letter.get("lang") for letter in page.find("article")] == [of_customer]


def test_T1_the_notice_is_for_an_ended_relationship_of_ones_own(demo):
    active = demo.relationship("Reederei Albers", "Nordlicht Distribution")
    demo.relationship("Reederei Albers", "Elbe Support").end(by=PORTAL)
    foreign = Relationship.objects.get(
        partner__name="Elbe Support", customer__name="Reederei Albers"
    )
    for one in (active, foreign):
        opened(GLOBAL, reverse("relationships:notice", args=[one.pk]), 404)
    opened(GLOBAL, f"/relationships/{uuid.UUID(int=0)}/notice/", 404)


def test_T1_the_notice_tells_nothing_that_changed_after_the_end(demo, albers):
    answer = signed_in("global@elbe.example").post(account(albers, "remove"))
    moved = {"name": "Albers & Töchter", "contact_name": "Someone New", "street": "Elsewhere 1"}
    Customer.objects.filter(pk=albers.pk).update(**moved)
    page = Page(answer.client.get(answer.url))
    for text in moved.values():
        assert text not in page.text
