"""One gateway process's door, to be killed: `python -m tests.faults.gateway.process <port>`, the rest from stdin."""

import asyncio
import json
import sys
from datetime import UTC, datetime

import uvicorn
from nacl.public import PrivateKey

from infra.postgres.provision import ServiceDatabase
from tests.faults.gateway.door import doorway_app
from tests.faults.gateway.ground import HandClock, ground


async def serve(port: int, url: str, secret: bytes, jwk: dict[str, str]) -> None:
    service = ServiceDatabase("", "", "", "", url)
    async with ground(service, PrivateKey(secret), HandClock(datetime.now(UTC))) as opened:
        app, _ = doorway_app(opened, key=jwk)
        await uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning")).serve()


if __name__ == "__main__":
    told = json.load(sys.stdin)
    asyncio.run(serve(int(sys.argv[1]), told["url"], bytes.fromhex(told["secret"]), told["key"]))
