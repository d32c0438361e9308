"""Settings of the partner portal, read from the environment.

``.env.example`` explains every variable. A variable that is missing or can't be read stops the start
with a sentence that says what to set.
"""

import os
from collections.abc import Callable
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from portal.country_names import CLDR_NAMES
from portal.database import read_database
from portal.links import read_portal_url
from portal.name_servers import read_resolvers
from portal.permissions_policy import permissions_policy
from portal.sign_in.configuration import SIGN_IN
from portal.sign_in.providers import apps_of, origins_of
from portal.zones import read_time_zone

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
env.read_env(BASE_DIR / ".env")


def read(cast: Callable[..., Any], name: str, default: Any) -> Any:
    """Return the variable ``name``, or stop the start with a sentence that says what to set."""
    try:
        return cast(name, default=default)
    except (ValueError, KeyError, ImproperlyConfigured) as error:
        raise ImproperlyConfigured(f"{name} can't be read: {error}. See .env.example.") from error


DEBUG = read(env.bool, "DEBUG", False)

SECRET_KEY = read(env.str, "SECRET_KEY", "")
if not SECRET_KEY:
    if not DEBUG:
        raise ImproperlyConfigured(
            "SECRET_KEY is not set. Set it to a long random string that stays the same between "
            "starts, or set DEBUG=1 on a developer's machine. See .env.example."
        )
    SECRET_KEY = "insecure-only-for-development-because-DEBUG-is-on"  # noqa: S105

# Keys of before: what was signed with them is still good, what is signed now is not.
SECRET_KEY_FALLBACKS = read(env.list, "SECRET_KEY_FALLBACKS", [])

ALLOWED_HOSTS = read(env.list, "ALLOWED_HOSTS", [])
if not ALLOWED_HOSTS and not DEBUG:
    raise ImproperlyConfigured(
        "ALLOWED_HOSTS is not set. Set it to the host names under which the portal is reached. "
        "See .env.example."
    )
CSRF_TRUSTED_ORIGINS = read(env.list, "CSRF_TRUSTED_ORIGINS", [])
# Whatever else is served at the same host could act with the cookies of whoever is signed in, see ADR 0019.
for _name in ("SCRIPT_NAME", "FORCE_SCRIPT_NAME"):
    if read(env.str, _name, "").strip("/"):
        raise ImproperlyConfigured(
            f"{_name} can't be used: the portal needs a host of its own and stands at its root, not below a "
            "path. Leave it out, and set PORTAL_URL to that host. See .env.example."
        )

INSTALLED_APPS = [
    "portal.command_line",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.usersessions",
    "django_countries",
    "django_guid",
    "portal",
    "customers",
    "relationships",
    "subscriptions",
    "samples",
]

MIDDLEWARE = [
    "portal.middleware.DatabaseLimitsMiddleware",
    "portal.middleware.HeadMiddleware",
    "django_guid.middleware.guid_middleware",
    "portal.middleware.ResponseHeadersMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "portal.middleware.AccessLogMiddleware",
    "portal.middleware.ClientAddressMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "portal.bodies.BodyLimitMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "portal.middleware.UserLanguageMiddleware",
    "portal.middleware.UserTimeZoneMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "portal.sign_in.middleware.ListedSessionMiddleware",
    "portal.sign_in.middleware.SecondFactorMiddleware",
    "customers.middleware.TakeOverMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "portal.middleware.UnderWayMiddleware",
    "portal.middleware.ConflictMiddleware",
    "portal.middleware.BusyMiddleware",
]

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.context_processors.navigation",
                "portal.context_processors.appearance",
            ],
        },
    },
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

# Database

_url = read(env.str, "DATABASE_URL", f"sqlite:///{quote(str(BASE_DIR / 'db.sqlite3'))}")
DATABASES = {"default": read_database(_url)}

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# The cache counts failed sign-ins, so it is one that all processes share and that a restart does not
# empty. migrate makes its table.

_cache = read(env.cache_url, "CACHE_URL", "dbcache://portal_cache")
if _cache["BACKEND"].endswith("DatabaseCache"):
    _cache["BACKEND"] = "portal.shared_cache.SharedCache"
    _cache["OPTIONS"] = {"MAX_ENTRIES": 100_000}  # beyond these counts of others would be dropped
elif "redis" not in _cache["BACKEND"]:
    raise ImproperlyConfigured(
        "CACHE_URL can't be read: it must start with redis:// or rediss://. Leave it out to keep the "
        "cache in the database. See .env.example."
    )
elif not find_spec("redis"):
    raise ImproperlyConfigured(
        "CACHE_URL names a Redis server, and the package redis is not installed. Install it into the "
        "portal's environment, or leave CACHE_URL out. See .env.example."
    )
CACHES = {"default": _cache}

# People

AUTH_USER_MODEL = "portal.User"
AUTHENTICATION_BACKENDS = ["portal.backends.RoleBackend"]
# Emails are unique among those who joined: several organisations may have invited the same address.
SILENCED_SYSTEM_CHECKS = ["auth.W004"]
PASSWORD_HASHERS = ["portal.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email", "name")},
    },
    *(
        {"NAME": f"django.contrib.auth.password_validation.{name}"}
        for name in (
            "MinimumLengthValidator",
            "CommonPasswordValidator",
            "NumericPasswordValidator",
        )
    ),
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "account_login"
PASSWORD_RESET_TIMEOUT = 4 * 60 * 60

# Sign-in, by django-allauth: the portal's side of it is in portal/sign_in.

vars().update(SIGN_IN)
_providers = apps_of(read(env.json, "OIDC_PROVIDERS", []))
SOCIALACCOUNT_PROVIDERS: dict[str, dict[str, Any]] = {
    "openid_connect": {
        "APPS": _providers,
        "provider_class": "portal.sign_in.openid_connect.PortalProvider",
    }
}
if _providers:
    INSTALLED_APPS.append("allauth.socialaccount.providers.openid_connect")
# Whether operators may do nothing before they have set up a second factor.
OPERATOR_SECOND_FACTOR = bool(read(env.int, "OPERATOR_SECOND_FACTOR", 0))

# Language and time

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("de", _("German"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = ["portal.formats"]
# Of the days that are stored as days, and of who has picked no other zone.
TIME_ZONE = read_time_zone(read(env.str, "TIME_ZONE", "") or "UTC")
COUNTRIES_OVERRIDE = CLDR_NAMES
# Counts have separators; what a template hands back to the portal must not: ``|stringformat:"d"``.
USE_THOUSAND_SEPARATOR = True

# Static files

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "portal.static_files.AppFinder",
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
# Each start looks at all of them, and pages ask for them by the name of their content alone. Such a name
# is told by its twelve digits, quicker than by the manifest.
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
WHITENOISE_IMMUTABLE_FILE_TEST = r"\.[0-9a-f]{12}\."

# Mail is queued in the database; manage.py worker delivers it, by way of EMAIL_URL.

_mail = read(env.email_url, "EMAIL_URL", "consolemail://" if DEBUG else "smtp://localhost:25")
MAIL_SERVER_BACKEND = _mail.pop("EMAIL_BACKEND")
vars().update(_mail)
# After so many seconds without an answer of the mail server the mail waits, and others go on.
EMAIL_TIMEOUT = read(env.int, "EMAIL_TIMEOUT", 20)
if EMAIL_TIMEOUT < 1:
    raise ImproperlyConfigured("EMAIL_TIMEOUT must be at least 1 second. See .env.example.")
EMAIL_BACKEND = "portal.mail.queue.QueueBackend"
DEFAULT_FROM_EMAIL = read(env.str, "DEFAULT_FROM_EMAIL", "portal@localhost")

# Where people reach the portal: what every link that leaves it leads to, see portal.links.
PORTAL_URL = read_portal_url(read(env.str, "PORTAL_URL", ""), hosts=ALLOWED_HOSTS, debug=DEBUG)

# How long a relationship request stays open (R3).
RELATIONSHIP_REQUEST_PERIOD = timedelta(days=read(env.int, "RELATIONSHIP_REQUEST_DAYS", 90))

# How long the personal link works that invites a user to set a password.
INVITATION_PERIOD = timedelta(days=read(env.int, "INVITATION_DAYS", 7))
# The name servers that are asked for the record that proves a customer's domain; none: those of the system.
DNS_RESOLVERS = read_resolvers(read(env.list, "DNS_RESOLVERS", []))

# For how long a session lasts after the last thing that it kept, and for how long the worker keeps bulk
# assignments: previews that nobody submitted, and results. What was done stands in log and history for good.
_days = {
    "SESSION_DAYS": read(env.int, "SESSION_DAYS", 14),
    "BULK_PREVIEW_DAYS": read(env.int, "BULK_PREVIEW_DAYS", 7),
    "BULK_RESULT_DAYS": read(env.int, "BULK_RESULT_DAYS", 90),
}
for _name, _value in _days.items():
    if not 1 <= _value <= 3650:
        raise ImproperlyConfigured(f"{_name} must be from 1 to 3650 days. See .env.example.")
SESSION_COOKIE_AGE = _days["SESSION_DAYS"] * 24 * 60 * 60
BULK_PREVIEW_PERIOD = timedelta(days=_days["BULK_PREVIEW_DAYS"])
BULK_RESULT_PERIOD = timedelta(days=_days["BULK_RESULT_DAYS"])
# How many rows the previews of one user may have in 24 hours.
BULK_ROWS_PER_DAY = read(env.int, "BULK_ROWS_PER_DAY", 500_000)
if BULK_ROWS_PER_DAY < 1:
    raise ImproperlyConfigured("BULK_ROWS_PER_DAY must be at least 1. See .env.example.")

# An export is written completely before it is sent: where, and how large it may become.
EXPORT_FOLDER = read(env.str, "EXPORT_FOLDER", "") or None
EXPORT_MAX_BYTES = read(env.int, "EXPORT_MAX_MB", 1000) * 1_000_000
if EXPORT_MAX_BYTES <= 0:
    raise ImproperlyConfigured("EXPORT_MAX_MB can't be 0 or below. See .env.example.")
if EXPORT_FOLDER and not os.access(EXPORT_FOLDER, os.W_OK | os.X_OK):
    raise ImproperlyConfigured(
        "EXPORT_FOLDER can't be written to: name a folder that exists and is the portal's. See .env.example."
    )

# How many proxies of the installation stand before the portal; 0 believes no X-Forwarded-For. Were it too
# low, all clients would have the proxy's address, and share its limit on failed sign-ins.
TRUSTED_PROXIES = read(env.int, "TRUSTED_PROXIES", 0 if DEBUG else 1)
if TRUSTED_PROXIES < 0:
    raise ImproperlyConfigured("TRUSTED_PROXIES can't be below 0. See .env.example.")

# Security

# Nothing is allowed but what is named; each directive of its own, so that adding one opens one.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "media-src": [NONE],
        "worker-src": [NONE],
        "frame-src": [NONE],
        # The form that starts a sign-in at an identity provider is sent on to it.
        "form-action": [SELF, *origins_of(_providers)],
        "base-uri": [NONE],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
    }
}
PERMISSIONS_POLICY = permissions_policy()
CSRF_FAILURE_VIEW = "portal.views.csrf_failure"
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
THEME_COOKIE_NAME = "theme"
KNOWN_BROWSER_COOKIE_NAME = "known-browser"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
# Lax: a link in a mail, and the way back from an identity provider, find the user signed in.
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
SESSION_ENGINE = "portal.session_store"
# What a message says of customers stays on the server.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
if not DEBUG:
    # TLS ends at a proxy, which sets X-Forwarded-Proto. Probes come without it.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = True
    # A browser takes a cookie of such a name from this host over TLS only; no other host can plant one.
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"
    LANGUAGE_COOKIE_NAME = "__Host-language"
    THEME_COOKIE_NAME = "__Host-theme"
    KNOWN_BROWSER_COOKIE_NAME = "__Host-known-browser"

# Logging: each line names the request; a proxy may give it its id. See portal.logs for what is left out.

DJANGO_GUID = {"GUID_HEADER_NAME": "X-Request-ID", "EXPOSE_HEADER": False}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "request_id": {
            "()": "django_guid.log_filters.CorrelationId",
            "correlation_id_field": "request_id",
        }
    },
    "formatters": {
        "readable": {
            "format": "{asctime} {levelname} {name} [{request_id}]: {message}",
            "style": "{",
        },
        "json": {"()": "portal.logs.PrivateJsonFormatter"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "readable" if DEBUG else "json",
            "filters": ["request_id"],
        }
    },
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        # It tells of each request that it has an id, and what was wrong with the one it came with.
        "django_guid": {"level": "ERROR"},
        # It tells of each passkey by its number.
        "fido2": {"level": "WARNING"},
        # The development server writes such lines itself.
        "portal.access": {"level": "WARNING" if DEBUG else "INFO"},
        # Django would mail errors with all that the request carried to ADMINS, if there were any.
        "django": {"handlers": [], "level": "INFO"},
    },
}
