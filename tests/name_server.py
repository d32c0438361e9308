"""A real name server on 127.0.0.1, as small as one can be, for what the portal looks up in the DNS."""

import socket
import threading
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
from django.test import override_settings

SILENT = object()


def answer_to(query, records):
    """The answer to a query from ``records``: texts by host, ``SILENT``, or the code of a fault."""
    asked = query.question[0]
    found = records.get(asked.name.to_text(omit_final_dot=True))
    if found is SILENT:
        return None
    answer = dns.message.make_response(query)
    answer.flags |= dns.flags.RA
    if found is None:
        answer.set_rcode(dns.rcode.NXDOMAIN)
    elif isinstance(found, dns.rcode.Rcode):
        answer.set_rcode(found)
    elif found:
        texts = [f'"{text}"' if '"' not in text else text for text in found]
        answer.answer.append(dns.rrset.from_text(asked.name, 60, "IN", "TXT", *texts))
    return answer


@contextmanager
def name_server(records):
    """Let the portal ask a server that knows ``records``; yields the hosts that it was asked for."""
    asked: list[str] = []
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))

    def serve():
        while True:
            data, client = server.recvfrom(4096)
            if not data:
                return
            query = dns.message.from_wire(data)
            asked.append(query.question[0].name.to_text(omit_final_dot=True))
            answer = answer_to(query, records)
            if answer is not None:
                server.sendto(answer.to_wire(), client)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        with override_settings(DNS_RESOLVERS=[server.getsockname()]):
            yield asked
    finally:
        server.sendto(b"", server.getsockname())
        thread.join(5)
        server.close()
