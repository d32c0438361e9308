from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import islice
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from lists.keyset import SortOrder
from portal.forms import ActivityFilterForm
from portal.models import ActivityEntry, LogOf, Named, actors_of
from portal.permissions import Permission
from portal.zones import moment_writer, zone_of

from .lists import CompiledListView, ExportView, ListQueryView

EXPORT_CHUNK = 500


class ActivityMixin(ListQueryView):
    """The entries that concern the user's organisation, as the filter of the address wants them."""

    permission_required = Permission.VIEW_ACTIVITY
    model = ActivityEntry
    list_query_class = LogOf

    @cached_property
    def search_form(self) -> ActivityFilterForm:
        today = timezone.localdate(timezone=zone_of(self.user))
        defaults = {"start": today - timedelta(days=30), "end": today}
        # An address without dates means the last month; one with an emptied date means no bound.
        given = {name: self.request.GET.get(name, value) for name, value in defaults.items()}
        return ActivityFilterForm({**self.request.GET.dict(), **given})

    def get_asked(self, **filters: Any) -> dict[str, Any]:
        return {**filters, "tzinfo": zone_of(self.user)}

    def entries(
        self, rows: Sequence[Any]
    ) -> Iterator[tuple[ActivityEntry, str | None, Named, str | None]]:
        """Return the entries of rows with ``LogOf.COLUMNS``.

        Each with the name of its customer, and, as the user may know them (T1), who acted and from where.
        """
        actors = actors_of({row.read_actor for row in rows if row.read_actor})
        seen = {key: actor.seen_by(self.membership) for key, actor in actors.items()}
        for row in rows:
            entry = ActivityEntry(
                at=row.read_at,
                action=row.action,
                subject=row.read_subject,
                before=row.read_before,
                after=row.read_after,
                reason=row.read_reason,
            )
            actor = actors.get(row.read_actor)
            who = seen.get(row.read_actor) or Named(_("the portal"))
            is_colleague = actor is not None and actor.is_of(self.membership)
            yield entry, row.customer__name, who, row.read_address if is_colleague else None


class ActivityListView(ActivityMixin, CompiledListView):
    """The activity log: who changed what, when, for which customer, from what to what."""

    template_name = "portal/activityentry_list.html"
    sorts = {"at": SortOrder("read_at", "read_id", is_descending=True)}

    columns = LogOf.COLUMNS

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        moment = moment_writer(self.user)
        context["rows"] = [
            (
                *moment(entry.at),
                entry.get_action_display(),
                entry.subject,
                customer,
                *who,
                entry.changes,
                entry.reason and entry.reason_display,
                address,
            )
            for entry, customer, who, address in self.entries(context["object_list"])
        ]
        return context


class ActivityExportView(ActivityMixin, ExportView):
    """All entries that match, as a CSV file."""

    filename = "activity"

    def get_header(self) -> list[str]:
        return [
            _("At"),
            _("Action"),
            _("Customer"),
            _("What was changed"),
            _("Changed by"),
            _("Before"),
            _("After"),
            _("Reason"),
            _("IP address"),
        ]

    def get_rows(self, queryset: QuerySet) -> Iterator[list[str]]:
        newest_first = queryset.order_by("-read_at", "-read_id")
        rows = newest_first.values_list(*LogOf.COLUMNS, named=True).iterator(EXPORT_CHUNK)
        while chunk := list(islice(rows, EXPORT_CHUNK)):
            for entry, customer, who, address in self.entries(chunk):
                yield [
                    timezone.localtime(entry.at).isoformat(timespec="seconds"),
                    entry.get_action_display(),
                    customer or "",
                    entry.subject,
                    str(who),
                    "; ".join(f"{change.label}: {change.before}" for change in entry.changes),
                    "; ".join(f"{change.label}: {change.after}" for change in entry.changes),
                    str(entry.reason_display),
                    address or "",
                ]
