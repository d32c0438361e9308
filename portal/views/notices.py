"""What each must know of who answers for what, until it is dismissed (C11)."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.generic import DetailView, View

from lists.keyset import SortOrder
from portal.models import Notice, User
from portal.permissions import Permission

from .access import PortalView, ScopedView
from .lists import ScopedListView


class NoticeListView(ScopedListView):
    """All notices of one's own, the newest first."""

    permission_required = Permission.VIEW_ACTIVITY
    model = Notice
    template_name = "portal/notice_list.html"
    sorts = {"newest": SortOrder("id", is_descending=True)}

    def prepare_queryset(self, queryset: Any) -> QuerySet:
        return queryset.for_user(self.user)

    def filter_queryset(self, queryset: Any, **filters: Any) -> QuerySet:
        return queryset

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        shown = [notice.pk for notice in context["object_list"]]
        undismissed = Notice.objects.undismissed_by(self.user).filter(pk__in=shown)
        new = set(undismissed.values_list("pk", flat=True))
        context["rows"] = [(notice, notice.pk in new) for notice in context["object_list"]]
        return context


class NoticeDetailView(ScopedView, DetailView):
    """One notice: which subscriptions it is about, and whom to call from then on."""

    permission_required = Permission.VIEW_ACTIVITY
    model = Notice
    slug_field = slug_url_kwarg = "uuid"
    template_name = "portal/notice_detail.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        is_new = Notice.objects.undismissed_by(self.user).filter(pk=self.object.pk)
        return super().get_context_data(is_new=is_new.exists(), **kwargs)


class DismissView(PortalView, View):
    """The base of the buttons that take notices off the user's first page; other users keep them."""

    permission_required = Permission.VIEW_ACTIVITY
    http_method_names = ["post"]

    def dismiss(self, user: User) -> None:
        raise NotImplementedError

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.dismiss(self.user)
        return redirect("notices" if request.POST.get("next") == "notices" else "home")


class DismissNoticeView(DismissView):
    """One notice."""

    def dismiss(self, user: User) -> None:
        notice = Notice.objects.visible_to(self.membership).filter(uuid=self.kwargs["uuid"]).first()
        if notice is None:
            raise Http404
        notice.dismissed_by.add(user)


class DismissNoticesView(DismissView):
    """All up to the newest that the page showed."""

    def dismiss(self, user: User) -> None:
        newest = self.request.POST.get("newest", "")
        if newest.isascii() and newest.isdigit() and len(newest) < 19:
            user.dismiss_notices(int(newest))
