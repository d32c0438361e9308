from django.contrib import admin

from portal.admin import PortalAdmin
from portal.admin_filters import OutOfFormFilter
from portal.models import Action

from .models import Customer


@admin.register(Customer)
class CustomerAdmin(PortalAdmin):
    added_action = Action.CUSTOMER_ADDED
    list_display = ("name", "domain", "country", "created_at")
    search_fields = ("name_key", "domain")
    list_filter = (OutOfFormFilter.of("domain"),)
    readonly_fields = ("agreement_accepted_at", "created_at")

    def save_model(self, request, obj, form, change):
        if change:
            obj.change(form.changed_data, by=request.user)
        else:
            super().save_model(request, obj, form, change)
