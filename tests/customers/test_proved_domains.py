"""R15: whose domain is proved, which can't be, and what that is good for."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from customers.models import Customer, SharedDomain, is_shared
from portal.authority import PORTAL
from portal.models import Action
from tests.factories import CustomerFactory
from tests.races import at_once


@pytest.fixture
def werft(demo):
    return CustomerFactory(name="Werft Ost", domain="werft.example")


def refusal(act, *args, **kwargs):
    with pytest.raises(ValidationError) as refused:
        act(*args, **kwargs)
    return refused.value


class TestConfirming:
    def test_R15_an_operator_confirms_a_domain_and_the_log_says_so(self, demo, operator, werft):
        werft.confirm_domain(by=operator)
        werft.refresh_from_db()
        assert werft.is_domain_proved
        assert werft.domain_proved_how == "operator"
        entry = demo.log()[-1]
        assert (entry.action, entry.customer) == (Action.DOMAIN_PROVED, werft)
        assert entry.after == {"domain": "werft.example", "domain_proved_how": "operator"}

    def test_R15_again_changes_nothing(self, operator, werft, nothing_written):
        werft.confirm_domain(by=operator)
        with nothing_written():
            werft.confirm_domain(by=operator)

    @pytest.mark.parametrize(
        "email", ["admin@albers.example", "global@nordlicht.example", "sales@nordlicht.example"]
    )
    @pytest.mark.parametrize("act", ["confirm_domain", "free_domain"])
    def test_R15_nobody_else_confirms_or_frees_one(self, demo, email, act, nothing_written):
        albers = demo.customer("Reederei Albers")
        with nothing_written():
            assert refusal(getattr(albers, act), by=demo.user(email)).code == "operators_only"

    def test_R15_of_several_records_with_one_domain_one_can_be_proved(
        self, operator, werft, nothing_written
    ):
        twin = CustomerFactory(name="Werft West", domain="werft.example")
        werft.confirm_domain(by=operator)
        with nothing_written():
            refused = refusal(twin.confirm_domain, by=operator)
        assert refused.code == "taken"
        assert refused.messages == [
            "Another customer of the portal has proved the domain werft.example."
        ]

    def test_R15_the_database_holds_it_too(self, demo, operator, werft):
        twin = CustomerFactory(domain="werft.example")
        werft.confirm_domain(by=operator)
        werft.refresh_from_db()
        proved = {"domain_proved_at": werft.domain_proved_at, "domain_proved_how": "dns"}
        with pytest.raises(IntegrityError), transaction.atomic():
            Customer.objects.filter(pk=twin.pk).update(**proved)

    def test_R15_who_saw_another_domain_confirms_nothing(self, operator, werft, nothing_written):
        seen = Customer.objects.get(pk=werft.pk)
        werft.domain = "werft-ost.example"
        werft.save()
        with nothing_written():
            assert refusal(seen.confirm_domain, by=operator).code == "stale"

    def test_R15_an_operator_frees_it_and_another_can_prove_it(self, demo, operator, werft):
        twin = CustomerFactory(domain="werft.example")
        werft.confirm_domain(by=operator)
        werft.free_domain(by=operator)
        entry = demo.log()[-1]
        assert (entry.action, entry.before) == (
            Action.DOMAIN_FREED,
            {"domain": "werft.example", "domain_proved_how": "operator"},
        )
        twin.confirm_domain(by=operator)
        assert Customer.objects.with_proved_domain().get(domain="werft.example") == twin

    def test_R15_another_domain_is_not_proved(self, demo, operator):
        albers = demo.customer("Reederei Albers")
        albers.domain = "reederei.example"
        assert albers.change(["domain"], by=operator) == ["domain"]
        albers.refresh_from_db()
        assert not albers.is_domain_proved
        assert [entry.action for entry in demo.log()[-2:]] == [
            Action.DOMAIN_FREED,
            Action.CUSTOMER_CHANGED,
        ]

    def test_R15_another_name_leaves_it_proved(self, demo, operator):
        albers = demo.customer("Reederei Albers")
        albers.name = "Albers"
        albers.change(["name", "domain"], by=operator)
        assert demo.customer("Albers").is_domain_proved

    def test_the_demo_is_proved(self, demo):
        assert Customer.objects.with_proved_domain().count() == Customer.objects.count() == 4

    @pytest.mark.race
    @pytest.mark.django_db(transaction=True)
    def test_R15_of_two_who_prove_one_domain_at_once_one_does(self, demo, operator, werft):
        twin = CustomerFactory(domain="werft.example")

        def confirm(customer):
            return lambda: Customer.objects.get(pk=customer.pk).confirm_domain(by=operator)

        outcomes = at_once(confirm(werft), confirm(twin))
        [error] = [outcome.error for outcome in outcomes if outcome.error]
        assert error.code == "taken"


class TestShared:
    @pytest.mark.parametrize(
        "domain",
        [
            "gmail.com",
            "gmx.de",
            "mail.gmx.de",
            "t-online.de",
            "mailbox.org",
            "telekom.de",
            "mailinator.com",
            "onmicrosoft.com",
            "co.uk",
            "de.com",
            "blogspot.com",
            "192.0.2.1",
            "localhost",
            "",
        ],
    )
    def test_R15_what_many_share_is_shared(self, db, domain):
        assert is_shared(domain)

    @pytest.mark.parametrize(
        "domain",
        [
            "albers.example",
            "albers.onmicrosoft.com",
            "mail.albers.onmicrosoft.com",
            "firm.co.uk",
            "firm.de.com",
            "notgmx.de",
            "gmx.firm.de",
            "xn--mller-kva.de",
        ],
    )
    def test_R15_what_one_firm_has_is_not(self, db, domain):
        assert not is_shared(domain)

    def test_R15_operators_have_the_last_word(self, db):
        SharedDomain.objects.create(domain="provider.example")
        SharedDomain.objects.create(domain="firm.provider.example", is_shared=False)
        SharedDomain.objects.create(domain="mail.com", is_shared=False)
        assert is_shared("provider.example")
        assert is_shared("other.provider.example")
        assert not is_shared("firm.provider.example")
        assert not is_shared("in.firm.provider.example")
        assert not is_shared("mail.com")

    def test_R15_what_is_said_of_a_suffix_says_nothing_of_those_below(self, db):
        SharedDomain.objects.create(domain="co.uk")
        assert not is_shared("firm.co.uk")

    def test_R15_no_operator_confirms_a_shared_one(self, demo, operator, nothing_written):
        customer = CustomerFactory(domain="mail.gmx.de")
        with nothing_written():
            refused = refusal(customer.confirm_domain, by=operator)
        assert refused.code == "shared"
        assert refused.messages == [
            "Many firms share the domain mail.gmx.de, so none can prove it."
        ]

    def test_R15_a_proved_one_does_not_become_shared(self, operator, werft):
        werft.domain = "ost.werft.example"
        werft.save()
        werft.confirm_domain(by=operator)
        said = SharedDomain(domain="WERFT.example")
        assert refusal(said.full_clean).messages == [
            "Werft Ost has proved the domain ost.werft.example. Free it first."
        ]
        werft.free_domain(by=operator)
        said.full_clean()

    def test_R15_several_customers_of_a_partner_share_one(self, demo, operator):
        """A practice and a kiosk, both at their provider."""
        customer = demo.customer("Praxis Dr. Yılmaz")
        customer.free_domain(by=operator)
        customer.domain = "t-online.de"
        customer.save()
        Customer.objects.require_new("t-online.de", to=demo.partner("Brandt Direkt"))


class TestAdding:
    def test_R15_a_domain_that_nobody_proved_blocks_nobody(self, demo, operator):
        demo.customer("Reederei Albers").free_domain(by=operator)
        Customer.objects.require_new("albers.example", to=demo.partner("Brandt Direkt"))

    def test_R15_ones_own_customer_is_named(self, demo, operator):
        demo.customer("Reederei Albers").free_domain(by=operator)
        refused = refusal(
            Customer.objects.require_new, "albers.example", to=demo.partner("Hafen IT")
        )
        assert refused.message_dict == {
            "domain": ["You have a customer with this domain: Reederei Albers."]
        }

    def test_R15_a_proved_one_is_asked(self, demo):
        refused = refusal(
            Customer.objects.require_new, "albers.example", to=demo.partner("Brandt Direkt")
        )
        assert refused.message_dict == {
            "domain": [
                "A customer with this domain is in the portal. Ask it for a relationship instead."
            ]
        }

    def test_R15_a_former_customer_is_one_of_others(self, demo, operator):
        demo.customer("Reederei Albers").free_domain(by=operator)
        demo.relationship("Reederei Albers", "Elbe Support").end(by=PORTAL)
        Customer.objects.require_new("albers.example", to=demo.partner("Elbe Support"))
