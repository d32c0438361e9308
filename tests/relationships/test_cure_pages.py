"""C5: each reason why a reseller can't be chosen leads to its cure, and the cure works."""

from urllib.parse import parse_qs, unquote, urlsplit

from django.conf import settings
from django.urls import reverse

from relationships.models import RelationshipRequest
from tests.demo import ALBERS, HELPDESK, KRANICH, OFFICE
from tests.factories import PartnerFactory, PartnershipFactory
from tests.pages import opened, signed_in, value
from tests.relationships.pages import NEW


def cures(page):
    """For each partner that can't be chosen: (what the link says, to whom, subject, text)."""
    found = {}
    for item in page.find("ul[@class='reasons']/li"):
        [link] = item.findall("a")
        mailto = urlsplit(link.get("href"))
        assert mailto.scheme == "mailto"
        parts = parse_qs(mailto.query, strict_parsing=True)
        name = item.find("bdi").text
        found[name] = (link.text, unquote(mailto.path), parts["subject"][0], parts["body"][0])
    return found


def test_C5_each_reason_has_its_cure(demo, albers, ask):
    office = demo.subscription("Reederei Albers", OFFICE)
    path = reverse("subscriptions:detail", args=[albers.pk, office.pk])
    found = cures(opened(HELPDESK, path))
    label, address, _subject, text = found["Kranich Consulting"]
    assert (label, address) == ("Ask it to request a relationship", "support@kranich.example")
    # The link in the mail opens a request that is filled in, for whoever gets it.
    [link] = [word for word in text.split() if word.startswith("https://")]
    assert link.startswith(f"{settings.PORTAL_URL}{NEW}?")
    form = opened(KRANICH, link.removeprefix(settings.PORTAL_URL))
    assert value(form, "recipient_name") == "Reederei Albers"
    assert value(form, "recipient_email") == albers.contact_email
    assert value(form, "with_dap") is True
    label, address, _subject, _text = found["Elbe Support"]
    assert label == "Ask it to request delegated admin privileges"
    assert address == "support@elbe.example"

    ask()
    label, address, subject, text = cures(opened(HELPDESK, path))["Kranich Consulting"]
    assert (label, address) == ("Remind the customer", albers.contact_email)
    assert "Kranich Consulting" in subject
    assert "/invitations/" not in text


def test_C5_the_mail_of_a_cure_speaks_the_receiver_s_language(demo, albers):
    office = demo.subscription("Reederei Albers", OFFICE)
    reseller = PartnerFactory(reseller=True, country="FR", name="Seine & Söhne")
    PartnershipFactory(provider=demo.partner("Nordlicht Distribution"), reseller=reseller)
    path = reverse("subscriptions:detail", args=[albers.pk, office.pk])
    found = cures(opened(HELPDESK, path, **{"accept-language": "de"}))
    assert found["Seine & Söhne"][2] == "Please request a relationship with Reederei Albers"
    assert "Please" not in found["Kranich Consulting"][2]


def test_C5_the_cure_works_to_the_end(demo, albers, ask):
    """What the reason names is cured by what the link starts."""
    office = demo.subscription("Reederei Albers", OFFICE)
    path = reverse("subscriptions:detail", args=[albers.pk, office.pk])
    _label, _address, _subject, text = cures(opened(HELPDESK, path))["Elbe Support"]
    [link] = [word for word in text.split() if word.startswith("https://")]
    form = opened("global@elbe.example", link.removeprefix(settings.PORTAL_URL))
    data = {name: value(form, name) for name in ("recipient_name", "recipient_email", "language")}
    signed_in("global@elbe.example").post(NEW, data | {"with_dap": "on"})
    made = RelationshipRequest.objects.get()
    signed_in(ALBERS).post(made.path + "accept/")
    assert "Elbe Support" in opened(HELPDESK, path).options
