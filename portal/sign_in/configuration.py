"""What the portal sets of django-allauth, the same in every installation."""

SIGN_IN = {
    "ACCOUNT_ADAPTER": "portal.sign_in.adapters.AccountAdapter",
    "ACCOUNT_LOGIN_METHODS": {"email"},
    "ACCOUNT_SIGNUP_FIELDS": ["email*", "password1*", "password2*"],
    "ACCOUNT_USER_MODEL_USERNAME_FIELD": None,
    # Nobody signs up, and emails are those that admins and operators have entered.
    "ACCOUNT_EMAIL_VERIFICATION": "none",
    "ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS": False,
    "ACCOUNT_SESSION_REMEMBER": True,
    "ACCOUNT_REAUTHENTICATION_TIMEOUT": 5 * 60,
    "ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR": "portal.sign_in.tokens.ResetTokenGenerator",
    "ACCOUNT_RATE_LIMITS": {
        "login": "30/m/ip",
        # Of codes of a second factor, by person, after the password was right; for passwords see attempts.
        "login_failed": "20/5m/ip,5/5m/key",
        "reset_password": "20/m/ip,5/h/key",
        "check_domain": "5/m/user",
        # Mails to whoever wants to register, by the address that was entered.
        "register": "20/h/ip,3/h/key",
    },
    "ACCOUNT_FORMS": {
        "login": "portal.sign_in.forms.SignInForm",
        "change_password": "portal.sign_in.forms.PasswordChangeForm",
        "set_password": "portal.sign_in.forms.PasswordSetForm",
        "reset_password": "portal.sign_in.forms.PasswordResetForm",
        "reset_password_from_key": "portal.sign_in.forms.NewPasswordForm",
        "user_token": "portal.sign_in.forms.ResetLinkForm",
        "reauthenticate": "portal.sign_in.forms.PasswordConfirmForm",
    },
    "MFA_ADAPTER": "portal.sign_in.adapters.SecondFactorAdapter",
    "MFA_SUPPORTED_TYPES": ["totp", "webauthn", "recovery_codes"],
    "MFA_PASSKEY_LOGIN_ENABLED": True,
    # The clock of a phone may be half a minute off; code_forms sees to it that a code is good once.
    "MFA_TOTP_TOLERANCE": 1,
    "MFA_FORMS": {
        "authenticate": "portal.sign_in.code_forms.CodeForm",
        "reauthenticate": "portal.sign_in.code_forms.CodeConfirmForm",
        "activate_totp": "portal.sign_in.code_forms.AppForm",
        "add_webauthn": "portal.sign_in.passkey_forms.PasskeyForm",
        "authenticate_webauthn": "portal.sign_in.passkey_forms.PasskeyAnswerForm",
        "login_webauthn": "portal.sign_in.passkey_forms.PasskeySignInForm",
        "reauthenticate_webauthn": "portal.sign_in.passkey_forms.PasskeyConfirmForm",
        "edit_webauthn": "portal.sign_in.passkey_forms.PasskeyNameForm",
    },
    "SOCIALACCOUNT_ADAPTER": "portal.sign_in.adapters.ProviderAdapter",
    "SOCIALACCOUNT_REAUTHENTICATION_REQUIRED": True,
}
