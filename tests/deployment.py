"""The portal as an operator sets it up: a copy of the checkout, DEBUG off, gunicorn, its own database."""

import http.client
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote, urlencode

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from tests.pgbouncer import started_pgbouncer
from tests.test_architecture import LAYERS

CHECKOUT = Path(settings.BASE_DIR)
SECRET = "only-for-this-test-0123456789-abcdefghijklmnopqrstuvwxyz"
PRODUCTION = {
    "PATH": os.environ["PATH"],
    "SECRET_KEY": SECRET,
    "ALLOWED_HOSTS": "portal.example",
    "CSRF_TRUSTED_ORIGINS": "https://portal.example",
    "EMAIL_URL": "smtp+tls://user:password@mail.example:587",
}
# How the portal reaches its database.
DIRECT, THROUGH_PGBOUNCER = "direct", "through PgBouncer"
WAYS = [DIRECT, pytest.param(THROUGH_PGBOUNCER, marks=pytest.mark.pgbouncer)]


def copy_checkout(copy):
    """Make a folder of what a clone contains, without what this machine has added: no .env, no database."""
    copy.mkdir()
    leftovers = shutil.ignore_patterns("__pycache__", "*.pyc")
    for name in (*LAYERS, "templates", "static"):
        shutil.copytree(CHECKOUT / name, copy / name, ignore=leftovers)
    shutil.copytree(CHECKOUT / "locale", copy / "locale")
    for name in ("manage.py", "gunicorn.conf.py"):
        shutil.copy(CHECKOUT / name, copy)
    return copy


def run(checkout, *command, without=(), **environment):
    environment = {
        name: value for name, value in (PRODUCTION | environment).items() if name not in without
    }
    return subprocess.run(
        [sys.executable, *command],
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def manage(checkout, *command, **environment):
    return run(checkout, "-W", "error", "manage.py", *command, **environment)


def set_up(checkout, *commands, **environment):
    """Run commands of ``manage.py``, each of which must succeed."""
    for command in commands:
        done = manage(checkout, *command, **environment)
        assert done.returncode == 0, done.stderr


MIGRATE = ["migrate", "--verbosity", "0"]
COLLECT = ["collectstatic", "--noinput", "--verbosity", "0"]


@contextmanager
def new_databases(folder) -> Iterator[Callable[[str], str]]:
    """Makes empty databases of the kind that this run tests; returns the DATABASE_URL of each."""
    if connection.vendor == "sqlite":
        yield lambda name: f"sqlite:///{folder / name}.sqlite3"
        return
    server = connection.get_connection_params() | {"dbname": "postgres"}
    for unused in ("context", "cursor_factory", "prepare_threshold"):
        server.pop(unused, None)
    made = []
    with psycopg.connect(**server, autocommit=True) as admin:

        def create(name):
            made.append(f"portal_{name}_{os.getpid()}")
            admin.execute(f'CREATE DATABASE "{made[-1]}"')
            user, password = server["user"], server.get("password")
            person = user + (f":{quote(password, safe='')}" if password else "")
            port = f":{server['port']}" if server.get("port") else ""
            return f"postgres://{person}@{quote(server['host'], safe='')}{port}/{made[-1]}"

        yield create
        for name in made:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def reached(way, url) -> Iterator[str]:
    """The DATABASE_URL by which the portal reaches the database at ``url``."""
    if way == DIRECT:
        yield url
    else:
        with started_pgbouncer(url) as through:
            yield through


class Server:
    """A running portal; the test stands where the proxy would."""

    operator = "operator@portal.example"
    password = "a long enough password"

    def __init__(self, port, log):
        self.port, self.log = port, log

    def ask(self, path, method="GET", scheme="https", data=None, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        headers = {"Host": "portal.example"} | headers
        if scheme == "https":
            headers |= {"X-Forwarded-Proto": "https", "Referer": "https://portal.example/"}
        if data is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as wire:
            body = urlencode(data, doseq=True) if data is not None else None
            wire.request(method, path, body, headers)
            answer = wire.getresponse()
            answer.text = answer.read().decode()
        return answer


@contextmanager
def serving(checkout, **environment) -> Iterator[Server]:
    """The portal, served by gunicorn with one process."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = checkout.parent / f"log-{port}"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn"],
            cwd=checkout,
            env=PRODUCTION | {"PORT": str(port), "WEB_CONCURRENCY": "1"} | environment,
            stdout=output,
            stderr=output,
        )
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        assert process.poll() is None, log.read_text()
        yield Server(port, log)
    finally:
        process.terminate()
        process.wait(20)


def cookies(answer):
    """The cookies that an answer sets: name → (value, attributes)."""
    found = {}
    for header in answer.headers.get_all("Set-Cookie", []):
        first, *rest = (part.strip() for part in header.split(";"))
        name, _, value = first.partition("=")
        found[name] = value, {part.lower() for part in rest}
    return found


def sign_in(server, email=Server.operator, password=Server.password):
    """The answer to an email and a password."""
    form = server.ask("/accounts/login/")
    token, attributes = cookies(form)["__Host-csrftoken"]
    assert attributes >= {"secure", "httponly", "samesite=lax", "path=/"}
    [hidden] = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', form.text)[:1]
    data = {"username": email, "password": password}
    return server.ask(
        "/accounts/login/",
        "POST",
        data=data | {"csrfmiddlewaretoken": hidden},
        Cookie=f"__Host-csrftoken={token}",
    )


class Visitor:
    """Someone signed in at a running portal."""

    def __init__(self, server, email, password="demo-portal"):
        answer = sign_in(server, email, password)
        assert (answer.status, answer.headers["Location"]) == (302, "/"), answer.text
        self.server = server
        self.token = cookies(answer)["__Host-csrftoken"][0]
        session = cookies(answer)["__Host-sessionid"][0]
        self.cookie = f"__Host-sessionid={session}; __Host-csrftoken={self.token}"

    def get(self, path):
        return self.server.ask(path, Cookie=self.cookie)

    def post(self, path, **data):
        data["csrfmiddlewaretoken"] = self.token
        return self.server.ask(path, "POST", data=data, Cookie=self.cookie)
