from collections.abc import Generator, Iterator
from typing import Any, TypeVar

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.views.generic import DetailView, FormView, View
from django.views.generic.detail import SingleObjectMixin

from lists.expressions import has_word
from lists.keyset import SortOrder
from portal.models import Partner
from portal.permissions import Permission
from portal.text import words_of
from portal.views import (
    ExportView,
    FilteredView,
    PortalView,
    ScopedListView,
    ScopedView,
    StreamedActView,
)

from ..forms import BulkContactForm, BulkFileForm, OutcomeForm
from ..models import (
    BulkAssignment,
    BulkAssignmentRow,
    BulkOutcome,
    Subscription,
    partner_and_resellers,
)
from ..models.bulk import BulkAssignmentQuerySet
from ..models.bulk_rows import BulkAssignmentRowQuerySet
from ..models.querysets import SubscriptionQuerySet
from .coverage import CoverageMixin

# A partner, or what it is called.
Contact = TypeVar("Contact", Partner, str)

# So many partners are shown to choose from; where there are more, the search finds them.
MOST_SHOWN = 25


def outcome_labels(bulk: BulkAssignment) -> dict[BulkOutcome, str]:
    """What the outcomes are called: what will be, and after Submit what was done."""
    labels = {outcome: str(outcome.label) for outcome in BulkOutcome}
    if bulk.is_submitted:
        labels[BulkOutcome.CHANGE] = _("Changed")
    return labels


def contact_after(outcome: str, before: Contact | None, contact: Contact | None) -> Contact | None:
    """Return what of ``before`` and ``contact`` a row has afterwards: what is refused stays as it is.

    None where neither is known to be so, as the contact changed in the meantime.
    """
    if outcome in (BulkOutcome.CHANGE, BulkOutcome.SAME):
        return contact
    return None if outcome == BulkOutcome.STALE else before


class BulkStartView(CoverageMixin, View):
    """**Assign**: keep the chosen subscriptions, or all that match the filter of the address."""

    permission_required = Permission.ASSIGN_SUPPORT_CONTACT
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        try:
            bulk = BulkAssignment.objects.start(*self.get_parts(), by=self.user)
        except ValidationError as error:
            for message in error.messages:
                messages.error(request, message)
            # The list shows what was chosen, and goes on from there.
            path = reverse("coverage:list", query=request.GET or None)
            return redirect(path, preserve_request=True)
        return redirect("coverage:contact", bulk.pk)

    def get_parts(self) -> list[SubscriptionQuerySet]:
        if "all" in self.request.POST:
            return super().get_parts()
        self.require_few_chosen()
        return [Subscription.objects.filter(pk__in=self.chosen)]


class BulkFileView(PortalView, FormView):
    """The same from a table, as CSV or XLSX, which names the contact of each subscription."""

    takes_files = True
    permission_required = Permission.ASSIGN_SUPPORT_CONTACT
    form_class = BulkFileForm
    template_name = "subscriptions/bulk_file.html"

    def form_valid(self, form: BulkFileForm) -> HttpResponse:
        try:
            bulk = BulkAssignment.objects.start_from_lines(
                form.lines, by=self.user, file_name=form.cleaned_data["file"].name
            )
        except ValidationError as error:
            form.add_error("file", error)
            return self.form_invalid(form)
        return redirect("coverage:bulk", bulk.pk)


class BulkMixin(ScopedView):
    """A page about one bulk assignment; it is 404 for everyone but who made it."""

    permission_required = Permission.ASSIGN_SUPPORT_CONTACT
    model = BulkAssignment

    def get_queryset(self) -> BulkAssignmentQuerySet:
        return super().get_queryset().select_related("contact", "partner")


class BulkContactView(BulkMixin, DetailView):
    """The choice of the contact for all rows; a search finds it among many."""

    template_name = "subscriptions/bulk_contact.html"
    context_object_name = "bulk"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.object = self.get_object()
        if self.object.is_submitted or self.object.file_name:
            return redirect("coverage:bulk", self.object.pk)
        return self.render_to_response(self.get_context_data())

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        query = self.request.GET.get("q", "").replace("\x00", "")[:200]
        found = partner_and_resellers(self.partner.pk)
        for word in words_of(query):
            found = found.filter(has_word("name_key", word) | Q(mpn_id__in=word))
        partners = list(found[: MOST_SHOWN + 1])
        return super().get_context_data(
            query=query,
            partners=partners[:MOST_SHOWN],
            has_more=len(partners) > MOST_SHOWN,
            count=self.object.rows.count(),
            **kwargs,
        )

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.object = self.get_object()
        form = BulkContactForm(request.POST, partner=self.partner)
        if form.is_valid():
            try:
                self.object.choose(form.cleaned_data["contact"], by=self.user)
            except ValidationError as error:
                form.add_error("contact", error)
            else:
                return redirect("coverage:bulk", self.object.pk)
        return self.render_to_response(self.get_context_data(form=form))


class BulkRowsMixin(FilteredView):
    """The rows of one bulk assignment, all or those of one outcome."""

    permission_required = Permission.ASSIGN_SUPPORT_CONTACT
    model = BulkAssignmentRow
    filter_form_class = OutcomeForm

    @cached_property
    def bulk(self) -> BulkAssignment:
        found = BulkAssignment.objects.visible_to(self.membership).select_related("contact")
        return get_object_or_404(found, pk=self.kwargs["pk"])

    @cached_property
    def counts(self) -> dict[BulkOutcome, int]:
        return self.bulk.counts

    @cached_property
    def labels(self) -> dict[BulkOutcome, str]:
        return outcome_labels(self.bulk)

    def get_filter_form_kwargs(self) -> dict[str, Any]:
        return {"counts": self.counts, "labels": self.labels}

    def filter_queryset(
        self, queryset: BulkAssignmentRowQuerySet, **filters: Any
    ) -> BulkAssignmentRowQuerySet:
        found, outcome = queryset.filter(bulk=self.bulk), filters["outcome"]
        return found.filter(outcome=outcome) if outcome else found


class BulkDetailView(BulkRowsMixin, ScopedListView):
    """The preview, row by row, with **Submit**; afterwards the result."""

    template_name = "subscriptions/bulk_detail.html"
    paginate_by = 50
    sorts = {"row": SortOrder("pk")}

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if BulkOutcome.WAITING in self.counts and not self.bulk.file_name:
            return redirect("coverage:contact", self.bulk.pk)
        return super().get(request, *args, **kwargs)

    def filter_queryset(
        self, queryset: BulkAssignmentRowQuerySet, **filters: Any
    ) -> BulkAssignmentRowQuerySet:
        return super().filter_queryset(queryset, **filters).with_parties()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(
            bulk=self.bulk,
            counts=[(self.labels[one], one.value, count) for one, count in self.counts.items()],
            to_change=self.counts.get(BulkOutcome.CHANGE, 0),
            refused=sum(count for one, count in self.counts.items() if one.is_refusal),
            **kwargs,
        )
        for row in context["object_list"]:
            row.label = self.labels[BulkOutcome(row.outcome)]
            row.after = contact_after(row.outcome, row.before, row.contact)
        return context


class BulkExportView(BulkRowsMixin, ExportView):
    """The rows of the preview or the result, as a CSV file."""

    filename = "assignment"

    def get_header(self) -> list[str]:
        return [
            _("Line"),
            _("Subscription ID"),
            _("Subscription"),
            _("Customer"),
            _("Before"),
            _("After"),
            _("MPN ID of the contact"),
            _("Outcome"),
            _("As in the file"),
        ]

    def get_rows(self, queryset: BulkAssignmentRowQuerySet) -> Iterator[list[str]]:
        rows = queryset.order_by("pk").values_list(
            "line",
            "subscription_id",
            "subscription__friendly_name",
            "subscription__customer__name",
            "before__name",
            "contact__name",
            "contact__mpn_id",
            "outcome",
            "given",
        )
        for line, key, *names, before, contact, mpn_id, outcome, given in rows.iterator(
            chunk_size=500
        ):
            yield [
                str(line or ""),
                str(key or ""),
                *(text or "" for text in names),
                before or "",
                contact_after(outcome, before, contact) or "",
                mpn_id or "",
                str(self.labels[BulkOutcome(outcome)]),
                given,
            ]


class BulkSubmitView(BulkMixin, SingleObjectMixin, StreamedActView):
    """**Submit**: do it, and show how far it is while it runs, and then how it ended.

    The one transaction is around all pieces of the page: where nobody reads on, nothing was done.
    """

    template_name = "subscriptions/bulk_running.html"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.object = self.get_object()
        if self.object.is_submitted:
            return redirect(self.get_result_url())
        return self.stream(bulk=self.object)

    def get_result_url(self) -> str:
        return reverse("coverage:bulk", args=[self.object.pk])

    def get_steps(self) -> Generator[tuple[str, int, int], None, None]:
        for phase, done, total in self.object.submitting(by=self.user):
            yield phase.sentence(done, total), done, total

    def is_done(self) -> bool:
        return BulkAssignment.objects.get(pk=self.object.pk).is_submitted
