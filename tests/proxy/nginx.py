"""The shipped deploy/nginx.conf, on ports and in a folder of its own, and those who ask through it."""

import os
import re
import socket
import ssl
import subprocess
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.conf import settings

from tests.deployment import Server, cookies
from tests.workers import wait_until

from .conftest import NGINX

CONF = Path(settings.BASE_DIR, "deploy", "nginx.conf")
HOST = "portal.example"
FORM = "application/x-www-form-urlencoded"
TIMEOUT = 20  # seconds, for what takes milliseconds


def free_port():
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        return free.getsockname()[1]


def write_certificate(folder):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "privkey.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def configuration(folder, ports, changes):
    """The shipped file with what belongs to this run put in; each change has to find its place."""
    temporary = "".join(
        f"    {kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    own = {
        r"user www-data;": "user root;" if os.geteuid() == 0 else "",
        r"/run/nginx\.pid": f"{folder}/pid",
        r"/var/log/nginx/error\.log": f"{folder}/error",
        r"/var/log/nginx/portal\.log": f"{folder}/access",
        r"worker_processes auto": "worker_processes 2",
        r"worker_rlimit_nofile 65536": "worker_rlimit_nofile 4096",
        r"worker_connections 16384": "worker_connections 2048",
        r"http \{\n": f"http {{\n{temporary}",
        r" *listen \[::\].*\n": "",
        r"listen 80\b": f"listen 127.0.0.1:{ports['http']}",
        r"listen 443\b": f"listen 127.0.0.1:{ports['https']}",
        r"server 127\.0\.0\.1:8000": f"server 127.0.0.1:{ports['portal']}",
        r"portal\.example\.com": HOST,
        r"/etc/ssl/portal": str(folder),
    }
    text = CONF.read_text()
    for pattern, value in (own | changes).items():
        text, found = re.subn(pattern, value.replace("\\", r"\\"), text)
        assert found, f"{pattern} is not in deploy/nginx.conf"
    return text


class Alone(Server):
    """Whoever asks gunicorn itself, as if nothing stood before it."""

    head = "X-Forwarded-Proto: https\r\n"

    def __init__(self, port, log, large):
        super().__init__(port, log)
        self.large = large  # the path of a large file

    def connect(self, source="127.0.0.1", receive=None):
        wire = socket.socket()
        if receive:
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        wire.settimeout(TIMEOUT)
        wire.bind((source, 0))
        wire.connect(("127.0.0.1", self.port))
        return wire

    def answers(self, within):
        """Whether someone else gets a page; ``within`` seconds are enough to say that nobody does."""
        try:
            return self.ask("/accounts/login/", timeout=within).status == 200
        except TimeoutError:
            return False

    def ask(self, *args, **more):
        with self.opened(*args, **more) as answer:
            answer.text = answer.read().decode(errors="replace")
        return answer

    @contextmanager
    def opened(
        self,
        path,
        method="GET",
        data=None,
        body=None,
        source="127.0.0.1",
        timeout=TIMEOUT,
        **headers,
    ):
        """The answer as soon as its head is there."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        headers = {"Host": HOST, "Referer": f"https://{HOST}/"} | self.more_headers() | headers
        if data is not None:
            headers["Content-Type"] = FORM
            body = urlencode(data)
        with closing(self.connect(source)) as socket, closing(HTTPConnection(HOST)) as wire:
            socket.settimeout(timeout)
            wire.sock = socket
            wire.request(method, path, body, headers)
            with wire.getresponse() as answer:
                yield answer

    def more_headers(self):
        return {"X-Forwarded-Proto": "https"}


class Proxy(Alone):
    """nginx as it runs, and whoever asks through it, by TLS."""

    head = ""

    def __init__(self, ports, folder, large):
        super().__init__(ports["https"], folder / "error", large)
        self.plain_port, self.folder = ports["http"], folder
        self._tls = ssl.create_default_context(cafile=folder / "fullchain.pem")

    def connect(self, source="127.0.0.1", receive=None, name=HOST):
        return self._tls.wrap_socket(super().connect(source, receive), server_hostname=name)

    def more_headers(self):
        return {}

    @property
    def lines(self):
        """The access log."""
        return (self.folder / "access").read_text().splitlines()


@contextmanager
def running_nginx(folder, portal, **changes):
    """nginx before the ``portal``, with the ``changes`` to its file."""
    folder.mkdir()
    ports = {"portal": portal.port, "http": free_port(), "https": free_port()}
    write_certificate(folder)
    conf = folder / "nginx.conf"
    conf.write_text(configuration(folder, ports, changes))
    process = subprocess.Popen(
        [NGINX, "-c", conf, "-p", folder, "-e", folder / "error", "-g", "daemon off;"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def is_there():
        assert process.poll() is None, (folder / "error").read_text()
        try:
            socket.create_connection(("127.0.0.1", ports["https"]), 1).close()
        except OSError:
            return False
        return True

    try:
        wait_until(is_there)
        yield Proxy(ports, folder, portal.large)
    finally:
        process.terminate()
        process.wait(TIMEOUT)


class Visitor:
    """A browser: it keeps cookies and sends the token of forms."""

    def __init__(self, proxy, source="127.0.0.1"):
        self.proxy, self.source, self.jar = proxy, source, {}

    def get(self, path):
        return self._keep(self.proxy.ask(path, source=self.source, **self._cookies()))

    def post(self, path, data):
        token = self.jar["__Host-csrftoken"]
        data = {"csrfmiddlewaretoken": token, **data}
        return self._keep(self.proxy.ask(path, "POST", data, source=self.source, **self._cookies()))

    def begin(self, path):
        """Post; a context with the answer while it is still under way."""
        data = {"csrfmiddlewaretoken": self.jar["__Host-csrftoken"]}
        return self.proxy.opened(path, "POST", data, source=self.source, **self._cookies())

    def send_file(self, path, content):
        """Post ``content`` as the file of a form."""
        fields = {
            'name="csrfmiddlewaretoken"': self.jar["__Host-csrftoken"].encode(),
            'name="file"; filename="a.csv"\r\nContent-Type: text/csv': content,
        }
        parts = [
            f"--b\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + value + b"\r\n"
            for head, value in fields.items()
        ]
        headers = {"Content_Type": "multipart/form-data; boundary=b"} | self._cookies()
        body = b"".join(parts) + b"--b--\r\n"
        return self.proxy.ask(path, "POST", body=body, source=self.source, **headers)

    def sign_in(self, email, password):
        self.get("/accounts/login/")
        answer = self.post("/accounts/login/", {"username": email, "password": password})
        assert answer.status == 302, answer.text
        return self

    def _cookies(self):
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self.jar.items())}

    def _keep(self, answer):
        self.jar |= {name: value for name, (value, _attributes) in cookies(answer).items()}
        return answer
