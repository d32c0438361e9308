"""Measure one installation, whose DATABASE_URL is in the environment; print the result as JSON.

Every call of a page goes in turn with a call of the floor, a page of the portal that asks the
database for nothing of its own. Medians of CPU time, three rounds over all pages.
"""

import json
import sys
from dataclasses import asdict
from statistics import median

import django
from django.conf import settings

django.setup()
settings.ROOT_URLCONF = "bench.urls"

from django.db import connection  # noqa: E402

from bench.clock import Clock  # noqa: E402
from bench.facts import Facts  # noqa: E402
from bench.lines import lines  # noqa: E402
from bench.shares import change_many, export_all, search_by_other_letters  # noqa: E402

FLOOR = "/words/"
ROUNDS = 3
CALLS = 5


class Recorder:
    """The statements of one page."""

    def __init__(self):
        self.statements = []

    def __call__(self, execute, sql, params, many, context):
        self.statements.append((sql, params))
        return execute(sql, params, many, context)

    def run_again(self):
        """What the page would cost if it were nothing but its statements."""
        for sql, params in self.statements:
            with connection.cursor() as cursor:
                cursor.execute(sql, params)
                cursor.fetchall()


def record(act):
    getattr(act, "prepare", lambda: None)()
    recorder = Recorder()
    with connection.execute_wrapper(recorder):
        act()
    return recorder


class Bench:
    def __init__(self):
        self.facts = Facts()
        self.clock = Clock()
        self.floor()
        self.clock.find_backends()
        self.floor_queries = len(record(self.floor).statements)
        self.results = {}

    def floor(self):
        self.facts.browser.get(FLOOR)

    def time(self, act):
        getattr(act, "prepare", lambda: None)()
        before = self.clock.read()
        act()
        return self.clock.read() - before

    def in_floors(self, act, calls):
        """Return the median of ``act`` in medians of the floor, both called in turn."""
        floors, times = [], []
        for _number in range(calls):
            floors.append(self.time(self.floor))
            times.append(self.time(act))
        return median(times) / median(floors), median(floors)

    def measure_pages(self):
        all_lines = list(lines(self.facts))
        recorders = {}
        for line in all_lines:
            recorders[line.name] = record(line.act)
        ratios = {line.name: [] for line in all_lines}
        bare = {line.name: [] for line in all_lines}
        floors = []
        for _round in range(ROUNDS):
            for line in all_lines:
                ratio, floor = self.in_floors(line.act, CALLS)
                ratios[line.name].append(ratio)
                floors.append(floor)
                if not line.writes:
                    bare[line.name].append(self.in_floors(recorders[line.name].run_again, 3)[0])
        for line in all_lines:
            self.results[line.name] = {
                "goal": line.goal,
                "floors": median(ratios[line.name]),
                "most_growth": line.most_growth,
                "extra_queries": None
                if line.writes
                else len(recorders[line.name].statements) - self.floor_queries,
                "bare_sql": median(bare[line.name]) if bare[line.name] else None,
            }
        return median(floors)

    def measure_stock_admin(self):
        stock = self.facts.operator
        return {
            name: self.in_floors(lambda path=path: stock.get(path), 3)[0]
            for name, path in (
                ("Customers", "/stock-admin/customers/customer/"),
                ("Search, common word", "/stock-admin/customers/customer/?q=gmbh"),
                ("Search, no hit", "/stock-admin/customers/customer/?q=zzxqy"),
            )
        }

    def measure_shares(self, floor):
        self.floor_time = floor
        shares = [
            *search_by_other_letters(self),
            *change_many(self),
            *export_all(self, record),
        ]
        return {share.name: asdict(share) for share in shares}


def main():
    bench = Bench()
    floor = bench.measure_pages()
    with connection.cursor() as cursor:
        is_sqlite = connection.vendor == "sqlite"
        cursor.execute("SELECT sqlite_version()" if is_sqlite else "SHOW server_version")
        [version] = cursor.fetchone()
    result = {
        "version": version,
        "floor_ms": floor * 1000,
        "cpu_of_database": bench.clock.is_whole,
        "lines": bench.results,
        "stock_admin": bench.measure_stock_admin(),
        "shares": bench.measure_shares(floor),
    }
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()
