"""An agency's feed over HTTP, for the gateway on that agency's behalf; and who was given what, for services."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Header, Query, Request
from pydantic import BaseModel, ConfigDict, model_validator
from starlette.responses import Response, StreamingResponse

from contracts.envelope import Instant
from contracts.feeds import Outbound
from contracts.identifiers import IncidentId
from services.delivery import records
from services.delivery.heads import Head, Heads
from services.delivery.reading import Known, Page, before, read
from shared.clock import Clock
from shared.database import Database, is_outage
from shared.http import Cursors, Problem, not_found, too_fast
from shared.identity import Caller, caller, on_behalf_of
from shared.limits import Limit
from shared.operations import operator

LONGEST_WAIT = 30
"""Seconds that `Prefer: wait` may ask for."""

STREAM_SECONDS = 300.0
"""After this long a stream ends and its reader comes again, with a token that still holds."""

STREAM_PAGE = 50
BEAT_SECONDS = 15.0

READS_A_SECOND = 500.0
READS_AT_ONCE = 5_000.0
REPLAYS_A_SECOND = 1 / 60
REPLAYS_AT_ONCE = 10.0
"""What one agency may ask for: enough for fifty readers that miss nothing, too little for a loop of replays."""

Cursor = Annotated[str | None, Query(max_length=400)]


def reader(request: Request, who: Annotated[Caller, Depends(caller)]) -> Caller:
    """The agency's system for which the gateway asks. Problem 403 for a person, 404 for anybody else."""
    asking = on_behalf_of(who, request)
    if asking is who or asking.kind == "service" or asking.agency is None:
        raise not_found()
    if asking.kind != "agency":
        remedy = "A feed is read by the agency's own system; a person asks for incidents and notifications."
        raise Problem(403, "not-permitted", "Not permitted", remedy)
    return asking


def service(who: Annotated[Caller, Depends(caller)]) -> Caller:
    """A service of the exchange. Problem 404 for anybody else."""
    if who.kind != "service":
        raise not_found()
    return who


Reader = Annotated[Caller, Depends(reader)]


class ReplayAsked(BaseModel):
    """From where an agency wants its feed again: behind a cursor, or from a moment on."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, populate_by_name=True)

    after: str | None = None
    from_: Instant | None = None

    @model_validator(mode="before")
    @classmethod
    def one_of_two(cls, told: Any) -> Any:
        """Takes `from`, which is no name in Python; one of the two must be there."""
        if not isinstance(told, dict) or ("after" in told) == ("from" in told):
            raise ValueError("give one of the two: after (a cursor) or from (a time)")
        return {"from_" if name == "from" else name: value for name, value in told.items()}


@dataclass(frozen=True)
class Desk:
    """What the routes here need. `reads` and `replays` say how fast one agency may ask."""

    database: Database
    heads: Heads
    clock: Clock
    cursors: Cursors
    reads: Limit
    replays: Limit

    def cursor(self, agency: str, sequence: int) -> str:
        """What an agency sends to go on behind a number of its feed."""
        return self.cursors.encode({"after": sequence}, of=_feed(agency))

    def opened(self, agency: str, cursor: str | None) -> int:
        """The number in a cursor; 0 without one. Problem 400 for one that is not of this agency's feed."""
        return int(self.cursors.decode(cursor, of=_feed(agency))["after"]) if cursor else 0

    async def page(self, asking: Caller, after: int, limit: int) -> Page:
        """Some of the caller's feed, under today's agreement. Problem 404 where it has none, 409 from ahead of it."""
        page = await read(self.database, asking.id, after, limit, asking.partnerships)
        if page.known is Known.NOTHING_YET:
            remedy = "The exchange has only just begun and knows no agency yet; ask again shortly."
            raise Problem(503, "not-now", "Cannot be done just now", remedy, headers={"Retry-After": "2"})
        if page.known is Known.NOT_LISTED:
            raise not_found()
        if after > page.head.last:
            # Only an older backup of delivery's database can do that; numbers are being given a second time.
            remedy = "The feed was restored from before your cursor: ask for a replay, and take what you lack."
            raise Problem(409, "ahead-of-the-feed", "The cursor is ahead of the feed", remedy)
        return page

    async def record(self, asking: Caller, way: str, has: int | None, page: Page) -> None:
        """Before anything is handed over: what it is, and up to where the caller says that it has its feed."""
        if has is None and not page.items:
            return
        async with self.database.transaction() as tx:
            now = self.clock.now()
            if has is not None:
                await records.heard(tx, asking.id, way, has, now)
            if page.items:
                await records.handed(tx, asking.id, way, page.items, now)


def delivery_router(desk: Desk) -> APIRouter:
    """`GET /v1/feed`, its replay and its state; `GET /operations/feeds`; `GET /internal/deliveries`."""
    router = APIRouter(tags=["feed"])

    @router.get("/v1/feed", summary="The agency's feed: a page, a page once there is one, or a stream")
    async def feed(
        request: Request,
        asking: Reader,
        after: Cursor = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
        prefer: Annotated[str, Header(max_length=100)] = "",
        last_event_id: Annotated[str | None, Header(max_length=400)] = None,
    ) -> Response:
        begin = desk.opened(asking.id, last_event_id or after)
        await _allowed(desk.reads, asking.id, 1)
        if "text/event-stream" in request.headers.get("accept", ""):
            first = await desk.page(asking, begin, STREAM_PAGE)
            headers = {"x-accel-buffering": "no"}
            return StreamingResponse(_stream(desk, asking, begin, first), 200, headers, "text/event-stream")
        page = await _awaited(desk, asking, begin, limit, _wait(prefer))
        await desk.record(asking, "https", begin, page)
        return _json(
            {
                "items": [_wire(item) for item in page.items],
                "next": desk.cursor(asking.id, page.last if page.items else begin),
                "more": bool(page.items) and page.last < page.head.last,
            }
        )

    @router.post("/v1/feed/replay", status_code=201, summary="A cursor from which to read again; recorded")
    async def replay(asked: ReplayAsked, asking: Reader) -> Response:
        await _allowed(desk.replays, f"replay {asking.id}", 1)
        head = (await desk.page(asking, 0, 1)).head
        if asked.from_ is not None:
            after = await before(desk.database, asking.id, asked.from_)
        else:
            after = desk.opened(asking.id, asked.after)
        async with desk.database.transaction() as tx:
            await records.replayed(tx, asking.id, after, head.last, asking.token_id, desk.clock.now())
        told = {"after": desk.cursor(asking.id, after), "from": after + 1, "until": head.last}
        return _json(told | {"events": max(0, head.last - after)}, 201)

    @router.get("/v1/feed/state", summary="How the feed stands: last number, what was seen, lag, last test")
    async def state(asking: Reader) -> Response:
        await desk.page(asking, 0, 1)
        return _json(await records.state(desk.database, asking.id))

    @router.get("/operations/feeds", tags=["operations"], dependencies=[Depends(operator)])
    async def feeds() -> Response:
        """Every feed: whose it is, whom to ring, how far it was seen, whether it is silent."""
        return _json({"items": await records.states(desk.database, desk.clock.now())})

    @router.get("/internal/deliveries", include_in_schema=False)
    async def deliveries(incident: IncidentId, who: Annotated[Caller, Depends(service)]) -> Response:
        return _json({"incident": incident, "items": await records.deliveries(desk.database, incident)})

    return router


async def _awaited(desk: Desk, asking: Caller, after: int, limit: int, wait: int) -> Page:
    until = time.monotonic() + wait
    while True:
        page = await desk.page(asking, after, limit)
        left = until - time.monotonic()
        if page.items or left <= 0 or not await desk.heads.moved(asking.id, page.head, left):
            return page


async def _stream(desk: Desk, asking: Caller, after: int, page: Page) -> AsyncIterator[bytes]:
    """Events as they come, one page in memory. Ends at once when something is taken from the agency's rights."""
    edition, ends = page.head.edition, time.monotonic() + STREAM_SECONDS
    has: int | None = after
    yield b"retry: 1000\n\n"
    while time.monotonic() < ends and page.head.edition == edition:
        await desk.record(asking, "stream", has, page)
        has = None  # what is sent from here on it says it has only by coming back
        for item in page.items:
            if desk.heads.of(asking.id).edition > edition:
                return
            after = item.sequence
            yield _event(desk.cursor(asking.id, after), item)
        standing = Head(max(after, page.head.last if not page.items else after), edition)
        if not page.items and not await desk.heads.moved(asking.id, standing, BEAT_SECONDS):
            yield b": nothing yet\n\n"
        try:
            page = await desk.page(asking, after, STREAM_PAGE)
        except Problem:
            return
        except Exception as failure:
            if not is_outage(failure):
                raise
            await asyncio.sleep(1)
            return


def _event(cursor: str, item: Outbound) -> bytes:
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (cursor.encode(), item.type.encode(), item.to_json())


def _wire(item: Outbound) -> Any:
    return orjson.Fragment(item.to_json())


def _wait(prefer: str) -> int:
    """The seconds of `Prefer: wait=n` (RFC 7240); 0 for anything else."""
    for preference in prefer.split(","):
        name, _, value = preference.strip().partition("=")
        if name.lower() == "wait" and value.strip().isdecimal():
            return min(int(value), LONGEST_WAIT)
    return 0


async def _allowed(limit: Limit, who: str, count: int) -> None:
    wait = await limit.take(who, count)
    if wait is not None:
        raise too_fast(wait)


def _feed(agency: str) -> str:
    return f"feed of {agency}"


def _json(body: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")
