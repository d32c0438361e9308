"""Statements that are composed once: they find what the queryset finds, whatever the values."""

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, models
from django.test.utils import CaptureQueriesContext

from portal.keyset import Order
from portal.models import Parameter, Partner, Prepared, prepared
from relationships.models import CustomersOfPartner, Relationship, RequestsOfPartner

NAMED = Parameter("word", models.CharField())
KEY = Parameter("key", models.UUIDField())
BY_NAME = Order("listed_key", "listed_id")


def test_it_finds_what_the_queryset_finds_for_each_value(demo):
    columns = ("pk", "name", "created_at")
    statement = Prepared.rows_of(
        Partner.objects.filter(name_key__contains=NAMED).order_by("name_key"), *columns
    )
    for word in ("nord", "e", "100%", "_", "\\", "'", ""):
        rows = statement.run({"word": word})
        expected = Partner.objects.filter(name_key__contains=word).order_by("name_key")
        assert rows == list(expected.values_list(*columns))
    assert [row.name for row in statement.run({"word": "nord"})] == ["Nordlicht Distribution"]


def test_one_value_may_stand_in_several_places(demo):
    partner = demo.partner("Hafen IT")
    statement = Prepared.rows_of(
        Partner.objects.filter(models.Q(pk=KEY) | models.Q(partnerships_as_provider__reseller=KEY)),
        "name",
    )
    for key in (partner.pk, str(partner.pk)):
        assert {name for (name,) in statement.run({"key": key})} == {
            "Hafen IT",
            "Nordlicht Distribution",
        }


def test_what_its_field_can_not_hold_is_refused(demo):
    statement = Prepared.rows_of(Partner.objects.filter(pk=KEY), "name")
    with pytest.raises(ValidationError):
        statement.run({"key": "no key"})


def test_what_can_find_nothing_is_not_asked(demo):
    statement = Prepared.rows_of(Partner.objects.filter(pk__in=[]), "name")
    with CaptureQueriesContext(connection) as captured:
        assert statement.run({}) == []
    assert len(captured) == 0


class TestQuestion:
    def ask(self, email, demo, **filters):
        question = CustomersOfPartner(partner=demo.user(email).membership.partner_id, **filters)
        rows = question.read(("customer__name", "listed_key", "listed_id"), BY_NAME, None, 10)
        return [row.customer__name for row in rows]

    def test_T1_a_statement_that_was_composed_for_one_partner_shows_the_next_its_own(self, demo):
        composed = prepared._page.cache_info().currsize
        for email in (
            "global@nordlicht.example",
            "global@suedwind.example",
            "global@hafen.example",
        ):
            partner = demo.user(email).membership.partner
            theirs = Relationship.objects.active().filter(partner=partner)
            expected = theirs.order_by("name_and_domain").values_list("customer__name", flat=True)
            assert self.ask(email, demo) == list(expected) != []
        assert prepared._page.cache_info().currsize <= composed + 1

    def test_what_is_filtered_otherwise_is_another_statement(self, demo):
        nordlicht = "global@nordlicht.example"
        assert self.ask(nordlicht, demo) == ["Backhaus Petersen", "Reederei Albers"]
        assert self.ask(nordlicht, demo, words=(("alb",),)) == ["Reederei Albers"]
        assert self.ask(nordlicht, demo, words=(("back",), ("pet",))) == ["Backhaus Petersen"]
        assert self.ask(nordlicht, demo, has_dap=False) == []
        hafen = demo.partner("Hafen IT").pk
        assert self.ask(nordlicht, demo, reseller=hafen) == ["Reederei Albers"]

    def test_it_counts_to_a_bound_and_from_a_place(self, demo):
        question = CustomersOfPartner(partner=demo.partner("Nordlicht Distribution").pk)
        assert question.count(BY_NAME, None, None) == 2
        assert question.count(BY_NAME, None, 1) == 1
        [first] = question.read(("listed_key", "listed_id"), BY_NAME, None, 1)
        assert question.count(BY_NAME, BY_NAME.position(first), 5) == 1

    def test_what_a_question_has_no_name_for_is_refused(self):
        with pytest.raises(TypeError, match="CustomersOfPartner has no seller"):
            CustomersOfPartner(partner=None, seller=None)

    def test_only_the_same_of_the_same_kind_is_equal(self):
        one = CustomersOfPartner(partner=1, words=(("a",),))
        assert one == one.but(words=(("b",),)).but(words=(("a",),)) != one.but(words=(("b",),))
        assert RequestsOfPartner(partner=1) != CustomersOfPartner(partner=1)
