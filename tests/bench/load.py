"""The load generator, a process of its own: so many connections, each sending as soon as it was answered.

One job in JSON on standard input, what came of it in JSON on standard output. It parses no more of an answer than it
must, since it shares the machine with what it measures; both sides of a comparison get the same bytes from it.
"""

import asyncio
import json
import re
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import uvloop

from tests.bench.verdicts import quantile

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
CRLF = "\r\n"
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Sender:
    """One connection's way: where, as whom, and the event it sends over and over, each time under a new id."""

    url: str
    token: str
    event: str
    content_type: str
    batch: int = 0
    """Events in a request's array; 0 for one event that is the body itself."""
    prefer: str = ""

    def request(self, number: int, run: str) -> bytes:
        """The bytes of the request with that number."""
        if self.batch:
            events = (self._event(f"{run}-{number}-{place}") for place in range(self.batch))
            body = f"[{','.join(events)}]".encode()
        else:
            body = self._event(f"{run}-{number}").encode()
        where = urlsplit(self.url)
        return (
            f"POST {where.path} HTTP/1.1\r\nhost: {where.netloc}\r\nauthorization: Bearer {self.token}\r\n"
            f"content-type: {self.content_type}\r\ncontent-length: {len(body)}\r\n"
            f"{f'prefer: {self.prefer}' + CRLF if self.prefer else ''}\r\n"
        ).encode() + body

    def _event(self, id_: str) -> str:
        return self.event.replace("@id", id_)


@dataclass(frozen=True)
class Outcome:
    """What came of a load: requests and events taken, in how many seconds, and milliseconds a request."""

    requests: int
    events: int
    seconds: float
    p50: float
    p90: float
    p99: float
    refused: dict[str, int] = field(default_factory=dict)
    """Anything else than a 2xx, by status: a load that met any of it measured something else."""

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.seconds


class _Load:
    def __init__(self, seconds: float, most: int) -> None:
        self._until = time.perf_counter() + seconds
        self._most = most
        self._begun = 0
        self.name = uuid4().hex[:10]
        self.taken: list[float] = []
        self.refused: dict[str, int] = {}

    def note(self, status: int, began: float) -> None:
        """What one request came to."""
        if 200 <= status < 300:
            self.taken.append((time.perf_counter() - began) * 1000)
        else:
            self.refused[str(status)] = self.refused.get(str(status), 0) + 1

    async def connection(self, sender: Sender) -> None:
        """Sends until the time is up."""
        where = urlsplit(sender.url)
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        try:
            while time.perf_counter() < self._until and self._begun < self._most:
                self._begun += 1
                request = sender.request(self._begun, self.name)
                began = time.perf_counter()
                writer.write(request)
                self.note(await _status(reader), began)
        finally:
            writer.close()


FRESH_SECONDS = 3.0
"""A server closes a connection on which nothing has come for some seconds: one so old is not used again."""


class Idle:
    """Connections to one place that wait to be used again, the one used last first."""

    def __init__(self) -> None:
        self._kept: list[tuple[float, Connection]] = []

    def take(self) -> Connection | None:
        """One that the server still holds open; None where there is none."""
        if self._kept and time.perf_counter() - self._kept[-1][0] < FRESH_SECONDS:
            return self._kept.pop()[1]
        self.close()
        return None

    def give(self, connection: Connection) -> None:
        """Keeps one for the next request."""
        self._kept.append((time.perf_counter(), connection))

    def close(self) -> None:
        """Closes all that wait."""
        for _, (_, writer) in self._kept:
            writer.close()
        self._kept.clear()


async def _at_full_speed(run: _Load, senders: list[Sender]) -> None:
    await asyncio.gather(*(run.connection(sender) for sender in senders))


async def _paced(run: _Load, senders: list[Sender], pace: float, count: int) -> None:
    idle: dict[str, Idle] = {}

    async def one(number: int, due: float) -> None:
        await asyncio.sleep(due - time.perf_counter())
        sender = senders[number % len(senders)]
        where = urlsplit(sender.url)
        free = idle.setdefault(where.netloc, Idle())
        reader, writer = free.take() or await asyncio.open_connection(where.hostname, where.port)
        writer.write(sender.request(number, run.name))
        run.note(await _status(reader), due)
        free.give((reader, writer))

    first = time.perf_counter() + 0.1
    await asyncio.gather(*(one(number, first + number / pace) for number in range(count)))
    for free in idle.values():
        free.close()


async def _status(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    length = _LENGTH.search(head)
    if length:
        await reader.readexactly(int(length[1]))
    return int(head[9:12])


async def load(senders: list[Sender], seconds: float, most: int = 10_000_000, pace: float = 0) -> Outcome:
    """Everything that these senders could send within so many seconds, or until `most` requests were begun.

    With a `pace` so many requests a second are begun, answered or not, by the senders in turn; each is timed from
    the moment at which it was to begin, so that waiting for a slow one before it counts.
    """
    began = time.perf_counter()
    run = _Load(seconds, most)
    await (_paced(run, senders, pace, int(seconds * pace)) if pace else _at_full_speed(run, senders))
    took = time.perf_counter() - began
    ordered = sorted(run.taken) or [0.0]
    p50, p90, p99 = (quantile(ordered, part) for part in (0.5, 0.9, 0.99))
    events = len(run.taken) * max(1, senders[0].batch)
    return Outcome(len(run.taken), events, took, p50, p90, p99, run.refused)


def main() -> None:
    """Runs one job from standard input."""
    job: dict[str, Any] = json.load(sys.stdin)
    senders = [Sender(**each) for each in job["senders"]]
    outcome = uvloop.run(load(senders, job["seconds"], job["most"], job["pace"]))
    print(json.dumps(asdict(outcome)))


if __name__ == "__main__":
    main()
