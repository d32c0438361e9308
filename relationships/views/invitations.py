from typing import Any

from allauth.account.utils import perform_login
from allauth.core import ratelimit
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.generic import TemplateView

from portal.languages import speak
from portal.models import User
from portal.signed_in import user_of
from relationships.forms import (
    AcceptForm,
    AuthorizeForm,
    DeclineForm,
    RegistrationEmailForm,
    RegistrationForm,
)
from relationships.models import RelationshipRequest, RequestKind

TOO_MANY_MAILS = gettext_lazy(
    "Several mails are on their way already. Look into your mailbox, or wait an hour and try again."
)


@method_decorator([login_not_required, never_cache], name="dispatch")
class InvitationView(TemplateView):
    """What the personal link opens: who asks, and the way to the answer (R6, R10, R14).

    Known or unknown, each firm's first page looks alike. Only who may answer reads the whole. A dead link
    says what became of it.

    Until somebody signs in, or picks a language in this browser, it speaks the language of the request.
    """

    template_name = "relationships/invitation.html"

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        if request.user.is_anonymous and settings.LANGUAGE_COOKIE_NAME not in request.COOKIES:
            speak(request, self.asked.language)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            self.asked.require_open()
        except ValidationError as error:
            context = {
                "asked": self.asked,
                "explanation": error.messages[0],
                "shows_answer": self.asked.is_answered and self.concerns_reader,
            }
            return render(request, "relationships/invitation_dead.html", context, status=410)
        return self.forward() or super().dispatch(request, *args, **kwargs)

    def forward(self) -> HttpResponse | None:
        """Return a redirect for whom this page is of no use, or None."""
        return None

    @cached_property
    def asked(self) -> RelationshipRequest:
        requests = RelationshipRequest.objects.select_related(
            "partner", "provider", "customer", "reseller", "answered_by"
        )
        found = requests.find(self.kwargs["token"])
        if found is None:
            raise Http404
        return found

    @property
    def concerns_reader(self) -> bool:
        """Whether the reader is of an organisation that asked or answered."""
        own = getattr(self.request.user, "organisation", None)
        return own is not None and own in [*self.asked.partners, self.asked.answered_for]

    @cached_property
    def may_answer(self) -> bool:
        user = self.request.user
        return user.is_authenticated and self.asked.may_be_answered_by(user)

    @property
    def is_for_customers(self) -> bool:
        return self.asked.kind == RequestKind.CUSTOMER

    @cached_property
    def is_admin(self) -> bool:
        """Whether the reader answers such requests for its organisation."""
        own = getattr(self.request.user, "organisation", None)
        if own is None or not self.request.user.has_perm(self.asked.permission_to_answer):
            return False
        return self.is_for_customers or own.is_reseller

    @cached_property
    def has_proved(self) -> bool:
        """Whether the reader has shown that it reads mail to the address that was asked (R14)."""
        user = self.request.user
        return user.is_authenticated and user.has_proved(self.asked.recipient_email)

    @property
    def is_of_other_account(self) -> bool:
        """Whether another account signs in with the proved address that was asked."""
        if not self.has_proved:
            return False
        owner = User.objects.joined().filter(email=self.asked.recipient_email).first()
        if owner is None or owner == self.request.user:
            return False
        return owner.has_proved(owner.email)

    def get_accept_form(self, data: QueryDict | None = None) -> AcceptForm | None:
        """The box that must be ticked to accept, or None where there is none."""
        if not self.is_for_customers:
            return AuthorizeForm(data)
        customer = user_of(self.request).membership.customer
        if customer and customer.agreement_accepted_at:
            return None
        return AcceptForm(data)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        if self.may_answer:
            kwargs.setdefault("accept_form", self.get_accept_form())
            kwargs.setdefault("decline_form", DeclineForm())
        return super().get_context_data(
            asked=self.asked,
            is_partnership=not self.is_for_customers,
            may_answer=self.may_answer,
            is_unproved=self.may_answer and not user_of(self.request).has_proved(),
            following=self.request.path,
            is_admin=self.is_admin,
            has_proved=self.has_proved,
            is_of_other_account=self.is_of_other_account,
            **kwargs,
        )

    def back(self) -> HttpResponse:
        return redirect("invitations:detail", self.kwargs["token"])

    def refuse(self, error: ValidationError) -> HttpResponse:
        """Show the page again, with what the model said."""
        for message in error.messages:
            messages.error(self.request, message)
        return self.back()


class InvitationAnswerView(InvitationView):
    """The base of the answers: who may not answer is led back to the page that says so."""

    def forward(self) -> HttpResponse | None:
        return None if self.may_answer else self.back()

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        # A refused answer that is reloaded, or read again in the other language.
        return self.back()


class InvitationAcceptView(InvitationAnswerView):
    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = self.get_accept_form(request.POST)
        if form and not form.is_valid():
            return self.render_to_response(self.get_context_data(accept_form=form, form=form))
        try:
            self.asked.accept(by=user_of(request), agrees=form is not None)
        except ValidationError as error:
            return self.refuse(error)
        messages.success(
            request,
            _("You accepted. %(partner)s now works with your company.")
            % {"partner": self.asked.partner},
        )
        return redirect(
            "home" if self.asked.kind == RequestKind.CUSTOMER else "relationships:providers"
        )


class InvitationDeclineView(InvitationAnswerView):
    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = DeclineForm(request.POST)
        if not form.is_valid():
            return self.render_to_response(self.get_context_data(decline_form=form, form=form))
        try:
            self.asked.decline(by=user_of(request), reason=form.cleaned_data["reason"])
        except ValidationError as error:
            return self.refuse(error)
        messages.success(request, _("You declined. The partner is told why."))
        return redirect("home")


class InvitationProveView(InvitationView):
    """An admin with another address has a mail sent to the one that was asked (R14)."""

    def forward(self) -> HttpResponse | None:
        return None if self.is_admin and not self.may_answer else self.back()

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.back()

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            user_of(request).send_confirmation(
                self.asked.recipient_email, following=self.asked.path
            )
        except ValidationError:
            # What it says names the address.
            return self.refuse(ValidationError(TOO_MANY_MAILS))
        messages.success(request, _("A mail is on its way to the address that was asked."))
        return self.back()


class InvitationRegisterView(InvitationView):
    """A customer that is new in the portal names the address with which it registers (R6, R14)."""

    template_name = "relationships/invitation_register.html"

    def forward(self) -> HttpResponse | None:
        if self.request.user.is_authenticated or not self.is_for_customers:
            return self.back()
        return None

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        kwargs.setdefault("form", RegistrationEmailForm())
        return super().get_context_data(**kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = RegistrationEmailForm(request.POST)
        if not form.is_valid():
            return self.render_to_response(self.get_context_data(form=form))
        email = form.cleaned_data["email"]
        if not ratelimit.consume(request, action="register", key=email):
            form.add_error("email", TOO_MANY_MAILS)
            context = self.get_context_data(form=form)
            return self.render_to_response(context, status=429)
        self.asked.send_registration(email)
        return render(
            request,
            "relationships/invitation_register_sent.html",
            {"asked": self.asked, "email": email},
        )


class InvitationRegistrationView(InvitationRegisterView):
    """The page that the mail opens: the firm registers, and accepts by that (R6, R14)."""

    template_name = "relationships/invitation_registration.html"

    def forward(self) -> HttpResponse | None:
        try:
            email = self.asked.read_registration(self.kwargs["proof"])
        except ValidationError as error:
            messages.error(self.request, error.messages[0])
            return redirect("invitations:register", self.kwargs["token"])
        if email is None:
            raise Http404
        self.email = email
        if super().forward():
            return self.back()
        try:
            self.asked.require_registrable(self.email)
        except ValidationError as error:
            context = {
                "asked": self.asked,
                "explanation": error.messages[0],
                "has_account": error.code == "account",
            }
            return render(self.request, "relationships/invitation_known.html", context)
        return None

    def get_form(self, data: QueryDict | None = None) -> RegistrationForm:
        return RegistrationForm(
            data, request=self.asked, email=self.email, proof=self.kwargs["proof"]
        )

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        kwargs.setdefault("form", self.get_form())
        return super().get_context_data(
            email=self.email, was_asked=self.email == self.asked.recipient_email, **kwargs
        )

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = self.get_form(request.POST)
        user = form.register() if form.is_valid() else None
        if user is None:
            return self.render_to_response(self.get_context_data(form=form))
        if form.record:
            messages.success(
                request,
                _("Welcome. The request waits for your answer among your partner relationships."),
            )
        else:
            messages.success(
                request, _("Welcome. Your company is registered, and you accepted the request.")
            )
        return perform_login(request, user, redirect_url=reverse("home"))
