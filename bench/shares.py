"""What is measured as a share of bare SQL: changing many rows, and reading all of them as a file."""

import csv
from dataclasses import dataclass
from statistics import median

from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone

from bench.clock import memory
from portal.models import ActivityEntry, Actor
from subscriptions.models import BulkAssignment

BULK = 10_000
EXPORT = "/subscriptions/export/"

BARE_CHANGE = (
    """UPDATE subscriptions_supportcontactassignment SET ended_at = %(now)s
    WHERE ended_at IS NULL AND subscription_id IN (SELECT id FROM chosen)""",
    """INSERT INTO subscriptions_supportcontactassignment
    (subscription_id, partner_id, started_at, changed_by_id, designated_for_id, reason)
    SELECT id, %(provider)s, %(now)s, %(actor)s, %(provider)s, 'support_contact.designated' FROM chosen""",
    """INSERT INTO portal_activityentry
    (at, action, actor_id, customer_id, subject, subject_id, before, after, reason)
    SELECT %(now)s, 'support_contact.designated', %(actor)s, customer_id, friendly_name, id,
    '{}', '{}', '' FROM chosen""",
    """INSERT INTO portal_activityreader (activityentry_id, partner_id, at, action, customer_id)
    SELECT entry.id, chosen.seller_id, entry.at, entry.action, entry.customer_id
    FROM portal_activityentry entry JOIN chosen ON chosen.id = entry.subject_id
    WHERE entry.id > %(last)s
    UNION ALL
    SELECT entry.id, chosen.support_contact_id, entry.at, entry.action, entry.customer_id
    FROM portal_activityentry entry JOIN chosen ON chosen.id = entry.subject_id
    WHERE entry.id > %(last)s""",
    """UPDATE subscriptions_subscription SET support_contact_id = %(provider)s,
    contact_changed_at = %(now)s WHERE id IN (SELECT id FROM chosen)""",
)


@dataclass(frozen=True)
class Share:
    """How fast, as a share of bare SQL."""

    name: str
    goal: float
    value: float
    text: str


def in_vain(act):
    """Do ``act`` in a transaction that is taken back."""
    with transaction.atomic():
        act()
        transaction.set_rollback(True)


# Words as they are typed on a keyboard without umlauts, each beside one that is written in one way only and
# that as many customers have in their name: the last of them none.
OTHER_LETTERS = {"mueller": "schulz", "koehler": "fischer", "zzoexqy": "zzaxqy"}


def search_by_other_letters(bench):
    """Search for customers by words that have several spellings, in searches for a plain one."""
    browser, ratios = bench.facts.browser, []
    for typed, plain in OTHER_LETTERS.items():
        times = {typed: [], plain: []}
        for _call in range(9):
            for word, seconds in times.items():
                seconds.append(bench.time(lambda word=word: browser.get(f"/customers/?q={word}")))
        ratios.append(median(times[typed]) / median(times[plain]))
    ratio = median(ratios)
    yield Share("Search by other letters (mueller), in plain searches", 1.2, ratio, f"{ratio:.2f}")


def change_many(bench):
    """Give the provider back what its resellers look after: by the portal's door, and by bare SQL."""
    facts = bench.facts
    wanted = facts.subscriptions.exclude(support_contact=facts.provider)
    chosen = facts.subscriptions.filter(pk__in=wanted.order_by("pk").values("pk")[:BULK])
    bulk = BulkAssignment.objects.start(chosen, by=facts.user)
    bulk.choose(facts.provider, by=facts.user)
    count = bulk.rows.to_change().count()
    sql, params = chosen.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE chosen AS {sql}", params)
    values = {
        "now": timezone.now(),
        "actor": Actor.objects.of(facts.user).pk,
        "last": ActivityEntry.objects.aggregate(last=Max("pk"))["last"],
        "provider": facts.provider.pk
        if connection.vendor == "postgresql"
        else facts.provider.pk.hex,
    }

    def bare():
        with connection.cursor() as cursor:
            for statement in BARE_CHANGE:
                cursor.execute(statement, values)

    before = memory()
    times = {"portal": [], "bare": []}
    for _round in range(3):
        times["portal"].append(bench.time(lambda: in_vain(lambda: bulk.submit(by=facts.user))))
        bulk.refresh_from_db()
        times["bare"].append(bench.time(lambda: in_vain(bare)))
    share = min(times["bare"]) / min(times["portal"])
    grown = (memory() - before) / 1e6
    speed = count / min(times["portal"])
    text = f"{share:.0%} ({speed:,.0f} rows/s; memory +{max(grown, 0):.0f} MB)"
    yield Share(f"Change of {BULK:,} contacts, share of bare SQL", 0.5, share, text)


class Nowhere:
    def write(self, text):
        return text


def export_all(bench, record):
    """Read all subscriptions that the provider sees: as its export, and with a cursor and the csv module."""
    browser = bench.facts.browser

    def read():
        for _piece in iter_answer(browser.ask(EXPORT)):
            pass

    statements = record(read).statements

    def bare():
        writer = csv.writer(Nowhere())
        for sql, params in statements:
            if " ORDER BY " in sql:
                with connection.chunked_cursor() as cursor:
                    cursor.execute(sql, params)
                    while chunk := cursor.fetchmany(1000):
                        for row in chunk:
                            writer.writerow(row)

    times = {"portal": [], "bare": []}
    before = most = memory()
    for _round in range(2):
        rows, first, start = 0, None, bench.clock.read()
        for piece in iter_answer(browser.ask(EXPORT)):
            if first is None:
                first = bench.clock.read() - start
            rows += piece.count(b"\n")
            most = max(most, memory())
        times["portal"].append(bench.clock.read() - start)
        times["bare"].append(bench.time(lambda: in_vain(bare)))
    share = min(times["bare"]) / min(times["portal"])
    first_byte = first / bench.floor_time
    yield Share("CSV export, share of a bare cursor", 0.75, share, f"{share:.0%} ({rows:,} rows)")
    yield Share("CSV export, first byte, in floors", 20, first_byte, f"{first_byte:.1f}")
    grown = (most - before) / 1e6
    yield Share("CSV export, growth of memory, in MB", 30, grown, f"{max(grown, 0):.0f}")


def iter_answer(answer):
    if answer.status != 200:
        raise RuntimeError(f"The export answered {answer.status}.")
    try:
        yield from answer.body
    finally:
        answer.close()
