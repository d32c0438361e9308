"""A partner finds its customers by name and domain."""

import random

import pytest

from portal.models import Partner
from portal.text import fold, words_of
from relationships.models import CustomersOfPartner, Relationship
from tests.factories import RelationshipFactory


def search(text, partner=None):
    """The names of the customers found, by name; of every partner where none is named."""
    found = set()
    for one in [partner] if partner else Partner.objects.all():
        question = CustomersOfPartner(partner=one.pk, words=words_of(text))
        found.update(question.queryset().values_list("customer__name", flat=True))
    return sorted(found)


class TestSearch:
    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("albers", "Reederei Albers"),
            ("ALBERS", "Reederei Albers"),
            ("reed alb", "Reederei Albers"),
            ("alb reed", "Reederei Albers"),
            ("eede", "Reederei Albers"),
            ("  albers  ", "Reederei Albers"),
            ("albers.example", "Reederei Albers"),
            ("reederei albers.exa", "Reederei Albers"),
            ("yilmaz", "Praxis Dr. Yılmaz"),
            ("Yılmaz", "Praxis Dr. Yılmaz"),
            ("YILMAZ", "Praxis Dr. Yılmaz"),
            ("Yīlmàz", "Praxis Dr. Yılmaz"),
            ("dr. y", "Praxis Dr. Yılmaz"),
            ("Grosse Backerei", "Große Bäckerei"),
            ("GROSSE BÄCKEREI", "Große Bäckerei"),
            ("große", "Große Bäckerei"),
            ("offi", "Oﬃce ﬁrst"),
            ("office first", "Oﬃce ﬁrst"),
            ("lodz", "Łódź Øresund Þór"),
            ("oresund thor", "Łódź Øresund Þór"),
            ("ΟΔΟΣ", "Οδός"),
            ("100%", "100% Bio_Kost"),
            ("bio_kost", "100% Bio_Kost"),
        ],
    )
    def test_case_accents_and_word_order_do_not_count(self, demo, text, found):
        for name in ("Große Bäckerei", "Oﬃce ﬁrst", "Łódź Øresund Þór", "Οδός", "100% Bio_Kost"):
            RelationshipFactory(customer__name=name)
        RelationshipFactory(customer__name="1000 BioXKost")
        assert search(text) == [found]

    @pytest.mark.parametrize("text", ["albers petersen", "alberss", "_", "%", "'", "\\", "☃"])
    def test_what_is_in_no_name_finds_nobody(self, demo, text):
        assert search(text) == []

    @pytest.mark.parametrize("text", ["", "  ", "\t\n", "\u0301", "\u00a0"])
    def test_nothing_to_search_for_finds_everybody(self, demo, text):
        assert len(search(text)) == 4

    def test_within_what_is_visible(self, demo):
        suedwind = demo.partner("Südwind Cloud")
        assert search("e", suedwind) == ["Reederei Albers", "Weingut Huber"]
        assert search("petersen", suedwind) == []

    def test_a_new_name_is_found_at_once(self, demo):
        customer = demo.customer("Reederei Albers")
        customer.name = "Schiffahrt Östlund"
        customer.save()
        assert search("ostlund") == ["Schiffahrt Östlund"]
        assert search("reederei") == []

    def test_by_name_whatever_the_domains(self, demo):
        """The domain stands behind the name in one key, and must not come into the order of names."""
        relationships = demo.partner("Südwind Cloud").relationships
        names = ["Alm", "Alm 2", "Alm & Söhne", "Alm-Hof", "Almhof"]
        for domain, name in zip(("zz", "a", "zzz", "b", "aa"), names, strict=True):
            RelationshipFactory(
                partner=relationships.instance,
                customer__name=name,
                customer__domain=f"{domain}.example",
            )
        rows = relationships.active().order_by("name_and_domain")
        found = [one.customer.name for one in rows if one.customer.name in names]
        assert found == sorted(names, key=fold)

    def test_by_name_alone(self, demo):
        relationships = Relationship.objects.filter(partner=demo.partner("Nordlicht Distribution"))
        assert {one.customer.name for one in relationships.named(words_of("reed albers"))} == {
            "Reederei Albers"
        }
        assert not relationships.named(words_of("albers.example")).exists()
        assert not relationships.named(words_of("albers example")).exists()
        assert relationships.named(()).count() == relationships.count()

    def test_the_longest_name_and_domain_fit_into_the_indexes(self, demo):
        """Korean is the longest: three letters a syllable, of three bytes each."""
        syllables = random.Random(1).choices([chr(one) for one in range(0xAC00, 0xD7A4)], k=200)
        domain = ".".join(["d" * 60] * 4) + ".example"
        customer = demo.customer("Reederei Albers")
        customer.name, customer.domain = "".join(syllables), domain
        customer.full_clean()
        customer.save()
        assert search("".join(syllables[:50])) == [customer.name]
        assert search(domain) == [customer.name]
