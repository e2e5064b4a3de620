"""What `ready` says of a gateway: the calendar is warned of a year ahead, and without a key to seal with it fails."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey
from nacl.public import PrivateKey

from infra.local.ports import free_ports
from infra.postgres.provision import ServiceDatabase
from shared.clock import MovableClock
from shared.working_days import england_and_wales
from tests.faults.gateway.ground import gateway_database, ground
from tests.stacks import Stack

LAST = england_and_wales().last


@pytest.fixture(scope="module")
async def database(stack: Stack) -> ServiceDatabase:
    """Of a gateway that has had the vault's key."""
    made = await gateway_database(stack, "ageing")
    async with ground(made, PrivateKey.generate()):
        return made


@asynccontextmanager
async def gateway_at(business: datetime, database: ServiceDatabase, folder: Path) -> AsyncIterator[str]:
    """A gateway alone, whose business clock begins then; Kafka and the other services are away."""
    MovableClock.begin(folder / "clock", business)
    for name, content in (("key.pem", ECKey.generate_key("P-256").as_pem(private=True)), ("cursor", os.urandom(32))):
        (folder / name).write_bytes(content)
        (folder / name).chmod(0o600)
    door, nowhere = free_ports(2)
    away = f"http://127.0.0.1:{nowhere}"
    told = {
        "PATH": os.environ["PATH"],
        "SX_SERVICE": "gateway",
        "SX_DATABASE_URL": database.runtime_url,
        "SX_KAFKA_BOOTSTRAP": f"127.0.0.1:{nowhere}",
        "SX_KAFKA_USERNAME": "gateway",
        "SX_KAFKA_PASSWORD": "a-long-password-of-the-gateways-own",
        "SX_HTTP_PORT": str(door),
        "SX_ISSUER": away,
        "SX_VAULT_URL": away,
        "SX_NOTIFICATIONS_URL": away,
        "SX_DELIVERY_URL": away,
        "SX_RAPID_REVIEW_URL": away,
        "SX_AUDIENCE": "urn:safeguarding-exchange:service:gateway",
        "SX_CLIENT_ID": "gateway",
        "SX_CLIENT_KEY_FILE": str(folder / "key.pem"),
        "SX_CURSOR_KEY_FILE": str(folder / "cursor"),
        "SX_CLOCK_FILE": str(folder / "clock"),
        "SX_STATE_DIR": str(folder / "state"),
    }
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "services.gateway.app", env=told)
    try:
        yield f"http://127.0.0.1:{door}"
    finally:
        process.kill()
        await process.wait()


async def ready(url: str, wanted: int = 200) -> dict[str, Any]:
    """What `ready` answers, once it is this."""
    async with httpx.AsyncClient() as http, asyncio.timeout(60):
        while True:
            try:
                answer = await http.get(f"{url}/health/ready", timeout=10)
                if answer.status_code == wanted:
                    told: dict[str, Any] = answer.json()
                    return told
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.2)


@pytest.mark.parametrize(("days_left", "stands"), [(365, "ok"), (364, "warning")])
async def test_a_calendar_that_ends_within_a_year_is_a_warning_and_no_failure(
    database: ServiceDatabase, tmp_path: Path, days_left: int, stands: str
) -> None:
    noon = datetime.combine(LAST - timedelta(days=days_left), time(12), UTC)
    async with gateway_at(noon, database, tmp_path) as url:
        told = await ready(url)
    calendar = told["components"]["calendar"]
    assert calendar["status"] == stands
    assert LAST.isoformat() in calendar["detail"]
    assert ("bring the official list of the coming years in" in calendar["detail"]) == (stands == "warning")


async def test_a_gateway_that_never_had_a_key_to_seal_with_is_not_ready(stack: Stack, tmp_path: Path) -> None:
    unsealed = await gateway_database(stack, "keyless")
    async with gateway_at(datetime.now(UTC), unsealed, tmp_path) as url:
        told = await ready(url, 503)
    assert told["components"]["sealing"]["status"] == "failed"
    assert "let the vault be reached" in told["components"]["sealing"]["detail"]
