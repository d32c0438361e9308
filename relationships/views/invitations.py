from allauth.account.utils import perform_login
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ValidationError
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.views.generic import TemplateView

from relationships.forms import AcceptForm, AuthorizeForm, DeclineForm, RegistrationForm
from relationships.models import RelationshipRequest, RequestKind


@method_decorator(login_not_required, name="dispatch")
class InvitationView(TemplateView):
    """What the personal link opens: who asks for what, and the answer (R6, R10).

    The link itself is the permission to read; the answer needs an admin of the addressed organisation.
    A dead link says what became of it.
    """

    template_name = "relationships/invitation.html"

    def dispatch(self, request, *args, **kwargs):
        if self.asked is None:
            raise Http404
        try:
            self.asked.require_open()
        except ValidationError as error:
            context = {"asked": self.asked, "explanation": error.messages[0]}
            return render(request, "relationships/invitation_dead.html", context, status=410)
        return self.forward() or super().dispatch(request, *args, **kwargs)

    def forward(self):
        """Return a redirect for whom this page is of no use, or None."""
        return None

    @cached_property
    def asked(self):
        requests = RelationshipRequest.objects.select_related("partner", "provider", "customer")
        return requests.find(self.kwargs["token"])

    @cached_property
    def may_answer(self):
        return self.asked.may_be_answered_by(self.request.user)

    @property
    def may_register(self):
        return self.asked.kind == RequestKind.CUSTOMER and not self.asked.customer_id

    def get_accept_form(self, data=None):
        """The box that must be ticked to accept, or None where there is none."""
        if self.asked.kind == RequestKind.RESELLER:
            return AuthorizeForm(data)
        if self.request.user.membership.customer.agreement_accepted_at:
            return None
        return AcceptForm(data)

    def get_context_data(self, **kwargs):
        if self.may_answer:
            kwargs.setdefault("accept_form", self.get_accept_form())
            kwargs.setdefault("decline_form", DeclineForm())
        return super().get_context_data(
            asked=self.asked,
            is_partnership=self.asked.kind == RequestKind.RESELLER,
            may_answer=self.may_answer,
            is_unproved=self.may_answer and not self.request.user.has_proved(),
            following=self.request.path,
            may_register=self.may_register,
            **kwargs,
        )

    def refuse(self, error):
        """Show the page again, with what the model said."""
        for message in error.messages:
            messages.error(self.request, message)
        return redirect("invitations:detail", self.kwargs["token"])


class InvitationAnswerView(InvitationView):
    """The base of the answers: who may not answer is led back to the page that says so."""

    def forward(self):
        return None if self.may_answer else redirect("invitations:detail", self.kwargs["token"])

    def get(self, request, *args, **kwargs):
        # A refused answer that is reloaded, or read again in the other language.
        return redirect("invitations:detail", self.kwargs["token"])


class InvitationAcceptView(InvitationAnswerView):
    def post(self, request, *args, **kwargs):
        form = self.get_accept_form(request.POST)
        if form and not form.is_valid():
            return self.render_to_response(self.get_context_data(accept_form=form, form=form))
        try:
            self.asked.accept(by=request.user, agrees=form is not None)
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
    def post(self, request, *args, **kwargs):
        form = DeclineForm(request.POST)
        if not form.is_valid():
            return self.render_to_response(self.get_context_data(decline_form=form, form=form))
        try:
            self.asked.decline(by=request.user, reason=form.cleaned_data["reason"])
        except ValidationError as error:
            return self.refuse(error)
        messages.success(request, _("You declined. The partner is told why."))
        return redirect("home")


class InvitationRegisterView(InvitationView):
    """A customer that is new in the portal registers and accepts on the way (R6)."""

    template_name = "relationships/invitation_register.html"

    def forward(self):
        if self.request.user.is_authenticated or not self.may_register:
            return redirect("invitations:detail", self.kwargs["token"])
        return None

    def get_context_data(self, **kwargs):
        kwargs.setdefault("form", RegistrationForm(request=self.asked))
        return super().get_context_data(**kwargs)

    def post(self, request, *args, **kwargs):
        form = RegistrationForm(request.POST, request=self.asked)
        user = form.register() if form.is_valid() else None
        if user is None:
            return self.render_to_response(self.get_context_data(form=form))
        messages.success(
            request, _("Welcome. Your company is registered, and you accepted the request.")
        )
        return perform_login(request, user, redirect_url=reverse("home"))
