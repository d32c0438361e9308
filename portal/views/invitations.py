from typing import Any

from allauth.account.utils import perform_login
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.generic import FormView, View

from portal.forms import InvitedPasswordForm
from portal.languages import speak
from portal.links import PortalUrlMixin
from portal.models import User
from portal.sign_in.views import ProvidersMixin


class InvitedMixin(View):
    """What the personal link of an invited user opens. The link itself is the permission.

    It speaks the language that was picked for whom it invites: the browser may be set to that of another.
    """

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        if self.invited.is_invited:
            speak(request, self.invited.language)

    @cached_property
    def invited(self) -> User:
        found = User.objects.find_invited(self.kwargs["token"])
        if found is None:
            raise Http404
        return found


@method_decorator([login_not_required, never_cache], name="dispatch")
class UserInvitationView(PortalUrlMixin, InvitedMixin, ProvidersMixin, FormView):
    """An invited user sets a password and is signed in. A dead link says what happened to it."""

    form_class = InvitedPasswordForm
    template_name = "portal/user_invitation.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            self.invited.require_open_invitation()
        except ValidationError as error:
            return self.refuse(error)
        return super().dispatch(request, *args, **kwargs)

    def refuse(self, error: ValidationError) -> HttpResponse:
        context = {
            "explanation": error.messages[0],
            "is_expired": error.code == "expired",
            "token": self.kwargs["token"],
        }
        return render(self.request, "portal/user_invitation_dead.html", context, status=410)

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "user": self.invited}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(invited=self.invited, token=self.kwargs["token"], **kwargs)

    def form_valid(self, form: InvitedPasswordForm) -> HttpResponse:
        try:
            self.invited.accept_invitation(form.cleaned_data["password1"])
        except ValidationError as error:
            return self.refuse(error)
        messages.success(self.request, _("Welcome. Your password is set, and you are signed in."))
        return perform_login(self.request, self.invited, redirect_url=reverse("home"))


@method_decorator(login_not_required, name="dispatch")
class UserInvitationRenewView(InvitedMixin, View):
    """Send an invited user a new link in place of the expired one."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            self.invited.renew_invitation()
        except ValidationError:
            pass  # the page of the link says what happened to it
        else:
            messages.success(request, _("A new link is on its way to the invited address."))
        return redirect("user_invitation", self.kwargs["token"])
