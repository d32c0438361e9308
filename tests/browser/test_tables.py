"""In tables words are whole and dates stand in one line, at every width, and what unfolds moves no column."""

from datetime import UTC, datetime

import pytest

from portal.models import User
from relationships.models import Partnership, Relationship
from subscriptions.models import Subscription
from tests.factories import CustomerFactory, SubscriptionFactory

from .test_barriers import GLOBAL, ask, open_as, speak

ALBERS, YILMAZ = "admin@albers.example", "admin@yilmaz.example"
WIDTHS = (320, 768, 1024, 1200, 1280, 1920)
# What stands on more than one line: words of usual length, parts of addresses, and dates.
BROKEN = r"""() => {
    const found = new Set();
    for (const cell of document.querySelectorAll("main .table :is(th, td, caption)")) {
        const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
        while (texts.nextNode()) {
            const node = texts.currentNode;
            if (node.parentElement.closest("details:not([open]) > :not(summary)")) continue;
            const words = node.data.matchAll(/(?<![^\s-])[^\s-]{1,20}(?![^\s-])/gu);
            const dates = node.data.matchAll(/\d{1,2}\.? \p{L}{3,9} \d{4}/gu);
            for (const [piece] of [...words, ...dates]) {
                const range = document.createRange();
                const start = node.data.indexOf(piece);
                range.setStart(node, start);
                range.setEnd(node, start + piece.length);
                const lines = new Set([...range.getClientRects()].map(one => Math.round(one.top)));
                if (lines.size > 1) found.add(piece);
            }
        }
    }
    const isWide = document.documentElement.scrollWidth > innerWidth;
    if (isWide) found.add("scrolls sideways: make room under Tables in portal.css");
    return [...found];
}"""
# Where each column begins and ends.
COLUMNS = """() => [...document.querySelectorAll("main thead th")].map(
    heading => [heading.getBoundingClientRect().left, heading.getBoundingClientRect().right]
)"""


@pytest.fixture
def firms(demo):
    """Customers of Nordlicht in countries with long names, each with something usage-based."""
    nordlicht = demo.partner("Nordlicht Distribution")
    for country in ("NL", "LI", "BA", "CH"):
        customer = CustomerFactory(
            name=f"Werft und Maschinenbau {country} GmbH & Co. KG", country=country
        )
        Relationship.objects.create(partner=nordlicht, customer=customer, has_dap=True)
        SubscriptionFactory(customer=customer, seller=nordlicht)
    ask(demo.user(GLOBAL), "Werft und Maschinenbau", "anna@werft.example")
    asked = ask(demo.user(GLOBAL), "Praxis Dr. Yılmaz", YILMAZ)
    asked.decline(by=demo.user(YILMAZ), reason="Not now")
    long_ago = datetime(2020, 9, 30, 12, tzinfo=UTC)  # a day that is long to write
    User.objects.update(last_login=long_ago)
    Relationship.objects.update(started_at=long_ago)
    Partnership.objects.update(started_at=long_ago)
    Subscription.objects.update(started_on=long_ago, contact_changed_at=long_ago)
    return demo


@pytest.mark.parametrize("email", [GLOBAL, ALBERS])
def test_no_word_of_usual_length_and_no_date_is_broken(firms, open_browser, live_server, email):
    paths = {
        GLOBAL: [
            "/customers/",
            "/subscriptions/",
            f"/customers/{firms.customer('Reederei Albers').pk}/",
            f"/customers/{firms.customer('Reederei Albers').pk}/account/",
            "/activity/",
            "/relationships/requests/",
            "/relationships/resellers/",
            "/settings/users/",
        ],
        ALBERS: ["/support/", "/support/partners/", "/activity/"],
    }
    page = open_as(open_browser, live_server, email)
    found = []
    for language in ("en", "de"):
        speak(page, language)
        for path in paths[email]:
            page.goto(path)
            page.evaluate("document.querySelectorAll('td details').forEach(one => one.open = true)")
            assert page.locator("main .table").count()
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 900})
                found += [f"{path} {language} {width}: {what}" for what in page.evaluate(BROKEN)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("path", ["/customers/", "/activity/"])
def test_details_unfold_without_moving_a_column(firms, open_browser, live_server, path):
    page = open_as(open_browser, live_server, GLOBAL)
    page.goto(path)
    for width in (1024, 1280, 1920):
        page.set_viewport_size({"width": width, "height": 900})
        before = page.evaluate(COLUMNS)
        assert len(before) > 4
        for summary in page.locator("td summary").all()[:3]:
            summary.click()
        assert page.locator("td details[open]").count()
        assert page.evaluate(COLUMNS) == before
        page.evaluate("document.querySelectorAll('td details').forEach(one => one.open = false)")
