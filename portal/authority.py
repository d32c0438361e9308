"""Who may act for whom: the one answer that every door of the models asks for.

A door is a method that changes something in the business; its ``by`` is a ``Principal``. What a role
permits at all stands in ``portal.permissions``; here it meets the organisation for which something is done.
"""

from typing import TYPE_CHECKING, Any, Literal, TypeAlias, Union, overload

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.permissions import Permission

if TYPE_CHECKING:
    from portal.models import Partner, User

# A partner or a customer; the app of the customers is above this one.
Organisation: TypeAlias = Union["Partner", Any]
# A place and the permission that is needed there, see ``require``.
Grant: TypeAlias = tuple[Union[Organisation, "User", type[models.Model], None], Permission | None]


class Principal:
    """Somebody who acts: a user, or the portal itself. Nobody, such as ``None``, is none.

    A subclass says for which organisation it acts and what it may do there; so a key that acts for an
    organisation in a user's place is one more subclass, and no door changes.
    """

    @property
    def may_act(self) -> bool:
        """Whether it may do anything at all, as things stand now."""
        raise NotImplementedError

    @property
    def is_last_resort(self) -> bool:
        """Whether it belongs to no organisation, and may step in for each where an act allows that."""
        raise NotImplementedError

    @property
    def person(self) -> "User | None":
        """The user whom the log and the history name, or None for the portal itself."""
        raise NotImplementedError

    @property
    def organisation(self) -> Organisation | None:
        """The partner or customer that it acts for, or None."""
        raise NotImplementedError

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Whether its roles in that organisation include ``perm``."""
        raise NotImplementedError


class Portal(Principal):
    """The portal itself: what it makes (the demo data) and what follows by itself from a rule."""

    may_act = True
    is_last_resort = True
    person = None
    organisation = None

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        return False

    def __repr__(self) -> str:
        return "PORTAL"


PORTAL = Portal()


class Refusal(models.TextChoices):
    """Why somebody may not act: the code of ``NotAllowed``, and what the person reads."""

    ROLE = "not_allowed", _("Your roles do not include this.")
    NOBODY = "nobody", _("Nobody may do this without signing in.")
    INACTIVE = "inactive_account", _("This account is deactivated.")
    ELSEWHERE = "other_organisation", _("This is for another organisation to do.")
    OPERATORS = "operators_only", _("Only an operator may do this.")
    SELLER = "not_seller", _("Only the partner that sold the subscription may do this.")
    CONTACT = (
        "not_deciding",
        _("Only the staff of the partner that sold the subscription may change this."),
    )
    RECIPIENT = (
        "not_recipient",
        _("Only an admin of the organisation that this request is addressed to may answer it."),
    )
    MAKER = "not_maker", _("Only who made this preview may submit it.")


class NotAllowed(ValidationError):
    """``by`` may not do this; nothing was written. Its code is a ``Refusal``. Raised here alone."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.label, code=refusal.value)


def person_of(by: Principal) -> "User | None":
    """Return the user whom the log names for ``by``, None for the portal itself.

    Raises ``NotAllowed`` (``nobody``) where ``by`` is no principal: nothing is done by nobody.
    """
    if not isinstance(by, Principal):
        raise NotAllowed(Refusal.NOBODY)
    return by.person


@overload
def require(
    by: Principal, *grants: Grant, last_resort: Literal[False], foreign: Refusal = ...
) -> Organisation: ...


@overload
def require(
    by: Principal, *grants: Grant, last_resort: bool = True, foreign: Refusal = ...
) -> Organisation | None: ...


def require(
    by: Principal,
    *grants: Grant,
    last_resort: bool = True,
    foreign: Refusal = Refusal.ELSEWHERE,
) -> Organisation | None:
    """Return the organisation that ``by`` acts for in this act, or raise ``NotAllowed``.

    A grant is a place and the permission that ``by`` needs there; one is enough. The place is an
    organisation, or a model: then whichever of that kind ``by`` belongs to; or it is a person, with None for
    the permission: everybody may do some things to the own account. Without a grant the act is for
    operators.

    Operators may act as a last resort, and so may the portal itself: the answer is None then, and the
    activity log names them. An act that needs somebody of the organisation says ``last_resort=False``.

    The code is that of ``foreign`` where ``by`` is of none of the places, and ``not_allowed`` where its roles
    lack the permission.
    """
    person_of(by)
    if not by.may_act:
        raise NotAllowed(Refusal.INACTIVE)
    if by.is_last_resort and last_resort:
        return None
    if not grants:
        raise NotAllowed(Refusal.OPERATORS)
    needed = [permission for place, permission in grants if _is_at(by, place)]
    if not needed:
        raise NotAllowed(foreign)
    if not any(permission is None or by.has_perm(permission) for permission in needed):
        raise NotAllowed(Refusal.ROLE)
    return by.organisation


def _is_at(by: Principal, place: Any) -> bool:
    if isinstance(place, type):
        return isinstance(by.organisation, place)
    return place is not None and place in (by.organisation, by.person)


def may(by: Principal, *grants: Grant, **how: Any) -> bool:
    """Whether ``require`` with the same arguments lets ``by`` act."""
    try:
        require(by, *grants, **how)
    except NotAllowed:
        return False
    return True


def require_standing(is_so: Any, refusal: Refusal) -> None:
    """Raise ``NotAllowed`` with ``refusal`` unless ``is_so``.

    For what an organisation that acts lacks at the moment, such as a relationship, as a door finds out
    under its locks, after ``require``.
    """
    if not is_so:
        raise NotAllowed(refusal)
