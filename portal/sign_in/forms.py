"""The forms of django-allauth in the portal's design and words."""

from typing import Any

from allauth.account import forms as account_forms
from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal import links, mail
from portal.addresses import normal_email
from portal.forms import StyledField
from portal.models import ProofMethod, User

# To one address, when it asks for a new password: several organisations may have invited it.
MOST_INVITATIONS = 3
NEW_PASSWORD = {"password1": _("New password"), "password2": _("New password, again")}


class DesignedForm(forms.Form):
    """The design of the portal on a form of allauth: its labels, and no hint inside of the fields."""

    bound_field_class = StyledField
    labels: dict[str, Any] = {}
    help_texts: dict[str, Any] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.widget.attrs.pop("placeholder", None)
            field.label = self.labels.get(name, field.label)
            if not name.startswith("password1"):
                field.help_text = self.help_texts.get(name, "")


def email_of(user: User | None, typed: str) -> str:
    """Return ``typed``, the email of ``user`` or of nobody, as it is kept: so attempts are counted."""
    try:
        return user.email if user else normal_email(typed)
    except ValidationError:
        return typed


class SignInForm(DesignedForm, account_forms.LoginForm):
    """Email and password. The answer does not tell whether an account exists."""

    labels = {"login": _("Email"), "password": _("Password")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].widget.attrs |= {"autocomplete": "username", "autofocus": True}

    def clean_login(self) -> str:
        typed = self.cleaned_data["login"]
        return email_of(User.objects.called(typed), typed)

    def add_prefix(self, field_name: str) -> str:
        # Password managers and scripts know the field by this name.
        return super().add_prefix("username" if field_name == "login" else field_name)


class PasswordConfirmForm(DesignedForm, account_forms.ReauthenticateForm):
    labels = {"password": _("Password")}


class PasswordChangeForm(DesignedForm, account_forms.ChangePasswordForm):
    labels = {"oldpassword": _("Current password"), **NEW_PASSWORD}


class PasswordSetForm(DesignedForm, account_forms.SetPasswordForm):
    labels = NEW_PASSWORD


class NewPasswordForm(DesignedForm, account_forms.ResetPasswordKeyForm):
    """The new password of whom the link in a mail brought here: the mail has reached it (R14)."""

    labels = NEW_PASSWORD

    @transaction.atomic
    def save(self) -> None:
        super().save()
        self.user.prove(self.user.email, how=ProofMethod.RESET)


class PasswordResetForm(DesignedForm, account_forms.ResetPasswordForm):
    """Asks for a link by mail. Page and effort are the same whether or not there is an account.

    Who was invited and has not been here yet gets the invitation once more.
    """

    labels = {"email": _("Email")}

    def clean_email(self) -> str:
        typed = self.cleaned_data["email"]
        called = User.objects.called(typed)
        self.users = [called] if called else User.objects.invited(typed)[:MOST_INVITATIONS]
        return email_of(called, typed)

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        email = self.cleaned_data["email"]
        sent = [self.send_link(user) for user in self.users]
        if not any(sent):
            self.compose_link(User(email=email))
        return email

    def send_link(self, user: User) -> bool:
        """Mail ``user`` what opens the portal to it. Returns whether there is anything."""
        if not may_reset(user):
            return user.repeat_invitation()
        self.compose_link(user).send()
        return True

    def compose_link(self, user: User) -> mail.Message:
        return mail.compose("password_reset", user, link=links.absolute(reset_path(user)))


def reset_path(user: User) -> str:
    """The path of a link, to be mailed to ``user``, that lets it set a new password."""
    keys = {"uidb36": user.pk.hex, "key": account_forms.default_token_generator.make_token(user)}
    return reverse("account_reset_password_from_key", kwargs=keys)


class ResetLinkForm(account_forms.UserTokenForm):
    """The link of the mail: who may not sign in can't use it either (T3)."""

    def _get_user(self, uidb36: str) -> User | None:
        user = super()._get_user(uidb36)
        return user if user and may_reset(user) else None


def may_reset(user: User) -> bool:
    """Whether ``user`` may get a new password by mail: it may sign in, and has one."""
    return user.may_sign_in and user.has_usable_password()
