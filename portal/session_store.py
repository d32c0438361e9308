"""Sessions in the database, each of a size that a person's work can need."""

from typing import Any

from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import UpdateError
from django.core.exceptions import BadRequest
from django.utils.translation import gettext_lazy as _

from portal.database_faults import fault_of, is_conflict

# What was typed on the way to a new customer with many subscriptions takes a tenth of it.
MOST_LETTERS = 64_000


class SessionTooLarge(BadRequest):
    """What a page would keep of the user is too much; ``reason`` tells the user."""

    reason = _("This is more than the portal keeps for you between two pages. Nothing was changed.")


class SessionStore(db.SessionStore):
    """Django's own store, which refuses to grow: raises ``SessionTooLarge`` instead of saving more.

    What the session kept before stays as it was.
    """

    @classmethod
    def get_session_store_class(cls) -> type["SessionStore"]:
        return cls

    def save(self, must_create: bool = False) -> None:
        """Save. Where the database fails, or somebody else holds the row, it says so.

        Django's own says that the user has signed out.
        """
        try:
            super().save(must_create)
        except UpdateError as error:
            cause = error.__context__
            if cause is not None and (fault_of(cause) or is_conflict(cause)):
                raise cause from cause.__cause__
            raise

    def encode(self, session_dict: dict[str, Any]) -> str:
        encoded = super().encode(session_dict)
        if len(encoded) > MOST_LETTERS:
            raise SessionTooLarge
        return encoded
