"""Production server: ``gunicorn`` in this folder reads this file and serves the portal.

Gunicorn's own command line overrides each of these. A reverse proxy in front ends TLS.
"""

import os

wsgi_app = "portal.wsgi"
bind = f"127.0.0.1:{os.environ.get('PORT', '8000')}"

# Requests mostly wait for the database, so threads cost little; more processes use more cores.
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
worker_class = "gthread"
# Each thread keeps a connection to the database: there are workers × threads of them.
threads = 4

# The code is read once, before the workers start: a wrong setting stops the start with its own
# sentence, and the workers share the memory. No database connection is opened before the fork.
preload_app = True

# By these a proxy could place the portal below a path, where it can't be (ADR 0019); and so could a client,
# behind a proxy that passes names with underscores on.
forwarder_headers = ""

timeout = 30
graceful_timeout = 30
# Longer than common proxies keep an idle connection, so that they are the ones to close it.
keepalive = 75

# A worker starts anew now and then, so that no slow leak grows; the jitter keeps them apart.
max_requests = 10_000
max_requests_jitter = 1_000

# The workers' heartbeat file must not wait for a busy disk.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108

# The server's own lines look like the portal's. Its access lines would carry query strings and personal
# links; the portal writes one for each request itself, without them.
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "portal.logs.PrivateJsonFormatter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "gunicorn.error": {"handlers": ["console"], "level": "INFO", "propagate": False},
        "gunicorn.access": {"handlers": [], "level": "CRITICAL", "propagate": False},
    },
}

# Nobody needs to steer the running server through a socket in the home folder.
control_socket_disable = True
