"""Rapid reviews without their ways in, on a real PostgreSQL: facts are heard, proposals judged and clocks ticked."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import MetaData

import services.rapid_review
from contracts.directory import said_in
from contracts.envelope import AnyEvent
from contracts.identifiers import mint
from contracts.sealing import Model
from infra.postgres.provision import ServiceDatabase
from services.rapid_review.agenda import ReviewAgenda
from services.rapid_review.proposals import Projection, judge
from services.rapid_review.reactions import reactions
from services.rapid_review.streams import practice_of, review_of
from shared.assembly import by_subject
from shared.consumer import Work, Workplace
from shared.database import Database, Transaction
from shared.days_off import calendar
from shared.eventlog import EventLog, log_tables
from shared.migrate import upgrade
from shared.ticking import Ticking
from shared.working_days import Calendar
from tests.stacks import Stack
from tests.unit.review_stories import COUNCIL, HOST, ICB, POLICE, SCHOOL, aware, event, owner_of, referral, submission

MIGRATIONS = Path(services.rapid_review.__file__).parent / "migrations"
PARTNERSHIP = "northbank"


def directory_text(partnership: str = PARTNERSHIP, area: str = HOST, prefix: str = "northbank") -> str:
    """One partnership with its three partners and a school, each with its office mailboxes."""
    kinds = {"council": "local_authority", "icb": "icb", "police": "police_force", "school": "school"}
    agencies = [
        f'[[agency]]\nid = "{prefix}-{name}"\nname = "{prefix} {name}"\ntype = "{kind}"\nareas = ["{area}"]'
        f'\npartnerships = ["{partnership}"]\nmailboxes = {{ lead = "lead@{prefix}-{name}.example", '
        f'business_unit = "unit@{prefix}-{name}.example", approver = "approver@{prefix}-{name}.example" }}'
        f'\ncontacts = {{ escalation = "senior@{prefix}-{name}.example" }}'
        f'\n[[agreement]]\nagency = "{prefix}-{name}"\npartnership = "{partnership}"'
        '\nlegal_basis = "Children Act 2004 section 16H, and public task."'
        '\nreview_on = 2030-01-01\nmay_propose = "ceiling"\nmay_read = "ceiling"\nincidents = ["own", "participant"'
        + (', "area"]' if kind != "school" else "]")
        for name, kind in kinds.items()
    ]
    return "\n".join([f'[[partnership]]\nid = "{partnership}"\nname = "{prefix}"\nareas = ["{area}"]', *agencies])


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
class Reviews:
    """What a test does to the service. Every step is a transaction of its own, as in the service."""

    database: Database
    clock: SetClock
    place: Workplace = field(init=False)
    projection: Projection = field(init=False)
    heard: dict[tuple[str, str], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        log = EventLog("rapid-review", log_tables(MetaData()), by_subject)
        self.projection = Projection(log, self.clock)
        self.place = Workplace("rapid-review", log, self.clock, _calendar, self.projection, gathers=True)

    @asynccontextmanager
    async def work(self, cause: AnyEvent) -> AsyncIterator[Work]:
        async with self.database.transaction(self.place.log) as tx:
            yield await self.place.work(tx, cause)

    async def react(self, topic: str, fact: AnyEvent) -> None:
        react = reactions()
        async with self.work(fact) as work:
            for reaction in react.to(topic, fact.name):
                await reaction(fact, work)

    async def hear(self, subject: str, data: Model, at: datetime, **attributes: Any) -> AnyEvent:
        """The next fact of its owner's stream about the incident."""
        self.clock.time = max(self.clock.time, at)
        source = owner_of(data)
        version = self.heard[subject, source] = self.heard.get((subject, source), 0) + 1
        more = {"source": source, "streamversion": version, "recordedtime": at} | attributes
        fact = event(data, at, subject, **more)
        await self.react(
            "safeguarding.notifications" if source.endswith("notifications") else "safeguarding.incidents", fact
        )
        return fact

    async def know(self, text: str) -> None:
        """Have a directory known."""
        for number, (partnership, data) in enumerate(said_in(text), 1):
            await self.listed(partnership, data, number)

    async def listed(self, partnership: str, data: Model, number: int) -> None:
        at = datetime(2020, 1, 1, tzinfo=UTC)
        source = {"source": "/services/gateway", "partnership": partnership, "agency": None, "actor": "bootstrap"}
        fact = event(data, at, f"partnership-{partnership}", **source, streamversion=number, recordedtime=at)
        await self.react("safeguarding.directory", fact)

    async def propose(self, subject: str, data: Model, at: datetime, **attributes: Any) -> list[AnyEvent]:
        """What follows from a proposal. Raises what the judge raises."""
        self.clock.time = max(self.clock.time, at)
        proposal = event(data, at, subject, **attributes)
        async with self.work(proposal) as work:
            return list(await judge(proposal, work))

    async def begun(self, at: datetime, **attributes: Any) -> str:
        """An incident whose review opened by itself."""
        subject = mint("incident")
        await self.hear(subject, referral(), at, **attributes)
        await self.hear(subject, aware(at), at, **attributes)
        await self.hear(subject, submission(at), at, **attributes)
        return subject

    def ticking(self) -> Ticking:
        return Ticking(ReviewAgenda(self.place), self.database, self.place.log, self.clock)

    async def tick(self, at: datetime) -> int:
        self.clock.time = at
        return await self.ticking().tick()

    async def facts(self, subject: str) -> list[AnyEvent]:
        async with self.database.reading() as connection:
            rapid = await self.place.log.load(connection, review_of(subject))
            return [*rapid, *await self.place.log.load(connection, practice_of(subject))]

    async def rows(self, question: str, *values: Any) -> list[tuple[Any, ...]]:
        async with self.database.transaction() as tx:
            return [tuple(row) for row in await tx.driver.fetch(question, *values)]


async def review_database(stack: Stack) -> ServiceDatabase:
    service = stack.create_database(f"review_{uuid4().hex[:8]}")
    await upgrade(MIGRATIONS, service.owner_url, service.runtime_role)
    return service


__all__ = ["COUNCIL", "ICB", "POLICE", "SCHOOL", "Reviews", "SetClock", "directory_text", "review_database"]
