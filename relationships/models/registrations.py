from django.conf import settings
from django.core import signing
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from portal import links, mail
from portal.addresses import normal_email
from portal.models import Action, Membership, ProofMethod, User

from .request_kinds import RequestKind

# As for the personal link: signed, so it can't be guessed, and not stored, so it can't be stolen.
_signer = signing.TimestampSigner(salt="relationships.registration", sep=".")


class Registration:
    """The part of a ``RelationshipRequest`` about a customer that is new in the portal (R6, R14).

    The partner sees the personal link too, so whoever holds it has shown nothing. Who wants to register
    names an address, and goes on from a mail to it.
    """

    @transaction.atomic
    def send_registration(self, email):
        """Mail ``email`` the link by which the owner of that address registers, or signs in (R14).

        Whether there is an account is told in the mail only; page and effort are the same for all.
        Raises ``ValidationError`` with code ``dead`` where the request can't be answered any more.
        """
        self.require_open()
        email = normal_email(email)
        owner = User.objects.joined().with_organisation().filter(email=email).first()
        reader = owner or User(email=email, language=get_language())
        path = self.path if owner else self.registration_path(email)
        mail.send(
            "registration",
            [reader],
            request=self,
            has_account=owner is not None,
            link=links.absolute(path),
        )

    def registration_path(self, email):
        """The path of the page on which the owner of ``email`` registers; good for a week."""
        proof = _signer.sign_object([self.pk.hex, self.link_number, email])
        return reverse("invitations:registration", args=[self.token, proof])

    def read_registration(self, proof):
        """Return the address that ``proof``, out of a mail to it, proves, or None where it proves nothing.

        Raises ``ValidationError`` with code ``expired`` where it did once.
        """
        try:
            key, number, email = _signer.unsign_object(proof, max_age=settings.INVITATION_PERIOD)
        except signing.SignatureExpired:
            raise ValidationError(
                _("This link has expired. Enter your email again to get a new one."),
                code="expired",
            ) from None
        except (signing.BadSignature, ValueError, TypeError):
            return None
        return email if (key, number) == (self.pk.hex, self.link_number) else None

    def record_to_take_over(self, email):
        """Return the partner's own customer record that the owner of ``email`` becomes the admin of, or None.

        The partner asked that very address in the name of the record, and nobody has come to it yet. It
        must be an address that was invited as the first admin; or, where none was, the record is that of
        the sender alone, which might have invited it. Where the record has proved its domain, the address
        is in it; a mailbox in a domain that another customer has proved takes nothing over (R15).
        """
        record = self.bound_to() if self.names_customer else None
        if record is None or email != self.recipient_email:
            return None
        if record.memberships.filter(user__has_joined=True).exists():
            return None
        firm = Customer.objects.of_address(email)
        if firm != (record if record.is_domain_proved else None):
            return None
        invited = record.memberships.filter(user__is_active=True)
        if invited.exists():
            return record if invited.filter(user__email=email).exists() else None
        others = record.relationships.active().exclude(partner__in=self.partners)
        return None if others.exists() else record

    def require_registrable(self, email):
        """Raise ``ValidationError``, saying why, where the owner of ``email`` can't register here (R14).

        It has shown that it reads mail to the address, so it may know what the portal knows of it; of the
        address that was asked it learns nothing, unless it is the same.
        """
        if self.kind != RequestKind.CUSTOMER:
            raise ValidationError(_("Resellers are added by the operator."), code="known")
        if User.objects.joined().filter(email=email).exists():
            raise ValidationError(
                _("There is an account with %(email)s. Sign in to answer."),
                code="account",
                params={"email": email},
            )
        if self.record_to_take_over(email):
            return
        is_known = Customer.objects.of_address(email) is not None
        if is_known or self.names_customer or (email == self.recipient_email and self.bound_to()):
            raise ValidationError(
                _(
                    "Your company is in the portal already. Ask one of its admins to answer, or to "
                    "invite you."
                ),
                code="known",
            )

    @transaction.atomic
    def register(self, proof, customer, *, user):
        """Accept it for a customer that is new in the portal, with ``user`` as its first admin (R6).

        ``proof`` is that of the mail to the address of ``user``, which it proves. The customer
        agreement is accepted on the way. Where the partner asked this address for a record of its own
        that has no admin, the record gets one, and ``customer`` is that record; the request stays open
        then, as its admin says first which partners may stay (R15).

        Raises ``ValidationError`` like ``accept`` and ``require_registrable``, with ``proof`` where that
        proves another address, with ``addressed`` where an organisation of the portal is asked under
        another address, and where ``customer`` or ``user`` is not valid; then neither of them is there.
        """
        # With the others to this address, which the proof binds: all requests before all organisations.
        bound = type(self).objects.to_addresses([user.email])
        type(self).objects.filter(Q(pk=self.pk) | Q(pk__in=bound.values("pk"))).lock()
        self._lock()
        self.require_open()
        if self.read_registration(proof) != user.email:
            raise ValidationError(_("This link is for another address."), code="proof")
        self.require_registrable(user.email)
        record = self.record_to_take_over(user.email)
        if record is None and self.bound_to():
            raise ValidationError(
                _(
                    "This request can't be answered from %(email)s. Ask %(partner)s to send it to "
                    "this address."
                ),
                code="addressed",
                params={"email": user.email, "partner": self.partner},
            )
        try:
            with transaction.atomic():
                admin = self._take_over(record, user) if record else self._add_firm(customer, user)
        except IntegrityError:
            # Someone registered with the same address just now: say so where it can be said.
            self.require_registrable(user.email)
            raise
        admin.prove(admin.email, how=ProofMethod.CONFIRMATION)
        if record is None:
            self.customer = customer
            self._accept(by=admin, agrees=True)
        return admin

    def _add_firm(self, customer, user):
        customer.full_clean()
        Customer.objects.require_unproved(customer.domain)
        user.full_clean()
        # Never a record that is there already, whoever hands it in.
        customer.save(force_insert=True)
        user.save()
        Membership.objects.join_first(user, customer)
        customer.record(Action.CUSTOMER_ADDED, by=user)
        return user

    def _take_over(self, record, user):
        # Of two who come to the same record at once, one waits here and is told.
        Customer.objects.select_for_update(no_key=True).get(pk=record.pk)
        self.require_registrable(user.email)
        invited = record.memberships.filter(user__email=user.email).first()
        if invited:
            invited.user.join_as(user)
            return invited.user
        user.full_clean()
        user.save()
        Membership.objects.join_first(user, record)
        return user
