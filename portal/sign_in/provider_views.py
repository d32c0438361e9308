"""The way to an identity provider and back: loaded where the installation has one, for it needs libraries."""

from typing import Any

from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.base import AuthProcess, ProviderException
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.generic import View
from requests import RequestException

from portal import links
from portal.views.invitations import InvitedMixin

from .adapters import INVITATION
from .failures import describe, log_failure
from .openid_connect import PortalOpenIDConnect


@method_decorator(login_not_required, name="dispatch")
class ProviderView(View):
    """A page of the way to an identity provider and back.

    Where the provider does not answer, or answers what can't be understood, the page says so.
    """

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return super().dispatch(request, *args, **kwargs)
        except SocialApp.DoesNotExist as error:
            raise Http404 from error
        except Http404:
            raise
        except (
            AttributeError,
            ImproperlyConfigured,
            LookupError,
            ProviderException,
            RequestException,
            TypeError,
            ValueError,
        ) as error:
            log_failure(kwargs["provider_id"], describe(error))
            return render(request, "socialaccount/authentication_error.html", status=502)


class ProviderSignInView(ProviderView):
    """The button that leads to a provider. A link leads to a page with that button only."""

    def get(self, request: HttpRequest, provider_id: str) -> HttpResponse:
        context = {
            "provider": get_adapter().get_provider(request, provider_id),
            "process": request.GET.get("process"),
            "redirect_field_value": request.GET.get("next"),
        }
        return links.to_portal_url(request) or render(request, "socialaccount/login.html", context)

    def post(self, request: HttpRequest, provider_id: str) -> HttpResponse:
        provider = get_adapter().get_provider(request, provider_id)
        if links.is_elsewhere(request):
            # The provider sends people back to PORTAL_URL, where this browser would be unknown.
            wanted = QueryDict(mutable=True)
            for name in {"process", "next"} & set(request.POST):
                wanted[name] = request.POST[name]
            return links.move_to_portal_url(request.path, wanted)
        return provider.redirect_from_request(request)


class ProviderReturnView(ProviderView):
    def get(self, request: HttpRequest, provider_id: str) -> HttpResponse:
        adapter = PortalOpenIDConnect(request, provider_id)
        return OAuth2CallbackView.adapter_view(adapter)(request)

    post = get


class UserInvitationProviderView(InvitedMixin, ProviderView):
    """An invited user signs in by an identity provider: the identity that comes back is linked to it."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, token: str, provider_id: str) -> HttpResponse:
        try:
            self.invited.require_open_invitation()
        except ValidationError:
            return redirect("user_invitation", token)  # which says what happened to it
        if links.is_elsewhere(request):
            path = reverse("user_invitation", args=[token])
            return links.move_to_portal_url(path, QueryDict())
        provider = get_adapter().get_provider(request, provider_id)
        return provider.redirect(request, AuthProcess.LOGIN, data={INVITATION: token})
