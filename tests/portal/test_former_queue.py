"""The update from django-post-office: what waits is sent, and the words of the rest are gone."""

from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.utils.module_loading import import_string

from portal.models import Mail, MailStatus

TABLE = """
    CREATE TABLE post_office_email (
        id integer PRIMARY KEY, from_email varchar(254), "to" text, subject varchar(989), message text,
        html_message text, status smallint, created {moment}, last_updated {moment},
        scheduled_time {moment}, number_of_retries integer
    )
"""
ROW = "INSERT INTO post_office_email VALUES (%s, 'p@portal.example', %s, %s, %s, %s, %s, {0}, {0}, {1}, %s)"
SENT, FAILED, QUEUED, REQUEUED = range(4)
BRACE = "{% templatetag openbrace %}"


@pytest.fixture
def carry_over(db):
    """What the migration does."""
    run = import_string(f"portal.migrations.{migration()}.carry_over")
    return lambda: run(apps, SimpleNamespace(connection=connection))


def migration():
    names = [name for app, name in MigrationLoader(None).graph.nodes if app == "portal"]
    [found] = [name for name in names if name.endswith("mail_of_the_former_queue")]
    return found


@pytest.fixture
def former(db):
    """``former(id, to, subject, text, html, status, retries, …)``: a row of the former queue."""
    moment = "timestamptz" if connection.vendor == "postgresql" else "datetime"
    with connection.cursor() as cursor:
        cursor.execute(TABLE.format(moment=moment))
        cursor.execute("CREATE TABLE post_office_log (id integer)")

    def add(*values, scheduled="NULL"):
        with connection.cursor() as cursor:
            cursor.execute(ROW.format("'2026-11-29 12:00:00+00:00'", scheduled), values)

    return add


def test_what_waits_is_carried_over_as_people_wrote_it(carry_over, former):
    text = f"50 % of {BRACE}{{ it }}}}"
    former(1, "anna@firm.example", f"{BRACE}% now %}}", text, f"<p>{text}</p>", QUEUED, None)
    former(2, "bert@firm.example", "Again", "B", "", REQUEUED, 7)
    former(3, "c@firm.example, d@firm.example", "Both", "C", "", QUEUED, 0)
    carry_over()
    mails = list(Mail.objects.waiting().order_by("pk"))
    assert [(mail.recipient, mail.subject, mail.text, mail.tries) for mail in mails] == [
        ("anna@firm.example", "{% now %}", "50 % of {{ it }}", 0),
        ("bert@firm.example", "Again", "B", 7),
        ("c@firm.example", "Both", "C", 0),
        ("d@firm.example", "Both", "C", 0),
    ]
    assert mails[0].html == "<p>50 % of {{ it }}</p>"
    assert {mail.from_email for mail in mails} == {"p@portal.example"}
    assert Mail.objects.claim() == mails[0]


def test_of_what_is_done_with_the_words_are_gone(carry_over, former):
    former(1, "anna@firm.example", "Sent", "https://portal.example/secret", "<p>x</p>", SENT, None)
    former(2, "bert@firm.example", "Failed", "https://portal.example/secret", "", FAILED, 3)
    carry_over()
    done = list(Mail.objects.order_by("pk"))
    assert [(mail.subject, mail.status, mail.text, mail.html) for mail in done] == [
        ("Sent", MailStatus.SENT, "", ""),
        ("Failed", MailStatus.GIVEN_UP, "", ""),
    ]
    assert all(mail.done_at.year == 2026 for mail in done)
    with connection.cursor() as cursor:
        left = [name for name in connection.introspection.table_names(cursor) if "post_off" in name]
    assert left == []


def test_a_new_installation_has_nothing_to_carry(carry_over):
    carry_over()
    assert not Mail.objects.exists()
