"""The pages of django-allauth, where the portal has a rule of its own for them."""

from typing import Any

from allauth.account.views import LoginView, LogoutView
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.internal.flows.connect import validate_disconnect
from allauth.socialaccount.models import SocialAccount
from allauth.socialaccount.views import ConnectionsView
from allauth.usersessions.models import UserSession
from allauth.usersessions.views import ListUserSessionsView
from django.contrib.auth import HASH_SESSION_KEY, update_session_auth_hash
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import localize
from django.utils.functional import cached_property
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.generic import View
from django.views.generic.base import ContextMixin

from portal.links import PortalUrlMixin, to_portal_url
from portal.models import Action, User
from portal.questions import QuestionMixin
from portal.signed_in import user_of


class ProvidersMixin(ContextMixin, View):
    """A page that offers the installation's identity providers."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        providers = get_adapter().list_providers(self.request)
        return super().get_context_data(providers=providers, **kwargs)


class SignInView(PortalUrlMixin, ProvidersMixin, LoginView):
    pass


class SignOutView(LogoutView):
    """A link does not sign anyone out."""

    http_method_names = ["post"]


class IdentitiesView(PortalUrlMixin, ProvidersMixin, ConnectionsView):
    pass


class IdentityUnlinkView(QuestionMixin, View):
    """Asks before an identity is unlinked; the page of all identities does it."""

    http_method_names = ["get", "head"]
    button = gettext_lazy("Unlink")

    @cached_property
    def account(self) -> SocialAccount:
        return get_object_or_404(SocialAccount, user=self.request.user, pk=self.kwargs["pk"])

    @property
    def identity(self) -> str:
        """How its owner knows it: by its address, else as the provider names it."""
        token = self.account.extra_data.get("id_token") or {}
        return token.get("email") or self.account.uid

    def describe_question(self) -> dict[str, Any]:
        return super().describe_question() | {
            "action": self.get_back(),
            "hidden": [("account", str(self.account.pk))],
        }

    def get_question(self) -> str:
        return _("Unlink %(identity)s?") % {"identity": self.identity}

    def get_refusal(self) -> str:
        try:
            validate_disconnect(self.request, self.account)
        except ValidationError as error:
            return error.messages[0]
        return ""

    def get_consequences(self) -> list[str]:
        sentence = _(
            "You can no longer sign in as %(identity)s. You can link it again at any time."
        )
        return [sentence % {"identity": self.identity}]

    def get_back(self) -> str:
        return reverse("socialaccount_connections")

    def get_crumbs(self, back: str) -> list[tuple[str, str]]:
        return [(_("Identity providers"), back)]


class SecondFactorView(View):
    """A page of second factors, the one of that name in second_factors.

    Its module is imported when the first of them is asked for: the libraries of passkeys, which come with
    it, would be a tenth of what the portal loads when it starts.
    """

    page = ""
    asks_for_passkey = False

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if self.asks_for_passkey and request.method == "GET":
            moved = to_portal_url(request)
            if moved:
                return moved
        return import_string(f"portal.sign_in.second_factors.{self.page}")(request, *args, **kwargs)


class SessionsView(ListUserSessionsView):
    """Where the user is signed in, with a button that ends all sessions but this one."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        # Not allauth's own list: it asks for each session, and for its user, by a query of its own.
        return {
            **super(ListUserSessionsView, self).get_context_data(**kwargs),
            "sessions": living_sessions(user_of(self.request)),
            "current": self.request.session.session_key,
        }

    @transaction.atomic
    def form_valid(self, form: Any) -> HttpResponse:
        end_other_sessions(self.request)
        user = user_of(self.request)
        user.record(Action.SESSIONS_ENDED, by=user)
        return super().form_valid(form)


class SessionsEndView(QuestionMixin, View):
    """Asks before the user's other sessions end; the page of all sessions does it."""

    http_method_names = ["get", "head"]
    button = gettext_lazy("Sign out everywhere else")

    def describe_question(self) -> dict[str, Any]:
        return super().describe_question() | {"action": self.get_back()}

    def get_question(self) -> str:
        return _("Sign out everywhere else?")

    def get_consequences(self) -> list[str]:
        mine = self.request.session.session_key
        others = [one for one in living_sessions(user_of(self.request)) if one.session_key != mine]
        sentence = ngettext(
            "%(count)s other session of yours ends.",
            "%(count)s other sessions of yours end.",
            len(others),
        )
        return [
            sentence % {"count": localize(len(others))},
            _(
                "In all other browsers you have to sign in again, and what is not saved there is lost."
            ),
        ]

    def get_back(self) -> str:
        return reverse("usersessions_list")

    def get_crumbs(self, back: str) -> list[tuple[str, str]]:
        return [(_("Sessions"), back)]


def living_sessions(user: User) -> list[UserSession]:
    """The sessions of ``user`` that are still valid, the newest first."""
    known = UserSession.objects.filter(user=user).order_by("-created_at", "-pk")
    stored = Session.objects.filter(
        session_key__in=known.values("session_key"), expire_date__gt=timezone.now()
    )
    wanted = {user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()}
    alive = {
        session.session_key
        for session in stored
        if session.get_decoded().get(HASH_SESSION_KEY) in wanted
    }
    return [session for session in known if session.session_key in alive]


def end_other_sessions(request: HttpRequest) -> None:
    """End every session of the user but this one, also those that are not listed."""
    mine = request.session.session_key
    user = user_of(request)
    listed = UserSession.objects.filter(user=user)
    others = listed.exclude(session_key=mine)
    Session.objects.filter(session_key__in=others.values("session_key")).delete()
    others.delete()
    user.end_sessions()
    update_session_auth_hash(request, user)
    listed.update(session_key=request.session.session_key)
