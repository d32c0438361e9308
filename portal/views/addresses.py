"""The pages on which people prove that mail reaches an address (R14)."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.views.generic import TemplateView

from portal import links
from portal.models import ProofMethod, read_confirmation
from portal.models.proofs import OpenedConfirmation

from .access import PortalView


def following_of(data: Mapping[str, str], request: HttpRequest) -> str:
    """Return the page that ``next`` of ``data`` names, where it is one of the portal, else nothing."""
    path = data.get("next", "")
    return path if path.startswith("/") and links.stays_in_portal(path, request) else ""


class AddressView(PortalView, TemplateView):
    """Whether the email that one signs in with is proved, and a button that mails the link to prove it."""

    permission_required = ()
    template_name = "portal/address.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            is_proved=self.user.has_proved(),
            following=following_of(self.request.GET, self.request),
            **kwargs,
        )

    def post(self, request: HttpRequest) -> HttpResponse:
        following = following_of(request.POST, request)
        try:
            self.user.send_confirmation(self.user.email, following=following)
        except ValidationError as error:
            messages.error(request, error.messages[0])
        else:
            messages.success(
                request,
                _("A mail is on its way to %(email)s. Open the link in it.")
                % {"email": self.user.shown_email},
            )
        return redirect(following or "address")


class AddressConfirmView(PortalView, TemplateView):
    """What the link of a confirmation mail opens: one button, for the user who asked for the mail.

    The link is not enough, as mail programs and scanners open links: the address is proved by the button.
    """

    permission_required = ()
    template_name = "portal/address_confirm.html"

    @cached_property
    def opened(self) -> OpenedConfirmation:
        opened = read_confirmation(self.kwargs["token"])
        if opened is None:
            raise Http404
        return opened

    @property
    def is_of_another(self) -> bool:
        return self.opened.user_id != self.user.pk

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated and (self.opened.is_expired or self.is_of_another):
            return self.refuse()
        return super().dispatch(request, *args, **kwargs)

    def refuse(self) -> HttpResponse:
        context = {"token": self.kwargs["token"], "is_of_another": self.is_of_another}
        status = 403 if self.is_of_another else 410
        return render(self.request, "portal/address_refused.html", context, status=status)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(email=self.opened.email, **kwargs)

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        self.user.prove(self.opened.email, how=ProofMethod.CONFIRMATION)
        messages.success(request, _("Your email address is confirmed."))
        return redirect(self.opened.following or reverse("home"))
