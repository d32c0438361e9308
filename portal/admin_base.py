"""The base that Django admin of every app uses."""

import functools
import operator
from collections.abc import Callable
from typing import Any, NamedTuple, Self
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.contrib.admin.views.main import ERROR_FLAG
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import ValidationError
from django.db import DataError, models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.formats import localize
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from lists.expressions import has_word
from portal.forms import PortalModelForm
from portal.models import Action, Partner, describe
from portal.signed_in import user_of
from portal.text import words_of


class Consequence(NamedTuple):
    """What follows for one row: sentences, and the address of the list of what is concerned, if any."""

    sentences: list[str]
    list_url: str = ""

    @classmethod
    def for_contact(cls, sentences: list[str], contact: Partner, **filters: models.Model) -> Self:
        """With the list of the subscriptions of ``contact``, of those that ``filters`` name."""
        wanted = {"support_contact": contact, **filters}
        query = urlencode({f"{name}__id__exact": row.pk for name, row in wanted.items()})
        return cls(sentences, f"{reverse('admin:subscriptions_subscription_changelist')}?{query}")


def distinct_name(row: models.Model) -> str:
    """How a choice names ``row``: with what tells it from others of its name, where it has that."""
    return getattr(row, "distinct_name", None) or str(row)


class RowsView(AutocompleteJsonView):
    """The rows that match what an operator types into a choice."""

    def serialize_result(self, obj: models.Model, to_field_name: str) -> dict[str, str]:
        return super().serialize_result(obj, to_field_name) | {"text": distinct_name(obj)}


class RowField(forms.ModelChoiceField):
    def label_from_instance(self, obj: models.Model) -> str:
        return distinct_name(obj)


class RowsField(forms.ModelMultipleChoiceField):
    label_from_instance = RowField.label_from_instance


class RowSelect(AutocompleteSelect):
    """Draws a posted key that is none without a chosen row; the field says what is wrong."""

    def optgroups(self, name: str, value: Any, attr: Any = None) -> list:
        try:
            return super().optgroups(name, value, attr)
        except ValidationError:
            return super().optgroups(name, [], attr)


class ForgivingAdmin(admin.ModelAdmin):
    """Takes an address that was typed or cut short for one that names nothing, not for an error."""

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Any:
        if "\x00" in object_id:  # which PostgreSQL takes in no text, so also in no key that is one
            return None
        return super().get_object(request, object_id, from_field or None)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, str | list[str]]:
        initial = super().get_changeform_initial_data(request)
        for field in self.opts.many_to_many:
            try:
                for key in initial.get(field.name, []):
                    field.target_field.to_python(key)
            except ValidationError:
                del initial[field.name]
        return initial


class PortalAdmin(ForgivingAdmin):
    """The rules hold in Django admin too.

    Nothing of the business is deleted. What is added or changed stands in the activity log. Where the
    model refuses an act while saving, the operator reads why and nothing is written.
    """

    form: type[forms.ModelForm] = PortalModelForm
    # What the log calls it where the row is saved without a door.
    added_action: Action
    changed_action: Action
    fixed_fields: tuple[str, ...] = ()  # can be set when adding, not afterwards

    # What operators don't read. The address of a list could tell by what it finds.
    hidden_fields: tuple[str, ...] = ()

    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet, search_term: str
    ) -> tuple[models.QuerySet, bool]:
        if not any(name.endswith("name_key") for name in self.search_fields):
            return super().get_search_results(request, queryset, search_term)
        for word in words_of(search_term, with_addresses=True):
            somewhere = (has_word(name, word, "icontains") for name in self.search_fields)
            queryset = queryset.filter(functools.reduce(operator.or_, somewhere))
        return queryset, False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        if lookup.partition("__")[0] in self.hidden_fields:
            return False
        if lookup.endswith(("__regex", "__iregex")):
            return False  # a pattern can be none, and can take the database for as long as it wants
        return super().lookup_allowed(lookup, value, request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        fixed = self.fixed_fields if obj else ()
        return (*super().get_readonly_fields(request, obj), *fixed)

    def formfield_for_foreignkey(
        self, db_field: models.ForeignKey, request: HttpRequest, **kwargs: Any
    ) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs["widget"] = RowSelect(db_field, self.admin_site, using=kwargs.get("using"))
        return super().formfield_for_foreignkey(
            db_field, request, **{"form_class": RowField, **kwargs}
        )

    def formfield_for_manytomany(
        self, db_field: models.ManyToManyField, request: HttpRequest, **kwargs: Any
    ) -> Any:
        return super().formfield_for_manytomany(
            db_field, request, **{"form_class": RowsField, **kwargs}
        )

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().changelist_view(request, *args, **kwargs)
        except ValidationError as error:
            return self.refuse(request, error)
        except (DataError, OverflowError, ValueError):
            # A filter of the address that no row can be compared with, which Django takes for a fault.
            if request.method != "GET" or ERROR_FLAG in request.GET:
                raise
            return HttpResponseRedirect(f"{request.path}?{ERROR_FLAG}=1")

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().changeform_view(request, *args, **kwargs)
        except ValidationError as error:
            return self.refuse(request, error)

    def refuse(self, request: HttpRequest, error: ValidationError) -> HttpResponse:
        for message in error.messages:
            messages.error(request, message)
        return HttpResponseRedirect(request.get_full_path())

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save the row without a door. One that has a door for it calls that instead, which logs."""
        stored = self.model._base_manager.select_for_update(no_key=True)
        form.logged = [name for name in form.changed_data if "password" not in name]
        form.before = describe(stored.get(pk=obj.pk), form.logged) if change else {}
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        before = getattr(form, "before", {})
        after = describe(form.instance, getattr(form, "logged", ()))
        if change:
            # What was typed in another form, and is kept as it was, did not change.
            after = {name: value for name, value in after.items() if value != before[name]}
            before = {name: before[name] for name in after}
        if after:
            action = self.changed_action if change else self.added_action
            form.instance.record(action, by=user_of(request), before=before, after=after)

    def ask_and_act(
        self,
        request: HttpRequest,
        queryset: models.QuerySet,
        method: str,
        done: str | Promise,
        *,
        question: Callable[[int], str],
        button: str | Promise,
        describe: Callable[[list], dict[Any, Consequence]],
    ) -> HttpResponse | None:
        """Ask before ``method`` takes something away from the chosen rows, then call it as ``act`` does.

        As before Django's own deletion, a page names the rows, of many the first, and says what follows
        under each: ``describe`` returns a ``Consequence`` for each key of a list of rows, by a number of
        queries that does not grow with it. Returns that page, and None once it was answered.
        """
        if request.POST.get("post"):
            self.act(request, queryset, method, done)
            return None
        rows = list(queryset[: self.list_per_page])
        if not rows:
            messages.warning(request, _("The chosen rows are no longer there."))
            return None
        is_across = request.POST.get("select_across") == "1"
        count = queryset.count() if is_across else len(rows)
        found = describe(rows)
        context = {
            **self.admin_site.each_context(request),
            "title": question(count) % {"count": localize(count)},
            "button": button,
            "opts": self.opts,
            "action": request.POST["action"],
            "is_across": count > len(rows),
            "rows": [(row, found[row.pk]) for row in rows],
            "more": count - len(rows),
        }
        return TemplateResponse(request, "admin/question.html", context)

    def act(
        self, request: HttpRequest, queryset: models.QuerySet, method: str, done: str | Promise
    ) -> None:
        """Call the business act ``method`` on each chosen row, as the operator."""
        for row in queryset:
            try:
                getattr(row, method)(by=user_of(request))
            except ValidationError as error:
                for message in error.messages:
                    messages.error(request, message)
            else:
                messages.success(request, done % {"row": row})


class ReadOnlyAdmin(PortalAdmin):
    """For what is only ever written by the portal itself."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
