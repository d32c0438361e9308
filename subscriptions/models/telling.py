"""Who answers from now on, who no longer does, and the customer: each is told once of an act (C11)."""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from customers.models import Customer
from portal.authority import Principal, person_of
from portal.models import MOST_NAMED, Action, Notice, Partner


class Change(NamedTuple):
    """One subscription with another support contact, as it was called then; None is nobody."""

    subscription: uuid.UUID
    name: str
    customer: uuid.UUID
    customer_name: str
    before: uuid.UUID | None
    after: uuid.UUID | None


@dataclass
class _Told:
    """What is collected for one party."""

    gained: int = 0
    lost: int = 0
    customers: set[uuid.UUID] = field(default_factory=set)
    changes: list[Change] = field(default_factory=list)
    contacts: dict[uuid.UUID, None] = field(default_factory=dict)

    def add(self, change: Change, *, is_lost: bool = False) -> None:
        self.gained += not is_lost
        self.lost += is_lost
        self.customers.add(change.customer)
        if len(self.changes) < MOST_NAMED:
            self.changes.append(change)

    def call(self, partner: uuid.UUID | None) -> None:
        """Note whom to call from now on."""
        if partner is not None and len(self.contacts) < MOST_NAMED:
            self.contacts[partner] = None


# So many parties are told at a time: half a second of a slow machine, mostly for the mails.
CHUNK = 10


def tell(
    changes: Iterable[Change],
    action: Action,
    *,
    by: Principal,
    at: datetime,
    between: Sequence[Partner | Customer] = (),
) -> None:
    """Tell the parties of ``changes`` of the act that made them; see ``telling``."""
    for _progress in telling(changes, action, by=by, at=at, between=between):
        pass


def telling(
    changes: Iterable[Change],
    action: Action,
    *,
    by: Principal,
    at: datetime,
    between: Sequence[Partner | Customer] = (),
) -> Iterator[tuple[int, int]]:
    """Tell the parties of ``changes`` of the act that made them: ``action``, as ``by`` wanted.

    ``between`` are the firms between which something ended, or the one that did: two are told in any case.
    Whoever designates a contact needs no notice of it. Whoever ends something is told what follows, and
    needs none where nothing does. Yields now and then how many of how many are told.
    """
    partners: dict[uuid.UUID, _Told] = {}
    customers: dict[uuid.UUID, _Told] = {}
    for firm in between if len(between) == 2 else ():
        (partners if isinstance(firm, Partner) else customers)[firm.pk] = _Told()
    for change in changes:
        customer = customers.setdefault(change.customer, _Told())
        customer.add(change)
        customer.call(change.after)
        if change.after is not None:
            partners.setdefault(change.after, _Told()).add(change)
        if change.before is not None:
            former = partners.setdefault(change.before, _Told())
            former.add(change, is_lost=True)
            former.call(change.after)
    named = Partner.objects.in_bulk(
        {key for told in customers.values() for key in told.contacts}
        | {
            key
            for told in (*partners.values(), *customers.values())
            for change in told.changes
            for key in (change.before, change.after)
            if key is not None
        }
    )
    person = person_of(by)
    notices = []
    for place, found in (("partner_id", partners), ("customer_id", customers)):
        for key, told in found.items():
            is_known = action == Action.SUPPORT_CONTACT_DESIGNATED or not told.changes
            notices.append(
                Notice(
                    at=at,
                    action=action,
                    gained=told.gained,
                    lost=told.lost,
                    customers=len(told.customers),
                    lines=[_line(change, named) for change in told.changes],
                    contacts=[_contact(named[one]) for one in told.contacts],
                    caused_by=person if is_known else None,
                    **{place: key},
                    **_firms(between, key, is_partner=place == "partner_id"),
                )
            )
    for start in range(0, len(notices), CHUNK):
        yield start, len(notices)
        Notice.objects.tell(notices[start : start + CHUNK], by=by)


def _firms(
    between: Sequence[Partner | Customer], key: uuid.UUID, *, is_partner: bool
) -> dict[str, str]:
    """The names that a party reads of the firms between which something ended: not its own."""
    others = [firm for firm in between if firm.pk != key]
    if len(others) == 2 and not is_partner:
        # A customer is not told who works with whom.
        others = []
    names = [str(firm)[:200] for firm in others]
    return dict(zip(("firm", "other_firm"), names, strict=False))


def _line(change: Change, named: Mapping[uuid.UUID, Partner]) -> dict[str, str]:
    return {
        "subscription": str(change.subscription),
        "name": change.name,
        "customer_id": str(change.customer),
        "customer": change.customer_name,
        "before": _name(change.before, named),
        "after": _name(change.after, named),
    }


def _name(partner: uuid.UUID | None, named: Mapping[uuid.UUID, Partner]) -> str:
    return "" if partner is None else str(named[partner])


def _contact(partner: Partner) -> dict[str, str]:
    return {
        "name": partner.name,
        "phone": partner.support_phone,
        "email": partner.support_email,
    }
