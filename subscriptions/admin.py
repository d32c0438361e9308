from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from portal.admin_base import PortalAdmin, ReadOnlyAdmin
from portal.forms import PortalModelForm
from portal.models import Action
from portal.signed_in import user_of

from .models import (
    BulkAssignment,
    BulkAssignmentRow,
    Offer,
    Subscription,
    SupportContactAssignment,
)


class OfferForm(PortalModelForm):
    def clean(self) -> dict[str, Any]:
        super().clean()
        cleaned = self.cleaned_data
        bases = cleaned.get("base_offers")
        if cleaned.get("is_add_on") and not bases:
            self.add_error("base_offers", _("Choose the offers that this add-on goes with."))
        if bases and not cleaned.get("is_add_on"):
            self.add_error("base_offers", _("Only an add-on has base offers."))
        if bases and self.instance in bases:
            self.add_error("base_offers", _("An offer can't be its own base."))
        return cleaned


@admin.register(Offer)
class OfferAdmin(PortalAdmin):
    form = OfferForm
    added_action = Action.OFFER_ADDED
    changed_action = Action.OFFER_CHANGED
    list_display = (
        "name",
        "publisher",
        "category",
        "billing",
        "is_add_on",
        "is_trial",
        "is_active",
    )
    list_filter = ("is_active", "publisher", "category", "billing", "is_add_on", "is_trial")
    search_fields = ("name_key", "publisher")
    autocomplete_fields = ("base_offers",)


@admin.register(Subscription)
class SubscriptionAdmin(PortalAdmin):
    list_display = ("friendly_name", "customer", "status", "seller", "support_contact")
    list_select_related = ("customer", "seller", "support_contact")
    list_filter = ("status",)
    search_fields = ("name_key", "customer__name_key", "customer__domain")
    autocomplete_fields = ("customer", "offer", "seller", "reseller_of_record")
    fixed_fields = ("customer", "offer", "seller")
    readonly_fields = (
        "status",
        "suspended_at",
        "support_contact",
        "contact_changed_at",
        "created_at",
    )

    def save_model(self, request: HttpRequest, obj: Subscription, form: Any, change: bool) -> None:
        if change:
            obj.change(form.changed_data, by=user_of(request))
        else:
            obj.pk = Subscription.objects.add(by=user_of(request), **form.cleaned_data).pk


@admin.register(SupportContactAssignment)
class SupportContactAssignmentAdmin(ReadOnlyAdmin):
    list_display = ("subscription", "partner", "started_at", "ended_at", "changed_by", "reason")
    list_select_related = ("subscription", "partner", "changed_by")
    list_filter = ("reason", ("ended_at", admin.EmptyFieldListFilter))
    search_fields = ("subscription__name_key", "partner__name_key")


@admin.register(BulkAssignment)
class BulkAssignmentAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "created_by", "partner", "contact", "file_name", "submitted_at")
    list_select_related = ("created_by", "partner", "contact")
    list_filter = (("submitted_at", admin.EmptyFieldListFilter),)
    search_fields = ("created_by__email", "partner__name_key", "file_name")


@admin.register(BulkAssignmentRow)
class BulkAssignmentRowAdmin(ReadOnlyAdmin):
    list_display = ("subscription", "before", "contact", "outcome", "line")
    list_select_related = ("subscription", "before", "contact")
    list_filter = ("outcome",)
    search_fields = ("subscription__name_key", "given")
