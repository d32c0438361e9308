"""A customer that an outsider had typed in, taken over by its first admin, in both languages (R15)."""

import pytest
from playwright.sync_api import expect

from customers.models import Customer
from tests.pages import link_in_mail

HEADINGS = {
    "en": ("Which partners may stay?", "Partner relationships"),
    "de": ("Welche Partner dürfen bleiben?", "Partnerbeziehungen"),
}
PASSWORD = "barrel-of-apples"


def arrived(page, heading):
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)


@pytest.mark.parametrize("language", HEADINGS)
def test_R15_who_takes_a_typed_customer_over_decides_first(demo, open_browser, language):
    undecided, done = HEADINGS[language]
    outsider = open_browser(language)
    outsider.goto("/accounts/login/")
    outsider.locator("input[name=username]").fill("global@suedwind.example")
    outsider.locator("input[name=password]").fill("demo-portal")
    outsider.locator("main form button.btn-primary").click()
    outsider.goto("/customers/add/")
    outsider.locator("input[name=account-name]").fill("Werft Süd")
    outsider.locator("input[name$=domain]").fill("werft-sued.example")
    outsider.locator("select[name$=language]").select_option(language)
    outsider.locator("input[name$=contact_name]").fill("Ina Süd")
    outsider.locator("input[name$=email]").fill("ina@werft-sued.example")
    for _step in range(2):
        outsider.locator("main form button.btn-primary").last.click()
    outsider.locator("main form button.btn-primary").last.click()
    assert Customer.objects.filter(name="Werft Süd").exists()

    ina = open_browser(language)
    ina.goto(link_in_mail("ina@werft-sued.example"))
    for field in ina.locator("main input[type=password]").all():
        field.fill(PASSWORD)
    ina.locator("main form button.btn-primary").click()
    arrived(ina, undecided)
    expect(ina.get_by_role("main")).to_contain_text("Südwind Cloud")
    for path in ("/support/", "/support/partners/", "/activity/", "/settings/users/"):
        ina.goto(path)
        arrived(ina, undecided)
    # The choices are sentences: each has a line of its own.
    keep, end = (label.bounding_box() for label in ina.locator("div.choices label").all())
    assert keep["y"] + keep["height"] <= end["y"]
    ina.locator("input[type=radio][value=end]").check()
    ina.locator("main form button.btn-primary").click()
    arrived(ina, done)
    expect(ina.get_by_role("table")).to_have_count(0)
    outsider.goto("/customers/")
    expect(outsider.get_by_role("row").filter(has_text="Werft Süd")).to_have_count(0)
