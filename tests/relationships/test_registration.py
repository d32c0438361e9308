"""R6, R14: a customer that is new in the portal proves an address, registers and accepts by that."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth import authenticate
from django.core import mail
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.test import Client
from django.utils import timezone

from customers.models import Customer
from portal.models import Action, Membership, ProofMethod, User
from portal.permissions import Role
from relationships.forms import RegistrationForm
from relationships.models import RelationshipRequest, RequestKind, RequestStatus
from tests.factories import CustomerFactory, MembershipFactory, UserFactory
from tests.pages import Page, signed_in

ASKED = "info@werft.example"
OLE = "ole@other.example"
ALBERS = "admin@albers.example"
KRANICH = "global@kranich.example"
PASSWORD = "a-quiet-harbour-41"
WERFT = {
    "name": "Werft Ost GmbH",
    "domain": "https://Werft.example/",
    "country": "DE",
    "contact_name": "Ole Ost",
    "contact_phone": "+49 381 555010",
    "password1": PASSWORD,
    "password2": PASSWORD,
    "agrees": "on",
}


def ask(demo, to=ASKED, **fields):
    return RelationshipRequest.objects.ask(
        by=demo.user(fields.pop("by", KRANICH)),
        **{"recipient_name": "Werft Ost", "recipient_email": to, "language": "en", **fields},
    )


@pytest.fixture
def made(demo):
    """Kranich asks a firm that the portal does not know, together with Nordlicht."""
    return ask(demo, provider=demo.partner("Nordlicht Distribution"))


def english():
    return Client(headers={"accept-language": "en"})


def enter(made, email, browser=None):
    """Enter an address on the page behind the link."""
    return (browser or english()).post(f"{made.path}register/", {"email": email})


def link_to(email):
    """The path in the newest mail to this address."""
    [body] = [one.body for one in mail.outbox if one.to == [email]][-1:]
    [path] = re.findall(r"https://portal\.example(/invitations/\S+/)", body)
    return path


def form_of(made, email=OLE, **data):
    found = RelationshipRequest.objects.find(made.token)
    proof = found.registration_path(email).split("/")[-2]
    return RegistrationForm({**WERFT, **data}, request=found, email=email, proof=proof)


def register(made, email=OLE, **data):
    """Send the form of the mail's link; return the new admin, or None, and what the form says."""
    form = form_of(made, email, **data)
    return (form.register() if form.is_valid() else None), form.errors


class TestTheAddress:
    """Step 1: the sender sees the link too, so holding it shows nothing."""

    def test_R14_the_page_asks_for_nothing_but_an_address_and_knows_none(self, made):
        page = Page(english().get(f"{made.path}register/"))
        assert page.heading == "Register your company"
        [field] = [one for one in page.find("form//input") if one.get("type") == "email"]
        assert field.get("value") is None
        for hint in ("Werft", "werft", "Nordlicht"):
            assert hint not in page.source

    def test_R14_the_way_on_is_mailed_to_it(self, made, nothing_written):
        with nothing_written():
            page = Page(enter(made, "Ole@OTHER.example"))
        assert page.heading == "Look into your mailbox"
        assert "We sent a mail to ole@other.example." in page.text
        [sent] = mail.outbox
        assert (sent.to, sent.subject) == (
            [OLE],
            "Your answer to Kranich Consulting in the partner portal",
        )
        assert "Werft" not in sent.body
        assert Page(english().get(link_to(OLE))).heading == "Register your company"

    def test_R14_who_has_an_account_is_mailed_the_way_to_sign_in(self, demo, made):
        enter(made, ALBERS)
        [sent] = mail.outbox
        assert sent.to == [ALBERS]
        assert "Mit dieser Adresse haben Sie bereits ein Konto." in sent.body
        assert link_to(ALBERS) == made.path

    @pytest.mark.parametrize("known", [ALBERS, "global@hafen.example", "operator@portal.example"])
    def test_T1_nobody_learns_by_it_whether_there_is_an_account(self, made, known):
        def seen(email):
            answer = enter(made, email)
            assert len(mail.outbox) == 1
            mail.outbox.clear()
            text = re.sub(r'(name="csrfmiddlewaretoken" value=")\w+', "", answer.content.decode())
            return answer.status_code, text.replace(email, "ADDRESS")

        assert seen(known) == seen("somebody@firm.example")

    def test_R14_three_mails_an_hour_to_an_address(self, made):
        for _ in range(3):
            assert enter(made, OLE).status_code == 200
        answer = enter(made, OLE.upper())
        assert answer.status_code == 429
        assert "Several mails are on their way already." in Page(answer).field_errors[0]
        assert len(mail.outbox) == 3
        assert enter(made, "another@other.example").status_code == 200

    def test_R14_and_twenty_from_one_place(self, made):
        codes = [enter(made, f"a{number}@other.example").status_code for number in range(21)]
        assert codes == [*[200] * 20, 429]

    @pytest.mark.parametrize("email", ["", "ole", "a\x00@b.example", "x" * 250 + "@firm.example"])
    def test_what_is_no_address_is_said_at_the_field(self, made, email):
        answer = enter(made, email)
        assert answer.status_code == 200
        assert Page(answer).field_errors
        assert mail.outbox == []

    def test_a_dead_link_mails_nothing(self, demo, made):
        made.withdraw(by=demo.user(KRANICH))
        assert enter(made, OLE).status_code == 410
        assert mail.outbox == []

    def test_R10_a_reseller_does_not_register(self, demo):
        made = ask(
            demo,
            "boss@reseller.example",
            by="global@nordlicht.example",
            kind=RequestKind.RESELLER,
            with_dap=False,
        )
        assert enter(made, OLE).url == made.path
        assert mail.outbox == []


class TestTheLink:
    """Step 2: what the mail opens."""

    def test_R14_it_shows_what_is_asked_and_the_proved_address(self, made):
        page = Page(english().get(made.registration_path(ASKED)))
        assert page.facts["Indirect reseller"].startswith("Kranich Consulting")
        assert page.facts["Indirect provider"].startswith("Nordlicht Distribution")
        assert page.facts["To"] == "Werft Ost, info@werft.example"
        shown = {one.get("id"): one.get("value") for one in page.find("input")}
        assert shown["proved-email"] == ASKED
        assert (shown["id_name"], shown["id_domain"]) == ("Werft Ost", "werft.example")
        [email] = [one for one in page.find("input") if one.get("id") == "proved-email"]
        assert (email.get("readonly"), email.get("name")) == ("", None)

    def test_R14_to_another_address_it_does_not_tell_who_was_asked(self, made):
        page = Page(english().get(made.registration_path(OLE)))
        assert "Werft" not in page.source
        assert "werft" not in page.source
        [domain] = [one.get("value") for one in page.find("input") if one.get("id") == "id_domain"]
        assert domain == "other.example"

    def test_R15_a_shared_domain_is_not_filled_in(self, made):
        page = Page(english().get(made.registration_path("ole@gmx.de")))
        [domain] = [one.get("value") for one in page.find("input") if one.get("id") == "id_domain"]
        assert domain is None

    def test_opening_it_changes_nothing(self, made, nothing_written):
        with nothing_written():
            assert english().get(made.registration_path(OLE)).status_code == 200

    def test_R14_it_works_for_a_week(self, made):
        path = made.registration_path(OLE)
        with time_machine.travel(timezone.now() + timedelta(days=7, minutes=1), tick=False):
            answer = english().get(path, follow=True)
            assert english().post(path, WERFT).status_code == 302
        assert (
            Page(answer).alerts
            == [("status", "This link has expired. Enter your email again to get a new one.")]
            or "This link has expired." in Page(answer).text
        )
        assert not User.objects.filter(email=OLE).exists()

    def test_R14_it_is_for_this_link_and_this_request(self, demo, made):
        proof = made.registration_path(OLE).split("/")[-2]
        other = ask(demo, "other@werft.example")
        assert english().get(f"{other.path}register/{proof}/").status_code == 404
        made.renew(by=demo.user(KRANICH))
        assert english().get(f"{made.path}register/{proof}/").status_code == 404

    @pytest.mark.parametrize("proof", ["x", "a.b", "a.b.c", "%00", "ü", "." * 40])
    def test_R14_it_can_not_be_made_up(self, made, proof):
        assert english().get(f"{made.path}register/{proof}/").status_code == 404
        assert english().post(f"{made.path}register/{proof}/", WERFT).status_code == 404

    def test_who_is_signed_in_answers_as_that_one(self, made):
        assert signed_in(ALBERS).get(made.registration_path(OLE)).url == made.path


class TestRegistering:
    def test_R6_it_makes_the_firm_its_admin_and_the_relationships(self, demo, made):
        user, errors = register(made)
        assert errors == {}
        customer = demo.customer("Werft Ost GmbH")
        assert (customer.domain, customer.country.code) == ("werft.example", "DE")
        assert (customer.contact_name, customer.contact_phone, customer.contact_email) == (
            "Ole Ost",
            "+49381555010",
            OLE,
        )
        assert user == demo.user(OLE)
        assert (user.name, user.is_staff, user.organisation) == ("Ole Ost", False, customer)
        assert user.membership.roles == [Role.CUSTOMER_ADMIN]
        assert authenticate(username=OLE, password=PASSWORD) == user
        for partner in ("Kranich Consulting", "Nordlicht Distribution"):
            assert demo.relationship("Werft Ost GmbH", partner).has_dap
        stored = RelationshipRequest.objects.get(pk=made.pk)
        assert (stored.state, stored.customer, stored.answered_by) == (
            RequestStatus.ACCEPTED,
            customer,
            user,
        )
        assert customer.agreement_accepted_at is not None

    def test_R14_the_address_is_proved_and_the_domain_is_not(self, demo, made):
        user, _errors = register(made)
        [proof] = user.proved_addresses.all()
        assert (proof.email, proof.how) == (OLE, ProofMethod.CONFIRMATION)
        assert user.organisation.domain_proved_at is None

    def test_R6_the_log_tells_how_it_came(self, demo, made):
        register(made)
        log = demo.log(customer=demo.customer("Werft Ost GmbH"))
        assert [one.action for one in log if one.action != Action.ADDRESS_PROVED] == [
            Action.USER_ADDED,
            Action.CUSTOMER_ADDED,
            Action.AGREEMENT_ACCEPTED,
            Action.RELATIONSHIP_STARTED,
            Action.RELATIONSHIP_STARTED,
            Action.REQUEST_ACCEPTED,
        ]
        assert {one.actor.email for one in log} == {OLE}

    def test_R6_registering_signs_in_and_the_link_is_dead(self, demo, made):
        enter(made, OLE)
        path = link_to(OLE)
        browser = english()
        page = Page(browser.post(path, WERFT, follow=True))
        assert ("status", "Welcome. Your company is registered, and you accepted the request.") in (
            page.alerts
        )
        assert english().get(made.path).status_code == 410
        assert english().get(path).status_code == 410
        assert english().post(path, WERFT).status_code == 410

    @pytest.mark.parametrize(
        ("data", "field", "message"),
        [
            ({"agrees": ""}, "agrees", "Tick the box to accept."),
            ({"name": ""}, "name", "This field is required."),
            ({"contact_name": ""}, "contact_name", "This field is required."),
            ({"domain": "werft"}, "domain", "Enter a domain, such as firm.example."),
            ({"password2": "another"}, "password2", "The two password fields didn’t match."),
            (
                {"password1": OLE, "password2": OLE},
                "password1",
                "The password is too similar to the email.",
            ),
            ({"password1": "", "password2": ""}, "password1", "This field is required."),
            (
                {"country": "ZZ"},
                "country",
                "Select a valid choice. ZZ is not one of the available choices.",
            ),
            ({"name": "\x00"}, "name", "Null characters are not allowed."),
        ],
    )
    def test_what_is_wrong_stands_at_its_field_and_nothing_is_written(
        self, made, data, field, message, nothing_written
    ):
        with nothing_written():
            user, errors = register(made, **data)
        assert user is None
        assert message in errors[field]
        assert mail.outbox == []

    def test_its_phone_is_one_of_the_country_that_is_typed_beside_it(self, made, demo):
        register(made, contact_phone="01 5550200", country="AT")
        assert demo.customer("Werft Ost GmbH").contact_phone == "+4315550200"

    def test_R11_a_firm_outside_the_sales_region_is_told_and_not_half_registered(
        self, made, nothing_written
    ):
        with nothing_written():
            user, errors = register(made, country="US")
        assert user is None
        assert errors["__all__"] == [
            "Kranich Consulting (Germany) and Werft Ost GmbH (United States) are not in "
            "the same sales region."
        ]
        assert mail.outbox == []

    def test_R6_it_works_once(self, made, nothing_written):
        register(made)
        with nothing_written():
            user, errors = register(made, "other@other.example", name="Other")
        assert user is None
        assert "accepted" in errors["__all__"][0]

    def test_R15_a_domain_that_somebody_typed_is_in_nobodys_way(self, demo, made):
        squatter = CustomerFactory(name="Squatter", domain="werft.example")
        MembershipFactory(customer=squatter)
        user, errors = register(made, ASKED)
        assert errors == {}
        assert user.organisation.name == "Werft Ost GmbH"
        assert Customer.objects.filter(domain="werft.example").count() == 2

    def test_R15_a_domain_that_another_firm_has_proved_is_refused(
        self, demo, made, nothing_written
    ):
        """Whoever took it would pass for that firm with partners and operators."""
        with nothing_written():
            user, errors = register(made, OLE, domain="Albers.example")
        assert user is None
        assert errors["domain"] == [
            "This domain is that of a company in the portal. Ask one of its admins to invite you."
        ]

    def test_R14_who_was_only_invited_elsewhere_registers_all_the_same(self, demo, made):
        Membership.objects.invite(
            demo.customer("Weingut Huber"),
            email=OLE,
            name="Ole",
            roles=[Role.CUSTOMER_ADMIN],
            by=demo.user("admin@huber.example"),
        )
        user, errors = register(made)
        assert errors == {}
        assert user.organisation.name == "Werft Ost GmbH"


class TestWhoIsKnown:
    def told(self, made, email):
        page = Page(english().get(made.registration_path(email)))
        assert page.heading == "Your company is here already"
        [(_role, text)] = page.alerts
        return text

    def refused(self, made, email=OLE):
        user, errors = register(made, email)
        assert user is None
        return errors["__all__"]

    def test_R14_an_address_with_an_account_signs_in(self, made, nothing_written):
        sentence = f"There is an account with {ALBERS}. Sign in to answer."
        with nothing_written():
            assert self.told(made, ALBERS) == sentence
            assert self.refused(made, ALBERS) == [sentence]

    def test_R14_a_mailbox_in_a_proved_domain_is_no_firm_of_its_own(self, made, nothing_written):
        sentence = "Your company is in the portal already. Ask one of its admins to answer, or to invite you."
        with nothing_written():
            assert self.told(made, "trainee@albers.example") == sentence
            assert self.refused(made, "trainee@albers.example") == [sentence]

    def test_R14_the_address_that_was_asked_is_another_users(self, demo, made):
        demo.user(ALBERS).prove(ASKED, how=ProofMethod.CONFIRMATION)
        assert self.told(made, ASKED).startswith("Your company is in the portal already.")

    def test_T1_to_another_address_a_known_firms_request_looks_like_any(self, demo, made):
        known = ask(demo, ALBERS, provider=demo.partner("Nordlicht Distribution"))
        pages = []
        for one in (made, known):
            text = english().get(one.registration_path(OLE)).content.decode()
            pages.append(re.sub(r"[\w-]{20,}(\.[\w-]+)*|\w{64}", "", text))
        assert pages[0] == pages[1]

    def test_R14_a_request_that_is_bound_is_answered_for_that_firm_only(
        self, demo, nothing_written
    ):
        known = ask(demo, ALBERS)
        with nothing_written():
            assert self.refused(known) == [
                f"This request can't be answered from {OLE}. Ask Kranich Consulting to send it to "
                "this address."
            ]

    def test_R14_someone_who_registered_the_same_address_meanwhile_is_told(
        self, made, nothing_written
    ):
        form = form_of(made)
        assert form.is_valid()
        UserFactory(email=OLE)
        with nothing_written():
            assert form.register() is None
        assert form.errors["__all__"] == [f"There is an account with {OLE}. Sign in to answer."]


class TestTheOwnRecord:
    """The partner asked the customer that it added itself, and nobody has come to it yet."""

    @pytest.fixture
    def record(self, demo):
        record = CustomerFactory(
            name="Werft Ost", domain="werft.example", partners_reviewed_at=None
        )
        demo.partner("Kranich Consulting").relationships.create(customer=record, has_dap=False)
        return record

    def test_R15_who_was_asked_becomes_its_first_admin_and_decides_first(self, demo, record):
        made = ask(demo, customer=record)
        page = Page(english().get(made.registration_path(ASKED)))
        assert "Kranich Consulting has added your company already." in page.text
        names = {one.get("name") for one in page.find("input")}
        assert not names & {"domain", "agrees"}
        browser = english()
        data = {"contact_name": "Ole Ost", "password1": PASSWORD, "password2": PASSWORD}
        page = Page(browser.post(made.registration_path(ASKED), data, follow=True))
        assert page.heading == "Which partners may stay?"
        user = demo.user(ASKED)
        assert (user.organisation, user.name) == (record, "Ole Ost")
        # Nothing is accepted before it has said who may stay.
        made.refresh_from_db()
        assert made.is_open
        assert not demo.relationship("Werft Ost", "Kranich Consulting").has_dap
        kept = record.relationships.active().get()
        browser.post("/support/takeover/", {kept.pk.hex: "keep"})
        browser.post(f"/invitations/{made.token}/accept/", {"agrees": "on"})
        assert demo.relationship("Werft Ost", "Kranich Consulting").has_dap
        record.refresh_from_db()
        assert record.agreement_accepted_at

    def refused(self, made, nothing_written):
        with nothing_written():
            user, errors = register(made, ASKED)
        assert user is None
        return errors["__all__"][0].startswith("Your company is in the portal already.")

    def test_R15_where_others_are_only_who_was_invited_takes_over(
        self, demo, record, nothing_written
    ):
        """A partner's request is no invitation: the record is not its own alone."""
        demo.partner("Hafen IT").relationships.create(customer=record, has_dap=True)
        made = ask(demo, customer=record)
        assert self.refused(made, nothing_written)
        Membership.objects.invite_first_admin(
            record, email="chef@werft.example", name="Chef", by=demo.user(KRANICH)
        )
        assert self.refused(made, nothing_written)

    def test_R15_in_a_proved_domain_only_an_address_in_it_takes_over(
        self, demo, record, nothing_written
    ):
        record.domain = "other.example"
        record.save()
        record.confirm_domain(by=demo.user("operator@portal.example"))
        made = ask(demo, customer=record)
        assert self.refused(made, nothing_written)

    def test_R9_a_removed_partner_does_not_come_back_by_an_older_request(self, demo, record):
        made = ask(demo, customer=record)
        demo.relationship("Werft Ost", "Kranich Consulting").end(by=demo.user(KRANICH))
        made.refresh_from_db()
        assert (made.names_customer, made.customer, made.is_open) == (False, None, True)
        user, errors = register(made, ASKED)
        assert errors == {}
        assert user.organisation != record
        assert not record.relationships.active().exists()

    def test_R15_also_who_was_invited_as_such_before(self, demo, record):
        Membership.objects.invite_first_admin(
            record, email=ASKED, name="Info", by=demo.user(KRANICH)
        )
        made = ask(demo, customer=record)
        user, errors = register(made, ASKED)
        assert errors == {}
        assert (user.email, user.name, user.has_joined) == (ASKED, "Ole Ost", True)
        assert record.memberships.count() == 1
        assert authenticate(username=ASKED, password=PASSWORD) == user

    def test_R15_nobody_with_another_address_does(self, demo, record, nothing_written):
        made = ask(demo, customer=record)
        with nothing_written():
            user, errors = register(made, OLE)
        assert user is None
        assert errors["__all__"][0].startswith("Your company is in the portal already.")

    def test_R15_a_mailbox_in_a_domain_that_another_proved_takes_nothing_over(
        self, demo, record, nothing_written
    ):
        firm = CustomerFactory(domain="werft.example")
        firm.confirm_domain(by=demo.user("operator@portal.example"))
        made = ask(demo, customer=record)
        with nothing_written():
            user, errors = register(made, ASKED)
        assert user is None
        assert errors["__all__"][0].startswith("Your company is in the portal already.")

    def test_R15_nor_anybody_once_it_has_an_admin(self, demo, record, nothing_written):
        made = ask(demo, customer=record)
        MembershipFactory(customer=record)
        with nothing_written():
            user, errors = register(made, ASKED)
        assert user is None
        assert errors["__all__"][0].startswith("Your company is in the portal already.")


class TestTheDoor:
    """Whatever calls it."""

    def newcomer(self, email=OLE):
        return {
            "customer": CustomerFactory.build(name="Werft Ost", domain="werft.example"),
            "user": UserFactory.build(email=email),
        }

    def refused(self, made, proof, **newcomer):
        with pytest.raises(ValidationError) as refusal:
            RelationshipRequest.objects.find(made.token).register(
                proof, **{**self.newcomer(), **newcomer}
            )
        return refusal.value

    def proof(self, made, email=OLE):
        return made.registration_path(email).split("/")[-2]

    def test_R14_without_a_proof_of_that_very_address_nobody_registers(self, made, nothing_written):
        with nothing_written():
            for proof in ("", "x", made.token, self.proof(made, ASKED)):
                assert self.refused(made, proof).code == "proof"

    def test_R15_no_record_that_is_there_is_taken_for_a_new_firm(self, made, nothing_written):
        record = CustomerFactory()
        for handed_in in (
            record,
            Customer(pk=record.pk, name="X", domain="x.example", country="DE"),
        ):
            with nothing_written(), pytest.raises((ValidationError, IntegrityError)):
                RelationshipRequest.objects.find(made.token).register(
                    self.proof(made), handed_in, user=UserFactory.build(email=OLE)
                )

    def test_R14_nobody_registers_with_an_invitation_to_a_partnership(self, demo, nothing_written):
        made = ask(
            demo,
            by="global@nordlicht.example",
            kind=RequestKind.RESELLER,
            with_dap=False,
        )
        with nothing_written():
            assert self.refused(made, self.proof(made)).code == "known"

    @pytest.mark.parametrize("kill", ["withdraw", "expire"])
    def test_a_dead_link_registers_nobody(self, demo, made, kill, nothing_written):
        proof = self.proof(made)
        if kill == "withdraw":
            made.withdraw(by=demo.user(KRANICH))
        else:
            RelationshipRequest.objects.update(expires_at=made.created_at)
        with nothing_written():
            assert self.refused(made, proof).code == "dead"

    def test_a_customer_that_is_not_valid_leaves_no_user_behind(self, made, nothing_written):
        with nothing_written():
            error = self.refused(made, self.proof(made), customer=CustomerFactory.build(domain="x"))
        assert list(error.message_dict) == ["domain"]


@pytest.mark.parametrize(
    ("asked", "accepts", "picked", "spoken"),
    [("de", "en", "", "de"), ("en", "de", "", "en"), ("de", "de", "en", "en")],
)
def test_R4_from_the_link_on_it_speaks_the_language_of_the_request(
    demo, asked, accepts, picked, spoken
):
    """Unless another was picked in this browser, and whatever it asks for by itself."""
    made = ask(demo, language=asked)
    browser = Client(headers={"accept-language": accepts})
    if picked:
        browser.post("/accounts/language/", {"language": picked, "next": made.path})
    answers = [browser.get(made.path), enter(made, OLE, browser), browser.get(link_to(OLE))]
    answers.append(browser.post(link_to(OLE), WERFT))
    answers[-1] = browser.get(browser.get(answers[-1].url).url)
    assert [Page(answer).language for answer in answers] == [spoken] * 4
    welcome = {"de": "Willkommen.", "en": "Welcome."}[spoken]
    assert [text.split()[0] for _role, text in Page(answers[-1]).alerts] == [welcome]
    assert demo.user(OLE).language == spoken


def test_who_is_signed_in_reads_the_link_in_the_own_language(demo):
    browser = signed_in(ALBERS)
    User.objects.filter(email=ALBERS).update(language="en")
    assert Page(browser.get(ask(demo, to=ALBERS, language="de").path)).language == "en"
