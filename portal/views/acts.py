from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.functional import Promise
from django.views.generic import View
from django.views.generic.detail import SingleObjectMixin

from portal.questions import QuestionMixin

from .access import ScopedView


class ActView(ScopedView, SingleObjectMixin, View):
    """A button: POST calls one business act on one row and leads back to a page that says what happened.

    Where the act is refused, the page says why and nothing was written.
    """

    http_method_names = ["post"]
    done_message: str | Promise = ""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.object = self.get_object()
        try:
            self.act()
        except ValidationError as error:
            for message in error.messages:
                messages.error(request, message)
        else:
            if self.done_message:
                messages.success(request, self.done_message % {"object": self.object})
        return redirect(self.get_success_url())

    def act(self) -> None:
        """Call the model's method. Raises ``ValidationError`` where it refuses."""
        raise NotImplementedError

    def get_success_url(self) -> str:
        raise NotImplementedError


class AskedActView(QuestionMixin, ActView):
    """An act that takes something away, and asks first: GET is the page of the question, POST acts."""

    http_method_names = ["get", "head", "post"]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.object = self.get_object()
        return self.ask()

    def get_back(self) -> str:
        return self.get_success_url()
