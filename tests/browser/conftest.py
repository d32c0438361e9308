"""Fixtures for a real Chromium: ``open_browser()`` gives a page on the running portal.

The browser is the system's own, or the one that the variable CHROMIUM names. Where there is none,
these tests are skipped and the last line of the run says so; with REQUIRE_BROWSER=1 the run fails.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.core.cache import cache
from playwright.sync_api import Browser, ConsoleMessage, Page, Response, sync_playwright

# The stage on which every page has something to show.
from tests.test_html import address, requests  # noqa: F401

FOLDER = Path(__file__).parent
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
MISSING = (
    "THE BROWSER TESTS DID NOT RUN: no Chromium was found. "
    "Install chromium, or set CHROMIUM to the path of one."
)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
TIMEOUT = 15_000  # milliseconds: generous, for busy machines


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    mine = [item for item in items if FOLDER in item.path.parents]
    if mine and not CHROMIUM and os.environ.get("REQUIRE_BROWSER") == "1":
        raise pytest.UsageError(MISSING)
    for item in mine:
        item.add_marker(pytest.mark.browser)
        if not CHROMIUM:
            item.add_marker(pytest.mark.skip(reason=MISSING))
    # Last, since Playwright's event loop then stays in this thread until the end of the run.
    items.sort(key=lambda item: FOLDER in item.path.parents)


def pytest_unconfigure(config: pytest.Config) -> None:
    if not CHROMIUM:
        config.get_terminal_writer().line(MISSING, red=True, bold=True)


@pytest.fixture(autouse=True)
def _transactional(transactional_db: None) -> Iterator[None]:
    """The portal answers in other threads, which see only what has been committed."""
    yield
    cache.clear()  # no table of a model, so nobody else empties it


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_browser(chromium: Browser, live_server, settings) -> Iterator[Callable[..., Page]]:
    """A factory of pages, each in a browser of its own with its own cookies.

    At its end the test fails if any page had a script error, a console error (a violation of the
    Content-Security-Policy is one), a warning of the browser or an answer that says the server failed.
    """
    settings.PORTAL_URL = live_server.url
    contexts = []
    problems: list[str] = []
    refused: set[str] = set()

    def on_response(response: Response) -> None:
        if response.status >= 500:
            problems.append(f"{response.status} {response.request.method} {response.url}")
        elif response.status >= 400 and response.request.is_navigation_request():
            refused.add(response.url)

    def on_console(message: ConsoleMessage) -> None:
        # Chromium reports a page that answers 403 or 404; that page may be what the test wants.
        is_refusal = message.text.startswith("Failed to load resource")
        if message.type not in ("error", "warning"):
            return
        if not (is_refusal and message.location["url"] in refused):
            problems.append(f"console: {message.text} ({message.location['url']})")

    def open_page(
        locale: str = "en",
        javascript: bool = True,
        width: int = 1280,
        color_scheme: str = "light",
        timezone: str = "UTC",
    ) -> Page:
        context = chromium.new_context(
            base_url=live_server.url,
            locale=locale,
            java_script_enabled=javascript,
            viewport={"width": width, "height": 900},
            color_scheme=color_scheme,
            timezone_id=timezone,
        )
        contexts.append(context)
        context.set_default_timeout(TIMEOUT)
        context.on("response", on_response)
        context.on("console", on_console)
        context.on("weberror", lambda error: problems.append(f"script: {error.error}"))
        return context.new_page()

    yield open_page
    for context in contexts:
        context.close()
    assert not problems, "\n".join(problems)
