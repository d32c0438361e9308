from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from portal.middleware_base import Middleware

# What an admin may do who has still to keep or end the partners of its company: that, sign out, see to its
# own account, and read it in German. All of the account is below /accounts/.
OPEN_BEFORE = {"take_over:own", "set_language", "set_theme", "healthz", "readyz"}
OF_THE_ACCOUNT = "accounts/"


class TakeOverMiddleware(Middleware):
    """Lead an admin whose company has partners that nobody has kept to the page where it keeps or ends them.

    It is the first thing that such an admin does (R15): every other page of the company waits.
    """

    def process_view(
        self, request: HttpRequest, view: Callable, args: tuple, kwargs: dict
    ) -> HttpResponse | None:
        customer = request.user.is_authenticated and request.user.organisation
        if not getattr(customer, "must_review_partners", False):
            return None
        match = request.resolver_match
        if match and (match.view_name in OPEN_BEFORE or match.route.startswith(OF_THE_ACCOUNT)):
            return None
        return redirect("take_over:own")
