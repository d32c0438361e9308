"""Django admin of the activity log."""

from django.contrib import admin

from portal.admin_base import ReadOnlyAdmin
from portal.models import ActivityEntry, ActivityReader, Actor, Notice


@admin.register(ActivityEntry)
class ActivityEntryAdmin(ReadOnlyAdmin):
    fields = (
        "at",
        "actor",
        "action",
        "customer",
        "partners_concerned",
        "subject",
        "before",
        "after",
        "reason",
        "address",
    )
    readonly_fields = ("partners_concerned",)
    list_display = ("at", "action", "subject", "customer", "actor")
    list_filter = ("action",)
    list_select_related = ("customer", "actor")
    search_fields = ("subject",)
    date_hierarchy = "at"

    @admin.display(description=ActivityEntry._meta.get_field("partners").verbose_name)
    def partners_concerned(self, entry: ActivityEntry) -> str:
        return ", ".join(str(partner) for partner in entry.partners.all()) or "–"


@admin.register(Actor)
class ActorAdmin(ReadOnlyAdmin):
    list_display = ("name", "email", "organisation", "is_operator", "at", "as_of_update")
    list_filter = ("is_operator", "as_of_update", ("erased_at", admin.EmptyFieldListFilter))
    search_fields = ("name", "email", "organisation")


@admin.register(ActivityReader)
class ActivityReaderAdmin(ReadOnlyAdmin):
    list_display = ("at", "action", "partner", "customer")
    list_filter = ("action",)
    list_select_related = ("partner", "customer")
    search_fields = ("partner__name_key",)


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    """What each act told to whom (C11)."""

    list_display = ("at", "action", "partner", "customer", "gained", "lost")
    list_filter = ("action",)
    list_select_related = ("partner", "customer")
    search_fields = ("partner__name_key", "customer__name_key")
    date_hierarchy = "at"
