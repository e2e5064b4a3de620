"""Building blocks for what delivery is tested with: its own database, a directory, and facts as relays bring them."""

import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nacl.public import PrivateKey
from sqlalchemy import MetaData

from contracts.access import Incidents
from contracts.agreements import AgencyListed, AgreementApproved, AgreementEnded, PartnershipEstablished, Terms
from contracts.catalogue import CATALOGUE, topic_of, version
from contracts.codes import AgencyType
from contracts.envelope import AnyEvent
from contracts.identifiers import mint
from contracts.sealing import Model
from services.delivery.reactions import reactions
from services.delivery.reading import Page, read
from shared.assembly import by_subject
from shared.clock import RealClock
from shared.consumer import Parking, Reader, Record, Workplace
from shared.database import Database
from shared.days_off import calendar
from shared.eventlog import EventLog, log_tables
from shared.migrate import upgrade
from shared.vault_client.sealing import Sealer, SealingKey
from tests.stacks import Stack
from tests.unit.gateway_stories import HOST, Story, event, london, referral

MIGRATIONS = Path("services/delivery/migrations")
BEGAN = datetime(2026, 3, 1, 9, tzinfo=UTC)
COUNCIL, ICB, POLICE, SCHOOL = "northbank-council", "northbank-icb", "northbank-police", "northbank-academy"
KINDS = {
    COUNCIL: AgencyType.LOCAL_AUTHORITY,
    ICB: AgencyType.ICB,
    POLICE: AgencyType.POLICE_FORCE,
    SCHOOL: AgencyType.SCHOOL,
}
READABLE = tuple(sorted(name for name, entry in CATALOGUE.items() if entry.ceiling.agencies))
PARTNERSHIP = "northbank"


def terms(agency: str, **changed: Any) -> Terms:
    """Everything of the incidents it takes part in, unless something else is said."""
    asked: dict[str, Any] = {
        "agency": agency,
        "legal_basis": "Children Act 2004 section 16E",
        "review_on": "2027-04-01",
        "incidents": (Incidents.OWN, Incidents.PARTICIPANT, Incidents.AREA),
        "may_read": READABLE,
    }
    return Terms(**asked | changed)


def agreed(agency: str, number: int = 1, **changed: Any) -> AgreementApproved:
    """An agreement that counts from now on."""
    told = terms(agency, **changed)
    return AgreementApproved(agency=agency, version=number, hash=told.fingerprint(PARTNERSHIP, number), agreement=told)


def ended(agency: str) -> AgreementEnded:
    return AgreementEnded(agency=agency, why="for a test")


@dataclass
class Facts:
    """Facts as their owners' relays publish them: each with its position, and in its stream with its version."""

    positions: dict[str, int] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)

    def record(self, fact: AnyEvent) -> Record:
        """The record that a fact comes in."""
        topic, owner = topic_of(fact), CATALOGUE[fact.name].owner
        previous = self.positions.get(topic, 0)
        self.positions[topic] = previous + 1
        return Record(topic, 0, previous, fact.subject, fact.to_json(), BEGAN, owner, self.positions[topic], previous)

    def of_the_directory(self, data: Model) -> AnyEvent:
        """Something said of the partnership."""
        (name,) = (entry.name for entry in CATALOGUE.values() if entry.model is type(data))
        _, _, envelope = version(f"{name}.v1")
        subject = f"partnership-{PARTNERSHIP}"
        self.versions[subject] = self.versions.get(subject, 0) + 1
        return envelope.model_validate(
            {
                "id": f"directory-{self.versions[subject]}",
                "source": "/services/gateway",
                "type": f"{name}.v1",
                "dataschema": CATALOGUE[name].schema,
                "subject": subject,
                "time": BEGAN,
                "recordedtime": BEGAN,
                "businessdate": BEGAN.date(),
                "partnership": PARTNERSHIP,
                "streamversion": self.versions[subject],
                "data": data,
            }
        )

    def stated(self, story: Story, data: Model, at: datetime) -> AnyEvent:
        """A fact of the incident's stream, or of its notification, that no rule of the story need follow."""
        number = self.versions[story.subject] = self.versions.get(story.subject, 1000) + 1
        more = {"recordedtime": at, "businessdate": at.date(), "streamversion": number, "source": "/services/gateway"}
        return event(data, at, story.subject, **more)


@dataclass
class Delivery:
    """Delivery's inside on a real database: what comes is applied in the reader's own transactions."""

    database: Database
    reader: Reader
    facts: Facts = field(default_factory=Facts)

    async def take(self, *facts: AnyEvent) -> None:
        """Apply facts as one batch."""
        await self.reader.apply([self.facts.record(fact) for fact in facts])

    async def say(self, *data: Model) -> None:
        """Have the directory changed."""
        for one in data:
            await self.take(self.facts.of_the_directory(one))

    async def feed(self, agency: str, after: int = 0, partnerships: Iterable[str] | None = None) -> Page:
        """What an agency reads now."""
        told = None if partnerships is None else frozenset(partnerships)
        return await read(self.database, agency, after, 500, told)

    async def shown(self, agency: str, about: str | None = None) -> list[str]:
        """The types in an agency's feed, those about an incident alone, tombstones among them."""
        page = await self.feed(agency)
        mine = [item for item in page.items if about is None or item.subject in (about, None)]
        return [item.type for item in mine if not item.type.startswith(("agency.", "agreement.", "partnership."))]

    async def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What a query finds."""
        async with self.database.transaction() as tx:
            return [tuple(row) for row in await tx.driver.fetch(query)]


async def new_database(stack: Stack, name: str) -> str:
    """A database with delivery's tables; the runtime role's way in."""
    made = stack.create_database(name)
    await upgrade(MIGRATIONS, made.owner_url, made.runtime_role)
    return made.runtime_url


def reader_on(database: Database, wake: Any) -> Reader:
    """Delivery's reader, which seals what it parks to a key that nobody has."""
    log = EventLog("delivery", log_tables(MetaData()), by_subject)
    workplace = Workplace("delivery", log, RealClock(), lambda tx: calendar(tx.connection))
    sealer = Sealer(SealingKey.of(bytes(PrivateKey.generate().public_key)))
    return Reader(workplace, database, reactions(wake), Parking(sealer))


@asynccontextmanager
async def delivery_on(url: str, wake: Any = lambda: None) -> AsyncIterator[Delivery]:
    database = Database(url, pool_size=5)
    try:
        yield Delivery(database, reader_on(database, wake))
    finally:
        await database.close()


async def listed(delivery: Delivery, agencies: Mapping[str, AgencyType] = KINDS) -> None:
    """The partnership with its agencies, each under the widest agreement."""
    await delivery.say(PartnershipEstablished(name="Northbank partnership", areas=(HOST,)))
    for agency, kind in agencies.items():
        areas = () if kind is AgencyType.SCHOOL else (HOST,)
        await delivery.say(AgencyListed(agency=agency, name=agency.title(), type=kind, areas=areas), agreed(agency))


def an_incident() -> Story:
    """A story with a subject of its own."""
    return Story(subject=mint("incident"))


def as_json(page: Page) -> list[dict[str, Any]]:
    return [json.loads(item.to_json()) for item in page.items]


def referred_by(agency: str, story: Story | None = None) -> Story:
    """An incident that the agency referred on 10 March, with the partners that are told of it."""
    story = story or an_incident()
    story.partners = {HOST: (ICB, POLICE)}
    story.propose(referral(), london("2026-03-10"), agency=agency, source=f"/agencies/{agency}")
    return story
