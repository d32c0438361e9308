"""Who is who, in a real browser and in both languages (R14, R15).

Two firms have their mail with one provider, a squatter types another firm's domain and invites its address, a
link is forwarded, and a customer is one that an outsider had typed in. Nobody gets what is meant for another.
"""

import re

import pytest
from django.core import mail
from playwright.sync_api import expect

from customers.models import Customer
from portal.models import User
from relationships.models import RelationshipRequest, RequestStatus

WORDS = {
    "en": {
        "asks": "Kranich Consulting asks to work with your company",
        "keep or end": "Which partners may stay?",
        "partners": "Partner relationships",
    },
    "de": {
        "asks": "Kranich Consulting möchte mit Ihrem Unternehmen zusammenarbeiten",
        "keep or end": "Welche Partner dürfen bleiben?",
        "partners": "Partnerbeziehungen",
    },
}
PASSWORD = "barrel-of-apples"


@pytest.fixture(params=["en", "de"])
def language(request):
    return request.param


@pytest.fixture
def words(language):
    return WORDS[language]


def ask(demo, address, name):
    """Kranich asks ``address`` for a relationship; the link is what anyone may come to hold."""
    return RelationshipRequest.objects.ask(
        by=demo.user("global@kranich.example"),
        recipient_name=name,
        recipient_email=address,
        language="de",
    )


def newest_link(address):
    sent = [one for one in mail.outbox if one.to == [address]]
    assert sent, f"no mail to {address}, only to {[one.to for one in mail.outbox]}"
    return re.findall(r"https?://[^/\s]+(/(?:invitations|accounts)/\S+/)", sent[-1].body)[0]


def arrived(page, heading):
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)


def sign_in(page, email, path="/"):
    page.goto(path)
    page.locator("input[name=username]").fill(email)
    page.locator("input[name=password]").fill("demo-portal")
    page.locator("main form button.btn-primary").click()


def register(page, link, address, *, firm, domain):
    """Register through ``link`` with ``address``, whose mail the page's user reads."""
    page.goto(f"{link}register/")
    page.locator("input[name=email]").fill(address)
    page.locator("main form button.btn-primary").click()
    page.goto(newest_link(address))
    page.locator("input[name=name]").fill(firm)
    page.locator("input[name=domain]").fill(domain)
    page.locator("input[name=contact_name]").fill(f"Chef von {firm}")
    for field in page.locator("main input[type=password]").all():
        field.fill(PASSWORD)
    page.locator("input[name=agrees]").check()
    page.locator("main form button.btn-primary").last.click()
    expect(page).to_have_url(re.compile("/support/$"))


def test_R14_two_firms_at_one_mail_provider_do_not_meet(demo, open_browser, language, words):
    first, second = ask(demo, "chef@gmx.de", "Alpha"), ask(demo, "laden@gmx.de", "Beta")
    alpha = open_browser(language)
    alpha.goto(first.path)
    arrived(alpha, words["asks"])
    register(alpha, first.path, "chef@gmx.de", firm="Alpha", domain="gmx.de")
    # What is meant for the other firm of the provider is not among Alpha's, and not Alpha's to answer.
    alpha.goto("/support/partners/")
    expect(alpha.get_by_role("main")).not_to_contain_text("Beta")
    alpha.goto(second.path)
    arrived(alpha, words["asks"])
    expect(alpha.get_by_role("main")).not_to_contain_text("Beta")
    expect(alpha.locator("form[action$='/accept/']")).to_have_count(0)
    # The other firm is not shut out, though the first one typed the provider's domain as its own.
    beta = open_browser(language)
    register(beta, second.path, "laden@gmx.de", firm="Beta", domain="gmx.de")
    assert Customer.objects.filter(domain="gmx.de", domain_proved_at=None).count() == 2
    second.refresh_from_db()
    assert second.customer == demo.customer("Beta")


def test_R14_a_squatter_sees_nothing_of_the_firm_whose_name_it_took(
    demo, open_browser, language, words
):
    squatter = open_browser(language)
    own = ask(demo, "s@squatter.example", "Squatter")
    register(squatter, own.path, "s@squatter.example", firm="Opfer AG", domain="opfer.example")
    squatter.goto("/settings/users/invite/")
    squatter.locator("input[name=email]").fill("it@opfer.example")
    squatter.locator("input[name=name]").fill("IT")
    squatter.locator("main form button.btn-primary").click()
    expect(squatter).to_have_url(re.compile("/settings/users/$"))

    asked = ask(demo, "it@opfer.example", "Opfer AG")
    squatter.goto("/support/partners/")
    expect(squatter.locator(f"a[href*='{asked.token}']")).to_have_count(0)
    squatter.goto(asked.path)
    arrived(squatter, words["asks"])
    expect(squatter.get_by_role("main")).not_to_contain_text("it@opfer.example")
    expect(squatter.locator("form[action$='/accept/']")).to_have_count(0)
    # To prove the address it would have to read that firm's mail.
    squatter.locator("form[action$='/prove/'] button").click()
    assert mail.outbox[-1].to == ["it@opfer.example"]
    squatter.goto(asked.path)
    expect(squatter.locator("form[action$='/accept/']")).to_have_count(0)

    victim = open_browser(language)
    register(victim, asked.path, "it@opfer.example", firm="Opfer AG", domain="opfer.example")
    asked.refresh_from_db()
    assert asked.answered_by.email == "it@opfer.example"
    assert asked.customer != User.objects.get(email="s@squatter.example").organisation


def test_R14_a_forwarded_link_names_who_answered(demo, open_browser, language, words):
    asked = ask(demo, "info@werft.example", "Werft Ost")
    stranger = open_browser(language)
    sign_in(stranger, "admin@petersen.example", f"/accounts/login/?next={asked.path}")
    arrived(stranger, words["asks"])
    expect(stranger.get_by_role("main")).not_to_contain_text("Werft Ost")
    expect(stranger.locator("form[action$='/accept/']")).to_have_count(0)

    forwarded = open_browser(language)
    register(
        forwarded, asked.path, "ole@andere.example", firm="Andere GmbH", domain="andere.example"
    )
    kranich = open_browser(language)
    sign_in(kranich, "global@kranich.example", "/accounts/login/")
    expect(kranich).to_have_url(re.compile("/customers/$"))
    kranich.goto(f"/relationships/requests/{asked.pk}/")
    for text in ("info@werft.example", "Andere GmbH", "ole@andere.example"):
        expect(kranich.get_by_role("main")).to_contain_text(text)
    told = [one.body for one in mail.outbox if one.to == ["global@kranich.example"]][-1]
    for text in ("info@werft.example", "Andere GmbH", "ole@andere.example"):
        assert text in told
    kranich.goto("/activity/?action=request.accepted")
    expect(kranich.get_by_role("main")).to_contain_text("Andere GmbH")


def test_R15_who_takes_a_typed_customer_over_decides_first(demo, open_browser, language, words):
    outsider = open_browser(language)
    sign_in(outsider, "global@suedwind.example", "/accounts/login/")
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
    ina.goto(newest_link("ina@werft-sued.example"))
    for field in ina.locator("main input[type=password]").all():
        field.fill(PASSWORD)
    ina.locator("main form button.btn-primary").click()
    arrived(ina, words["keep or end"])
    expect(ina.get_by_role("main")).to_contain_text("Südwind Cloud")
    for path in ("/support/", "/support/partners/", "/activity/", "/settings/users/"):
        ina.goto(path)
        arrived(ina, words["keep or end"])
    ina.locator("input[type=radio][value=end]").check()
    ina.locator("main form button.btn-primary").click()
    arrived(ina, words["partners"])
    expect(ina.get_by_role("table")).to_have_count(0)
    outsider.goto("/customers/")
    expect(outsider.get_by_role("main")).not_to_contain_text("Werft Süd")


def test_R14_the_request_that_was_not_answered_stays_open(demo, open_browser, language):
    asked = ask(demo, "chef@opfer.example", "Opfer AG")
    page = open_browser(language)
    page.goto(f"{asked.path}register/")
    for address in ("chef@opfer.example", "admin@albers.example"):
        page.goto(f"{asked.path}register/")
        page.locator("input[name=email]").fill(address)
        page.locator("main form button.btn-primary").click()
        expect(page.get_by_role("main")).to_contain_text(address)
    asked.refresh_from_db()
    assert asked.status == RequestStatus.OPEN
    assert not User.objects.filter(email="chef@opfer.example").exists()
