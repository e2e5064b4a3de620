"""A gateway without its ways in, on a real PostgreSQL: incidents are recorded, heard about and ticked at will."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import MetaData

import services.gateway
from contracts.envelope import AnyEvent
from contracts.identifiers import mint
from contracts.sealing import Model
from infra.postgres.provision import ServiceDatabase
from services.gateway import past, views
from services.gateway.calendar import CALENDAR, STREAM
from services.gateway.incident import decide
from services.gateway.reactions import register
from services.gateway.routing import route
from services.gateway.surroundings import context
from services.gateway.tick import Ticking
from shared.consumer import Reactions, Work, Workplace
from shared.database import Database, Transaction
from shared.days_off import calendar
from shared.eventlog import EventLog, log_tables
from shared.listed import directory
from shared.migrate import upgrade
from shared.working_days import Calendar
from tests.faults.gateway.ground import begin_directory
from tests.stacks import Stack
from tests.unit.gateway_stories import AUTHORITIES, HOST, PARTNERS, event, referral

MIGRATIONS = Path(services.gateway.__file__).parent / "migrations"


def directory_text() -> str:
    """The agencies that the stories know, each authority with its area and the partners in the host's."""
    agencies = [
        *((agency, "local_authority", area) for area, agency in AUTHORITIES.items()),
        *((agency, kind, HOST) for agency, kind in zip(PARTNERS, ("icb", "police_force"), strict=True)),
    ]
    return "\n".join(
        [
            f'[[partnership]]\nid = "northshire"\nname = "Northshire"\nareas = {sorted(AUTHORITIES)}',
            *(
                f'[[agency]]\nid = "{agency}"\nname = "{agency}"\ntype = "{kind}"\nareas = ["{area}"]'
                '\npartnerships = ["northshire"]'
                for agency, kind, area in agencies
            ),
        ]
    )


@dataclass
class SetClock:
    """Stands where it is put."""

    time: datetime

    def now(self) -> datetime:
        return self.time

    def at(self, real: datetime) -> datetime:
        return real


async def _calendar(tx: Transaction) -> Calendar:
    return await calendar(tx.connection)


@dataclass
class Gateway:
    """What a test does to the gateway. Every step is a transaction of its own, as in the service."""

    database: Database
    clock: SetClock
    arrived: Callable[[datetime], Awaitable[bool]] | None = None
    place: Workplace = field(init=False)

    def __post_init__(self) -> None:
        log = EventLog("gateway", log_tables(MetaData()), route)
        self.place = Workplace("gateway", log, self.clock, _calendar, views.apply)

    def ticking(self) -> Ticking:
        more = {} if self.arrived is None else {"arrived": self.arrived}
        return Ticking(self.place, self.database, **more)

    @asynccontextmanager
    async def work(self, cause: AnyEvent) -> AsyncIterator[Work]:
        async with self.database.transaction(self.place.log) as tx:
            yield await self.place.work(tx, cause)

    async def refer(self, at: datetime, **changed: Any) -> str:
        """A referral taken at that instant; its incident."""
        name = mint("incident")
        await self.propose(name, referral(**changed), at)
        return name

    async def propose(self, name: str, data: Model, at: datetime, **attributes: Any) -> list[AnyEvent]:
        self.clock.time = at
        proposal = event(data, at, name, **attributes)
        facts: list[AnyEvent] = []
        async with self.work(proposal) as work:
            incident, _ = await past.incident(work.tx, work.place.log, name)
            outcomes = decide(incident, proposal, context(await directory(work.tx.connection), at, work.calendar))
            facts = await work.record(name, outcomes)
        return facts

    async def hear(self, name: str, data: Model, at: datetime, version: int = 1) -> None:
        """A fact of the notification, as the reader hands it over."""
        self.clock.time = at
        fact = event(data, at, name, source="/services/notifications", streamversion=version)
        reactions = Reactions("gateway")
        register(reactions)
        async with self.work(fact) as work:
            for reaction in reactions.to("safeguarding.notifications", fact.name):
                await reaction(fact, work)

    async def proclaim(self, data: Model, at: datetime, by: str) -> None:
        self.clock.time = at
        proposal = event(data, at, STREAM, actor=by)
        async with self.work(proposal) as work:
            await work.decide(CALENDAR, STREAM, proposal)

    async def tick(self, at: datetime) -> int:
        self.clock.time = at
        return await self.ticking().tick()

    async def facts(self, name: str) -> list[AnyEvent]:
        async with self.database.reading() as connection:
            return await self.place.log.load(connection, name)

    async def rows(self, question: str, *values: Any) -> list[tuple[Any, ...]]:
        async with self.database.transaction() as tx:
            return [tuple(row) for row in await tx.driver.fetch(question, *values)]


async def gateway_database(stack: Stack) -> ServiceDatabase:
    service = stack.create_database(f"tick_{uuid4().hex[:8]}")
    await upgrade(MIGRATIONS, service.owner_url, service.runtime_role)
    await begin_directory(service, directory_text())
    return service
