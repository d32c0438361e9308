"""A sales agent adds a customer, and the customer's first admin finds its products."""

import re

import pytest
from playwright.sync_api import expect

from customers.models import Customer
from portal.models import User


def sign_in(page, email):
    page.goto("/")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill("demo-portal")
    page.get_by_role("button", name="Sign in", exact=True).click()


def require_no_sideways_scrolling(page):
    width = page.viewport_size["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width, page.url


@pytest.mark.parametrize(
    "browser", [{"javascript": False}, {"width": 320}], ids=["without-scripts", "phone"]
)
def test_from_the_list_of_customers_to_the_first_sign_in(demo, open_browser, browser):
    page = open_browser(**browser)
    sign_in(page, "sales@nordlicht.example")
    page.get_by_role("link", name="Add a customer").click()

    def next_step():
        require_no_sideways_scrolling(page)
        page.get_by_role("button", name="Next").click()

    page.get_by_label("Firm").fill("Werft Neu")
    page.get_by_label("Primary domain").fill("huber.example")
    page.get_by_label("Name of the first admin").fill("Ina Werft")
    page.get_by_label("Email of the first admin").fill("ina@werft.example")
    page.get_by_label("Indirect reseller").select_option(label="Hafen IT")
    next_step()
    expect(page.get_by_role("link", name="Request a relationship")).to_be_visible()
    page.get_by_label("Primary domain").fill("werft.example")
    next_step()

    page.get_by_role("button", name="Choose: Fjord Endpoint Protection").click()
    expect(page).to_have_url(re.compile("#chosen$"))
    page.get_by_role("button", name="Choose: Fjord Archive").click()
    first = page.get_by_role("group", name="Fjord Endpoint Protection")
    first.get_by_label("Quantity").fill("2")
    next_step()
    expect(page.get_by_role("alert")).to_contain_text("in quantities from 5.")
    page.get_by_role("button", name="Back", exact=True).click()
    expect(page.get_by_label("Firm")).to_have_value("Werft Neu")
    next_step()
    expect(first.get_by_label("Quantity")).to_have_value("2")
    first.get_by_label("Quantity").fill("20")
    next_step()

    require_no_sideways_scrolling(page)
    page.get_by_role("button", name="Add the customer").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The customer was added")
    page.get_by_role("link", name="Fjord Endpoint Protection").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Fjord Endpoint Protection")
    customer = Customer.objects.get(domain="werft.example")
    assert {one.partner.name for one in customer.relationships.with_dap()} == {
        "Nordlicht Distribution",
        "Hafen IT",
    }

    # The link of the mail leads to the question which partners may stay, and then to the products.
    admin = open_browser(**browser)
    admin.goto(User.objects.get(email="ina@werft.example").invitation_path)
    for field in admin.locator("main input[type=password]").all():
        field.fill("barrel-of-apples")
    admin.locator("main form button.btn-primary").click()
    admin.goto("/support/")
    for choice in admin.locator("main input[value=keep]").all():
        choice.check()
    admin.locator("main form button.btn-primary").click()
    admin.goto("/support/")
    expect(admin.get_by_role("main")).to_contain_text("Fjord Archive")
