"""The environment of every test run; pytest loads this before Django reads its settings.

What the shell or ``.env`` has set for a real portal is put aside, so that every machine tests the
same thing. Only the shell's DATABASE_URL stays, for ``tests.postgres`` sets it; without it the tests
run on SQLite.
"""

import gc
import json
import os
import tempfile

import pytest

os.environ.setdefault("DATABASE_URL", "sqlite:///:memory:")
os.environ |= {
    "ALLOWED_HOSTS": "portal.example",
    "CSRF_TRUSTED_ORIGINS": "",
    "DEBUG": "1",
    "DEFAULT_FROM_EMAIL": "portal@portal.example",
    "DNS_RESOLVERS": "",
    "EMAIL_TIMEOUT": "20",
    "EMAIL_URL": "consolemail://",
    "INVITATION_DAYS": "7",
    "BULK_PREVIEW_DAYS": "7",
    "BULK_RESULT_DAYS": "90",
    "BULK_ROWS_PER_DAY": "500000",
    "CACHE_URL": "dbcache://portal_cache",
    "OIDC_PROVIDERS": json.dumps(
        [
            {
                "id": "contoso",
                "name": "Contoso",
                "server_url": "https://login.contoso.example/v2.0",
                "client_id": "portal",
                "client_secret": "only-for-tests",
            }
        ]
    ),
    "OPERATOR_SECOND_FACTOR": "0",
    "PORTAL_URL": "https://portal.example",
    "RELATIONSHIP_REQUEST_DAYS": "90",
    "SECRET_KEY": "",
    "SESSION_DAYS": "14",
    "SECRET_KEY_FALLBACKS": "",
    "TRUSTED_PROXIES": "0",
}
# Playwright's event loop runs in the thread of the tests, where Django would refuse its queries.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"


def pytest_sessionstart(session: pytest.Session) -> None:
    """Put SQLite in a file: in memory, the live server's threads would share one connection."""
    from django.db import connection

    if connection.vendor == "sqlite":
        folder = tempfile.TemporaryDirectory(prefix="portal-tests-")
        session.config.add_cleanup(folder.cleanup)
        connection.settings_dict["TEST"]["NAME"] = os.path.join(folder.name, "test.sqlite3")


def pytest_collection_finish() -> None:
    """Let the garbage collector leave alone what stays to the end: the modules, Django, the tests."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    from django.db import connection

    if connection.vendor != "postgresql":
        for item in items:
            if item.get_closest_marker("race"):
                reason = "needs the row locks of PostgreSQL, where the second run tests it"
                item.add_marker(pytest.mark.skip(reason=reason))
