"""An agency's feed, asked of delivery on its behalf: pages, long polls, and streams passed on as they come."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Annotated

import httpx
from fastapi import APIRouter, Depends, Header, Query, Request
from starlette.responses import Response, StreamingResponse

from shared.credentials import CredentialsRefused, ServiceCredentials
from shared.http import Problem
from shared.identity import ON_BEHALF_OF, Caller, IssuerUnavailable, audience_of, caller
from shared.telemetry import current_traceparent

Who = Annotated[Caller, Depends(caller)]
Cursor = Annotated[str | None, Query(max_length=400)]
_PASSED_ON = ("content-type", "retry-after", "x-accel-buffering")
LARGEST_REPLAY = 4096
"""Bytes of a request for a replay: a cursor or a time."""

PATIENCE = httpx.Timeout(10, read=45)
"""Seconds: longer than a long poll may take, and than a stream is silent."""


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
        told = {"prefer": prefer, "last-event-id": last_event_id, "accept": _accepted(request)}
        headers = {name: value for name, value in told.items() if value}
        return await _passed(feeds, who, "GET", "/v1/feed", params=asked, headers=headers)

    @router.post("/replay", status_code=201, max_body_size=LARGEST_REPLAY, summary="Read again from a cursor or a time")
    async def replay(request: Request, who: Who) -> Response:
        headers = {"content-type": "application/json"}
        return await _passed(feeds, who, "POST", "/v1/feed/replay", headers=headers, content=await request.body())

    @router.get("/state", summary="How the feed stands: last number, what was seen, lag, last standing test")
    async def state(who: Who) -> Response:
        return await _passed(feeds, who, "GET", "/v1/feed/state", headers={})

    return router


async def _passed(
    feeds: Feeds,
    who: Caller,
    method: str,
    path: str,
    *,
    headers: Mapping[str, str],
    params: Mapping[str, str] | None = None,
    content: bytes | None = None,
) -> Response:
    """Passed on piece by piece, as fast as the caller takes it: a slow reader holds up nobody and fills no memory."""
    held = AsyncExitStack()
    request = feeds.delivery.build_request(
        method, path, params=dict(params or {}), headers=dict(headers), content=content, timeout=PATIENCE
    )
    answer = await feeds.opened(held, request, who)
    kept = {name: answer.headers[name] for name in _PASSED_ON if name in answer.headers}
    if not kept.get("content-type", "").startswith("text/event-stream"):
        try:
            return Response(await answer.aread(), answer.status_code, kept)
        except httpx.HTTPError:
            raise _away() from None
        finally:
            await held.aclose()

    async def pieces() -> AsyncIterator[bytes]:
        async with held:
            try:
                async for piece in answer.aiter_raw():
                    yield piece
            except httpx.HTTPError:
                return  # the stream ends, and its reader comes again from its last number

    return StreamingResponse(pieces(), answer.status_code, kept)


def _accepted(request: Request) -> str:
    """The one thing that is asked about: anything else that a caller accepts is not passed on."""
    return "text/event-stream" if "text/event-stream" in request.headers.get("accept", "") else "application/json"


def _away() -> Problem:
    remedy = "The feed cannot be read just now; nothing in it is lost. Ask again shortly."
    return Problem(503, "away", "There is no answer from delivery", remedy, headers={"Retry-After": "5"})
