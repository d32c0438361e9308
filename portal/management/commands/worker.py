import signal
import sys

from django.core.management.base import BaseCommand

from portal.worker.loop import Loop


class Command(BaseCommand):
    help = (
        "Does what is due, mail above all, until it is stopped: by SIGTERM or Ctrl-C, after what it has "
        "in hand. Any number of them, on any number of hosts, do each thing once."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "--once",
            action="store_true",
            help="Do what is due now and end, for cron. The status is 1 if something failed.",
        )
        parser.add_argument(
            "--parent",
            type=int,
            metavar="PID",
            help="Stop when the process PID, which started it, has ended.",
        )

    def handle(self, *args, once, parent, **options):
        loop = Loop(parent=parent)
        before = {kind: signal.signal(kind, loop.stop) for kind in (signal.SIGTERM, signal.SIGINT)}
        try:
            loop.run(once=once)
        finally:
            for kind, handler in before.items():
                signal.signal(kind, handler)
        if once and loop.has_failed:
            sys.exit(1)
