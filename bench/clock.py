"""The time that the processors work for a request: that of this process and of the database's."""

import os
import time

from django.db import connection


def cpu_clock(pid):
    """The number of the clock of a process's CPU time, as clock_getcpuclockid(3) makes it on Linux."""
    return (~pid << 3) | 2


class Clock:
    """Seconds of CPU time; where the database's can't be read, ``is_whole`` says so."""

    def __init__(self):
        self.backends = []
        self.is_whole = True

    def find_backends(self):
        """Look which processes of PostgreSQL answer us. SQLite works in our own process."""
        if connection.vendor != "postgresql":
            return
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"
                " AND datname = current_database()"
            )
            pids = [pid for (pid,) in cursor.fetchall()]
        try:
            self.backends = [cpu_clock(pid) for pid in pids]
            self.read()
        except OSError:
            self.backends, self.is_whole = [], False

    def read(self):
        return time.process_time() + sum(time.clock_gettime(one) for one in self.backends)


def memory():
    """How much memory this process holds now, in bytes."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
