"""What a caller writes into a header is passed on to delivery, or left out: it never breaks the door. What delivery
answers is passed on and not kept."""

import gc
from collections.abc import AsyncIterator
from typing import Any, cast

import httpx
import pytest

from services.gateway.api_feed import NO_CURSOR, Feeds, feed_router
from shared.credentials import ServiceCredentials
from shared.http import service_app
from shared.identity import Verifier
from tests.faults.gateway.door import AUDIENCE, ISSUER, public_key, token
from tests.faults.gateway.ground import POLICE


async def page() -> AsyncIterator[bytes]:
    yield b'{"items": []}'


class Delivery:
    """Stands where delivery does, and keeps the headers that it was sent."""

    def __init__(self) -> None:
        self.sent: dict[str, str] = {}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.sent = dict(request.headers)
        return httpx.Response(200, headers={"content-type": "application/json"}, content=page())

    async def token(self, audience: str) -> str:
        return f"a token for {audience}"


@pytest.fixture
def delivery() -> Delivery:
    return Delivery()


@pytest.fixture
async def door(delivery: Delivery) -> AsyncIterator[httpx.AsyncClient]:
    async def jwks() -> Any:
        return {"keys": [public_key()]}

    async with httpx.AsyncClient(transport=httpx.MockTransport(delivery), base_url="http://delivery.test") as beside:
        routers = [feed_router(Feeds(beside, cast(ServiceCredentials, delivery)))]
        verifier = Verifier(ISSUER, AUDIENCE, jwks)
        app = service_app(title="Gateway", service="gateway", routers=routers, verifier=verifier)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway.test") as http:
            yield http


async def ask(door: httpx.AsyncClient, name: bytes, value: bytes) -> int:
    headers = [(b"authorization", f"Bearer {token(POLICE)}".encode()), (name, value)]
    return (await door.get("/v1/feed", headers=headers)).status_code


@pytest.mark.parametrize("value", [b"\xe9", b"wait=5\x7f", b"wait=5\x0b", b"\xff\xfe"])
async def test_a_header_that_cannot_be_passed_on_is_answered_all_the_same(
    door: httpx.AsyncClient, delivery: Delivery, value: bytes
) -> None:
    assert await ask(door, b"prefer", value) == 200
    assert "prefer" not in delivery.sent
    assert await ask(door, b"last-event-id", value) == 200
    assert delivery.sent["last-event-id"] == NO_CURSOR


async def test_what_can_be_passed_on_is(door: httpx.AsyncClient, delivery: Delivery) -> None:
    assert await ask(door, b"prefer", b"wait=5") == 200
    assert (delivery.sent["prefer"], "last-event-id" in delivery.sent) == ("wait=5", False)
    assert await ask(door, b"last-event-id", b"a-cursor") == 200
    assert (delivery.sent["last-event-id"], "prefer" in delivery.sent) == ("a-cursor", False)


async def test_no_page_is_kept_until_python_collects_what_refers_to_itself(door: httpx.AsyncClient) -> None:
    gc.collect()
    gc.disable()
    try:
        assert await ask(door, b"accept", b"application/json") == 200
        answers = [each for each in gc.get_objects() if isinstance(each, httpx.Response)]
    finally:
        gc.enable()
    of_delivery = [each for each in answers if each.request.url.host == "delivery.test"]
    assert [each for each in of_delivery if hasattr(each, "_content")] == []
