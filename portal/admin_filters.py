from django.contrib import admin
from django.utils.translation import gettext_lazy as _


class OutOfFormFilter(admin.SimpleListFilter):
    """Rows whose email or domain is, in its normal form, another row's: the update left them as they were.

    They are found by no other form of it until an operator changes one of the two (R14).
    """

    title = _("normal form")
    parameter_name = "form"
    field = ""

    @classmethod
    def of(cls, field):
        return type(cls.__name__, (cls,), {"field": field})

    def lookups(self, request, model_admin):
        return [("other", _("the same as another one"))]

    def queryset(self, request, queryset):
        if self.value() != "other":
            return queryset
        rows = queryset.model.objects.all()
        found = rows.model._meta.get_field(self.field).out_of_form(rows, self.field)
        keys = [pk for pk, _text, _form in found]
        return queryset.filter(pk__in=keys)
