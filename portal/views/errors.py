import logging
import sys

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import get_language_from_request, override
from django.utils.translation import gettext as _
from django_guid import get_guid

from portal.database_faults import fault_of, is_conflict
from portal.permissions import roles_with

logger = logging.getLogger(__name__)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    context = {"reason": getattr(exception, "reason", "")}
    return render(request, "400.html", context, status=400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say who may, where the roles of the user are what is missing (T2)."""
    permissions = getattr(exception, "permissions", ())
    membership = getattr(request.user, "membership", None)
    roles = roles_with(*permissions) if permissions else []
    possible = membership.possible_roles if membership else ()
    context = {
        "roles": [role for role in roles if role in possible],
        "reason": str(exception),
    }
    return render(request, "403.html", context, status=403)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "404.html", status=404)


def conflict(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Someone else changed the same at the same time; nothing of this request was written."""
    logger.warning("Conflict", exc_info=exception)
    return render(request, "409.html", status=409)


def busy(request: HttpRequest, exception: Exception) -> HttpResponse:
    """So many sign in at the same time that this one would wait too long; nothing was written."""
    logger.warning("Too busy", exc_info=exception)
    reason = _(
        "Too many people are signing in at this moment. Nothing was changed. Wait a few seconds and try "
        "again."
    )
    answer = render(request, "503.html", {"reason": reason}, status=503)
    answer["Retry-After"] = "5"
    return answer


def too_many_requests(
    request: HttpRequest, exception: Exception | None = None, *, reason: str = ""
) -> HttpResponse:
    return render(request, "429.html", {"reason": reason}, status=429)


def server_error(request: HttpRequest) -> HttpResponse:
    """Apologise, with the id under which the log tells what happened; 503 where the database fails.

    Where somebody else held what this request wanted it is told as that (409): views' errors of the kind
    are answered by ``ConflictMiddleware``, those of other middleware come here.

    Rendered without the request: neither the database nor a context processor is asked, for they may be
    what failed.
    """
    language = getattr(request, "LANGUAGE_CODE", None) or get_language_from_request(request)
    headers = {"Content-Language": language}
    error = sys.exception()
    fault = fault_of(error)
    if fault:
        headers["Retry-After"] = str(fault.retry_after)
    with override(language):
        context = {"request_id": get_guid(), "fault": fault}
        if is_conflict(error):
            return HttpResponse(render_to_string("409.html"), status=409, headers=headers)
        page = render_to_string("500.html", context)
    return HttpResponse(page, status=503 if fault else 500, headers=headers)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return render(request, "403_csrf.html", status=403)
