from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.formats import localize
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.generic import DetailView, FormView
from django.views.generic.detail import SingleObjectMixin

from lists.keyset import SortOrder
from portal.authority import Principal
from portal.forms import InviteForm, RolesForm
from portal.models import User
from portal.permissions import Permission

from .access import PortalView, ScopedView
from .acts import ActView, AskedActView
from .lists import ScopedListView


class UserListView(ScopedListView):
    """The people of the organisation: who may do what, and who has not been here yet."""

    permission_required = Permission.MANAGE_USERS
    model = User
    template_name = "portal/user_list.html"

    sorts = {"name": SortOrder("name_key"), "email": SortOrder("email")}

    def prepare_queryset(self, queryset: Any) -> QuerySet:
        return queryset.with_organisation().prefetch_related("membership__role_rows")


class UserInviteView(PortalView, FormView):
    """Invite a person to the organisation, by email."""

    permission_required = Permission.MANAGE_USERS
    form_class = InviteForm
    template_name = "portal/user_invite.html"

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "by": self.user}

    def form_valid(self, form: InviteForm) -> HttpResponse:
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

    def get_queryset(self) -> Any:
        return super().get_queryset().with_organisation()


def why_it_stays(person: User, *, by: Principal) -> str:
    """Why ``by`` can't deactivate the person, in a sentence, or nothing."""
    try:
        person.require_dispensable(by=by)
    except ValidationError as error:
        return error.messages[0]
    return ""


class UserDetailView(UserPageView, DetailView):
    """One person: its roles to change, and whether it may sign in."""

    template_name = "portal/user_detail.html"

    @cached_property
    def object(self) -> User:
        return self.get_object()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        kwargs.setdefault("form", RolesForm(member=self.object.membership, by=self.user))
        return super().get_context_data(
            membership=self.object.membership,
            why_it_stays=why_it_stays(self.object, by=self.user),
            **kwargs,
        )

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = RolesForm(request.POST, member=self.object.membership, by=self.user)
        if not form.is_valid() or not form.save():
            return self.render_to_response(self.get_context_data(form=form))
        if form.has_changed():
            messages.success(request, _("The roles were saved. They are in force at once."))
        else:
            messages.info(request, _("Nothing was changed."))
        return redirect("users:detail", self.object.pk)


class UserActView(UserPageView, ActView):
    """The base of the buttons of a person."""

    def get_success_url(self) -> str:
        return reverse("users:detail", args=[self.object.pk])


class UserDeactivateView(UserActView, AskedActView):
    button = gettext_lazy("Deactivate")
    done_message = gettext_lazy("%(object)s was deactivated and signed out.")

    def get_question(self) -> str:
        return _("Deactivate %(person)s?") % {"person": self.object}

    def get_crumbs(self, back: str) -> list[tuple[str, str]]:
        return [(_("Users"), reverse("users:list")), (str(self.object), back)]

    def get_refusal(self) -> str:
        if not self.object.is_active:
            return _("This user is deactivated and can't sign in.")
        return why_it_stays(self.object, by=self.user)

    def get_consequences(self) -> list[str]:
        sentences = [
            _(
                "%(person)s (%(email)s) is signed out everywhere at once and can't sign in until you"
                " reactivate the account. What was done stays in the activity log."
            )
            % {"person": self.object, "email": self.object.shown_email}
        ]
        count = self.object.requests_answered.bound_by_proofs_of([self.object]).count()
        if count:
            sentence = ngettext(
                "%(count)s open request to its address can no longer be answered by your company.",
                "%(count)s open requests to its addresses can no longer be answered by your company.",
                count,
            )
            sentences.append(sentence % {"count": localize(count)})
        return sentences

    def act(self) -> None:
        self.object.deactivate(by=self.user)


class UserReactivateView(UserActView):
    done_message = gettext_lazy("%(object)s may sign in again.")

    def act(self) -> None:
        self.object.reactivate(by=self.user)


class UserInviteAgainView(UserActView):
    done_message = gettext_lazy("A new invitation was sent to %(object)s. The old link is dead.")

    def act(self) -> None:
        self.object.send_invitation(by=self.user)
