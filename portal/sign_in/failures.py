"""Why a sign-in by an identity provider failed, for the log: in words that name no person."""

import logging
import re
from typing import Any

from allauth.socialaccount.providers.base import ProviderException

logger = logging.getLogger(__name__)


class SignInFailed(ProviderException):
    """A sign-in by an identity provider can't go on. The message says why and quotes no claim."""


def error_code(text: Any) -> str:
    """Return an error code of OAuth as it came, or a stand-in for what is none and might be anything."""
    is_code = isinstance(text, str) and re.fullmatch(r"[a-z][a-z_]{2,50}", text)
    return text if is_code else "(not readable)"


def describe(error: Exception) -> str:
    """Return why: what ``SignInFailed`` says, and of other errors only the kind, for they quote."""
    return str(error) if isinstance(error, SignInFailed) else type(error).__name__


def log_failure(provider_id: str, reason: str) -> None:
    logger.warning("Sign-in by %s failed: %s", provider_id, reason)
