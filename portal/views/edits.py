from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.views.generic import UpdateView

from portal.models import ActivityEntry, Actor, StaleRow

from .access import ScopedView


class EditView(ScopedView, UpdateView):
    """An ``EditForm`` for one row, which goes through the model's ``change``.

    Where someone else changed the row since the form was opened, nothing is overwritten: the page says
    who, when, and from what to what (HTTP 409), and keeps what was typed.
    """

    done_message: str | Promise = ""

    def form_valid(self, form: Any) -> HttpResponse:
        try:
            changed = self.object.change(
                form.edited_fields,
                by=self.user,
                seen=form.cleaned_data["seen"] or None,
            )
        except StaleRow as stale:
            return self.show_conflict(stale.entry)
        except ValidationError as error:
            form.add_model_errors(error)
            return self.form_invalid(form)
        if changed:
            messages.success(self.request, str(self.done_message))
        else:
            messages.info(self.request, _("Nothing was changed."))
        return redirect(self.get_success_url())

    def show_conflict(self, entry: ActivityEntry | None) -> HttpResponse:
        self.object = self.get_object()
        typed = self.request.POST.copy()
        typed["seen"] = self.object.version
        form = self.get_form_class()(**{**self.get_form_kwargs(), "data": typed})
        who = self.name_actor(entry.actor) if entry else ""
        context = self.get_context_data(form=form, is_conflict=True, conflict=entry, who=who)
        return self.render_to_response(context, status=409)

    def name_actor(self, actor: Actor | None) -> str:
        """Who changed it, as the user may know it; of another partner not the name (T1)."""
        if actor is None:
            return _("the portal")
        if actor.partner_id and not actor.is_of(self.membership):
            return _("Another partner")
        return str(actor.seen_by(self.membership))
