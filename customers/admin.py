import uuid
from collections.abc import Sequence
from typing import Any, cast
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.formats import localize
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from portal.addresses import shown_domain
from portal.admin_base import Consequence, PortalAdmin
from portal.admin_filters import OutOfFormFilter, UnreadablePhoneFilter
from portal.models import Action, rows_above
from portal.signed_in import user_of

from .models import Customer, SharedDomain


@admin.register(Customer)
class CustomerAdmin(PortalAdmin):
    added_action = Action.CUSTOMER_ADDED
    list_display = ("name", "domain", "domain_proved_how", "country", "created_at")
    list_filter = (
        ("domain_proved_at", admin.EmptyFieldListFilter),
        OutOfFormFilter.of("domain"),
        UnreadablePhoneFilter.of("contact_phone"),
    )
    search_fields = ("name_key", "domain")
    readonly_fields = (
        "domain_proved_at",
        "domain_proved_how",
        "agreement_accepted_at",
        "partners_reviewed_at",
        "records_joined",
        "created_at",
    )
    actions = ("confirm_domain", "free_domain", "join")

    def save_model(self, request: HttpRequest, obj: Customer, form: Any, change: bool) -> None:
        if change:
            obj.change(form.changed_data, by=user_of(request))
        else:
            super().save_model(request, obj, form, change)

    @admin.action(description=_("Confirm the domain: it is the customer's own"))
    def confirm_domain(self, request: HttpRequest, queryset: QuerySet[Customer]) -> None:
        self.act(request, queryset, "confirm_domain", _("The domain of %(row)s is proved."))

    @admin.action(description=_("Free the domain: take its proof back"))
    def free_domain(
        self, request: HttpRequest, queryset: QuerySet[Customer]
    ) -> HttpResponseBase | None:
        return self.ask_and_act(
            request,
            queryset,
            "free_domain",
            _("The domain of %(row)s is proved no more."),
            question=lambda count: ngettext(
                "Free the domain of %(count)s customer?",
                "Free the domains of %(count)s customers?",
                count,
            ),
            button=_("Free the domain"),
            describe=self.describe_freeing,
        )

    @staticmethod
    def describe_freeing(customers: Sequence[Customer]) -> dict[uuid.UUID, Consequence]:
        """What the proof of the domain alone bound is for nobody of the customer any more (R14)."""
        requests = rows_above(Customer.requests).bound_by_domain()
        requests = requests.filter(customer__in=customers).order_by().values_list("customer")
        counts = dict(requests.annotate(Count("pk")))
        found = {}
        for customer in customers:
            if not customer.is_domain_proved:
                found[customer.pk] = Consequence(
                    [gettext("Its domain is not proved; nothing changes.")]
                )
                continue
            domain = {"domain": shown_domain(customer.domain)}
            sentences = [
                gettext("The domain %(domain)s binds nobody to this customer any more.") % domain
            ]
            if count := counts.get(customer.pk):
                sentence = ngettext(
                    "%(count)s open request to an address of the domain can no longer be answered by it.",
                    "%(count)s open requests to addresses of the domain can no longer be answered by it.",
                    count,
                )
                sentences.append(sentence % {"count": localize(count)})
            found[customer.pk] = Consequence(sentences)
        return found

    def get_queryset(self, request: HttpRequest) -> QuerySet[Customer]:
        """Of a firm's joined records the one that counts; the others are in no list and no choice."""
        return cast(Any, super().get_queryset(request)).living()

    @admin.display(description=_("joined records"))
    def records_joined(self, customer: Customer) -> str:
        return ", ".join(f"{one} ({one.pk})" for one in customer.joined_records.all()) or "–"

    @admin.action(description=_("Join two records of one firm…"))
    def join(
        self, request: HttpRequest, queryset: QuerySet[Customer]
    ) -> HttpResponseRedirect | None:
        keys = list(queryset.values_list("pk", flat=True)[:3])
        if len(keys) != 2:
            messages.error(request, _("Choose two records."))
            return None
        query = urlencode([("record", key) for key in keys])
        return HttpResponseRedirect(f"{reverse('admin:customers_customer_join')}?{query}")

    def get_urls(self) -> list[URLPattern]:
        join = self.admin_site.admin_view(self.join_view)
        return [path("join/", join, name="customers_customer_join"), *super().get_urls()]

    def join_view(self, request: HttpRequest) -> HttpResponseBase:
        """What moves from one record to the other, either way, and what speaks against it."""
        try:
            one, other = self.get_queryset(request).filter(pk__in=request.GET.getlist("record"))
        except (ValidationError, ValueError):
            messages.error(request, _("Choose two records."))
            return HttpResponseRedirect(reverse("admin:customers_customer_changelist"))
        ways = [(one, other), (other, one)]
        if request.method == "POST":
            for stays, joined in ways:
                if request.POST.get("stays") == str(stays.pk):
                    return self.join_records(request, stays, joined)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Join two records of one firm"),
            "directions": [self.describe_join(stays, joined) for stays, joined in ways],
        }
        return TemplateResponse(request, "admin/customers_join.html", context)

    @staticmethod
    def describe_join(stays: Customer, joined: Customer) -> dict[str, Any]:
        return {
            "stays": stays,
            "joined": joined,
            "people": joined.memberships.select_related("user").order_by("user__email"),
            "relationships": joined.relationships.active().select_related("partner"),
            "subscriptions": joined.subscriptions.count(),
            "requests": joined.requests.count(),
            "refusals": [
                message
                for refusal in stays.refusals_of_joining(joined)
                for message in refusal.messages
            ],
        }

    def join_records(
        self, request: HttpRequest, stays: Customer, joined: Customer
    ) -> HttpResponseBase:
        try:
            stays.join(joined, by=user_of(request))
        except ValidationError as error:
            return self.refuse(request, error)
        messages.success(request, _("%(row)s was joined.") % {"row": joined})
        return HttpResponseRedirect(reverse("admin:customers_customer_change", args=[stays.pk]))


@admin.register(SharedDomain)
class SharedDomainAdmin(PortalAdmin):
    added_action = Action.SHARED_DOMAIN_SET
    changed_action = Action.SHARED_DOMAIN_SET
    fixed_fields = ("domain",)
    list_display = ("domain", "is_shared")
    list_filter = ("is_shared",)
    search_fields = ("domain",)
