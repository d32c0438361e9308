"""The lines of the table: what is measured, and what must be reached."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle
from urllib.parse import urlencode

from lists.keyset import write_cursor
from subscriptions.models import Subscription


@dataclass(frozen=True)
class Line:
    """Something that a user does; its CPU time must not be more than ``goal`` floors."""

    name: str
    goal: float
    act: Callable[[], object]
    most_growth: float = 1.25
    writes: bool = False


def page(name, goal, browser, path, most_growth=1.25, **query):
    address = f"{path}?{urlencode(query)}" if query else path
    return Line(name, goal, lambda: browser.get(address), most_growth)


def search(name, goal, browser, path, **query):
    return page(name, goal, browser, path, most_growth=3, **query)


def customer_lines(facts):
    us, path = facts.browser, "/customers/"
    yield page("Customers", 3, us, path)
    yield page("Customers, deep", 3, us, path, after=facts.cursor_of_customers("name_and_domain"))
    yield page("Customers, last page", 3, us, path, before=write_cursor(("\U0010ffff", "f" * 32)))
    for sort, key in (("domain", "customer_domain"), ("since", "started_at")):
        yield page(f"Customers by {sort}", 3, us, path, sort=sort)
        cursor = facts.cursor_of_customers(key)
        yield page(f"Customers by {sort}, deep", 3, us, path, sort=sort, after=cursor)
    yield page("Customers by name, Z to A", 3, us, path, sort="-name")
    yield page("Customers of one reseller", 3, us, path, reseller=facts.reseller.pk)
    # A filter and an order that no index has together: as much as a search of a common word may cost.
    yield search(
        "Customers of one reseller, and by since",
        3.5,
        us,
        path,
        reseller=facts.reseller.pk,
        sort="since",
    )
    for name, has_dap in (("with", "yes"), ("without", "no")):
        yield search(
            f"Customers where one reseller is {name} DAP",
            3.5,
            us,
            path,
            reseller=facts.reseller.pk,
            reseller_dap=has_dap,
        )
    yield page("Customers with DAP", 3, us, path, dap="yes")
    yield page("Customers without DAP", 3, us, path, dap="no")
    yield search("Search, common word", 3.5, us, path, q="gmbh")
    yield search("Search, inside words", 3.5, us, path, q="erei")
    yield search("Search, rare word", 7, us, path, q=facts.rare_word)
    yield search("Search, no hit", 7, us, path, q="zzxqy")
    # Found at each size, few even in the largest.
    yield search("Search, two words", 7, us, path, q="müller gmbh")


def subscription_lines(facts):
    us, path = facts.browser, f"/customers/{facts.customer.pk}/"
    yield page("A customer's subscriptions", 3, us, path)
    yield page(
        "A customer's subscriptions, deep", 3, us, path, after=facts.cursor_of_subscriptions()
    )
    yield page("A customer's subscriptions, search", 3.5, us, path, q="backup")
    one = Subscription.objects.filter(customer=facts.customer, seller=facts.provider)[0]
    yield page("Subscription, choice among 200 resellers", 4, us, f"{path}subscriptions/{one.pk}/")
    yield Line("Designate and review", 10, Designation(facts), writes=True)
    yield page("The customer's support page", 3, facts.customer_admin, "/support/")


class Designation:
    """Submit another contact each time, the reseller or again the provider, and read the review."""

    def __init__(self, facts):
        self.facts = facts
        with_dap = facts.reseller.relationships.with_dap().values("customer")
        self.subscriptions = cycle(facts.subscriptions.filter(customer__in=with_dap)[:50])

    def prepare(self):
        self.subscription = next(self.subscriptions)
        self.in_force = self.subscription.support_contact_history.get(ended_at=None)

    def __call__(self):
        provider, reseller = self.facts.provider.pk, self.facts.reseller.pk
        chosen = provider if self.in_force.partner_id == reseller else reseller
        path = f"/customers/{self.subscription.customer_id}/subscriptions/{self.subscription.pk}/"
        browser = self.facts.browser
        data = {"support_contact": chosen, "seen": self.in_force.pk}
        browser.get(browser.post(path, data))


def request_lines(facts):
    us, path = facts.browser, "/relationships/requests/"
    yield page("Requests", 3, us, path)
    yield page("Requests, deep", 3, us, path, after=facts.cursor_of_requests())
    yield page("Requests by firm", 3, us, path, sort="firm")
    yield search("Requests, search", 3.5, us, path, q="gmbh")
    yield search("Requests, no hit", 7, us, path, q="zzxqy")


def activity_lines(facts):
    us, path = facts.browser, "/activity/"
    yield page("Activity, last month", 3, us, path)
    yield page("Activity, all", 3, us, path, start="", end="")
    yield page("Activity, deep", 3, us, path, start="", end="", after=facts.cursor_of_activity())
    yield page("Activity of one kind", 3, us, path, start="", action="relationship.dap_removed")
    yield search("Activity of customers, common word", 3.5, us, path, start="", customer="gmbh")
    yield search("Activity of one customer", 7, us, path, start="", customer=facts.customer.name)
    yield search(
        "Activity, a word of one customer in 100",
        7,
        us,
        path,
        start="",
        customer=facts.middle_word,
    )
    yield search("Activity, no such customer", 7, us, path, start="", customer="zzxqy")


def coverage_lines(facts):
    us, path = facts.browser, "/subscriptions/"
    for sort in ("product", "customer", "since"):
        yield page(f"Coverage by {sort}", 3, us, path, sort=sort)
        cursor = facts.cursor_of_coverage(sort)
        yield page(f"Coverage by {sort}, deep", 3, us, path, sort=sort, after=cursor)
    offer = Subscription.objects.filter(customer=facts.customer)[0].offer_id
    for name, query in (
        ("of one contact", {"contact": facts.reseller.pk}),
        ("without a contact", {"contact": "none"}),
        ("of one product", {"offer": offer}),
        ("of the last product", {"offer": facts.last_offer.pk}),
        ("suspended", {"status": "suspended"}),
        ("still with the seller", {"still": "on"}),
        ("changed in 30 days", {"recent": "on"}),
    ):
        yield page(f"Coverage, {name}", 3, us, path, **query)
    yield search("Coverage of customers, common word", 3.5, us, path, q="gmbh")
    yield search("Coverage of customers, rare word", 7, us, path, q=facts.customer.name)
    yield search("Coverage of customers, a word of one in 100", 7, us, path, q=facts.middle_word)
    yield search("Coverage of customers, no hit", 7, us, path, q="zzxqy")


def lines(facts):
    for some in (customer_lines, coverage_lines, subscription_lines, request_lines, activity_lines):
        yield from some(facts)
