"""Adding a customer step by step: account, subscriptions, review, done."""

import pytest
from django.urls import reverse

from customers.models import Customer
from portal.authority import PORTAL
from portal.models import Mail
from tests.factories import CustomerFactory, MembershipFactory
from tests.pages import Page, signed_in

SALES = "sales@nordlicht.example"
START, ACCOUNT = "/customers/add/", "/customers/add/account/"
SUBSCRIPTIONS, REVIEW = "/customers/add/subscriptions/", "/customers/add/review/"


@pytest.fixture
def browser(demo):
    return signed_in(SALES)


def account(**fields):
    typed = {
        "name": "Werft Neu",
        "domain": "Werft.Example",
        "country": "DE",
        "street": "Am Hafen 1",
        "postal_code": "20457",
        "city": "Hamburg",
        "contact_name": "Ina Werft",
        "email": "Ina@Werft.example",
        "contact_phone": "+49 40 1234567",
        "language": "de",
        **fields,
    }
    return {f"account-{name}": value for name, value in typed.items()}


def order(offer, quantity="3", **fields):
    data = {"subscriptions-offer": str(offer.pk)}
    if offer.is_licensed:
        data[f"subscriptions-quantity-{offer.pk}"] = quantity
    return data | {f"subscriptions-{name}-{offer.pk}": value for name, value in fields.items()}


def review(browser):
    """What the review page hands back when its button is pressed."""
    page = Page(browser.get(REVIEW))
    return {name: page.hidden(name) for name in ("review-key", "review-seen")}


def added():
    return Customer.objects.filter(domain="werft.example").first()


def steps(page):
    return page.all_text("ol[@class='steps']/li")


def test_from_the_list_to_done(demo, browser, queue):
    links = {link.get("href") for link in Page(browser.get("/customers/")).find("a")}
    assert START in links
    page = Page(browser.get(START, follow=True))
    assert (page.heading, steps(page)) == (
        "Add a customer",
        ["Account", "Subscriptions", "Review", "Done"],
    )
    hafen = demo.partner("Hafen IT")
    page = Page(browser.post(ACCOUNT, account(reseller=str(hafen.pk)), follow=True))
    assert len(page.table) == 17
    bi = demo.offer("Power BI Pro")
    page = Page(browser.post(SUBSCRIPTIONS, {"choose": str(bi.pk)}, follow=True))
    # The reseller of the first step is offered as reseller of record.
    assert page.hidden(f"subscriptions-mpn_id-{bi.pk}") == "5200100"
    data = order(bi, mpn_id="5200100", renews="on")
    page = Page(browser.post(SUBSCRIPTIONS, data, follow=True))
    assert "Nothing has been added yet." in page.text
    assert added() is None
    assert page.facts["Firm"] == "Werft Neu"
    assert page.facts["Primary domain"] == "werft.example"
    assert page.facts["With delegated admin privileges"] == "Nordlicht DistributionHafen IT"
    assert page.table == [
        {
            "Offer": "Power BI Pro",
            "Friendly name": "Power BI Pro",
            "Quantity": "3",
            "Renews automatically": "Yes",
            "Reseller of record": "Hafen IT (5200100)",
        }
    ]
    page = Page(browser.post(REVIEW, review(browser), follow=True))
    assert page.heading == "The customer was added"
    assert page.alerts == [
        (
            "status",
            "Werft Neu is in your list."
            " The portal mails ina@werft.example a personal link to set a password.",
        )
    ]
    customer = added()
    assert customer.contact_email == "ina@werft.example"
    assert customer.country.code == "DE"
    [subscription] = customer.subscriptions.all()
    target = reverse("subscriptions:detail", args=[customer.pk, subscription.pk])
    assert target in {link.get("href") for link in page.find("a")}
    [mail] = Mail.objects.all()
    assert mail.recipient == "ina@werft.example"
    # The next one starts empty.
    assert Page(browser.get(START, follow=True)).hidden("account-name") is None


class TestBackAndForth:
    def test_nothing_is_lost_on_the_way(self, demo, browser):
        browser.post(ACCOUNT, account())
        bi = demo.offer("Power BI Pro")
        data = order(bi, name="BI of the yard", quantity="not yet") | {"goto": "account"}
        page = Page(browser.post(SUBSCRIPTIONS, data, follow=True))
        assert page.hidden("account-name") == "Werft Neu"
        browser.post(ACCOUNT, account(name="Werft Alt"))
        page = Page(browser.get(SUBSCRIPTIONS))
        assert page.hidden(f"subscriptions-name-{bi.pk}") == "BI of the yard"
        assert page.hidden(f"subscriptions-quantity-{bi.pk}") == "not yet"
        assert page.field_errors == ["Enter a whole number."]

    def test_the_catalogue_keeps_its_filter(self, demo, browser):
        browser.post(ACCOUNT, account())
        data = {"subscriptions-publisher": "Fjord Software", "show": "1"}
        page = Page(browser.post(SUBSCRIPTIONS, data, follow=True))
        assert len(page.table) == 3
        choice = {**data, "choose": str(demo.offer("Fjord Backup").pk)}
        del choice["show"]
        page = Page(browser.post(SUBSCRIPTIONS, choice, follow=True))
        assert len(page.table) == 3
        assert page.all_text("fieldset/legend") == ["Fjord Backup"]

    def test_no_step_is_left_out(self, browser):
        assert browser.get(REVIEW).url == ACCOUNT
        assert browser.get(SUBSCRIPTIONS).url == ACCOUNT
        browser.post(ACCOUNT, account())
        assert browser.get(REVIEW).url == SUBSCRIPTIONS
        browser.post(SUBSCRIPTIONS, {})
        assert browser.get(REVIEW).status_code == 200

    def test_it_is_taken_up_where_it_was_left(self, browser):
        browser.post(ACCOUNT, account())
        browser.get(SUBSCRIPTIONS)
        assert browser.get(START).url == SUBSCRIPTIONS
        browser.post(ACCOUNT, {"reset": "1"})
        assert browser.get(START).url == ACCOUNT
        assert Page(browser.get(ACCOUNT)).hidden("account-name") is None

    @pytest.mark.parametrize("step", ["done", "nowhere"])
    def test_a_step_that_is_none_leads_to_one(self, browser, step, nothing_written):
        with nothing_written():
            assert browser.get(f"{START}{step}/").url == ACCOUNT
            assert browser.post(f"{START}{step}/").url == ACCOUNT

    def test_it_works_without_subscriptions(self, browser):
        browser.post(ACCOUNT, account())
        browser.post(SUBSCRIPTIONS, {})
        assert "None yet." in Page(browser.get(REVIEW)).text
        assert browser.post(REVIEW, review(browser)).status_code == 302
        assert not added().subscriptions.exists()


class TestAccount:
    @pytest.mark.parametrize(
        ("fields", "error"),
        [
            ({"name": ""}, "This field is required."),
            ({"name": "x" * 201}, "Ensure this value has at most 200 characters (it has 201)."),
            ({"domain": "werft"}, "Enter a domain, such as firm.example."),
            ({"domain": ""}, "This field is required."),
            ({"country": ""}, "This field is required."),
            ({"country": "XX"}, "Select a valid choice. XX is not one of the available choices."),
            (
                {"country": "US"},
                "Nordlicht Distribution (Germany) and Werft Neu (United States)"
                " are not in the same sales region.",
            ),
            ({"contact_name": ""}, "This field is required."),
            ({"email": "ina"}, "Enter a valid email address."),
            ({"email": "\x00@werft.example"}, "Enter a valid email address."),
            ({"language": "fr"}, "Select a valid choice. fr is not one of the available choices."),
            ({"reseller": "x"}, "“x” is not a valid UUID."),
        ],
    )
    def test_R11_what_is_wrong_is_said_at_its_field(self, browser, fields, error, nothing_written):
        with nothing_written():
            answer = browser.post(ACCOUNT, account(**fields))
        assert answer.status_code == 200
        assert error in Page(answer).field_errors

    @pytest.mark.parametrize(
        "reseller", ["Möwe Systems", "Südwind Cloud", "Pacific Resale", "Nordlicht Distribution"]
    )
    def test_T1_only_the_own_resellers_can_be_chosen(self, demo, browser, reseller):
        page = Page(browser.get(ACCOUNT))
        choices = page.all_text("select[@name='account-reseller']/option")
        assert choices == ["Only my company", "Elbe Support", "Hafen IT", "Kranich Consulting"]
        answer = browser.post(ACCOUNT, account(reseller=str(demo.partner(reseller).pk)))
        assert Page(answer).field_errors == [
            "Select a valid choice. That choice is not one of the available choices."
        ]

    @pytest.mark.parametrize(
        "fields",
        [
            {"domain": "HUBER.example"},
            {"domain": "huber.example", "email": "admin@huber.example"},
        ],
    )
    def test_T1_a_firm_that_is_known_is_no_dead_end_and_not_told_of(
        self, demo, browser, fields, nothing_written
    ):
        with nothing_written():
            answer = browser.post(ACCOUNT, account(name="Huber GmbH", **fields))
        page = Page(answer)
        assert page.alerts[0][1].startswith("This firm is in the portal already")
        assert "Weingut" not in page.source
        assert "Südwind" not in page.source
        [link] = [one for one in page.find("a") if "requests/new" in one.get("href")]
        form = Page(browser.get(link.get("href")))
        assert form.hidden("recipient_name") == "Huber GmbH"
        assert form.hidden("recipient_email") == account(**fields)["account-email"]

    @pytest.mark.parametrize(
        "email", ["admin@huber.example", "global@suedwind.example", "admin@albers.example"]
    )
    def test_T1_whether_its_admin_has_an_account_is_not_told(self, browser, email):
        answer = browser.post(ACCOUNT, account(email=email))
        unknown = browser.post(ACCOUNT, account())
        assert (answer.status_code, answer.url) == (unknown.status_code, unknown.url)

    def test_the_partners_own_customer_is_linked_to(self, demo, browser):
        page = Page(browser.post(ACCOUNT, account(domain="albers.example")))
        assert page.alerts[0][1].startswith("Reederei Albers is a customer of yours already.")
        albers = demo.customer("Reederei Albers")
        [link] = [one for one in page.find("a") if "Open the customer" in "".join(one.itertext())]
        assert link.get("href") == reverse("subscriptions:list", args=[albers.pk])

    def test_R15_a_domain_that_nobody_proved_tells_nothing(self, demo, browser):
        """Brandt Direkt typed it before: Nordlicht adds the firm, and reads nothing of that."""
        CustomerFactory(name="CANARY", domain="werft.example")
        answer = browser.post(ACCOUNT, account(domain="WERFT.example"))
        assert (answer.status_code, answer.url) == (302, SUBSCRIPTIONS)

    def test_a_former_customer_is_asked_again(self, demo, browser):
        demo.relationship("Reederei Albers", "Elbe Support").end(by=PORTAL)
        page = Page(
            signed_in("global@elbe.example").post(ACCOUNT, account(domain="albers.example"))
        )
        assert page.alerts[0][1].startswith("This firm is in the portal already")
        assert "Reederei Albers" not in page.source


class TestResellers:
    def test_S1_they_read_why_there_are_no_subscriptions_and_add_the_customer(self, demo):
        browser = signed_in("global@hafen.example")
        page = Page(browser.get(ACCOUNT))
        assert steps(page) == ["Account", "Review", "Done"]
        assert "an indirect reseller sells through it" in page.text
        assert page.main.find(".//select[@name='account-reseller']") is None
        assert browser.post(ACCOUNT, account()).url == REVIEW
        page = Page(browser.post(REVIEW, review(browser), follow=True))
        assert page.heading == "The customer was added"
        assert [one.partner.name for one in added().relationships.all()] == ["Hafen IT"]

    def test_S1_a_posted_order_leads_back(self, demo, nothing_written):
        browser = signed_in("global@hafen.example")
        browser.post(ACCOUNT, account())
        with nothing_written():
            answer = browser.post(SUBSCRIPTIONS, order(demo.offer("Azure plan")))
        assert answer.url == ACCOUNT


class TestOnce:
    @pytest.fixture
    def ready(self, demo, browser):
        browser.post(ACCOUNT, account())
        browser.post(SUBSCRIPTIONS, order(demo.offer("Azure plan")))
        return browser

    def test_sent_twice_it_is_one_customer(self, ready, nothing_written):
        data = review(ready)
        first = ready.post(REVIEW, data)
        with nothing_written():
            again = ready.post(REVIEW, data)
        assert (first.status_code, first.url) == (302, again.url)
        assert ready.get(first.url).status_code == 200

    def test_sent_without_what_was_seen_it_is_shown_again(self, ready, nothing_written):
        for data in ({}, {"review-key": "x", "review-seen": "y"}):
            with nothing_written():
                answer = ready.post(REVIEW, data)
            assert answer.url == REVIEW

    def test_what_another_window_changed_is_to_be_checked_again(self, ready, nothing_written):
        data = review(ready)
        ready.post(ACCOUNT, account(name="Werft Zwei"))
        with nothing_written():
            page = Page(ready.post(REVIEW, data, follow=True))
        assert page.alerts[0] == (
            "status",
            "Something has changed since you saw this page. Check it again.",
        )
        assert page.facts["Firm"] == "Werft Zwei"

    def test_what_is_taken_meanwhile_leads_back_to_its_step(self, demo, ready, nothing_written):
        data = review(ready)
        taken = CustomerFactory(name="CANARY", domain="werft.example")
        taken.confirm_domain(by=demo.user("operator@portal.example"))
        with nothing_written():
            page = Page(ready.post(REVIEW, data, follow=True))
        assert page.field_errors == [
            "A customer with this domain is in the portal. Ask it for a relationship instead."
        ]
        assert "CANARY" not in page.source

    def test_what_the_model_alone_refuses_is_said_at_its_step(
        self, demo, ready, nothing_written, monkeypatch
    ):
        """Between the check of the forms and the lock of the model."""
        monkeypatch.setattr(
            "subscriptions.views.CustomerAddView.orders",
            [{"offer": demo.offer("Project Plan 1"), "quantity": 1}],
        )
        data = review(ready)
        with nothing_written():
            answer = ready.post(REVIEW, data)
        assert answer.url == SUBSCRIPTIONS
        assert ("alert", "This offer is no longer on sale.") in Page(ready.get(answer.url)).alerts

    def test_an_offer_that_went_off_sale_is_not_left_out_unnoticed(
        self, demo, ready, nothing_written
    ):
        data = review(ready)
        offer = demo.offer("Azure plan")
        offer.is_active = False
        offer.save()
        with nothing_written():
            page = Page(ready.post(REVIEW, data, follow=True))
        assert page.alerts[0][1].startswith("Something has changed since you saw this page.")
        assert "None yet." in page.text


class TestWhoMay:
    @pytest.mark.parametrize(
        "email", ["helpdesk@nordlicht.example", "users@nordlicht.example", "admin@albers.example"]
    )
    def test_T2_others_are_refused(self, demo, email, nothing_written):
        other = signed_in(email)
        with nothing_written():
            for path in (START, ACCOUNT, REVIEW):
                assert other.get(path).status_code == 403
                assert other.post(path, account()).status_code == 403
        if email.startswith("helpdesk"):
            page = Page(other.get(START))
            assert "Global admin" in page.text

    def test_T1_what_was_done_for_others_is_not_there(self, demo, browser):
        huber = demo.customer("Weingut Huber")
        assert browser.get(reverse("new_customer:done", args=[huber.pk])).status_code == 404

    def test_two_people_do_not_share_what_they_type(self, demo, browser):
        browser.post(ACCOUNT, account())
        colleague = MembershipFactory(partner=demo.partner("Nordlicht Distribution")).user
        assert Page(signed_in(colleague.email).get(ACCOUNT)).hidden("account-name") is None
