"""Mail of the queue that the portal had before, django-post-office, whose tables go.

What waits is sent as before. Of what was sent or failed only stays to whom and when: links in its words
would still open doors.
"""

from django.db import migrations

FORMER = "post_office_email"
FORMER_TABLES = (
    "post_office_attachment_emails",
    "post_office_attachment",
    "post_office_log",
    FORMER,
    "post_office_emailtemplate",
)
SENT, FAILED, QUEUED, REQUEUED = range(4)
# The former queue read every text as a template, so a brace before another sign was written as one.
BRACE = "{% templatetag openbrace %}"

DONE = """
    INSERT INTO portal_mail (
        created_at, recipient, from_email, reply_to, subject, text, html, status, tries, trouble,
        answer, done_at, about
    )
    SELECT created, SUBSTR("to", 1, 320), from_email, '', REPLACE(subject, %s, '{'), '', '',
        CASE status WHEN %s THEN 'sent' ELSE 'given_up' END, COALESCE(number_of_retries, 0) + 1, '',
        '', last_updated, ''
    FROM post_office_email WHERE status IN (%s, %s) ORDER BY id
"""
WAITING = """
    INSERT INTO portal_mail (
        created_at, due_at, recipient, from_email, reply_to, subject, text, html, status, tries,
        trouble, answer, about
    )
    SELECT created, COALESCE(scheduled_time, created), {recipient}, from_email, '',
        REPLACE(subject, %s, '{{'), REPLACE(message, %s, '{{'), REPLACE(html_message, %s, '{{'),
        'waiting', COALESCE(number_of_retries, 0), '', '', ''
    FROM post_office_email WHERE status IN (%s, %s) AND {which} ORDER BY id
"""
TO_ONE = WAITING.format(recipient='TRIM("to")', which='"to" NOT LIKE %s AND "to" <> \'\'')
TO_SEVERAL = 'SELECT id, "to" FROM post_office_email WHERE status IN (%s, %s) AND "to" LIKE %s'
TO_ONE_OF_SEVERAL = WAITING.format(recipient="%s", which="id = %s")


def carry_over(apps, schema_editor):
    connection = schema_editor.connection
    with connection.cursor() as cursor:
        there = set(connection.introspection.table_names(cursor))
        if FORMER in there:
            carry(cursor)
        for table in FORMER_TABLES:
            if table in there:
                cursor.execute(f"DROP TABLE {connection.ops.quote_name(table)}")
        cursor.execute("DELETE FROM django_migrations WHERE app = 'post_office'")


def carry(cursor):
    cursor.execute(DONE, [BRACE, SENT, SENT, FAILED])
    cursor.execute(TO_ONE, [BRACE, BRACE, BRACE, QUEUED, REQUEUED, "%,%"])
    # Django admin let operators write mail to several.
    cursor.execute(TO_SEVERAL, [QUEUED, REQUEUED, "%,%"])
    for key, addresses in cursor.fetchall():
        for address in filter(None, map(str.strip, addresses.split(","))):
            params = [address, BRACE, BRACE, BRACE, QUEUED, REQUEUED, key]
            cursor.execute(TO_ONE_OF_SEVERAL, params)


class Migration(migrations.Migration):
    dependencies = [
        ("portal", "0016_mail"),
    ]

    operations = [
        # What was carried over stays where it is.
        migrations.RunPython(carry_over, migrations.RunPython.noop),
    ]
