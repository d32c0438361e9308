"""How much of a request's body the portal reads: no more than a page needs, nothing of a larger one."""

import io
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from portal.middleware_base import Middleware

# What a form can need, and the API: texts and keys.
PAGE_BYTES = 1_000_000
# What a page that takes files can need, for those who may use it.
UPLOAD_BYTES = 60_000_000


class BodyLimitMiddleware(Middleware):
    """Refuse a body that is too large (413) before a byte of it is read.

    It stands before everything that reads bodies, the check of CSRF tokens first of all. A view that takes
    files says so by ``takes_files``; its larger limit holds for users whose permissions let them use it.
    """

    def process_view(
        self, request: HttpRequest, view: Callable, args: tuple, kwargs: dict
    ) -> HttpResponse | None:
        said = request.headers.get("content-length") or "0"
        size = int(said) if said.isascii() and said.isdecimal() else PAGE_BYTES + 1
        if size <= PAGE_BYTES:
            return None
        page = getattr(view, "view_class", None)
        limit = PAGE_BYTES
        if page is not None and getattr(page, "takes_files", False):
            limit = UPLOAD_BYTES
            if size <= limit and request.user.has_perm(page.permission_required):
                return None
        return render(request, "413.html", {"megabytes": limit // 1_000_000}, status=413)


class MeasuredBodies:
    """A WSGI application that gives ``application`` bodies of a known length.

    Django reads nothing of a body without ``Content-Length``, as clients of the API may send it in chunks.
    Of such a body no more is read than a page can need; a larger one is passed on by its length alone, and
    refused.
    """

    def __init__(self, application: Callable[..., Any]) -> None:
        self.application = application

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        if environ.get("HTTP_TRANSFER_ENCODING") and not environ.get("CONTENT_LENGTH"):
            body = environ["wsgi.input"].read(PAGE_BYTES + 1)
            environ["wsgi.input"] = io.BytesIO(body)
            environ["CONTENT_LENGTH"] = str(len(body))
        return self.application(environ, start_response)
