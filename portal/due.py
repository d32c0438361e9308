"""What the worker does for the portal, and what operators are told of it."""

from collections.abc import Iterator
from datetime import timedelta

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core.cache import caches
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.formats import localize
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.mail.delivery import Courier
from portal.models import Mail, Notice, Task, User, Worker
from portal.models.mails import DAY
from portal.shared_cache import SharedCache
from portal.worker import Finding, due
from portal.zones import written_moment

CHUNK = 5_000  # rows that one transaction deletes: some tenths of a second


def forget_rows(task: Task, rows: QuerySet) -> int:
    """Delete ``rows``, some at a time; return how many there were."""
    forgotten = 0
    while task.goes_on():
        with task.held():
            keys = list(rows.order_by("pk").values_list("pk", flat=True)[:CHUNK])
            rows.filter(pk__in=keys).delete()
        forgotten += len(keys)
        if len(keys) < CHUNK:
            break
    return forgotten


def forget_sessions(task: Task) -> str:
    """Delete the sessions that are over, and what was kept of where each was begun."""
    forgotten = forget_rows(task, Session.objects.filter(expire_date__lt=timezone.now()))
    kept = Session.objects.filter(session_key=OuterRef("session_key"))
    forget_rows(task, UserSession.objects.filter(~Exists(kept)))
    return f"{forgotten} sessions that were over forgotten" if forgotten else ""


def forget_mail(task: Task) -> str:
    """Delete what is told of mail that was done with long ago."""
    forgotten = forget_rows(task, Mail.objects.over())
    return f"{forgotten} old mails forgotten" if forgotten else ""


def forget_counts(task: Task) -> str:
    """Delete what the cache in the database has counted and needs no more; Redis does so by itself."""
    if isinstance(caches["default"], SharedCache):
        with task.held():
            forgotten = caches["default"].forget_expired()
        return f"{forgotten} counts that were over forgotten" if forgotten else ""
    return ""


def send_digests(task: Task) -> str:
    """Mail each who wants one mail a day what happened since the last (C11)."""
    sent = 0
    for user in User.objects.with_organisation().filter(waiting_notices__isnull=False).distinct():
        if not task.goes_on():
            break
        with task.held():
            sent += Notice.objects.send_digest(user)
    return f"{sent} digests queued" if sent else ""


def check_worker() -> Iterator[Finding]:
    seen = Worker.objects.last_seen()
    if seen is None:
        yield Finding(_("The worker was never seen. Run manage.py worker."), is_alarm=True)
        return
    when = {"when": written_moment(seen)}
    if Worker.objects.are_late():
        sentence = _("The worker was last seen on %(when)s. Mail and all that is due waits for it.")
        yield Finding(sentence % when, is_alarm=True)
    else:
        yield Finding(_("The worker was last seen on %(when)s.") % when)


def check_tasks() -> Iterator[Finding]:
    """A task that failed once may have met a lock; one that fails again and again needs someone."""
    for task in Task.objects.filter(failures__gte=3):
        sentence = ngettext(
            "%(task)s has failed %(count)s time in a row: %(error)s.",
            "%(task)s has failed %(count)s times in a row: %(error)s.",
            task.failures,
        )
        said = {"task": task.name, "count": localize(task.failures), "error": task.outcome}
        yield Finding(sentence % said, is_alarm=True)


def check_mail() -> Iterator[Finding]:
    waiting, failing = Mail.objects.waiting(), Mail.objects.failing()
    sentence = _("Mail that waits: %(waiting)d, of which %(failing)d after a try that failed.")
    yield Finding(
        sentence % {"waiting": waiting.count(), "failing": failing.count()},
        is_alarm=Mail.objects.stuck().exists(),
    )
    lost = Mail.objects.undelivered().filter(done_at__gt=Now() - DAY).count()
    yield Finding(_("Mail that could not be delivered in the last 24 hours: %d.") % lost)


courier = Courier()
due.register_queue("mail", courier, run=courier.deliver, rest=courier.close)
due.register("old-mail", every=timedelta(days=1), run=forget_mail)
due.register("old-counts", every=timedelta(hours=1), run=forget_counts)
due.register("digests", every=timedelta(days=1), run=send_digests)
due.register("sessions", every=timedelta(days=1), run=forget_sessions)
due.watch(check_worker)
due.watch(check_tasks)
due.watch(check_mail)
