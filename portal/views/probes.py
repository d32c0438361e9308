"""For monitoring: is the process alive, and can it serve?"""

from django.contrib.auth.decorators import login_not_required
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal.models import Worker


@login_not_required
@never_cache
@require_safe
def alive(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


@login_not_required
@never_cache
@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """Answer 200 if the database is reachable and every migration applied, else 503.

    A worker that is not there keeps no page from being served, so it is only told.
    """
    try:
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
        worker = "" if pending or not Worker.objects.are_late() else _absence_of_worker()
    except Error:
        return HttpResponse("database unreachable\n", content_type="text/plain", status=503)
    if pending:
        return HttpResponse("migrations pending\n", content_type="text/plain", status=503)
    return HttpResponse(f"ok\n{worker}", content_type="text/plain")


def _absence_of_worker() -> str:
    seen = Worker.objects.last_seen()
    return f"worker: {f'last seen {seen:%Y-%m-%d %H:%M} UTC' if seen else 'never seen'}\n"
