"""A real mail server for the tests. How it treats a mail, the name before the @ of its recipient says."""

import asyncio
import threading
from contextlib import contextmanager
from email import message_from_bytes
from email.policy import default

from aiosmtpd.smtp import SMTP

TOO_LONG = 30  # seconds, for a server that does not answer


class MailServer:
    """What it got, in order; with ``is_open`` False it greets nobody."""

    def __init__(self):
        self.messages = []
        self.recipients = []
        self.is_open = True
        self.connections = 0
        self.pause = 0.0
        self.port = 0

    # What aiosmtpd asks its handler.

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_MAIL(self, server, session, envelope, address, options):
        if address.startswith("unwelcome@"):
            return "550 5.7.1 Sender refused"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        kind = address.partition("@")[0]
        if kind == "nobody":
            return "550 5.1.1 No such user here"
        if kind == "full":
            return "452 4.2.2 Mailbox full"
        if kind == "private":
            return "530 5.7.0 Authentication required"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        [address] = envelope.rcpt_tos
        kind = address.partition("@")[0]
        if kind == "spam":
            return "554 5.7.1 Looks like spam"
        if kind == "hang":
            await asyncio.sleep(TOO_LONG)
        await asyncio.sleep(self.pause)
        self.recipients.append(address)
        self.messages.append(message_from_bytes(envelope.content, policy=default))
        if kind == "drop":
            server.transport.abort()
        return "250 OK"

    def greet(self):
        return SMTP(self, hostname="mail.example", enable_SMTPUTF8=False)

    async def answer(self, stop):
        loop = asyncio.get_running_loop()
        listening = await loop.create_server(self.greet, "127.0.0.1", self.port)
        self.port = listening.sockets[0].getsockname()[1]
        async with listening:
            self._started.set()
            await stop.wait()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    @contextmanager
    def running(self):
        """It answers in a thread of its own, at the same port each time."""
        self._started = threading.Event()
        loop, stop = asyncio.new_event_loop(), asyncio.Event()

        def run():
            loop.run_until_complete(self.answer(stop))
            loop.run_until_complete(asyncio.sleep(0.05))
            loop.close()

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        assert self._started.wait(10)
        try:
            yield self
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join(10)


@contextmanager
def mail_server():
    with MailServer().running() as server:
        yield server
