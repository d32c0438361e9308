from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView
from django.shortcuts import redirect
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.translation import get_language_from_request, override
from django.utils.translation import gettext as _
from django.views.generic import UpdateView, View
from django.views.i18n import set_language

from portal.forms import ProfileForm, SignInForm
from portal.navigation import menu_for

from .access import PortalView, RoleRequired


class HomeView(View):
    """``/``: on to the first page that the user's roles may see."""

    def get(self, request):
        menu = menu_for(request.user)
        if menu:
            return redirect(menu[0].url_name)
        if request.user.is_staff:
            return redirect("admin:index")
        raise RoleRequired()


class SignInView(LoginView):
    template_name = "portal/sign_in.html"
    authentication_form = SignInForm


class ProfileView(PortalView, UpdateView):
    """The user's own name and language."""

    permission_required = ()
    form_class = ProfileForm
    template_name = "portal/profile_form.html"
    success_url = reverse_lazy("profile")

    def get_object(self, queryset=None):
        return self.request.user

    def form_valid(self, form):
        response = super().form_valid(form)
        language = self.object.language or get_language_from_request(self.request)
        with override(language):
            messages.success(self.request, _("Your profile was saved."))
        return response


@method_decorator(login_not_required, name="dispatch")
class SetLanguageView(View):
    """Switch the language: for this browser, and for the user if signed in."""

    def post(self, request):
        language = request.POST.get("language", "")
        if request.user.is_authenticated and language in dict(settings.LANGUAGES):
            request.user.language = language
            request.user.save(update_fields=["language"])
        return set_language(request)
