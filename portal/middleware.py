import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, TypeGuard

from django.db import connection
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.client_address import acting_from, address_of
from portal.database_faults import is_conflict
from portal.hashers import TooBusy
from portal.languages import speak
from portal.middleware_base import Middleware
from portal.streams import WatchedPieces
from portal.views.errors import busy, conflict, too_many_requests
from portal.zones import zone_of

access_logger = logging.getLogger("portal.access")


def _is_made_while_sent(response: HttpResponseBase) -> TypeGuard[StreamingHttpResponse]:
    return isinstance(response, StreamingHttpResponse) and not isinstance(response, FileResponse)


class DatabaseLimitsMiddleware(Middleware):
    """Limit what a request, all other middleware included, may ask of PostgreSQL (ADR 0018).

    Commands of ``manage.py``, the worker too, have no such limits: migrations take their time. SQLite has
    one of its own: nobody waits there for longer than its ``timeout``.
    """

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with self.limits():
            response = self.get_response(request)
        if _is_made_while_sent(response):
            response.streaming_content = self.limit(iter(response))
        return response

    def limit(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the pieces of a page that is made while it is sent."""
        with self.limits():
            yield from pieces

    @staticmethod
    def limits() -> AbstractContextManager:
        return getattr(connection, "limited", nullcontext)()


class HeadMiddleware(Middleware):
    """Answer HEAD without a body. Django makes the body all the same, and the server warns of each one."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.method == "HEAD":
            if isinstance(response, StreamingHttpResponse):
                response.streaming_content = ()
            elif isinstance(response, HttpResponse):
                response.headers.setdefault("Content-Length", str(len(response.content)))
                response.content = b""
        return response


class ResponseHeadersMiddleware(Middleware):
    """What every answer says to browsers and caches, unless it says otherwise itself.

    Nothing that a signed-in user reads is kept: not in caches on the way, not on the disk of a shared
    computer. Static files say for themselves how long they are good.
    """

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "private, no-store")
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response


class AccessLogMiddleware(Middleware):
    """One line for each request: which page, not whose. Paths and query strings name people and rows.

    Of an answer that is sent while it is made, the line is written when that ends, and says how: its
    status was sent before. A file was complete before its first byte.
    """

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        response = self.get_response(request)
        match = request.resolver_match
        line = {
            "method": request.method,
            "route": f"/{match.route}" if match else "unknown",
            "status_code": response.status_code,
        }

        def write(**outcome: str) -> None:
            elapsed = round((time.perf_counter() - started) * 1000)
            said = {**line, **outcome}
            message = " ".join(map(str, said.values()))
            access_logger.info("%s", message, extra={**said, "milliseconds": elapsed})

        if _is_made_while_sent(response):
            response.streaming_content = WatchedPieces(response, write)
        else:
            write()
        return response


class ClientAddressMiddleware(Middleware):
    """Let the activity log know from where each request comes."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with acting_from(address_of(request)):
            return self.get_response(request)


class UserLanguageMiddleware(Middleware):
    """Speak the language that the signed-in user has picked, whatever the browser asks for."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        speak(request, getattr(request.user, "language", ""))
        return self.get_response(request)


class UnderWayMiddleware(Middleware):
    """Let one user have few changes under way at one time, so that the others find a thread that is free.

    A person sends one after the other, or the same twice. Beyond ``AT_ONCE`` in this process the answer is
    429, at once. A page that is sent while it is made is under way until its end. Sign-ins have limits of
    their own.
    """

    AT_ONCE = 2

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        super().__init__(get_response)
        self.lock, self.under_way = threading.Lock(), Counter[Any]()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.method in ("GET", "HEAD", "OPTIONS") or not request.user.is_authenticated:
            return self.get_response(request)
        key = request.user.pk
        with self.lock:
            is_one_too_many = self.under_way[key] >= self.AT_ONCE
            if not is_one_too_many:
                self.under_way[key] += 1
        if is_one_too_many:
            return too_many_requests(
                request,
                reason=_(
                    "Other changes of yours are under way. Nothing of this one was done. Wait until they are"
                    " finished, then try again."
                ),
            )
        try:
            response = self.get_response(request)
        except BaseException:
            self.end(key)
            raise
        if isinstance(response, StreamingHttpResponse):
            response._resource_closers.append(partial(self.end, key))  # type: ignore[attr-defined]
        else:
            self.end(key)
        return response

    def end(self, key: Any) -> None:
        with self.lock:
            self.under_way[key] -= 1
            if not self.under_way[key]:
                del self.under_way[key]


class UserTimeZoneMiddleware(Middleware):
    """Let each page, file and filter have the days of the signed-in user, see ``portal.zones``."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with timezone.override(zone_of(request.user)):
            return self.get_response(request)


class ConflictMiddleware(Middleware):
    """Of two who change the same at once, tell the one who came too late (409) instead of failing.

    Whatever it had begun was rolled back.
    """

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return conflict(request, exception) if is_conflict(exception) else None


class BusyMiddleware(Middleware):
    """Ask whoever would wait too long for its password to be checked to try again (503)."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return busy(request, exception) if isinstance(exception, TooBusy) else None
