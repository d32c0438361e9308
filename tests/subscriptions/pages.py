"""How tests read and submit the pages of a subscription."""

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.pages import Page, signed_in


def address(subscription, name="detail"):
    """Where a page of the subscription is, by the name of its route."""
    return reverse(f"subscriptions:{name}", args=[subscription.customer_id, subscription.pk])


def opened(email, subscription, name="detail", query=""):
    """A page of the subscription as ``email`` reads it."""
    answer = signed_in(email).get(f"{address(subscription, name)}{query}")
    assert answer.status_code == 200
    return Page(answer)


def submit(email, subscription, choice, **data):
    """Press Submit; ``choice`` is a partner, or whatever else is posted."""
    data["support_contact"] = str(getattr(choice, "pk", choice))
    return signed_in(email).post(address(subscription), data)


def contact(subscription):
    """The name of the support contact in force, or None."""
    subscription.refresh_from_db()
    return subscription.support_contact and subscription.support_contact.name


def cost(browser, path):
    """How many queries a list needs once it was opened before, and how many rows it has."""
    browser.get(path)
    with CaptureQueriesContext(connection) as queries:
        page = Page(browser.get(path))
    return len(queries), len(page.table)
