"""R6: a customer that is new in the portal registers on the way to accepting a request."""

import pytest
from django.contrib.auth import authenticate
from django.core import mail
from django.core.exceptions import ValidationError

from portal.models import Action, User
from portal.permissions import Role
from relationships.forms import RegistrationForm
from relationships.models import RelationshipRequest, RequestKind, RequestStatus
from tests.factories import CustomerFactory, UserFactory

PASSWORD = "a-quiet-harbour-41"
WERFT = {
    "name": "Werft Ost",
    "domain": "Werft.example",
    "country": "DE",
    "contact_name": "Ole Ost",
    "contact_phone": "+49 381 555010",
    "email": "Ole@Werft.example",
    "password1": PASSWORD,
    "password2": PASSWORD,
    "agrees": "on",
}


@pytest.fixture
def made(demo):
    """Kranich asks a firm that the portal does not know, together with Nordlicht."""
    return RelationshipRequest.objects.ask(
        by=demo.user("global@kranich.example"),
        recipient_name="Werft Ost",
        recipient_email="info@werft.example",
        language="de",
        provider=demo.partner("Nordlicht Distribution"),
    )


def form_of(made, **data):
    return RegistrationForm({**WERFT, **data}, request=RelationshipRequest.objects.find(made.token))


def register(made, **data):
    """Send the form; return the new admin, or None, and what the form says."""
    form = form_of(made, **data)
    return (form.register() if form.is_valid() else None), form.errors


class TestTheForm:
    def test_it_is_filled_in_as_far_as_the_request_knows(self, made):
        form = RegistrationForm(request=made)
        assert {name: form[name].value() for name in ("name", "domain", "country", "email")} == {
            "name": "Werft Ost",
            "domain": "werft.example",
            "country": "DE",
            "email": "info@werft.example",
        }

    def test_it_makes_the_firm_its_admin_and_the_relationships(self, demo, made):
        user, errors = register(made)
        assert errors == {}
        customer = demo.customer("Werft Ost")
        assert (customer.domain, customer.country.code) == ("werft.example", "DE")
        assert (customer.contact_name, customer.contact_phone, customer.contact_email) == (
            "Ole Ost",
            "+49 381 555010",
            "ole@werft.example",
        )
        assert user == demo.user("ole@werft.example")
        assert (user.name, user.is_staff, user.organisation) == ("Ole Ost", False, customer)
        assert user.membership.roles == [Role.CUSTOMER_ADMIN]
        assert authenticate(username="ole@werft.example", password=PASSWORD) == user
        for partner in ("Kranich Consulting", "Nordlicht Distribution"):
            assert demo.relationship("Werft Ost", partner).has_dap
        stored = RelationshipRequest.objects.get(pk=made.pk)
        assert (stored.state, stored.customer, stored.answered_by) == (
            RequestStatus.ACCEPTED,
            customer,
            user,
        )

    def test_the_agreement_is_accepted_with_it(self, demo, made):
        register(made)
        assert demo.customer("Werft Ost").agreement_accepted_at is not None
        assert demo.log(action=Action.AGREEMENT_ACCEPTED)[-1].actor.email == "ole@werft.example"

    def test_the_log_tells_how_it_came(self, demo, made):
        register(made)
        customer = demo.customer("Werft Ost")
        assert [(one.action, one.actor.email) for one in demo.log(customer=customer)] == [
            (Action.USER_ADDED, "ole@werft.example"),
            (Action.CUSTOMER_ADDED, "ole@werft.example"),
            (Action.AGREEMENT_ACCEPTED, "ole@werft.example"),
            (Action.RELATIONSHIP_STARTED, "ole@werft.example"),
            (Action.RELATIONSHIP_STARTED, "ole@werft.example"),
            (Action.REQUEST_ACCEPTED, "ole@werft.example"),
        ]

    def test_whoever_asked_is_told(self, demo, made):
        register(made)
        assert ["global@kranich.example"] in [sent.to for sent in mail.outbox]

    @pytest.mark.parametrize(
        ("data", "field", "message"),
        [
            ({"agrees": ""}, "agrees", "Tick the box to accept."),
            ({"name": ""}, "name", "This field is required."),
            ({"contact_name": ""}, "contact_name", "This field is required."),
            ({"domain": "werft"}, "domain", "Enter a domain, such as firm.example."),
            (
                {"email": "ADMIN@albers.example"},
                "email",
                "There is an account with this email. Sign in instead.",
            ),
            ({"email": "ole"}, "email", "Enter a valid email address."),
            ({"password2": "another"}, "password2", "The two password fields didn’t match."),
            (
                {"password1": "12345678", "password2": "12345678"},
                "password1",
                "This password is entirely numeric.",
            ),
            (
                {"password1": "password", "password2": "password"},
                "password1",
                "This password is too common.",
            ),
            (
                {"password1": "ole@werft.example", "password2": "ole@werft.example"},
                "password1",
                "The password is too similar to the email.",
            ),
            (
                {"password1": "short", "password2": "short"},
                "password1",
                "This password is too short. It must contain at least 8 characters.",
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

    def test_R11_a_firm_outside_the_sales_region_is_told_and_not_half_registered(
        self, made, nothing_written
    ):
        with nothing_written():
            user, errors = register(made, country="US")
        assert user is None
        assert errors["__all__"] == [
            "Kranich Consulting (Germany) and Werft Ost (United States of America) are not in the "
            "same sales region."
        ]
        assert mail.outbox == []

    def test_it_works_once(self, made, nothing_written):
        register(made)
        with nothing_written():
            user, errors = register(
                made, domain="other.example", email="other@other.example", name="Other"
            )
        assert user is None
        assert "accepted" in errors["__all__"][0]

    def test_the_email_of_someone_who_joined_between_form_and_answer_is_refused(
        self, made, nothing_written
    ):
        form = form_of(made)
        assert form.is_valid()
        UserFactory(email="ole@werft.example")
        with nothing_written():
            assert form.register() is None
        assert form.errors["email"] == ["A user with this email exists."]

    def test_R15_a_domain_that_another_typed_or_proved_is_no_obstacle(self, made):
        user, _errors = register(made, domain="ALBERS.example")
        assert user.organisation.domain == "albers.example"
        assert not user.organisation.is_domain_proved


class TestTheModel:
    def newcomer(self):
        return {
            "customer": CustomerFactory.build(name="Werft Ost", domain="werft.example"),
            "user": UserFactory.build(email="ole@werft.example"),
        }

    def refused(self, made, **newcomer):
        with pytest.raises(ValidationError) as refusal:
            RelationshipRequest.objects.find(made.token).register(**{**self.newcomer(), **newcomer})
        return refusal.value

    def test_who_is_known_signs_in_instead(self, demo, nothing_written):
        made = RelationshipRequest.objects.ask(
            by=demo.user("global@kranich.example"),
            recipient_name="Reederei Albers",
            recipient_email="someone@albers.example",
            language="de",
        )
        with nothing_written():
            assert self.refused(made).code == "known"

    def test_nobody_registers_a_customer_with_an_invitation_to_a_partnership(
        self, demo, nothing_written
    ):
        made = RelationshipRequest.objects.ask(
            by=demo.user("global@nordlicht.example"),
            kind=RequestKind.RESELLER,
            recipient_name="Werft Ost",
            recipient_email="info@werft.example",
            language="de",
            with_dap=False,
        )
        with nothing_written():
            assert self.refused(made).code == "known"

    @pytest.mark.parametrize("kill", ["withdraw", "decline"])
    def test_a_dead_link_registers_nobody(self, demo, made, kill, nothing_written):
        if kill == "withdraw":
            made.withdraw(by=demo.user("global@kranich.example"))
        else:
            made.decline(by=demo.user("admin@huber.example"), reason="No")
        with nothing_written():
            assert self.refused(made).code == "dead"

    def test_a_customer_that_is_not_valid_leaves_no_user_behind(self, made, nothing_written):
        with nothing_written():
            error = self.refused(made, customer=CustomerFactory.build(domain="albers"))
        assert list(error.message_dict) == ["domain"]

    def test_a_user_that_is_not_valid_leaves_no_customer_behind(self, made, nothing_written):
        with nothing_written():
            error = self.refused(made, user=UserFactory.build(email="admin@albers.example"))
        assert list(error.message_dict) == ["email"]
        assert User.objects.filter(email="admin@albers.example").count() == 1
