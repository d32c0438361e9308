from django.shortcuts import redirect

# What an admin may do who has still to keep or end the partners of its company: that, sign out, see to its
# own account, and read it in German. All of the account is below /accounts/.
OPEN_BEFORE = {"take_over:own", "set_language", "set_theme", "healthz", "readyz"}
OF_THE_ACCOUNT = "accounts/"


class TakeOverMiddleware:
    """Lead an admin whose company has partners that nobody has kept to the page where it keeps or ends them.

    It is the first thing that such an admin does (R15): every other page of the company waits.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_view(self, request, view, args, kwargs):
        customer = request.user.is_authenticated and request.user.organisation
        if not getattr(customer, "must_review_partners", False):
            return None
        match = request.resolver_match
        if match.view_name in OPEN_BEFORE or match.route.startswith(OF_THE_ACCOUNT):
            return None
        return redirect("take_over:own")
