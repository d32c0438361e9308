"""No page reads a big table from end to end: what the databases plan to do on a large installation.

Every page that ``make bench`` measures is opened once, and each of its statements explained.
"""

import json
from io import StringIO

import pytest
from django.apps import apps
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connection
from django.utils import translation

from bench.facts import Facts
from bench.lines import lines

CUSTOMERS = 1500
# On PostgreSQL the planner is told that each table has so many times the rows that are there.
TIMES = 60
BIG = {
    "customers_customer",
    "portal_activityentry",
    "portal_activityreader",
    "relationships_relationship",
    "relationships_relationshiprequest",
    "subscriptions_subscription",
    "subscriptions_supportcontactassignment",
}
# An index of few of the rows may be read as a whole.
PARTIAL = {
    index.name for model in apps.get_models() for index in model._meta.indexes if index.condition
}
# Looks for a word among the names of all customers, in an index that holds nothing else.
BY_NAME = "customers_name_key"


class Plans:
    """Explains every SELECT that a page makes, and notes which big tables it reads without an index."""

    def __init__(self):
        self.page, self.explained, self.faults = "", 0, []

    def __call__(self, execute, sql, params, many, context):
        if sql.startswith(("SELECT", "(SELECT", "WITH")):
            self.explained += 1
            explain = {"sqlite": "EXPLAIN QUERY PLAN ", "postgresql": "EXPLAIN (FORMAT JSON) "}
            execute(explain[connection.vendor] + sql, params, many, context)
            rows = context["cursor"].fetchall()
            read = self.sqlite(rows) if connection.vendor == "sqlite" else self.postgresql(rows)
            self.faults += [f"{self.page}: {fault} in {sql[:2000]}" for fault in read]
        return execute(sql, params, many, context)

    @staticmethod
    def sqlite(rows):
        """SCAN is the whole table or the whole index, SEARCH a part of it."""
        for *_ids, step in rows:
            words = step.split()
            if (
                words[0] == "SCAN"
                and words[1] in BIG
                and not {BY_NAME, *PARTIAL}.intersection(words)
            ):
                yield step

    @staticmethod
    def postgresql(rows):
        [(plans,)] = rows
        waiting = [one["Plan"] for one in (json.loads(plans) if isinstance(plans, str) else plans)]
        while waiting:
            node = waiting.pop()
            waiting += node.get("Plans", [])
            is_whole = node["Node Type"] == "Seq Scan" or (
                node["Node Type"].startswith("Index") and not node.get("Index Cond")
            )
            table, index = node.get("Relation Name"), node.get("Index Name")
            if is_whole and table in BIG and index != BY_NAME and index not in PARTIAL:
                yield f"{node['Node Type']} of {table} by {index}"


@pytest.fixture
def plans(db, settings):
    """A sample, and on PostgreSQL the statistics of an installation that is many times larger."""
    settings.ALLOWED_HOSTS = ["*"]
    call_command("load_sample", customers=CUSTOMERS, yes_into_this_database=True, stdout=StringIO())
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # A table is read from end to end only where no index serves.
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
            if cursor.fetchone()[0]:
                cursor.execute(
                    "UPDATE pg_class SET reltuples = reltuples * %s WHERE relnamespace ="
                    " 'public'::regnamespace AND reltuples > 1000",
                    [TIMES],
                )
    # As in Django's own test client: the end of a request does not end the test's transaction.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield Plans()
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)
    translation.deactivate()  # the pages are German


def test_no_page_reads_a_big_table_from_end_to_end(plans):
    facts = Facts()
    for line in lines(facts):
        plans.page = line.name
        getattr(line.act, "prepare", lambda: None)()
        with connection.execute_wrapper(plans):
            line.act()
    assert plans.explained > 100
    assert plans.faults == []


def test_the_check_finds_a_table_that_is_read_from_end_to_end(plans):
    with connection.execute_wrapper(plans), connection.cursor() as cursor:
        cursor.execute("SELECT * FROM subscriptions_subscription WHERE quantity = 3")
        cursor.execute("SELECT * FROM customers_customer ORDER BY domain LIMIT 5 OFFSET 100")
    assert len(plans.faults) == 2
