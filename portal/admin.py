"""Django admin of the portal: partners, users, mail."""

from typing import Any, cast

from allauth.account.decorators import secure_admin_login
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django import forms
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import (
    AdminPasswordChangeForm,
    AdminUserCreationForm,
    SetUnusablePasswordMixin,
    UserChangeForm,
)
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from portal import (
    admin_consequences,
    admin_log,  # noqa: F401 (registers the log)
)
from portal.admin_base import PortalAdmin, ReadOnlyAdmin, RowsView
from portal.admin_filters import OutOfFormFilter, UnreadablePhoneFilter
from portal.forms import PortalModelForm, SupportLanguagesField, TimeZoneField
from portal.models import (
    Action,
    Mail,
    Membership,
    MembershipRole,
    Partner,
    ProvedAddress,
    Task,
    User,
    Worker,
)
from portal.permissions import Role
from portal.signed_in import user_of


def redirect_to_new_password(request: HttpRequest, extra_context: Any = None) -> HttpResponse:
    return redirect("account_change_password")


admin.site.unregister(Group)  # roles take the place of groups
# How people sign in is theirs; an operator can take a lost second factor away, see UserAdmin.
for model in (Authenticator, EmailAddress, SocialAccount, SocialApp, SocialToken, UserSession):
    admin.site.unregister(model)
# The operators' way in is everyone's, and so is the page for a new password, which logs it.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
admin.site.password_change = redirect_to_new_password  # type: ignore[assignment,method-assign]
# A choice names each row so that no other has that name.
admin.site.autocomplete_view = RowsView.as_view(admin_site=admin.site)  # type: ignore[assignment,method-assign]
admin.site.site_header = _("Partner portal: operators")
admin.site.site_title = _("Partner portal")
admin.site.index_title = _("Keep partners, users and offers in order")


class PartnerForm(PortalModelForm):
    support_languages = SupportLanguagesField()


@admin.register(Partner)
class PartnerAdmin(PortalAdmin):
    form = PartnerForm
    added_action = Action.PARTNER_ADDED
    changed_action = Action.PARTNER_CHANGED
    fixed_fields = ("type",)
    list_display = ("name", "type", "mpn_id", "country", "deactivated_at")
    list_filter = (
        "type",
        ("deactivated_at", admin.EmptyFieldListFilter),
        UnreadablePhoneFilter.of("support_phone"),
    )
    search_fields = ("name_key", "mpn_id")
    readonly_fields = ("created_at", "deactivated_at")
    actions = ("deactivate", "reactivate")

    @admin.action(description=_("Deactivate: sign out, give support contacts back"))
    def deactivate(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        return self.ask_and_act(
            request,
            queryset,
            "deactivate",
            _("%(row)s was deactivated."),
            question=lambda count: ngettext(
                "Deactivate %(count)s partner?", "Deactivate %(count)s partners?", count
            ),
            button=_("Deactivate"),
            describe=admin_consequences.of_deactivating_partners,
        )

    @admin.action(description=_("Reactivate"))
    def reactivate(self, request: HttpRequest, queryset: QuerySet) -> None:
        self.act(request, queryset, "reactivate", _("%(row)s was reactivated."))


class UserAddForm(PortalModelForm, AdminUserCreationForm):
    class Meta:
        model = User
        fields = ("email", "name", "language", "is_staff")
        field_classes: dict = {}


class UserEditForm(PortalModelForm, UserChangeForm):
    time_zone = TimeZoneField(widget=forms.Select)

    class Meta:
        model = User
        fields = "__all__"
        field_classes: dict = {}


class UserPasswordForm(AdminPasswordChangeForm):
    """An invited user to whom the operator gives a password has joined by that."""

    # Django puts its own together in English when it starts, whoever reads it.
    usable_password_help_text = format_lazy(  # type: ignore[assignment]
        '{} <ul id="id_unusable_warning" class="messagelist"><li class="warning">{}</li></ul>',
        SetUnusablePasswordMixin.create_usable_password_field().help_text,
        _("If disabled, the current password for this user will be lost."),
    )

    def clean(self) -> dict[str, Any]:
        super().clean()
        if not self.user.has_joined and self.cleaned_data.get("set_usable_password"):
            self.user.has_joined = True
            try:
                self.user.validate_constraints()
            except ValidationError as error:
                self.add_error(None, error.messages)
        return self.cleaned_data


@admin.register(User)
class UserAdmin(PortalAdmin, DjangoUserAdmin):
    form = UserEditForm
    add_form = UserAddForm
    change_password_form = UserPasswordForm
    added_action = Action.USER_ADDED
    changed_action = Action.USER_CHANGED
    fieldsets = (
        (None, {"fields": ("email", "password", "name", "language", "time_zone", "is_staff")}),
        (_("Organisation"), {"fields": ("organisation", "roles")}),
        (_("Dates"), {"fields": ("is_active", "created_at", "invited_at", "last_login")}),
    )
    add_fieldsets = (
        (
            None,
            {
                "fields": (
                    "email",
                    "name",
                    "language",
                    "is_staff",
                    "usable_password",
                    "password1",
                    "password2",
                )
            },
        ),
    )
    readonly_fields = (
        "organisation",
        "roles",
        "is_active",
        "created_at",
        "invited_at",
        "last_login",
    )
    list_display = ("email", "name", "organisation", "is_staff", "is_active")
    list_filter = ("is_staff", "is_active", OutOfFormFilter.of("email"))
    list_select_related = ("membership__partner", "membership__customer")
    search_fields = ("email", "name_key")
    ordering = ("email",)
    filter_horizontal = ()
    actions = ("send_invitation", "deactivate", "reactivate", "reset_second_factor")

    @admin.action(description=_("Send invitation: mail a link to set a password"))
    def send_invitation(self, request: HttpRequest, queryset: Any) -> None:
        done = _("An invitation was sent to %(row)s.")
        self.act(request, queryset.with_organisation(), "send_invitation", done)

    @admin.display(description=_("organisation"))
    def organisation(self, user: User) -> Any:
        return user.organisation or self.get_empty_value_display()

    @admin.display(description=_("roles"))
    def roles(self, user: User) -> str:
        membership = getattr(user, "membership", None)
        return ", ".join(str(role.label) for role in membership.roles) if membership else ""

    def user_change_password(
        self, request: HttpRequest, id: str, form_url: str = ""
    ) -> HttpResponse:
        """Let the operator set a password, and log that it was set."""
        if request.method != "POST":
            return super().user_change_password(request, id, form_url)
        with transaction.atomic():
            user = self.get_object(request, unquote(id))
            before = user and user.password
            answer = super().user_change_password(request, id, form_url)
            if user and before != User.objects.get(pk=user.pk).password:
                user.record(Action.PASSWORD_CHANGED, by=user_of(request))
        return answer

    @admin.action(description=_("Deactivate and sign out"))
    def deactivate(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        return self.ask_and_act(
            request,
            queryset,
            "deactivate",
            _("%(row)s was deactivated."),
            question=lambda count: ngettext(
                "Deactivate %(count)s user?", "Deactivate %(count)s users?", count
            ),
            button=_("Deactivate"),
            describe=admin_consequences.of_deactivating_users,
        )

    @admin.action(description=_("Reactivate"))
    def reactivate(self, request: HttpRequest, queryset: QuerySet) -> None:
        self.act(request, queryset, "reactivate", _("%(row)s was reactivated."))

    @admin.action(description=_("Take a lost second factor away and sign out"))
    def reset_second_factor(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        return self.ask_and_act(
            request,
            queryset,
            "reset_second_factor",
            _("%(row)s can set up a new second factor."),
            question=lambda count: ngettext(
                "Take the second factors of %(count)s user away?",
                "Take the second factors of %(count)s users away?",
                count,
            ),
            button=_("Take away"),
            describe=admin_consequences.of_resetting_second_factors,
        )


class MembershipForm(PortalModelForm):
    role_choice = forms.MultipleChoiceField(
        label=_("Roles"), choices=Role, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            self.fields["role_choice"].initial = self.instance.roles
            field = cast(forms.MultipleChoiceField, self.fields["role_choice"])
            field.choices = [
                (role.value, role.label) for role in Role if role in self.instance.possible_roles
            ]

    def clean(self) -> dict[str, Any]:
        super().clean()
        places = {name: self.cleaned_data.get(name) for name in ("partner", "customer")}
        roles = self.cleaned_data.get("role_choice")
        # Whether it is one organisation, a constraint of the model says.
        if self.instance._state.adding and roles and sum(map(bool, places.values())) == 1:
            try:
                Membership(**places).require_joinable(roles)
            except ValidationError as error:
                self.add_error("role_choice", error)
        return self.cleaned_data


@admin.register(Membership)
class MembershipAdmin(PortalAdmin):
    form = MembershipForm
    fields = ("user", "partner", "customer", "role_choice")
    fixed_fields = ("user", "partner", "customer")
    autocomplete_fields = ("user", "partner", "customer")
    list_display = ("user", "organisation")
    list_select_related = ("user", "partner", "customer")
    search_fields = ("user__email", "partner__name_key", "customer__name_key")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        roles = form.cleaned_data["role_choice"]
        if change:
            obj.set_roles(roles, by=user_of(request))
        else:
            by = user_of(request)
            joined = Membership.objects.join(obj.user, obj.organisation, roles, by=by)
            obj.pk = joined.pk


@admin.register(ProvedAddress)
class ProvedAddressAdmin(ReadOnlyAdmin):
    list_display = ("email", "user", "how", "at")
    list_filter = ("how",)
    list_select_related = ("user",)
    search_fields = ("email", "user__email", "user__name_key")


@admin.register(MembershipRole)
class MembershipRoleAdmin(ReadOnlyAdmin):
    list_display = ("membership", "role")
    list_filter = ("role",)
    list_select_related = (
        "membership__user",
        "membership__partner",
        "membership__customer",
    )


@admin.register(Task)
class TaskAdmin(ReadOnlyAdmin):
    list_display = ("name", "due_at", "done_at", "outcome", "failures")


@admin.register(Worker)
class WorkerAdmin(ReadOnlyAdmin):
    list_display = ("host", "seen_at")


@admin.register(Mail)
class MailAdmin(ReadOnlyAdmin):
    """What waits and what became of it. The words of a mail are shown to nobody: links in it open doors."""

    list_display = ("created_at", "recipient", "subject", "status", "tries", "answer", "due_at")
    fields = (*list_display, "trouble", "done_at", "from_email", "reply_to", "sent_by")
    list_filter = ("status", "trouble")
    search_fields = ("recipient", "subject")
    hidden_fields = ("text", "html")
