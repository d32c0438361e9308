"""Answers that are sent piece by piece while they are made.

Their status goes out first and says nothing of how they end, so each tells that itself: to its reader on the
page, see ``portal.views.StreamedActView``, and to the operator in the log.
"""

import errno
import logging
from collections.abc import Callable
from enum import StrEnum
from typing import Self

from django.http import StreamingHttpResponse

logger = logging.getLogger(__name__)


class Outcome(StrEnum):
    """How an answer that was sent piece by piece ended, as the access log says."""

    DONE = "done"
    REFUSED = "refused"  # a rule was against it, and its reader was told
    FAILED = "failed"  # a fault stopped it; its reader was told where that was possible
    LEFT = "left"  # nobody read on


class StreamedPage(StreamingHttpResponse):
    """A page that is sent while it is made. Who makes it says how it ended, where that is not ``DONE``."""

    outcome = Outcome.DONE


class WatchedPieces:
    """The pieces of the streamed ``response``; once they have ended, ``write`` is told the ``outcome``.

    That is what the response says of itself by an attribute of this name, else how the pieces ended. A fault
    that comes out of them is logged here, where the log still knows the request, and cuts the connection: a
    reader of half an answer must not take it for the whole.
    """

    def __init__(self, response: StreamingHttpResponse, write: Callable[..., None]) -> None:
        self._response = response
        self._pieces = iter(response)
        self._write: Callable[..., None] | None = write
        self._outcome = Outcome.LEFT

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._pieces)
        except StopIteration:
            self._outcome = getattr(self._response, "outcome", Outcome.DONE)
            raise
        except Exception as error:
            self._outcome = Outcome.FAILED
            logger.exception("An answer broke off")
            # For the server a connection that is gone, which it closes without another line in the log.
            raise ConnectionResetError(errno.ECONNRESET, "The answer broke off") from error

    def close(self) -> None:
        """Write the line, once; whoever serves the response closes it, whatever happens."""
        write, self._write = self._write, None
        if write is not None:
            write(outcome=str(self._outcome))
