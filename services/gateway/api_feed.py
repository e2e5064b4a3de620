"""An agency's feed, asked of delivery on its behalf: pages, long polls, and streams passed on as they come."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from typing import Annotated

import httpx
import orjson
from fastapi import APIRouter, Depends, Header, Query, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Message, Send

from shared.credentials import CredentialsRefused, ServiceCredentials
from shared.http import Problem
from shared.identity import ON_BEHALF_OF, Caller, IssuerUnavailable, audience_of, caller
from shared.problems import TYPE_PREFIX
from shared.telemetry import current_traceparent

Who = Annotated[Caller, Depends(caller)]
Cursor = Annotated[str | None, Query(max_length=400)]
_PASSED_ON = ("content-type", "retry-after", "x-accel-buffering")
LARGEST_REPLAY = 4096
"""Bytes of a request for a replay: a cursor or a time."""

PATIENCE = httpx.Timeout(10, read=45)
"""Seconds: longer than a long poll may take, and than a stream is silent."""

SLOWEST = 20.0
"""Seconds for which a stream's reader may take nothing of what waits for it."""

NO_CURSOR = "-"
"""Stands for what no cursor can be: delivery refuses it as it refuses any other."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Feeds:
    """What the routes here need. `delivery` has that service's base URL."""

    delivery: httpx.AsyncClient
    credentials: ServiceCredentials

    async def opened(self, held: AsyncExitStack, request: httpx.Request, who: Caller) -> httpx.Response:
        """Delivery's answer, its body not yet read. Problem 503 where there is none."""
        try:
            token = await self.credentials.token(audience_of("delivery"))
            request.headers.update({"authorization": f"Bearer {token}", ON_BEHALF_OF: who.to_header()})
            if traceparent := current_traceparent():
                request.headers["traceparent"] = traceparent
            answer = await self.delivery.send(request, stream=True)
        except (httpx.HTTPError, IssuerUnavailable, CredentialsRefused):
            raise _away() from None
        held.push_async_callback(answer.aclose)
        if answer.status_code == 401 or (answer.status_code >= 500 and answer.status_code != 503):
            await held.aclose()
            raise _away()  # our own standing there is at fault, not the caller
        return answer


class Passing(StreamingResponse):
    """Piece by piece, as fast as the reader takes it: whoever takes nothing for too long is let go, and that is logged.

    Nothing is lost: it comes again behind the last event that it has.
    """

    def __init__(
        self, pieces: AsyncGenerator[bytes, None], status: int, headers: Mapping[str, str], reader: str
    ) -> None:
        super().__init__(pieces, status, headers)
        self._pieces = pieces
        self._reader = reader

    async def stream_response(self, send: Send) -> None:
        """Passes it on. Ends the connection in the midst of the answer where the reader takes nothing."""

        async def taken(message: Message) -> None:
            async with asyncio.timeout(SLOWEST):
                await send(message)

        async with aclosing(self._pieces):
            try:
                await super().stream_response(taken)
            except TimeoutError:
                log.warning("a stream was ended: its reader took nothing", extra={"caller": self._reader})


def feed_router(feeds: Feeds) -> APIRouter:
    """`GET /v1/feed`, `POST /v1/feed/replay`, `GET /v1/feed/state`."""
    router = APIRouter(prefix="/v1/feed", tags=["feed"])

    @router.get("", summary="The agency's feed: a page, a page once there is one (Prefer: wait), or a stream")
    async def feed(
        request: Request,
        who: Who,
        after: Cursor = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
        prefer: Annotated[str, Header(max_length=100)] = "",
        last_event_id: Annotated[str | None, Header(max_length=400)] = None,
    ) -> Response:
        asked = {"limit": str(limit)} | ({"after": after} if after else {})
        told = {"prefer": prefer if _plain(prefer) else "", "accept": _accepted(request)}
        told["last-event-id"] = (last_event_id or "") if _plain(last_event_id or "") else NO_CURSOR
        headers = {name: value for name, value in told.items() if value}
        return await _passed(feeds, request, who, params=asked, headers=headers)

    @router.post("/replay", status_code=201, max_body_size=LARGEST_REPLAY, summary="Read again from a cursor or a time")
    async def replay(request: Request, who: Who) -> Response:
        headers = {"content-type": "application/json"}
        return await _passed(feeds, request, who, headers=headers, content=await request.body())

    @router.get("/state", summary="How the feed stands: last number, what was seen, lag, last standing test")
    async def state(request: Request, who: Who) -> Response:
        return await _passed(feeds, request, who, headers={})

    return router


async def _passed(
    feeds: Feeds,
    asked: Request,
    who: Caller,
    *,
    headers: Mapping[str, str],
    params: Mapping[str, str] | None = None,
    content: bytes | None = None,
) -> Response:
    """Asked of delivery under the same path; a stream is passed on as it comes."""
    held = AsyncExitStack()
    method, path = asked.method, asked.url.path
    request = feeds.delivery.build_request(
        method, path, params=dict(params or {}), headers=dict(headers), content=content, timeout=PATIENCE
    )
    answer = await feeds.opened(held, request, who)
    kept = {name: answer.headers[name] for name in _PASSED_ON if name in answer.headers}
    if not kept.get("content-type", "").startswith("text/event-stream"):
        try:
            # Not `aread`: a response refers to itself, and keeps the pages that it read until a full collection.
            body = b"".join([piece async for piece in answer.aiter_bytes()])
            if answer.is_error:
                asked.scope["refused"] = _why(body)
            return Response(body, answer.status_code, kept)
        except httpx.HTTPError:
            raise _away() from None
        finally:
            await held.aclose()

    async def pieces() -> AsyncGenerator[bytes, None]:
        async with held:
            try:
                async for piece in answer.aiter_raw():
                    yield piece
            except httpx.HTTPError:
                return  # the stream ends, and its reader comes again from its last number

    return Passing(pieces(), answer.status_code, kept, who.id)


def _why(body: bytes) -> str:
    """Why delivery refused, for the log of the door at which the caller stood."""
    try:
        return str(orjson.loads(body)["type"]).removeprefix(TYPE_PREFIX)
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return "refused"


def _plain(text: str) -> bool:
    """Whether it can be passed on in a header: a preference that cannot be understood is none (RFC 7240)."""
    return text.isascii() and text.isprintable()


def _accepted(request: Request) -> str:
    """The one thing that is asked about: anything else that a caller accepts is not passed on."""
    return "text/event-stream" if "text/event-stream" in request.headers.get("accept", "") else "application/json"


def _away() -> Problem:
    remedy = "The feed cannot be read just now; nothing in it is lost. Ask again shortly."
    return Problem(503, "away", "There is no answer from delivery", remedy, headers={"Retry-After": "5"})
