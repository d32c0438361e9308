"""The running portal and its PostgreSQL: directly or through PgBouncer, restarted, frozen, held up (0018)."""

import csv
import io
import signal
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle

import psycopg
import pytest
from django.db import ConnectionHandler

from portal.database import read_database
from tests.deployment import (
    COLLECT,
    DIRECT,
    MIGRATE,
    THROUGH_PGBOUNCER,
    WAYS,
    Visitor,
    manage,
    reached,
    serving,
    set_up,
)
from tests.postgres import started_cluster
from tests.workers import wait_until

pytestmark = pytest.mark.race

AGENT = "agent@nordlicht.example"
GLOBAL = "global@nordlicht.example"
HELPDESK = "helpdesk@nordlicht.example"
OFFICE = "Office 365 Business Standard"
THREADS = 4


class Installation:
    """A portal with the demo data, and what the database says beside it."""

    def __init__(self, checkout, server, url, through):
        self.checkout, self.server, self.url, self.through = checkout, server, url, through

    def row(self, sql, *params):
        with psycopg.connect(self.url) as beside:
            return beside.execute(sql, params).fetchone()

    def manage(self, *command):
        environment = {"DATABASE_URL": self.through, "EMAIL_URL": "dummymail://"}
        return manage(self.checkout, *command, **environment)

    def at_once(self, act):
        """Let as many do the same at once as the server has threads, and one more."""
        with ThreadPoolExecutor(THREADS + 1) as visitors:
            return list(visitors.map(lambda _number: act(), range(THREADS + 1)))


def load(checkout, url):
    set_up(checkout, MIGRATE, COLLECT, DATABASE_URL=url)
    set_up(checkout, ["load_demo"], DATABASE_URL=url, DEBUG="1")


@pytest.fixture(scope="module", params=WAYS)
def portal(request, checkout, new_database):
    """A portal that was set up by the way that it takes later."""
    url = new_database("direct" if request.param == DIRECT else "pgbouncer")
    with reached(request.param, url) as through:
        load(checkout, through)
        with serving(checkout, DATABASE_URL=through) as server:
            yield Installation(checkout, server, url, through)


@pytest.fixture(scope="module")
def helpdesk(portal):
    return Visitor(portal.server, HELPDESK)


def subscription(portal, name):
    """The key and the address of one of Reederei Albers."""
    key, customer = portal.row(
        "SELECT sold.id, customer.id FROM subscriptions_subscription AS sold"
        " JOIN customers_customer AS customer ON customer.id = sold.customer_id"
        " WHERE sold.friendly_name = %s AND customer.domain = 'albers.example'",
        name,
    )
    return key, f"/customers/{customer}/subscriptions/{key}/"


def partner(portal, name):
    return portal.row("SELECT id FROM portal_partner WHERE name = %s", name)[0]


def contact(portal, key):
    return portal.row(
        "SELECT name FROM portal_partner JOIN subscriptions_subscription AS sold"
        " ON sold.support_contact_id = portal_partner.id WHERE sold.id = %s",
        key,
    )[0]


# The portal's jobs


def test_people_sign_in_and_many_read_lists_at_once(portal):
    """More at once than PgBouncer has connections: each statement may run on another one."""
    visitor = Visitor(portal.server, GLOBAL)
    for path in (
        "/customers/",
        "/subscriptions/",
        "/activity/",
        "/relationships/requests/",
        "/settings/profile/",
    ):
        answers = portal.at_once(lambda path=path: visitor.get(path))
        assert {answer.status for answer in answers} == {200}, path
    assert "Reederei Albers" in visitor.get("/customers/").text


def test_a_contact_is_designated_and_taken_back(portal, helpdesk):
    key, path = subscription(portal, OFFICE)
    before = contact(portal, key)
    for name in ("Hafen IT", before):
        answer = helpdesk.post(path, support_contact=str(partner(portal, name)))
        assert (answer.status, answer.headers["Location"]) == (
            302,
            f"{path}support-contact/review/",
        )
        assert name in helpdesk.get(f"{path}support-contact/review/").text
        assert contact(portal, key) == name


def test_files_are_exported_completely(portal):
    visitor = Visitor(portal.server, GLOBAL)
    of_nordlicht = "SELECT count(*) FROM subscriptions_subscription WHERE seller_id = %s"
    sold = portal.row(of_nordlicht, partner(portal, "Nordlicht Distribution"))[0]
    for path, least in (("/subscriptions/export/", sold), ("/activity/export/", 10)):
        answers = portal.at_once(lambda path=path: visitor.get(path))
        assert {answer.status for answer in answers} <= {200, 429}  # two at once of each user
        whole = {answer.text for answer in answers if answer.status == 200}
        assert len(whole) == 1
        assert len(list(csv.DictReader(io.StringIO(whole.pop())))) >= least > 1


def test_contacts_are_assigned_in_bulk(portal, helpdesk):
    names = ["Azure plan", OFFICE]
    found = [subscription(portal, name) for name in names]
    keys = [str(key) for key, _path in found]
    for _key, path in found:
        helpdesk.post(path, support_contact=str(partner(portal, "Nordlicht Distribution")))
    answer = helpdesk.post("/subscriptions/assign/", chosen=keys)
    assert answer.status == 302
    choose = answer.headers["Location"]
    preview = helpdesk.post(choose, contact=str(partner(portal, "Hafen IT")))
    assert preview.status == 302
    bulk = preview.headers["Location"]
    assert "Hafen IT" in helpdesk.get(bulk).text
    running = helpdesk.post(f"{bulk}submit/")
    assert (running.status, "2 of 2 subscriptions" in running.text) == (200, True)
    assert {contact(portal, key) for key in keys} == {"Hafen IT"}
    assert helpdesk.get(f"{bulk}export/").text.count("Hafen IT") == 2


def test_the_worker_does_what_is_due_and_the_rules_hold(portal, helpdesk):
    _key, path = subscription(portal, OFFICE)
    for name in ("Hafen IT", "Nordlicht Distribution"):
        helpdesk.post(path, support_contact=str(partner(portal, name)))
    waiting = "SELECT count(*) FROM portal_mail WHERE done_at IS NULL AND due_at <= now()"
    assert portal.row(waiting)[0] > 0
    done = portal.manage("worker", "--once")
    assert done.returncode == 0, done.stderr
    assert portal.row(waiting) == (0,)
    rules = portal.manage("verify_rules")
    assert rules.returncode == 0, rules.stdout + rules.stderr


# One forgotten transaction


def test_a_forgotten_transaction_keeps_no_thread(portal, helpdesk):
    """All who Submit read that somebody else is at the same (409), and the server answers others."""
    key, path = subscription(portal, "Azure plan")
    before, chosen = contact(portal, key), str(partner(portal, "Nordlicht Distribution"))
    # None of them has more than two changes under way.
    turns = cycle([helpdesk, Visitor(portal.server, GLOBAL), Visitor(portal.server, AGENT)])
    with psycopg.connect(portal.url) as forgotten:
        forgotten.execute("SELECT FROM subscriptions_subscription FOR UPDATE")
        forgotten.execute("SELECT FROM relationships_relationship FOR UPDATE")
        answers = portal.at_once(lambda: next(turns).post(path, support_contact=chosen))
        assert [answer.status for answer in answers] == [409] * (THREADS + 1)
        assert "Changed at the same time" in answers[0].text
        assert {answer.status for answer in portal.at_once(lambda: helpdesk.get(path))} == {200}
    assert contact(portal, key) == before


def test_no_limit_stays_in_a_connection(portal, helpdesk):
    assert helpdesk.post("/settings/profile/", name="Someone", language="").status == 302
    with psycopg.connect(portal.through, autocommit=True) as one:
        for name in ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout"):
            found = [one.execute(f"SHOW {name}").fetchone() for _each in range(5)]
            assert set(found) == {("0",)}


# A server of their own, which can be stopped


@pytest.fixture(scope="module")
def cluster(checkout):
    with started_cluster() as cluster:
        load(checkout, cluster.url)
        yield cluster


@pytest.fixture(scope="module", params=WAYS)
def restarted(request, checkout, cluster):
    """A portal whose database server the tests stop; a new connection is waited for for two seconds."""
    with (
        reached(request.param, cluster.url) as through,
        serving(checkout, DATABASE_URL=f"{through}?connect_timeout=2") as server,
    ):
        portal = Installation(checkout, server, cluster.url, through)
        portal.way, portal.visitor = request.param, Visitor(server, HELPDESK)
        yield portal


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["shutdown", "crash"])
def test_a_restart_between_two_requests_is_not_noticed(restarted, cluster, how):
    visitor = restarted.visitor
    for _round in range(3):
        assert {
            answer.status for answer in restarted.at_once(lambda: visitor.get("/customers/"))
        } == {200}
        with psycopg.connect(cluster.url, autocommit=True) as admin:
            admin.execute("CHECKPOINT")  # this server writes nothing by itself, see tests.postgres
        cluster.stop(how)
        cluster.start()
        assert [visitor.get("/customers/").status for _each in range(THREADS)] == [200] * THREADS


def test_a_database_that_is_down_is_told_as_that_and_back_at_once(restarted, cluster):
    visitor = restarted.visitor
    cluster.stop(signal.SIGINT)
    try:
        answers = [visitor.get("/customers/") for _each in range(THREADS)]
        answers.append(restarted.server.ask("/readyz"))
    finally:
        cluster.start()
    assert [answer.status for answer in answers] == [503] * (THREADS + 1)
    assert {"Retry-After" in answer.headers for answer in answers[:-1]} == {True}
    if restarted.way == THROUGH_PGBOUNCER:
        # It tries again after its server_login_retry; until then it refuses at once.
        wait_until(lambda: restarted.server.ask("/readyz").status == 200)
    assert visitor.get("/customers/").status == 200


def test_a_server_that_froze_is_given_up_and_taken_again(restarted, cluster):
    if restarted.way == THROUGH_PGBOUNCER:
        pytest.skip("PgBouncer answers for a server that does not, and has limits of its own")
    visitor = restarted.visitor
    with cluster.frozen():
        answer = visitor.get("/customers/")
        assert (answer.status, "Retry-After" in answer.headers) == (503, True)
    assert visitor.get("/customers/").status == 200


def test_of_two_hosts_the_one_is_asked_that_takes_changes(cluster):
    """The primary becomes read-only under a connection that lasts: the next request finds the other one."""
    with started_cluster() as other:
        hosts = ",".join(one.url.partition("@")[2].partition("/")[0] for one in (cluster, other))
        database = read_database(f"postgres://postgres@{hosts}/postgres")
        connections = ConnectionHandler({"default": database})
        connection = connections["default"]
        folders = [str(one.folder) for one in (cluster, other)]
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        assert connection.connection.info.host == folders[0]
        with psycopg.connect(cluster.url, autocommit=True) as admin:
            admin.execute("ALTER SYSTEM SET default_transaction_read_only = on")
            admin.execute("SELECT pg_reload_conf()")
            try:
                wait_until(lambda: not connection.is_usable())
                connection.close_if_unusable_or_obsolete()  # what Django does when a request starts
                with connection.cursor() as cursor:
                    cursor.execute("CREATE TABLE written ()")
                assert connection.connection.info.host == folders[1]
            finally:
                admin.execute("SET default_transaction_read_only = off")
                admin.execute("ALTER SYSTEM RESET default_transaction_read_only")
                admin.execute("SELECT pg_reload_conf()")
                connections.close_all()
