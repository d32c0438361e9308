"""What DATABASE_URL may say: each option works as it is written, or ends the start with a sentence."""

import socket

import pytest
from django.core.exceptions import ImproperlyConfigured
from psycopg import pq
from psycopg.conninfo import make_conninfo

from portal.database import read_database
from portal.postgresql.address import SERVER_IS_GONE

POSTGRESQL = "postgres://portal:s3cret@db.example/portal"
SQLITE = "sqlite:////srv/portal/data.sqlite3"


def sentence(url):
    with pytest.raises(ImproperlyConfigured) as refused:
        read_database(url)
    return str(refused.value)


def test_a_connection_lasts_and_is_tried_before_each_request():
    database = read_database(POSTGRESQL)
    assert database == {
        "ENGINE": "portal.postgresql",
        "NAME": "portal",
        "USER": "portal",
        "PASSWORD": "s3cret",
        "HOST": "db.example",
        "PORT": "",
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": False,
        "OPTIONS": SERVER_IS_GONE,
    }
    assert "pool" not in database["OPTIONS"]
    assert SERVER_IS_GONE.keys() >= {"connect_timeout", "keepalives_idle", "tcp_user_timeout"}


@pytest.mark.parametrize(
    ("url", "place"),
    [
        (
            "postgresql://u:p%2B%3F%2F@h:6432/db",
            {"USER": "u", "PASSWORD": "p+?/", "HOST": "h", "PORT": "6432", "NAME": "db"},
        ),
        ("postgres://u:a+b@h/db", {"PASSWORD": "a+b"}),
        ("postgres://u@[::1]:5433/db", {"HOST": "::1", "PORT": "5433"}),
        ("postgres://u@%2FVar%2Frun%20pg/db", {"HOST": "/Var/run pg", "PORT": ""}),
        ("postgres:///db?host=/var/run/pg&user=u", {"HOST": "/var/run/pg", "USER": "u"}),
        ("psql:////var/run/pg/db", {"HOST": "/var/run/pg", "NAME": "db"}),
        ("postgres://u@a:5433,b/db", {"HOST": "a,b", "PORT": "5433,"}),
        ("postgres://u@a,b/db", {"HOST": "a,b", "PORT": ""}),
        ("sqlite:///:memory:", {"NAME": ":memory:"}),
        ("sqlite:///data%20%231.sqlite3", {"NAME": "data #1.sqlite3"}),
        (SQLITE, {"NAME": "/srv/portal/data.sqlite3", "CONN_MAX_AGE": None}),
    ],
)
def test_each_part_of_the_address_is_read(url, place):
    database = read_database(url)
    assert {name: database[name] for name in place} == place


def test_of_several_hosts_the_one_is_taken_that_takes_changes():
    assert read_database("postgres://a,b/db")["OPTIONS"]["target_session_attrs"] == "read-write"
    assert "target_session_attrs" not in read_database(POSTGRESQL)["OPTIONS"]
    chosen = read_database("postgres://a,b/db?target_session_attrs=primary")
    assert chosen["OPTIONS"]["target_session_attrs"] == "primary"


@pytest.mark.parametrize(
    ("option", "name", "value"),
    [
        ("conn_max_age=60", "CONN_MAX_AGE", 60),
        ("CONN_MAX_AGE=0", "CONN_MAX_AGE", 0),
        ("conn_max_age=None", "CONN_MAX_AGE", None),
        ("conn_health_checks=false", "CONN_HEALTH_CHECKS", False),
        ("conn_health_checks=0", "CONN_HEALTH_CHECKS", False),
        ("conn_health_checks=yes", "CONN_HEALTH_CHECKS", True),
        ("disable_server_side_cursors=off", "DISABLE_SERVER_SIDE_CURSORS", False),
        ("disable_server_side_cursors=True", "DISABLE_SERVER_SIDE_CURSORS", True),
    ],
)
def test_what_django_does_with_connections_can_be_chosen(option, name, value):
    found = read_database(f"{POSTGRESQL}?{option}")
    assert found[name] is value or found[name] == value != 0
    assert found["OPTIONS"] == SERVER_IS_GONE


@pytest.mark.parametrize(
    ("option", "name", "value"),
    [
        ("sslmode=verify-full", "sslmode", "verify-full"),
        ("sslrootcert=/etc/ssl/my%20ca.pem", "sslrootcert", "/etc/ssl/my ca.pem"),
        ("connect_timeout=2", "connect_timeout", 2),
        ("tcp_user_timeout=0", "tcp_user_timeout", 0),
        ("keepalives=false", "keepalives", 0),
        ("application_name=portal", "application_name", "portal"),
    ],
)
def test_options_of_the_library_are_passed_on(option, name, value):
    assert read_database(f"{POSTGRESQL}?{option}")["OPTIONS"] == SERVER_IS_GONE | {name: value}


@pytest.mark.parametrize(
    ("option", "why"),
    [
        ("pool=false", "its option pool can't be used, for the portal keeps one connection"),
        ("pool=true&conn_max_age=60", "its option pool can't be used"),
        ("options=-c%20lock_timeout=5s", "its option options can't be used, for PgBouncer"),
        ("assume_role=owner", "its option assume_role can't be used"),
        ("autocommit=false", "its option autocommit can't be used"),
        ("atomic_requests=true", "its option atomic_requests can't be used"),
        ("isolation_level=3", "its option isolation_level can't be used"),
        ("prepare_threshold=5", "its option prepare_threshold can't be used"),
        ("server_side_binding=true", "its option server_side_binding can't be used"),
        ("sslmod=require", "the portal knows no option sslmod for PostgreSQL"),
        ("timeout=20", "the portal knows no option timeout for PostgreSQL"),
        ("conn_max_age=soon", "its option conn_max_age must be a whole number of seconds, or None"),
        ("conn_max_age=-1", "its option conn_max_age must be"),
        ("conn_max_age=1.5", "its option conn_max_age must be"),
        ("conn_health_checks=flase", "its option conn_health_checks must be true or false"),
        ("conn_health_checks=2", "its option conn_health_checks must be true or false"),
        ("disable_server_side_cursors=never", "its option disable_server_side_cursors must be"),
        ("keepalives=maybe", "its option keepalives must be true or false"),
        ("connect_timeout=0", "its option connect_timeout must be a whole number, 1 or more"),
        ("connect_timeout=5s", "its option connect_timeout must be"),
        ("tcp_user_timeout=99999999999", "its option tcp_user_timeout must be"),
        ("sslmode=ture", 'invalid sslmode value: "ture"'),
        ("sslmode=disable&sslrootcert=system", 'weak sslmode "disable" may not be used'),
        ("target_session_attrs=writable", 'invalid target_session_attrs value: "writable"'),
        ("port=1,2", "could not match 2 port numbers to 1 hosts"),
        ("port=99999", "a port must be a number from 1 to 65535"),
        ("sslmode=", "its option sslmode has no value"),
        ("sslmode", "its option sslmode has no value"),
        ("sslmode=require&sslmode=disable", "it has the option sslmode twice"),
        ("service=nowhere", 'definition of service "nowhere" not found'),
    ],
)
def test_an_option_of_postgresql_that_can_not_work_is_refused(option, why):
    assert sentence(f"{POSTGRESQL}?{option}").startswith(f"DATABASE_URL can't be read: {why}")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        (f"{SQLITE}?timeout=soon", "its option timeout must be a whole number, 1 or more"),
        (f"{SQLITE}?timeout=0", "its option timeout must be a whole number, 1 or more"),
        (f"{SQLITE}?conn_max_age=60", "the portal knows no option conn_max_age for SQLite"),
        (f"{SQLITE}?mode=ro", "the portal knows no option mode for SQLite"),
        ("sqlite://data.sqlite3", "the path of a SQLite file follows three slashes"),
        ("sqlite://", "the path of a SQLite file follows three slashes"),
        ("sqlite:///", "it names no file"),
        ("postgres://u@h/", "it names no database"),
        ("postgres:db", "it must start with postgres:// or sqlite:///"),
        ("mysql://u@h/db", "it must start with postgres:// or sqlite:///"),
    ],
)
def test_an_address_that_can_not_work_is_refused(url, why):
    assert sentence(url).startswith(f"DATABASE_URL can't be read: {why}")


def test_sqlite_has_the_timeout_that_it_is_given():
    assert read_database(SQLITE)["OPTIONS"]["timeout"] == 20
    found = read_database(f"{SQLITE}?timeout=5")["OPTIONS"]
    assert (found["timeout"], found["transaction_mode"]) == (5, "IMMEDIATE")


@pytest.mark.parametrize("sign", ["?", "/", "#", "@", ":", "%", "%zz", "%00", "[", " "])
def test_no_password_is_quoted(sign):
    """As when its signs were not encoded, so that a part of it is taken for something else."""
    for url in (
        f"postgres://portal:s3{sign}cret@db.example:port/portal",
        f"postgres://portal:s3{sign}cret@db.example/portal?sslmode=bogus",
        f"postgres://portal:s3{sign}cret=1@db.example:port/portal",
    ):
        assert "cret" not in sentence(url)
        assert "s3" not in sentence(url)


@pytest.mark.skipif(
    not hasattr(socket, "TCP_USER_TIMEOUT"), reason="this system's TCP has no such limit"
)
def test_it_is_noticed_when_nobody_is_at_the_other_end_any_more():
    """As after a cable was pulled: TCP itself asks, and gives up."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        options = read_database(f"postgres://portal@127.0.0.1:{port}/portal")["OPTIONS"]
        conninfo = make_conninfo("", host="127.0.0.1", port=port, **options)
        attempt = pq.PGconn.connect_start(conninfo.encode())
        with socket.socket(fileno=attempt.socket) as wire:
            limit = wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
            is_asked = wire.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            wire.detach()
        attempt.finish()
    assert (limit, is_asked) == (10_000, 1)
