from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from portal.phone_fields import unreadable_phones


class OutOfFormFilter(admin.SimpleListFilter):
    """Rows whose email or domain is, in its normal form, another row's: the update left them as they were.

    They are found by no other form of it until an operator changes one of the two (R14).
    """

    title = _("normal form")
    parameter_name = "form"
    field = ""

    @classmethod
    def of(cls, field: str) -> type:
        return type(cls.__name__, (cls,), {"field": field})

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("other", _("the same as another one"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() != "other":
            return queryset
        rows = queryset.model.objects.all()
        found = rows.model._meta.get_field(self.field).out_of_form(rows, self.field)
        keys = [pk for pk, _text, _form in found]
        return queryset.filter(pk__in=keys)


class UnreadablePhoneFilter(admin.SimpleListFilter):
    """Rows whose phone was stored before there was a form for it, and can't be read: nobody can dial it.

    The firm's people see it as it is; somebody has to enter the right one.
    """

    title = _("phone")
    parameter_name = "phone"
    field = ""

    @classmethod
    def of(cls, field: str) -> type:
        return type(cls.__name__, (cls,), {"field": field})

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("unreadable", _("can't be read"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() != "unreadable":
            return queryset
        return queryset.filter(unreadable_phones(self.field))
