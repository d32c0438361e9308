from django.conf import settings
from django.db import transaction
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from portal.authority import require
from portal.clocks import now_after

from .actions import Action

# What counts as a second factor; recovery codes only stand in for one.
FACTORS = ("totp", "webauthn")


class SignIn:
    """The part of a ``User`` that is about signing in: who may, with what second factor, until when."""

    @property
    def may_sign_in(self):
        """T3: nobody signs in, or stays so, who is deactivated or whose partner is."""
        return self.is_active and getattr(self.organisation, "is_active", True)

    @property
    def needs_second_factor(self):
        """Whether the user may do nothing without a second factor: its partner wants it, or the operator."""
        if self.is_staff:
            return settings.OPERATOR_SECOND_FACTOR
        return getattr(self.organisation, "requires_second_factor", False)

    @property
    def second_factors(self):
        return self.authenticator_set.filter(type__in=FACTORS)

    @cached_property
    def has_second_factor(self):
        """Whether the user has a second factor. The sign-in loads it together with the user."""
        return self.second_factors.exists()

    def may_remove_factor(self, factor):
        """Whether another second factor is left, where one is needed."""
        return not self.needs_second_factor or self.second_factors.exclude(pk=factor.pk).exists()

    def end_sessions(self):
        """Sign the user out everywhere, for good: no session of before is valid again."""
        self.sessions_ended_at = now_after(self.created_at, self.sessions_ended_at)
        self.save(update_fields=["sessions_ended_at"])

    @transaction.atomic
    def give_password(self, password, *, by, reason=""):
        """Set a password for this user, which signs it out, and log that it was set.

        Raises ``NotAllowed`` unless ``by`` is an operator or the portal itself.
        """
        require(by)
        self.set_password(password)
        self.save(update_fields=["password"])
        self.record(Action.PASSWORD_CHANGED, by=by, reason=reason)

    @transaction.atomic
    def reset_second_factor(self, *, by):
        """Take the second factors and recovery codes away, and end the sessions: for a lost device.

        Without any, nothing changes. Raises ``NotAllowed`` unless ``by`` is an operator.
        """
        require(by)
        if self.authenticator_set.all().delete()[0]:
            self.end_sessions()
            self.record(Action.SECOND_FACTOR_REMOVED, by=by, reason=str(_("Reset by the operator")))
