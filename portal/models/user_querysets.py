from typing import TYPE_CHECKING, Any, Self

from django.contrib.auth.models import BaseUserManager
from django.db import transaction

from lists.expressions import has_word
from portal.address_fields import AsKept
from portal.authority import PORTAL
from portal.text import words_of

from .actions import Action, describe
from .invitations import read_token
from .proofs import ProvedAddress
from .user_breaches import UserBreaches

if TYPE_CHECKING:
    from .memberships import Membership
    from .users import User


class UserQuerySet(UserBreaches):  # type: ignore[override]  # the plugin types each as_manager anew
    def visible_to(self, membership: "Membership | None") -> Self:
        """Return the users of the organisation of ``membership`` (T1)."""
        if membership is None:
            return self.none()
        return self.filter(
            membership__partner=membership.partner_id, membership__customer=membership.customer_id
        )

    def joined(self) -> Self:
        """Return the users whose address is theirs: all but those who were invited and never came.

        An address is one account's among these only. Any organisation may invite it, and none of them
        learns by that whether there is an account.
        """
        return self.filter(has_joined=True)

    def with_organisation(self) -> Self:
        return self.select_related("membership__partner", "membership__customer")

    def search(self, text: str) -> Self:
        """Return the users whose name or email contains every word of ``text``.

        Case and accents do not count; a word may stand inside another. An email or a domain is found in
        either of its forms.
        """
        found = self
        for word in words_of(text, with_addresses=True):
            found = found.filter(has_word("name_key", word) | has_word("email", word))
        return found

    def called(self, email: str) -> "User | None":
        """Return the user that joined whose email this is, in whichever form it is written, or None.

        Of two whose emails are the same in normal form, from before there was one, it is the one whose
        email is written like that.
        """
        written = email.strip().lower()
        found = list(self.joined().filter(email__in=[AsKept(written), email]))
        return next((user for user in found if user.email == written), next(iter(found), None))

    def who_proved(self, email: str) -> "User | None":
        """Return the active user who was the last to prove that mail to ``email`` reaches it, or None (R14).

        A mailbox may have passed from one person to another, or be read by several: the latest proof counts.
        """
        proofs = ProvedAddress.objects.filter(
            email=email, user__is_active=True, user__has_joined=True
        ).select_related("user__membership__partner", "user__membership__customer")
        latest = proofs.order_by("-at", "-pk").first()
        return latest.user if latest else None

    def invited(self, email: str) -> Self:
        """Return the users that were invited by this email and never came, the latest first."""
        waiting = self.with_organisation().filter(email=email, has_joined=False)
        return waiting.exclude(invited_at=None).order_by("-invited_at")

    def find_invited(self, token: str) -> "User | None":
        """Return the user that a personal link invites, with what the link knew of it, or None."""
        opened = read_token(token)
        if opened is None:
            return None
        user = self.with_organisation().filter(pk=opened.user_id).first()
        if user is None or user.organisation is None:
            return None
        user.opened_invitation = opened
        return user


class UserManager(BaseUserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a user who signs in with ``email``; without a password nobody can sign in yet."""
        user = self.model(email=email, **fields)
        user.set_password(password)
        user.save()
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create an operator. Called by ``manage.py createsuperuser``."""
        # The command asks the database only where a field is unique among all rows.
        user = self.model(email=email, is_staff=True, **fields)
        user.clean_fields(exclude={"password"})
        user.clean()
        user.validate_constraints()
        with transaction.atomic():
            user = self.create_user(email, password, is_staff=True, **fields)
            user.record(
                Action.USER_ADDED,
                by=PORTAL,
                after=describe(user, ["email", "name", "is_staff"]),
                reason="manage.py createsuperuser",
            )
        return user

    def get_by_natural_key(self, email: str | None) -> "User":
        found = self.called(email)
        if found is None:
            raise self.model.DoesNotExist
        return found
