import json
from datetime import UTC, datetime, timedelta

from django.db.models import Max

from portal.models import ActivityEntry, ActivityReader

from .rows import Rows, reset_sequence

EPOCH = datetime(1970, 1, 1)
YEAR = 365 * 24 * 3600


def moment(seconds):
    """Return a time, in seconds since 1970, as both databases read it."""
    return str(EPOCH + timedelta(seconds=seconds))


def day(seconds):
    return moment(seconds)[:10]


class Log:
    """The activity of the last year, to be written in its order when everything else is there."""

    def __init__(self, now):
        self.now, self.start = now, now - YEAR
        self.facts = []
        self.rows = 0

    def add(
        self,
        at,
        action,
        *,
        subject,
        subject_id,
        partners,
        by=None,
        customer=None,
        before="{}",
        after="{}",
        reason="",
    ):
        """Note what happened, unless the log of the installation starts only later."""
        if at >= self.start:
            audience = {firm.id for firm in partners if firm}
            self.facts.append(
                (
                    at,
                    action.value,
                    by,
                    customer,
                    subject,
                    subject_id,
                    before,
                    after,
                    reason,
                    audience,
                )
            )

    def write(self, size):
        """Write the entries from the first to the last, ``size`` at a time, each with its readers."""
        self.facts.sort(key=lambda fact: fact[0])
        number = (ActivityEntry.objects.aggregate(last=Max("pk"))["last"] or 0) + 1
        entries = Rows(
            ActivityEntry,
            "id",
            "at",
            "action",
            "actor",
            "customer",
            "subject",
            "subject_id",
            "before",
            "after",
            "reason",
        )
        readers = Rows(ActivityReader, "activityentry", "partner", "at", "action", "customer")
        for start in range(0, len(self.facts), size):
            rows, audience = [], []
            for at, *fact, partners in self.facts[start : start + size]:
                rows.append((number, moment(at), *fact))
                action, _by, customer, *_rest = fact
                audience += [
                    (number, partner, moment(at), action, customer) for partner in sorted(partners)
                ]
                number += 1
            entries.write(rows)
            readers.write(audience)
        self.rows = entries.written + readers.written
        reset_sequence(ActivityEntry)


def contact(name):
    """The support contact as an entry keeps it before or after a change."""
    return json.dumps({"support_contact": name})


def now():
    return int(datetime.now(UTC).timestamp())
