"""The page that asks before something is taken away."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.views.generic import View


class QuestionMixin(View):
    """GET is a page that names its object, and says in numbers what follows, before POST acts.

    It counts what the user may see, nothing else (T1), and leads to the list of it. Where scripts run,
    the same is shown in a dialog (``static/portal/questions.js``).
    """

    question_template = "portal/question.html"
    button: str | Promise = ""  # what the act is called, on its button and above the page

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.ask()

    def ask(self) -> HttpResponse:
        return render(self.request, self.question_template, self.describe_question())

    def describe_question(self) -> dict[str, Any]:
        """What the page of the question shows."""
        back = self.get_back()
        shown: dict[str, Any] = {
            "question": self.get_question(),
            "refusal": self.get_refusal(),
            "button": self.button,
            "action": self.request.path,
            "back": back,
            "crumbs": self.get_crumbs(back),
        }
        if not shown["refusal"]:
            shown["consequences"] = self.get_consequences()
        return shown

    def get_question(self) -> str:
        """The question, which names its object."""
        raise NotImplementedError

    def get_consequences(self) -> list[str]:
        """What follows, sentence by sentence."""
        raise NotImplementedError

    def get_refusal(self) -> str:
        """Why there is nothing to ask as things stand now, in a sentence, or nothing."""
        return ""

    def get_back(self) -> str:
        """The address of the page that the question was asked on."""
        raise NotImplementedError

    def get_crumbs(self, back: str) -> list[tuple[str, str]]:
        """The pages above this one, from the top: label and address of each."""
        return []
