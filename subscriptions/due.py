"""What the worker does for subscriptions."""

from datetime import timedelta

from portal.models import Task
from portal.worker import due
from subscriptions.models import BulkAssignment


def forget_bulk_assignments(task: Task) -> str:
    """Delete previews and results that are kept no longer, each with its rows in a transaction of its own."""
    forgotten = 0
    while task.goes_on():
        with task.held():
            if not BulkAssignment.objects.forget():
                break
        forgotten += 1
    return f"{forgotten} bulk assignments forgotten" if forgotten else ""


due.register("bulk-assignments", every=timedelta(days=1), run=forget_bulk_assignments)
