"""Queries that are compiled once: they find what the queryset finds, whatever the values."""

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, models
from django.test.utils import CaptureQueriesContext

from lists import list_queries
from lists.compiled_queries import BindParameter, CompiledQuery
from lists.keyset import SortOrder
from portal.models import Partner
from relationships.models import CustomersOfPartner, Relationship, RequestsOfPartner

NAMED = BindParameter("word", models.CharField())
KEY = BindParameter("key", models.UUIDField())
BY_NAME = SortOrder("listed_key", "listed_id")


def test_it_finds_what_the_queryset_finds_for_each_value(demo):
    columns = ("pk", "name", "created_at")
    compiled = CompiledQuery.rows_of(
        Partner.objects.filter(name_key__contains=NAMED).order_by("name_key"), *columns
    )
    for word in ("nord", "e", "100%", "_", "\\", "'", ""):
        rows = compiled.run({"word": word})
        expected = Partner.objects.filter(name_key__contains=word).order_by("name_key")
        assert rows == list(expected.values_list(*columns))
    assert [row.name for row in compiled.run({"word": "nord"})] == ["Nordlicht Distribution"]


def test_one_value_may_stand_in_several_places(demo):
    partner = demo.partner("Hafen IT")
    compiled = CompiledQuery.rows_of(
        Partner.objects.filter(models.Q(pk=KEY) | models.Q(partnerships_as_provider__reseller=KEY)),
        "name",
    )
    for key in (partner.pk, str(partner.pk)):
        assert {name for (name,) in compiled.run({"key": key})} == {
            "Hafen IT",
            "Nordlicht Distribution",
        }


def test_what_its_field_can_not_hold_is_refused(demo):
    compiled = CompiledQuery.rows_of(Partner.objects.filter(pk=KEY), "name")
    with pytest.raises(ValidationError):
        compiled.run({"key": "no key"})


def test_one_name_is_bound_to_one_field():
    found = Partner.objects.filter(pk=KEY).filter(name=BindParameter("key", models.CharField()))
    with pytest.raises(ValueError, match="key is bound to a UUIDField and a CharField"):
        CompiledQuery.rows_of(found, "name")


def test_what_can_find_nothing_is_not_asked(demo):
    compiled = CompiledQuery.rows_of(Partner.objects.filter(pk__in=[]), "name")
    with CaptureQueriesContext(connection) as captured:
        assert compiled.run({}) == []
    assert len(captured) == 0


class TestListQuery:
    def ask(self, email, demo, **filters):
        query = CustomersOfPartner(partner=demo.user(email).membership.partner_id, **filters)
        rows = query.read(("customer__name", "listed_key", "listed_id"), BY_NAME, None, 10)
        return [row.customer__name for row in rows]

    def test_T1_a_compiled_that_was_composed_for_one_partner_shows_the_next_its_own(self, demo):
        composed = list_queries._page.cache_info().currsize
        for email in (
            "global@nordlicht.example",
            "global@suedwind.example",
            "global@hafen.example",
        ):
            partner = demo.user(email).membership.partner
            theirs = Relationship.objects.active().filter(partner=partner)
            expected = theirs.order_by("name_and_domain").values_list("customer__name", flat=True)
            assert self.ask(email, demo) == list(expected) != []
        assert list_queries._page.cache_info().currsize <= composed + 1

    def test_what_is_filtered_otherwise_is_another_compiled(self, demo):
        nordlicht = "global@nordlicht.example"
        assert self.ask(nordlicht, demo) == ["Backhaus Petersen", "Reederei Albers"]
        assert self.ask(nordlicht, demo, words=(("alb",),)) == ["Reederei Albers"]
        assert self.ask(nordlicht, demo, words=(("back",), ("pet",))) == ["Backhaus Petersen"]
        assert self.ask(nordlicht, demo, has_dap=False) == []
        hafen = demo.partner("Hafen IT").pk
        assert self.ask(nordlicht, demo, reseller=hafen) == ["Reederei Albers"]

    def test_it_counts_to_a_bound_and_from_a_place(self, demo):
        query = CustomersOfPartner(partner=demo.partner("Nordlicht Distribution").pk)
        assert query.count(BY_NAME, None, None) == 2
        assert query.count(BY_NAME, None, 1) == 1
        [first] = query.read(("listed_key", "listed_id"), BY_NAME, None, 1)
        assert query.count(BY_NAME, BY_NAME.position(first), 5) == 1

    def test_what_a_query_has_no_field_for_is_refused(self):
        with pytest.raises(TypeError, match="unexpected keyword argument 'seller'"):
            CustomersOfPartner(partner=None, seller=None)

    def test_only_the_same_of_the_same_kind_is_equal(self):
        one = CustomersOfPartner(partner=1, words=(("a",),))
        assert (
            one
            == one.replace(words=(("b",),)).replace(words=(("a",),))
            != one.replace(words=(("b",),))
        )
        assert RequestsOfPartner(partner=1) != CustomersOfPartner(partner=1)
