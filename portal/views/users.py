from django.contrib import messages
from django.core.exceptions import ValidationError
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import DetailView, FormView
from django.views.generic.detail import SingleObjectMixin

from portal.forms import InviteForm, RolesForm
from portal.keyset import Order
from portal.models import User
from portal.permissions import Permission

from .access import PortalView, ScopedView
from .acts import ActView
from .lists import ScopedListView


class UserListView(ScopedListView):
    """The people of the organisation: who may do what, and who has not been here yet."""

    permission_required = Permission.MANAGE_USERS
    model = User
    template_name = "portal/user_list.html"

    sorts = {"name": Order("name_key"), "email": Order("email")}

    def prepare_queryset(self, queryset):
        return queryset.with_organisation().prefetch_related("membership__role_rows")


class UserInviteView(PortalView, FormView):
    """Invite a person to the organisation, by email."""

    permission_required = Permission.MANAGE_USERS
    form_class = InviteForm
    template_name = "portal/user_invite.html"

    def get_form_kwargs(self):
        return {**super().get_form_kwargs(), "by": self.request.user}

    def form_valid(self, form):
        invited = form.invite()
        if invited is None:
            return self.form_invalid(form)
        messages.success(
            self.request, _("An invitation was sent to %(email)s.") % {"email": invited.shown_email}
        )
        return redirect("users:list")


class UserPageView(ScopedView, SingleObjectMixin):
    """The base of what is done to one person of the organisation."""

    permission_required = Permission.MANAGE_USERS
    model = User
    context_object_name = "person"

    def get_queryset(self):
        return super().get_queryset().with_organisation()


class UserDetailView(UserPageView, DetailView):
    """One person: its roles to change, and whether it may sign in."""

    template_name = "portal/user_detail.html"

    @cached_property
    def object(self):
        return self.get_object()

    @property
    def why_it_stays(self):
        """Why the person can't be deactivated, in a sentence, or nothing."""
        try:
            self.object.require_dispensable(by=self.request.user)
        except ValidationError as error:
            return error.messages[0]
        return ""

    def get_context_data(self, **kwargs):
        kwargs.setdefault("form", RolesForm(member=self.object.membership, by=self.request.user))
        return super().get_context_data(
            membership=self.object.membership, why_it_stays=self.why_it_stays, **kwargs
        )

    def get(self, request, *args, **kwargs):
        return self.render_to_response(self.get_context_data())

    def post(self, request, *args, **kwargs):
        form = RolesForm(request.POST, member=self.object.membership, by=request.user)
        if not form.is_valid() or not form.save():
            return self.render_to_response(self.get_context_data(form=form))
        if form.has_changed():
            messages.success(request, _("The roles were saved. They are in force at once."))
        else:
            messages.info(request, _("Nothing was changed."))
        return redirect("users:detail", self.object.pk)


class UserActView(UserPageView, ActView):
    """The base of the buttons of a person."""

    def get_success_url(self):
        return reverse("users:detail", args=[self.object.pk])


class UserDeactivateView(UserActView):
    done_message = gettext_lazy("%(object)s was deactivated and signed out.")

    def act(self):
        self.object.deactivate(by=self.request.user)


class UserReactivateView(UserActView):
    done_message = gettext_lazy("%(object)s may sign in again.")

    def act(self):
        self.object.reactivate(by=self.request.user)


class UserInviteAgainView(UserActView):
    done_message = gettext_lazy("A new invitation was sent to %(object)s. The old link is dead.")

    def act(self):
        self.object.send_invitation(by=self.request.user)
