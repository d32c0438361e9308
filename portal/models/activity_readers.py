from datetime import MINYEAR, UTC, datetime, time

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.text import fold

# Up to this many customers of a name, their entries are looked up instead of looked through.
FEW_CUSTOMERS = 200


# What lists read of an entry, beside its action and customer.
READ_OF_ENTRY = ("actor", "subject", "before", "after", "reason", "address")


def _moment(day, at, tzinfo):
    """A time of a day in a zone; the first or the last that there is where UTC has it no more."""
    try:
        return datetime.combine(day, at, tzinfo=tzinfo).astimezone(UTC)
    except OverflowError:
        end = datetime.min if day.year == MINYEAR else datetime.max
        return end.replace(tzinfo=UTC)


class ReadableQuerySet(models.QuerySet):
    """Entries of the activity log, or the rows by which a partner may read them."""

    # Where such a row has the entry.
    entry = ""

    def with_entry(self):
        """Read these as named tuples: ``READ_OF_ENTRY``, and what lists sort by."""
        found = {f"read_{name}": models.F(f"{self.entry}{name}") for name in READ_OF_ENTRY}
        return self.annotate(**found).values_list(
            "read_at", "read_id", "action", *found, "customer__name", named=True
        )

    def matching(self, *, start=None, end=None, customer="", action="", tzinfo=UTC):
        """Return those from day to day (both included) in a zone, of customers by name, of one kind."""
        found = self
        if start:
            found = found.filter(at__gte=_moment(start, time.min, tzinfo))
        if end:
            found = found.filter(at__lte=_moment(end, time.max, tzinfo))
        if action:
            found = found.filter(action=action)
        return found.of_customers(customer)

    def of_customers(self, name):
        """Return those of customers whose name contains every word of ``name``."""
        words = fold(name).split()
        if not words:
            return self
        customers = self.model._meta.get_field("customer").related_model.objects
        contains = [models.Q(name_key__contains=word) for word in words]
        keys = list(customers.filter(*contains).values_list("pk", flat=True)[: FEW_CUSTOMERS + 1])
        if len(keys) <= FEW_CUSTOMERS:
            return self.filter(customer__in=keys)
        # So many customers are soon met among the newest entries.
        return self.filter(*(models.Q(customer__name_key__contains=word) for word in words))


class ActivityReaderQuerySet(ReadableQuerySet):
    entry = "activityentry__"


class ActivityReader(models.Model):
    """A partner that may read an entry, with a copy of what its list sorts and filters by.

    The entry never changes, so the copies stay true; one index of a partner's rows serves each filter.
    """

    activityentry = models.ForeignKey(
        "portal.ActivityEntry", models.PROTECT, related_name="readers", db_index=False
    )
    partner = models.ForeignKey("portal.Partner", models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField()
    action = models.CharField(max_length=40)
    customer = models.ForeignKey(
        "customers.Customer", models.PROTECT, related_name="+", null=True, db_index=False
    )

    objects = ActivityReaderQuerySet.as_manager()

    class Meta:
        verbose_name = _("reader of an activity log entry")
        verbose_name_plural = _("readers of activity log entries")
        constraints = [
            models.UniqueConstraint(
                fields=["activityentry", "partner"], name="portal_activity_reader_once"
            ),
        ]
        indexes = [
            # What fell back and was not dismissed yet is asked for on every first page.
            models.Index(
                fields=["partner", "activityentry"],
                name="portal_reader_notices",
                condition=models.Q(action="support_contact.fell_back"),
            ),
            models.Index(fields=["partner", "at", "activityentry"], name="portal_reader_at"),
            models.Index(
                fields=["partner", "action", "at", "activityentry"], name="portal_reader_action"
            ),
            models.Index(
                fields=["partner", "customer", "at", "activityentry"],
                name="portal_reader_customer",
            ),
        ]

    def __str__(self):
        return f"{self.partner}: {self.activityentry}"

    @classmethod
    def of(cls, entry, partner_id):
        """Return the row, not yet stored, that lets a partner read ``entry``."""
        return cls(
            activityentry=entry,
            partner_id=partner_id,
            at=entry.at,
            action=entry.action,
            customer_id=entry.customer_id,
        )
