"""The feed's readers, a process of its own: a stream beside the senders that fill it, many pagers, and one replay.

One job in JSON on standard input, what came of it in JSON on standard output. Sender and stream share this process, so
that both moments of an event are on one clock.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import orjson
import uvloop

from tests.bench.load import Idle, Sender
from tests.bench.verdicts import quantile

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
LATE = 120.0
"""Seconds after the last was sent, in which what is missing may still come."""


class Unfit(Exception):
    """An answer that no reader of a feed should get."""


async def fresh(job: Mapping[str, Any]) -> dict[str, Any]:
    """Milliseconds from the moment at which an event was to be sent until another agency's stream had it."""
    connection = await _connected(job["url"])
    status, told = await _asked(connection, "POST", "/v1/feed/replay", job["token"], body={"from": job["now"]})
    if status != 201:
        raise Unfit(f"{status} {told!r}"[:300])
    seen: dict[str, float] = {}
    reading = asyncio.create_task(_read_stream(job, told["after"], seen))
    await asyncio.sleep(2.0)  # until the stream stands
    due: dict[str, float] = {}
    senders = [Sender(**each) for each in job["senders"]]
    count, pace = int(job["seconds"] * job["pace"]), job["pace"]
    idle = Idle()
    first = time.perf_counter() + 0.1

    async def one(number: int) -> None:
        at = first + number / pace
        await asyncio.sleep(at - time.perf_counter())
        sender = senders[number % len(senders)]
        reader, writer = idle.take() or await _connected(sender.url)
        writer.write(sender.request(number, job["run"]))
        status, body = await _answer(reader)
        idle.give((reader, writer))
        if status != 202 or body["status"] != "accepted":
            raise Unfit(f"{status} {body!r}"[:300])
        due[body["incident"]] = at

    await asyncio.gather(*(one(number) for number in range(count)))
    until = time.perf_counter() + LATE
    while due.keys() - seen.keys() and time.perf_counter() < until:  # noqa: ASYNC110 (another task fills it)
        await asyncio.sleep(0.05)
    reading.cancel()
    took = sorted((seen[incident] - at) * 1000 for incident, at in due.items() if incident in seen)
    missing = len(due) - len(took)
    spread = {f"p{part}": quantile(took or [0.0], part / 100) for part in (50, 90, 99)}
    return spread | {"count": len(took), "missing": missing}


async def _read_stream(job: Mapping[str, Any], cursor: str, seen: dict[str, float]) -> None:
    while True:  # a stream that has ended is gone on with
        async for after, event in _stream(job, cursor):
            cursor = after
            if event["type"] == "incident.referred.v1":
                seen.setdefault(event["subject"], time.perf_counter())


async def _stream(job: Mapping[str, Any], cursor: str) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    reader, writer = await _connected(job["url"])
    more = {"accept": "text/event-stream", "last-event-id": cursor}
    writer.write(_request("GET", "/v1/feed", job["token"], urlsplit(job["url"]).netloc, more))
    head = await reader.readuntil(b"\r\n\r\n")
    if int(head[9:12]) != 200:
        raise Unfit(head[:300].decode(errors="replace"))
    rest = b""
    while size := int(await reader.readline(), 16):
        rest += (await reader.readexactly(size + 2))[:-2]
        *whole, rest = rest.split(b"\n\n")
        for block in whole:
            lines = dict(line.split(b": ", 1) for line in block.split(b"\n") if line and not line.startswith(b":"))
            if b"data" in lines:
                yield lines[b"id"].decode(), orjson.loads(lines[b"data"])
    writer.close()


async def many(job: Mapping[str, Any]) -> dict[str, Any]:
    """What so many readers get at once, each paging through its agency's feed over and over."""
    until = time.perf_counter() + job["seconds"]
    took: list[float] = []
    events = 0

    async def one(number: int) -> None:
        nonlocal events
        token = job["tokens"][number % len(job["tokens"])]
        connection = await _connected(job["urls"][number % len(job["urls"])])
        after = ""
        while time.perf_counter() < until:
            began = time.perf_counter()
            page = await _page(connection, token, after, 100)
            took.append((time.perf_counter() - began) * 1000)
            events += len(page["items"])
            after = page["next"] if page["more"] else ""

    began = time.perf_counter()
    await asyncio.gather(*(one(number) for number in range(job["readers"])))
    seconds = time.perf_counter() - began
    ordered = sorted(took)
    return {"events": events, "pages": len(took), "seconds": seconds} | {
        f"p{part}": quantile(ordered, part / 100) for part in (50, 99)
    }


async def replayed(job: Mapping[str, Any]) -> dict[str, Any]:
    """A replay from the beginning, so many events of it; the numbers must come without a gap."""
    connection = await _connected(job["url"])
    status, told = await _asked(
        connection, "POST", "/v1/feed/replay", job["token"], body={"from": "2000-01-01T00:00:00Z"}
    )
    if status != 201:
        raise Unfit(f"{status} {told!r}"[:300])
    began, count, after = time.perf_counter(), 0, told["after"]
    while count < job["events"]:
        page = await _page(connection, job["token"], after, 500)
        for item in page["items"]:
            count += 1
            if item["sequence"] != count:
                raise Unfit(f"{item['sequence']} came where {count} was to come")
        if not page["items"]:
            break
        after = page["next"]
    return {"events": count, "seconds": time.perf_counter() - began}


async def _page(connection: Connection, token: str, after: str, limit: int) -> dict[str, Any]:
    status, page = await _asked(
        connection, "GET", f"/v1/feed?limit={limit}" + (f"&after={after}" if after else ""), token
    )
    if status != 200:
        raise Unfit(f"{status} {page!r}"[:300])
    return dict(page)


async def _asked(
    connection: Connection, method: str, path: str, token: str, *, body: Mapping[str, Any] | None = None
) -> tuple[int, Any]:
    reader, writer = connection
    more = {"content-type": "application/json"} if body else {}
    writer.write(_request(method, path, token, "feed", more, orjson.dumps(body) if body else b""))
    return await _answer(reader)


async def _answer(reader: asyncio.StreamReader) -> tuple[int, Any]:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    _, _, length = head.partition(b"content-length:")
    body = await reader.readexactly(int(length.split(b"\r\n", 1)[0])) if length else b""
    return int(head[9:12]), orjson.loads(body or b"null")


def _request(method: str, path: str, token: str, host: str, more: Mapping[str, str], body: bytes = b"") -> bytes:
    headers = {"host": host, "authorization": f"Bearer {token}", **more} | (
        {"content-length": str(len(body))} if body else {}
    )
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + body


async def _connected(url: str) -> Connection:
    where = urlsplit(url)
    return await asyncio.open_connection(where.hostname, where.port, limit=2**24)


JOBS = {"fresh": fresh, "many": many, "replayed": replayed}


def main() -> None:
    """Runs one job from standard input."""
    job: dict[str, Any] = json.load(sys.stdin)
    print(json.dumps(uvloop.run(JOBS[job["what"]](job))))


if __name__ == "__main__":
    main()
