"""Questions name their object, say in numbers what follows, and ask on a page of their own."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from portal.authority import PORTAL
from portal.models import Action, ProofMethod
from relationships.models import Relationship, RelationshipRequest, RequestStatus
from subscriptions.models import Subscription
from tests.factories import (
    CustomerFactory,
    PartnerFactory,
    PartnershipFactory,
    RelationshipFactory,
    RelationshipRequestFactory,
    SubscriptionFactory,
)
from tests.pages import Page, read_csv, signed_in

GLOBAL = "global@nordlicht.example"
AGENT = "agent@nordlicht.example"
HELPDESK = "helpdesk@nordlicht.example"
HAFEN = "global@hafen.example"
MOEWE = "global@moewe.example"
ALBERS = "admin@albers.example"
HUBER = "admin@huber.example"
OFFICE = "Office 365 Business Standard"
STAYS = "Customers, relationships and delegated admin privileges stay as they are."
LEAVES = (
    "The customer leaves your list, delegated admin privileges end, and your company can no longer sell to"
    " it or be its support contact. What happened stays readable in the activity log."
)


def asked(email, path, status=200, **headers):
    answer = signed_in(email, **headers).get(path)
    assert answer.status_code == status
    return Page(answer)


def sentences(page):
    return page.all_text("div[@id='question-text']/p")


def beside(page):
    """The links beside the question, by their words."""
    [links] = page.find("p[@class='question-lists']")
    return {"".join(one.itertext()): one.get("href") for one in links.findall("a")}


def end_of(partnership):
    return reverse("relationships:partnership_end", args=[partnership.pk])


def listed(email, path):
    """The subscriptions of a list, or of its export."""
    answer = signed_in(email).get(path)
    assert answer.status_code == 200
    if answer["Content-Type"].startswith("text/csv"):
        return sorted(
            (row["Subscription"], row["Support contact after"]) for row in read_csv(answer)
        )
    return sorted((row["Subscription"], row["Support contact after"]) for row in Page(answer).table)


@pytest.fixture
def partnership(demo):
    """Hafen IT answers for three subscriptions of two customers that Nordlicht sold, and for one that was
    bought elsewhere and that Nordlicht gave to it.

    What else it answers for has nothing to do with the two: what Südwind sold, and what Möwe Systems gave
    to it. Of what Nordlicht sold, one stands at a customer that Nordlicht has lost.
    """
    nordlicht, hafen = demo.partner("Nordlicht Distribution"), demo.partner("Hafen IT")
    suedwind, albers = demo.partner("Südwind Cloud"), demo.customer("Reederei Albers")
    PartnershipFactory(provider=suedwind, reseller=hafen)
    werft, lost = CustomerFactory(name="Werft"), CustomerFactory(name="CANARY Lost")
    for customer in (werft, lost):
        for partner in (nordlicht, hafen, suedwind):
            RelationshipFactory(customer=customer, partner=partner)
    first = SubscriptionFactory(customer=werft, seller=nordlicht, friendly_name="First")
    second = SubscriptionFactory(customer=werft, seller=nordlicht, friendly_name="Second")
    foreign = SubscriptionFactory(customer=werft, seller=suedwind, friendly_name="CANARY Foreign")
    hidden = SubscriptionFactory(customer=lost, seller=nordlicht, friendly_name="CANARY Hidden")
    office = demo.subscription("Reederei Albers", OFFICE)
    elsewhere = SubscriptionFactory(customer=albers, seller=None, friendly_name="Elsewhere")
    for one in (first, second, hidden, office, elsewhere):
        one.designate(hafen, by=demo.user(GLOBAL))
    foreign.designate(hafen, by=demo.user("global@suedwind.example"))
    own = SubscriptionFactory(customer=albers, seller=None, friendly_name="CANARY Own")
    own.designate(hafen, by=demo.user(HAFEN))
    hidden.suspend(by=demo.user(GLOBAL))
    Relationship.objects.get(partner=nordlicht, customer=lost).end(by=PORTAL)
    return demo.partnership("Nordlicht Distribution", "Hafen IT")


@pytest.fixture
def joint(demo, partnership):
    """Three open joint requests; others are over, of one of the two alone, or with another provider."""
    hafen = {"partner": partnership.reseller}
    both = [RelationshipRequestFactory(**hafen, provider=partnership.provider) for _ in range(3)]
    RelationshipRequestFactory(**hafen)
    RelationshipRequestFactory(partner=partnership.provider)
    RelationshipRequestFactory(**hafen, provider=demo.partner("Südwind Cloud"))
    RelationshipRequestFactory(
        **hafen, provider=partnership.provider, expires_at=timezone.now() - timedelta(1)
    )
    return both


# The end of a partnership


def test_R10_the_provider_reads_what_comes_back_to_it(demo, partnership, joint, nothing_written):
    browser = signed_in(GLOBAL)
    with nothing_written():
        page = Page(browser.get(end_of(partnership)))
    assert page.heading == "End the partnership with Hafen IT?"
    assert sentences(page) == [
        "It answers for 4 subscriptions of 2 customers: 3 go to you, for 1 no partner is designated then.",
        "3 requests end: they ask for both of you together.",
        STAYS,
    ]
    assert "CANARY" not in page.source


def test_R10_the_reseller_reads_what_it_loses(demo, partnership, joint):
    page = asked(HAFEN, end_of(partnership))
    assert page.heading == "End the partnership with Nordlicht Distribution?"
    assert sentences(page)[:2] == [
        "Your company answers for 5 subscriptions of 3 customers: 4 go to Nordlicht Distribution, for 1 no"
        " partner is designated then.",
        "3 requests end: they ask for both of you together.",
    ]


def test_the_question_is_asked_in_german(demo, partnership, joint):
    page = asked(GLOBAL, end_of(partnership), **{"accept-language": "de"})
    assert page.heading == "Partnerschaft mit Hafen IT beenden?"
    assert sentences(page)[:2] == [
        "Er ist für 4 Abonnements von 2 Kunden zuständig: 3 gehen an Sie, für 1 ist danach kein Partner"
        " festgelegt.",
        "3 Anfragen enden: Sie sind für beide Unternehmen gemeinsam gestellt.",
    ]


def test_where_all_go_to_one_it_is_one_sentence(demo):
    partnership = demo.partnership("Nordlicht Distribution", "Hafen IT")
    demo.subscription("Reederei Albers", OFFICE).designate(
        partnership.reseller, by=demo.user(GLOBAL)
    )
    expected = "It answers for 1 subscription of 1 customer, which goes to you."
    assert sentences(asked(GLOBAL, end_of(partnership))) == [expected, STAYS]


def test_where_nothing_follows_there_is_no_list(demo):
    page = asked(GLOBAL, end_of(demo.partnership("Nordlicht Distribution", "Kranich Consulting")))
    assert sentences(page) == ["No support contact changes.", STAYS]
    assert page.find("p[@class='question-lists']") == []


@pytest.mark.parametrize(
    ("email", "names"),
    [
        (GLOBAL, ["Elsewhere", "First", OFFICE, "Second"]),
        (HAFEN, ["CANARY Hidden", "Elsewhere", "First", OFFICE, "Second"]),
    ],
)
def test_T1_list_and_export_have_just_what_is_counted(demo, partnership, email, names):
    links = beside(asked(email, end_of(partnership)))
    after = {"Elsewhere": "No partner designated"}
    expected = [(name, after.get(name, "Nordlicht Distribution")) for name in names]
    for words in ("Show them in a list", "Export (CSV)"):
        assert listed(email, links[words]) == sorted(expected)
    # Whoever has no part in it finds neither.
    for path in links.values():
        assert signed_in(MOEWE).get(path).status_code == 404
        assert signed_in(ALBERS).get(path).status_code == 403


def test_what_was_said_is_what_happens(demo, partnership, joint):
    before = {one.pk for one in Subscription.objects.filter(support_contact=partnership.reseller)}
    assert signed_in(GLOBAL).post(end_of(partnership)).status_code == 302
    fallen = Subscription.objects.filter(pk__in=before).exclude(
        support_contact=partnership.reseller
    )
    # The four that the provider sees, and the one that is not its own any more.
    assert fallen.filter(support_contact=F("seller")).count() == 4
    assert fallen.filter(support_contact=None).count() == 1


def test_R12_joint_requests_end_with_the_partnership(demo, partnership, joint):
    others = RelationshipRequest.objects.exclude(pk__in=[one.pk for one in joint])
    others_before = list(others.order_by("pk").values())
    partnership.end(by=demo.user(GLOBAL))
    for one in joint:
        one.refresh_from_db()
        assert one.state == RequestStatus.WITHDRAWN
    assert list(others.order_by("pk").values()) == others_before
    entries = demo.log(action=Action.REQUEST_WITHDRAWN)
    assert {entry.subject for entry in entries} == {one.recipient_name for one in joint}
    assert {entry.reason for entry in entries} == {Action.PARTNERSHIP_ENDED}
    page = Page(signed_in(HAFEN).get("/relationships/requests/"))
    assert [row["Status"] for row in page.table].count("Withdrawn") == 3


def test_an_ended_partnership_is_not_asked_about(demo, partnership):
    partnership.end(by=PORTAL)
    page = asked(GLOBAL, end_of(partnership))
    assert sentences(page) == ["This partnership has ended."]
    assert page.find("button[@class='btn btn-danger']") == []


def test_the_question_costs_the_same_for_few_and_for_many(demo, partnership):
    browser = signed_in(GLOBAL)
    counts = []
    for _ in range(2):
        browser.get(end_of(partnership))
        with CaptureQueriesContext(connection) as queries:
            browser.get(end_of(partnership))
        counts.append(len(queries))
        customer = CustomerFactory()
        for partner in (partnership.provider, partnership.reseller):
            RelationshipFactory(customer=customer, partner=partner)
        for _ in range(20):
            one = SubscriptionFactory(customer=customer, seller=partnership.provider)
            one.designate(partnership.reseller, by=demo.user(GLOBAL))
    assert counts[0] == counts[1]
    assert counts[0] <= 15


# What a partner and a customer take from each other


@pytest.mark.parametrize(
    ("name", "heading", "first"),
    [
        (
            "give_up_dap",
            "Give up delegated admin for Reederei Albers?",
            "Your company can no longer administer the customer's products. You get the privileges back"
            " only when the customer accepts a new request.",
        ),
        ("remove", "Remove the relationship with Reederei Albers?", LEAVES),
    ],
)
def test_R8_R9_a_partner_reads_what_it_loses_at_a_customer(
    demo, partnership, name, heading, first, nothing_written
):
    path = reverse(f"account:{name}", args=[demo.customer("Reederei Albers").pk])
    browser = signed_in(HAFEN)
    with nothing_written():
        page = Page(browser.get(path))
    assert page.heading == heading
    assert first in sentences(page)
    answers = (
        "Your company answers for 3 subscriptions: 1 goes to Nordlicht Distribution, for 2 no partner is"
        " designated then."
    )
    assert answers in sentences(page)
    for link in beside(page).values():
        assert listed(HAFEN, link) == [
            ("CANARY Own", "No partner designated"),
            ("Elsewhere", "No partner designated"),
            (OFFICE, "Nordlicht Distribution"),
        ]


def test_R8_what_was_bought_elsewhere_is_no_longer_seen_without_dap(demo, partnership):
    albers = demo.customer("Reederei Albers")
    page = asked(HAFEN, reverse("account:give_up_dap", args=[albers.pk]))
    assert sentences(page)[-1] == ("3 subscriptions that were bought elsewhere leave your lists.")
    before = Subscription.objects.visible_to(demo.user(HAFEN).membership).filter(customer=albers)
    seen = before.count()
    signed_in(HAFEN).post(reverse("account:give_up_dap", args=[albers.pk]))
    # Those three, and the one that has gone back to Nordlicht.
    assert before.count() == seen - 4


def test_what_a_seller_keeps_is_said(demo):
    path = reverse("account:give_up_dap", args=[demo.customer("Backhaus Petersen").pk])
    assert "Your company answers for 2 subscriptions, which you keep as their seller." in sentences(
        asked(GLOBAL, path)
    )


def test_R9_where_something_stands_against_it_the_question_says_so(demo):
    page = asked(GLOBAL, reverse("account:remove", args=[demo.customer("Reederei Albers").pk]))
    assert sentences(page) == [
        "Suspend the active subscriptions that Nordlicht Distribution sold to Reederei Albers first."
    ]


def test_R8_without_dap_there_is_nothing_to_give_up(demo):
    albers = demo.customer("Reederei Albers")
    page = asked("global@elbe.example", reverse("account:give_up_dap", args=[albers.pk]))
    assert sentences(page) == ["Your company has no delegated admin privileges for this customer."]
    elbe = demo.relationship("Reederei Albers", "Elbe Support")
    page = asked(ALBERS, reverse("support_partners:remove_dap", args=[elbe.pk]))
    assert sentences(page) == ["Elbe Support has no delegated admin privileges."]


def test_R9_open_requests_to_the_customer_are_counted(demo):
    albers = demo.customer("Reederei Albers")
    elbe = demo.user("global@elbe.example")
    RelationshipRequest.objects.ask(
        by=elbe,
        customer=albers,
        recipient_name=albers.name,
        recipient_email=albers.contact_email or "a@albers.example",
        language="de",
    )
    page = asked(elbe.email, reverse("account:remove", args=[albers.pk]))
    assert "1 request of yours to the customer stays open until you withdraw it." in sentences(page)


def test_R8_the_customer_reads_who_answers_then(demo, partnership, nothing_written):
    hafen = demo.relationship("Reederei Albers", "Hafen IT")
    browser = signed_in(ALBERS)
    path = reverse("support_partners:remove_dap", args=[hafen.pk])
    with nothing_written():
        page = Page(browser.get(path))
    assert page.heading == "Remove the delegated admin privileges of Hafen IT?"
    assert sentences(page) == [
        "It answers for 3 of your products: 1 goes to Nordlicht Distribution, for 2 no partner is"
        " designated then.",
        "Hafen IT can no longer administer your products. The relationship and your subscriptions stay.",
    ]
    for link in beside(page).values():
        assert len(listed(ALBERS, link)) == 3
        assert signed_in(HUBER).get(link).status_code == 404
        assert signed_in(GLOBAL).get(link).status_code == 403


def test_T2_no_export_is_offered_to_whom_it_is_not_for(demo):
    albers = demo.customer("Reederei Albers")
    path = reverse("account:suspend", args=[albers.pk])
    assert set(beside(asked(HELPDESK, path))) == {"Show them in a list"}
    assert set(beside(asked(AGENT, path))) == {"Show them in a list", "Export (CSV)"}


# What stands against the end of a relationship


def test_R9_suspending_asks_and_names_each(demo, nothing_written):
    albers = demo.customer("Reederei Albers")
    path = reverse("account:suspend", args=[albers.pk])
    office = demo.subscription("Reederei Albers", OFFICE)
    browser = signed_in(GLOBAL)
    with nothing_written():
        page = Page(browser.post(path, {"ask": "all"}))
        assert page.heading == "Suspend 2 subscriptions of Reederei Albers?"
        assert page.all_text("div[@id='question-text']/ul/li") == ["Azure plan", OFFICE]
        assert page.hidden("all") == "1"
        page = Page(browser.post(path, {"ask": "chosen", "subscription": [office.pk]}))
        assert page.heading == "Suspend 1 subscription of Reederei Albers?"
        assert page.hidden("subscription") == str(office.pk)
        page = Page(browser.post(path, {"ask": "chosen"}))
        assert sentences(page) == ["Choose a subscription of the list."]
        page = Page(browser.post(path, {"ask": "chosen", "subscription": ["x"]}))
        assert sentences(page) == ["Choose a subscription of the list."]
    browser.post(path, {"subscription": [office.pk]})
    assert not demo.subscription("Reederei Albers", OFFICE).is_active
    assert demo.subscription("Reederei Albers", "Azure plan").is_active


def test_a_question_names_fifty_and_counts_the_others(demo):
    albers, nordlicht = demo.customer("Reederei Albers"), demo.partner("Nordlicht Distribution")
    for _ in range(60):
        SubscriptionFactory(customer=albers, seller=nordlicht)
    page = asked(GLOBAL, reverse("account:suspend", args=[albers.pk]))
    assert page.heading == "Suspend 62 subscriptions of Reederei Albers?"
    assert len(page.find("div[@id='question-text']/ul/li")) == 50
    assert "… and 12 more" in page.text


# A request, a subscription, a person


def test_R5_withdrawing_names_firm_and_address(demo, nothing_written):
    made = RelationshipRequestFactory(
        partner=demo.partner("Nordlicht Distribution"),
        recipient_name="Werft Neu",
        recipient_email="a@werft.example",
    )
    path = reverse("relationships:request_withdraw", args=[made.pk])
    browser = signed_in(GLOBAL)
    with nothing_written():
        page = Page(browser.get(path))
    assert page.heading == "Withdraw the request to Werft Neu?"
    assert sentences(page) == [
        "The personal link that was made for a@werft.example stops working and says that the request was"
        " withdrawn."
    ]
    assert signed_in(HELPDESK).get(path).status_code == 403
    assert signed_in(HAFEN).get(path).status_code == 404
    browser.post(path)
    assert "withdrew this request" in sentences(Page(browser.get(path)))[0]


def test_R4_mail_that_waits_is_not_sent_then(demo, queue):
    made = RelationshipRequestFactory(partner=demo.partner("Nordlicht Distribution"))
    made.send("https://portal.example/x", by=demo.user(GLOBAL))
    page = asked(GLOBAL, reverse("relationships:request_withdraw", args=[made.pk]))
    assert sentences(page)[1:] == ["Its mail waits to be sent, and is not sent then."]


def test_S2_suspending_names_subscription_customer_and_licenses(demo, nothing_written):
    office = demo.subscription("Reederei Albers", OFFICE)
    path = reverse("subscriptions:suspend", args=[office.customer_id, office.pk])
    browser = signed_in(HELPDESK)
    with nothing_written():
        page = Page(browser.get(path))
    assert page.heading == f"Suspend {OFFICE} of Reederei Albers?"
    until = timezone.localdate() + timedelta(days=90)
    assert sentences(page) == [
        "The customer can't use its 25 licenses until it is reactivated. That is possible until"
        f" {until.day} {until:%B} {until.year}."
    ]
    office.designate(demo.partner("Hafen IT"), by=demo.user(HELPDESK))
    page = asked(HAFEN, path)
    assert sentences(page) == ["Only the partner that sold the subscription may do this."]
    browser.post(path)
    assert sentences(Page(browser.get(path))) == ["This subscription is suspended already."]


def test_T3_R14_deactivating_counts_the_requests_that_nobody_can_answer_then(demo):
    huber = demo.customer("Weingut Huber")
    second = demo.user(HUBER)
    huber.free_domain(by=PORTAL)
    from_firm = RelationshipRequestFactory(recipient_email=HUBER, customer=huber)
    RelationshipRequestFactory(recipient_email="other@huber.example", customer=huber)
    # Another admin, or it would stay.
    other = demo.user(ALBERS)
    other.membership.customer = huber
    other.membership.save()
    path = reverse("users:deactivate", args=[second.pk])
    page = asked(ALBERS, path)
    assert page.heading == f"Deactivate {second}?"
    assert sentences(page)[1:] == [
        "1 open request to its address can no longer be answered by your company."
    ]
    # Whose proof two have, and whose domain is proved, another of the firm answers.
    proof = other.proved_addresses.create(email=HUBER, how=ProofMethod.CONFIRMATION)
    assert sentences(asked(ALBERS, path))[1:] == []
    proof.delete()
    huber.confirm_domain(by=PORTAL)
    assert sentences(asked(ALBERS, path))[1:] == []
    huber.free_domain(by=PORTAL)
    signed_in(ALBERS).post(path)
    from_firm.refresh_from_db()
    assert from_firm.customer is None


def test_T3_whoever_stays_is_not_asked_about(demo):
    path = reverse("users:deactivate", args=[demo.user(GLOBAL).pk])
    page = asked("users@nordlicht.example", path)
    assert "is the last Global admin" in sentences(page)[0]
    gone = demo.user("sales@nordlicht.example")
    gone.deactivate(by=PORTAL)
    page = asked(GLOBAL, reverse("users:deactivate", args=[gone.pk]))
    assert sentences(page) == ["This user is deactivated and can't sign in."]


def test_other_sessions_are_counted(demo):
    browser = signed_in(HELPDESK)
    page = Page(browser.get("/accounts/sessions/end/"))
    assert page.heading == "Sign out everywhere else?"
    assert sentences(page)[0] == "0 other sessions of yours end."
    [form] = page.find("form[@method='post']")
    assert form.get("action") == "/accounts/sessions/"


# Every question


def test_the_list_of_what_a_partner_answers_for_is_searched_and_paged(demo, partnership):
    path = reverse("coverage:partnership", args=[partnership.pk])
    page = asked(GLOBAL, f"{path}?q=sec")
    assert [row["Subscription"] for row in page.table] == ["Second"]
    page = asked(GLOBAL, f"{path}?sort=-customer")
    assert [row["Customer"] for row in page.table][:2] == ["Werft", "Werft"]
    page = asked(GLOBAL, f"{path}?q=nothing")
    assert "No subscription found for “nothing”." in page.text
    nobody = PartnershipFactory(
        provider=partnership.provider, reseller=PartnerFactory(reseller=True)
    )
    page = asked(GLOBAL, reverse("coverage:partnership", args=[nobody.pk]))
    assert "answers for no subscription here." in page.text
    partnership.end(by=PORTAL)
    asked(GLOBAL, path, 404)
