"""Who is asked, and who only says so: strangers, mail providers and forwarded links, in both languages."""

import re

import pytest
from django.utils.translation import gettext, override
from playwright.sync_api import expect

from customers.models import Customer
from relationships.models import RelationshipRequest
from subscriptions.models import add_customer
from tests.pages import link_in_mail

KRANICH = "global@kranich.example"
PASSWORD = "barrel-of-apples"


class Reader:
    """A person at a browser who reads one of the two languages."""

    def __init__(self, page, language):
        self.page, self.language = page, language

    def say(self, text, **values):
        with override(self.language):
            return gettext(text) % values if values else gettext(text)

    def fill(self, label, text):
        self.page.get_by_label(self.say(label), exact=True).fill(text)

    def press(self, name):
        self.page.get_by_role("button", name=self.say(name), exact=True).click()

    def follow(self, name):
        self.page.get_by_role("link", name=self.say(name), exact=True).click()

    def arrived(self, heading, **values):
        expect(self.page.get_by_role("heading", level=1)).to_have_text(self.say(heading, **values))

    def reads(self, text, **values):
        expect(self.page.get_by_role("main")).to_contain_text(self.say(text, **values))

    def reads_nothing_of(self, *words):
        for word in words:
            expect(self.page.get_by_role("main")).not_to_contain_text(word)

    def sign_in(self, email, password="demo-portal"):
        self.page.goto("/accounts/login/")
        self.fill("Email", email)
        self.fill("Password", password)
        self.press("Sign in")

    def register(self, link, email, firm, domain, is_shared=False):
        """From the personal link, by way of the mail, to an account; ``domain`` is the one filled in."""
        self.page.goto(link)
        self.arrived("%(partner)s asks to work with your company", partner="Kranich Consulting")
        self.reads_nothing_of(firm, email)
        self.follow("My company is new here: register")
        self.fill("Your email", email)
        self.press("Send the mail")
        self.reads("We sent a mail to %(email)s. The link in it leads on.", email=email)
        self.page.goto(link_in_mail(email))
        filled_in = self.page.get_by_label(self.say("Primary domain"))
        expect(filled_in).to_have_value("" if is_shared else domain)
        self.fill("Firm", firm)
        self.fill("Primary domain", domain)
        self.fill("Your name", f"{firm.split()[-1]} Chef")
        self.fill("Password", PASSWORD)
        self.fill("Password, again", PASSWORD)
        self.page.get_by_label(self.say("My company accepts the customer agreement.")).check()
        self.press("Register and accept")
        self.arrived("Support")


@pytest.mark.parametrize("language", ["en", "de"])
def test_two_firms_at_one_mail_provider_a_squatter_and_a_forwarded_link(
    demo, open_browser, language
):
    def reader():
        return Reader(open_browser(language), language)

    def ask(firm, email):
        return RelationshipRequest.objects.ask(
            by=demo.user(KRANICH), recipient_name=firm, recipient_email=email, language=language
        )

    # An outsider has typed a firm in, with an address of its own as first admin.
    typed = Customer(name="Tischlerei (getippt)", domain="holz.example", country="DE")
    add_customer(
        typed, email="boss@outsider.example", name="X", by=demo.user("global@brandt.example")
    )
    bread, wood = ask("Brot Petra", "petra@gmx.de"), ask("Holz Paul", "paul@gmx.de")

    # The squatter invites the address of one of them, and gains nothing by it.
    squatter = reader()
    squatter.sign_in("admin@huber.example")
    squatter.arrived("Support")
    squatter.page.goto("/settings/users/invite/")
    squatter.fill("Email", "paul@gmx.de")
    squatter.fill("Name", "Paul")
    squatter.press("Send the invitation")
    squatter.reads("An invitation was sent to %(email)s.", email="paul@gmx.de")
    squatter.page.goto("/support/partners/")
    squatter.reads_nothing_of("Kranich")
    squatter.page.goto(wood.path)
    squatter.reads("Send a mail to the address that was asked")
    squatter.reads_nothing_of("Holz", "paul@gmx.de")
    expect(squatter.page.get_by_role("button", name=squatter.say("Accept"))).to_have_count(0)

    # Two firms with addresses of one mail provider register, each for itself.
    petra, paul = reader(), reader()
    petra.register(bread.path, "petra@gmx.de", "Brot Petra", "brot.example", is_shared=True)
    petra.page.goto("/support/partners/")
    petra.reads("Kranich Consulting")
    petra.reads_nothing_of(petra.say("Requests that wait for your answer"))
    petra.page.goto(wood.path)
    petra.reads_nothing_of("Holz", "paul@gmx.de")
    # Neither the invitation nor the record that somebody typed is in Paul's way.
    paul.register(wood.path, "paul@gmx.de", "Holz Paul", "holz.example", is_shared=True)
    assert Customer.objects.filter(domain="holz.example").count() == 2
    assert demo.customer("Holz Paul").domain_proved_at is None
    assert not typed.memberships.filter(user__has_joined=True).exists()

    # A link that was forwarded to Petra: the mailbox that was asked agrees, then she answers.
    forwarded = ask("Werft Ost", "info@werft.example")
    petra.page.goto(forwarded.path)
    petra.reads_nothing_of("Werft", "info@werft.example")
    petra.press("Send a mail to the address that was asked")
    petra.reads("A mail is on its way to the address that was asked.")
    petra.reads_nothing_of("info@werft.example")
    petra.page.goto(link_in_mail("info@werft.example"))
    petra.press("Confirm this address")
    petra.reads("Werft Ost")
    petra.press("Accept")
    petra.arrived("Support")

    # The partner reads who answered, for whom, and whom it had asked.
    kranich = reader()
    kranich.sign_in(KRANICH)
    kranich.arrived("Customers")
    kranich.page.goto(f"/relationships/requests/{forwarded.pk}/")
    answer = {"person": "Petra Chef", "email": "petra@gmx.de", "firm": "Brot Petra"}
    told = kranich.page.locator("dl.facts")
    pattern = "<bdi>%(person)s</bdi> (%(email)s) for <bdi>%(firm)s</bdi>"
    expect(told).to_contain_text(re.sub("<.*?>", "", kranich.say(pattern, **answer)))
    pattern = "Asked was %(email)s of <bdi>%(firm)s</bdi>."
    asked = kranich.say(pattern, email="info@werft.example", firm="Werft Ost")
    expect(told).to_contain_text(re.sub("<.*?>", "", asked))
