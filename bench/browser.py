"""Someone who is signed in and asks the WSGI application, without the test client in between."""

import io
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore

from portal.wsgi import application

HOST = "bench.portal.example"
SECRET = "b" * 32


class Answer:
    """The answer to one request; ``body`` is an iterator, to be read once and closed."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, dict(headers), body

    def read(self):
        try:
            return b"".join(self.body)
        finally:
            self.close()

    def close(self):
        close = getattr(self.body, "close", None)
        if close:
            close()


class Browser:
    """One signed-in user. A session lies in the database, as after signing in."""

    def __init__(self, user):
        session = SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.create()
        cookies = {
            settings.SESSION_COOKIE_NAME: session.session_key,
            settings.CSRF_COOKIE_NAME: SECRET,
        }
        self.cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())

    def ask(self, path, data=None):
        """Send a GET, or a POST of ``data``, and return the answer, not yet read."""
        address = urlsplit(path)
        body = b""
        environ = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": address.path,
            "QUERY_STRING": address.query,
            "SERVER_NAME": HOST,
            "SERVER_PORT": "443",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "192.0.2.1",
            "HTTP_HOST": HOST,
            "HTTP_COOKIE": self.cookie,
            "HTTP_ACCEPT_LANGUAGE": "de",
            "HTTP_X_FORWARDED_PROTO": "https",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "https",
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": False,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
        }
        if data is not None:
            body = urlencode({**data, "csrfmiddlewaretoken": SECRET}).encode()
            environ |= {
                "REQUEST_METHOD": "POST",
                "CONTENT_TYPE": "application/x-www-form-urlencoded",
                "CONTENT_LENGTH": str(len(body)),
                "HTTP_ORIGIN": f"https://{HOST}",
            }
        environ["wsgi.input"] = io.BytesIO(body)
        head = []
        answer = application(environ, lambda status, headers, *rest: head.extend((status, headers)))
        return Answer(int(head[0].split()[0]), head[1], answer)

    def get(self, path):
        """Return the page, or fail: what answers otherwise would be measured for nothing."""
        answer = self.ask(path)
        page = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"GET {path} answered {answer.status}: {page[:500]!r}")
        return page

    def post(self, path, data):
        """Send the form, and return where the answer leads."""
        answer = self.ask(path, data)
        page = answer.read()
        if answer.status != 302:
            raise RuntimeError(f"POST {path} answered {answer.status}: {page[:500]!r}")
        return answer.headers["Location"]
