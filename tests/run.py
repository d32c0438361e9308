"""Run the tests, two runs at once: ``python -m tests.run all ARGS…`` or ``python -m tests.run quick ARGS…``

``all`` is the whole suite on SQLite, and on PostgreSQL beside it: each run keeps one core busy. ``quick``
is what a change touches, on SQLite. What the second run prints is shown when both have ended.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from tests.postgres import die_with

PYTEST = [sys.executable, "-m", "pytest"]
NO_TESTS = 5  # pytest's exit status where nothing was chosen
# From the lowest to the highest, see CONTRIBUTING.md.
LAYERS = ("lists", "portal", "customers", "relationships", "subscriptions", "samples")
# What holds for every file, and is known in seconds.
ALWAYS = ("architecture", "documents", "templates", "translations")
SLOW = ("tests/browser/", "tests/proxy/", "tests/test_plans.py")


def at_once(titles: tuple[str, str], first: list[str], second: list[str]) -> int:
    """Zero if both succeed; a run in which nothing was chosen counts if the other had something."""
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    started = {"env": environment, "preexec_fn": partial(die_with, os.getpid(), signal.SIGTERM)}
    with tempfile.TemporaryFile() as printed:
        other = subprocess.Popen(
            second, stdin=subprocess.DEVNULL, stdout=printed, stderr=subprocess.STDOUT, **started
        )
        try:
            print(titles[0], flush=True)
            statuses = {subprocess.run(first, **started).returncode, other.wait()}
        finally:
            if other.poll() is None:
                other.terminate()
                other.wait()
            print(titles[1], flush=True)
            printed.seek(0)
            shutil.copyfileobj(printed, sys.stdout.buffer)
            sys.stdout.flush()
    return 0 if 0 in statuses and statuses <= {0, NO_TESTS} else 1


def changed() -> list[str]:
    """The files that differ from main, whether they are committed or not; none without git."""
    found: list[str] = []
    for command in (
        ["git", "diff", "--name-only", "--merge-base", "main"],
        ["git", "ls-files", "--others", "--exclude-standard"],
    ):
        answer = subprocess.run(command, capture_output=True, text=True)
        found += answer.stdout.splitlines()
    return found


def touched(files: Iterable[str]) -> list[str]:
    """Where the tests of these files are: a layer's own folder, and a changed test itself.

    A file of no layer, such as a setting of the tests, touches every layer; so does no change at all.
    """
    paths: set[str] = set()
    for file in files:
        parts = Path(file).parts
        if file.startswith(SLOW) or file.endswith((".md", ".po", ".mo")):
            continue
        if parts[0] == "tests" and parts[-1].startswith("test_"):
            paths |= {file} if Path(file).exists() else set()
        elif layer := next((name for name in parts[:2] if name in LAYERS), None):
            paths.add(f"tests/{layer}")
        else:
            paths |= {f"tests/{layer}" for layer in LAYERS}
    every = [f"tests/{layer}" for layer in LAYERS]
    folders = [folder for folder in every if folder in paths]
    alone = {path for path in paths if str(Path(path).parent) not in folders} - {*folders}
    return [*folders, *sorted(alone)] or every


def main(which: str, arguments: list[str]) -> int:
    if which == "all":
        suite = [*PYTEST, *arguments]
        on_postgresql = [sys.executable, "-m", "tests.postgres", *suite]
        return at_once(("Tests on SQLite", "Tests on PostgreSQL"), suite, on_postgresql)
    paths = touched(changed())
    paths += [f"tests/test_{name}.py" for name in ALWAYS if f"tests/test_{name}.py" not in paths]
    print("Tests of", *paths, flush=True)
    halves = [[*PYTEST, "-m", "not browser", *arguments, *paths[part::2]] for part in (0, 1)]
    return at_once(("One half", "The other half"), *halves)


if __name__ == "__main__":
    if sys.argv[1:2] not in (["all"], ["quick"]):
        sys.exit("Usage: python -m tests.run all|quick ARGS…")
    sys.exit(main(sys.argv[1], sys.argv[2:]))
