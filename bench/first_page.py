"""Start a WSGI application and read its first page: ``first_page.py MODULE PATH``.

Prints the seconds of CPU since Python started.
"""

import importlib
import io
import os
import sys
import time


def main(module, path):
    sys.path[:0] = filter(None, [os.environ.get("PYTHONPATH"), os.getcwd()])
    application = importlib.import_module(module).application
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "192.0.2.1",
        "HTTP_HOST": os.environ["ALLOWED_HOSTS"] if module == "portal.wsgi" else "localhost",
        "HTTP_X_FORWARDED_PROTO": "https",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": True,
    }
    status = []
    b"".join(application(environ, lambda code, headers, *rest: status.append(code)))
    if not status[0].startswith("200"):
        sys.exit(f"{path} answered {status[0]}")
    print(time.process_time())


main(*sys.argv[1:])
