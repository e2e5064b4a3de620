"""The gateway's HTTP over a test's ground: an app, tokens that hold, and a client."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx
import orjson
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import ECKey

from services.gateway.answers import Answers
from services.gateway.api import WayIn, events_router
from services.gateway.api_directory import directory_router
from services.gateway.api_incidents import Desk, incidents_router, reference_router
from shared.http import service_app, too_fast
from shared.identity import Verifier
from shared.limits import Limit
from shared.pages import Cursors
from tests.faults.gateway.ground import POLICE, Ground

ISSUER, AUDIENCE = "http://issuer.test", "urn:safeguarding-exchange:service:gateway"
ONE, MANY = "application/cloudevents+json", "application/cloudevents-batch+json"
KEY = ECKey.generate_key("P-256", {"kid": "test"})


def public_key() -> Mapping[str, Any]:
    """What checks this process's tokens."""
    return KEY.as_dict(private=False)


def token(agency: str = POLICE, person: str | None = None, /, *roles: str, **claims: Any) -> str:
    """What the issuer would give this caller."""
    now = int(time.time())
    said = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": person or agency,
        "client_id": person or agency,
        "iat": now,
        "exp": now + 600,
        "jti": "test",
        "kind": "person" if person else "agency",
        "agency": agency,
        "roles": list(roles),
        "partnerships": ["southmere" if agency.startswith("southmere") else "northshire"],
    } | claims
    return jwt.encode({"alg": "ES256", "kid": "test", "typ": "at+jwt"}, said, KEY)


@dataclass
class Caller:
    """Somebody with a token, at the door."""

    http: httpx.AsyncClient
    token: str

    async def send(self, content: Any, *, as_: str = ONE, **headers: str) -> httpx.Response:
        body = content if isinstance(content, bytes) else orjson.dumps(content)
        sent = {"authorization": f"Bearer {self.token}", "content-type": as_, **headers}
        return await self.http.post("/v1/events", content=body, headers=sent)

    async def get(self, path: str, **params: Any) -> httpx.Response:
        return await self.http.get(path, params=params, headers={"authorization": f"Bearer {self.token}"})


@dataclass
class Doorway:
    """The app over a ground."""

    ground: Ground
    http: httpx.AsyncClient
    answers: Answers

    def as_(self, agency: str = POLICE, person: str | None = None, /, *roles: str, **claims: Any) -> Caller:
        return Caller(self.http, token(agency, person, *roles, **claims))


def doorway_app(
    ground: Ground, *, rate: float = 10_000, burst: float = 100_000, key: Mapping[str, Any] | None = None
) -> tuple[FastAPI, Answers]:
    """The app; tokens must be signed with `key`, a public JWK, or with this process's own."""
    answers = Answers(ground.database)
    limit = Limit(ground.database, rate=rate, burst=burst)

    async def allow(who: str, count: int) -> None:
        wait = await limit.take(who, count)
        if wait is not None:
            raise too_fast(wait)

    async def jwks() -> Mapping[str, Any]:
        return {"keys": [key or public_key()]}

    cursors = Cursors(b"a key that only tests have")
    way = WayIn(ground.door, ground.database, lambda: ground.directory, answers, ground.clock, cursors, allow)
    desk = Desk(ground.database, ground.log, ground.clock, cursors)
    app = service_app(
        title="Gateway",
        service="gateway",
        routers=[events_router(way), incidents_router(desk), reference_router(desk), directory_router(desk)],
        verifier=Verifier(ISSUER, AUDIENCE, jwks),
    )
    return app, answers


@asynccontextmanager
async def doorway(ground: Ground, *, rate: float = 10_000, burst: float = 100_000) -> AsyncIterator[Doorway]:
    """The app within this process, and a client at its door."""
    app, answers = doorway_app(ground, rate=rate, burst=burst)
    looking = asyncio.create_task(answers.run())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway.test") as http:
        try:
            yield Doorway(ground, http, answers)
        finally:
            looking.cancel()
            with suppress(asyncio.CancelledError):
                await looking
