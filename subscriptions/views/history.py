"""The history of the support contacts of one subscription (C10)."""

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.utils.functional import cached_property
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from portal.permissions import Permission
from portal.views import csv_response
from subscriptions.forms import HistoryFilterForm
from subscriptions.models import SupportContactAssignment

from .subscriptions import SubscriptionPageView


class HistoryMixin(SubscriptionPageView):
    """Every support contact that the subscription ever had (C10), or those of one reason."""

    @cached_property
    def filter_form(self) -> HistoryFilterForm:
        return HistoryFilterForm(self.request.GET)

    def get_history(self) -> Iterable[SupportContactAssignment]:
        history = self.object.support_contact_history.with_people()
        if not self.filter_form.is_valid():
            return []
        reason = self.filter_form.cleaned_data["reason"]
        return self.label_changes(history.filter(reason=reason) if reason else history)


class SupportContactHistoryView(HistoryMixin):
    template_name = "subscriptions/support_contact_history.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            assignments=self.get_history(), filter_form=self.filter_form, **kwargs
        )


class SupportContactHistoryExportView(HistoryMixin):
    """The history as a CSV file."""

    permission_required = Permission.EXPORT_CUSTOMERS

    def get(  # type: ignore[override]  # a file, not a page
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        self.object = self.get_object()
        header = [_("Support contact"), _("From"), _("To"), _("Changed by"), _("Reason")]
        rows = [
            [
                str(one.partner or ""),
                localtime(one.started_at).isoformat(timespec="seconds"),
                localtime(one.ended_at).isoformat(timespec="seconds") if one.ended_at else "",
                str(one.changed_by_label or _("the portal")),
                one.get_reason_display(),
            ]
            for one in self.get_history()
        ]
        return csv_response(request, "history.csv", header, rows)
