"""Who has signed in."""

from typing import cast

from django.http import HttpRequest

from portal.models import User


def user_of(request: HttpRequest) -> User:
    """Return who has signed in, on a page that nobody gets to without (``LoginRequiredMiddleware``)."""
    return cast(User, request.user)
