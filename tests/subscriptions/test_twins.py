"""Partners, offers and rows of Django admin that are called alike, and what tells them apart."""

import pytest

from portal.text import told_apart
from relationships.forms import CustomerFilterForm, RequestForm, TakeOverForm
from subscriptions.forms import SupportContactForm
from subscriptions.forms.coverage import CoverageFilterForm
from subscriptions.forms.new_customers import AccountForm
from tests.demo import ALBERS, GLOBAL, HELPDESK
from tests.factories import (
    CustomerFactory,
    OfferFactory,
    PartnerFactory,
    PartnershipFactory,
    RelationshipFactory,
    SubscriptionFactory,
    UserFactory,
)
from tests.pages import Page, read_csv, signed_in


@pytest.mark.parametrize(
    ("rows", "labels"),
    [
        ([], []),
        ([("Hafen IT", "1"), ("Elbe Support", "2")], ["Hafen IT", "Elbe Support"]),
        ([("Hafen IT", "1"), ("Hafen IT", "2")], ["Hafen IT (1)", "Hafen IT (2)"]),
        (
            [("Hafen IT", "1"), ("Elbe", "2"), ("HAFEN it", "3")],
            ["Hafen IT (1)", "Elbe", "HAFEN it (3)"],
        ),
    ],
)
def test_only_rows_of_one_name_carry_what_tells_them_apart(rows, labels):
    told = told_apart((number, name, number) for name, number in rows)
    assert told == [(number, label) for (_name, number), label in zip(rows, labels, strict=True)]


def labels(field):
    return [str(label) for _key, label in field.choices]


@pytest.fixture
def twins(demo):
    """A second Hafen IT that works with Nordlicht, too, and a second Nordlicht that works with both."""
    nordlicht, hafen = demo.partner("Nordlicht Distribution"), demo.partner("Hafen IT")
    hafen.mpn_id, nordlicht.mpn_id = "5100001", "5100002"
    hafen.save()
    nordlicht.save()
    twin = PartnerFactory(reseller=True, name="Hafen IT", mpn_id="5200001")
    other = PartnerFactory(name="Nordlicht Distribution", mpn_id="5200002")
    PartnershipFactory(provider=nordlicht, reseller=twin)
    PartnershipFactory(provider=other, reseller=hafen)
    return {"hafen": hafen, "nordlicht": nordlicht, "twin": twin}


def test_each_choice_of_a_partner_tells_twins_apart_by_their_mpn_id(demo, twins):
    hafen = demo.user("global@hafen.example")
    albers, nordlicht = demo.customer("Reederei Albers"), twins["nordlicht"]
    office = demo.subscription("Reederei Albers", "Office 365 Business Standard")
    contacts = SupportContactForm(
        subscription=office, candidates=office.support_contact_candidates(nordlicht)
    )
    resellers = {"Hafen IT (MPN ID 5100001)", "Hafen IT (MPN ID 5200001)", "Elbe Support"}
    choices = {
        "customers": CustomerFilterForm(partner=nordlicht).fields["reseller"],
        "coverage": CoverageFilterForm({}, partner=nordlicht).fields["contact"],
        "new customer": AccountForm(partner=nordlicht).fields["reseller"],
    }
    for where, field in choices.items():
        assert resellers <= set(labels(field)), where
        assert "Hafen IT" not in labels(field), where
    # The twin without a relationship can't be chosen, and is listed with the reason: both say who.
    assert "Hafen IT (MPN ID 5100001)" in labels(contacts.fields["support_contact"])
    assert contacts.labels[twins["twin"].pk] == "Hafen IT (MPN ID 5200001)"
    assert sorted(labels(RequestForm(user=hafen).fields["provider"])) == [
        "Nordlicht Distribution (MPN ID 5100002)",
        "Nordlicht Distribution (MPN ID 5200002)",
        "Only my company",
    ]
    RelationshipFactory(partner=twins["twin"], customer=albers)
    standing = albers.relationships.active().select_related("partner").with_weight()
    asked = [field.label for field in TakeOverForm(relationships=standing).fields.values()]
    assert {"Hafen IT (MPN ID 5100001)", "Hafen IT (MPN ID 5200001)", "Möwe Systems"} <= set(asked)


def test_a_choice_of_twins_is_taken_and_counted_by_name_and_number(demo, twins):
    customer = CustomerFactory(name="Odd")
    for partner in (twins["nordlicht"], twins["twin"], twins["hafen"]):
        RelationshipFactory(partner=partner, customer=customer)
    for contact in (twins["twin"], twins["hafen"]):
        sold = SubscriptionFactory(customer=customer, seller=twins["nordlicht"])
        sold.designate(contact, by=demo.user(GLOBAL))
    browser = signed_in(GLOBAL)
    counts = Page(browser.get("/subscriptions/")).all_text("section[@class='counts']//li")
    assert {"Hafen IT (MPN ID 5200001) 1", "Hafen IT (MPN ID 5100001) 1"} <= set(counts)
    page = Page(browser.get(f"/subscriptions/?contact={twins['twin'].pk}"))
    assert [row["Support contact"] for row in page.table] == ["Hafen IT"]
    page = Page(browser.get(f"/customers/?reseller={twins['twin'].pk}"))
    assert [row["Name"] for row in page.table] == ["Odd"]


@pytest.fixture
def trial(demo):
    """Azure plan as a trial, bought by Albers beside the real one; and one of another publisher."""
    offer = OfferFactory(name="Azure plan", publisher="Microsoft", is_trial=True)
    OfferFactory(name="Azure plan", publisher="Contoso")
    return SubscriptionFactory(
        customer=demo.customer("Reederei Albers"),
        offer=offer,
        seller=demo.user(GLOBAL).membership.partner,
    )


def test_a_choice_of_an_offer_says_which_is_the_trial_and_whose_it_is(demo, trial):
    nordlicht = demo.partner("Nordlicht Distribution")
    offered = labels(CoverageFilterForm({}, partner=nordlicht).fields["offer"])
    assert sorted(label for label in offered if "Azure plan" in label) == [
        "Azure plan (Contoso)",
        "Azure plan (Microsoft)",
        "Azure plan (trial)",
    ]
    add_on = OfferFactory(name="More", is_add_on=True)
    add_on.base_offers.set([trial.offer])
    [refusal] = add_on.lack_of_base(set()).messages
    assert refusal.endswith("one of: Azure plan (trial).")


def test_a_list_says_which_subscription_is_of_the_trial(demo, trial):
    albers = trial.customer
    browser = signed_in(GLOBAL)
    for path, column in (
        ("/subscriptions/?q=albers", "Subscription"),
        (f"/customers/{albers.pk}/", "Subscription"),
    ):
        rows = [row[column] for row in Page(browser.get(path)).table]
        named = sorted(name for name in rows if name.startswith("Azure plan"))
        assert named == ["Azure plan", "Azure plan (trial)"], path
    for path in (
        "/subscriptions/export/?q=albers",
        f"/customers/{albers.pk}/subscriptions/export/",
    ):
        offers = [row["Offer"] for row in read_csv(browser.get(path))]
        named = [name for name in offers if name.startswith("Azure plan")]
        assert len(named) == len(set(named)) == 2, path
        assert "Azure plan (trial)" in named, path
    german = signed_in(ALBERS, **{"accept-language": "de"})
    assert "Azure plan (Testversion)" in Page(german.get("/support/")).text


def test_a_choice_in_django_admin_names_each_row_as_no_other(demo, twins, trial, admin_client):
    UserFactory(name="Kim Kunz", email="kim.kunz@hafen.example")
    asked = {
        ("relationships", "partnership", "reseller", "hafen"): [
            "Hafen IT (MPN ID 5100001)",
            "Hafen IT (MPN ID 5200001)",
        ],
        ("subscriptions", "subscription", "customer", "albers"): [
            "Reederei Albers (albers.example)"
        ],
        ("portal", "membership", "user", "kunz"): ["Kim Kunz (kim.kunz@hafen.example)"],
        ("subscriptions", "subscription", "offer", "azure plan"): [
            "Azure plan (Contoso)",
            "Azure plan (Microsoft)",
            "Azure plan (trial) (Microsoft)",
        ],
    }
    for (app, model, field, term), named in asked.items():
        query = {"app_label": app, "model_name": model, "field_name": field, "term": term}
        answer = admin_client.get("/admin/autocomplete/", query).json()
        assert sorted(one["text"] for one in answer["results"]) == named
    page = admin_client.get(f"/admin/subscriptions/subscription/add/?offer={trial.offer.pk}")
    assert "Azure plan (trial) (Microsoft)" in page.content.decode()


def test_T1_a_helpdesk_agent_reads_no_number_where_no_two_are_called_alike(demo):
    page = Page(signed_in(HELPDESK).get("/subscriptions/"))
    assert "MPN ID" not in " ".join(page.all_text("option"))
