"""axe-core finds no barrier on any page: light and dark, wide and narrow, in English and in German."""

from pathlib import Path

import pytest
from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext, override

from portal.authority import PORTAL
from portal.models import ActivityEntry, Membership, User
from portal.permissions import Role
from relationships.models import RelationshipRequest, RequestKind
from tests.pages import code_of, set_up_app, set_up_passkey, signed_in
from tests.test_html import PAGES

AXE = (Path(__file__).parents[1] / "vendor" / "axe.min.js").read_text()
RUN = """async () => {
    const found = await axe.run({
        runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
        resultTypes: ["violations"],
        preload: false,
    });
    const root = document.documentElement;
    return found.violations.flatMap(
        rule => rule.nodes.map(node => `${rule.id}: ${node.target} – ${node.failureSummary}`)
    ).concat(root.scrollWidth > innerWidth ? ["scrolls sideways"] : []);
}"""
# In an order in which each differs from the one before in one thing.
LOOKS = [("light", 1280), ("dark", 1280), ("dark", 320), ("light", 320)]
LANGUAGES = ["en", "de"]
HELPDESK = "helpdesk@nordlicht.example"
GLOBAL = "global@nordlicht.example"


@pytest.fixture
def subscription(demo):
    """Office 365 at Reederei Albers, which has been with Hafen IT since a moment ago."""
    office = demo.subscription("Reederei Albers", "Office 365 Business Standard")
    office.designate(demo.partner("Hafen IT"), by=demo.user(HELPDESK))
    return office


@pytest.fixture(params=LANGUAGES)
def language(request):
    """For pages that no address opens: the whole test is played in each language."""
    with override(request.param):
        yield request.param


def open_as(open_browser, live_server, email, language="en"):
    page = open_browser(language)
    page.add_init_script(AXE)
    if email:
        session = signed_in(email).cookies[settings.SESSION_COOKIE_NAME].value
        page.context.add_cookies(
            [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}]
        )
    return page


def speak(page, language):
    """From its next answer on the portal speaks this language, as if it had been picked in the footer."""
    page.context.add_cookies(
        [
            {
                "name": settings.LANGUAGE_COOKIE_NAME,
                "value": language,
                "domain": "localhost",
                "path": "/",
            }
        ]
    )


def barriers(page):
    """What axe finds on this page as it stands, in each look, and where it scrolls sideways."""
    found = []
    # To resize a page is slow, so the next page begins as wide as the last one ended.
    for scheme, width in LOOKS if page.viewport_size["width"] == 1280 else LOOKS[::-1]:
        # Colours that are still on their way would be measured as they pass.
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        if page.viewport_size["width"] != width:
            page.set_viewport_size({"width": width, "height": 900})
        found += [f"{page.url}, {scheme}, {width} px: {what}" for what in page.evaluate(RUN)]
    return found


def barriers_at(page, *paths):
    """The same for pages that open by their address, in both languages."""
    found = []
    for language in LANGUAGES:
        speak(page, language)
        for path in paths:
            page.goto(path)
            assert page.locator("html").get_attribute("lang") == language, path
            found += barriers(page)
    return found


def press(page, label):
    """Press the button with this English label, in the language of the test."""
    page.get_by_role("button", name=gettext(label), exact=True).first.click()


def submit_empty(page, label):
    """Send a form without what it needs, past the browser's own check: the page says what is missing."""
    page.evaluate("document.querySelectorAll('main form').forEach(form => form.noValidate = true)")
    press(page, label)
    page.get_by_role("alert").wait_for()


def require_no_barriers(page, *paths):
    found = barriers_at(page, *paths)
    assert not found, "\n".join(found)


READERS = {names[0] for names in PAGES.values()}


@pytest.mark.parametrize("email", sorted(READERS, key=str))
def test_no_page_has_a_barrier(address, open_browser, live_server, email):
    page = open_as(open_browser, live_server, email)
    paths = [address(name) for name, people in PAGES.items() if people[0] == email]
    require_no_barriers(page, *paths)


def test_operators_meet_no_barrier(demo, subscription, open_browser, live_server):
    """Django's own pages, each kind of them: for the models of each floor."""
    page = open_as(open_browser, live_server, "operator@portal.example")
    paths = [reverse("admin:index"), reverse("admin:app_list", args=["portal"])]
    for row in (demo.partner("Hafen IT"), subscription, ActivityEntry.objects.all()[0]):
        name = f"admin:{row._meta.label_lower.replace('.', '_')}"
        paths += [reverse(f"{name}_changelist"), reverse(f"{name}_change", args=[row.pk])]
    paths += [reverse("admin:subscriptions_offer_add"), reverse("admin:portal_user_changelist")]
    paths.append(reverse("admin:portal_partner_history", args=[demo.partner("Hafen IT").pk]))
    require_no_barriers(page, *paths)


def test_operators_meet_no_barrier_in_a_question(
    demo, subscription, language, open_browser, live_server
):
    User.objects.filter(email="operator@portal.example").update(language=language)
    page = open_as(open_browser, live_server, "operator@portal.example", language)
    page.goto(reverse("admin:portal_partner_changelist"))
    page.get_by_role("row").filter(has_text="Hafen IT").get_by_role("checkbox").check()
    page.locator("select[name=action]").select_option("deactivate")
    page.locator("button[name=index]").click()
    page.locator("input[name=post]").wait_for(state="attached")
    assert barriers(page) == []


def sign_in(page, password):
    page.get_by_label(gettext("Email")).fill(HELPDESK)
    page.get_by_label(gettext("Password")).fill(password)
    press(page, "Sign in")


def test_nobody_meets_a_barrier_at_an_address_that_is_none(demo, open_browser, live_server):
    require_no_barriers(open_as(open_browser, live_server, None), "/nowhere/")


def test_nobody_meets_a_barrier_at_the_sign_in(demo, language, open_browser, live_server):
    page = open_as(open_browser, live_server, None, language)
    page.goto("/accounts/login/")
    sign_in(page, "wrong")
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
    speak(page, "en")
    page.goto("/accounts/login/?next=/accounts/second-factor/")
    sign_in(page, "demo-portal")
    page.get_by_role("heading", name="Second factor").wait_for()
    paths = ["", "app/", "../passkeys/add/", "../password/change/", "../sessions/"]
    require_no_barriers(page, *(f"/accounts/second-factor/{path}" for path in paths))
    app, passkey = set_up_app(demo.user(HELPDESK)), set_up_passkey(demo.user(HELPDESK))
    require_no_barriers(page, "/accounts/second-factor/")  # the question for it
    speak(page, "en")
    page.goto("/accounts/second-factor/")
    page.get_by_label("Code").fill(code_of(app))
    press(page, "Confirm")
    page.get_by_text("Remove the app").wait_for()
    paths = ["", "codes/", "codes/new/", "app/remove/", "../passkeys/", "../identities/"]
    paths += [f"../passkeys/{passkey.pk}/name/"]
    require_no_barriers(page, *(f"/accounts/second-factor/{path}" for path in paths))
    require_no_barriers(open_as(open_browser, live_server, HELPDESK), "/accounts/confirm/")


def test_nobody_meets_a_barrier_where_nothing_is_found_or_allowed(demo, open_browser, live_server):
    page = open_as(open_browser, live_server, HELPDESK)
    require_no_barriers(
        page,
        "/customers/?q=nothing&dap=yes",
        "/subscriptions/?status=suspended",
        "/activity/?action=customer.added",
        "/customers/?q=" + "x" * 300,
        "/support/",  # not allowed
        "/relationships/providers/",  # not for this kind of partner
    )
    page = open_as(open_browser, live_server, "admin@albers.example")
    require_no_barriers(page, "/support/?q=nothing", "/support/?print=1")


def test_C8_a_conflict_and_a_refused_choice_have_no_barrier(
    demo, subscription, language, open_browser, live_server
):
    page = open_as(open_browser, live_server, HELPDESK, language)
    page.goto(reverse("subscriptions:detail", args=[subscription.customer_id, subscription.pk]))
    subscription.designate(
        demo.partner("Nordlicht Distribution"), by=demo.user("global@nordlicht.example")
    )
    press(page, "Submit")
    page.get_by_role("alert").wait_for()
    found = barriers(page)
    page.evaluate("document.querySelector('option:checked').value = 'x'")
    press(page, "Submit")
    page.get_by_role("alert").get_by_text(gettext("Nothing was saved. Please check:")).wait_for()
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
    relationship.remove_dap(by=PORTAL)
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


def open_question(page, label):
    """Press the button; what opens stays open while axe looks."""
    press(page, label)
    page.get_by_role("dialog").wait_for()


def test_a_global_admin_meets_no_barrier_in_a_notice(notice, open_browser, live_server):
    require_no_barriers(open_as(open_browser, live_server, GLOBAL), "/customers/")


def test_a_question_of_a_global_admin_has_no_barrier(
    demo, notice, language, open_browser, live_server
):
    made = ask(demo.user(GLOBAL), "Werft Neu", "a@werft.example")
    page = open_as(open_browser, live_server, GLOBAL, language)
    account = reverse("account:detail", args=[notice.customer_id])
    found = []
    for path, label in (
        (reverse("relationships:request", args=[made.pk]), "Withdraw"),
        ("/relationships/resellers/", "End the partnership"),
        (account, "Give up delegated admin"),
    ):
        page.goto(path)
        open_question(page, label)
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


def test_the_notice_of_an_end_has_no_barrier(demo, open_browser, live_server):
    """It speaks the language of the customer, whom it is for."""
    relationship = demo.relationship("Reederei Albers", "Elbe Support")
    relationship.end(by=PORTAL)
    page = open_as(open_browser, live_server, "global@elbe.example")
    page.goto(reverse("relationships:notice", args=[relationship.pk]))
    assert barriers(page) == []


def test_refused_forms_have_no_barrier(demo, language, open_browser, live_server):
    page = open_as(open_browser, live_server, GLOBAL, language)
    found = []
    for path, button in (
        ("/relationships/requests/new/", "Create the request"),
        ("/relationships/resellers/invite/", "Create the invitation"),
        ("/customers/add/account/", "Next"),
        ("/settings/users/invite/", "Send the invitation"),
        ("/subscriptions/assign/file/", "Preview"),
    ):
        page.goto(path)
        submit_empty(page, button)
        found += barriers(page)
    assert not found, "\n".join(found)


def test_the_customer_meets_no_barrier_around_relationships(
    demo, notice, open_browser, live_server
):
    kranich = demo.user("global@kranich.example")
    made = ask(kranich, "Reederei Albers", "admin@albers.example")
    page = open_as(open_browser, live_server, "admin@albers.example")
    require_no_barriers(page, "/support/", made.path)


def test_what_a_customer_answers_or_takes_away_has_no_barrier(
    demo, language, open_browser, live_server
):
    kranich = demo.user("global@kranich.example")
    made = ask(kranich, "Reederei Albers", "admin@albers.example")
    page = open_as(open_browser, live_server, "admin@albers.example", language)
    page.goto("/support/partners/")
    open_question(page, "Remove delegated admin")
    found = barriers(page)
    page.goto(made.path)
    submit_empty(page, "Decline")
    found += barriers(page)
    assert not found, "\n".join(found)


def test_nobody_meets_a_barrier_on_a_personal_link(demo, open_browser, live_server):
    hafen, nordlicht = demo.user("global@hafen.example"), demo.partner("Nordlicht Distribution")
    made = ask(hafen, "Werft Neu", "a@werft.example", provider=nordlicht)
    dead = ask(hafen, "Werft Alt", "a@alt.example")
    dead.withdraw(by=hafen)
    page = open_as(open_browser, live_server, None)
    for path in (dead.path, made.registration_path("admin@albers.example")):
        require_no_barriers(page, path)
    for language in LANGUAGES:
        speak(page, language)
        with override(language):
            page.goto(f"{made.path}register/")
            submit_empty(page, "Send the mail")
            assert barriers(page) == []
            page.goto(made.registration_path("anna@werft.example"))
            submit_empty(page, "Register and accept")
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
        page = open_as(open_browser, live_server, email)
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
        "/subscriptions/",
        "/activity/",
        reverse("subscriptions:list", args=[albers.pk]),
        reverse("subscriptions:detail", args=keys),
        reverse("account:detail", args=[albers.pk]),
        reverse("relationships:request", args=[made.pk]),
        "/relationships/requests/",
        "/relationships/resellers/",
        made.path,
    ):
        page.goto(path)
        for width in (1280, 1200, 1024, 320):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
