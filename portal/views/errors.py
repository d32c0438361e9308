from django.shortcuts import render

from portal.permissions import roles_with


def bad_request(request, exception):
    return render(request, "400.html", status=400)


def permission_denied(request, exception):
    """Say who may, where the roles of the user are what is missing (T2)."""
    permissions = getattr(exception, "permissions", ())
    membership = getattr(request.user, "membership", None)
    roles = roles_with(*permissions) if permissions and membership else []
    context = {
        "roles": [role for role in roles if role in membership.possible_roles],
        "reason": str(exception),
    }
    return render(request, "403.html", context, status=403)


def page_not_found(request, exception):
    return render(request, "404.html", status=404)


def csrf_failure(request, reason=""):
    return render(request, "403_csrf.html", status=403)
