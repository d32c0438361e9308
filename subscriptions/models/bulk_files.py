import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING

from portal.tables.cells import is_mangled

from .bulk_rows import BulkAssignmentRow, BulkOutcome
from .candidates import partner_and_resellers
from .querysets import SubscriptionQuerySet

if TYPE_CHECKING:
    from .bulk import BulkAssignment

# An MPN ID with fewer digits is none.
FEWEST_DIGITS = 4


class BulkFile:
    """The lines of one file, as rows of its bulk assignment."""

    def __init__(self, bulk: "BulkAssignment", visible: SubscriptionQuerySet) -> None:
        """``visible`` are the subscriptions that whoever sent the file sees (T1)."""
        self.bulk, self.visible = bulk, visible
        self.contacts = dict(partner_and_resellers(bulk.partner_id).values_list("mpn_id", "pk"))
        # What a spreadsheet makes of the MPN IDs that begin with zeros.
        self.shortened = {one.lstrip("0") for one in self.contacts if one.startswith("0")}
        self.seen: set[uuid.UUID] = set()

    def add_rows(self, lines: Iterable[tuple[int, str, str]]) -> None:
        """Write a row for each of ``lines``; a subscription that is not visible does not exist (T1)."""
        rows = [self.row_of(*line) for line in lines]
        wanted = [row.subscription_id for row in rows if row.subscription_id]
        found = set(self.visible.filter(pk__in=wanted).values_list("pk", flat=True))
        for row in rows:
            if row.subscription_id and row.subscription_id not in found:
                row.subscription_id, row.outcome = None, BulkOutcome.UNKNOWN
        BulkAssignmentRow.objects.bulk_create(rows)

    def row_of(self, number: int, given_id: str, mpn_id: str) -> BulkAssignmentRow:
        """Return the row for one line; whether its subscription exists is still open.

        A line without an MPN ID has no contact: it leaves its subscription as it is.
        """
        row = BulkAssignmentRow(bulk=self.bulk, line=number, given=f"{given_id}; {mpn_id}"[:200])
        try:
            key = uuid.UUID(given_id)
        except ValueError:
            row.outcome = BulkOutcome.MANGLED if is_mangled(given_id) else BulkOutcome.BAD_ID
            return row
        row.contact_id = self.contacts.get(mpn_id)
        if key in self.seen:
            row.outcome = BulkOutcome.TWICE
        elif mpn_id and row.contact_id is None:
            row.outcome = self.why_unknown(mpn_id)
        else:
            row.subscription_id = key
        self.seen.add(key)
        return row

    def why_unknown(self, mpn_id: str) -> BulkOutcome:
        if is_mangled(mpn_id):
            return BulkOutcome.MANGLED
        if mpn_id.isdecimal() and (len(mpn_id) < FEWEST_DIGITS or mpn_id in self.shortened):
            return BulkOutcome.SHORTENED
        return BulkOutcome.UNKNOWN_PARTNER
