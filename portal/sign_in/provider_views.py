"""The way to an identity provider and back: loaded where the installation has one, for it needs libraries."""

import logging

from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.base import AuthProcess
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect import views as openid_connect
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.http import Http404
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.views.generic import View
from requests import RequestException

from portal.views.invitations import InvitedMixin

from .adapters import INVITATION

logger = logging.getLogger(__name__)


@method_decorator(login_not_required, name="dispatch")
class ProviderView(View):
    """A page of the way to an identity provider and back.

    Where the provider does not answer, or answers what can't be understood, the page says so.
    """

    def dispatch(self, request, *args, **kwargs):
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
            OAuth2Error,
            RequestException,
            TypeError,
            ValueError,
        ) as error:
            logger.warning("Sign-in by %s failed: %s", kwargs["provider_id"], type(error).__name__)
            return render(request, "socialaccount/authentication_error.html", status=502)


class ProviderSignInView(ProviderView):
    def get(self, request, provider_id):
        return openid_connect.login(request, provider_id)

    post = get


class ProviderReturnView(ProviderView):
    def get(self, request, provider_id):
        return openid_connect.callback(request, provider_id)

    post = get


class UserInvitationProviderView(InvitedMixin, ProviderView):
    """An invited user signs in by an identity provider: the identity that comes back is linked to it."""

    http_method_names = ["post"]

    def post(self, request, token, provider_id):
        try:
            self.invited.require_open_invitation()
        except ValidationError:
            return redirect("user_invitation", token)  # which says what happened to it
        provider = get_adapter().get_provider(request, provider_id)
        return provider.redirect(request, AuthProcess.LOGIN, data={INVITATION: token})
