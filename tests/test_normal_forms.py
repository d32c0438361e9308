"""R14: emails and domains are kept, compared, found and shown in one form, wherever they come from."""

import ast
from importlib import import_module
from pathlib import Path

import pytest
from django.apps import apps
from django.core import mail
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db.models import EmailField
from django.test import Client

from customers.models import Customer
from portal.admin_filters import OutOfFormFilter
from portal.models import Action, Actor, Membership, ProofMethod, ProvedAddress, User
from portal.permissions import Role
from portal.text import words_of
from relationships.forms import RegistrationForm
from relationships.models import CustomersOfPartner, Relationship, RelationshipRequest
from tests.factories import CustomerFactory, MembershipFactory, RelationshipFactory, UserFactory
from tests.pages import Page, signed_in
from tests.subscriptions.test_new_customer_pages import ACCOUNT, SALES, SUBSCRIPTIONS, account
from tests.subscriptions.test_verify_rules import verify
from tests.test_architecture import LAYERS

TYPED, SENT = "Chef@Müller-Bau.example", "chef@xn--mller-bau-q9a.example"
SHOWN = "chef@müller-bau.example"
DOMAIN, SHOWN_DOMAIN = "xn--mller-bau-q9a.example", "müller-bau.example"
PASSWORD = "demo-portal"


@pytest.fixture
def chef(demo):
    """The admin of a customer of Nordlicht whose email an operator typed as people write it."""
    relationship = RelationshipFactory(
        customer__name="Bau Müller",
        customer__domain="https://www.Müller-Bau.example/",
        partner=demo.partner("Nordlicht Distribution"),
    )
    user = User.objects.create_user(TYPED, PASSWORD, name="Chef")
    ProvedAddress.objects.vouch([user], ProofMethod.DEMO)
    MembershipFactory(user=user, partner=None, customer=relationship.customer)
    return user


def test_they_are_kept_in_one_form(chef):
    chef.refresh_from_db()
    assert chef.email == SENT
    assert Customer.objects.get(name="Bau Müller").domain == DOMAIN


@pytest.mark.parametrize("form", [TYPED, SENT, SHOWN, f" {SENT.upper()} ", f"{SENT}."])
def test_they_are_found_by_any_form(chef, form):
    assert User.objects.get(email=form) == chef
    assert User.objects.get(email__in=[form, "nobody@firm.example"]) == chef
    assert User.objects.get_by_natural_key(form) == chef
    assert Customer.objects.get(domain=form).name == "Bau Müller"
    assert Customer.objects.get(memberships__user__email=form).name == "Bau Müller"


def test_what_is_no_email_finds_nobody(chef):
    assert not User.objects.filter(email="chef").exists()
    with pytest.raises(User.DoesNotExist):
        User.objects.get_by_natural_key("chef@xn--a.example")


@pytest.mark.parametrize("form", [TYPED, SENT])
def test_people_sign_in_and_get_a_new_password_by_any_form(chef, form):
    browser = Client(headers={"accept-language": "en"})
    answer = browser.post("/accounts/login/", {"username": form, "password": PASSWORD})
    assert answer.url == "/"
    Client().post("/accounts/password/reset/", {"email": form})
    assert [message.to for message in mail.outbox] == [[SENT]]


def test_attempts_are_counted_by_the_form_that_is_kept(chef):
    """Else each way to write an email would be given attempts of its own."""
    browser = Client(headers={"accept-language": "en"})
    forms = [TYPED, SENT, SHOWN, "chef@m\u00adüller-bau.example", "chef@mu\u0308ller-bau.example"]
    for form in forms:
        browser.post("/accounts/login/", {"username": form, "password": "wrong"})
    answer = browser.post("/accounts/login/", {"username": TYPED, "password": PASSWORD})
    assert "Too many attempts. Wait five minutes and try again." in answer.content.decode()


def test_an_account_is_made_once_whichever_form_is_typed(chef, demo):
    with pytest.raises(ValidationError) as refusal:
        Membership.objects.invite(
            chef.organisation, email=TYPED, name="Chef", roles=[Role.CUSTOMER_ADMIN], by=chef
        )
    assert refusal.value.message_dict == {"email": ["This user is in your organisation already."]}
    with pytest.raises(ValidationError) as refusal:
        User(email=TYPED, password="!").full_clean()
    assert refusal.value.message_dict == {"email": ["A user with this email exists."]}


def test_an_operator_made_on_the_command_line_has_it_too(db, monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", email="Root@Müller-Bau.example", interactive=False, verbosity=0)
    assert User.objects.get().email == "root@xn--mller-bau-q9a.example"


@pytest.mark.parametrize(
    "typed", ["Werft-Süd.de", "https://www.werft-süd.de/kontakt", "info@werft-süd.de"]
)
def test_a_domain_is_understood_where_a_partner_adds_a_customer(demo, typed):
    browser = signed_in(SALES)
    answer = browser.post(ACCOUNT, account(domain=typed, email="Ina@Werft-Süd.de"))
    assert answer.url == SUBSCRIPTIONS
    typed = "www.Müller-Bau.example"
    RelationshipFactory(customer__domain=DOMAIN, partner=demo.partner("Nordlicht Distribution"))
    page = Page(browser.post(ACCOUNT, account(domain=typed)))
    assert "You have a customer with this domain: " in page.text


def test_a_domain_is_understood_where_a_firm_registers(demo):
    made = RelationshipRequest.objects.ask(
        by=demo.user("global@kranich.example"),
        recipient_name="Werft Süd",
        recipient_email="Info@Werft-Süd.de",
        language="de",
    )
    assert made.recipient_email == "info@xn--werft-sd-d6a.de"
    form = RegistrationForm(request=made, email=made.recipient_email, proof=None)
    assert form["domain"].value() == "werft-süd.de"
    bound = RegistrationForm(
        {"name": "Werft Süd", "domain": "https://www.Werft-Süd.de/"},
        request=made,
        email=made.recipient_email,
        proof=None,
    )
    bound.is_valid()
    assert bound.cleaned_data["domain"] == "xn--werft-sd-d6a.de"


def test_a_word_that_is_no_domain_is_refused_at_its_field(demo):
    page = Page(signed_in(SALES).post(ACCOUNT, account(domain="fi_rm.de")))
    assert page.field_errors == ["Enter a domain, such as firm.example."]


@pytest.mark.parametrize("word", ["müller-bau.example", "MÜLLER-B", "muller-bau.ex", DOMAIN])
def test_a_customer_is_found_by_its_domain_in_either_form(chef, demo, word):
    nordlicht = demo.partner("Nordlicht Distribution")
    found = CustomersOfPartner(partner=nordlicht.pk, words=words_of(word)).queryset()
    assert [row.customer.name for row in found] == ["Bau Müller"]


@pytest.mark.parametrize("word", [SHOWN, "müller-bau.example", "CHEF@MÜLLER-BAU.exa", SENT, "chef"])
def test_a_person_is_found_by_its_email_in_either_form(chef, word):
    assert chef in User.objects.search(word)


def test_so_is_a_request(demo):
    sender = demo.user("sales@nordlicht.example")
    fields = {"recipient_name": "Werft Süd", "language": "de", "with_dap": False}
    RelationshipRequest.objects.ask(by=sender, recipient_email="info@werft-süd.de", **fields)
    browser = signed_in(sender.email)
    for word in ("info@werft-süd.de", "xn--werft", "Süd"):
        assert (
            "info@werft-süd.de" in Page(browser.get("/relationships/requests/", {"q": word})).text
        )


def test_people_read_their_own_letters(chef, admin_client):
    page = Page(signed_in("helpdesk@nordlicht.example").get("/customers/", {"q": SHOWN_DOMAIN}))
    assert SHOWN_DOMAIN in page.text
    assert DOMAIN not in page.text
    own = Client(headers={"accept-language": "en"})
    own.force_login(chef)
    assert SHOWN in Page(own.get("/settings/profile/")).text
    User.objects.filter(pk=chef.pk).update(name="")
    chef.refresh_from_db()
    assert str(chef) == SHOWN
    customer = chef.organisation
    customer.domain = "andere.example"
    customer.change(["domain"], by=User.objects.get(is_staff=True))
    entry = customer.activity.filter(action=Action.CUSTOMER_CHANGED).first()
    assert [tuple(change) for change in entry.changes] == [
        ("primary domain", SHOWN_DOMAIN, "andere.example")
    ]


def test_an_operator_finds_them_in_either_form(chef, admin_client):
    for word in (SHOWN, SENT):
        page = admin_client.get("/admin/portal/user/", {"q": word}).content.decode()
        assert SENT in page
    for word in (SHOWN_DOMAIN, DOMAIN):
        assert (
            "Bau Müller"
            in admin_client.get("/admin/customers/customer/", {"q": word}).content.decode()
        )


def test_the_lists_follow_a_domain_that_changes(chef):
    customer = chef.organisation
    customer.domain = "xn--stra-oqa.example"
    customer.save()
    row = Relationship.objects.get(customer=customer)
    assert row.name_and_domain == f"bau muller\t{row.customer_domain}"
    assert row.customer_domain.endswith(".example")
    assert "xn--" not in row.customer_domain


def test_every_email_and_domain_of_a_model_has_such_a_field():
    """A plain one would keep, and compare with, whatever was typed. What the log keeps is as it was."""
    for model in apps.get_models():
        if model is Actor:
            continue
        if model.__module__.split(".")[0] not in (
            "portal",
            "customers",
            "relationships",
            "subscriptions",
        ):
            continue
        for field in model._meta.concrete_fields:
            if isinstance(field, EmailField) or field.name == "domain":
                assert hasattr(field, "out_of_form"), field


def test_no_form_has_a_plain_field_for_an_email():
    root = Path(__file__).resolve().parent.parent
    plain = [
        f"{path.relative_to(root)}:{node.lineno}"
        for app in LAYERS
        for path in (root / app).rglob("*.py")
        if "migrations" not in path.parts and path.name not in ("address_fields.py", "actors.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and node.attr == "EmailField"
        and isinstance(node.value, ast.Name)
        and node.value.id in ("forms", "models")
    ]
    assert plain == []


class TestTheUpdate:
    """What was kept before in other forms: brought into the one, unless it would then be another row's."""

    @pytest.fixture
    def before(self, demo):
        def user(email):
            made = UserFactory()
            MembershipFactory(user=made, partner=None, customer=demo.customer("Reederei Albers"))
            password = demo.user(SALES).password
            User.objects.filter(pk=made.pk).update(email=email, password=password)
            return made

        def customer(domain):
            made = RelationshipFactory(partner=demo.partner("Hafen IT")).customer
            Customer.objects.filter(pk=made.pk).update(domain=domain, contact_email="Info@Firm.DE")
            return made

        self.alone = user("eva@öl.example")
        self.twins = [user(SHOWN), user(SENT)]
        self.firm = customer("www.alone.example")
        self.pair = [customer("www.twin.example"), customer("twin.example")]

    def update(self):
        for app, name in (
            ("portal", "0012_normal_form"),
            ("customers", "0003_normal_form"),
            ("relationships", "0008_normal_form"),
        ):
            module = import_module(f"{app}.migrations.{name}")
            module.bring(apps, None)
            if hasattr(module, "follow"):
                module.follow(apps, None)

    def stored(self, row, field):
        return type(row)._base_manager.values_list(field, flat=True).get(pk=row.pk)

    def test_what_is_alone_is_changed_and_pairs_stay(self, before):
        self.update()
        assert self.stored(self.alone, "email") == "eva@xn--l-0ga.example"
        assert [self.stored(one, "email") for one in self.twins] == [SHOWN, SENT]
        assert self.stored(self.firm, "domain") == "alone.example"
        assert [self.stored(one, "domain") for one in self.pair] == [
            "www.twin.example",
            "twin.example",
        ]
        assert self.stored(self.firm, "contact_email") == "info@firm.de"
        row = self.firm.relationships.get()
        assert row.customer_domain == "alone.example"
        assert row.name_and_domain == f"{self.firm.name_key}\talone.example"

    def test_both_of_a_pair_sign_in_each_as_it_is_written(self, before):
        for user, form in zip(self.twins, (SHOWN, SENT), strict=True):
            browser = Client(headers={"accept-language": "en"})
            browser.post("/accounts/login/", {"username": form, "password": PASSWORD})
            assert browser.session["_auth_user_id"] == str(user.pk)

    def test_what_else_of_them_changes_leaves_the_form(self, before, demo):
        user, firm = User.objects.get(pk=self.twins[0].pk), self.pair[0]
        user.name = "Other"
        user.full_clean()
        user.save()
        assert self.stored(user, "email") == SHOWN
        firm = Customer.objects.get(pk=firm.pk)
        firm.city = "Bremen"
        firm.change(["city"], by=demo.user("global@hafen.example"))
        assert self.stored(firm, "domain") == "www.twin.example"

    def test_one_that_stands_alone_again_is_brought_into_the_form(self, before):
        User.objects.filter(pk=self.twins[1].pk).update(email="other@firm.example")
        user = User.objects.get(pk=self.twins[0].pk)
        user.save()
        assert self.stored(user, "email") == SENT

    def test_verify_rules_and_admin_list_the_pairs(self, before, admin_client):
        self.update()
        lines, ends = verify()
        assert lines == [
            (
                "R14",
                f"user {self.twins[0].pk}",
                f"its email “{SHOWN}” is the same as “{SENT}”, which is another one's.",
            ),
            (
                "R14",
                f"customer {self.pair[0].pk}",
                "its domain “www.twin.example” is the same as “twin.example”, which is another one's.",
            ),
        ]
        assert ends == "The rules are broken (R14: 2)."
        listed = admin_client.get("/admin/portal/user/?form=other").context["cl"].queryset
        assert list(listed) == [self.twins[0]]
        listed = admin_client.get("/admin/customers/customer/?form=other").context["cl"].queryset
        assert list(listed) == [self.pair[0]]


def test_the_filter_of_admin_leaves_the_rest_alone(db):
    chosen = CustomerFactory()
    kind = OutOfFormFilter.of("domain")
    assert kind.field == "domain"
    assert (
        list(kind(None, {"form": ["other"]}, Customer, None).queryset(None, Customer.objects.all()))
        == []
    )
    assert list(kind(None, {}, Customer, None).queryset(None, Customer.objects.all())) == [chosen]
