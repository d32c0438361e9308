"""The log as production would write it."""

import json
import logging
from contextlib import contextmanager

from django_guid.log_filters import CorrelationId

from portal.logs import PrivateJsonFormatter


class Lines(logging.Handler):
    """The lines that production would write."""

    def __init__(self):
        super().__init__(logging.INFO)
        self.setFormatter(PrivateJsonFormatter())
        self.addFilter(CorrelationId("request_id"))
        self.raw = []

    def emit(self, record):
        self.raw.append(self.format(record))

    @property
    def parsed(self):
        return [json.loads(line) for line in self.raw]

    @property
    def text(self):
        return "\n".join(self.raw)

    def of(self, **said):
        """The lines that say this, such as ``level="ERROR"``."""
        return [line for line in self.parsed if said.items() <= line.items()]


@contextmanager
def log_lines():
    handler = Lines()
    loggers = [logging.getLogger(name) for name in (None, "portal.access")]
    levels = [logger.level for logger in loggers]
    for logger in loggers[1:]:
        logger.setLevel(logging.INFO)
    loggers[0].addHandler(handler)
    yield handler
    loggers[0].removeHandler(handler)
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)
