"""A real nginx with the shipped deploy/nginx.conf, in front of a real gunicorn.

nginx is the system's own, or the one that the variable NGINX names. Where there is none, these tests are
skipped and the last lines of the run say so; with REQUIRE_NGINX=1 the run fails.
"""

import os
import shutil
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
NGINX = os.environ.get("NGINX") or shutil.which(
    "nginx", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin"
)
MISSING = (
    "THE TESTS BEHIND NGINX DID NOT RUN: no nginx was found. "
    "Install nginx, or set NGINX to the path of one."
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    mine = [item for item in items if FOLDER in item.path.parents]
    if mine and not NGINX and os.environ.get("REQUIRE_NGINX") == "1":
        raise pytest.UsageError(MISSING)
    for item in mine:
        if not NGINX:
            item.add_marker(pytest.mark.skip(reason=MISSING))


def pytest_unconfigure(config: pytest.Config) -> None:
    if not NGINX:
        config.get_terminal_writer().line(MISSING, red=True, bold=True)
