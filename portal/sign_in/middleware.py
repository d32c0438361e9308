from django.shortcuts import redirect

# What someone may do who needs a second factor and has none: set one up, sign out, read it in German.
OPEN_WITHOUT_SECOND_FACTOR = {
    "account_logout",
    "account_reauthenticate",
    "mfa_activate_totp",
    "mfa_add_webauthn",
    "mfa_index",
    "set_language",
    "set_theme",
}
HAS_SECOND_FACTOR = "has_second_factor"


class SecondFactorMiddleware:
    """Lead those who need a second factor and have none to the page where they set one up.

    Django admin is behind it too. The session remembers who has one, so it is asked once.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_view(self, request, view, args, kwargs):
        user = request.user
        if (
            not user.is_authenticated
            or not user.needs_second_factor
            or request.session.get(HAS_SECOND_FACTOR)
            or request.resolver_match.view_name in OPEN_WITHOUT_SECOND_FACTOR
        ):
            return None
        if not user.second_factors.exists():
            return redirect("mfa_index")
        request.session[HAS_SECOND_FACTOR] = True
        return None
