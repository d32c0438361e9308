"""A day of each role: what someone with it comes to the portal for, and what the portal keeps from it."""

import re

import pytest
from playwright.sync_api import expect

from relationships.models import RelationshipRequest

OFFICE = "Office 365 Business Standard"
PARTNER_MENU = [
    "Customers",
    "Subscriptions",
    "Relationship requests",
    "Indirect resellers",
    "Activity log",
    "Settings",
]
PARTNER_MENU_IN_GERMAN = [
    "Kunden",
    "Abonnements",
    "Beziehungsanfragen",
    "Indirekte Handelspartner",
    "Aktivitätsprotokoll",
    "Einstellungen",
]


@pytest.fixture
def come(demo, open_browser):
    """``come(email)``: who signs in in the morning, on the page that is theirs."""

    def come(email, **browser):
        page = open_browser(**browser)
        page.goto("/")
        page.get_by_label("Email").fill(email)
        page.get_by_label("Password").fill("demo-portal")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()
        return page

    return come


def arrived(page, heading):
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)


def menu(page, name):
    page.locator("nav.site-menu").get_by_role("link", name=name, exact=True).click()
    arrived(page, "Profile" if name == "Settings" else name)


def require_menu(page, *names):
    """The menu has these, in this order, and no others."""
    expect(page.locator("nav.site-menu").get_by_role("link")).to_have_text(names)


def open_customer(page, name):
    menu(page, "Customers")
    page.get_by_role("link", name=name, exact=True).click()
    arrived(page, name)


def confirm(page, label):
    """Press a button that asks, and answer the question with yes."""
    page.get_by_role("button", name=label, exact=True).click()
    question = page.get_by_role("dialog")
    expect(question.get_by_role("heading")).to_contain_text("?")
    expect(question.locator("p").first).not_to_be_empty()
    question.get_by_role("button", name=label, exact=True).click()


def add_subscription(page, offer, quantity):
    """From the page of a customer to that of its new subscription."""
    page.get_by_role("link", name="Add subscriptions").click()
    page.get_by_role("button", name=f"Choose: {offer}", exact=True).click()
    page.get_by_label("Quantity").fill(quantity)
    page.get_by_role("button", name="Add to the customer").click()
    arrived(page, offer)
    expect(page.locator("dl.facts div").filter(has_text="Quantity")).to_contain_text(quantity)


def assign(page, button, contact):
    """From coverage to the result: the contact, the preview, Submit."""
    page.get_by_role("button", name=button).click()
    page.get_by_label(contact).check()
    page.get_by_role("button", name="Preview").click()
    arrived(page, "Preview")
    page.get_by_role("button", name="Submit").click()
    arrived(page, "Support contacts assigned")


def said(page, text):
    expect(page.get_by_role("status").first).to_contain_text(text)


def refused(page, path):
    """The page exists, but not for this role: it says who may."""
    page.goto(path)
    arrived(page, "Not allowed")
    expect(page.get_by_role("main")).to_contain_text("These roles may:")


def sign_out(page):
    page.get_by_role("button", name="Sign out").click()
    arrived(page, "Sign in")


def test_the_day_of_a_global_admin(demo, come):
    page = come("global@nordlicht.example")
    arrived(page, "Customers")
    require_menu(page, *PARTNER_MENU)
    # The hotline has a new number, which customers read at once.
    menu(page, "Settings")
    page.get_by_role("link", name="Company", exact=True).click()
    page.get_by_label("Support phone").fill("+49 40 5550199")
    page.get_by_role("button", name="Save").click()
    said(page, "The support details were saved.")
    # Someone leaves.
    page.get_by_role("link", name="Users", exact=True).click()
    page.get_by_role("link", name="Sales agent, Nordlicht Distribution").click()
    confirm(page, "Deactivate")
    assert not demo.user("sales@nordlicht.example").is_active
    # A partnership is over.
    menu(page, "Indirect resellers")
    row = page.get_by_role("row").filter(has_text="Kranich Consulting")
    row.get_by_role("button", name="End the partnership").click()
    page.get_by_role("dialog").get_by_role("button", name="End the partnership").click()
    expect(page.get_by_role("row").filter(has_text="Kranich Consulting")).to_have_count(0)
    # A new customer, whom Hafen IT looks after; it starts with one product and gets another.
    menu(page, "Customers")
    page.get_by_role("link", name="Add a customer").click()
    page.get_by_label("Firm").fill("Werft Neu")
    page.get_by_label("Primary domain").fill("werft-neu.example")
    page.get_by_label("Name of the first admin").fill("Ina Werft")
    page.get_by_label("Email of the first admin").fill("ina@werft-neu.example")
    page.get_by_label("Indirect reseller").select_option("Hafen IT")
    page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="Choose: Azure plan").click()
    page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="Add the customer").click()
    arrived(page, "The customer was added")
    open_customer(page, "Werft Neu")
    add_subscription(page, "Exchange Online (Plan 1)", quantity="12")
    # All of it is Hafen IT's to answer for.
    menu(page, "Subscriptions")
    page.get_by_label("Customer").press_sequentially("werft")
    expect(page.get_by_role("table")).to_contain_text("2 subscriptions")
    assign(page, "Assign all that match", "Hafen IT")
    expect(page.get_by_role("row").filter(has_text="Changed")).to_have_count(2)
    page.get_by_role("link", name="Close").click()
    # A customer goes elsewhere; what stands against it is suspended first.
    open_customer(page, "Backhaus Petersen")
    page.get_by_role("link", name="Account", exact=True).click()
    expect(page.get_by_role("button", name="Remove the relationship").first).to_be_disabled()
    confirm(page, "Suspend all")
    said(page, "2 subscriptions were suspended.")
    page.get_by_role("button", name="Remove the relationship").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove the relationship").click()
    expect(page.get_by_role("article")).to_contain_text("Backhaus Petersen")
    page.goto("/")
    menu(page, "Activity log")
    expect(page.get_by_role("rowheader").first).to_contain_text("Relationship removed")
    sign_out(page)


def test_the_day_of_an_admin_agent(demo, come):
    page = come("agent@nordlicht.example")
    require_menu(page, *PARTNER_MENU)
    # In German the same pages have the words of the product too.
    page.get_by_role("button", name="Deutsch").click()
    require_menu(page, *PARTNER_MENU_IN_GERMAN)
    page.get_by_role("button", name="English").click()
    # Asks a new firm for a relationship with admin privileges, then thinks better of it.
    menu(page, "Relationship requests")
    page.get_by_role("link", name="Request a relationship").click()
    page.get_by_label("Firm").fill("Werft Neu")
    page.get_by_label("Email of its admin").fill("anna@werft-neu.example")
    page.get_by_role("button", name="Create the request").click()
    arrived(page, "Request to Werft Neu")
    page.get_by_role("button", name="Send from the portal").click()
    said(page, "The request is on its way to its recipient.")
    confirm(page, "Withdraw")
    assert RelationshipRequest.objects.get().state == "withdrawn"
    # Gives the admin privileges back to a customer that no longer wants them.
    open_customer(page, "Backhaus Petersen")
    page.get_by_role("link", name="Account", exact=True).click()
    confirm(page, "Give up delegated admin")
    said(page, "Your company gave up its delegated admin privileges.")
    # Ending the relationship is not for this role; the page says for whom it is.
    expect(page.get_by_role("button", name="Remove the relationship")).to_be_disabled()
    # The list goes to the management.
    menu(page, "Customers")
    with page.expect_download() as download:
        page.get_by_role("link", name="Export (CSV)").click()
    assert "Reederei Albers" in download.value.path().read_text(encoding="utf-8-sig")
    refused(page, "/settings/users/")


def test_the_day_of_a_sales_agent(demo, come):
    page = come("sales@nordlicht.example")
    require_menu(page, *PARTNER_MENU)
    # Wins a reseller.
    menu(page, "Indirect resellers")
    page.get_by_role("link", name="Invite an indirect reseller").click()
    page.get_by_label("Indirect reseller").fill("Elbe und Meer")
    page.get_by_label("Email of its Global admin").fill("chef@elbe-meer.example")
    page.get_by_role("button", name="Create the invitation").click()
    arrived(page, "Request to Elbe und Meer")
    # Asks a firm for a relationship; admin privileges are not this role's to ask for.
    menu(page, "Relationship requests")
    page.get_by_role("link", name="Request a relationship").click()
    expect(page.get_by_label("Ask for delegated admin privileges")).to_be_disabled()
    page.get_by_label("Firm").fill("Werft Neu")
    page.get_by_label("Email of its admin").fill("anna@werft-neu.example")
    page.get_by_role("button", name="Create the request").click()
    arrived(page, "Request to Werft Neu")
    # Suspends what was not paid. Who answers is not this role's to say, and the page says whose it is.
    open_customer(page, "Reederei Albers")
    page.get_by_role("link", name=OFFICE).click()
    expect(page.get_by_label("Designated support contact")).to_be_disabled()
    expect(
        page.get_by_text("These roles may: Global admin, Admin agent, Helpdesk agent.")
    ).to_be_visible()
    confirm(page, "Suspend")
    said(page, "The subscription was suspended.")
    page.get_by_role("button", name="Reactivate").click()
    said(page, "The subscription was reactivated.")
    # Sells to the bakery.
    open_customer(page, "Backhaus Petersen")
    add_subscription(page, "Dynamics 365 Sales", quantity="3")
    # Reads who answers for what; assigning is not offered.
    menu(page, "Subscriptions")
    expect(page.get_by_role("table")).to_contain_text("7 subscriptions")
    expect(page.get_by_role("button", name="Assign the chosen")).to_have_count(0)
    menu(page, "Customers")
    expect(page.get_by_role("link", name="Export (CSV)")).to_have_count(0)


def test_the_day_of_a_helpdesk_agent(demo, come):
    page = come("helpdesk@nordlicht.example")
    require_menu(page, *PARTNER_MENU)
    # Someone calls: who answers for Office 365 at the shipping company?
    page.get_by_label("Name or domain").press_sequentially("albers")
    page.get_by_role("link", name="Reederei Albers").click()
    page.get_by_role("link", name=OFFICE).click()
    # From today Hafen IT does.
    page.get_by_label("Designated support contact").select_option("Hafen IT")
    page.get_by_role("button", name="Submit").click()
    arrived(page, "Review the support contact")
    page.get_by_role("link", name="Close").click()
    # No, tomorrow.
    page.go_back()
    page.get_by_role("button", name="Take it back").click()
    arrived(page, "Review the support contact")
    page.get_by_role("link", name="Close").click()
    page.get_by_role("link", name="History").click()
    expect(page.get_by_role("rowheader")).to_have_text(
        ["Nordlicht Distribution", "Hafen IT", "Nordlicht Distribution"]
    )
    # The bakery's products go to Elbe Support, all at once.
    menu(page, "Subscriptions")
    page.get_by_label("Customer").press_sequentially("petersen")
    expect(page.get_by_role("table")).to_contain_text("2 subscriptions")
    page.get_by_label("Choose all").check()
    assign(page, "Assign the chosen", "Elbe Support")
    petersen = demo.customer("Backhaus Petersen").subscriptions.all()
    assert {str(one.support_contact) for one in petersen} == {"Elbe Support"}
    page.get_by_role("link", name="Close").click()
    # The times are to read as on the wall.
    menu(page, "Settings")
    page.get_by_role("searchbox", name="Search in the list").fill("berlin")
    expect(page.get_by_label("Time zone")).to_have_value("Europe/Berlin")
    page.get_by_role("button", name="Save").click()
    said(page, "Your profile was saved.")
    menu(page, "Activity log")
    expect(page.get_by_role("time").first).to_contain_text(re.compile("CES?T"))
    refused(page, "/relationships/requests/new/")


def test_the_day_of_a_user_management_admin(demo, come):
    page = come("users@nordlicht.example")
    # Sees no customers: the day starts where its work is.
    require_menu(page, "Activity log", "Settings")
    page.goto("/settings/users/")
    page.get_by_role("link", name="Invite a user").click()
    page.get_by_label("Email").fill("neu@nordlicht.example")
    page.get_by_label("Name").fill("Nele Neu")
    page.get_by_label("Sales agent").check()
    page.get_by_role("button", name="Send the invitation").click()
    said(page, "neu@nordlicht.example")
    assert str(demo.user("neu@nordlicht.example")) == "Nele Neu"
    # The helpdesk grows by someone from sales.
    page.goto("/settings/users/")
    page.get_by_role("link", name="Sales agent, Nordlicht Distribution").click()
    page.get_by_label("Helpdesk agent").check()
    page.get_by_role("button", name="Save").click()
    roles = demo.user("sales@nordlicht.example").membership.roles
    assert {role.value for role in roles} == {"sales", "helpdesk"}
    refused(page, "/customers/")


def test_the_day_of_a_customer_admin(demo, come):
    demo.subscription("Reederei Albers", OFFICE).designate(
        demo.partner("Hafen IT"), by=demo.user("helpdesk@nordlicht.example")
    )
    request = RelationshipRequest.objects.ask(
        by=demo.user("global@kranich.example"),
        recipient_name="Reederei Albers",
        recipient_email="admin@albers.example",
        language="en",
    )
    page = come("admin@albers.example", width=390)
    # Once a year, on a phone: whom to call?
    arrived(page, "Support")
    expect(page.get_by_role("link", name="040 5550400")).to_be_visible()

    def drawer(name):
        page.get_by_role("button", name="Menu", exact=True).click()
        menu(page, name)

    # A partner asks; it may help from now on.
    drawer("Partner relationships")
    page.get_by_role("link", name="Answer").click()
    arrived(page, "Kranich Consulting asks to work with your company")
    for box in page.get_by_role("main").get_by_role("checkbox").all():
        box.check()
    page.get_by_role("button", name="Accept").click()
    arrived(page, "Support")
    request.refresh_from_db()
    assert request.state == "accepted"
    # Another one has lost the company's trust, and with it the product that it answered for.
    drawer("Partner relationships")
    row = page.get_by_role("row").filter(has_text="Hafen IT")
    row.get_by_role("button", name="Remove delegated admin").click()
    question = page.get_by_role("dialog")
    expect(question).to_contain_text("It answers for 1 of your products")
    question.get_by_role("button", name="Remove delegated admin").click()
    said(page, "The delegated admin privileges were removed.")
    contact = demo.subscription("Reederei Albers", OFFICE).support_contact
    assert str(contact) == "Nordlicht Distribution"
    drawer("Activity log")
    expect(page.get_by_role("main")).to_contain_text("Support contact fell back")
    refused_page = page.goto("/customers/")
    assert refused_page.status == 403
