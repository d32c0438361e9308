from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from portal.admin_base import PortalAdmin
from portal.admin_filters import OutOfFormFilter
from portal.models import Action

from .models import Customer, SharedDomain


@admin.register(Customer)
class CustomerAdmin(PortalAdmin):
    added_action = Action.CUSTOMER_ADDED
    list_display = ("name", "domain", "domain_proved_how", "country", "created_at")
    list_filter = (("domain_proved_at", admin.EmptyFieldListFilter), OutOfFormFilter.of("domain"))
    search_fields = ("name_key", "domain")
    readonly_fields = (
        "domain_proved_at",
        "domain_proved_how",
        "agreement_accepted_at",
        "partners_reviewed_at",
        "created_at",
    )
    actions = ("confirm_domain", "free_domain")

    def save_model(self, request, obj, form, change):
        if change:
            obj.change(form.changed_data, by=request.user)
        else:
            super().save_model(request, obj, form, change)

    @admin.action(description=_("Confirm the domain: it is the customer's own"))
    def confirm_domain(self, request, queryset):
        self.act(request, queryset, "confirm_domain", _("The domain of %(row)s is proved."))

    @admin.action(description=_("Free the domain: take its proof back"))
    def free_domain(self, request, queryset):
        self.act(request, queryset, "free_domain", _("The domain of %(row)s is proved no more."))


@admin.register(SharedDomain)
class SharedDomainAdmin(PortalAdmin):
    added_action = Action.SHARED_DOMAIN_SET
    changed_action = Action.SHARED_DOMAIN_SET
    fixed_fields = ("domain",)
    list_display = ("domain", "is_shared")
    list_filter = ("is_shared",)
    search_fields = ("domain",)
