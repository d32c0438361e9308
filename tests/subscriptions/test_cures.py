"""C5: why a reseller can't be chosen, and the one action that cures it."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.utils.translation import override

from customers.models import Customer
from portal.authority import PORTAL
from portal.models import Partner, ProofMethod
from relationships.models import RelationshipRequest
from subscriptions.cures import Cures
from subscriptions.models import Candidate

ALBERS = "admin@albers.example"
DAY = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)


def ask(demo, email, to=ALBERS, **fields):
    return RelationshipRequest.objects.ask(
        by=demo.user(email),
        recipient_name="Reederei Albers",
        recipient_email=to,
        language="de",
        **fields,
    )


def proved(demo, address):
    """Another address of the firm, proved by its admin."""
    demo.user(ALBERS).prove(address, how=ProofMethod.CONFIRMATION)
    return address


def candidate(demo, subscription, name, provider="Nordlicht Distribution"):
    [found] = [
        one
        for one in subscription.support_contact_candidates(demo.partner(provider))
        if one.name == name
    ]
    return found


def reason(demo, subscription, name):
    found = candidate(demo, subscription, name)
    return found.reason, found.since


class TestPending:
    @pytest.mark.parametrize("name", ["Kranich Consulting", "Elbe Support"])
    def test_C5_an_open_request_is_the_reason_with_its_date(self, demo, office, name):
        with time_machine.travel(DAY, tick=False):
            ask(demo, f"global@{name.split()[0].lower()}.example")
            assert reason(demo, office, name) == (Candidate.PENDING, DAY)

    def test_C5_also_where_dap_was_removed(self, demo, office):
        demo.relationship("Reederei Albers", "Hafen IT").remove_dap(by=demo.user(ALBERS))
        assert reason(demo, office, "Hafen IT")[0] == Candidate.DAP_REMOVED
        ask(demo, "global@hafen.example")
        assert reason(demo, office, "Hafen IT")[0] == Candidate.PENDING

    def test_C5_one_without_dap_would_change_nothing(self, demo, office):
        ask(demo, "global@kranich.example", with_dap=False)
        assert reason(demo, office, "Kranich Consulting") == (Candidate.NO_RELATIONSHIP, None)

    def test_C5_to_another_customer_it_does_not_count(self, demo, office):
        ask(demo, "global@kranich.example", "admin@huber.example")
        assert reason(demo, office, "Kranich Consulting") == (Candidate.NO_RELATIONSHIP, None)

    @pytest.mark.parametrize("end", ["accept", "decline", "withdraw", "expire"])
    def test_C5_once_it_is_dead_it_is_no_reason_any_more(self, demo, office, end):
        with time_machine.travel(DAY, tick=False):
            made = ask(demo, "global@elbe.example")
            assert reason(demo, office, "Elbe Support") == (Candidate.PENDING, DAY)
            if end == "accept":
                made.accept(by=demo.user(ALBERS))
            elif end == "decline":
                made.decline(by=demo.user(ALBERS), reason="No")
            elif end == "withdraw":
                made.withdraw(by=demo.user("global@elbe.example"))
        with time_machine.travel(DAY + timedelta(days=91), tick=False):
            expected = "" if end == "accept" else Candidate.NO_DAP
            assert reason(demo, office, "Elbe Support") == (expected, None)

    def test_C5_it_is_since_it_was_asked_even_if_it_was_sent_again(self, demo, office):
        with time_machine.travel(DAY, tick=False):
            made = ask(demo, "global@kranich.example")
        with time_machine.travel(DAY + timedelta(days=10), tick=False):
            made.renew(by=demo.user("global@kranich.example"))
            assert reason(demo, office, "Kranich Consulting") == (Candidate.PENDING, DAY)

    def test_C5_of_several_the_first_counts(self, demo, office):
        with time_machine.travel(DAY, tick=False):
            ask(demo, "global@kranich.example")
        with time_machine.travel(DAY + timedelta(days=10), tick=False):
            ask(demo, "global@kranich.example", proved(demo, "it@albers.example"))
            assert reason(demo, office, "Kranich Consulting") == (Candidate.PENDING, DAY)

    def test_C5_a_joint_request_counts_for_the_reseller(self, demo, office):
        ask(
            demo,
            "global@kranich.example",
            provider=demo.partner("Nordlicht Distribution"),
        )
        assert reason(demo, office, "Kranich Consulting")[0] == Candidate.PENDING

    def test_C5_the_candidates_cost_the_same_whatever_there_is(
        self, demo, office, django_assert_num_queries
    ):
        nordlicht = demo.partner("Nordlicht Distribution")
        for number in range(3):
            address = proved(demo, f"it-{number}@albers.example")
            ask(demo, "global@kranich.example", address)
            ask(demo, "global@elbe.example", address)
        with django_assert_num_queries(1):
            office.support_contact_candidates(nordlicht)


class Letter:
    """A mailto: link, as a mail program opens it."""

    def __init__(self, url):
        parts = urlsplit(url)
        assert parts.scheme == "mailto"
        assert "+" not in parts.query, "a mail program shows a plus, not a space"
        fields = parse_qs(parts.query, strict_parsing=True)
        [self.subject], [body] = fields["subject"], fields["body"]
        assert "\n" not in body.replace("\r\n", ""), "lines end with CRLF (RFC 6068)"
        self.body = body.replace("\r\n", "\n")
        self.to = parts.path


def cure(demo, subscription, name):
    cures = Cures(subscription.customer, demo.user("helpdesk@nordlicht.example"))
    found = cures.of(candidate(demo, subscription, name))
    return found.label, Letter(found.url)


class TestCures:
    def test_C5_without_a_relationship_the_reseller_is_asked_to_request_one(self, demo, office):
        label, letter = cure(demo, office, "Kranich Consulting")
        assert label == "Ask it to request a relationship"
        assert letter.to == "support@kranich.example"
        assert letter.subject == "Bitte fragen Sie eine Beziehung zu Reederei Albers an"
        assert letter.body.endswith(
            "Helpdesk agent, Nordlicht Distribution\nNordlicht Distribution"
        )

    @pytest.mark.parametrize("removed", [True, False])
    def test_C5_without_dap_it_is_asked_to_request_that(self, demo, office, removed):
        if removed:
            demo.relationship("Reederei Albers", "Hafen IT").remove_dap(by=PORTAL)
        label, letter = cure(demo, office, "Hafen IT" if removed else "Elbe Support")
        assert label == "Ask it to request delegated admin privileges"
        assert letter.to == ("support@hafen.example" if removed else "support@elbe.example")
        assert letter.subject == (
            "Bitte fragen Sie delegierte Administratorrechte für Reederei Albers an"
        )

    def test_C5_while_a_request_is_open_the_customer_is_reminded(self, demo, office):
        ask(demo, "global@kranich.example")
        label, letter = cure(demo, office, "Kranich Consulting")
        assert label == "Remind the customer"
        assert letter.to == ALBERS
        assert letter.subject == "Die Anfrage von Kranich Consulting wartet auf Ihre Antwort"

    def test_C5_the_request_is_filled_in_already(self, demo, office):
        _label, letter = cure(demo, office, "Kranich Consulting")
        [link] = [line for line in letter.body.splitlines() if line.startswith("http")]
        parts = urlsplit(link)
        assert f"{parts.scheme}://{parts.netloc}" == "https://portal.example"
        assert parts.path == "/relationships/requests/new/"
        assert parse_qs(parts.query) == {"name": ["Reederei Albers"], "email": [ALBERS]}

    def test_C5_a_reminder_carries_no_link_of_anybody(self, demo, office):
        """The personal link belongs to the reseller and the customer."""
        made = ask(demo, "global@kranich.example")
        _label, letter = cure(demo, office, "Kranich Consulting")
        assert "http" not in letter.body
        assert made.token not in letter.body

    @pytest.mark.parametrize(
        ("country", "subject"),
        [
            ("AT", "Bitte fragen Sie eine Beziehung zu Reederei Albers an"),
            ("FR", "Please request a relationship with Reederei Albers"),
        ],
    )
    def test_C5_it_is_written_in_the_language_of_its_reader(self, demo, office, country, subject):
        Partner.objects.filter(name="Kranich Consulting").update(country=country)
        for language in ("en", "de"):
            with override(language):
                label, letter = cure(demo, office, "Kranich Consulting")
            assert letter.subject == subject
            assert (
                label
                == {
                    "en": "Ask it to request a relationship",
                    "de": "Partner bitten, eine Beziehung anzufragen",
                }[language]
            )

    def test_C5_names_are_written_as_they_are(self, demo, office):
        Customer.objects.filter(name="Reederei Albers").update(name="Albers & Söhne <100 %> + Co.")
        office.refresh_from_db()
        _label, letter = cure(demo, office, "Kranich Consulting")
        assert (
            letter.subject == "Bitte fragen Sie eine Beziehung zu Albers & Söhne <100 %> + Co. an"
        )
        [link] = [line for line in letter.body.splitlines() if line.startswith("http")]
        assert parse_qs(urlsplit(link).query)["name"] == ["Albers & Söhne <100 %> + Co."]
