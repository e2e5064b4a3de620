"""What tests of the gateway's way in stand on: a database, an intake over it, and events as agencies send them."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import orjson
from nacl.public import PrivateKey, SealedBox
from sqlalchemy import MetaData, insert

from contracts.access import Party
from contracts.directory import Directory
from contracts.envelope import AnyEvent
from infra.postgres.provision import ServiceDatabase
from services.gateway import views
from services.gateway.bootstrap import bootstrap
from services.gateway.checks import Arrival
from services.gateway.door import Door
from services.gateway.intake import Intake, Taken
from services.gateway.owned import Owned
from services.gateway.routing import route
from shared.consumer import Workplace
from shared.database import Database
from shared.days_off import calendar
from shared.eventlog import EventLog, log_tables
from shared.listed import Standing
from shared.migrate import upgrade
from shared.vault_client import Sealer, SealingKey, SealingKeys
from shared.vault_client.parcels import sealing_keys
from tests.stacks import Stack

ROOT = Path(__file__).parents[3]
MIGRATIONS = ROOT / "services" / "gateway" / "migrations"
AGENCIES = ROOT / "infra" / "demo" / "agencies.toml"
NOW = datetime(2026, 8, 28, 9, 0, tzinfo=UTC)
POLICE, COUNCIL = "northshire-police", "northshire-council"


class HandClock:
    """A business clock that a test moves."""

    def __init__(self, now: datetime = NOW) -> None:
        self.shows = now

    def now(self) -> datetime:
        return self.shows

    def at(self, real: datetime) -> datetime:
        return real


async def gateway_database(stack: Stack, name: str) -> ServiceDatabase:
    """A database with the gateway's tables, and nothing in it but the demo's directory."""
    service = stack.create_database(f"{name}_{uuid4().hex[:8]}")
    await upgrade(MIGRATIONS, service.owner_url, service.runtime_role)
    await begin_directory(service, AGENCIES.read_text(encoding="utf-8"))
    return service


async def begin_directory(service: ServiceDatabase, text: str) -> None:
    """The first facts of the directory, as an operator writes them."""
    database = Database(service.runtime_url, pool_size=1)
    try:
        await bootstrap(database, HandClock(), text)
    finally:
        await database.close()


@dataclass
class Ground:
    """One gateway process's way in, and what a test may look at. `secret` opens what was sealed."""

    database: Database
    door: Door
    intake: Intake
    log: EventLog
    clock: HandClock
    standing: Standing
    sealer: Sealer
    place: Workplace
    secret: PrivateKey = field(repr=False)

    @property
    def directory(self) -> Directory:
        return self.standing.now

    def arrival(
        self, agency: str = POLICE, person: str | None = None, *roles: str, offset: int | None = None
    ) -> Arrival:
        party: Party | None = self.directory.member(agency, person, frozenset(roles))
        assert party is not None
        return Arrival(party, self.clock.now(), offset, self.directory.agencies[agency].partnerships)

    async def take(self, *values: Any, arrival: Arrival | None = None, batch: bool = False) -> list[Taken]:
        return await self.door.take(values, arrival or self.arrival(), batch=batch)

    async def rows(self, question: str, *values: Any) -> list[Any]:
        async with self.database.transaction() as tx:
            return list(await tx.driver.fetch(question, *values))

    async def facts(self, stream: str) -> list[AnyEvent]:
        async with self.database.transaction() as tx:
            return await self.log.load(tx, stream)

    async def opened(self) -> list[dict[str, Any]]:
        """Every parcel that waits, opened as only the vault could."""
        rows = await self.rows("select ciphertext from parcel order by seq")
        return [orjson.loads(SealedBox(self.secret).decrypt(row[0])) for row in rows]


@asynccontextmanager
async def ground(service: ServiceDatabase, secret: PrivateKey, clock: HandClock | None = None) -> AsyncIterator[Ground]:
    """A process's way in over a database that others may share."""
    database = Database(service.runtime_url, pool_size=4)
    clock = clock or HandClock()
    standing = Standing(database)
    await standing.refresh()
    log = EventLog("gateway", log_tables(MetaData()), route)
    sealer = Sealer(SealingKey.of(bytes(secret.public_key)))

    place = Workplace("gateway", log, clock, lambda tx: calendar(tx.connection), views.keeping(standing.stale))
    intake = Intake(place, Owned(), lambda: standing.now, sealer, b"a key that only tests have")
    async with httpx.AsyncClient(base_url="http://127.0.0.1:9") as nowhere:
        door = Door(intake, database, log, SealingKeys(sealer, database, nowhere))
        running = [asyncio.create_task(task) for task in (door.run(), standing.run())]
        await _remember(database, sealer)
        try:
            yield Ground(database, door, intake, log, clock, standing, sealer, place, secret)
        finally:
            for task in running:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            await database.close()


async def _remember(database: Database, sealer: Sealer) -> None:
    assert sealer.key is not None
    async with database.transaction() as tx:
        known = await tx.driver.fetchval("select count(*) from sealing_key where id = $1", sealer.key.id)
        if not known:
            row = insert(sealing_keys).values(id=sealer.key.id, public=sealer.key.public, current=True)
            await tx.connection.execute(row)


def event(
    type_: str, data: Mapping[str, Any], *, agency: str = POLICE, at: datetime = NOW, **more: Any
) -> dict[str, Any]:
    """An event as an agency writes it."""
    name, _, major = type_.rpartition(".v")
    return {
        "specversion": "1.0",
        "id": uuid4().hex,
        "source": f"/agencies/{agency}",
        "type": type_,
        "time": (at - timedelta(minutes=1)).isoformat(),
        "dataschema": f"urn:safeguarding-exchange:schema:{name}:{major}.0",
        "partnership": "northshire",
        "data": data,
    } | more


def referral(
    *, agency: str = POLICE, at: datetime = NOW, data: Mapping[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    """A referral of one child's death; its words can be looked for."""
    content = {
        "nature": "child_death",
        "abuseOrNeglect": "suspected",
        "occurrence": {"dateFrom": "2026-08-27", "location": "Place A"},
        "hostAuthority": "E06000991",
        "children": [
            {"identity": {"name": "Child A", "dateOfBirth": "2019-08-28", "address": "Address A"}, "sex": "female"}
        ],
        "summary": "Phrase A",
        "contact": {"name": "Duty officer A", "phone": "01632 960000"},
    }
    return event("incident.referred.v1", content | dict(data or {}), agency=agency, at=at, **more)


def triage(incident: str | None = None, *, at: datetime = NOW, **more: Any) -> dict[str, Any]:
    """The authority's decision that it is notifiable."""
    data = {
        "notifiable": True,
        "grounds": ["S16C_A"],
        "becameAwareAt": (at - timedelta(minutes=5)).isoformat(),
        "reasons": "Reason A",
    }
    about = {"subject": incident} if incident else {}
    return event("notifiability.decided.v1", data, agency=COUNCIL, at=at, **about, **more)
