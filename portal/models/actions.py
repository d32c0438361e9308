"""What the activity log tells of, and in which words."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from django.db import models
from django.utils.translation import gettext_lazy as _
from django_countries import countries

from portal.addresses import shown_email
from portal.permissions import Role
from portal.phones import shown_phone


class Action(models.TextChoices):
    """What happened, as the activity log names it."""

    CUSTOMER_ADDED = "customer.added", _("Customer added")
    CUSTOMER_CHANGED = "customer.changed", _("Customer details changed")
    CUSTOMER_TAKEN_OVER = "customer.taken_over", _("Partners kept or ended")
    CUSTOMER_JOINED = "customer.joined", _("Customer records joined")
    DOMAIN_PROVED = "customer.domain_proved", _("Domain proved")
    DOMAIN_FREED = "customer.domain_freed", _("Domain freed")
    SHARED_DOMAIN_SET = "shared_domain.set", _("Shared domain set")
    PARTNER_ADDED = "partner.added", _("Partner added")
    PARTNER_CHANGED = "partner.changed", _("Partner details changed")
    PARTNER_DEACTIVATED = "partner.deactivated", _("Partner deactivated")
    PARTNER_REACTIVATED = "partner.reactivated", _("Partner reactivated")
    USER_ADDED = "user.added", _("User added")
    USER_INVITED = "user.invited", _("Invitation sent")
    USER_JOINED = "user.joined", _("Invitation accepted")
    USER_CHANGED = "user.changed", _("User changed")
    USER_ROLES_CHANGED = "user.roles_changed", _("User roles changed")
    USER_DEACTIVATED = "user.deactivated", _("User deactivated")
    USER_REACTIVATED = "user.reactivated", _("User reactivated")
    USER_ERASED = "user.erased", _("Person erased")
    PASSWORD_CHANGED = "user.password_changed", _("Password changed")
    ADDRESS_PROVED = "user.address_proved", _("Email address confirmed")
    SECOND_FACTOR_ADDED = "user.second_factor_added", _("Second factor added")
    SECOND_FACTOR_REMOVED = "user.second_factor_removed", _("Second factor removed")
    RECOVERY_CODES_MADE = "user.recovery_codes_made", _("Recovery codes made")
    IDENTITY_LINKED = "user.identity_linked", _("Identity linked")
    IDENTITY_UNLINKED = "user.identity_unlinked", _("Identity unlinked")
    SESSIONS_ENDED = "user.sessions_ended", _("Signed out on other devices")
    PARTNERSHIP_STARTED = "partnership.started", _("Partnership started")
    PARTNERSHIP_ENDED = "partnership.ended", _("Partnership ended")
    RELATIONSHIP_STARTED = "relationship.started", _("Relationship started")
    RELATIONSHIP_ENDED = "relationship.ended", _("Relationship removed")
    DAP_GRANTED = "relationship.dap_granted", _("Delegated admin privileges granted")
    DAP_REMOVED = "relationship.dap_removed", _("Delegated admin privileges removed")
    REQUEST_CREATED = "request.created", _("Relationship requested")
    REQUEST_MAILED = "request.mailed", _("Request mailed")
    REQUEST_UNDELIVERED = "request.undelivered", _("Request not delivered")
    REQUEST_RESENT = "request.resent", _("Request sent again")
    REQUEST_WITHDRAWN = "request.withdrawn", _("Request withdrawn")
    REQUEST_ACCEPTED = "request.accepted", _("Request accepted")
    REQUEST_DECLINED = "request.declined", _("Request declined")
    AGREEMENT_ACCEPTED = "customer.agreement_accepted", _("Customer agreement accepted")
    SUBSCRIPTION_ADDED = "subscription.added", _("Subscription added")
    SUBSCRIPTION_CHANGED = "subscription.changed", _("Subscription changed")
    SUBSCRIPTION_SUSPENDED = "subscription.suspended", _("Subscription suspended")
    SUBSCRIPTION_REACTIVATED = "subscription.reactivated", _("Subscription reactivated")
    SUPPORT_CONTACT_DESIGNATED = "support_contact.designated", _("Support contact designated")
    OFFER_ADDED = "offer.added", _("Offer added")
    OFFER_CHANGED = "offer.changed", _("Offer changed")
    REGION_ADDED = "region.added", _("Sales region added")
    REGION_CHANGED = "region.changed", _("Sales region changed")
    REGION_REMOVED = "region.removed", _("Sales region removed")
    SUPPORT_CONTACT_FELL_BACK = "support_contact.fell_back", _("Support contact fell back")


def action_choices() -> list[tuple[str, Any]]:
    """The actions with their names. As a function, so that a new one asks for no migration."""
    return Action.choices


# How the activity log names what changed; a field that is not here stands with its own name.
FIELD_LABELS = {
    "answered_by": _("answered by"),
    "answering_mail": _("mail about support contacts"),
    "asked": _("asked"),
    "auto_renew": _("renews automatically"),
    "city": _("city"),
    "contact_email": _("contact email"),
    "contact_name": _("contact person"),
    "contact_phone": _("contact phone"),
    "countries": _("countries"),
    "country": _("country"),
    "domain": _("primary domain"),
    "domain_proved_at": _("domain proved"),
    "domain_proved_how": _("how it was proved"),
    "email": _("email"),
    "friendly_name": _("friendly name"),
    "is_staff": _("operator"),
    "has_dap": _("delegated admin privileges"),
    "ended": _("ended"),
    "is_shared": _("shared"),
    "joined": _("joined record"),
    "kept": _("kept"),
    "without_dap": _("kept without delegated admin privileges"),
    "language": _("language"),
    "name": _("name"),
    "postal_code": _("postal code"),
    "quantity": _("quantity"),
    "requires_second_factor": _("second factor required"),
    "recipient": _("recipient"),
    "renews_on": _("term ends on"),
    "reseller_of_record": _("reseller of record"),
    "roles": _("roles"),
    "seller": _("seller"),
    "started_on": _("started on"),
    "status": _("status"),
    "street": _("street"),
    "subject": _("subject"),
    "support_contact": _("support contact"),
    "support_email": _("support email"),
    "support_hours": _("support hours"),
    "support_phone": _("support phone"),
    "support_website": _("support website"),
    "time_zone": _("time zone"),
    "with_dap": _("with delegated admin privileges"),
}
# The fields whose values stand in the log with a label.
WITH_LABELS = (
    "answering_mail",
    "auto_renew",
    "domain_proved_how",
    "has_dap",
    "is_shared",
    "is_staff",
    "requires_second_factor",
    "roles",
    "status",
    "with_dap",
)
# The fields whose values are emails or domains.
ADDRESSES = ("contact_email", "domain", "email", "support_email")
PHONES = ("contact_phone", "support_phone")
VALUE_LABELS = {
    "active": _("Active"),
    "at_once": _("At once"),
    "daily": _("Once a day"),
    "none": _("None"),
    "suspended": _("Suspended"),
    "operator": _("Confirmed by an operator"),
    "dns": _("Record found in the DNS"),
    "True": _("Yes"),
    "False": _("No"),
    **{role.value: role.label for role in Role},
}


class Change(NamedTuple):
    """One field of an entry, in the reader's words."""

    label: str
    before: str
    after: str


def described(field: str, value: Any) -> str:
    values = value if isinstance(value, list) else [value]
    if field in ("country", "countries"):
        values = [countries.name(one) or one for one in values]
    if field in ADDRESSES:
        values = [shown_email(str(one)) for one in values]
    if field in PHONES:
        values = [shown_phone(str(one)) for one in values]
    if field in WITH_LABELS:
        values = [VALUE_LABELS.get(str(one), one) for one in values]
    return ", ".join(str(one) for one in values)


def describe(row: models.Model, fields: Iterable[str]) -> dict[str, str | list[str]]:
    """Return the values of ``fields`` of ``row`` as an entry keeps them, by field.

    Of many rows, to which a field leads, these are their names.
    """
    return {name: _kept(getattr(row, name)) for name in fields}


def _kept(value: Any) -> str | list[str]:
    if isinstance(value, models.Manager):
        return sorted(map(str, value.all()))
    return "" if value is None else str(value)
