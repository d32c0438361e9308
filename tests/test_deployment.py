"""The portal as an operator runs it: a copy of the checkout, DEBUG off, gunicorn, its own database."""

import json
import re
import socket
import time
import tomllib
from html import unescape
from importlib.util import find_spec
from urllib.parse import quote, urljoin

import psycopg
import pytest
from django.db import connection

from tests.deployment import (
    CHECKOUT,
    COLLECT,
    MIGRATE,
    WAYS,
    Server,
    cookies,
    manage,
    reached,
    run,
    serving,
    set_up,
    sign_in,
)


def start(checkout, **environment):
    """Load the portal as the server does, and ask for its settings."""
    return run(checkout, "-c", "import portal.wsgi", **environment)


def last_line(result):
    return result.stderr.strip().splitlines()[-1]


# Settings


@pytest.mark.parametrize(
    "database", ["sqlite:////tmp/portal.sqlite3", "postgres://portal:secret@db.example:5432/portal"]
)
def test_the_deployment_check_has_nothing_to_say(checkout, database):
    result = manage(checkout, "check", "--deploy", "--fail-level", "WARNING", DATABASE_URL=database)
    assert result.returncode == 0, result.stderr
    # One is silenced: emails are unique among those who joined, see the settings.
    assert result.stdout + result.stderr == ("System check identified no issues (1 silenced).\n")


def test_no_start_without_a_secret_key_unless_debug_is_on(checkout):
    for refused in (
        start(checkout, without=["SECRET_KEY"]),
        start(checkout, SECRET_KEY=""),
        manage(checkout, "check", without=["SECRET_KEY"]),
        start(checkout, without=["SECRET_KEY"], DEBUG="0"),
    ):
        assert refused.returncode != 0
        assert last_line(refused) == (
            "django.core.exceptions.ImproperlyConfigured: SECRET_KEY is not set. Set it to a long "
            "random string that stays the same between starts, or set DEBUG=1 on a developer's "
            "machine. See .env.example."
        )
    accepted = start(checkout, without=["SECRET_KEY", "ALLOWED_HOSTS"], DEBUG="1")
    assert accepted.returncode == 0, accepted.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "bogus"),
        ("DATABASE_URL", ""),
        ("DATABASE_URL", "mysql://root@db.example/portal"),
        ("DATABASE_URL", "postgres://portal@db.example:port/portal"),
        ("EMAIL_URL", "bogus"),
        ("EMAIL_URL", "smtp://mail.example:port"),
        ("EMAIL_TIMEOUT", "soon"),
        ("EMAIL_TIMEOUT", "0"),
        ("RELATIONSHIP_REQUEST_DAYS", "many"),
        ("TRUSTED_PROXIES", "some"),
        ("TRUSTED_PROXIES", "-1"),
        ("SESSION_DAYS", "0"),
        ("BULK_PREVIEW_DAYS", "soon"),
        ("BULK_RESULT_DAYS", "-1"),
        ("BULK_RESULT_DAYS", "1000000"),
        ("BULK_ROWS_PER_DAY", "0"),
        ("DNS_RESOLVERS", "resolver.example"),
        ("DNS_RESOLVERS", "192.0.2.53:domain"),
        ("CACHE_URL", "bogus"),
        ("CACHE_URL", "locmemcache://"),
        ("OPERATOR_SECOND_FACTOR", "perhaps"),
        ("PORTAL_URL", "portal.example"),
        ("PORTAL_URL", "http://portal.example"),
        ("PORTAL_URL", "https://other.example"),
        ("PORTAL_URL", "https://portal.example/portal"),
        ("SCRIPT_NAME", "/portal"),
        ("FORCE_SCRIPT_NAME", "/portal/"),
        ("OIDC_PROVIDERS", "bogus"),
        ("OIDC_PROVIDERS", "{}"),
        ("OIDC_PROVIDERS", '[{"id": "contoso"}]'),
    ],
)
def test_a_variable_that_cannot_be_read_stops_the_start_with_a_sentence(checkout, name, value):
    refused = start(checkout, **{name: value})
    assert refused.returncode != 0
    assert last_line(refused).startswith(f"django.core.exceptions.ImproperlyConfigured: {name} ")


def test_no_start_without_allowed_hosts_unless_debug_is_on(checkout):
    """Else the portal would start and answer nobody."""
    refused = start(checkout, without=["ALLOWED_HOSTS"])
    assert refused.returncode != 0
    assert "ALLOWED_HOSTS" in last_line(refused)


def ask(checkout, expression, **environment):
    code = f"from portal import settings; print(({expression}))"
    result = run(checkout, "-c", code, **environment)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_a_socket_folder_as_host_is_decoded(checkout):
    url = f"postgres://portal@{quote('/var/run/postgres ql', safe='')}/portal"
    database = ask(checkout, "settings.DATABASES['default']['HOST']", DATABASE_URL=url)
    assert database == "/var/run/postgres ql"


def test_the_data_is_in_the_checkout_unless_told_otherwise(checkout):
    database = "settings.DATABASES['default']['NAME']"
    assert ask(checkout, database) == str(checkout / "db.sqlite3")
    elsewhere = "sqlite:////srv/portal/data.sqlite3"
    assert ask(checkout, database, DATABASE_URL=elsewhere) == "/srv/portal/data.sqlite3"


def test_hosts_and_origins_are_lists(checkout):
    found = ask(
        checkout,
        "settings.ALLOWED_HOSTS, settings.CSRF_TRUSTED_ORIGINS",
        ALLOWED_HOSTS="a.example,b.example",
        CSRF_TRUSTED_ORIGINS="https://a.example,https://b.example",
    )
    assert found == "(['a.example', 'b.example'], ['https://a.example', 'https://b.example'])"


def test_links_in_mail_lead_to_the_first_host_unless_told_otherwise(checkout):
    assert ask(checkout, "settings.PORTAL_URL") == "https://portal.example"
    elsewhere = ask(
        checkout,
        "settings.PORTAL_URL",
        PORTAL_URL="https://other.example/",
        ALLOWED_HOSTS="portal.example,other.example",
    )
    assert elsewhere == "https://other.example"


def test_R3_a_request_is_open_for_90_days_unless_told_otherwise(checkout):
    days = "settings.RELATIONSHIP_REQUEST_PERIOD.days"
    assert ask(checkout, days) == "90"
    assert ask(checkout, days, RELATIONSHIP_REQUEST_DAYS="14") == "14"


def test_mail_waits_for_the_worker(checkout):
    expression = "settings.EMAIL_BACKEND, settings.MAIL_SERVER_BACKEND.split('.')[-2]"
    assert ask(checkout, expression) == "('portal.mail.queue.QueueBackend', 'smtp')"
    terminal = ask(checkout, expression, without=["EMAIL_URL"], DEBUG="1")
    assert terminal == "('portal.mail.queue.QueueBackend', 'console')"


def test_the_mail_server_has_20_seconds_unless_told_otherwise(checkout):
    assert ask(checkout, "settings.EMAIL_TIMEOUT") == "20"
    assert ask(checkout, "settings.EMAIL_TIMEOUT", EMAIL_TIMEOUT="5") == "5"


@pytest.mark.parametrize(
    ("name", "expression", "without", "days"),
    [
        ("SESSION_DAYS", "settings.SESSION_COOKIE_AGE", 14 * 86_400, 3 * 86_400),
        ("BULK_PREVIEW_DAYS", "settings.BULK_PREVIEW_PERIOD.days", 7, 3),
        ("BULK_RESULT_DAYS", "settings.BULK_RESULT_PERIOD.days", 90, 3),
        ("BULK_ROWS_PER_DAY", "settings.BULK_ROWS_PER_DAY", 500_000, 3),
    ],
)
def test_what_grows_is_kept_as_long_as_the_variables_say(checkout, name, expression, without, days):
    assert ask(checkout, expression) == str(without)
    assert ask(checkout, expression, **{name: "3"}) == str(days)


def test_debug_is_off_unless_switched_on(checkout):
    assert ask(checkout, "settings.DEBUG") == "False"
    assert ask(checkout, "settings.DEBUG", DEBUG="1") == "True"


def test_a_file_named_env_is_read_and_the_environment_comes_first(checkout):
    file = checkout / ".env"
    file.write_text("SECRET_KEY=from-the-file\nALLOWED_HOSTS=file.example\n")
    try:
        found = ask(checkout, "settings.SECRET_KEY, settings.ALLOWED_HOSTS", without=["SECRET_KEY"])
    finally:
        file.unlink()
    assert found == "('from-the-file', ['portal.example'])"


def test_the_policy_lets_a_form_be_sent_on_to_the_identity_providers(checkout):
    provider = {
        "id": "contoso",
        "name": "Contoso",
        "server_url": "https://login.contoso.example/v2.0",
        "origins": ["https://sso.contoso.example"],
        "client_id": "portal",
        "client_secret": "secret",
    }
    found = ask(
        checkout,
        "settings.CONTENT_SECURITY_POLICY['DIRECTIVES']['form-action'][1:]",
        OIDC_PROVIDERS=json.dumps([provider]),
    )
    assert found == "['https://login.contoso.example', 'https://sso.contoso.example']"


def test_the_sign_in_loads_no_libraries_that_only_other_pages_need(checkout):
    code = (
        "import sys, portal.wsgi; from django.test import Client;"
        "page = Client().get('/accounts/login/', headers={'host': 'portal.example'});"
        "print(page.status_code, sorted({'fido2', 'requests'} & set(sys.modules)))"
    )
    provider = {"id": "a", "name": "A", "client_id": "portal", "client_secret": "secret"}
    providers = json.dumps([provider | {"server_url": "https://login.contoso.example"}])
    alone = run(checkout, "-c", code, DEBUG="1")
    assert alone.stdout == "200 []\n", alone.stderr
    with_provider = run(checkout, "-c", code, DEBUG="1", OIDC_PROVIDERS=providers)
    assert with_provider.stdout == "200 ['requests']\n", with_provider.stderr


def test_failed_attempts_are_counted_where_all_processes_see_them(checkout):
    backend = "settings.CACHES['default']['BACKEND']"
    assert ask(checkout, backend) == "portal.shared_cache.SharedCache"
    if find_spec("redis"):
        assert ask(checkout, backend, CACHE_URL="redis://cache.example/1").endswith("RedisCache")
        return
    refused = start(checkout, CACHE_URL="redis://cache.example/1")
    assert refused.returncode != 0
    assert "the package redis is not installed" in last_line(refused)


def test_every_variable_is_explained_in_the_example():
    source = (CHECKOUT / "portal" / "settings.py").read_text()
    read = set(re.findall(r'"([A-Z_]+)"(?:,|\)) ?', source)) & set(
        re.findall(r'(?:env\.\w+\(|read\(\s*env\.\w+,\s*)"([A-Z_]+)"', source)
    )
    assert read >= {"DATABASE_URL", "SECRET_KEY", "DEBUG", "ALLOWED_HOSTS", "EMAIL_URL"}
    explained = set(re.findall(r"^# ([A-Z_]+)=", (CHECKOUT / ".env.example").read_text(), re.M))
    assert explained == read


# Dependencies


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_the_pinned_dependencies_name_no_index_and_no_url(name):
    text = (CHECKOUT / name).read_text()
    assert not re.search(r"://|git\+|^\s*(-i|-f|-e|--(extra-)?index|--find)| @ ", text, re.M)
    pinned = re.findall(r"^([a-z0-9._-]+(?:\[[a-z, ]+\])?)==\S+", text, re.M | re.I)
    hashed = [
        block for block in re.split(r"^(?=\S)", text, flags=re.M) if "--hash=sha256:" in block
    ]
    assert len(pinned) == len(hashed) > 10


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_direct_dependency_is_pinned(name):
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
    wanted = project["project"]["dependencies"]
    if name == "requirements-dev.txt":
        wanted = wanted + project["dependency-groups"]["dev"]
    pinned = set(re.findall(r"^([a-z0-9._-]+)", (CHECKOUT / name).read_text(), re.M))
    assert {re.match(r"[a-z0-9-]+", one)[0] for one in wanted} <= pinned


# The server


@pytest.fixture(scope="module")
def database_url(checkout, new_database):
    """Set up as the operator would: migrate, collectstatic, an operator's account."""
    url = new_database("deployment")
    operator = ["createsuperuser", "--noinput", "--email", Server.operator]
    environment = {"DATABASE_URL": url, "DJANGO_SUPERUSER_PASSWORD": Server.password}
    set_up(checkout, MIGRATE, COLLECT, operator, **environment)
    return url


@pytest.fixture(scope="module", params=WAYS)
def server(request, checkout, database_url):
    with reached(request.param, database_url) as url, serving(checkout, DATABASE_URL=url) as server:
        yield server


@pytest.mark.parametrize(
    ("path", "text"), [("/healthz", "ok\n"), ("/readyz", "ok\nworker: never seen\n")]
)
def test_the_probes_answer_without_tls(server, path, text):
    answer = server.ask(path, scheme="http")
    assert (answer.status, answer.text) == (200, text)


@pytest.mark.parametrize("path", ["/", "/accounts/login/", "/customers/?q=a", "/admin/", "/x"])
def test_everything_else_is_sent_to_https(server, path):
    answer = server.ask(path, scheme="http")
    assert answer.status == 301
    assert answer.headers["Location"] == f"https://portal.example{path}"


@pytest.mark.parametrize(
    ("path", "status"), [("/accounts/login/", 200), ("/nowhere/", 404), ("/admin/login/", 302)]
)
def test_every_answer_carries_the_headers_that_protect_it(server, path, status):
    answer = server.ask(path)
    assert answer.status == status
    policy = dict(
        directive.strip().split(" ", 1)
        for directive in answer.headers["Content-Security-Policy"].split(";")
    )
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "font-src": "'self'",
        "connect-src": "'self'",
        "manifest-src": "'self'",
        "media-src": "'none'",
        "worker-src": "'none'",
        "frame-src": "'none'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "object-src": "'none'",
        "frame-ancestors": "'none'",
    }
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer.headers["Strict-Transport-Security"] == (
        "max-age=31536000; includeSubDomains; preload"
    )
    features = answer.headers["Permissions-Policy"].split(", ")
    assert {"camera=()", "geolocation=()", "publickey-credentials-get=(self)"} <= set(features)
    assert not [feature for feature in features if "*" in feature]
    assert "no-store" in answer.headers["Cache-Control"]
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-ID"])
    assert not {"Server-Timing", "X-Powered-By", "Access-Control-Allow-Origin"} & set(
        answer.headers
    )


def test_no_header_places_the_portal_below_a_path(server):
    """Behind a proxy that passes names with underscores on they would be a client's (ADR 0019)."""
    headers = "SCRIPT_NAME: /accounts\r\nPATH_INFO: /accounts/login/\r\n"
    asked = f"GET /healthz HTTP/1.0\r\nHost: portal.example\r\n{headers}\r\n"
    with socket.create_connection(("127.0.0.1", server.port), 10) as wire:
        wire.sendall(asked.encode())
        answer = b"".join(iter(lambda: wire.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.0 200 ")
    assert answer.endswith(b"\r\n\r\n" + server.ask("/healthz").text.encode())


def test_another_host_gets_no_page(server):
    assert server.ask("/accounts/login/", Host="elsewhere.example").status == 400


def test_the_static_files_are_served_for_a_year_under_the_name_of_their_content(server):
    page = server.ask("/accounts/login/").text
    files = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
    assert len(files) >= 3
    for path in files:
        assert re.search(r"\.[0-9a-f]{12}\.\w+$", path)
        answer = server.ask(path)
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "max-age=315360000, public, immutable"


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "path", ["oidc/contoso/", "oidc/contoso/return/", "invitations/a.b/oidc/contoso/"]
)
def test_there_is_no_way_to_identity_providers_where_none_is_named(server, path, method):
    assert server.ask(f"/accounts/{path}", method).status == 404


def test_the_operator_signs_in_and_the_cookies_travel_by_tls_alone(server):
    answer = sign_in(server)
    assert (answer.status, answer.headers["Location"]) == (302, "/")
    session, attributes = cookies(answer)["__Host-sessionid"]
    assert attributes >= {"secure", "httponly", "samesite=lax", "path=/"}
    assert not [one for one in attributes if one.startswith("domain")]
    admin = server.ask("/admin/", Cookie=f"__Host-sessionid={session}")
    assert admin.status == 200
    assert "Partner portal: operators" in unescape(admin.text)


def test_all_files_are_there_that_pages_and_their_styles_ask_for(server):
    session, _ = cookies(sign_in(server))["__Host-sessionid"]
    asked = set()
    for page in (
        "/accounts/sessions/",
        "/admin/",
        "/admin/portal/user/",
        "/admin/portal/membership/add/",
    ):
        answer = server.ask(page, Cookie=f"__Host-sessionid={session}")
        assert answer.status == 200, page
        asked |= set(re.findall(r'(?:href|src)="(/static/[^"]+)"', answer.text))
    styles = [path for path in asked if path.endswith(".css")]
    for path in styles:
        for name in re.findall(r"""url\(["']?([^"')]+)["']?\)""", server.ask(path).text):
            if not name.startswith(("data:", "#")):
                asked.add(urljoin(path, name))
    assert len([path for path in asked if path.endswith(".svg")]) > 5
    assert "select2" in " ".join(asked)
    missing = [path for path in asked if server.ask(path).status != 200]
    assert missing == []


def test_every_cookie_can_be_set_by_this_host_alone(server):
    """And none is lost: browsers refuse a cookie of such a name that is not Secure and for all paths."""
    form = server.ask("/accounts/login/")
    token, _ = cookies(form)["__Host-csrftoken"]
    language = server.ask(
        "/accounts/language/",
        "POST",
        data={"language": "de", "csrfmiddlewaretoken": token},
        Cookie=f"__Host-csrftoken={token}",
    )
    assert cookies(language)["__Host-language"][0] == "de"
    theme = server.ask(
        "/accounts/theme/",
        "POST",
        data={"theme": "dark", "csrfmiddlewaretoken": token},
        Cookie=f"__Host-csrftoken={token}",
    )
    assert cookies(theme)["__Host-theme"][0] == "dark"
    found = [cookies(answer) for answer in (form, language, theme, sign_in(server))]
    assert {name for one in found for name in one} == {
        "__Host-csrftoken",
        "__Host-known-browser",
        "__Host-language",
        "__Host-sessionid",
        "__Host-theme",
    }
    for name, (_value, attributes) in (pair for one in found for pair in one.items()):
        assert name.startswith("__Host-")
        assert attributes >= {"secure", "httponly", "samesite=lax", "path=/"}
        assert not [one for one in attributes if one.startswith("domain")]


def test_the_log_is_json_with_the_id_of_the_request_and_without_personal_data(server):
    secret = "anna.secret@firm.example"
    token = "0f3a9c-1.KQdJ1x9cVtF2mGzPq8sYw7uL3nB5"
    asked = [
        server.ask(f"/customers/?q={secret}", X_Request_ID="a" * 32, User_Agent=secret),
        server.ask(f"/invitations/{token}/"),
        server.ask("/accounts/login/", "POST", data={"username": secret, "password": secret}),
        server.ask("/accounts/login/", Host=f"{secret}.example"),
        server.ask(f"/nowhere/?next={secret}", Referer=f"https://portal.example/?q={secret}"),
    ]
    assert [answer.status for answer in asked] == [302, 404, 403, 400, 404]
    text = server.log.read_text()
    assert "anna.secret" not in text
    assert token not in text
    lines = [json.loads(line) for line in text.splitlines()]
    assert all(line["at"].endswith("+00:00") and line["level"] for line in lines)
    for answer in asked:
        assert answer.headers["X-Request-ID"] in {line.get("request_id") for line in lines}
    assert asked[0].headers["X-Request-ID"] == "a" * 32
    routes = [line["route"] for line in lines if line["logger"] == "portal.access"]
    assert {"/customers/", "/invitations/<str:token>/", "/accounts/login/", "unknown"} <= set(
        routes
    )


def test_a_form_from_another_site_is_refused(server):
    form = server.ask("/accounts/login/")
    token, _ = cookies(form)["__Host-csrftoken"]
    answer = server.ask(
        "/accounts/login/",
        "POST",
        data={"csrfmiddlewaretoken": token},
        Cookie=f"__Host-csrftoken={token}",
        Origin="https://elsewhere.example",
    )
    assert answer.status == 403
    assert "The page was open too long" in answer.text


def test_a_restart_of_the_database_is_not_noticed(server, database_url):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no server; the run on PostgreSQL tests this")
    assert server.ask("/readyz").status == 200
    with psycopg.connect(database_url, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert [server.ask("/readyz").status for _ in range(6)] == [200] * 6


def test_not_ready_is_said_soon_where_no_database_server_answers(checkout):
    code = (
        "import os, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'portal.settings';"
        "django.setup(); from django.test import Client;"
        "print(Client().get('/readyz', headers={'host': 'portal.example'}).status_code)"
    )
    before = time.monotonic()
    answer = run(checkout, "-c", code, DATABASE_URL="postgres://portal@%2Fnowhere/portal")
    assert answer.stdout == "503\n", answer.stderr
    assert time.monotonic() - before < 15
