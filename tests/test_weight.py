"""What a page weighs on its way to the browser, compressed as in production."""

import gzip
import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import reverse

from portal.models import Partner, User
from relationships.models import Relationship
from subscriptions.models import BulkAssignment, Subscription
from tests.demo import ALBERS, GLOBAL, HELPDESK
from tests.factories import CustomerFactory, PartnerFactory, PartnershipFactory, SubscriptionFactory
from tests.pages import signed_in

FIRST_VISIT, NEXT_VISIT = 100_000, 15_000


def compressed(data):
    return len(gzip.compress(data, 6))


def assets(page):
    """The static files that a page loads, as the storage of production would serve them."""
    found = re.findall(r'(?:<link[^>]*href|<script[^>]*src|<img[^>]*src)="/static/([^"]+)"', page)
    assert "vendor/bootstrap/bootstrap.min.css" in found
    return [finders.find(name) for name in found]


@pytest.fixture
def full(demo):
    """Nordlicht and Albers with more of everything than a page shows; gives Office 365 at Albers."""
    nordlicht, albers = demo.partner("Nordlicht Distribution"), demo.customer("Reederei Albers")
    for number in range(30):
        customer = CustomerFactory(name=f"Werft und Maschinenbau {number:02} GmbH & Co. KG")
        Relationship.objects.create(partner=nordlicht, customer=customer, has_dap=True)
        SubscriptionFactory(customer=albers, seller=nordlicht)
    for number in range(200):
        reseller = PartnerFactory(name=f"Systemhaus {number:03}", reseller=True)
        PartnershipFactory(provider=nordlicht, reseller=reseller)
        Relationship.objects.create(partner=reseller, customer=albers, has_dap=number % 2 == 0)
    return Subscription.objects.get(customer=albers, friendly_name="Office 365 Business Standard")


@pytest.mark.parametrize(
    ("email", "name", "depth"),
    [
        (GLOBAL, "customers:list", 0),
        (GLOBAL, "subscriptions:list", 1),
        (HELPDESK, "subscriptions:detail", 2),
        (HELPDESK, "subscriptions:history", 2),
        (GLOBAL, "account:detail", 1),
        (GLOBAL, "activity", 0),
        (GLOBAL, "relationships:requests", 0),
        (GLOBAL, "relationships:request_new", 0),
        (GLOBAL, "relationships:resellers", 0),
        (GLOBAL, "relationships:reseller_invite", 0),
        ("global@hafen.example", "relationships:providers", 0),
        (GLOBAL, "profile", 0),
        (GLOBAL, "address", 0),
        (GLOBAL, "company", 0),
        (GLOBAL, "coverage:list", 0),
        (GLOBAL, "coverage:file", 0),
        (GLOBAL, "subscriptions:add", 1),
        (HELPDESK, "subscriptions:edit", 2),
        (HELPDESK, "account:edit", 1),
        (GLOBAL, "new_customer:start", 0),
        (GLOBAL, "users:list", 0),
        (GLOBAL, "users:invite", 0),
        (HELPDESK, "mfa_index", 0),
        (HELPDESK, "usersessions_list", 0),
        (None, "account_login", 0),
        (ALBERS, "support:list", 0),
        (ALBERS, "support_partners:list", 0),
        (ALBERS, "customer_domain", 0),
        (ALBERS, "activity", 0),
        (ALBERS, "users:list", 0),
        (ALBERS, "words", 0),
    ],
)
def test_a_page_is_light(full, email, name, depth):
    path = reverse(name, args=[full.customer_id, full.pk][:depth])
    browser = signed_in(email) if email else Client()
    answer = browser.get(path, follow=True)
    assert answer.status_code == 200
    page = compressed(answer.content)
    files = assets(answer.content.decode())
    whole = page + sum(compressed(Path(file).read_bytes()) for file in files)
    assert page < NEXT_VISIT
    assert whole < FIRST_VISIT


def test_the_pages_of_a_bulk_assignment_are_light(full):
    helpdesk = User.objects.get(email=HELPDESK)
    bulk = BulkAssignment.objects.start(full.customer.subscriptions.all(), by=helpdesk)
    browser = signed_in(HELPDESK)
    sizes = [compressed(browser.get(reverse("coverage:contact", args=[bulk.pk])).content)]
    bulk.choose(Partner.objects.get(name="Hafen IT"), by=helpdesk)
    sizes += [compressed(browser.get(reverse("coverage:bulk", args=[bulk.pk])).content)]
    assert max(sizes) < NEXT_VISIT
