from datetime import timedelta

from django.http import StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.generic import ListView, View
from django.views.generic.list import MultipleObjectMixin

from portal.csv import stream_csv
from portal.forms import ActivityFilterForm
from portal.models import ActivityEntry
from portal.permissions import Permission

from .access import LenientPagesMixin, ScopedView


class ActivityView(ScopedView, MultipleObjectMixin):
    """The entries that concern the user's organisation, as the filter of the address wants them."""

    permission_required = Permission.VIEW_ACTIVITY
    model = ActivityEntry

    def get_queryset(self):
        today = timezone.localdate()
        defaults = {"start": today - timedelta(days=30), "end": today}
        # An address without dates means the last month; one with an emptied date means no bound.
        given = {name: self.request.GET.get(name, value) for name, value in defaults.items()}
        self.filter_form = ActivityFilterForm({**self.request.GET.dict(), **given})
        found = super().get_queryset()
        if not self.filter_form.is_valid():
            return found.none()
        return found.matching(**self.filter_form.cleaned_data).with_people()

    def name_actor(self, entry):
        """Who acted, as the user may know it; the portal itself where nobody did."""
        return entry.actor.name_for(self.membership) if entry.actor else _("the portal")


class ActivityListView(LenientPagesMixin, ActivityView, ListView):
    """The activity log: who changed what, when, for which customer, from what to what."""

    paginate_by = 25

    def get_context_data(self, **kwargs):
        context = super().get_context_data(filter_form=self.filter_form, **kwargs)
        for entry in context["object_list"]:
            entry.actor_label = self.name_actor(entry)
        return context


class ActivityExportView(ActivityView, View):
    """All entries that match, as a CSV file, without holding them in memory."""

    def get(self, request):
        header = [
            _("At"),
            _("Action"),
            _("Customer"),
            _("What was changed"),
            _("Changed by"),
            _("Before"),
            _("After"),
            _("Reason"),
        ]
        entries = self.get_queryset().iterator(chunk_size=500)
        rows = (
            [
                entry.at.isoformat(timespec="seconds"),
                entry.get_action_display(),
                str(entry.customer or ""),
                entry.subject,
                self.name_actor(entry),
                "; ".join(f"{change.label}: {change.before}" for change in entry.changes),
                "; ".join(f"{change.label}: {change.after}" for change in entry.changes),
                str(entry.reason_display),
            ]
            for entry in entries
        )
        return StreamingHttpResponse(
            stream_csv(header, rows),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="activity.csv"'},
        )
