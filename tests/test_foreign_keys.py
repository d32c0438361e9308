"""T1 in addresses and forms: a key of another tenant's row is answered like a key of no row at all.

Driven by the table of paths in ``test_access`` and by what each page is found to ask for, so a new filter is
tried without a word here.
"""

import re
import uuid
from urllib.parse import urlencode

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from customers.models import Customer
from portal.models import Partner
from tests import test_access, test_crawler
from tests.pages import signed_in
from tests.test_input import learn, who_may

asked, canary, keys, sent = (
    test_access.asked,
    test_access.canary,
    test_access.keys,
    test_access.sent,
)

DRAWN = re.compile(r'<input type="hidden" name="\w+" value="[0-9a-f]{8}-[0-9a-f-]{27}"')


@pytest.fixture
def foreign(canary):
    """Keys of rows that nobody of the demo may know: a customer, a partner."""
    return [
        str(Customer.objects.get(name="CANARY Reederei Albers").pk),
        str(Partner.objects.get(name="CANARY Hafen IT").pk),
    ]


def answer_to(browser, method, path, field, key, **others):
    """What is read, without the key that was sent, which a form shows again."""
    encoded = urlencode({**others, field: key})
    with transaction.atomic():
        if method == "GET":
            answer = browser.get(f"{path}?{encoded}")
        else:
            answer = browser.post(path, encoded, content_type=test_access.FORM)
        text = answer.getvalue().decode()
        transaction.set_rollback(True)
    if path.startswith(("/activity/", "/notices/")):
        for once in test_crawler.ONCE:
            text = text.replace(once, "")
    assert "CANARY" not in text
    return answer.status_code, without_chance(text.replace(key, "KEY"))


def without_chance(text):
    """The lines of a page but for what is drawn anew each time: the token, an order's number, the seconds."""
    return [
        line
        for line in text.splitlines()
        if "csrfmiddlewaretoken" not in line and "data-ago" not in line and not DRAWN.search(line)
    ]


@pytest.mark.parametrize(
    ("method", "name"),
    [(method, name) for method, name in test_access.TABLE if name not in ("login", "set_language")],
)
def test_T1_a_foreign_key_is_answered_like_none(demo, keys, sent, foreign, method, name):
    path = reverse(name, kwargs=keys(name))
    email = who_may(method, name)
    browser = signed_in(email) if email else Client()
    example = sent.get(name, {})
    names, _values = learn(browser, path, example)
    base = {} if method == "GET" else example
    for field in names:
        if "password" in field:
            continue
        none = answer_to(browser, method, path, field, str(uuid.uuid4()), **base)
        for key in foreign if method == "GET" else foreign[1:2]:
            assert answer_to(browser, method, path, field, key, **base) == none, (field, key)


def test_it_would_notice_a_filter_that_tells(demo, foreign, monkeypatch):
    """A page that knows another tenant's row answers otherwise."""
    browser = signed_in("global@nordlicht.example")
    page = "/relationships/requests/new/"
    none = answer_to(browser, "GET", page, "customer", str(uuid.uuid4()))
    assert none[0] == 404
    assert answer_to(browser, "GET", page, "customer", foreign[0]) == none
    monkeypatch.setattr(
        "customers.models.customers.CustomerQuerySet.visible_to", lambda self, one: self
    )
    with pytest.raises(AssertionError):
        answer_to(browser, "GET", page, "customer", foreign[0])
