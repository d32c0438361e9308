"""Phones wherever the portal asks for one, shows it or hands it on: read as written, dialled as meant."""

import pytest
from django.apps import apps
from django.urls import reverse
from django.utils.translation import override

from customers.models import Customer
from portal.authority import PORTAL
from portal.models import Action, Mail, Partner
from portal.phone_fields import PhoneField
from tests.factories import CustomerFactory, PartnerFactory
from tests.pages import Page, read_csv, signed_in, words
from tests.relationships.test_account_edit import TYPED
from tests.subscriptions.test_new_customer_pages import ACCOUNT, SALES, account, review

GLOBAL = "global@nordlicht.example"
HELPDESK = "helpdesk@nordlicht.example"
ALBERS = "admin@albers.example"
OPERATOR = "operator@portal.example"
OFFICE = "Office 365 Business Standard"
TWO = "+49 40 123456/57"
SEVERAL = "These are several numbers. Enter one number a field."
DETAILS = {
    "support_email": "support@nordlicht.example",
    "support_phone": "+49 40 5550100",
    "support_website": "https://support.nordlicht.example/",
    "support_hours": "Mon–Fri 07:00–20:00 CET",
    "support_languages": ["de", "en"],
}


@pytest.fixture
def nordlicht(demo):
    return demo.partner("Nordlicht Distribution")


@pytest.fixture
def albers(demo):
    return demo.customer("Reederei Albers")


def keep(row, **fields):
    """Store what was stored before phones had a form."""
    type(row).objects.filter(pk=row.pk).update(**fields)
    row.refresh_from_db()


def calls(page):
    """What the page can dial: text and address of each link."""
    links = [(words(link), link.get("href")) for link in page.find("a")]
    return [(text, href) for text, href in links if href and href.startswith("tel:")]


def save_company(**fields):
    return signed_in(GLOBAL).post("/settings/company/", {**DETAILS, **fields}, follow=True)


def edit_account(customer, **fields):
    browser = signed_in(HELPDESK)
    path = reverse("account:edit", args=[customer.pk])
    seen = Page(browser.get(path)).hidden("seen")
    return browser.post(path, {**TYPED, **fields, "seen": seen}, follow=True)


@pytest.mark.parametrize(
    ("typed", "shown", "dialled"),
    [
        ("+49 (0)40 1234-56", "040 123456", "tel:+4940123456"),
        ("0800 330 1000", "0800 3301000", "tel:+498003301000"),
        ("040 1234567 Durchwahl 12", "040 1234567 ext. 12", "tel:+49401234567;ext=12"),
        ("116 117", "116117", "tel:116117;phone-context=+49"),
        ("+43 1 5550200", "+43 1 5550200", "tel:+4315550200"),
    ],
)
def test_what_a_partner_writes_is_what_its_customer_dials(demo, typed, shown, dialled):
    save_company(support_phone=typed)
    page = Page(signed_in(ALBERS).get("/support/?q=azure"))
    assert calls(page) == [(shown, dialled)]
    page = Page(signed_in(ALBERS).get("/support/?q=azure&print=1"))
    assert calls(page) == [(shown, dialled)]


def test_a_customer_in_another_country_reads_the_country_code(demo):
    office = demo.subscription("Reederei Albers", "Azure plan")
    keep(office.customer, country="AT")
    assert ("+49 40 5550100", "tel:+49405550100") in calls(
        Page(signed_in(ALBERS).get("/support/?q=azure"))
    )


def test_C6_the_review_page_shows_it_as_the_customer_will_read_it(demo, albers):
    keep(albers, country="AT")
    office = demo.subscription("Reederei Albers", OFFICE)
    office.designate(demo.partner("Hafen IT"), by=demo.user(HELPDESK))
    path = reverse("subscriptions:review", args=[albers.pk, office.pk])
    assert calls(Page(signed_in(HELPDESK).get(path))) == [("+49 40 5550400", "tel:+49405550400")]


def test_C11_the_mail_and_the_notice_show_it_as_their_reader_writes_it(demo, albers, queue):
    keep(albers, country="AT")
    office = demo.subscription("Reederei Albers", OFFICE)
    with override("en"):
        office.designate(demo.partner("Hafen IT"), by=demo.user(HELPDESK))
    told = {mail.recipient: mail.text for mail in Mail.objects.all()}
    assert "+49 40 5550400\n" in told[ALBERS]
    assert "040 5550400\n" in told["support@nordlicht.example"]
    notice = albers.notices.get()
    page = Page(signed_in(ALBERS).get(notice.get_absolute_url()))
    assert calls(page) == [("+49 40 5550400", "tel:+49405550400")]


def test_R9_the_notice_of_an_end_shows_it_as_the_customer_writes_it(demo, albers):
    keep(albers, country="AT")
    relationship = demo.relationship("Reederei Albers", "Elbe Support")
    relationship.end(by=PORTAL)
    path = reverse("relationships:notice", args=[relationship.pk])
    assert "+49 40 5550500," in Page(signed_in("global@elbe.example").get(path)).text


def test_the_contact_person_of_a_customer_can_be_called(demo, albers):
    answer = edit_account(albers, contact_phone="040 1234567, DW 12")
    link = ("040 1234567 ext. 12", "tel:+49401234567;ext=12")
    assert calls(Page(answer)) == [link]
    assert calls(Page(signed_in(ALBERS).get("/support/partners/"))) == [link]
    # Südwind is in Austria.
    page = signed_in("global@suedwind.example").get(f"/customers/{albers.pk}/account/")
    assert calls(Page(page)) == [("+49 40 1234567 ext. 12", "tel:+49401234567;ext=12")]


def test_a_customer_that_is_added_can_be_called(demo):
    browser = signed_in(SALES)
    refused = browser.post(ACCOUNT, account(contact_phone=TWO))
    assert SEVERAL in Page(refused).field_errors
    browser.post(ACCOUNT, account(contact_phone="040/1234567"))
    browser.post("/customers/add/subscriptions/", {})
    page = Page(browser.get("/customers/add/review/"))
    assert calls(page) == [("040 1234567", "tel:+49401234567")]
    browser.post("/customers/add/review/", review(browser))
    assert Customer.objects.get(domain="werft.example").contact_phone == "+49401234567"


def test_the_country_that_is_typed_beside_it_reads_it(demo):
    browser = signed_in(SALES)
    browser.post(ACCOUNT, account(contact_phone="06 698 12345", country="IT"))
    browser.post("/customers/add/subscriptions/", {})
    page = Page(browser.get("/customers/add/review/"))
    assert calls(page) == [("+39 06 6981 2345", "tel:+390669812345")]


def test_the_export_has_the_number_with_its_country_code(demo, albers):
    """A spreadsheet would take the zero before an area code away."""
    keep(albers, contact_phone="+49401234567;ext=12")
    [row] = read_csv(
        signed_in("agent@nordlicht.example").get("/customers/export/?q=albers&separator=comma")
    )
    assert row["Contact phone"] == "'+49 40 1234567 ext. 12"


def test_the_log_shows_numbers_as_people_write_them(demo, albers):
    edit_account(albers, contact_phone="040 1234567")
    [entry] = demo.log(action=Action.CUSTOMER_CHANGED)
    [change] = [one for one in entry.changes if one.label == "contact phone"]
    assert (change.before, change.after) == ("", "+49 40 1234567")


@pytest.mark.parametrize("same", ["040 5550100", "+49 (0)40 5550100", "+49 40 5550100"])
def test_the_same_number_written_in_another_way_changes_and_logs_nothing(demo, same):
    before = len(demo.log())
    assert Page(save_company(support_phone=same)).alerts == [("status", "Nothing was changed.")]
    assert len(demo.log()) == before


def test_in_django_admin_it_changes_and_logs_nothing_either(demo, nordlicht):
    browser, before = signed_in(OPERATOR), len(demo.log())
    assert admin_save(browser, nordlicht, support_phone="(040) 5550100").status_code == 302
    assert len(demo.log()) == before


def admin_page(row, name="change"):
    return reverse(f"admin:{row._meta.label_lower.replace('.', '_')}_{name}", args=[row.pk])


def admin_save(browser, row, **fields):
    """Save the row in Django admin with what its page holds, and some of it changed."""
    form = browser.get(admin_page(row)).context["adminform"].form
    sent = {name: form[name].value() for name in form.fields} | fields
    return browser.post(
        admin_page(row),
        {name: value for name, value in sent.items() if value not in (None, False)},
    )


def test_every_phone_of_a_row_is_kept_in_the_one_form():
    fields = [field for model in apps.get_models() for field in model._meta.local_concrete_fields]
    phones = [field for field in fields if "phone" in field.name]
    assert {str(field) for field in phones if not isinstance(field, PhoneField)} == set()
    assert len(phones) > 1


class TestUnreadable:
    """What was stored before there was a form, and can't be read."""

    def test_it_stays_visible_and_is_dialled_by_nobody(self, demo, nordlicht, albers):
        keep(nordlicht, support_phone=TWO)
        keep(albers, contact_phone="call Jonas")
        page = Page(signed_in(ALBERS).get("/support/?q=azure"))
        assert TWO in page.text
        assert calls(page) == []
        page = Page(signed_in(HELPDESK).get(f"/customers/{albers.pk}/account/"))
        assert "call Jonas" in page.text
        assert calls(page) == []

    def test_it_blocks_no_other_edit_of_a_company(self, demo, nordlicht):
        keep(nordlicht, support_phone=TWO)
        page = Page(signed_in(GLOBAL).get("/settings/company/"))
        assert page.hidden("support_phone") == TWO
        save_company(support_phone=TWO, support_hours="Mon–Fri")
        nordlicht.refresh_from_db()
        assert (nordlicht.support_phone, nordlicht.support_hours) == (TWO, "Mon–Fri")
        [entry] = demo.log(action=Action.PARTNER_CHANGED)
        assert set(entry.after) == {"support_hours"}

    def test_it_blocks_no_other_edit_of_a_customer(self, demo, albers):
        keep(albers, contact_phone=" call Jonas ")
        edit_account(albers, contact_phone="call Jonas", city="Bremen")
        albers.refresh_from_db()
        assert (albers.contact_phone, albers.city) == (" call Jonas ", "Bremen")

    @pytest.mark.parametrize("kind", [PartnerFactory, CustomerFactory])
    def test_it_blocks_no_other_edit_in_django_admin(self, demo, kind):
        row = kind(name="Alt")
        field = "support_phone" if kind is PartnerFactory else "contact_phone"
        keep(row, **{field: TWO})
        browser = signed_in(OPERATOR)
        assert admin_save(browser, row, name="Neu").status_code == 302
        row.refresh_from_db()
        assert (row.name, getattr(row, field)) == ("Neu", TWO)
        refused = admin_save(browser, row, **{field: f"{TWO} "[:-2]})
        assert refused.context["adminform"].form.errors == {field: [SEVERAL]}

    def test_nor_one_that_saves_the_row_alone(self, demo, nordlicht):
        keep(nordlicht, support_phone=TWO)
        nordlicht.full_clean()
        nordlicht.deactivate(by=PORTAL)
        nordlicht.save()
        nordlicht.refresh_from_db()
        assert nordlicht.support_phone == TWO

    def test_another_that_can_not_be_read_does_not_take_its_place(self, demo, nordlicht):
        keep(nordlicht, support_phone=TWO)
        answer = save_company(support_phone="+49 40 123456/58")
        assert Page(answer).field_errors == [SEVERAL]
        save_company(support_phone="040 123456")
        nordlicht.refresh_from_db()
        assert nordlicht.support_phone == "+4940123456"

    def test_the_operator_lists_them(self, demo, nordlicht, albers):
        keep(nordlicht, support_phone=TWO)
        keep(albers, contact_phone="call Jonas")
        browser = signed_in(OPERATOR)
        for row in (nordlicht, albers):
            path = reverse(f"admin:{row._meta.label_lower.replace('.', '_')}_changelist")
            listed = browser.get(f"{path}?phone=unreadable").context["cl"].queryset
            assert list(listed) == [row]
            assert browser.get(path).context["cl"].queryset.count() > 1


class TestUpdate:
    """An installation from before phones had a form."""

    BEFORE = [("portal", "0018_notices"), ("customers", "0005_reviewed_so_far")]
    STORED = {
        "+49 (0)40 1234-56": "+4940123456",
        "+49 40 1234567": "+49401234567",
        "+39 (0)6 698 12345": "+390669812345",
        TWO: TWO,
        "+49 40 1234567890123456789012": "+49 40 1234567890123456789012",
        # It looks like one that is kept, and is a number of nobody.
        "+49123456": "+49 123456",
    }
    OF_CUSTOMERS = {
        "": "",
        "040 1234567 Durchwahl 12": "+49401234567;ext=12",
        "0800 330 1000": "+498003301000",
        "116117": "116117;phone-context=+49",
        "ask Jonas": "ask Jonas",
    }

    def test_what_is_stored_is_brought_into_the_form_and_the_rest_stays(self, past):
        apps = past.migrate(*self.BEFORE)
        for number, phone in enumerate(self.STORED):
            apps.get_model("portal", "Partner").objects.create(
                name=f"Partner {number}",
                mpn_id=f"{number:04}",
                type="direct",
                country="DE",
                support_email="support@partner.example",
                support_phone=phone,
            )
        for number, phone in enumerate(self.OF_CUSTOMERS):
            apps.get_model("customers", "Customer").objects.create(
                name=f"Customer {number}",
                domain=f"customer-{number}.example",
                country="DE",
                contact_phone=phone,
            )
        past.migrate()
        partners = Partner.objects.order_by("mpn_id")
        assert [one.support_phone for one in partners] == list(self.STORED.values())
        customers = Customer.objects.order_by("name")
        assert [one.contact_phone for one in customers] == list(self.OF_CUSTOMERS.values())


class TestHints:
    """The rules stand at the field before an error does."""

    PHONE = "One number, with its area code, such as 040 123456;"

    @pytest.mark.parametrize(
        ("email", "path"),
        [
            (GLOBAL, "/settings/company/"),
            (SALES, ACCOUNT),
            (OPERATOR, "/admin/portal/partner/add/"),
        ],
    )
    def test_of_a_phone(self, demo, email, path):
        assert self.PHONE in Page(signed_in(email).get(path)).text

    def test_of_the_phone_of_a_customer(self, demo, albers):
        for email, path in (
            (HELPDESK, reverse("account:edit", args=[albers.pk])),
            (OPERATOR, admin_page(albers)),
        ):
            assert self.PHONE in Page(signed_in(email).get(path)).text

    def test_of_an_mpn_id(self, demo):
        page = Page(signed_in(OPERATOR).get("/admin/portal/partner/add/"))
        assert "The partner's number in the vendor's partner network: 4 to 10 digits." in page.text
        office = demo.subscription("Reederei Albers", OFFICE)
        path = reverse("subscriptions:edit", args=[office.customer.pk, office.pk])
        hint = "Of an indirect reseller that your company works with: 4 to 10 digits."
        assert hint in Page(signed_in(HELPDESK).get(path)).text

    def test_a_phone_gets_the_keys_of_a_phone(self, demo):
        page = Page(signed_in(GLOBAL).get("/settings/company/"))
        [field] = page.find("input[@name='support_phone']")
        assert field.get("type") == "tel"
