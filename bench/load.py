"""Serve one installation with gunicorn, ask it from many sides at once, and print the result as JSON.

``python -m bench.load``, with the installation's DATABASE_URL in the environment. The floor page comes
first and the mix of pages after it, under the same load, so that the ratio says what the pages cost.
"""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from itertools import cycle
from statistics import quantiles
from urllib.parse import urlencode, urlsplit

import django

django.setup()

from bench.browser import HOST, SECRET  # noqa: E402
from bench.facts import Facts  # noqa: E402
from bench.lines import Designation, lines  # noqa: E402

CLIENTS = 32
SECONDS = 8
PORT = 8399
FLOOR = "/words/"
# How often each is asked for, of a hundred times. Designations are two requests: the form, and the review.
MIX = {
    "Customers": 25,
    "Search, common word": 10,
    "Search, rare word": 5,
    "Coverage by product": 10,
    "A customer's subscriptions": 20,
    "Subscription, choice among 200 resellers": 10,
    "Activity, last month": 10,
    "Designate and review": 10,
}


class Client:
    """One connection that is kept, over which one request follows the other."""

    def __init__(self, cookie):
        self.cookie = cookie
        self.times = []

    async def __aenter__(self):
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", PORT)
        return self

    async def __aexit__(self, *error):
        self.writer.close()

    async def ask(self, path, data=None):
        """Send a GET, or a POST of ``data``; return the status and where the answer leads."""
        body = urlencode({**data, "csrfmiddlewaretoken": SECRET}) if data else ""
        head = [
            f"{'POST' if data else 'GET'} {path} HTTP/1.1",
            f"Host: {HOST}",
            f"Cookie: {self.cookie}",
            "Accept-Language: de",
            "X-Forwarded-Proto: https",
        ]
        if data:
            head += [
                f"Origin: https://{HOST}",
                "Content-Type: application/x-www-form-urlencoded",
                f"Content-Length: {len(body)}",
            ]
        start = time.perf_counter()
        self.writer.write(("\r\n".join([*head, "", ""]) + body).encode())
        answer = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in answer[1:] if ": " in line)
        if headers.get("transfer-encoding") == "chunked":
            while size := int(await self.reader.readline(), 16):
                await self.reader.readexactly(size + 2)
            await self.reader.readline()
        else:
            await self.reader.readexactly(int(headers.get("content-length", 0)))
        self.times.append(time.perf_counter() - start)
        return int(answer[0].split()[1]), headers.get("location")


class Load:
    def __init__(self, facts):
        self.facts = facts
        self.cookie = facts.browser.cookie
        self.paths = {}
        for line in lines(facts):
            if line.name in MIX and not isinstance(line.act, Designation):
                self.paths[line.name] = path_of(facts, line.act)
        designations = Designation(facts)
        self.subscriptions = cycle([next(designations.subscriptions) for _number in range(50)])

    async def floor(self, client, _rng):
        status, _location = await client.ask(FLOOR)
        require(status, 200)

    async def mixed(self, client, rng):
        [name] = rng.choices(list(MIX), MIX.values())
        if name in self.paths:
            status, _location = await client.ask(self.paths[name])
            require(status, 200)
            return
        subscription = next(self.subscriptions)
        path = f"/customers/{subscription.customer_id}/subscriptions/{subscription.pk}/"
        chosen = rng.choice([self.facts.provider.pk, self.facts.reseller.pk])
        # Without what was seen the last word counts, and the same choice again changes nothing (C7).
        status, location = await client.ask(path, {"support_contact": chosen, "seen": ""})
        require(status, 302)
        status, _location = await client.ask(urlsplit(location).path)
        require(status, 200, 302)

    async def run(self, act):
        """Let all clients do ``act`` again and again; return requests a second, median and p99 in ms."""
        clients = [Client(self.cookie) for _number in range(CLIENTS)]
        end = time.perf_counter() + SECONDS

        async def work(number, client):
            rng = random.Random(number)  # noqa: S311
            async with client:
                while time.perf_counter() < end:
                    await act(client, rng)

        start = time.perf_counter()
        await asyncio.gather(*(work(*pair) for pair in enumerate(clients)))
        took = time.perf_counter() - start
        times = [one for client in clients for one in client.times]
        cut = quantiles(times, n=100)
        return {"rps": len(times) / took, "p50_ms": cut[49] * 1000, "p99_ms": cut[98] * 1000}


def path_of(facts, act):
    """The address that a line asks for."""
    asked = []
    ask, facts.browser.get = facts.browser.get, asked.append
    try:
        act()
    finally:
        facts.browser.get = ask
    return asked[0]


def require(status, *wanted):
    if status not in wanted:
        raise RuntimeError(f"The portal answered {status}.")


def serve():
    return subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "--log-level", "error"],
        env={**os.environ, "PORT": str(PORT)},
        stdout=subprocess.DEVNULL,
    )


async def wait():
    for _attempt in range(100):
        try:
            _reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return
    raise RuntimeError("gunicorn does not answer.")


async def measure(load):
    server = serve()
    try:
        await wait()
        await load.run(load.floor)  # until all is warm
        result = {}
        for name, act in (("floor", load.floor), ("mix", load.mixed)):
            result[name] = await load.run(act)
        return result
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()


def main():
    result = asyncio.run(measure(Load(Facts())))
    result["throughput"] = result["mix"]["rps"] / result["floor"]["rps"]
    result["p99"] = result["mix"]["p99_ms"] / result["floor"]["p99_ms"]
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()
