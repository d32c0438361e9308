"""axe-core finds no barrier on any page, light or dark, wide or narrow."""

from pathlib import Path

import pytest
from django.conf import settings
from django.urls import reverse

from portal.models import Membership, User
from portal.permissions import Role
from relationships.models import RelationshipRequest, RequestKind
from tests.pages import set_up_app, set_up_passkey, signed_in
from tests.test_html import PAGES

AXE = (Path(__file__).parents[1] / "vendor" / "axe.min.js").read_text()
RUN = """async () => {
    const found = await axe.run({
        runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
        resultTypes: ["violations"],
        preload: false,
    });
    return found.violations.flatMap(
        rule => rule.nodes.map(node => `${rule.id}: ${node.target} – ${node.failureSummary}`)
    );
}"""
# Every page in both languages, and in each of them two of the four looks: together all four.
LOOKS = {"en": [("light", 1280), ("dark", 320)], "de": [("dark", 1280), ("light", 320)]}
HELPDESK = "helpdesk@nordlicht.example"
GLOBAL = "global@nordlicht.example"


@pytest.fixture
def subscription(demo):
    """Office 365 at Reederei Albers, which has been with Hafen IT since a moment ago."""
    office = demo.subscription("Reederei Albers", "Office 365 Business Standard")
    office.designate(demo.partner("Hafen IT"), by=demo.user(HELPDESK))
    return office


def open_as(open_browser, live_server, email, language="en"):
    page = open_browser(language)
    if email:
        session = signed_in(email).cookies[settings.SESSION_COOKIE_NAME].value
        page.context.add_cookies(
            [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}]
        )
    return page


def barriers(page, looks=LOOKS["en"]):
    """What axe finds on this page as it stands, in each look, and where it scrolls sideways."""
    page.evaluate(AXE)
    found = []
    for scheme, width in looks:
        # Colours that are still on their way would be measured as they pass.
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.set_viewport_size({"width": width, "height": 900})
        look = f"{page.url}, {scheme}, {width} px"
        found += [f"{look}: {barrier}" for barrier in page.evaluate(RUN)]
        if page.evaluate("document.documentElement.scrollWidth") > width:
            found.append(f"{look}: scrolls sideways")
    return found


def barriers_at(page, *paths):
    found = []
    for language, looks in LOOKS.items():
        page.set_extra_http_headers({"Accept-Language": language})
        for path in paths:
            page.goto(path)
            found += barriers(page, looks)
    return found


def require_no_barriers(page, *paths):
    found = barriers_at(page, *paths)
    assert not found, "\n".join(found)


READERS = {names[0] for names in PAGES.values()}


@pytest.mark.parametrize("email", sorted(READERS, key=str))
def test_no_page_has_a_barrier(address, open_browser, live_server, email):
    page = open_as(open_browser, live_server, email)
    paths = [address(name) for name, people in PAGES.items() if people[0] == email]
    require_no_barriers(page, *paths)


def test_nobody_meets_a_barrier_at_the_sign_in(demo, open_browser, live_server):
    page = open_as(open_browser, live_server, None)
    require_no_barriers(page, "/nowhere/")
    page.goto("/accounts/login/")
    page.get_by_label("Email").fill("nobody@nowhere.example")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("alert").wait_for()
    assert barriers(page) == []


def test_nobody_meets_a_barrier_on_the_way_to_sign_in_safely(demo, open_browser, live_server):
    page = open_as(open_browser, live_server, None)
    require_no_barriers(
        page,
        "/accounts/password/reset/",
        "/accounts/password/reset/sent/",
        "/accounts/password/reset/x/y/",
        "/accounts/oidc/contoso/",
    )
    page.goto("/accounts/login/?next=/accounts/second-factor/")
    page.get_by_label("Email").fill(HELPDESK)
    page.get_by_label("Password").fill("demo-portal")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Second factor").wait_for()
    paths = ["", "app/", "../passkeys/add/", "../password/change/", "../sessions/"]
    require_no_barriers(page, *(f"/accounts/second-factor/{path}" for path in paths))
    set_up_app(demo.user(HELPDESK))
    passkey = set_up_passkey(demo.user(HELPDESK))
    paths = ["", "codes/", "codes/new/", "app/remove/", "../passkeys/", "../identities/"]
    paths += [f"../passkeys/{passkey.pk}/name/"]
    require_no_barriers(page, *(f"/accounts/second-factor/{path}" for path in paths))
    require_no_barriers(open_as(open_browser, live_server, HELPDESK), "/accounts/confirm/")


def test_nobody_meets_a_barrier_where_nothing_is_found_or_allowed(demo, open_browser, live_server):
    page = open_as(open_browser, live_server, HELPDESK)
    require_no_barriers(
        page,
        "/customers/?q=nothing",
        "/customers/?q=" + "x" * 300,
        "/support/",  # not allowed
        "/relationships/providers/",  # not for this kind of partner
    )
    page = open_as(open_browser, live_server, "admin@albers.example")
    require_no_barriers(page, "/support/?q=nothing", "/support/?print=1")


def test_C8_a_conflict_and_a_refused_choice_have_no_barrier(
    demo, subscription, open_browser, live_server
):
    page = open_as(open_browser, live_server, HELPDESK)
    page.goto(reverse("subscriptions:detail", args=[subscription.customer_id, subscription.pk]))
    subscription.designate(
        demo.partner("Nordlicht Distribution"), by=demo.user("global@nordlicht.example")
    )
    page.get_by_role("button", name="Submit").click()
    page.get_by_role("alert").wait_for()
    found = barriers(page)
    page.evaluate("document.querySelector('option:checked').value = 'x'")
    page.get_by_role("button", name="Submit").click()
    page.get_by_role("alert").get_by_text("Nothing was saved.").wait_for()
    found += barriers(page)
    assert not found, "\n".join(found)


def test_a_sales_agent_and_a_reseller_meet_no_barrier(subscription, open_browser, live_server):
    keys = [subscription.customer_id, subscription.pk]
    for email in ("sales@nordlicht.example", "global@hafen.example"):
        page = open_as(open_browser, live_server, email)
        require_no_barriers(page, reverse("subscriptions:detail", args=keys))


def test_who_manages_users_meets_no_barrier_nor_does_the_invited(demo, open_browser, live_server):
    invited = Membership.objects.invite(
        demo.partner("Nordlicht Distribution"),
        email="neu@nordlicht.example",
        name="W" * 200,
        roles=[Role.SALES_AGENT],
        by=demo.user(GLOBAL),
    ).user
    page = open_as(open_browser, live_server, GLOBAL)
    require_no_barriers(
        page,
        f"/settings/users/{invited.pk}/",
        f"/settings/users/{demo.user(GLOBAL).pk}/",
    )
    page = open_as(open_browser, live_server, None)
    User.objects.filter(pk=invited.pk).update(invited_at="2020-01-01T00:00Z")
    expired = demo.user(invited.email).invitation_path
    require_no_barriers(page, expired)


@pytest.fixture
def notice(subscription):
    """Office 365 fell back from Hafen IT, so everyone concerned has a notice."""
    relationship = subscription.customer.relationships.get(partner__name="Hafen IT")
    relationship.remove_dap(by=None)
    return subscription


def ask(by, name, email, **fields):
    return RelationshipRequest.objects.ask(
        by=by,
        recipient_name=name,
        recipient_email=email,
        language="de",
        subject="A request",
        text="Please accept.",
        **fields,
    )


def open_popover(page, label):
    """Press the button; what opens stays open while axe looks."""
    page.get_by_role("button", name=label).first.click()
    page.get_by_role("dialog").wait_for()


def test_a_global_admin_meets_no_barrier_around_relationships(
    demo, notice, open_browser, live_server
):
    made = ask(demo.user(GLOBAL), "Werft Neu", "a@werft.example")
    page = open_as(open_browser, live_server, GLOBAL)
    account = reverse("account:detail", args=[notice.customer_id])
    found = barriers_at(page, "/customers/")  # with a notice
    for path, label in (
        (reverse("relationships:request", args=[made.pk]), "Withdraw"),
        ("/relationships/resellers/", "End the partnership"),
        (account, "Give up delegated admin"),
    ):
        page.goto(path)
        open_popover(page, label)
        found += barriers(page)
    assert not found, "\n".join(found)


def test_a_helpdesk_agent_meets_no_barrier_where_controls_are_inactive(
    demo, notice, open_browser, live_server
):
    made = ask(demo.user(GLOBAL), "Werft Neu", "a@werft.example")
    page = open_as(open_browser, live_server, HELPDESK)
    require_no_barriers(
        page,
        reverse("account:detail", args=[notice.customer_id]),
        reverse("relationships:request", args=[made.pk]),
        "/relationships/resellers/",
    )


def test_refused_forms_and_the_notice_of_an_end_have_no_barrier(demo, open_browser, live_server):
    relationship = demo.relationship("Reederei Albers", "Elbe Support")
    relationship.end(by=None)
    page = open_as(open_browser, live_server, "global@elbe.example")
    require_no_barriers(page, reverse("relationships:notice", args=[relationship.pk]))
    page.goto("/relationships/requests/new/")
    page.evaluate("document.querySelector('main form').noValidate = true")
    page.get_by_role("button", name="Create the request").click()
    page.get_by_role("alert").wait_for()
    assert barriers(page) == []


def test_the_customer_meets_no_barrier_around_relationships(
    demo, notice, open_browser, live_server
):
    kranich = demo.user("global@kranich.example")
    made = ask(kranich, "Reederei Albers", "admin@albers.example")
    page = open_as(open_browser, live_server, "admin@albers.example")
    found = barriers_at(page, "/support/", made.path)
    page.goto("/support/partners/")
    open_popover(page, "Remove delegated admin")
    found += barriers(page)
    page.goto(made.path)
    page.evaluate("document.querySelectorAll('main form').forEach(form => form.noValidate = true)")
    page.get_by_role("button", name="Decline").click()
    page.get_by_role("alert").wait_for()
    found += barriers(page)
    assert not found, "\n".join(found)


def test_nobody_meets_a_barrier_on_a_personal_link(demo, open_browser, live_server):
    hafen, nordlicht = demo.user("global@hafen.example"), demo.partner("Nordlicht Distribution")
    made = ask(hafen, "Werft Neu", "a@werft.example", provider=nordlicht)
    dead = ask(hafen, "Werft Alt", "a@alt.example")
    dead.withdraw(by=hafen)
    page = open_as(open_browser, live_server, None)
    require_no_barriers(page, dead.path)
    page.goto(f"{made.path}register/")
    page.evaluate("document.querySelector('main form').noValidate = true")
    page.get_by_role("button", name="Register and accept").click()
    page.get_by_role("alert").wait_for()
    assert barriers(page) == []


def test_who_may_not_answer_and_who_authorizes_meet_no_barrier(demo, open_browser, live_server):
    made = ask(
        demo.user(GLOBAL),
        "Möwe Systems",
        "global@moewe.example",
        kind=RequestKind.RESELLER,
        with_dap=False,
    )
    for email in ("admin@petersen.example", "global@moewe.example"):
        page = open_as(open_browser, live_server, email, "de")
        require_no_barriers(page, made.path)


def test_long_names_do_not_make_the_page_scroll_sideways(demo, open_browser, live_server):
    albers = demo.customer("Reederei Albers")
    albers.name = "Donaudampfschifffahrtsgesellschaftskapitänsmützenverleih" * 3
    albers.save()
    for subscription in albers.subscriptions.all():
        subscription.friendly_name = "Betriebsunterbrechungsversicherungsverwaltung" * 4
        subscription.save()
    kranich = demo.partner("Kranich Consulting")
    kranich.name = "Rechtsschutzversicherungsgesellschaften" * 4
    kranich.save()
    made = ask(demo.user(GLOBAL), albers.name[:200], "a@" + "x" * 60 + ".example")
    page = open_as(open_browser, live_server, HELPDESK)
    keys = [albers.pk, albers.subscriptions.filter(seller__name="Nordlicht Distribution")[0].pk]
    for path in (
        "/customers/",
        reverse("subscriptions:list", args=[albers.pk]),
        reverse("subscriptions:detail", args=keys),
        reverse("account:detail", args=[albers.pk]),
        reverse("relationships:request", args=[made.pk]),
        "/relationships/requests/",
        "/relationships/resellers/",
        made.path,
    ):
        page.goto(path)
        for width in (1280, 320):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
