from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import Resolver404, get_script_prefix, resolve, reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.translation import get_language_from_request, override
from django.utils.translation import gettext as _
from django.views.generic import TemplateView, UpdateView, View
from django.views.i18n import set_language

from portal import links
from portal.context_processors import THEMES
from portal.forms import CompanyForm, ProfileForm
from portal.models import Partner, User
from portal.navigation import menu_for
from portal.permissions import Permission
from portal.sign_in.views import ProvidersMixin
from portal.signed_in import user_of
from portal.zones import normal_zone, shown_zone

from .access import PortalView, RoleRequired


class HomeView(View):
    """``/``: on to the page where the user's work is: the first of the menu, or that of the users."""

    def get(self, request: HttpRequest) -> HttpResponse:
        user = user_of(request)
        menu = menu_for(user)
        works_on_users_alone = menu and menu[0].permission == Permission.VIEW_ACTIVITY
        if works_on_users_alone and user.has_perm(Permission.MANAGE_USERS):
            return redirect("users:list")
        if menu:
            return redirect(menu[0].url_name)
        if user.is_staff:
            return redirect("admin:index")
        raise RoleRequired()


class CompanyView(PortalView, UpdateView):
    """The partner's support details. A change shows at once to the customers it answers for."""

    permission_required = Permission.EDIT_COMPANY
    form_class = CompanyForm
    template_name = "portal/company_form.html"
    success_url = reverse_lazy("company")

    def get_object(self, queryset: QuerySet | None = None) -> Partner:
        return Partner.objects.get(pk=self.partner.pk)

    def form_valid(self, form: ModelForm) -> HttpResponse:
        if self.object.change(form.changed_data, by=self.user):
            messages.success(self.request, _("The support details were saved."))
        else:
            messages.info(self.request, _("Nothing was changed."))
        return redirect(self.success_url)


class ProfileView(PortalView, ProvidersMixin, UpdateView):
    """The user's own name, language and time zone."""

    permission_required = ()
    form_class = ProfileForm
    template_name = "portal/profile_form.html"
    success_url = reverse_lazy("profile")

    def get_object(self, queryset: QuerySet | None = None) -> User:
        return self.user

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        # Of the user as it is stored: the form may hold what was typed.
        return super().get_context_data(is_proved=self.user.has_proved(), **kwargs)

    def form_valid(self, form: ModelForm) -> HttpResponse:
        self.object.change(form.changed_data, by=self.user)
        language = self.object.language or get_language_from_request(self.request)
        with override(language):
            messages.success(self.request, _("Your profile was saved."))
        return redirect(self.success_url)


class WordsView(PortalView, TemplateView):
    """What the words of the portal mean."""

    permission_required = ()
    template_name = "portal/words.html"


@method_decorator(login_not_required, name="dispatch")
class SetLanguageView(View):
    """Switch the language: for this browser, and for the user that is signed in, or opened its invitation."""

    def post(self, request: HttpRequest) -> HttpResponse:
        language = request.POST.get("language", "")
        if language in dict(settings.LANGUAGES):
            for user in filter(None, [self.signed_in, self.invited]):
                user.language = language
                user.save(update_fields=["language"])
        return set_language(request)

    @property
    def signed_in(self) -> User | None:
        user = self.request.user
        return user if user.is_authenticated else None

    @property
    def invited(self) -> User | None:
        """The user whose invitation the page is that was read, as it waits to be accepted, or None."""
        try:
            path = urlsplit(self.request.POST.get("next", "")).path
            page = resolve(path.removeprefix(get_script_prefix().rstrip("/")))
        except (Resolver404, ValueError):
            return None
        if page.url_name != "user_invitation":
            return None
        user = User.objects.find_invited(page.kwargs["token"])
        return user if user and user.is_invited else None


def way_back(request: HttpRequest) -> str:
    """The page of the portal from which a form of every page was sent."""
    back = request.POST.get("next", "")
    return back if links.stays_in_portal(back, request) else "home"


class SetTimeZoneView(View):
    """Offer the zone of the browser to who has not decided on one (``zone-offer.js``); keep the answer."""

    def get(self, request: HttpRequest) -> HttpResponse:
        zone = normal_zone(request.GET.get("zone", ""))
        if not user_of(request).may_be_offered(zone):
            return HttpResponse(status=204)
        zones = {"offered": shown_zone(zone), "present": shown_zone()}
        return render(request, "portal/zone_offer.html", {"zone": zone, **zones})

    def post(self, request: HttpRequest) -> HttpResponse:
        user = user_of(request)
        try:
            user.time_zone = normal_zone(request.POST.get("time_zone", ""))
            user.change(["time_zone"], by=user)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        return redirect(way_back(request))


@method_decorator(login_not_required, name="dispatch")
class SetThemeView(View):
    """Show light or dark colours in this browser, or those of the system where neither is picked."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        response = redirect(way_back(request))
        if request.POST.get("theme") in THEMES:
            response.set_cookie(
                settings.THEME_COOKIE_NAME,
                request.POST["theme"],
                max_age=timedelta(days=365),
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite="Lax",
            )
        else:
            response.delete_cookie(settings.THEME_COOKIE_NAME, samesite="Lax")
        return response
