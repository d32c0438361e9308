"""Everyone of the demo data, turned into a crawler: each link and each form's address, and no error.

What a page leads to is followed as it stands there, with its query. Foreign rows are looked for on the way;
the operator, who may see all, is only kept from errors.
"""

from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import pytest
from django.test import Client

from relationships.models import Relationship, RelationshipRequest
from tests import test_access
from tests.pages import own_routes, signed_in

canary = test_access.canary

# Of one page with many queries (filters, sorts, pages) so many are opened, and so many rows of a kind.
QUERIES = 3
ROWS = 3
# What a partner once had stays readable in its log (R9).
ONCE = ("CANARY Backhaus", "CANARY Elbe Support")


class Addresses(HTMLParser):
    """Where a page leads: its links, the addresses of its forms, and what its searches would ask for."""

    def __init__(self, source):
        super().__init__()
        self.found, self.search = [], None
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag in ("a", "area", "link") and attrs.get("href"):
            self.found.append(attrs["href"])
        elif tag == "form":
            self.found.append(attrs.get("action") or "?")
            self.search = None if attrs.get("method", "get").lower() == "post" else {}
        elif tag == "button" and attrs.get("formaction"):
            self.found.append(attrs["formaction"])
        elif tag in ("input", "select") and self.search is not None and attrs.get("name"):
            self.search[attrs["name"]] = attrs.get("value") or ""

    def handle_endtag(self, tag):
        if tag == "form" and self.search:
            self.found += [
                f"?{urlencode(self.search)}",
                f"?{urlencode(dict.fromkeys(self.search, 'a'))}",
            ]
            self.search = None


class Crawler:
    """Visits what it finds, page by page, and remembers the routes that answered."""

    def __init__(self, browser, start, queries=QUERIES, rows=ROWS):
        self.browser, self.waiting, self.most = browser, [start], (queries, rows)
        self.seen, self.queries, self.rows, self.routes = set(), {}, {}, set()

    def wants(self, address):
        parts = urlsplit(address)
        if parts.scheme not in ("", "https") or parts.netloc not in ("", "portal.example"):
            return False
        if parts.path.startswith("/static/") or address in self.seen or "logout" in parts.path:
            return False
        self.seen.add(address)
        self.queries[parts.path] = self.queries.get(parts.path, 0) + 1
        # Rows of a kind differ in their keys.
        kind = "/".join(part for part in parts.path.split("/") if not any(map(str.isdigit, part)))
        if self.queries[parts.path] == 1:
            self.rows[kind] = self.rows.get(kind, 0) + 1
        queries, rows = self.most
        return self.queries[parts.path] <= queries and self.rows[kind] <= rows

    def visit(self):
        while self.waiting:
            address = self.waiting.pop(0)
            if not self.wants(address):
                continue
            parts = urlsplit(address)
            answer = self.browser.get(
                parts.path or "/", dict(parse_qsl(parts.query, keep_blank_values=True))
            )
            if answer.resolver_match:
                self.routes.add(answer.resolver_match.view_name)
            yield address, answer
            if answer.status_code in (301, 302):
                self.waiting.append(urljoin(address, answer.url).partition("#")[0])
            elif answer["Content-Type"].startswith("text/html"):
                found = Addresses(answer.getvalue().decode()).found
                self.waiting += [urljoin(address, one).partition("#")[0] for one in found]


ALBERS = "admin@albers.example"
PEOPLE = [*test_access.DEMO_PEOPLE, ALBERS]


@pytest.mark.parametrize("email", PEOPLE)
def test_T1_a_crawler_finds_no_error_and_no_foreign_row(demo, canary, email):
    partner = demo.user(email).membership.partner
    notices = {
        f"/relationships/{ended.pk}/notice/"
        for ended in Relationship.objects.filter(partner=partner).exclude(ended_at=None)
    }
    # CANARY sells to Reederei Albers, too: what it shows to its own customer is no leak.
    may_see = email == ALBERS
    opened = 0
    for address, answer in Crawler(signed_in(email), "/").visit():
        assert answer.status_code in (200, 301, 302, 403, 404, 405, 410), address
        text = answer.getvalue().decode()
        opened += answer.status_code == 200
        if may_see or address in notices:
            continue
        if address.startswith(("/activity/", "/notices/")):
            for once in ONCE:
                text = text.replace(once, "")
        assert "CANARY" not in text, address
    assert opened >= 3


def test_the_operator_finds_no_error(demo, canary):
    crawler = Crawler(signed_in("operator@portal.example"), "/", queries=2, rows=1)
    opened = 0
    for address, answer in crawler.visit():
        assert answer.status_code < 500, address
        opened += answer.status_code == 200
    assert opened > 50


def test_nobody_finds_no_error(demo, canary):
    links = [made.path for made in RelationshipRequest.objects.all()]
    for start in ("/", "/customers/", *links):
        for address, answer in Crawler(Client(), start).visit():
            assert answer.status_code < 500, address


# Pages that no link of the demo leads to, and from where one comes to them.
NOT_LINKED = {
    "healthz": "monitoring asks for it",
    "readyz": "monitoring asks for it",
    "set_time_zone": "a script asks whether to offer the zone of the browser",
    "relationships:notice": "where the removal of a relationship ends",
    "subscriptions:review": "where a designation ends",
    "address_confirm": "the mail to confirm an address has its link",
    "user_invitation": "the mail to an invited user has its link",
    "take_over:own": "whoever takes a record over is led there first",
    "take_over:record": "the records that partners made for a proved domain have their link",
    "invitations:registration": "the mail to whoever wants to register has its link",
    "new_customer:done": "where the adding of a customer ends",
    "coverage:contact": "where a choice of rows leads",
    "coverage:bulk": "where a choice of rows and a contact leads",
    "coverage:bulk_export": "the result of a bulk assignment has its link",
    "identity_unlink": "a linked identity, of which the demo has none, has a button",
    # The steps of the sign-in, which tests/portal walks through.
    **dict.fromkeys(
        [
            "account_reset_password_done",
            "account_reset_password_from_key",
            "account_reset_password_from_key_done",
            "account_set_password",
            "mfa_authenticate",
            "mfa_deactivate_totp",
            "mfa_download_recovery_codes",
            "mfa_edit_webauthn",
            "mfa_generate_recovery_codes",
            "mfa_list_webauthn",
            "mfa_reauthenticate",
            "mfa_reauthenticate_webauthn",
            "mfa_remove_webauthn",
            "mfa_view_recovery_codes",
            "openid_connect_callback",
            "socialaccount_login_cancelled",
        ],
        "a form or a mail of the sign-in leads there",
    ),
}


def test_the_crawlers_reach_every_page(demo, canary):
    """A page that nobody reaches would not be looked at."""
    reached = set()
    links = [made.path for made in RelationshipRequest.objects.all()]
    starts = [("global@nordlicht.example", "/"), ("global@hafen.example", "/"), (ALBERS, "/")]
    starts += [(canary.email, "/"), *((email, link) for email in (ALBERS, None) for link in links)]
    for email, start in starts:
        crawler = Crawler(signed_in(email) if email else Client(), start)
        for _visited in crawler.visit():
            pass
        reached |= crawler.routes
    pages = {
        name
        for name, view in own_routes().items()
        if "get" in getattr(getattr(view, "view_class", None), "http_method_names", ["get"])
    }
    assert pages - reached == set(NOT_LINKED)
