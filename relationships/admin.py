from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from portal.admin_base import PortalAdmin, ReadOnlyAdmin
from portal.signed_in import user_of

from . import admin_consequences
from .models import Partnership, RegionCountry, Relationship, RelationshipRequest, SalesRegion


@admin.register(Partnership)
class PartnershipAdmin(PortalAdmin):
    list_display = ("provider", "reseller", "started_at", "ended_at")
    list_select_related = ("provider", "reseller")
    list_filter = (("ended_at", admin.EmptyFieldListFilter),)
    search_fields = ("provider__name_key", "reseller__name_key")
    autocomplete_fields = ("provider", "reseller")
    fixed_fields = ("provider", "reseller")
    readonly_fields = ("started_at", "ended_at")
    actions = ("end",)

    def save_model(self, request: HttpRequest, obj: Partnership, form: Any, change: bool) -> None:
        if not change:
            started = Partnership.objects.start(obj.provider, obj.reseller, by=user_of(request))
            obj.pk = started.pk

    @admin.action(description=_("End the partnership"))
    def end(self, request: HttpRequest, queryset: QuerySet[Partnership]) -> HttpResponse | None:
        return self.ask_and_act(
            request,
            queryset,
            "end",
            _("%(row)s was ended."),
            question=lambda count: ngettext(
                "End %(count)s partnership?", "End %(count)s partnerships?", count
            ),
            button=_("End the partnership"),
            describe=admin_consequences.of_ending_partnerships,
        )


@admin.register(Relationship)
class RelationshipAdmin(PortalAdmin):
    list_display = ("partner", "customer", "has_dap", "started_at", "ended_at")
    list_select_related = ("partner", "customer")
    list_filter = ("has_dap", ("ended_at", admin.EmptyFieldListFilter))
    search_fields = ("partner__name_key", "customer__name_key")
    autocomplete_fields = ("partner", "customer")
    fixed_fields = ("partner", "customer", "has_dap")
    readonly_fields = ("dap_removed_at", "started_at", "ended_at")
    actions = ("remove_dap", "end")

    def save_model(self, request: HttpRequest, obj: Relationship, form: Any, change: bool) -> None:
        if not change:
            started = Relationship.objects.start(
                obj.partner, obj.customer, has_dap=obj.has_dap, by=user_of(request)
            )
            obj.pk = started.pk

    @admin.action(description=_("Remove delegated admin privileges"))
    def remove_dap(
        self, request: HttpRequest, queryset: QuerySet[Relationship]
    ) -> HttpResponse | None:
        return self.ask_and_act(
            request,
            queryset,
            "remove_dap",
            _("%(row)s: delegated admin privileges were removed."),
            question=lambda count: ngettext(
                "Remove the delegated admin privileges of %(count)s relationship?",
                "Remove the delegated admin privileges of %(count)s relationships?",
                count,
            ),
            button=_("Remove delegated admin"),
            describe=admin_consequences.of_removing_dap,
        )

    @admin.action(description=_("Remove the relationship"))
    def end(self, request: HttpRequest, queryset: QuerySet[Relationship]) -> HttpResponse | None:
        return self.ask_and_act(
            request,
            queryset,
            "end",
            _("%(row)s was ended."),
            question=lambda count: ngettext(
                "Remove %(count)s relationship?", "Remove %(count)s relationships?", count
            ),
            button=_("Remove the relationship"),
            describe=admin_consequences.of_removing_relationships,
        )


class RegionsAdmin(PortalAdmin):
    """The base for the operator's table of countries to sales regions: what is edited there is logged."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return admin.ModelAdmin.has_delete_permission(self, request, obj)

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.edit(super().changelist_view, request, *args, **kwargs)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.edit(super().changeform_view, request, *args, **kwargs)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.edit(super().delete_view, request, *args, **kwargs)

    def edit(
        self, view: Callable[..., HttpResponse], request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if request.method != "POST":
            return view(request, *args, **kwargs)
        try:
            with SalesRegion.objects.edited(by=user_of(request)):
                return view(request, *args, **kwargs)
        except ValidationError as error:
            return self.refuse(request, error)

    def save_model(
        self,
        request: HttpRequest,
        obj: SalesRegion | RegionCountry,
        form: Any,
        change: bool,
    ) -> None:
        admin.ModelAdmin.save_model(self, request, obj, form, change)


class RegionCountryInline(admin.TabularInline):
    model = RegionCountry
    extra = 3


@admin.register(SalesRegion)
class SalesRegionAdmin(RegionsAdmin):
    """The operator's table of countries to sales regions (R11)."""

    inlines = (RegionCountryInline,)
    list_display = ("name",)
    search_fields = ("name",)


@admin.register(RegionCountry)
class RegionCountryAdmin(RegionsAdmin):
    list_display = ("country", "region")
    list_filter = ("region",)
    list_select_related = ("region",)


@admin.register(RelationshipRequest)
class RelationshipRequestAdmin(ReadOnlyAdmin):
    list_display = ("recipient_name", "kind", "partner", "status", "created_at", "expires_at")
    list_select_related = ("partner",)
    list_filter = ("kind", "status")
    search_fields = ("recipient_name", "recipient_email", "partner__name_key")
