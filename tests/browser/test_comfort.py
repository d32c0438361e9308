"""What scripts add to pages that work without them, and what the keyboard alone can do."""

import pytest
from django.utils.translation import gettext, override
from playwright.sync_api import expect

from relationships.models import RelationshipRequest
from tests.factories import CustomerFactory, PartnerFactory, PartnershipFactory, RelationshipFactory

OFFICE = "Office 365 Business Standard"
# Whether a word of an element's text stands on more than one line.
IS_BROKEN = """(element, word) => {
    const texts = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const start = texts.currentNode.data.indexOf(word);
        if (start < 0) continue;
        const range = document.createRange();
        range.setStart(texts.currentNode, start);
        range.setEnd(texts.currentNode, start + word.length);
        return range.getClientRects().length > 1;
    }
}"""


@pytest.fixture
def enter(demo, open_browser):
    """``enter(email, path, **browser)``: a page of the portal, opened by way of the sign-in."""

    def enter(email, path, **browser):
        page = open_browser(**browser)
        page.goto(path)
        with override(browser.get("locale", "en")):
            page.get_by_label(gettext("Email")).fill(email)
            page.get_by_label(gettext("Password")).fill("demo-portal")
            page.get_by_role("button", name=gettext("Sign in"), exact=True).click()
        page.wait_for_url(f"**{path}")
        return page

    return enter


def office_path(demo):
    office = demo.subscription("Reederei Albers", OFFICE)
    return f"/customers/{office.customer_id}/subscriptions/{office.pk}/"


def account_path(demo):
    return f"/customers/{demo.customer('Reederei Albers').pk}/account/"


def test_a_list_is_searched_while_typing(demo, enter):
    for number in range(30):
        customer = CustomerFactory(name=f"Werft {number:02}")
        RelationshipFactory(partner=demo.partner("Nordlicht Distribution"), customer=customer)
    page = enter("global@nordlicht.example", "/customers/")
    page.evaluate("window.isSamePage = true")
    field = page.get_by_label("Name or domain")
    field.press_sequentially("reede", delay=20)
    expect(page.get_by_role("table")).to_contain_text("1 customer")
    expect(page.get_by_role("rowheader")).to_have_text(["Reederei Albers"])
    expect(field).to_be_focused()
    expect(page.locator("main [aria-live]", has_text="1 customer")).to_be_attached()
    assert page.url.endswith("/customers/?q=reede&reseller=&reseller_dap=&dap=")
    # What leads on from the list goes by what was typed.
    export = page.get_by_role("link", name="Export (CSV)")
    assert "q=reede" in export.get_attribute("href")
    field.press_sequentially("xx")
    expect(page.locator(".empty")).to_contain_text("No customer found for “reedexx”.")
    expect(page.get_by_role("navigation", name="Pages")).to_have_count(0)
    field.fill("")
    expect(page.get_by_role("rowheader")).to_have_count(25)
    everything = page.get_by_role("link", name="Show all")
    expect(everything).to_be_hidden()
    page.get_by_label("Delegated admin privileges").select_option("No")
    expect(page.locator(".empty")).to_contain_text("No customer matches.")
    expect(everything).to_be_visible()
    assert page.evaluate("window.isSamePage")
    page.reload()
    expect(page.locator(".empty")).to_contain_text("No customer matches.")


def test_customers_are_found_as_people_write_them(demo, enter):
    """With other letters, or by an address that was pasted."""
    for name, domain in (
        ("Möwe Reisen", "moewe-reisen.example"),
        ("Bäckerei Müller", "mueller.example"),
    ):
        customer = CustomerFactory(name=name, domain=domain)
        RelationshipFactory(partner=demo.partner("Nordlicht Distribution"), customer=customer)
    page = enter("global@nordlicht.example", "/customers/")
    field, found = page.get_by_label("Name or domain"), page.get_by_role("rowheader")
    for typed, name in (
        ("Moewe", "Möwe Reisen"),
        ("mueller", "Bäckerei Müller"),
        ("müller, bäckerei", "Bäckerei Müller"),
        ("https://www.moewe-reisen.example/kontakt?x=1", "Möwe Reisen"),
        ("anna@petersen.example", "Backhaus Petersen"),
    ):
        field.fill(typed)
        expect(found).to_have_text([name])


def test_a_list_stays_in_its_order_while_it_is_searched(enter):
    page = enter("global@nordlicht.example", "/customers/")
    page.get_by_role("link", name="Name", exact=True).click()
    page.wait_for_url("**sort=-name")
    page.get_by_label("Name or domain").press_sequentially("er")
    page.wait_for_url("**q=er**sort=-name")
    expect(page.get_by_role("rowheader")).to_have_text(["Reederei Albers", "Backhaus Petersen"])
    page.get_by_role("button", name="Search").click()
    expect(page.locator("thead [aria-sort=descending]")).to_have_text("Name")


def test_a_date_is_typed_in_peace_and_counts_when_the_focus_leaves_it(enter):
    page = enter("global@nordlicht.example", "/activity/")
    page.evaluate("window.isSamePage = true")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    field = page.get_by_label("To", exact=True)

    def type_date(digits):
        field.focus()
        for digit in digits:
            page.keyboard.press(digit)
            page.wait_for_timeout(60)
            expect(field).to_be_focused()

    def leave(key):
        """Press this key past the day, the year and the calendar of the field."""
        for _ in range(5):
            page.keyboard.press(key)
            if not field.evaluate("field => field === document.activeElement"):
                return

    # Each digit of the year makes another date, which is before the first one.
    type_date("12312031")
    expect(field).to_have_value("2031-12-31")
    page.wait_for_timeout(400)
    assert not asked
    leave("Tab")
    page.wait_for_url("**end=2031-12-31**")
    assert len(asked) == 1
    expect(field).not_to_be_focused()
    expect(page.get_by_role("table")).to_be_visible()
    # What is wrong is said at the field, without taking the focus from where it is.
    type_date("12312001")
    leave("Shift+Tab")
    wrong = "Choose a day that is not before the first one."
    expect(page.locator("form .errorlist")).to_have_text(wrong)
    expect(page.locator("main [aria-live]", has_text=wrong)).to_be_attached()
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(wrong)
    expect(page.get_by_role("table")).to_have_count(0)
    assert page.evaluate("document.activeElement.closest('form[role=search]') !== null")
    type_date("12312031")
    leave("Tab")
    expect(page.get_by_role("table")).to_be_visible()
    expect(page.locator("form .errorlist")).to_have_count(0)
    expect(field).not_to_have_attribute("aria-invalid", "true")
    # Half a date is none, and is left to who is typing it.
    before = len(asked)
    field.focus()
    page.keyboard.press("Delete")
    leave("Tab")
    page.wait_for_timeout(400)
    assert len(asked) == before
    assert page.evaluate("window.isSamePage")
    type_date("12312032")
    page.keyboard.press("Enter")
    page.wait_for_url("**end=2032-12-31**")
    assert not page.evaluate("window.isSamePage")


def test_rows_are_chosen_together_and_counted(demo, enter):
    page = enter("global@nordlicht.example", account_path(demo))
    every = page.get_by_label("Choose all")
    expect(page.get_by_text("Chosen: 0")).to_be_visible()
    every.check()
    expect(page.get_by_text("Chosen: 2")).to_be_visible()
    page.get_by_label("Choose Azure plan").uncheck()
    expect(page.get_by_text("Chosen: 1")).to_be_visible()
    assert every.evaluate("box => box.indeterminate && !box.checked")
    page.get_by_label("Choose Azure plan").check()
    expect(every).to_be_checked()


def test_the_rows_of_coverage_are_chosen_together_after_each_search(demo, enter):
    page = enter("global@nordlicht.example", "/subscriptions/")
    page.evaluate("window.isSamePage = true")
    every, chosen = page.get_by_label("Choose all"), page.locator("[data-selected]")
    every.check()
    expect(chosen).to_have_text("Chosen: 6")
    page.get_by_label("Customer").press_sequentially("peters")
    expect(page.get_by_role("table")).to_contain_text("2 subscriptions")
    # What is no longer in sight is no longer chosen.
    expect(chosen).to_have_text("Chosen: 0")
    every.check()
    expect(chosen).to_have_text("Chosen: 2")
    expect(page.get_by_role("button", name="Assign all that match")).to_be_visible()
    page.get_by_label("Changed in the last 30 days").check()
    page.wait_for_url("**recent=on*")
    assert page.evaluate("window.isSamePage")
    export = page.get_by_role("link", name="Export (CSV)")
    assert "recent=on" in export.get_attribute("href")
    expect(chosen).to_have_text("Chosen: 0")
    every.check()
    page.get_by_role("button", name="Assign the chosen").click()
    expect(page.get_by_role("main")).to_contain_text("For 2 chosen subscriptions.")


def test_a_question_is_cancelled_by_escape_and_nothing_happens(demo, enter):
    page = enter("global@nordlicht.example", account_path(demo))
    button = page.get_by_role("button", name="Suspend all")
    button.focus()
    page.keyboard.press("Enter")
    question = page.get_by_role("dialog")
    expect(question).to_contain_text("The customer can't use them until they are reactivated.")
    # The keyboard stands on the safe answer.
    expect(question.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Escape")
    expect(question).to_be_hidden()
    expect(button).to_be_focused()
    assert demo.customer("Reederei Albers").subscriptions.filter(status="suspended").count() == 1


def test_what_is_not_saved_is_not_left_unasked(demo, enter):
    page = enter("helpdesk@nordlicht.example", "/settings/profile/")
    asked = []

    def stay(dialog):
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    name = page.get_by_label("Name")
    name.click()
    page.keyboard.type("Dr. ")
    page.get_by_role("link", name="Customers").click()
    expect(name).to_be_visible()
    assert asked == ["beforeunload"]
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_have_text("Your profile was saved.")
    page.get_by_role("link", name="Customers").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Customers")
    assert asked == ["beforeunload"]


@pytest.mark.parametrize(
    ("locale", "firm", "email", "button", "heading", "working"),
    [
        (
            "en",
            "Firm",
            "Email of its admin",
            "Create the request",
            "Request to Werft Neu",
            "Working …",
        ),
        (
            "de",
            "Firma",
            "E-Mail",
            "Anfrage erstellen",
            "Anfrage an Werft Neu",
            "In Arbeit …",
        ),
    ],
)
def test_a_form_is_sent_once_however_often_it_is_pressed(
    enter, locale, firm, email, button, heading, working
):
    path = "/relationships/requests/new/"
    page = enter("global@nordlicht.example", path, locale=locale)
    page.get_by_label(firm).fill("Werft Neu")
    page.get_by_label(email).fill("anna@werft-neu.example")
    # As long as no answer comes, the page says that the work goes on, to those who hear it too.
    page.evaluate(
        "window.addEventListener('submit', event => event.preventDefault(), {once: true})"
    )
    page.get_by_role("button", name=button).click()
    expect(page.locator("main form")).to_have_attribute("aria-busy", "true")
    expect(page.locator("main > [aria-live]").first).to_have_text(working)
    page.goto(path)
    page.get_by_label(firm).fill("Werft Neu")
    page.get_by_label(email).fill("anna@werft-neu.example")
    sent = []
    page.on("request", lambda request: request.method == "POST" and sent.append(request.url))
    page.get_by_role("button", name=button).evaluate(
        "button => { button.click(); button.click(); button.click(); }"
    )
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    assert len(sent) == 1
    assert RelationshipRequest.objects.count() == 1


@pytest.mark.parametrize(
    ("locale", "day", "zone", "ago"),
    [
        ("en", "25 November 2026, 05:00", "GMT+9", "3 days ago"),
        ("de", "25. November 2026, 05:00", "GMT+9", "vor 3 Tagen"),
    ],
)
def test_times_say_on_hover_what_they_are_on_the_own_clock(demo, enter, locale, day, zone, ago):
    page = enter("helpdesk@nordlicht.example", "/customers/", locale=locale, timezone="Asia/Tokyo")
    page.clock.set_fixed_time("2026-11-28T12:00:00Z")
    page.goto(office_path(demo))
    time = page.get_by_role("time").first
    time.evaluate("time => { time.dateTime = '2026-11-24T20:00:00+00:00' }")
    page.evaluate("document.dispatchEvent(new Event('portal:replaced'))")
    expect(time).to_contain_text("UTC")
    # In Tokyo it is the next day already.
    title = time.get_attribute("title")
    assert title.startswith(day)
    assert zone in title
    assert title.endswith(f"· {ago}")


def test_one_of_200_resellers_is_found_and_designated_by_keyboard_alone(demo, enter):
    nordlicht, albers = demo.partner("Nordlicht Distribution"), demo.customer("Reederei Albers")
    for number in range(200):
        reseller = PartnerFactory(name=f"Käpt'n {number:03}", reseller=True)
        PartnershipFactory(provider=nordlicht, reseller=reseller)
        RelationshipFactory(partner=reseller, customer=albers)
    page = enter("helpdesk@nordlicht.example", office_path(demo))
    page.locator("main").focus()
    search = page.get_by_role("searchbox", name="Search in the list")
    for _ in range(10):
        page.keyboard.press("Tab")
        if search.evaluate("element => element === document.activeElement"):
            break
    page.keyboard.type("kapt 137")
    expect(page.get_by_text("Found: 1, Käpt'n 137")).to_be_attached()
    choice = page.get_by_label("Designated support contact")
    expect(choice.get_by_role("option")).to_have_text(["Käpt'n 137"])
    page.keyboard.press("Escape")
    expect(choice.get_by_role("option")).to_have_count(202)
    expect(choice).to_have_value(str(nordlicht.pk))
    page.keyboard.type("käpt'n 13")
    for _ in range(9):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(choice).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Review the support contact")
    expect(page.locator("dl.facts")).to_contain_text("Käpt'n 137")


@pytest.mark.parametrize(
    ("path", "way", "clicks"),
    [("/customers/", ["Reederei Albers", OFFICE], "4"), ("/subscriptions/", [OFFICE], "3")],
    ids=["four-from-the-customers", "three-from-coverage"],
)
def test_a_contact_is_designated_in_few_clicks(demo, enter, path, way, clicks):
    page = enter("helpdesk@nordlicht.example", path)
    page.context.add_init_script(
        """document.addEventListener("click", event => {
            if (event.isTrusted) sessionStorage.clicks = Number(sessionStorage.clicks ?? 0) + 1;
        }, true)"""
    )
    page.reload()
    for name in way:
        page.get_by_role("link", name=name, exact=True).click()
    page.get_by_label("Designated support contact").select_option("Hafen IT")
    page.get_by_role("button", name="Submit").click()
    page.get_by_role("link", name="Close").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(OFFICE)
    assert page.evaluate("sessionStorage.clicks") == clicks
    assert str(demo.subscription("Reederei Albers", OFFICE).support_contact) == "Hafen IT"


@pytest.mark.parametrize("javascript", [True, False])
def test_the_menu_is_a_drawer_on_a_phone(enter, javascript):
    page = enter("helpdesk@nordlicht.example", "/customers/", width=320, javascript=javascript)
    link = page.get_by_role("navigation").get_by_role("link", name="Activity log")
    expect(link).to_be_hidden()
    page.get_by_role("button", name="Menu", exact=True).click()
    expect(link).to_be_visible()
    page.keyboard.press("Escape")
    expect(link).to_be_hidden()
    page.get_by_role("button", name="Menu", exact=True).click()
    page.get_by_role("button", name="Close the menu").click()
    expect(link).to_be_hidden()


@pytest.mark.parametrize("locale", ["en", "de"])
def test_no_word_of_a_table_is_broken_on_a_tablet_or_zoomed_in(enter, locale):
    page = enter("global@nordlicht.example", "/customers/", locale=locale)
    for path in ("/customers/", "/subscriptions/", "/activity/"):
        page.goto(path)
        for width in (768, 960, 1024, 1199, 1200):
            page.set_viewport_size({"width": width, "height": 900})
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{path} scrolls sideways at {width} px"
            for words in ("Reederei", "Petersen", "Nordlicht", "Distribution"):
                place = page.get_by_role("table").get_by_text(words).first
                if place.count():
                    broken = place.evaluate(IS_BROKEN, words)
                    assert not broken, f"{words} in {path} at {width} px"


@pytest.mark.parametrize("width", [1280, 1024, 320])
def test_how_an_offer_is_billed_stays_one_word_in_the_catalogue(demo, enter, width):
    path = f"/customers/{demo.customer('Reederei Albers').pk}/subscriptions/add/"
    page = enter("global@nordlicht.example", path, locale="de", width=width)
    billed = page.get_by_role("table").get_by_text("Nutzungsbasiert").first
    assert billed.evaluate(IS_BROKEN, "Nutzungsbasiert") is False
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_on_paper_there_is_nothing_to_press(enter):
    page = enter("global@nordlicht.example", "/subscriptions/")
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 794, "height": 1123})
    expect(page.get_by_role("table")).to_be_visible()
    expect(page.get_by_role("columnheader", name="Subscription")).to_be_visible()
    expect(page.get_by_role("button")).to_have_count(0)
    expect(page.get_by_role("checkbox")).to_have_count(0)
    expect(page.get_by_role("navigation")).to_have_count(0)
    for words in ("Petersen", "Distribution"):
        assert not page.get_by_role("table").get_by_text(words).first.evaluate(IS_BROKEN, words)
    assert page.evaluate("document.documentElement.scrollWidth") <= 794


@pytest.mark.parametrize("javascript", [True, False])
def test_a_phone_folds_the_filters_away_so_that_the_list_is_near(enter, javascript):
    page = enter("helpdesk@nordlicht.example", "/subscriptions/", width=320, javascript=javascript)
    folded, status = page.get_by_text("More filters"), page.get_by_label("Status")
    expect(page.get_by_label("Customer")).to_be_visible()
    expect(status).to_be_hidden()
    first = page.get_by_role("rowheader").first.bounding_box()
    assert first["y"] < 640, "the list begins below what a phone shows"
    folded.click()
    status.select_option("Suspended")
    page.get_by_role("button", name="Search").click()
    page.wait_for_url("**status=suspended**")
    expect(page.get_by_role("rowheader")).to_have_text(["Microsoft 365 E3"])
    # What is set is seen.
    expect(status).to_be_visible()
    expect(status).to_have_value("suspended")
    page.get_by_role("link", name="Show all").click()
    expect(status).to_be_hidden()
    page.set_viewport_size({"width": 1280, "height": 900})
    expect(status).to_be_visible()
    expect(folded).to_be_hidden()


@pytest.mark.parametrize(
    ("path", "link", "order"),
    [
        ("/customers/", "Name", ["Reederei Albers", "Backhaus Petersen"]),
        ("/subscriptions/", "Customer", None),
        ("/settings/users/", "Email", None),
    ],
)
def test_a_phone_sorts_by_links_that_are_in_sight(enter, path, link, order):
    page = enter("global@nordlicht.example", path, width=320)
    links = page.locator("thead").get_by_role("link")
    assert links.count() == page.locator("thead :is(a, button, input, [tabindex])").count() > 1
    for one in links.all():
        one.focus()
        seen = one.evaluate(
            """element => {
                element.scrollIntoView();
                const box = element.getBoundingClientRect();
                const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
                return element.contains(top) ? [box.x, box.right, box.width, box.height] : null;
            }"""
        )
        assert seen, f"{one.inner_text()} is not seen"
        left, right, width, height = seen
        assert left >= 0
        assert right <= 320
        assert min(width, height) >= 24
    # The other headings are read out only.
    expect(page.locator("thead th:not(:has(a))").first).to_have_css("clip-path", "inset(50%)")
    page.locator("thead").get_by_role("link", name=link, exact=True).click()
    page.wait_for_url("**sort=*")
    expect(page.locator("thead [aria-sort]")).to_have_text(link)
    if order:
        expect(page.get_by_role("rowheader")).to_have_text(order)


@pytest.mark.parametrize(("system", "other"), [("light", "Dark"), ("dark", "Light")])
def test_the_picked_colours_are_there_from_the_first_byte(enter, system, other):
    page = enter("helpdesk@nordlicht.example", "/customers/", color_scheme=system)
    colour = "getComputedStyle(document.body).backgroundColor"
    by_system = page.evaluate(colour)
    page.get_by_role("button", name=other).click()
    expect(page.get_by_role("button", name=other)).to_have_attribute("aria-pressed", "true")
    picked = page.evaluate(colour)
    assert picked != by_system
    page.emulate_media(color_scheme=other.lower())
    assert page.evaluate(colour) == picked
    page.get_by_role("button", name="As the system").click()
    expect(page.get_by_role("button", name="As the system")).to_have_attribute(
        "aria-pressed", "true"
    )
    assert page.evaluate(colour) == picked
    page.emulate_media(color_scheme=system)
    assert page.evaluate(colour) == by_system


def test_without_scripts_nothing_is_shown_that_needs_them(demo, enter):
    page = enter("global@nordlicht.example", account_path(demo), javascript=False)
    expect(page.get_by_label("Choose Azure plan")).to_be_visible()
    expect(page.get_by_label("Choose all")).to_be_hidden()
    page.get_by_label("Choose Azure plan").check()
    page.get_by_role("button", name="Suspend the chosen ones").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "Suspend 1 subscription of Reederei Albers?"
    )
    page.get_by_role("button", name="Suspend the chosen ones").click()
    expect(page.get_by_role("status")).to_have_text("1 subscription was suspended.")


def test_the_time_zone_of_the_browser_is_offered_once(demo, enter):
    """Who lives in the installation's is never asked, nor is who is filling in a form."""
    page = enter("agent@nordlicht.example", "/customers/", locale="de", timezone="Europe/Berlin")
    pick = page.get_by_role("button", name="Zeiten in Europe/Berlin anzeigen")
    expect(pick).to_be_visible()
    page.goto("/settings/profile/")
    expect(page.get_by_label("Zeitzone")).to_be_visible()
    expect(pick).to_have_count(0)
    page.goto("/customers/?q=reederei")
    pick.click()
    page.wait_for_url("**/customers/?q=reederei")
    expect(page.locator("[data-offer]")).to_have_count(0)
    assert demo.user("agent@nordlicht.example").time_zone == "Europe/Berlin"
    page = enter("sales@nordlicht.example", "/customers/", timezone="Asia/Calcutta")
    page.get_by_role("button", name="Keep UTC").click()
    expect(page.locator("[data-offer]")).to_have_count(0)
    page = enter("helpdesk@nordlicht.example", "/customers/", timezone="Atlantic/Reykjavik")
    page.evaluate("sessionStorage.clear()")  # the answer for this session
    with page.expect_response("**/accounts/time-zone/**") as asked:
        page.reload()
    assert asked.value.status == 204
    expect(page.locator("[data-offer] form")).to_have_count(0)
