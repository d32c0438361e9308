"""The pages of django-allauth that the portal uses, and none of the others: no sign-up, no change of email.

The names are those by which allauth finds them.
"""

from collections.abc import Callable
from typing import Any

from allauth.account import views as account
from allauth.socialaccount import views as identities
from django.contrib.auth.decorators import login_not_required
from django.urls import path

from . import views


def second_factor(page: str, **details: Any) -> Callable:
    return views.SecondFactorView.as_view(page=page, **details)


urlpatterns = [
    path("login/", views.SignInView.as_view(), name="account_login"),
    path("logout/", views.SignOutView.as_view(), name="account_logout"),
    path("confirm/", account.reauthenticate, name="account_reauthenticate"),
    path("password/change/", account.password_change, name="account_change_password"),
    path("password/set/", account.password_set, name="account_set_password"),
    path("password/reset/", account.password_reset, name="account_reset_password"),
    path("password/reset/sent/", account.password_reset_done, name="account_reset_password_done"),
    path(
        "password/reset/done/",
        account.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    path(
        "password/reset/<slug:uidb36>/<str:key>/",
        account.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path("second-factor/", second_factor("index"), name="mfa_index"),
    path(
        "second-factor/enter/",
        login_not_required(second_factor("authenticate", asks_for_passkey=True)),
        name="mfa_authenticate",
    ),
    path("second-factor/confirm/", second_factor("reauthenticate"), name="mfa_reauthenticate"),
    path("second-factor/app/", second_factor("activate_totp"), name="mfa_activate_totp"),
    path("second-factor/app/remove/", second_factor("deactivate_totp"), name="mfa_deactivate_totp"),
    path(
        "second-factor/codes/", second_factor("view_recovery_codes"), name="mfa_view_recovery_codes"
    ),
    path(
        "second-factor/codes/new/",
        second_factor("generate_recovery_codes"),
        name="mfa_generate_recovery_codes",
    ),
    path(
        "second-factor/codes/download/",
        second_factor("download_recovery_codes"),
        name="mfa_download_recovery_codes",
    ),
    path("passkeys/", second_factor("list_webauthn"), name="mfa_list_webauthn"),
    path(
        "passkeys/add/",
        second_factor("add_webauthn", asks_for_passkey=True),
        name="mfa_add_webauthn",
    ),
    path(
        "passkeys/sign-in/",
        login_not_required(second_factor("login_webauthn")),
        name="mfa_login_webauthn",
    ),
    path(
        "passkeys/confirm/",
        second_factor("reauthenticate_webauthn", asks_for_passkey=True),
        name="mfa_reauthenticate_webauthn",
    ),
    path("passkeys/<int:pk>/name/", second_factor("edit_webauthn"), name="mfa_edit_webauthn"),
    path("passkeys/<int:pk>/remove/", second_factor("remove_webauthn"), name="mfa_remove_webauthn"),
    path("sessions/", views.SessionsView.as_view(), name="usersessions_list"),
    path("sessions/end/", views.SessionsEndView.as_view(), name="sessions_end"),
    path("identities/", views.IdentitiesView.as_view(), name="socialaccount_connections"),
    path("identities/<int:pk>/unlink/", views.IdentityUnlinkView.as_view(), name="identity_unlink"),
    path("oidc-cancelled/", identities.login_cancelled, name="socialaccount_login_cancelled"),
]
