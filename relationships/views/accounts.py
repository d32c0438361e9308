from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.formats import localize
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.generic import DetailView

from customers.forms import CustomerForm
from customers.models import Customer
from portal.answering import Answering
from portal.models import language_of
from portal.permissions import Permission
from portal.views import AskedActView, EditView, ScopedView
from relationships.models import Partnership, Relationship

from .concerned import lists_of


class CustomerAccountView(ScopedView, DetailView):
    """A customer's details, the partners that the user may see, DAP, and the end of the relationship."""

    permission_required = Permission.VIEW_CUSTOMERS
    model = Customer
    pk_url_kwarg = "customer_id"
    template_name = "relationships/customer_account.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        partner = self.partner
        active = Relationship.objects.active()
        own = get_object_or_404(active, partner=partner, customer=self.object)
        partnerships = Partnership.objects.active()
        known = self.object.relationships.active().filter(
            Q(partner__in=partnerships.filter(provider=partner).values("reseller"))
            | Q(partner__in=partnerships.filter(reseller=partner).values("provider"))
        )
        return super().get_context_data(
            relationship=own,
            others=known.select_related("partner").order_by("partner__name_key"),
            blocking=self.object.subscriptions.sold_by(partner).active().with_parties(),
            **kwargs,
        )


class CustomerEditView(EditView):
    """Name, address and contact person of a customer, as its partners edit them."""

    permission_required = Permission.EDIT_CUSTOMERS
    model = Customer
    pk_url_kwarg = "customer_id"
    form_class = CustomerForm
    template_name = "relationships/customer_form.html"
    done_message = gettext_lazy("The details were saved.")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        # As stored: what a refused form has typed stands in the form only.
        stored = self.get_stored()
        return super().get_context_data(**kwargs | {"customer": stored})

    def get_success_url(self) -> str:
        return reverse("account:detail", args=[self.object.pk])


class OwnRelationshipActView(AskedActView):
    """An act on the relationship of the user's partner with the customer of the path."""

    model = Relationship

    def get_object(self, queryset: QuerySet | None = None) -> Relationship:
        own = self.get_queryset().active().select_related("partner", "customer")
        return get_object_or_404(own, customer=self.kwargs["customer_id"])

    def get_success_url(self) -> str:
        return reverse("account:detail", args=[self.kwargs["customer_id"]])

    def get_crumbs(self, back: str) -> list[tuple[str, str]]:
        customer = self.object.customer
        return [
            (_("Customers"), reverse("customers:list")),
            (str(customer), reverse("subscriptions:list", args=[customer.pk])),
            (_("Account"), back),
        ]


class EndOfRightView(OwnRelationshipActView):
    """The base of what takes the partner a right at the customer: its support contacts fall back (C9)."""

    @cached_property
    def answering(self) -> Answering:
        return self.object.supported.visible_to(self.membership).weigh()

    def describe_question(self) -> dict[str, Any]:
        return super().describe_question() | lists_of(
            self.user,
            self.answering.count,
            "coverage:relationship",
            "coverage:relationship_export",
            self.object.pk,
        )

    def get_consequences(self) -> list[str]:
        partner = self.partner
        return [self.answering.in_words(partner, partner, of_customers=False)]


class GiveUpDapView(EndOfRightView):
    permission_required = Permission.REQUEST_DAP
    button = gettext_lazy("Give up delegated admin")
    done_message = gettext_lazy("Your company gave up its delegated admin privileges.")

    def get_question(self) -> str:
        return _("Give up delegated admin for %(customer)s?") % {"customer": self.object.customer}

    def get_refusal(self) -> str:
        if self.object.has_dap:
            return ""
        return _("Your company has no delegated admin privileges for this customer.")

    def get_consequences(self) -> list[str]:
        sentences = [
            _(
                "Your company can no longer administer the customer's products. You get the privileges"
                " back only when the customer accepts a new request."
            ),
            *super().get_consequences(),
        ]
        found = self.object.customer.subscriptions.visible_to(self.membership)
        count = found.filter(seller=None).exclude(reseller_of_record=self.object.partner).count()
        if count:
            sentence = ngettext(
                "%(count)s subscription that was bought elsewhere leaves your lists.",
                "%(count)s subscriptions that were bought elsewhere leave your lists.",
                count,
            )
            sentences.append(sentence % {"count": localize(count)})
        return sentences

    def act(self) -> None:
        self.object.remove_dap(by=self.user)


class SuspendBlockingView(OwnRelationshipActView):
    """Suspend one or all of the active subscriptions that stand against removing the relationship (R9).

    The page of the account sends the chosen ones with ``ask``, as an address may be too short for them.
    """

    permission_required = Permission.MANAGE_SUBSCRIPTIONS
    # So many the question names.
    MOST_NAMED = 50

    @property
    def asked(self) -> QueryDict:
        return self.request.POST or self.request.GET

    @property
    def is_all(self) -> bool:
        if self.request.method != "POST":
            return "subscription" not in self.asked
        return "all" in self.asked or self.asked.get("ask") == "all"

    @cached_property
    def chosen(self) -> list:
        """The chosen subscriptions, in the order of locks (ADR 0003)."""
        blocking = self.object.customer.subscriptions.sold_by(self.object.partner).active()
        if not self.is_all:
            try:
                blocking = blocking.filter(pk__in=self.asked.getlist("subscription"))
            except ValidationError:
                blocking = blocking.none()
        return list(blocking.order_by("pk"))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if "ask" not in request.POST:
            return super().post(request, *args, **kwargs)
        self.object = self.get_object()
        return self.ask()

    @property
    def button(self) -> str:  # type: ignore[override]  # it says how many are chosen
        return _("Suspend all") if self.is_all else _("Suspend the chosen ones")

    def get_question(self) -> str:
        if not self.chosen:
            return _("Suspend subscriptions of %(customer)s?") % {"customer": self.object.customer}
        sentence = ngettext(
            "Suspend %(count)s subscription of %(customer)s?",
            "Suspend %(count)s subscriptions of %(customer)s?",
            len(self.chosen),
        )
        return sentence % {"count": localize(len(self.chosen)), "customer": self.object.customer}

    def get_refusal(self) -> str:
        return "" if self.chosen else _("Choose a subscription of the list.")

    def get_consequences(self) -> list[str]:
        return [
            _(
                "The customer can't use them until they are reactivated. That is possible for 90 days."
            )
        ]

    def describe_question(self) -> dict[str, Any]:
        names = sorted((str(one) for one in self.chosen), key=str.casefold)
        hidden = (
            [("all", "1")] if self.is_all else [("subscription", one.pk) for one in self.chosen]
        )
        return super().describe_question() | {
            "named": names[: self.MOST_NAMED],
            "more": max(len(names) - self.MOST_NAMED, 0),
            "hidden": hidden,
            **lists_of(
                self.user,
                len(names),
                "subscriptions:list",
                "subscriptions:export",
                self.object.customer_id,
                query="?status=active",
            ),
        }

    @transaction.atomic
    def act(self) -> None:
        if not self.chosen:
            raise ValidationError(_("Choose a subscription of the list."))
        for subscription in self.chosen:
            subscription.suspend(by=self.user)
        messages.success(
            self.request,
            ngettext(
                "%(count)s subscription was suspended.",
                "%(count)s subscriptions were suspended.",
                len(self.chosen),
            )
            % {"count": localize(len(self.chosen))},
        )


class RelationshipRemoveView(EndOfRightView):
    permission_required = Permission.REMOVE_RELATIONSHIP
    button = gettext_lazy("Remove the relationship")
    done_message = gettext_lazy("The relationship was removed.")

    def get_question(self) -> str:
        return _("Remove the relationship with %(customer)s?") % {"customer": self.object.customer}

    def get_refusal(self) -> str:
        try:
            self.object.require_removable()
        except ValidationError as error:
            return error.messages[0]
        return ""

    def get_consequences(self) -> list[str]:
        sentences = [
            *super().get_consequences(),
            _(
                "The customer leaves your list, delegated admin privileges end, and your company can no"
                " longer sell to it or be its support contact. What happened stays readable in the activity"
                " log."
            ),
        ]
        asked = self.object.customer.requests.naming(self.object.partner, self.object.customer)
        count = asked.open().count()
        if count:
            sentence = ngettext(
                "%(count)s request of yours to the customer stays open until you withdraw it.",
                "%(count)s requests of yours to the customer stay open until you withdraw them.",
                count,
            )
            sentences.append(sentence % {"count": localize(count)})
        return sentences

    def act(self) -> None:
        self.object.end(by=self.user)

    def get_back(self) -> str:
        return super().get_success_url()

    def get_success_url(self) -> str:
        if self.object.ended_at is None:
            return super().get_success_url()
        return reverse("relationships:notice", args=[self.object.pk])


class EndedNoticeView(ScopedView, DetailView):
    """A notice to print for the customer, a letter in its language: the relationship was removed (R9)."""

    permission_required = Permission.REMOVE_RELATIONSHIP
    model = Relationship
    template_name = "relationships/ended_notice.html"

    def get_queryset(self) -> QuerySet[Relationship]:
        ended = super().get_queryset().exclude(ended_at=None)
        return ended.select_related("partner", "customer")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        customer = self.object.customer
        admin = customer.memberships.admins().exclude(language="").first()
        language = admin.language if admin else language_of(customer.country)
        return super().get_context_data(letter_language=language, **kwargs)
