"""``python -m bench``: make installations, measure them, print the table and write it to bench.json.

BENCH_SCALE says how large the larger one is: 1k, 10k or 100k customers (the default). The smaller one
always has 1,000: what grows between the two is what a large installation would feel.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import psycopg

from bench.table import print_table
from tests.postgres import started_server

ROOT = Path(__file__).resolve().parent.parent
SIZES = {"1k": 1_000, "10k": 10_000, "100k": 100_000}
RESULT = Path(os.environ.get("BENCH_RESULT", "bench.json"))
PRODUCTION = {
    "ALLOWED_HOSTS": "bench.portal.example",
    "DEBUG": "0",
    "DJANGO_SETTINGS_MODULE": "portal.settings",
    "EMAIL_URL": "dummymail://",
    "SECRET_KEY": "only for measuring, on this machine, and thrown away afterwards",
}

# What is added to the settings of a new project. Of a socket's folder in the URL see portal.settings.
BARE_DATABASE = """
from urllib.parse import unquote
import environ
DATABASES = {"default": environ.Env().db("DATABASE_URL")}
DATABASES["default"]["HOST"] = unquote(DATABASES["default"]["HOST"])
"""


def run(*command, environ):
    """Run Python with arguments in the checkout; return what it prints, and its seconds."""
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr[-3000:]}")
    return done.stdout, time.monotonic() - start


@contextmanager
def sqlite():
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as folder:
        yield lambda name: f"sqlite:///{folder}/{name}.sqlite3"


@contextmanager
def postgresql():
    """A server of its own, with a database for each size."""
    with started_server() as url:

        def create(name):
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}")
            return f"{url.rpartition('/')[0]}/{name}"

        yield create


def measure(engine, create, scale):
    """Return what was measured on one database engine, at both sizes."""
    result = {}
    for name in dict.fromkeys(["1k", scale]):
        say(f"{engine}, {name} customers: making the installation")
        environ = os.environ | PRODUCTION | {"DATABASE_URL": create(f"bench_{name}")}
        _output, migrate = run("manage.py", "migrate", "--verbosity", "0", environ=environ)
        loaded, _seconds = run(
            "manage.py",
            "load_sample",
            "--customers",
            str(SIZES[name]),
            "--yes-into-this-database",
            environ=environ,
        )
        say(f"{engine}, {name} customers: {loaded.strip()} Measuring")
        output, _seconds = run("-m", "bench.measure", environ=environ)
        result[name] = json.loads(output) | {"migrate_s": migrate, "load": loaded.strip()}
        if engine == "PostgreSQL" and name == scale:
            say(f"{engine}, {name} customers: asking from many sides at once")
            output, _seconds = run("-m", "bench.load", environ=environ)
            result[name]["under_load"] = json.loads(output)
        if name == "1k":
            result["cold_start"] = cold_start(environ, create("bare"))
    return result


def cold_start(environ, database):
    """Return the CPU seconds to the first page, of the portal and of a bare project with its admin.

    And their ``ratio``, of two starts one right after the other: the machine gets faster and slower.

    The bare project has a ``database`` of its own, of the kind that the portal has. The first start of each,
    which writes the byte code of what was not compiled yet, is not counted.
    """
    times = {"portal": [], "bare": []}
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as folder:
        environ = environ | {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": f"{folder}/pyc"}
        subprocess.run([sys.executable, "-m", "django", "startproject", "bare", folder], check=True)
        with Path(folder, "bare", "settings.py").open("a") as settings:
            settings.write(BARE_DATABASE)
        bare = environ | {
            "DATABASE_URL": database,
            "DJANGO_SETTINGS_MODULE": "bare.settings",
            "PYTHONPATH": folder,
        }
        subprocess.run(
            [sys.executable, f"{folder}/manage.py", "migrate", "--verbosity", "0"],
            check=True,
            env=bare,
            cwd=folder,
        )
        for _round in range(12):
            for name, env, wsgi, path in (
                ("bare", bare, "bare.wsgi", "/admin/login/"),
                ("portal", environ, "portal.wsgi", "/accounts/login/"),
            ):
                script = str(ROOT / "bench" / "first_page.py")
                output, _seconds = run(script, wsgi, path, environ=env)
                times[name].append(float(output))
    portal, bare = times["portal"][1:], times["bare"][1:]
    ratios = [one / other for one, other in zip(portal, bare, strict=True)]
    return {"portal": median(portal), "bare": median(bare), "ratio": median(ratios)}


def machine():
    """On what was measured."""
    model = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    return {"cpu": model, "cores": os.cpu_count(), "python": platform.python_version()}


def say(text):
    print(text, file=sys.stderr, flush=True)


def main():
    scale = os.environ.get("BENCH_SCALE", "100k")
    if scale not in SIZES:
        sys.exit(f"BENCH_SCALE is one of {', '.join(SIZES)}, not {scale!r}.")
    start = time.monotonic()
    # As in production, static files have the names of their content.
    run("manage.py", "collectstatic", "--noinput", environ=os.environ | PRODUCTION)
    result = {"machine": machine(), "scale": scale, "engines": {}}
    for name, engine in (("SQLite", sqlite), ("PostgreSQL", postgresql)):
        with engine() as create:
            result["engines"][name] = measure(name, create, scale)
    result["seconds"] = round(time.monotonic() - start)
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    print_table(result)
    say(f"Written to {RESULT}, in {result['seconds']} s.")


if __name__ == "__main__":
    main()
