from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import FormView, UpdateView

from customers.models import Customer
from lists.keyset import SortOrder
from portal import links
from portal.addresses import shown_email
from portal.models import User
from portal.models.mails import MOST_OF_ONE_USER, MOST_TO_ONE_ADDRESS
from portal.permissions import Permission
from portal.views import ActView, AskedActView, CompiledListView, PortalView, ScopedView
from portal.zones import day_writer, moment_for, written_until
from relationships.forms import (
    AskForm,
    DraftForm,
    DraftLanguageForm,
    RequestFilterForm,
    RequestForm,
)
from relationships.models import (
    RelationshipRequest,
    RequestKind,
    RequestsOfPartner,
    RequestStatus,
)


class RequestListView(CompiledListView):
    """The requests that the partner made, newest first (R5)."""

    permission_required = Permission.VIEW_CUSTOMERS
    model = RelationshipRequest
    sorts = {
        "created": SortOrder("created_at", is_descending=True),
        "firm": SortOrder("recipient_key"),
    }
    columns = (
        "pk",
        "recipient_name",
        "recipient_key",
        "recipient_email",
        "kind",
        "provider__name",
        "with_dap",
        "status",
        "decline_reason",
        "created_at",
        "created_by__name",
        "created_by__email",
        "expires_at",
        "answered_at",
        "answered_by__name",
        "answered_by__email",
        "customer__name",
        "reseller__name",
    )

    filter_form_class = RequestFilterForm
    list_query_class = RequestsOfPartner

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        day = day_writer(self.user)
        kinds = {kind.value: str(kind.label) for kind in RequestKind}
        context["rows"] = [
            (
                str(row.pk),
                row.recipient_name,
                shown_email(row.recipient_email),
                kinds[row.kind],
                row.provider__name,
                row.kind == RequestKind.CUSTOMER,
                row.with_dap,
                RequestStatus.at_present(row.status, row.expires_at),
                row.decline_reason,
                day(row.created_at),
                row.created_by__name or shown_email(row.created_by__email),
                written_until(row.expires_at),
                row.answered_at and day(row.answered_at),
                *self.answer_of(row),
            )
            for row in context["object_list"]
        ]
        return context

    @staticmethod
    def answer_of(row: Any) -> tuple[str | None, str | None]:
        """Who answered, and for which organisation, where one did: until then nothing is told (T1)."""
        if row.status not in (RequestStatus.ACCEPTED, RequestStatus.DECLINED):
            return None, None
        person = row.answered_by__name or row.answered_by__email
        return person, row.customer__name or row.reseller__name


class AskView(PortalView, FormView):
    """The base of the pages that create a request, and lead on to the draft of the mail (R4)."""

    permission_required = Permission.REQUEST_RELATIONSHIP

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "user": self.user}

    def form_valid(self, form: AskForm) -> HttpResponse:
        made = form.asked()
        if made is None:
            return self.form_invalid(form)
        return redirect("relationships:request", made.pk)


class RequestCreateView(AskView):
    """Ask a customer for a relationship (R3)."""

    form_class = RequestForm
    template_name = "relationships/request_form.html"

    @cached_property
    def customer(self) -> Customer | None:
        """The partner's own customer that the request is for (R7), if one is named."""
        key = self.request.GET.get("customer")
        if not key:
            return None
        try:
            return get_object_or_404(Customer.objects.visible_to(self.membership), pk=key)
        except ValidationError:
            return get_object_or_404(Customer.objects.none())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if "with_dap" in request.POST:
            self.require(Permission.REQUEST_DAP)
        return super().post(request, *args, **kwargs)

    def get_initial(self) -> dict[str, Any]:
        given = {"recipient_name": "name", "recipient_email": "email"}
        return {
            field: self.request.GET[name][:200]
            for field, name in given.items()
            if name in self.request.GET
        }

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "customer": self.customer}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(customer=self.customer, **kwargs)


def sentence_on_sending(due_at: datetime | None, user: User) -> str:
    """What the sender reads: the mail is on its way, or waits until ``due_at`` (R4)."""
    if due_at is None:
        return _("The request is on its way to its recipient.")
    sentence = _(
        "The portal sends the request on %(when)s: in 24 hours at most %(address)d mails go to one "
        "address, and at most %(user)d for one user."
    )
    return sentence % {
        "when": moment_for(user, due_at),
        "address": MOST_TO_ONE_ADDRESS,
        "user": MOST_OF_ONE_USER,
    }


class RequestDetailView(ScopedView, UpdateView):
    """One request; while it is open, with the draft of the mail, to edit, copy and send (R4)."""

    permission_required = Permission.VIEW_CUSTOMERS
    model = RelationshipRequest
    form_class = DraftForm
    template_name = "relationships/request_detail.html"

    def get_queryset(self) -> QuerySet[RelationshipRequest]:
        return (
            super()
            .get_queryset()
            .select_related(
                "partner", "provider", "customer", "reseller", "created_by", "answered_by"
            )
        )

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        # As stored: what a refused form has typed stands in the form only.
        made = self.get_stored()
        message = made.message(self.link)
        mailto, has_text = links.mailto(made.recipient_email, made.subject, message)
        kwargs.setdefault("language_form", DraftLanguageForm(instance=made))
        return super().get_context_data(
            may_change=self.user.has_perm(made.permission_needed),
            link=self.link,
            message=message,
            last_mail=made.last_mail,
            mailto=mailto,
            mailto_has_text=has_text,
            **kwargs,
        )

    @property
    def link(self) -> str:
        return links.absolute(self.object.path)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if "anew" not in request.POST:
            return super().post(request, *args, **kwargs)
        self.object = self.get_object()
        self.require(self.object.permission_needed)
        form = DraftLanguageForm(request.POST, instance=self.get_object())
        if not form.is_valid():
            return self.render_to_response(
                self.get_context_data(form=DraftForm(instance=self.object), language_form=form)
            )
        try:
            self.object.draft_anew(form.cleaned_data["language"], by=self.user)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        else:
            messages.success(request, _("The text was written anew."))
        return redirect("relationships:request", self.object.pk)

    def form_valid(self, form: ModelForm) -> HttpResponse:
        made = self.object
        self.require(made.permission_needed)
        try:
            made.edit(form.cleaned_data["subject"], form.cleaned_data["text"], by=self.user)
            if "send" in self.request.POST:
                due_at = made.send(self.link, by=self.user)
                messages.success(self.request, sentence_on_sending(due_at, self.user))
            else:
                messages.success(self.request, _("The text was saved."))
        except ValidationError as error:
            form.add_error(None, error)
            return self.form_invalid(form)
        return redirect("relationships:request", made.pk)


class RequestActView(ActView):
    permission_required = Permission.VIEW_CUSTOMERS
    model = RelationshipRequest

    def get_success_url(self) -> str:
        return reverse("relationships:request", args=[self.object.pk])


class RequestRenewView(RequestActView):
    done_message = gettext_lazy("There is a new link now. The old one no longer works.")

    def act(self) -> None:
        self.require(self.object.permission_needed)
        try:
            self.object.renew(by=self.user)
        except ValidationError as error:
            if error.code == "open":
                # Which one that is, its page shows.
                self.object = (error.params or {})["request"]
            raise


class RequestWithdrawView(RequestActView, AskedActView):
    button = gettext_lazy("Withdraw")
    done_message = gettext_lazy("The request was withdrawn.")

    def ask(self) -> HttpResponse:
        self.require(self.object.permission_needed)
        return super().ask()

    def get_question(self) -> str:
        return _("Withdraw the request to %(name)s?") % {"name": self.object.recipient_name}

    def get_refusal(self) -> str:
        try:
            self.object.require_withdrawable()
        except ValidationError as error:
            return error.messages[0]
        return ""

    def get_consequences(self) -> list[str]:
        sentences = [
            _(
                "The personal link that was made for %(email)s stops working and says that the request was"
                " withdrawn."
            )
            % {"email": self.object.shown_email}
        ]
        if self.object.last_mail and self.object.last_mail.is_waiting:
            sentences.append(_("Its mail waits to be sent, and is not sent then."))
        return sentences

    def get_crumbs(self, back: str) -> list[tuple[str, str]]:
        return [
            (_("Relationship requests"), reverse("relationships:requests")),
            (self.object.recipient_name, back),
        ]

    def act(self) -> None:
        self.require(self.object.permission_needed)
        self.object.withdraw(by=self.user)
