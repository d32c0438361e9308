"""The copy of an SQLite database that README describes is whole while the portal runs."""

import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from django.conf import settings

from tests.deployment import PRODUCTION

README = Path(settings.BASE_DIR) / "README.md"


def rows(file):
    with closing(sqlite3.connect(file)) as copy:
        try:
            return copy.execute("SELECT text FROM written ORDER BY text").fetchall()
        except sqlite3.OperationalError:
            return None


@pytest.fixture
def running(checkout, tmp_path):
    """A database in use: what was written last is in the file beside it."""
    file = tmp_path / "portal.sqlite3"
    with closing(sqlite3.connect(file, isolation_level=None)) as portal:
        portal.execute("PRAGMA journal_mode=WAL")
        portal.execute("PRAGMA wal_autocheckpoint=0")
        portal.execute("CREATE TABLE written (text)")
        portal.execute("INSERT INTO written VALUES ('last')")
        yield file


def back_up(checkout, file):
    [command] = re.findall(
        r"^ *(\.venv/bin/python manage\.py .*VACUUM INTO.*)$", README.read_text(), re.M
    )
    words = shlex.split(command)
    return subprocess.run(
        [sys.executable, *words[1:]],
        cwd=checkout,
        env=PRODUCTION | {"DATABASE_URL": f"sqlite:///{file}"},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_it_has_what_was_written_last_and_a_copied_file_has_not(checkout, running, tmp_path):
    shutil.copy(running, tmp_path / "copied.sqlite3")
    done = back_up(checkout, running)
    assert done.returncode == 0, done.stderr
    assert rows(checkout / "backup.sqlite3") == [("last",)]
    assert rows(tmp_path / "copied.sqlite3") is None
    again = back_up(checkout, running)
    assert again.returncode != 0
    assert "output file already exists" in again.stderr
