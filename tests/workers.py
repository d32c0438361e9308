"""Workers as an operator runs them: processes of their own on the database of the tests."""

import os
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager

from django.conf import settings
from django.db import connection

from tests.races import LONG_ENOUGH


@contextmanager
def running_worker(*arguments, **environment):
    """One worker, as if on a host of its own: with its own folder for temporary files."""
    database = connection.settings_dict
    url = f"sqlite:///{database['NAME']}"
    if connection.vendor == "postgresql":
        url = f"{os.environ['DATABASE_URL'].rpartition('/')[0]}/{database['NAME']}"
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "manage.py", "worker", *arguments],
            cwd=settings.BASE_DIR,
            env=os.environ | {"DATABASE_URL": url, "DEBUG": "1", "TMPDIR": folder} | environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def wait_until(condition, seconds=LONG_ENOUGH):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)
