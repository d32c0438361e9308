"""Acts that take a while: their page is sent while they run, and says how far they are and how they ended."""

import logging
import secrets
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _
from django.views.generic import View
from django_guid import get_guid

from portal.client_address import acting_from, current_address
from portal.database_faults import fault_of, is_conflict
from portal.streams import Outcome, StreamedPage

logger = logging.getLogger(__name__)


class StreamedActView(View):
    """Do something in one transaction, and send its page meanwhile, piece by piece.

    ``get_steps`` is the act. Its page has ``{{ here }}`` twice: where the steps stand, and where it is told
    how the act ended. It is told after the transaction: that all is done, that it was refused, or what went
    wrong, what became of it and what helps. Where nobody reads on, the act is given up.
    """

    http_method_names = ["post"]
    template_name = ""
    ending_template_name = "includes/streamed_ending.html"

    def get_steps(self) -> Generator[tuple[str, int, int], None, None]:
        """Yield before each step of the act a sentence, how much is done, and of how much (0: not known)."""
        raise NotImplementedError

    def is_done(self) -> bool:
        """Whether the act is stored, as the database says now."""
        raise NotImplementedError

    def get_result_url(self) -> str:
        """The page that shows what became of the act, or that it is still to be done."""
        raise NotImplementedError

    def stream(self, **context: Any) -> StreamedPage:
        here = secrets.token_hex(16)
        context |= {"here": here, "result": self.get_result_url()}
        page = render_to_string(self.template_name, context, self.request)
        response = StreamedPage(
            content_type="text/html; charset=utf-8",
            # No proxy may keep the pieces until all are there.
            headers={"X-Accel-Buffering": "no", "Cache-Control": "no-store"},
        )
        response.streaming_content = self._run(
            response, page.split(here), get_language(), current_address()
        )
        return response

    def _run(
        self,
        response: StreamedPage,
        page: list[str],
        language: str,
        address: str | None,
    ) -> Iterator[str]:
        start, between, end = page
        yield start
        try:
            # The page is sent when the request has been left, and with it who acts from where.
            with acting_from(address), closing(self.get_steps()) as steps:
                while (step := self._in(language, next, steps, None)) is not None:
                    yield self._in(language, self._written, *step)
        except ValidationError as error:
            response.outcome = Outcome.REFUSED
            ending = self._in(language, self._ending, sentences=error.messages)
        except Exception as error:
            response.outcome = Outcome.FAILED
            logger.exception("An act failed while its page was sent")
            ending = self._in(language, self._failed, error)
        else:
            ending = self._in(language, self._ending, is_done=True)
        yield between
        yield ending
        yield end

    @staticmethod
    def _in(language: str, act: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        # Not around the whole: between two pieces the thread is the server's.
        with override(language):
            return act(*args, **kwargs)

    @staticmethod
    def _written(sentence: str, done: int, total: int) -> str:
        if not total:
            return format_html("<p>{}</p>\n", sentence)
        return format_html(
            '<p><progress max="{}" value="{}" aria-label="{}"></progress> {}</p>\n',
            total,
            done,
            sentence,
            sentence,
        )

    def _ending(self, **context: Any) -> str:
        return render_to_string(
            self.ending_template_name, {"result": self.get_result_url(), **context}
        )

    def _failed(self, error: Exception) -> str:
        try:
            # Of a connection that broke while it committed, only the database knows what it did.
            if not connection.in_atomic_block:
                connection.close_if_unusable_or_obsolete()
            is_done = self.is_done()
        except Exception:
            is_done = None  # what failed is in the log already
        if is_done:
            return self._ending(is_done=True)
        return self._ending(sentences=_sentences(error, is_done), request_id=get_guid())


def _sentences(error: Exception, is_done: bool | None) -> Iterator[str]:
    """What someone reads whose act failed by ``error``: what happened, what became of it, what helps."""
    fault = fault_of(error)
    if is_conflict(error):
        yield _("Someone else was changing the same at this moment.")
    else:
        yield str(fault.sentence) if fault else _("The portal could not do this.")
    if is_done is None:
        yield _("Whether it was done can't be said now. Go back in a moment: the page shows it.")
    else:
        yield _("Nothing was changed. Go back, look at what is there now, and submit it again.")
