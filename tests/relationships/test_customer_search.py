"""A partner finds its customers by name and domain."""

import random

import pytest

from lists.keyset import SortOrder
from portal.addresses import normal_domain
from portal.models import Partner
from portal.text import fold, words_of
from relationships.models import CustomersOfPartner, Relationship
from tests.factories import PartnerFactory, RelationshipFactory


def search(text, partner=None):
    """The names of the customers found, by name; of every partner where none is named."""
    found = set()
    for one in [partner] if partner else Partner.objects.all():
        question = CustomersOfPartner(partner=one.pk, words=words_of(text))
        found.update(question.queryset().values_list("customer__name", flat=True))
    return sorted(found)


class TestSearch:
    @pytest.mark.parametrize(
        ("text", "name", "domain"),
        [
            ("Moewe", "Möwe Systems", "moewe.example"),
            ("mowe", "Möwe Systems", "m.example"),
            ("MOEWE sys", "Möwe Systems", "m.example"),
            ("Mueller", "Bäckerei Müller", "b.example"),
            ("Müller", "Mueller & Söhne", "s.example"),
            ("Baeckerei Mueller", "Bäckerei Müller", "b.example"),
            ("Müller-Luedenscheid", "Mueller-Lüdenscheid", "l.example"),
            ("Øst", "Oest Handel", "o.example"),
            ("Bauer", "Bauer Bau", "x.example"),
            ("Joerg", "Joerg Boehm", "j.example"),
            ("https://www.werft.example/kontakt?x=1", "Werft Ost", "werft.example"),
            ("www.werft.example", "Werft Ost", "werft.example"),
            ("http://werft.exa", "Werft Ost", "werft.example"),
            ("info@werft.example", "Werft Ost", "werft.example"),
            ("mailto:info@werft.example", "Werft Ost", "werft.example"),
            ("<info@werft.example>", "Werft Ost", "werft.example"),
            ("@werft", "Werft Ost", "werft.example"),
            ("info@bäckerei.example", "Anders", "bäckerei.example"),
            ("https://xn--bckerei-5wa.example/", "Anders", "bäckerei.example"),
            ("xn--bckerei-5wa.example", "Anders", "bäckerei.example"),
            ("baeckerei.example", "Anders", "bäckerei.example"),
            ("bäckerei.example", "Anders", "baeckerei.example"),
            ("Ost, Werft", "Werft Ost", "w.example"),
            ("Ost,Werft;", "Werft Ost", "w.example"),
            ("„Werft Ost“", "Werft Ost", "w.example"),
            ("Werft-Ost", "Werft Ost", "w.example"),
            ("Werft Ost", "Werft-Ost GmbH", "w.example"),
            ("Werft–Ost", "Werft-Ost GmbH", "w.example"),
            ("Werft-Ost", "Werft – Ost", "w.example"),
            ("E-Plus", "E Plus Netz", "w.example"),
            ("E–Plus", "E-Plus Netz", "w.example"),
            ("Werft Co.", "Werft & Co KG", "w.example"),
            ("We\u00adrft", "Werft Ost", "w.example"),
            ("Werft\u00a0Ost", "Werft Ost", "w.example"),
            ("Werft’s", "Werft's Ost", "w.example"),
            ("werft's", "Werft’s Ost", "w.example"),
            ("Werft's", "Werft´s Ost", "w.example"),
            ("Werft`s", "Werft's Ost", "w.example"),
            ("Werft´s", "Werft’s Ost", "w.example"),
            ("Übersee's", "Uebersee’s Werft", "w.example"),
            ("werft.example/", "Werft Ost", "werft.example"),
            ("werft.example/kontakt?x=1", "Werft Ost", "werft.example"),
            ("//werft.example", "Werft Ost", "werft.example"),
            ("xn--bckerei-5wa.example/", "Anders", "bäckerei.example"),
            ("Werft/Ost", "Werft/Ost Co./KG", "w.example"),
            ("Co./KG", "Werft/Ost Co./KG", "w.example"),
        ],
    )
    def test_what_people_type_finds_whom_they_mean(self, db, text, name, domain):
        partner = PartnerFactory(direct=True)
        meant = RelationshipFactory(
            partner=partner, customer__name=name, customer__domain=normal_domain(domain)
        )
        RelationshipFactory(partner=partner, customer__name="Gärtnerei", customer__domain="g.test")
        assert search(text, partner) == [meant.customer.name]

    @pytest.mark.parametrize("text", ["neue", "bauer", "Quelle"])
    def test_ue_behind_a_vowel_is_no_umlaut(self, text):
        assert words_of(text) == ((text.lower(),),)

    def test_words_without_such_letters_cost_nothing_more(self):
        assert words_of("reederei Albers gmbh") == (("reederei",), ("albers",), ("gmbh",))

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
            ("stern*", "Stern* [Eck] wo?"),
            ("[eck] *", "Stern* [Eck] wo?"),
            ("wo?", "Stern* [Eck] wo?"),
        ],
    )
    def test_case_accents_and_word_order_do_not_count(self, demo, text, found):
        for name in ("Große Bäckerei", "Oﬃce ﬁrst", "Łódź Øresund Þór", "Οδός", "100% Bio_Kost"):
            RelationshipFactory(customer__name=name)
        for name in ("Stern* [Eck] wo?", "Stern Ecke wob"):
            RelationshipFactory(customer__name=name)
        RelationshipFactory(customer__name="1000 BioXKost")
        assert search(text) == [found]

    @pytest.mark.parametrize(
        "text", ["albers petersen", "alberss", "_", "%", "'", "\\", "*", "?", "[a]", "☃"]
    )
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

    @pytest.mark.parametrize("letters", [range(0xAC00, 0xD7A4), range(0x3300, 0x3357)])
    def test_the_longest_names_fit_into_the_indexes(self, demo, letters):
        """A syllable of Korean is three letters, a sign of a Japanese word up to six, of three bytes each."""
        draw = random.Random(1)
        name, product = (
            "".join(draw.choices([chr(one) for one in letters], k=200)) for _each in "ab"
        )
        domain = ".".join(["d" * 60] * 4) + ".example"
        customer = demo.customer("Reederei Albers")
        customer.name, customer.domain = name, domain
        customer.full_clean()
        customer.save()
        for subscription in customer.subscriptions.all():
            subscription.friendly_name = product
            subscription.save()
        assert search(name[:20]) == [customer.name]
        assert search(domain) == [customer.name]

    @pytest.mark.parametrize("few", [1000, 1, 0])
    @pytest.mark.parametrize("key", ["listed_since", "listed_key", "listed_domain"])
    def test_a_resellers_are_the_same_however_they_are_read(self, demo, monkeypatch, few, key):
        monkeypatch.setattr("relationships.models.customer_lists.MOST_SORTED", few)
        partner, reseller = demo.partner("Nordlicht Distribution"), demo.partner("Hafen IT")
        for name in ("Alm", "Bach", "Clus"):
            customer = RelationshipFactory(partner=partner, customer__name=name).customer
            RelationshipFactory(partner=reseller, customer=customer)
        RelationshipFactory(partner=partner, customer__name="Nicht dabei")
        order = SortOrder(key, "listed_id")
        for filters in ({}, {"has_dap": True}, {"has_dap": False}, {"words": ("a",)}):
            question = CustomersOfPartner(partner=partner.pk, reseller=reseller.pk, **filters)
            both = order.sort(question.queryset()).values_list("customer__name", flat=True)
            rows = question.read((key, "listed_id", "customer__name"), order, None, 100)
            assert [row.customer__name for row in rows] == list(both)
            known = question.count_before(order)
            assert known is None or known == min(len(rows), few + 1)
        assert {"Alm", "Bach", "Clus"} <= set(search("", partner))
