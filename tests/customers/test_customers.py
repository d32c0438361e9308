"""Customers: whom a partner sees, and how it finds them."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from hypothesis import example, given
from hypothesis import strategies as st

from customers.models import Customer
from portal.addresses import normal_domain
from portal.authority import PORTAL
from portal.models import Action, ActivityEntry
from tests.factories import CustomerFactory


def names(customers):
    return [customer.name for customer in customers]


class TestT1:
    @pytest.mark.parametrize(
        ("email", "seen"),
        [
            ("helpdesk@nordlicht.example", ["Backhaus Petersen", "Reederei Albers"]),
            ("users@nordlicht.example", ["Backhaus Petersen", "Reederei Albers"]),
            ("global@suedwind.example", ["Reederei Albers", "Weingut Huber"]),
            ("global@brandt.example", ["Praxis Dr. Yılmaz"]),
            ("global@elbe.example", ["Backhaus Petersen", "Reederei Albers"]),
            ("global@kranich.example", []),
            ("global@pacific.example", []),
            ("admin@albers.example", ["Reederei Albers"]),
        ],
    )
    def test_T1_a_partner_sees_its_customers_and_a_customer_itself(self, demo, email, seen):
        assert names(Customer.objects.visible_to(demo.user(email).membership)) == seen

    def test_T1_who_belongs_nowhere_sees_nobody(self, demo):
        assert names(Customer.objects.visible_to(None)) == []

    def test_T1_a_customer_whose_relationship_ended_is_gone(self, demo):
        """Others still act for it, and the ended relationship is still there."""
        membership = demo.user("global@hafen.example").membership
        demo.relationship("Reederei Albers", "Hafen IT").end(by=PORTAL)
        assert names(Customer.objects.visible_to(membership)) == []

    def test_T1_a_customer_that_came_back_is_there_once(self, demo):
        membership = demo.user("global@hafen.example").membership
        for _ in range(2):
            relationship = demo.relationship("Reederei Albers", "Hafen IT")
            relationship.end(by=PORTAL)
            type(relationship).objects.start(
                relationship.partner, relationship.customer, has_dap=True, by=PORTAL
            )
        assert names(Customer.objects.visible_to(membership)) == ["Reederei Albers"]

    def test_T1_what_happens_to_it_is_read_by_itself_and_its_partners(self, demo):
        albers = demo.customer("Reederei Albers")
        demo.relationship("Reederei Albers", "Hafen IT").end(by=PORTAL)
        albers.record(Action.CUSTOMER_CHANGED, by=PORTAL, after={"city": "Bremen"})

        def reads(email):
            seen = ActivityEntry.objects.visible_to(demo.user(email).membership)
            return seen.filter(action=Action.CUSTOMER_CHANGED).exists()

        assert reads("admin@albers.example")
        assert reads("global@nordlicht.example")
        assert reads("global@elbe.example")
        assert not reads("global@hafen.example")
        assert not reads("global@kranich.example")
        assert not reads("admin@petersen.example")


class TestOrder:
    def test_the_list_stands_in_the_order_that_readers_expect(self, db):
        for name in ("Zander", "Ärzte", "beta", "Arndt", "Azur", "Öl", "oben"):
            CustomerFactory(name=name)
        assert names(Customer.objects.all()) == [
            "Arndt",
            "Ärzte",
            "Azur",
            "beta",
            "oben",
            "Öl",
            "Zander",
        ]


class TestDomain:
    def test_it_is_stored_in_lower_case(self, db):
        assert CustomerFactory(domain=" Firm.Example ").domain == "firm.example"

    def test_the_database_refuses_any_other(self, db):
        customer = CustomerFactory()
        with pytest.raises(IntegrityError), transaction.atomic():
            Customer.objects.filter(pk=customer.pk).update(domain="Firm.Example")

    def test_R15_several_records_may_have_the_same(self, demo):
        CustomerFactory.build(name="Twin", domain="ALBERS.example").full_clean()

    @pytest.mark.parametrize(
        "domain",
        ["firm.example", "a.de", "xn--mller-kva.example", "sub.firm-1.co.uk", "1.2.example"],
    )
    def test_a_domain_is_accepted(self, domain):
        normal_domain(domain)

    @pytest.mark.parametrize(
        "domain",
        [
            "",
            "firm",
            ".firm.example",
            "firm..example",
            "-firm.example",
            "firm-.example",
            "firm.example-",
            "firm.e",
            "firm.123",
            "192.0.2.1",
            "fir m.example",
            "firm_1.example",
            f"{'a' * 64}.example",
            f"{'a.' * 130}example",
        ],
    )
    def test_what_is_no_domain_is_refused(self, domain):
        with pytest.raises(ValidationError) as refusal:
            normal_domain(domain)
        assert refusal.value.messages == ["Enter a domain, such as firm.example."]

    LETTERS = "abcdefghijklmnopqrstuvwxyz"
    INNER = st.text(LETTERS + "0123456789-", max_size=61)
    EDGE = st.sampled_from(LETTERS + "0123456789")
    LABEL = st.one_of(EDGE, st.builds("{}{}{}".format, EDGE, INNER, EDGE))
    TOP = st.builds("{}{}{}".format, st.sampled_from(LETTERS), INNER, EDGE)

    @given(labels=st.lists(LABEL, min_size=1, max_size=6), top=TOP)
    def test_whatever_is_put_together_by_the_rules_is_accepted_up_to_253_characters(
        self, labels, top
    ):
        domain = ".".join([*labels, top])
        if len(domain) <= 253:
            normal_domain(domain)
        else:
            with pytest.raises(ValidationError):
                normal_domain(domain)

    @given(st.text())
    @example("a.bc\n")
    @example("ａ.example")
    @example("a.exampl\u0131")
    def test_whatever_is_accepted_is_a_domain(self, text):
        try:
            text = normal_domain(text)
        except ValidationError:
            return
        assert text == text.lower()
        assert text.isascii()
        assert len(text) <= 253
        labels = text.split(".")
        assert len(labels) >= 2
        for label in labels:
            assert 1 <= len(label) <= 63
            assert set(label) <= set(self.LETTERS + "0123456789-")
            assert label.strip("-") == label
