"""What only a proxy can hold off does not reach the portal's workers: deploy/nginx.conf in a real nginx."""

import json
import os
import re
import sqlite3
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.urls import URLResolver, get_resolver

from portal.bodies import PAGE_BYTES, UPLOAD_BYTES
from tests.deployment import COLLECT, MIGRATE, serving, set_up
from tests.workers import wait_until

from .nginx import CONF, FORM, Alone, Visitor, running_nginx

HELPDESK = ("helpdesk@nordlicht.example", "demo-portal")
UPLOAD = "/subscriptions/assign/file/"
LARGE_BYTES = 24_000_000  # more than the buffers of the system hold
SLOW = 40  # clients, of the 50 that one address may have
# So long nobody else got a page, where someone waits without the proxy: many times what a page takes.
WITHOUT_ANSWER = 3


@pytest.fixture(scope="module")
def checkout(checkout):
    """With a file as large as a long export."""
    (checkout / "static" / "large.zip").write_bytes(os.urandom(LARGE_BYTES))
    return checkout


@pytest.fixture(scope="module")
def database_url(checkout, new_database):
    """With the demo data."""
    url = new_database("proxy")
    set_up(checkout, MIGRATE, COLLECT, DATABASE_URL=url)
    set_up(checkout, ["load_demo"], DATABASE_URL=url, DEBUG="1")
    return url


@pytest.fixture(scope="module")
def portal(checkout, database_url):
    """gunicorn with one worker of four threads."""
    names = json.loads((checkout / "staticfiles" / "staticfiles.json").read_text())["paths"]
    with serving(checkout, DATABASE_URL=database_url) as server:
        yield Alone(server.port, server.log, f"/static/{names['large.zip']}")


@pytest.fixture(scope="module")
def proxy(portal, tmp_path_factory):
    with running_nginx(tmp_path_factory.mktemp("proxy") / "nginx", portal) as running:
        yield running


# Slow clients: how each begins, and what it does now and then.


def half_a_head(where, source):
    wire = where.connect(source)
    wire.sendall(f"GET / HTTP/1.1\r\nHost: portal.example\r\n{where.head}X-Slow: ".encode())
    return wire


def part_of_a_body(where, source):
    wire = where.connect(source)
    wire.sendall(
        f"POST /accounts/login/ HTTP/1.1\r\nHost: portal.example\r\n{where.head}Content-Type: {FORM}\r\n"
        "Content-Length: 500000\r\n\r\na".encode()
    )
    return wire


def part_of_a_chunk(where, source):
    wire = where.connect(source)
    wire.sendall(
        f"POST /accounts/login/ HTTP/1.1\r\nHost: portal.example\r\n{where.head}Content-Type: {FORM}\r\n"
        "Transfer-Encoding: chunked\r\n\r\nfff0\r\na".encode()
    )
    return wire


def slow_reader(where, source):
    wire = where.connect(source, receive=4096)
    wire.sendall(f"GET {where.large} HTTP/1.1\r\nHost: portal.example\r\n{where.head}\r\n".encode())
    return wire


def send_more(wire):
    wire.sendall(b"a")


def read_more(wire):
    assert wire.recv(1)


KINDS = {
    half_a_head: send_more,
    part_of_a_body: send_more,
    part_of_a_chunk: send_more,
    slow_reader: read_more,
}


@contextmanager
def clients(begin, where, count, source="127.0.0.1"):
    with ExitStack() as stack:
        yield [stack.enter_context(closing(begin(where, source))) for _number in range(count)]


@pytest.mark.parametrize("begin", [part_of_a_body, part_of_a_chunk, slow_reader])
def test_without_the_proxy_a_few_slow_clients_keep_everyone_waiting(portal, begin):
    """Else the tests below would show nothing."""
    with clients(begin, portal, 8):
        wait_until(lambda: not portal.answers(within=WITHOUT_ANSWER))
    wait_until(lambda: portal.answers(within=WITHOUT_ANSWER))


@pytest.mark.parametrize("begin", KINDS)
def test_behind_it_everyone_else_gets_pages(proxy, begin):
    goes_on = KINDS[begin]
    # From an address of their own: all kinds together are more requests than one may send at once.
    source = f"127.0.1.{list(KINDS).index(begin) + 1}"
    with clients(begin, proxy, SLOW, source) as slow:
        if begin is slow_reader:
            assert {wire.recv(12) for wire in slow} == {b"HTTP/1.1 200"}
        for _page in range(20):
            for wire in slow:
                goes_on(wire)
            assert proxy.ask("/accounts/login/", source="127.0.0.2").status == 200


def test_half_heads_in_hundreds_do_not_keep_others_out_either(proxy):
    """nginx counts a connection for its address once its head is there, so these are not counted."""
    with clients(half_a_head, proxy, 400):
        assert proxy.ask("/accounts/login/", source="127.0.0.2").status == 200


def test_an_address_has_so_many_connections_and_others_have_theirs(proxy):
    def status(source):
        return proxy.ask("/accounts/login/", source=source).status

    with clients(part_of_a_body, proxy, 50, source="127.0.0.3"):
        wait_until(lambda: status("127.0.0.3") == 429)
        assert status("127.0.0.2") == 200
    wait_until(lambda: status("127.0.0.3") == 200)


def test_an_address_sends_few_files_at_one_time(proxy):
    """Whoever it is: nginx keeps them on its disk before the portal can say that it wants none."""

    def begin(where, source):
        wire = where.connect(source)
        head = f"POST {UPLOAD} HTTP/1.1\r\nHost: portal.example\r\nContent-Length: {UPLOAD_BYTES}\r\n\r\n"
        wire.sendall(f"{head}a".encode())
        return wire

    with clients(begin, proxy, 5, source="127.0.0.7"):
        wait_until(lambda: proxy.ask(UPLOAD, source="127.0.0.7").status == 429)
        assert proxy.ask(UPLOAD, source="127.0.0.2").status == 302
        assert proxy.ask("/accounts/login/", source="127.0.0.7").status == 200
    wait_until(lambda: proxy.ask(UPLOAD, source="127.0.0.7").status == 302)


@pytest.mark.parametrize("path", ["/subscriptions/export/", "/activity/export/"])
def test_an_address_has_few_exports_at_one_time(proxy, path):
    """nginx keeps each on its disk for as long as its reader takes, when the portal counts it no longer."""

    def begin(where, source):
        wire = where.connect(source)
        wire.sendall(
            f"GET {path} HTTP/1.1\r\nHost: portal.example\r\nContent-Length: 9\r\n\r\na".encode()
        )
        return wire

    with clients(begin, proxy, 5, source="127.0.0.8"):
        wait_until(lambda: proxy.ask(path, source="127.0.0.8").status == 429)
        assert proxy.ask(path, source="127.0.0.2").status == 302
        assert proxy.ask("/accounts/login/", source="127.0.0.8").status == 200
    wait_until(lambda: proxy.ask(path, source="127.0.0.8").status == 302)


def test_an_address_asks_so_often_and_others_have_theirs(proxy):
    statuses = set()
    with closing(proxy.connect("127.0.0.4")) as wire, wire.makefile("rb") as answers:
        for _request in range(5000):
            wire.sendall(b"HEAD /healthz HTTP/1.1\r\nHost: portal.example\r\n\r\n")
            statuses.add(int(answers.readline().split()[1]))
            while answers.readline() not in (b"\r\n", b""):
                pass
            if 429 in statuses:
                break
    assert statuses == {200, 429}
    assert proxy.ask("/accounts/login/", source="127.0.0.2").status == 200


@pytest.mark.parametrize(
    ("begin", "limit", "status"),
    [
        (half_a_head, "client_header_timeout 10s", "408"),
        (part_of_a_body, "client_body_timeout 10s", "408"),
        (part_of_a_chunk, "client_body_timeout 10s", "408"),
        (slow_reader, "send_timeout 15s", "200"),
    ],
)
def test_who_pauses_too_long_is_cut_off(portal, tmp_path, begin, limit, status):
    """With the shipped limit as one second."""
    short = {limit: f"{limit.split()[0]} 1s"}
    with (
        running_nginx(tmp_path / "nginx", portal, **short) as proxy,
        closing(begin(proxy, "127.0.0.1")) as wire,
    ):
        wait_until(lambda: len(proxy.lines) == 1)
        assert proxy.lines[0].split()[2] == status
        read = 0
        with suppress(OSError):
            while piece := wire.recv(1_000_000):
                read += len(piece)
        assert read < LARGE_BYTES


# What the portal is told


def test_what_is_larger_than_a_page_needs_is_refused_before_the_portal_hears_of_it(portal, proxy):
    before = portal.log.read_text().count("/accounts/login/")
    body = b"a" * (PAGE_BYTES + 1)
    for sent in (body, iter([body])):
        answer = proxy.ask("/accounts/login/", "POST", body=sent, Content_Type=FORM)
        assert answer.status == 413
    assert portal.log.read_text().count("/accounts/login/") == before


def test_files_may_be_larger_on_their_pages_alone(proxy):
    visitor = Visitor(proxy).sign_in(*HELPDESK)
    content = b"Subscription ID,MPN ID of the contact\n" + b"x,y\n" * 500_000
    answer = visitor.send_file(UPLOAD, content)
    assert answer.status == 200
    assert "The file has more than 50,000 rows. Split it." in answer.text
    assert visitor.send_file(UPLOAD, b"a" * UPLOAD_BYTES).status == 413
    assert visitor.send_file("/settings/profile/", content).status == 413


def pages_that_take_files(patterns, prefix=""):
    for one in patterns:
        route = f"{prefix}{one.pattern}"
        if isinstance(one, URLResolver):
            yield from pages_that_take_files(one.url_patterns, route)
        elif getattr(getattr(one.callback, "view_class", None), "takes_files", False):
            yield f"/{route}"


def test_every_page_that_takes_files_is_in_the_file():
    """And the limits of the file are those of the portal, and its connections end before gunicorn's."""
    text = CONF.read_text()
    places = re.findall(r"location (?:=|~) (\S+) \{\s+client_max_body_size (\d+);", text)
    pages = list(pages_that_take_files(get_resolver().url_patterns))
    assert UPLOAD in pages
    assert dict(places) == dict.fromkeys(pages, str(UPLOAD_BYTES))
    assert re.findall(r"^        client_max_body_size (\d+);", text, re.M) == [str(PAGE_BYTES)]
    gunicorn = Path(settings.BASE_DIR, "gunicorn.conf.py").read_text()
    [theirs] = re.findall(r"^keepalive = (\d+)$", gunicorn, re.M)
    [ours] = re.findall(r"keepalive 16;\s+keepalive_timeout (\d+)s;", text)
    assert int(ours) < int(theirs)


def address_seen(proxy, source):
    """The address under which the session of whoever signs in from ``source`` is listed."""
    visitor = Visitor(proxy, source=source).sign_in(*HELPDESK)
    page = visitor.get("/accounts/sessions/").text
    return re.findall(r'data-label="Address">([^<]+)<', page[page.index("this one") :])[0]


def test_what_a_client_says_of_its_address_counts_for_nothing(proxy):
    lie = {
        "X_Forwarded_For": "203.0.113.7",
        "Forwarded": "for=203.0.113.7",
        "X_Real_IP": "203.0.113.7",
    }
    ask = proxy.ask
    proxy.ask = lambda *args, **more: ask(*args, **lie, **more)
    try:
        assert address_seen(proxy, "127.0.0.5") == "127.0.0.5"
    finally:
        del proxy.ask


@pytest.mark.parametrize(
    "written", ["$remote_addr:$remote_port", "$proxy_add_x_forwarded_for", '"[$remote_addr]:443"']
)
def test_a_proxy_that_writes_addresses_otherwise_is_understood(portal, tmp_path, written):
    change = {r"X-Forwarded-For \$remote_addr": f"X-Forwarded-For {written}"}
    with running_nginx(tmp_path / "nginx", portal, **change) as proxy:
        assert address_seen(proxy, "127.0.0.6") == "127.0.0.6"


def test_what_comes_without_tls_is_sent_to_it_whatever_it_says(proxy):
    plain = Alone(proxy.plain_port, proxy.log, "")
    answer = plain.ask("/accounts/login/?next=/a", X_Forwarded_Proto="https")
    assert (answer.status, answer.headers["Location"]) == (
        308,
        "https://portal.example/accounts/login/?next=/a",
    )
    assert proxy.ask("/accounts/login/", X_Forwarded_Proto="http").status == 200


def test_each_request_has_one_id_that_no_client_chooses(proxy):
    answer = proxy.ask("/healthz", X_Request_ID="a" * 32)
    found = answer.headers["X-Request-ID"]
    assert re.fullmatch("[0-9a-f]{32}", found)
    assert found != "a" * 32
    wait_until(lambda: any(line.endswith(f" {found}") for line in proxy.lines))
    assert not [line for line in proxy.lines if "/" in line]


def test_the_headers_that_protect_pages_are_the_portal_s(portal, proxy):
    for path in ("/accounts/login/", "/nowhere/"):
        through, alone = proxy.ask(path).headers, portal.ask(path).headers
        for name in ("Strict-Transport-Security", "Content-Security-Policy", "X-Frame-Options"):
            assert through.get_all(name) == alone.get_all(name) != None  # noqa: E711


@pytest.mark.parametrize("name", ["elsewhere.example", "127.0.0.1"])
def test_whoever_asks_for_another_name_gets_no_answer(proxy, name):
    with pytest.raises(OSError, match=r"(?i)unrecognized|alert|handshake"):
        proxy.connect(name=name)
    with closing(Alone(proxy.plain_port, proxy.log, "").connect()) as wire:
        wire.sendall(f"GET / HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
        with suppress(ConnectionResetError):
            assert wire.recv(1) == b""


# Pages that come piece by piece


@contextmanager
def held(url):
    """Another transaction has the bulk assignments for itself; yields a function that ends it."""
    if url.startswith("sqlite"):
        other = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
    else:
        other = psycopg.connect(url)
        other.execute("SELECT 1 FROM subscriptions_bulkassignment FOR UPDATE")
    with closing(other):
        yield lambda: other.execute("ROLLBACK")


def test_a_page_that_comes_piece_by_piece_is_not_kept_until_its_end(proxy, database_url):
    visitor = Visitor(proxy).sign_in(*HELPDESK)
    contact_page = visitor.post("/subscriptions/assign/", {"all": "1"}).headers["Location"]
    text = visitor.get(contact_page).text
    [hafen] = re.findall(r'value="([0-9a-f-]{36})"[^>]*>\s*<label[^>]*>[^/]*Hafen IT', text)
    preview = visitor.post(contact_page, {"contact": hafen}).headers["Location"]
    with held(database_url) as let_go, visitor.begin(f"{preview}submit/") as answer:
        first = b""
        while b"<h1" not in first:  # the first piece may come in several packets
            piece = answer.read1()
            assert piece, first
            first += piece
        assert b"</html>" not in first
        let_go()
        rest = answer.read()
    assert b"</html>" in rest
    assert "X-Accel-Buffering" not in answer.headers
    assert "Support contacts assigned" in visitor.get(preview).text
